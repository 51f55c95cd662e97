#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Canaries: with everything said that adit can say, in every command, no password and no token
stands where it does not belong: on stderr, in an argument, in the environment, in a file."""
import json
import os
import subprocess
import threading
import time

from command import ADIT, Home, check, equal

from hostile_authority import PASSWORD, Hostile
from harness import Suite

suite = Suite()
hostile = Hostile()
# Where the kernel says what a process was started with.
SHOWN = ('cmdline', 'environ')


class Watch:
    """Looks at every adit that runs below this process, as long as it is watched."""

    def __init__(self):
        self.seen, self.ended = set(), False
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.ended:
            for entry in filter(str.isdigit, os.listdir('/proc')):
                for name in SHOWN:
                    self.read(f'/proc/{entry}', name)
            time.sleep(0.0005)

    def read(self, process, name):
        """Of what runs as somebody else, or is not to be dumped, only root sees all."""
        try:
            with open(f'{process}/comm', encoding='utf-8') as file:
                if file.read() == 'adit\n':
                    with open(f'{process}/{name}', 'rb') as shown:
                        self.seen.add(shown.read())
        except OSError:
            pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()


def secrets_of(name):
    """Every secret that this authority has given or taken."""
    instance = hostile.instance(name)
    return {PASSWORD, *instance.access, *instance.refresh, *instance.codes, *instance.devices}


def files_below(folder):
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), 'rb') as file:
                yield os.path.join(path, name), file.read()


def commands(home, url):
    """Every command, and whether a token on stdout is what it is for."""
    yield ['service', 'set', url, '-u', 'anyone', '--password-fd', '0'], False
    yield ['service', 'verify', url], False
    yield ['service', 'rotate', url, '--password-fd', '0'], False
    yield ['status'], False
    yield ['status', '--json'], False
    yield ['token', url, '--min-ttl', '3600'], True
    yield ['token', url, '--json'], True
    yield ['run', url, '--', 'sh', '-c', 'env; ls -la "$ADIT_TOKEN_FILE"; sleep 1.5'], False
    yield ['call', url, url + '/api', '--include'], True
    yield ['login', url, '--device', '--account', 'anna'], False
    yield ['login', url, '--account', 'otto'], False
    yield ['logout', url, '--account', 'anna', '--client-id', 'adit'], False
    yield ['service', 'forget', url, '--account', 'anyone'], False
    yield ['decode', '--verify', url, '-'], False
    del home


@suite.in_folder('every command at its most verbose')
def every_command(folder):
    home = Home(folder)
    opener = os.path.join(folder, 'bin')
    os.mkdir(opener)
    with open(os.path.join(opener, 'xdg-open'), 'w', encoding='utf-8') as file:
        file.write('#!/bin/sh\nexec curl -sSL -o /dev/null "$1"\n')
    os.chmod(os.path.join(opener, 'xdg-open'), 0o755)
    home.environment['PATH'] = f'{opener}:{home.environment["PATH"]}'
    name = 'good.canary'
    url = hostile.url(name)
    hostile.instance(name).settings |= {'expires_in': 3}
    ran = []
    with Watch() as watch:
        for command, shows in commands(home, url):
            more = ['-v'] if command[0] != 'run' else []
            at = command.index('--') if '--' in command else len(command)
            done = home.run(*command[:at], *more, *command[at:], given=PASSWORD.encode())
            ran.append((command, shows, done))
    secrets = secrets_of(name)
    check(len(secrets) > 8, f'{len(secrets)} secrets only')
    for command, shows, done in ran:
        for secret in secrets:
            check(secret not in done.complained, f'{command} says it: {done.complained}')
            check(shows or secret not in done.said, f'{command} shows it: {done.said}')
    equal([(command[:2], done.returncode) for command, _, done in ran if done.returncode],
          [(['decode', '--verify'], 2)], 'commands that failed')
    check(any(b'rotate' in seen for seen in watch.seen), 'nothing was watched')
    for seen in watch.seen:
        check(not any(secret.encode() in seen for secret in secrets), repr(seen))
    for path, content in files_below(folder):
        check(not any(secret.encode() in content for secret in secrets), path)


@suite.in_folder('refusals, and answers that make no sense, at their most verbose')
def refusals(folder):
    home = Home(folder)
    for case in ('token-html', 'token-403-empty', 'token-token-newline', 'token-truncated',
                 'token-type-mac', 'token-expires-words', 'token-400-controls', 'token-lost',
                 'discovery-html', 'token-redirect-out'):
        done = home.run('service', 'set', hostile.url(case), '-u', 'anyone', '-v',
                        '--password-fd', '0', given=b'canary-in-the-mine')
        check(done.returncode not in (0, 2), f'{case} {done.returncode} {done.complained}')
        check('canary' not in done.complained + done.said, f'{case} {done.complained}')
        instance = hostile.instance(case)
        for secret in [*instance.access, *instance.refresh]:
            check(secret not in done.complained, f'{case} {done.complained}')
    for path, content in files_below(home.state):
        check(b'canary' not in content, path)


@suite.in_folder('no core file of adit has a secret, as there is none')
def core(folder):
    home = Home(folder)
    url = hostile.url('token-silent.core')
    with subprocess.Popen([ADIT, 'service', 'set', url, '-u', 'x', '--password-fd', '0'],
                          stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder,
                          env=home.environment) as running:
        running.stdin.write(b'canary-in-the-mine')
        running.stdin.close()
        while not hostile.instance('token-silent.core').counts['token']:
            check(running.poll() is None, 'it ended')
            time.sleep(0.01)
        running.send_signal(11)
        running.wait(60)
    left = {path for path, content in files_below(folder) if b'canary' in content}
    check(not left and not any('core' in path for path, _ in files_below(folder)), repr(left))


suite.run(2)
hostile.stop()
suite.tap.finish()
