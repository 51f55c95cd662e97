# SPDX-License-Identifier: Apache-2.0
"""What the black-box tests share: servers to start and stop, requests of exactly these bytes,
a clock of their own, and cases that run side by side."""
import atexit
import base64
import concurrent.futures
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../tools'))

from tap import Tap

ADITD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else 'aditd'
FORM = 'application/x-www-form-urlencoded'
PUBLIC = 'external.customer'
# Only ends what hangs; a slow machine never meets it.
PATIENCE_S = 120
# Failures leave 250 ms after they came; the server counts whole milliseconds.
FAILURE_S = 0.249
SANITIZER = re.compile(r'Sanitizer|runtime error:')


# --- judging ---------------------------------------------------------------------------------

class Wrong(Exception):
    """What was seen is not what should be."""


def check(good, what):
    if not good:
        raise Wrong(what)


def equal(got, wanted, what):
    check(got == wanted, f'{what}: {got!r}, not {wanted!r}')


def until(condition, what, seconds=PATIENCE_S):
    """The first true answer of `condition`, and the seconds it took."""
    began = time.monotonic()
    while True:
        answer = condition()
        if answer:
            return answer, time.monotonic() - began
        check(time.monotonic() - began < seconds, f'{what}: not within {seconds} s')
        time.sleep(0.05)


# --- the clock -------------------------------------------------------------------------------

def read(path):
    with open(path, 'rb') as file:
        return file.read()


class Clock:
    """A clock file: Unix milliseconds in 20 digits, written in place."""

    def __init__(self, folder, seconds=1_800_000_000):
        self.path = os.path.join(folder, 'clock')
        self.seconds = seconds
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.set(seconds)

    def set(self, seconds):
        self.seconds = seconds
        os.pwrite(self.file, b'%020d' % int(seconds * 1000), 0)

    def advance(self, seconds):
        self.set(self.seconds + seconds)

    def close(self):
        os.close(self.file)


# --- requests --------------------------------------------------------------------------------

class Reply:
    """An answer, and when its request was sent and its first byte came (seconds)."""

    def __init__(self, raw, sent_at, came_at, closed):
        head, _, self.body = raw.partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        version, status, self.reason = (lines[0] + '  ').split(' ', 2)
        check(version == 'HTTP/1.1' and status.isdigit(), f'no answer: {raw!r}')
        self.raw = raw
        self.status = int(status)
        self.reason = self.reason.strip()
        self.fields = [tuple(line.split(': ', 1)) for line in lines[1:]]
        self.took_s = came_at - sent_at
        self.closed = closed

    def field(self, name):
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        check(len(values) < 2, f'{name} is there {len(values)} times')
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f'<{self.status} {self.body[:300]!r}>'


def connect(address, source=None):
    """`address`: "127.0.0.1:80", "[::1]:80" or "unix:/path"."""
    if address.startswith('unix:'):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE_S)
        peer.connect(address[5:])
        return peer
    host, port = address.rsplit(':', 1)
    return socket.create_connection((host.strip('[]'), int(port)), PATIENCE_S,
                                    (source, 0) if source else None)


def receive(peer, sent_at, head_only=False):
    """One answer from a connection."""
    raw, came_at, closed, wanted = b'', 0, False, None
    while wanted is None or len(raw) < wanted:
        part = peer.recv(65536)
        came_at = came_at or time.monotonic()
        if not part:
            closed = True
            break
        raw += part
        end = raw.find(b'\r\n\r\n')
        if wanted is None and end >= 0:
            length = re.search(rb'\r\ncontent-length: (\d+)\r\n', raw[:end + 2].lower())
            wanted = end + 4 + (int(length[1]) if length and not head_only else 0)
    return Reply(raw, sent_at, came_at, closed)


def exchange(address, raw, source=None, head_only=False):
    """Sends these bytes on a connection of its own and reads one answer."""
    with connect(address, source) as peer:
        sent_at = time.monotonic()
        try:
            peer.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return receive(peer, sent_at, head_only)


def compose(method, target, fields=(), body=None, host='localhost'):
    """A request. `fields`: pairs; Host, Content-Length and Connection are added."""
    lines = [f'{method} {target} HTTP/1.1', f'Host: {host}', 'Connection: close']
    lines += [f'{name}: {value}' for name, value in fields]
    if body is not None:
        lines.append(f'Content-Length: {len(body)}')
    return '\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n' + (body or b'')


def form(parameters):
    """A form's bytes: of pairs or a dict, or bytes as they are."""
    if isinstance(parameters, bytes):
        return parameters
    pairs = parameters.items() if isinstance(parameters, dict) else parameters
    return urllib.parse.urlencode([pair for pair in pairs if pair[1] is not None],
                                  errors='surrogateescape').encode()


def basic(client_id, secret):
    return ('Authorization', 'Basic ' + base64.b64encode(f'{client_id}:{secret}'.encode()).decode())


# --- servers ---------------------------------------------------------------------------------

