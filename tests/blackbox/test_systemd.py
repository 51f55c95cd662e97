#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`aditd serve` under systemd, or what looks like it: readiness, reload, watchdog, sockets."""
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time

from harness import (ADITD, PATIENCE_S, Data, Folder, Server, Suite, check, compose, connect,
                     equal, exchange, receive, run, until)

suite = Suite()
# What systemd does between fork and exec: the sockets are 3 and on, and meant for this process.
LAUNCH = '''
import os, sys
sockets = [int(number) for number in sys.argv[1].split()]
high = [os.dup2(number, 100 + index) for index, number in enumerate(sockets)]
for index, number in enumerate(high):
    os.dup2(number, 3 + index)
    os.close(number)
os.environ.setdefault('LISTEN_FDS', str(len(sockets)))
os.environ.setdefault('LISTEN_PID', str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
'''


class Notified:
    """The other end of NOTIFY_SOCKET: messages with the time when they came."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind('\0' + name[1:] if name[0] == '@' else name)
        self.messages = []
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            message = self.socket.recv(65536).decode()
            with self.changed:
                self.messages.append((time.monotonic(), message))
                self.changed.notify_all()

    def wait(self, word, after=0):
        """The first message with this word from the `after`th on, and which it is."""
        end = time.monotonic() + PATIENCE_S
        with self.changed:
            while True:
                for index, (_, message) in enumerate(self.messages):
                    if index >= after and word in message.split('\n'):
                        return message, index
                check(time.monotonic() < end, f'{word} is not told: {self.messages}')
                self.changed.wait(1)

    def times(self, word):
        return [at for at, message in list(self.messages) if word in message.split('\n')]


def notified(data, *arguments, name=None, **environment):
    """A server that tells somebody, and who is told."""
    told = Notified(name or os.path.join(data.path, 'notify'))
    return data.serve(*arguments, environment={'NOTIFY_SOCKET': told.name, **environment}), told


def launched(data, sockets, *arguments, wanted=None, **environment):
    """A server with these listening sockets; its address is that of the first line that says so."""
    numbers = [one.fileno() for one in sockets]
    server = Server(['-c', LAUNCH, ' '.join(map(str, numbers)), ADITD,
                     *data.arguments('serve', *arguments)], environment,
                    executable=sys.executable, pass_fds=numbers)
    server.line(server.log, lambda line: '"listening"' in line and (wanted or '') in line)
    server.path = data.issuer_path
    server.address = server.events('listening')[0]['address']
    return server


def attempted(data, sockets, *arguments, **environment):
    """The same to its end."""
    numbers = [one.fileno() for one in sockets]
    return subprocess.run(
        [sys.executable, '-c', LAUNCH, ' '.join(map(str, numbers)), ADITD,
         *data.arguments('serve', *arguments)], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=PATIENCE_S, check=False, pass_fds=numbers,
        env={**os.environ, **environment})


def listening(host='127.0.0.1', family=socket.AF_INET):
    one = socket.socket(family)
    one.bind((host, 0) if family != socket.AF_UNIX else host)
    one.listen()
    return one


def name_of(one):
    return '%s:%s' % one.getsockname()[:2]


def health(address):
    equal(exchange(address, compose('GET', '/healthz')).status, 200, f'health at {address}')


def placed(name):
    """A case that gets a data directory of its own."""
    def add(body):
        def in_place():
            with Folder() as folder:
                return body(Data(folder))
        suite.case(name)(in_place)
        return body
    return add


# --- what is told ----------------------------------------------------------------------------

@placed('READY=1 when requests are taken, STOPPING=1 at the end')
def ready(data):
    server, told = notified(data)
    message, _ = told.wait('READY=1')
    check(f'STATUS=Serving {data.issuer}' in message.split('\n'), message)
    health(server.address)
    server.stop()
    told.wait('STOPPING=1')
    equal(len(told.times('READY=1')), 1, 'times that it was ready')


@placed('an abstract socket is told too')
def abstract(data):
    server, told = notified(data, name=f'@adit-test-{os.getpid()}')
    told.wait('READY=1')
    server.stop()


@placed('nobody there, or no such socket: it serves all the same')
def nobody(data):
    for name in (os.path.join(data.path, 'nobody'), 'relative', '@', '', '/' + 'x' * 200):
        server = data.serve(environment={'NOTIFY_SOCKET': name, 'WATCHDOG_USEC': 'soon'})
        health(server.address)
        server.stop()


@placed('a reload is told: RELOADING=1 with its time, then READY=1')
def reloading(data):
    server, told = notified(data)
    _, first = told.wait('READY=1')
    before = time.monotonic()
    os.kill(server.pid, signal.SIGHUP)
    _, second = told.wait('READY=1', first + 1)
    message = told.messages[second - 1][1]
    found = re.fullmatch(r'RELOADING=1\nMONOTONIC_USEC=(\d+)', message)
    check(found and before <= int(found[1]) / 1e6 + 0.001 and
          int(found[1]) / 1e6 <= time.monotonic(), message)
    server.stop()


@placed('the watchdog is fed, often enough')
def watchdog(data):
    server, told = notified(data, WATCHDOG_USEC='60000000')
    until(lambda: told.times('WATCHDOG=1'), 'the first time')
    server.stop()
    server, told = notified(data, name=os.path.join(data.path, 'again'), WATCHDOG_USEC='2000000')
    until(lambda: len(told.times('WATCHDOG=1')) >= 8, 'many times')
    server.stop()


@placed("another process's watchdog is not fed")
def not_its_watchdog(data):
    server, told = notified(data, WATCHDOG_USEC='1000000', WATCHDOG_PID='1')
    told.wait('READY=1')
    time.sleep(1.5)
    server.stop()
    equal(told.times('WATCHDOG=1'), [], 'times that it was fed')


@placed('the watchdog is not fed while the store can not write, and is when it can again')
def stuck_writer(data):
    user = data.user()
    server, told = notified(data, WATCHDOG_USEC='2000000')
    told.wait('WATCHDOG=1')
    other = sqlite3.connect(os.path.join(data.path, 'adit.db'), isolation_level=None)
    other.execute('BEGIN IMMEDIATE')
    # Its first token writes; the writer waits for the lock for five seconds.
    asking = threading.Thread(target=server.password, args=(user,))
    asking.start()
    asking.join(PATIENCE_S)
    other.execute('ROLLBACK')
    other.close()
    count = len(told.times('WATCHDOG=1'))
    until(lambda: len(told.times('WATCHDOG=1')) >= count + 2, 'fed again')
    times = told.times('WATCHDOG=1')
    gap = max(after - before for before, after in zip(times, times[1:]))
    check(gap > 2.5, f'the longest time without was {gap} s')
    health(server.address)
    server.stop()


# --- sockets ---------------------------------------------------------------------------------

@placed('a passed socket is served, and the default is not')
def passed(data):
    one = listening()
    server = launched(data, [one])
    equal([event['address'] for event in server.events('listening')], [name_of(one)], 'addresses')
    health(name_of(one))
    server.stop()
    one.close()


@placed('passed sockets and --listen together')
def passed_and_listen(data):
    with listening() as one, listening() as two:
        server = launched(data, [one, two], '--listen', '127.0.0.1:0')
        until(lambda: len(server.events('listening')) == 3, 'three addresses')
        addresses = [event['address'] for event in server.events('listening')]
        equal(addresses[:2], [name_of(one), name_of(two)], 'the passed ones')
        for address in addresses:
            health(address)
        server.stop()


@placed('who connects between two servers is served by the second')
def between(data):
    with listening() as one:
        first = launched(data, [one])
        health(name_of(one))
        first.stop()
        with connect(name_of(one)) as peer:
            peer.sendall(compose('GET', '/healthz'))
            second = launched(data, [one])
            equal(receive(peer, 0).status, 200, 'who waited')
        second.stop()


@placed("a passed Unix socket's file and mode are left alone")
def passed_unix(data):
    path = os.path.join(data.path, 'socket')
    with listening(path, socket.AF_UNIX) as one:
        os.chmod(path, 0o600)
        server = launched(data, [one])
        equal(server.address, f'unix:{path}', 'address')
        health(server.address)
        server.stop()
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, 'mode')


@placed('a passed socket beyond loopback needs TLS, or a proxy')
def passed_beyond_loopback(data):
    with listening('0.0.0.0') as one:
        done = attempted(data, [one])
        equal((done.returncode, done.stderr.count('\n')), (2, 1), done.stderr)
        check("systemd's socket 0.0.0.0:" in done.stderr and '--tls-cert' in done.stderr,
              done.stderr)
        server = launched(data, [one], '--behind-proxy')
        health('127.0.0.1:%d' % one.getsockname()[1])
        server.stop()


@placed('what is no listening stream socket is refused')
def no_socket(data):
    with socket.socket() as idle, socket.socket(type=socket.SOCK_DGRAM) as datagram, \
            open('/dev/null', encoding='utf-8') as file, listening() as one:
        datagram.bind(('127.0.0.1', 0))
        for other in (idle, datagram, file):
            done = attempted(data, [one, other])
            equal((done.returncode, done.stderr.count('\n')), (2, 1), done.stderr)
            check('descriptor 4' in done.stderr, done.stderr)


@placed('LISTEN_FDS that makes no sense is refused')
def no_sense(data):
    with listening() as one:
        for number in ('0', '-1', 'two', '', '65', '99999999999999999999', '1 ', '60'):
            done = attempted(data, [one], LISTEN_FDS=number)
            equal((done.returncode, done.stderr.count('\n')), (2, 1), done.stderr)
            check('LISTEN_FDS' in done.stderr, done.stderr)


@placed("another process's sockets are not taken")
def not_its_sockets(data):
    with listening() as one:
        for pid in ('1', '', 'x'):
            server = launched(data, [one], '--listen', '127.0.0.1:0', LISTEN_PID=pid)
            check(server.address != name_of(one), server.address)
            server.stop()


@placed('--listen takes no descriptor')
def no_descriptor(data):
    done = run(*data.arguments('serve', '--listen', 'fd:3'))
    equal(done.returncode, 2, done.complained)


@placed('systemd-socket-activate')
def socket_activate(data):
    program = shutil.which('systemd-socket-activate')
    if not program:
        return 'systemd-socket-activate is not installed'
    with listening() as one:
        address = name_of(one)
    process = subprocess.Popen([program, '-l', address, ADITD, *data.arguments('serve')],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        def answered():
            try:
                return exchange(address, compose('GET', '/healthz')).status == 200
            except OSError:
                check(process.poll() is None, f'it ended: {process.poll()}')
                return False
        until(answered, 'an answer')
    finally:
        process.terminate()
        said = process.communicate(timeout=PATIENCE_S)[1].decode()
    equal(process.returncode, 0, said)
    check(f'"address":"{address}"' in said, said)
    return None


# --- Unix sockets of its own -----------------------------------------------------------------

@placed('a Unix socket: its mode, a stale file, a live server, a file of another kind')
def unix(data):
    path = os.path.join(data.path, 'http')
    address = f'unix:{path}'
    old = listening(path, socket.AF_UNIX)
    done = run(*data.arguments('serve', '--listen', address))
    equal((done.returncode, done.complained.count('\n')), (1, 1), done.complained)
    check(address in done.complained and 'in use' in done.complained, done.complained)
    old.close()
    server = data.serve(listen=address)
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o660, 'mode')
    health(address)
    server.kill()
    check(os.path.exists(path), 'a killed server leaves the file')
    server = data.serve(listen=address)
    health(address)
    server.stop()
    check(not os.path.exists(path), 'a stopped server removes the file')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('mine')
    done = run(*data.arguments('serve', '--listen', address))
    equal(done.returncode, 1, done.complained)
    with open(path, encoding='utf-8') as file:
        equal(file.read(), 'mine', 'the file that was there')
    done = run(*data.arguments('serve', '--listen', 'unix:/' + 'x' * 107))
    equal(done.returncode, 2, done.complained)
    check('107 bytes' in done.complained, done.complained)


suite.main(workers=6)
