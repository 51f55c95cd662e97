#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/, each run against `aditd dev` and the sample API; that of a person's
desktop against npm's oidc-provider, with a script as browser and person. TAP.

test_examples.py ADITD EXTERNAL_API NAME=PROGRAM…
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
sys.path[:0] = [os.path.join(SOURCE, 'tests', folder) for folder in ('blackbox', 'tools')]

from harness import PATIENCE_S, SANITIZER, Dev, check, claims_of, equal  # noqa: E402
from tap import Tap  # noqa: E402

API = sys.argv[2]
PROGRAMS = dict(argument.split('=', 1) for argument in sys.argv[3:])


class Place:
    """An authority, the API, and a Service User's password in a file of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.dev = Dev()
        self.user = self.dev.users[0]
        self.secret = self.write('secret', self.user['password'])
        # pylint: disable-next=consider-using-with
        self.api = subprocess.Popen(
            [API, '--authority', self.dev.issuer, '--listen', '127.0.0.1:0', '--data',
             os.path.join(folder, 'api.db')], stdout=subprocess.PIPE, text=True)
        self.plans = (self.api.stdout.readline().split()[-1] +
                      f'/api/v1/sites/{self.user["site"]}/plans')

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
            file.write(text + '\n')
        return path

    def end(self):
        self.api.terminate()
        self.api.wait(PATIENCE_S)
        self.api.stdout.close()
        self.dev.stop()


def run(name, *arguments, **more):
    done = subprocess.run([PROGRAMS[name], *arguments], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False, **more)
    check(not SANITIZER.search(done.stderr), done.stderr)
    return done


def check_token(place):
    done = run('token', place.dev.issuer, place.user['username'], 'file:' + place.secret)
    equal((done.returncode, done.stderr), (0, ''), 'its end')
    check(done.stdout.startswith('Authorization: Bearer '), done.stdout[:30])
    equal(claims_of(done.stdout.split()[-1])['iss'], place.dev.issuer, 'the issuer')


def check_token_refused(place):
    secret = place.write('wrong', 'not the password')
    done = run('token', place.dev.issuer, place.user['username'], 'file:' + secret)
    equal((done.returncode, done.stdout), (1, ''), 'its end')
    check('invalid_grant' in done.stderr and 'not the password' not in done.stderr, done.stderr)
    done = run('token', 'http://127.0.0.1:1/identity', 'plans', 'file:' + secret)
    equal((done.returncode, done.stdout), (1, ''), 'its end')
    check('127.0.0.1:1' in done.stderr, done.stderr)
    equal(run('token').returncode, 2, 'its exit status without arguments')


def check_event_loop(place):
    """While the authority answers nothing, the program goes on."""
    place.dev.process.send_signal(signal.SIGSTOP)
    threading.Timer(0.5, place.dev.process.send_signal, [signal.SIGCONT]).start()
    done = run('event_loop', place.dev.issuer, place.user['username'], 'file:' + place.secret)
    equal((done.returncode, done.stderr), (0, ''), 'its end')
    told = re.fullmatch(r'a token for 3\d{3} s in (\d+) steps, and (\d+) ticks\n', done.stdout)
    check(told and int(told[1]) > 1 and int(told[2]) > 1, done.stdout)


def feed(place, folder, *more):
    return subprocess.Popen(
        [PROGRAMS['feed'], place.dev.issuer, place.user['username'], 'file:' + place.secret,
         place.plans, '0', *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=open(os.path.join(folder, 'feed.err'), 'w', encoding='utf-8'), text=True)


def check_feed(place):
    """Fetches again and again, with one token, and ends when it is told to, in the middle of
    waiting for its turn too."""
    storage = os.path.join(place.folder, 'state')
    with feed(place, place.folder, storage) as service:
        for _ in range(20):
            check(service.stdout.readline().startswith('200 '), 'the feed fails')
        service.send_signal(signal.SIGTERM)
        equal(service.wait(PATIENCE_S), 0, "the feed's exit status")
    check(any('token' in name for name in os.listdir(storage)), os.listdir(storage))
    with feed(place, place.folder, storage) as service:
        # The other one had all turns of these ten seconds.
        try:
            line = service.communicate(timeout=1)[0]
        except subprocess.TimeoutExpired:
            line = None
        service.send_signal(signal.SIGTERM)
        equal(service.wait(PATIENCE_S), 0, 'its exit status')
    equal(line, None, 'what it fetched meanwhile')
    with open(os.path.join(place.folder, 'feed.err'), encoding='utf-8') as file:
        check(not SANITIZER.search(file.read()), 'a sanitizer has something to say')


def check_feed_ends(place):
    """What only a person can mend is not tried again."""
    secret = place.write('wrong2', 'not the password')
    done = run('feed', place.dev.issuer, place.user['username'], 'file:' + secret, place.plans,
               '0')
    equal(done.returncode, 1, 'its exit status')
    equal(done.stderr.count('\n'), 1, 'its lines of complaint')


def check_desktop(folder):
    """Signs in by the browser once, and from then on by what is kept."""
    here = os.path.join(SOURCE, 'tests/client')
    path = os.path.join(folder, 'xdg-open')
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o700), 'w', encoding='utf-8') as file:
        file.write('#!/bin/sh\n'
                   f'/usr/bin/python3 {here}/person.py "$1" > {folder}/person.json 2>&1 &\n')
    environment = {**os.environ, 'PATH': folder + ':' + os.environ['PATH'], 'DISPLAY': ':none'}
    environment.pop('DBUS_SESSION_BUS_ADDRESS', None)
    with subprocess.Popen(['node', os.path.join(here, 'oidc_provider.mjs')], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as provider:
        try:
            said = json.loads(provider.stdout.readline())
            arguments = (said['authority'], said['clients']['native']['client_id'],
                         os.path.join(folder, 'desktop'))
            first = run('desktop', *arguments, env=environment)
            os.unlink(path)
            second = run('desktop', *arguments, env=environment)
        finally:
            provider.terminate()
    equal((first.returncode, first.stderr), (0, ''), 'the first run')
    lines = first.stdout.split('\n')
    equal(lines[0], 'Your browser opens, for you to sign in.', 'what it says first')
    check(re.fullmatch(r'Signed in as \S+\.', lines[1]), first.stdout)
    equal((second.returncode, second.stdout), (0, lines[1] + '\n'), 'the second run')


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for name, body in (('token', check_token), ('token, refused', check_token_refused),
                           ('event_loop', check_event_loop), ('feed', check_feed),
                           ('feed, refused', check_feed_ends)):
            tap.run(name, body, place)
        place.end()
        if os.path.isdir(os.path.join(SOURCE, 'tests/clients/node_modules')):
            tap.run('desktop', check_desktop, folder)
        else:
            tap.skip('desktop', 'no tests/clients/node_modules; ./check installs them')
    tap.finish()


main()