class Process:
    """A running aditd, its lines of stdout and stderr."""

    def __init__(self, arguments, environment=None, **more):
        self.process = subprocess.Popen(
            [ADITD, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}, **more)
        self.pid = self.process.pid
        self.output, self.log = [], []
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True) for pair in (
            (self.process.stdout, self.output), (self.process.stderr, self.log))]
        for reader in self.readers:
            reader.start()

    def read(self, stream, lines):
        for line in stream:
            with self.changed:
                lines.append(line.decode(errors='replace'))
                self.changed.notify_all()
        with self.changed:
            lines.append(None)
            self.changed.notify_all()

    def line(self, lines, found):
        """The first answer of `found` for one of the lines, waiting for it."""
        end = time.monotonic() + PATIENCE_S
        seen = 0
        with self.changed:
            while True:
                for line in lines[seen:]:
                    check(line is not None,
                          f'aditd ended: {self.process.poll()} {self.text()}')
                    if found(line):
                        return found(line)
                seen = len(lines)
                check(time.monotonic() < end, f'aditd does not say it: {self.text()}')
                self.changed.wait(1)

    def text(self):
        return ''.join(line for line in self.log if line is not None)

    def events(self, name=None):
        """What was logged, each line as its object."""
        lines = [json.loads(line) for line in self.text().split('\n') if line]
        return [line for line in lines if name in (None, line['event'])]

    def wait(self):
        status = self.process.wait(PATIENCE_S)
        for reader in self.readers:
            reader.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def is_sanitized(self):
        """Whether it runs under a sanitizer, whose memory is another matter."""
        with open(f'/proc/{self.pid}/maps', encoding='utf-8') as file:
            return 'libasan' in file.read()

    def kill(self):
        self.process.kill()
        self.wait()

    def stop(self):
        """Ends it by SIGTERM; anything but a clean end is wrong."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.wait()
        check(status == 0 and not SANITIZER.search(self.text()),
              f'aditd ended with {status}: {self.text()[-4000:]}')


class Server(Process):
    """One that answers at `address`, for the issuer's path `path`."""

    def get(self, target, fields=(), method='GET', host='localhost'):
        return exchange(self.address, compose(method, target, fields, host=host),
                        head_only=method == 'HEAD')

    def post(self, parameters, fields=(), content_type=FORM, target=None, source=None):
        fields = [*fields] + ([('Content-Type', content_type)] if content_type else [])
        return exchange(self.address, compose('POST', target or self.path + '/connect/token',
                                              fields, form(parameters)), source)

    def password(self, user, **more):
        """The answer to a password grant of `user` ({"username", "password"})."""
        return self.post({'grant_type': 'password', 'client_id': PUBLIC,
                          'username': user['username'], 'password': user['password'], **more})

    def refresh(self, token, **more):
        return self.post({'grant_type': 'refresh_token', 'client_id': PUBLIC,
                          'refresh_token': token, **more})

    def sign_in(self, user, **more):
        return served(self.password(user, **more)).json


class Dev(Server):
    """`aditd dev` on a free port, with what it seeded."""

    def __init__(self, *arguments, **more):
        super().__init__(['dev', '--json', '--listen', '127.0.0.1:0', *arguments], **more)
        self.seeded = json.loads(self.line(self.output, lambda line: line))
        self.issuer = self.seeded['authority']
        self.address, self.path = re.fullmatch(r'http://([^/]+)(.*)', self.issuer).groups()
        self.users = self.seeded['service_users']
        self.confidential = self.seeded['clients'][0]


def run(*arguments, environment=None, given=b'', **more):
    """A verb of aditd, to its end; `given` is its stdin."""
    done = subprocess.run([ADITD, *arguments], input=given, capture_output=True,
                          timeout=PATIENCE_S, check=False,
                          env={**os.environ, **(environment or {})}, **more)
    check(not SANITIZER.search(done.stderr.decode(errors='replace')), done.stderr.decode())
    done.said = done.stdout.decode()
    done.complained = done.stderr.decode(errors='replace')
    return done


def complains(done, codes, *words):
    """A verb ended so, and said why in one line, and nothing else."""
    check(done.returncode in codes, f'{done.args[1:]}: {done.returncode} {done.complained!r}')
    equal((done.said, done.complained.count('\n')), ('', 1), f'lines of {done.complained!r}')
    for word in words:
        check(word in done.complained, f'{word!r} is not in {done.complained!r}')


