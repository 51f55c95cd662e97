#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The configuration file: what it may say, what wins, and how a mistake is named."""
import os
import shutil
import subprocess

from harness import ADITD, PATIENCE_S, Data, Folder, Process, Suite, check, equal, until

suite = Suite()
shared = Folder()
data = Data(shared.__enter__())


def configured(folder, text):
    path = os.path.join(folder, 'aditd.conf')
    with open(path, 'wb') as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def mistake(name, text, line, *words, verb=('serve', '--listen', '127.0.0.1:0')):
    """A case: refused, naming file and line."""
    def refuses():
        with Folder() as folder:
            path = configured(folder, text)
            done = data.attempt(*verb, '--config', path)
            equal(done.returncode, 2, f'exit code, {done.complained!r}')
            equal(done.complained.count('\n'), 1, f'lines of {done.complained!r}')
            check(done.complained.startswith(f'aditd: {path}:{line}: '), done.complained)
            for word in words:
                check(word in done.complained, f'{word!r} is not in {done.complained!r}')
    suite.case(f'refused: {name}')(refuses)


mistake('an unknown key', '# first\n\nnonsense = 1\n', 3, 'nonsense')
mistake('a key in capitals', 'Flood-Limit = 1\n', 1, 'Flood-Limit')
mistake('a key that is for the command line only', 'json = true\n', 1, 'json')
mistake('the same, for help', 'help = true\n', 1, 'help')
mistake('a configuration file in it', 'config = x\n', 1, 'config')
mistake('a clock in it', 'clock = x\n', 1, 'clock')
mistake('dashes before the key', '--threads = 1\n', 1, 'threads')
mistake('a section', '\n[server]\nthreads = 1\n', 3, 'server')
mistake('an open section', 'threads = 1\n[server\n', 2)
mistake('no equals sign', 'threads = 1\nthreads\n', 2)
mistake('no key', '= 1\n', 1)
mistake('an empty value', 'log-level =\n', 1, 'log-level')
mistake('a key twice', 'threads = 1\nflood-limit = 1\nthreads = 2\n', 3, 'threads')
mistake('a flag that is neither', 'behind-proxy = maybe\n', 1, 'behind-proxy')
mistake('bytes that are not UTF-8', b'threads = 1\nlog-level = \xff\n', 2, 'log-level')
mistake('a line too long', 'threads = 1\nissuer = ' + 'x' * 5000 + '\n', 2, 'long')
mistake('a comment too long', '#' * 5000 + '\n', 1, 'long')
mistake('a long last line without a line feed', 'threads = 1\n' + 'x' * 5000, 2, 'long')
mistake('control characters', 'a\x1b[31m = 1\n', 1)
mistake('a NUL', b'threads = 1\nlog-\0level = info\n', 2)
mistake('no number', 'threads = 1\nflood-limit = many\n', 2, 'flood-limit', 'many')
mistake('a number too large', '\n\nflood-limit = 1000001\n', 3, 'flood-limit', '1000001')
mistake('a number below', 'threads = 0\n', 1, 'threads')
mistake('no level', 'log-level = loud\n', 1, 'log-level', 'loud')
mistake('plain HTTP beyond loopback', 'listen = 0.0.0.0:0\n', 1, '0.0.0.0:0', '--behind-proxy',
        verb=('serve',))
mistake('an unknown key, for a verb that takes few', 'nonsense = 1\n', 1, 'nonsense',
        verb=('site', 'list'))
mistake('another issuer', 'issuer = https://other.example\n', 1, 'https://other.example')


def serving(name, text, *arguments, wanted):
    """A case: it serves, and `wanted` holds of its events and address."""
    def serves():
        with Folder() as folder:
            own = Data(folder)
            server = own.serve('--config', configured(folder, text), *arguments)
            try:
                equal(server.get('/healthz').status, 200, 'health')
                wanted(server)
            finally:
                server.stop()
    suite.case(name)(serves)


def threads(count):
    """As many loops, beside the store's and the main thread."""
    def of(server):
        wide = len(os.listdir(f'/proc/{server.pid}/task'))
        check(wide >= count, f'{wide} threads')
    return of


serving('an empty file', '', wanted=lambda _: None)
serving('comments, blank lines, spaces, CRLF, no line feed at the end',
        '; one\r\n# two\r\n\r\n   threads   =   3   \r\nlog-level=info', wanted=threads(3))
serving('a byte order mark', '\ufeffthreads = 3\n', wanted=threads(3))
serving('a comment after a value', 'threads = 3 ; three\n', wanted=threads(3))
serving('what the command line says wins', 'threads = 1\nlog-level = debug\n', '--threads', '5',
        wanted=threads(5))
serving('listen on the command line replaces the file\'s',
        'listen = 127.0.0.1:1\nlisten = [::1]:1\n',
        wanted=lambda server: equal(len(server.events('listening')), 1, 'listeners'))
serving('a flag that is off', 'behind-proxy = no\n', wanted=lambda _: None)


@suite.case('several addresses and the data directory, all from the file')
def all_from_file():
    with Folder() as folder:
        own = Data(folder)
        path = configured(folder, f'data = {own.path}\nlisten = 127.0.0.1:0\n'
                                  f'listen = unix:{folder}/socket\nissuer = {own.issuer}\n')
        arguments, own.arguments = own.arguments, lambda *given: [*given, '--config', path]
        done = own.attempt('site', 'add', 'north')
        equal(done.returncode, 0, done.complained)
        equal(own.json('site', 'list')[0]['site'], 'north', 'the site')
        own.arguments = arguments
        server = Process(['serve', '--config', path])
        try:
            until(lambda: len(server.events('listening')) == 2, 'listening')
        finally:
            server.stop()


@suite.case('a file that is not there, not readable, a directory')
def unreadable():
    with Folder() as folder:
        for path in (folder + '/none', folder, folder + '/none/none'):
            done = data.attempt('site', 'list', '--config', path)
            equal(done.returncode, 2, f'exit code, {done.complained!r}')
            check(path in done.complained and done.complained.count('\n') == 1, done.complained)


@suite.case('the default file may be missing, but not unreadable')
def default_file():
    # A file system of its own over /etc, where that is allowed.
    def with_etc(commands):
        return subprocess.run(
            ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c',
             f'mount -t tmpfs none /etc && {commands} && exec "$@"', 'sh', ADITD, 'site', 'list',
             '--data', '/none/here'], stdin=subprocess.DEVNULL, capture_output=True, check=False,
            text=True, timeout=PATIENCE_S)
    if not shutil.which('unshare') or subprocess.run(
            ['unshare', '--user', '--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'none',
             '/etc'], capture_output=True, check=False).returncode:
        return 'no namespaces to mount in'
    for commands in ('true', 'mkdir /etc/adit', 'touch /etc/adit'):
        done = with_etc(commands)
        check(done.returncode == 2 and '/none/here' in done.stderr, f'{commands}: {done.stderr}')
    for commands in ('mkdir /etc/adit && ln -s aditd.conf /etc/adit/aditd.conf',
                     'ln -s adit /etc/adit', 'mkdir -p /etc/adit/aditd.conf'):
        done = with_etc(commands)
        check(done.returncode == 2 and "/etc/adit/aditd.conf can't be read" in done.stderr,
              f'{commands}: {done.stderr}')
    return None


suite.main(workers=8)
