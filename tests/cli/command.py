# SPDX-License-Identifier: Apache-2.0
"""What the tests of adit share: the program, on state of its own; an authority of its own that
can rotate passwords; a terminal."""
import json
import os
import pty
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ('../blackbox', '../client', '../tools'):
    sys.path.insert(0, os.path.join(HERE, folder))

from harness import PATIENCE_S, SANITIZER, Data, Dev, check, equal, exchange

ADIT = os.path.abspath(sys.argv[2])
# What must not come from whoever runs the tests.
CLEAN = {name: value for name, value in os.environ.items() if name not in (
    'XDG_STATE_HOME', 'XDG_RUNTIME_DIR', 'CREDENTIALS_DIRECTORY', 'NO_COLOR', 'TERM',
    'DBUS_SESSION_BUS_ADDRESS', 'http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy',
    'ALL_PROXY')}
CLEAN |= {'no_proxy': '127.0.0.1,localhost', 'PATH': '/usr/bin:/bin'}
JWT = re.compile(r'eyJ[\w-]+\.[\w-]+\.[\w-]+')


class Home:
    """State in a folder, and adit on it."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.state = os.path.join(folder, 'state')
        self.environment = {**CLEAN, 'HOME': folder, 'XDG_STATE_HOME': self.state,
                            'TERM': 'xterm-256color', **environment}

    def run(self, *arguments, given=b'', environment=None, **more):
        done = subprocess.run([ADIT, *arguments], input=given, capture_output=True, check=False,
                              timeout=PATIENCE_S, cwd=self.folder,
                              env={**self.environment, **(environment or {})}, **more)
        done.said = done.stdout.decode(errors='replace')
        done.complained = done.stderr.decode(errors='replace')
        check(not SANITIZER.search(done.complained), done.complained)
        return done

    def good(self, *arguments, **more):
        """What a command prints that must go well."""
        done = self.run(*arguments, **more)
        equal((done.returncode, done.complained), (0, ''), f'adit {" ".join(arguments)}')
        return done.said

    def json(self, *arguments, **more):
        return json.loads(self.good(*arguments, '--json', **more))

    def fails(self, code, *arguments, words=(), **more):
        """It ends so, and says why in two lines at most, and as one object with --json."""
        done = self.run(*arguments, **more)
        equal((done.returncode, done.said), (code, ''), f'{arguments} {done.complained!r}')
        lines = done.complained.split('\n')[:-1]
        check(1 <= len(lines) <= 2 and all(re.match(r'adit: \S', line) for line in lines),
              repr(done.complained))
        check(all(line.isprintable() for line in lines), repr(done.complained))
        for word in words:
            check(word in done.complained, f'{word!r} is not in {done.complained!r}')
        return done

    def fails_in_json(self, code, error, *arguments, **more):
        done = self.run(*arguments, '--json', **more)
        equal((done.returncode, done.said), (code, ''), f'{arguments} {done.complained!r}')
        equal(done.complained.count('\n'), 1, repr(done.complained))
        told = json.loads(done.complained)
        equal((told['error'], told['exit_code']), (error, code), repr(told))
        check(told['text'] and set(told) <= {
            'error', 'exit_code', 'text', 'action', 'oauth_error', 'correlation_id',
            'http_status', 'retry_after_s'}, repr(told))
        return told

    def set(self, authority, user, *more):
        return self.good('service', 'set', authority, '--username', user['username'],
                         '--password-fd', '0', *more, given=user['password'].encode())


def free_port():
    """Below those that the kernel gives to whoever asks for any."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)):
                return port


class Authority:
    """aditd serve on data of its own, whose passwords can be rotated."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}/identity'
        self.data = Data(folder, issuer=self.url)
        self.user = self.data.user('north-pit', 'read')
        self.server = self.serve()

    def serve(self):
        return self.data.serve(listen=f'127.0.0.1:{self.port}')

    def rotate(self):
        """A new password; the old one has ended."""
        self.user = {**self.user, **self.data.json(
            'service-user', 'rotate', self.user['username'], '--overlap', '0')}

    def stop(self):
        self.server.stop()


class Terminal:
    """adit on a terminal of its own: what is typed, and what is seen."""

    program = ADIT

    def __init__(self, home, *arguments, **environment):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(home.folder)
                os.execve(self.program, [self.program, *arguments], {**home.environment, **environment})
            finally:
                os._exit(99)
        self.seen = b''

    def until(self, text):
        """Reads until it is seen, from what was not looked at yet; gives all before it."""
        end = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            check(time.monotonic() < end, f'{text!r} was not seen: {self.seen!r}')
            if select.select([self.terminal], [], [], 1)[0]:
                try:
                    part = os.read(self.terminal, 65536)
                except OSError:
                    part = b''
                check(part, f'it ended before {text!r}: {self.seen!r}')
                self.seen += part
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text):
        os.write(self.terminal, text)

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self):
        """The exit code, and the rest of what is seen."""
        rest = self.seen
        while True:
            try:
                part = os.read(self.terminal, 65536)
            except OSError:
                part = b''
            if not part:
                break
            rest += part
        _, status = os.waitpid(self.pid, 0)
        os.close(self.terminal)
        check(not SANITIZER.search(rest.decode(errors='replace')), repr(rest))
        return os.waitstatus_to_exitcode(status), rest


def waits(process, seconds=PATIENCE_S):
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        raise
