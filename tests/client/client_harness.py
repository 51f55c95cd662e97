# SPDX-License-Identifier: Apache-2.0
"""What the black-box tests of the client share: programs on libadit that lines drive
(driver.c), an authority that misbehaves, and the rules that every answer keeps.

A test is run as: python3 test_X.py ADITD DRIVER [KILL_AT_SYSCALL]
"""
import json
import os
import re
import select
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '../blackbox'), HERE]

from harness import PATIENCE_S, SANITIZER, check, equal
from hostile_authority import PASSWORD, Hostile

DRIVER = os.path.abspath(sys.argv[2])
CLIENT = 'external.customer'
# Of <adit/error.h>.
MEMORY, INVALID, UNAVAILABLE, TIMEOUT = -1, -2, -9, -10
CREDENTIALS, STORAGE, WAIT, TRUST, PERSON, PROTOCOL, DENIED, CANCELLED = range(-20, -28, -1)
# No proxy of the machine's has a part in what happens on loopback, and what the library
# keeps stays in the test's own folder.
ENVIRONMENT = {key: value for key, value in os.environ.items()
               if not key.lower().endswith('_proxy') and not key.startswith('XDG_')}
# Valgrind, where that is to look on.
WRAPPER = os.environ.get('ADIT_WRAPPER', '').split()
# Nobody else asks an authority of this process.
hostile = Hostile(tls=True)


class Driver:
    """A process on libadit."""

    def __init__(self, *before, environment=None):
        self.process = subprocess.Popen(
            [*before, *WRAPPER, DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**ENVIRONMENT, **(environment or {})})
        self.held = b''

    def send(self, *words):
        self.process.stdin.write('\t'.join(map(str, words)).encode(errors='surrogateescape') + b'\n')
        self.process.stdin.flush()

    def line(self, patience_s=PATIENCE_S):
        """The next object that it prints."""
        end = time.monotonic() + patience_s
        while b'\n' not in self.held:
            left = end - time.monotonic()
            check(left > 0 and select.select([self.process.stdout], [], [], left)[0],
                  f'no answer within {patience_s} s')
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                said = self.process.stderr.read().decode(errors='replace')
                check(False, f'the driver ended: {self.process.wait()} {said[-3000:]}')
            self.held += part
        line, _, self.held = self.held.partition(b'\n')
        return json.loads(line)

    def ask(self, *words):
        self.send(*words)
        return self.line()

    def well(self, *words):
        """A line that must go well."""
        answer = self.ask(*words)
        equal(answer['code'], 0, f'the result of {words[0]}: {answer}')
        return answer

    def fails(self, code, *words):
        """A line that must fail so, and say so in the way of every error."""
        answer = self.ask(*words)
        equal(answer['code'], code, f'the result of {words[0]}: {answer}')
        return check_error(answer)

    def open(self, authority, folder=None, client_id=CLIENT, **options):
        """`folder`: where it keeps tokens, sealed; None: in memory alone."""
        if folder:
            options = {'storage': 'files', 'directory': folder,
                       'key': f'file:{folder}.key', **options}
        return self.well('open', authority, client_id,
                         *(f'{name}={value}' for name, value in options.items()))

    def sign_in(self, username='plans', password=PASSWORD):
        self.well('set', username, password)
        return self.well('token', 0)

    def end(self):
        """Its regular end: no leak, no fault."""
        self.process.stdin.close()
        said = self.process.stderr.read().decode(errors='replace')
        status = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()
        check(status == 0 and not SANITIZER.search(said), f'the driver: {status} {said[-3000:]}')
        return said

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                stream.close()
        else:
            self.end()


def check_error(answer):
    """What every error must have: a text and an action of one line each, with no control
    characters, that hold no secret; and the same code."""
    equal(answer['error_code'], answer['code'], 'code')
    for name in ('text', 'action', 'line'):
        check(answer[name], f'{name} is empty: {answer}')
        check(not re.search('[\x00-\x1f\x7f]', answer[name]), f'{name}: {answer[name]!r}')
        check(not re.search(rf'\b[ar]t-\d+-|{PASSWORD}|eyJ', answer[name]), f'{name}: {answer[name]!r}')
    return answer


def make_key(folder):
    """The key that seals a storage's files: beside it, as the option names it."""
    with open(os.open(folder + '.key', os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
        file.write(os.urandom(32))


def counts(instance):
    return dict(instance.counts)


def requests(instance, grant):
    """How often a grant was asked for."""
    with instance.lock:
        return sum(entry.get('grant_type') == grant for entry in instance.log)


def lives(instance, token):
    """Whether the authority takes the access token."""
    with instance.lock:
        family, end = instance.access.get(token, (None, 0))
        return end > time.monotonic() and family not in instance.ended
