#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""adit login: in a browser, by a code, and how it ends where nobody signs in."""
import json
import os
import re
import subprocess
import time

from command import ADIT, PATIENCE_S, Home, Terminal, check, equal, waits

from hostile_authority import PASSWORD, Hostile
from harness import Suite, until

suite = Suite()
hostile = Hostile()


def with_browser(home, script):
    """A browser of the test's own in place of the desktop's."""
    folder = os.path.join(home.folder, 'bin')
    os.mkdir(folder)
    path = os.path.join(folder, 'xdg-open')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'#!/bin/sh\n{script}\n')
    os.chmod(path, 0o755)
    home.environment['PATH'] = f'{folder}:{home.environment["PATH"]}'


@suite.in_folder('in a browser')
def browser(folder):
    home = Home(folder)
    with_browser(home, 'exec curl -sSL -o page "$1"')
    url = hostile.url('good.browser')
    done = home.run('login', url)
    equal((done.returncode, done.said), (0, f'signed in at {url} as Anna\n'), done.complained)
    check(re.search(rf'^  {url}/connect/authorize\?\S+$', done.complained, re.M), done.complained)
    check(home.good('token', url).startswith('at-'), 'a token')
    account = home.json('status')[0]
    equal((account['client_id'], account['kind']), ('adit', 'person'), 'account')


@suite.in_folder('in a browser that the person opens')
def no_browser(folder):
    home = Home(folder)
    with_browser(home, 'touch opened')
    url = hostile.url('good.own-browser')
    with subprocess.Popen([ADIT, 'login', url, '--no-browser', '--json'], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=home.environment, text=True) as running:
        address = json.loads(running.stdout.readline())['authorization_url']
        subprocess.run(['curl', '-sSL', '-o', os.path.join(folder, 'page'), address], check=True,
                       env=home.environment)
        told = json.loads(running.stdout.read())
        equal((waits(running), running.stderr.read()), (0, ''), 'its end')
    equal((told['authority'], told['client_id'], told['name']), (url, 'adit', 'Anna'), repr(told))
    check(told['expires_at'] > time.time(), repr(told))
    check(not os.path.exists(os.path.join(folder, 'opened')), 'a browser was opened')


@suite.in_folder('no browser, and nobody to read the address')
def nobody(folder):
    home = Home(folder)
    tools = os.path.join(folder, 'tools')
    os.mkdir(tools)
    done = home.run('login', hostile.url('good.nobody'), environment={'PATH': tools})
    equal((done.returncode, done.said), (8, ''), done.complained)


@suite.in_folder('by a code')
def device(folder):
    home = Home(folder)
    url = hostile.url('good.device')
    hostile.instance('good.device').settings |= {'pending': 1}
    done = home.run('login', url, '--device')
    equal((done.returncode, done.said), (0, f'signed in at {url} as Anna\n'), done.complained)
    for word in (f'  {url}/connect/authorize\n', '  WDJB-MJHT  \n', 'good for 10 minutes'):
        check(word in done.complained, done.complained)
    check('\033' not in done.complained and '\u2588' not in done.complained, done.complained)
    done = home.run('login', url, '--device', '--qr')
    check('\u2588' in done.complained and '\033' not in done.complained, done.complained)
    home.good('token', url)


@suite.in_folder('by a code, as JSON')
def device_json(folder):
    home = Home(folder)
    url = hostile.url('good.device-json')
    lines = home.good('login', url, '--device', '--json', '--account', 'anna').split('\n')
    first, last = (json.loads(line) for line in lines[:2])
    equal(first, {'user_code': 'WDJB-MJHT', 'verification_uri': url + '/connect/authorize',
                  'expires_in': 600}, 'the code')
    equal((last['account'], last['name'], len(lines)), ('anna', 'Anna', 3), repr(last))
    home.good('token', url, '--account', 'anna')
    home.fails(8, 'token', url, '--account', 'otto')


@suite.in_folder('by a code, on a terminal')
def device_terminal(folder):
    home = Home(folder)
    url = hostile.url('good.device-terminal')
    code, seen = Terminal(home, 'login', url, '--device').end()
    text = seen.decode()
    equal(code, 0, text)
    check('\033[1;7m  WDJB-MJHT  \033[0m' in text, text)
    # A terminal of unknown size has 80 columns, which is enough.
    check('\u2580' in text and '\033[38;5;16;48;5;231m' in text, text)
    code, seen = Terminal(home, 'login', url, '--device', NO_COLOR='1').end()
    text = seen.decode()
    check('  WDJB-MJHT  ' in text and '\u2588' in text and '\033' not in text, text)


@suite.in_folder('nobody enters the code')
def expired(folder):
    home = Home(folder)
    hostile.instance('good.pending').settings |= {'pending': 10 ** 6}
    done = home.run('login', hostile.url('good.pending'), '--device', '--timeout', '2')
    check(done.returncode in (4, 8), f'{done.returncode} {done.complained}')
    equal(done.said, '', 'stdout')


@suite.in_folder('Ctrl-C while a person is waited for')
def cancelled(folder):
    home = Home(folder)
    for name, more in (('good.cancel-device', ['--device']), ('good.cancel', ['--no-browser'])):
        hostile.instance(name).settings |= {'pending': 10 ** 6}
        with subprocess.Popen([ADIT, 'login', hostile.url(name), '--json', *more],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=home.environment) as running:
            check(running.stdout.readline(), 'the first line')
            running.send_signal(2)
            equal((waits(running), running.stderr.read()), (130, b''), name)
    equal(home.json('status'), [], 'status')


@suite.in_folder('a person and a Service User side by side')
def both(folder):
    home = Home(folder)
    url = hostile.url('good.both')
    home.good('login', url, '--device', '--json')
    home.good('service', 'set', url, '-u', 'anyone', '--password-fd', '0',
              given=PASSWORD.encode())
    home.fails(2, 'token', url, words=['--client-id adit', '--client-id external.customer'])
    home.good('token', url, '--client-id', 'adit')
    home.good('token', url, '--account', 'anyone')
    home.good('logout', url, '--client-id', 'adit')
    home.fails(8, 'token', url, '--client-id', 'adit')


@suite.in_folder('a code with characters that a terminal would obey')
def hostile_code(folder):
    home = Home(folder)
    for name in ('device-user-code-controls', 'device-uri-script'):
        done = home.run('login', hostile.url(name), '--device', '--timeout', '5')
        check('\033' not in done.complained and '\r' not in done.complained, done.complained)


suite.run(4)
hostile.stop()
suite.tap.finish()