class Data:
    """A data directory made by init, its verbs, and servers on it."""

    def __init__(self, folder, issuer='https://localhost/identity', clock=None):
        self.path = os.path.join(folder, 'data')
        self.clock = clock
        self.issuer = issuer
        self.issuer_path = urllib.parse.urlsplit(issuer).path
        self.verb('init', '--issuer', issuer)

    def arguments(self, *arguments):
        return [*arguments, '--data', self.path, *(['--clock', self.clock.path] if self.clock
                                                  else [])]

    def attempt(self, *arguments, **more):
        return run(*self.arguments(*arguments), **more)

    def verb(self, *arguments, **more):
        """A verb that must go well, and what it printed."""
        done = self.attempt(*arguments, **more)
        check(done.returncode == 0,
              f'aditd {" ".join(arguments)}: {done.returncode} {done.complained}')
        return done.said

    def json(self, *arguments):
        return json.loads(self.verb(*arguments, '--json'))

    def user(self, site='north', role='read', *more):
        """A new Service User with its password; the site is made where it is missing."""
        if self.attempt('site', 'show', site).returncode:
            self.verb('site', 'add', site)
        return self.json('service-user', 'add', '--site', site, '--role', role, *more)

    def serve(self, *arguments, listen='127.0.0.1:0', flood='0', attempts='0', **more):
        """Without limits, unless they are asked for; None: the defaults."""
        limits = [word for name, value in (('flood', flood), ('attempt', attempts)) if value
                  for word in (f'--{name}-limit', value)]
        server = Server(self.arguments('serve', '--listen', listen, *limits, *arguments), **more)

        def address(line):
            match = re.search(r'"event":"listening".*"address":"([^"]+)"', line)
            return match and match[1]
        server.address = server.line(server.log, address)
        server.path = self.issuer_path
        server.issuer = self.issuer
        return server


class Folder:
    """A folder of its own under TMPDIR, gone at the end."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix='adit-blackbox-')
        atexit.register(self.__exit__)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


# --- what answers must look like -------------------------------------------------------------

def check_fields(reply):
    equal(reply.field('Content-Type'), 'application/json', 'Content-Type')
    equal(reply.field('Cache-Control'), 'no-store', 'Cache-Control')
    equal(reply.field('Pragma'), 'no-cache', 'Pragma')
    check(reply.reason, 'there is no reason phrase')


def served(reply):
    """A token answer, with every field and member that it must have, and no other."""
    equal(reply.status, 200, f'the status of {reply!r}')
    check_fields(reply)
    members = set(reply.json)
    wanted = {'access_token', 'expires_in', 'token_type', 'scope'}
    check(members in (wanted, wanted | {'refresh_token'}), f'the members are {members}')
    equal(reply.json['token_type'], 'Bearer', 'token_type')
    return reply


def refused(reply, error, status=400):
    """An error answer, likewise."""
    equal((reply.status, reply.json.get('error')), (status, error),
          f'status and error of {reply!r}')
    check_fields(reply)
    check(set(reply.json) <= {'error', 'error_description', 'correlation_id'}, repr(reply))
    check(re.fullmatch('[A-Za-z0-9]{16}', reply.json['correlation_id']), repr(reply))
    equal(reply.field('WWW-Authenticate') is not None, status == 401, 'WWW-Authenticate')
    return reply


def claims_of(token):
    part = token.split('.')[1]
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


# --- cases -----------------------------------------------------------------------------------

class Suite:
    """Cases that run side by side; a case is good when it returns."""

    def __init__(self):
        self.tap = Tap()
        self.cases = []
        self.lock = threading.Lock()

    def case(self, name, *arguments):
        """Decorates a case; may be used several times with different arguments."""
        def add(body):
            self.cases.append((name, body, arguments))
            return body
        return add

    def in_folder(self, name, *arguments):
        """Decorates a case that gets a folder of its own before its arguments."""
        def add(body):
            def run_in():
                with Folder() as folder:
                    return body(folder, *arguments)
            return self.case(name)(run_in)
        return add

    def placed(self, make, name):
        """Decorates a case that gets a place of its own, made in a folder: it has a `server`
        and a `clock`, which are ended after it."""
        def add(body):
            def run():
                with Folder() as folder:
                    place = make(folder)
                    body(place)
                    place.server.stop()
                    place.clock.close()
            return self.case(name)(run)
        return add

    def note(self, text):
        with self.lock:
            print(f'# {text}', flush=True)

    def judge(self, name, body, arguments):
        try:
            reason = body(*arguments)
        except Wrong as wrong:
            frame = traceback.extract_tb(wrong.__traceback__)[1]
            problem = f'{os.path.basename(frame.filename)}:{frame.lineno}: {wrong}'
        except Exception:  # a fault of the test's is a failed case
            problem = traceback.format_exc()
        else:
            with self.lock:
                if reason:
                    self.tap.skip(name, reason)
                else:
                    self.tap.case(True, name)
            return
        with self.lock:
            self.tap.case(False, name, problem)

    def run(self, workers):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for future in [pool.submit(self.judge, *case) for case in self.cases]:
                future.result()

    def main(self, *servers, workers=16):
        """Runs all, then ends the servers that they shared."""
        self.run(workers)
        self.cases = [('the server ends well', server.stop, ()) for server in servers]
        self.run(1)
        self.tap.finish()


def side_by_side(count, body):
    """`body(i)` in `count` threads that begin together; what each returned."""
    barrier = threading.Barrier(count)

    def begin(index):
        barrier.wait(PATIENCE_S)
        return body(index)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))
