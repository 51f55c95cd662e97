#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The data directory: making it, however that is cut short; opening it, and when not to."""
import collections
import contextlib
import os
import random
import resource
import shutil
import socket
import sqlite3
import stat
import subprocess
import time

from harness import (ADITD, Data, Process, Suite, check, complains, equal, read, run, served,
                     side_by_side, until)

suite = Suite()
ISSUER = 'https://localhost/identity'
VERBS = (['serve', '--listen', '127.0.0.1:0'], ['site', 'list'], ['site', 'add', 'x'],
         ['service-user', 'add', 'x', '--site', 'north', '--role', 'read'],
         ['client', 'list'], ['key', 'rotate'])


def write(path, content, mode=0o600):
    with open(path, 'wb') as file:
        file.write(content)
    os.chmod(path, mode)


def snapshot(folder):
    """Every file but the lock, which is empty and stays."""
    paths = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    return {path: (os.lstat(path).st_mode, read(path)) for path in sorted(paths)
            if os.path.relpath(path, folder) != 'lock'}


def complains_everywhere(data, codes, *words):
    """Every verb refuses, with one line, and changes no byte."""
    before = snapshot(data.path)
    for verb in VERBS:
        complains(data.attempt(*verb), codes, *words)
        equal({name: mode for name, (mode, _) in snapshot(data.path).items()},
              {name: mode for name, (mode, _) in before.items()}, f'the files after {verb}')
        check(snapshot(data.path) == before, f'{verb} changed a file')


def filled(folder, name='one', **more):
    os.mkdir(os.path.join(folder, name))
    data = Data(os.path.join(folder, name), **more)
    data.user()
    return data


# --- making it -------------------------------------------------------------------------------

@suite.in_folder('init makes a directory that only its owner can read, whatever the umask')
def modes(folder):
    for mask in (0, 0o077, 0o777):
        path = f'{folder}/{mask:o}'
        done = run('init', '--data', path, '--issuer', ISSUER,
                   preexec_fn=lambda mask=mask: os.umask(mask))
        if mask == 0o777 and done.returncode:
            continue
        equal(done.returncode, 0, done.complained)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o700 & ~mask, 'mode of the directory')
        equal(sorted(os.listdir(path)), ['adit.db', 'audit', 'secret.key'], 'files')
        equal(os.lstat(path + '/audit').st_mode & 0o7777, 0o700 & ~mask, 'mode of audit')
        for name in ('adit.db', 'secret.key', *(f'audit/{name}'
                                                for name in os.listdir(path + '/audit'))):
            equal(stat.S_IMODE(os.stat(f'{path}/{name}').st_mode) & 0o177, 0, f'mode of {name}')


@suite.in_folder('init twice is refused, and so is a place that is not fit')
def unfit(folder):
    data = Data(folder)
    before = snapshot(data.path)
    complains(data.attempt('init', '--issuer', ISSUER), (2,), data.path, 'already')
    complains(data.attempt('init', '--issuer', 'https://other.example'), (2,), data.path)
    equal(snapshot(data.path), before, 'the files')
    os.mkdir(f'{folder}/open', 0o755)
    write(f'{folder}/file', b'x')
    os.symlink('nowhere', f'{folder}/dangling')
    for name in ('open', 'file', 'dangling', 'none/none', 'x' * 300, 'x/' * 3000):
        complains(run('init', '--data', f'{folder}/{name}', '--issuer', ISSUER), (2,))
    equal(sorted(os.listdir(folder)), ['dangling', 'data', 'file', 'open'], 'what is there')
    equal(os.listdir(f'{folder}/open'), [], 'what is in it')


@suite.in_folder('init takes an empty directory, names with odd letters, a relative path')
def fit(folder):
    os.mkdir(f'{folder}/empty', 0o700)
    for name in ('empty', 'a b', '\u00e9?x=y#z%41', "it's", 'file:x?mode=memory', '-x', ':memory:'):
        path = f'{folder}/{name}'
        equal(run('init', '--data', path, '--issuer', ISSUER).returncode, 0, name)
        equal(run('site', 'add', 'north', '--data', path).returncode, 0, name)
        equal(sorted(os.listdir(path)), ['adit.db', 'audit', 'secret.key'], f'files of {name}')
    for name in (':memory:2', 'file:relative', 'plain'):
        equal(run('init', '--data', name, '--issuer', ISSUER, cwd=folder).returncode, 0, name)
        equal(sorted(os.listdir(f'{folder}/{name}')), ['adit.db', 'audit', 'secret.key'], name)


@suite.in_folder('init without an issuer')
def no_issuer(folder):
    complains(run('init', '--data', folder + '/data'), (2,), '--issuer')
    equal(os.listdir(folder), [], 'what is there')


@suite.in_folder('an operator\'s own key is used')
def own_key(folder):
    path = folder + '/data'
    os.mkdir(path, 0o700)
    key = b'A' * 43 + b'\n'
    write(path + '/secret.key', key)
    equal(run('init', '--data', path, '--issuer', ISSUER).returncode, 0, 'exit code')
    equal(read(path + '/secret.key'), key, 'the key')
    equal(run('key', 'list', '--data', path).returncode, 0, 'exit code')


# Requirement 67.
@suite.in_folder('in a new data directory there is nobody, and no secret')
def nobody(folder):
    data = Data(folder)
    for noun in ('site', 'service-user'):
        equal(data.json(noun, 'list'), [], f'each {noun}')
    clients = data.json('client', 'list')
    equal({client['type'] for client in clients} - {'public', 'native'}, set(), 'with a secret')


@suite.in_folder('init on a full disk leaves nothing')
def full_disk(folder):
    for limit in (0, 10, 4096, 20000, 60000):
        def limited(limit=limit):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        done = run('init', '--data', folder + '/data', '--issuer', ISSUER, preexec_fn=limited,
                   restore_signals=False)
        complains(done, (5,))
        equal(os.listdir(folder), [], f'what is there after {limit} bytes')
    equal(run('init', '--data', folder + '/data', '--issuer', ISSUER).returncode, 0, 'at last')


for part in range(8):
    @suite.in_folder(f'init killed at random points, part {part}', part)
    def killed(folder, part):
        chance = random.Random(part)
        outcomes = collections.Counter()
        path = folder + '/data'
        command = ['init', '--data', path, '--issuer', ISSUER]
        for _ in range(12):
            process = subprocess.Popen([ADITD, *command], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
            process.wait()
            there = os.path.exists(path + '/adit.db')
            outcomes[' '.join(sorted(os.listdir(path))) if os.path.exists(path) else 'nothing'] += 1
            again = run(*command)
            if there:
                complains(again, (2,), 'already')
            else:
                equal(again.returncode, 0, f'init again: {again.complained}')
            listed = run('key', 'list', '--data', path)
            equal(listed.returncode, 0, listed.complained)
            equal(listed.said.count(' active '), 3, listed.said)
            # A process that was killed at its very end leaves SQLite's files, and the audit to
            # the next verb.
            equal(run('site', 'add', 'east', '--data', path).returncode, 0, 'a site')
            equal(sorted(os.listdir(path)), ['adit.db', 'audit', 'secret.key'], 'files')
            shutil.rmtree(path)
        suite.note(f'init, killed at random points, left: {dict(outcomes)}')


@suite.in_folder('several inits at once: one makes it, and it is whole')
def inits_race(folder):
    for turn in range(10):
        path = f'{folder}/{turn}'
        done = side_by_side(6, lambda _, path=path: run('init', '--data', path, '--issuer', ISSUER))
        codes = sorted(each.returncode for each in done)
        equal(codes.count(0), 1, f'how many made it: {[each.complained for each in done]}')
        for each in done:
            if each.returncode:
                complains(each, (1, 2, 5), path)
        check({'adit.db', 'audit', 'secret.key'} <= set(os.listdir(path)) <=
              {'adit.db', 'audit', 'secret.key', 'lock'}, os.listdir(path))
        listed = run('key', 'list', '--data', path)
        equal(listed.said.count(' active '), 3, listed.said + listed.complained)


# --- opening it ------------------------------------------------------------------------------

@suite.in_folder('a missing key')
def key_missing(folder):
    data = filled(folder)
    os.rename(data.path + '/secret.key', folder + '/away')
    complains_everywhere(data, (2, 5), 'secret.key', 'adit.key')
    os.rename(folder + '/away', data.path + '/secret.key')
    data.verb('site', 'list')


for name, mode in (('group', 0o640), ('all', 0o604), ('write', 0o620), ('all of it', 0o666)):
    @suite.in_folder(f'a key that others may {name}', mode)
    def key_open(folder, mode):
        data = filled(folder)
        os.chmod(data.path + '/secret.key', mode)
        complains_everywhere(data, (2, 5), 'secret.key', '600')

    @suite.in_folder(f'a directory that others may {name}', mode)
    def directory_open(folder, mode):
        data = filled(folder)
        os.chmod(data.path, mode | 0o700)
        complains_everywhere(data, (2, 5), data.path, '0700')


@suite.in_folder('a key that is another user\'s')
def key_foreign(folder):
    if os.geteuid():
        return 'only root can give a file away'
    data = filled(folder)
    os.chown(data.path + '/secret.key', 12345, 12345)
    complains_everywhere(data, (2, 5), 'secret.key')
    return None


@suite.in_folder('the key of other data')
def key_other(folder):
    data, other = filled(folder), filled(folder, 'two')
    shutil.copy(other.path + '/secret.key', data.path + '/secret.key')
    complains_everywhere(data, (2, 5), 'key')


for name, content in (('empty', b''), ('short', b'A' * 42), ('long', b'A' * 44),
                      ('huge', b'A' * 9000),
                      ('not base64url', b'+' * 43), ('binary', bytes(32)), ('two lines',
                                                                            b'A' * 43 + b'\nB\n')):
    @suite.in_folder(f'a key that is none: {name}', content)
    def key_garbage(folder, content):
        data = filled(folder)
        write(data.path + '/secret.key', content)
        complains_everywhere(data, (2, 5), 'secret.key')


@suite.in_folder('a key without a line feed, with CRLF, and 0400')
def key_forms(folder):
    data = filled(folder)
    key = read(data.path + '/secret.key').strip()
    for ending, mode in ((b'', 0o600), (b'\n', 0o400), (b'\r\n', 0o600)):
        os.remove(data.path + '/secret.key')
        write(data.path + '/secret.key', key + ending, mode)
        data.verb('site', 'list')


@suite.in_folder('the key as a systemd credential; both is one too many')
def credential(folder):
    data = filled(folder)
    place = folder + '/credentials'
    os.mkdir(place, 0o700)
    shutil.copy(data.path + '/secret.key', place + '/adit.key')
    os.chmod(place + '/adit.key', 0o400)
    given = {'CREDENTIALS_DIRECTORY': place}
    before = snapshot(data.path)
    for verb in VERBS:
        complains(data.attempt(*verb, environment=given), (2,), 'two secret keys', 'secret.key',
                  'adit.key')
    equal(snapshot(data.path), before, 'the files')
    os.rename(data.path + '/secret.key', folder + '/away')
    data.verb('site', 'list', environment=given)
    server = data.serve(environment=given)
    server.stop()
    # Where systemd gives the file an ACL, its mask stands where the group's rights do.
    os.chmod(place + '/adit.key', 0o440)
    data.verb('site', 'list', environment=given)
    os.chmod(place + '/adit.key', 0o404)
    complains(data.attempt('site', 'list', environment=given), (2, 5), 'adit.key')
    os.remove(place + '/adit.key')
    complains(data.attempt('site', 'list', environment=given), (2, 5), 'secret.key')
    os.rename(folder + '/away', data.path + '/secret.key')
    data.verb('site', 'list', environment=given)


@suite.in_folder('init with a systemd credential makes no key of its own')
def init_by_credential(folder):
    place, path = folder + '/credentials', folder + '/data'
    os.mkdir(place, 0o700)
    given = {'CREDENTIALS_DIRECTORY': place}
    write(place + '/adit.key', b'A' * 43, 0o400)
    equal(run('init', '--data', path, '--issuer', ISSUER, environment=given).returncode, 0, 'init')
    equal(sorted(os.listdir(path)), ['adit.db', 'audit'], 'files')
    equal(run('key', 'list', '--data', path, environment=given).returncode, 0, 'key list')
    complains(run('key', 'list', '--data', path), (2, 5), 'secret.key', 'adit.key')
    os.remove(place + '/adit.key')
    equal(run('init', '--data', path + '2', '--issuer', ISSUER, environment=given).returncode, 0,
          'init without the credential')
    equal(sorted(os.listdir(path + '2')), ['adit.db', 'audit', 'secret.key'], 'files')


@suite.in_folder('init on a disk that fills up at the last moment leaves nothing')
def full_at_the_end(folder):
    library = os.environ.get('ADIT_FULL_DISK')
    if not library:
        return 'a preloaded library does not go with a sanitizer'
    path = folder + '/data'
    arguments = ['init', '--data', path, '--issuer', ISSUER]
    complains(run(*arguments, environment={'LD_PRELOAD': library}), (5,), 'disk')
    check(not os.path.exists(path), 'something was left')
    equal(run(*arguments).returncode, 0, 'init with room')
    return None


@suite.in_folder('a database without its content is refused')
def hollow(folder):
    data = filled(folder)
    with contextlib.closing(sqlite3.connect(data.path + '/adit.db')) as database:
        number = database.execute('PRAGMA application_id').fetchone()[0]
    os.remove(data.path + '/adit.db')
    with contextlib.closing(sqlite3.connect(data.path + '/adit.db')) as database:
        database.execute(f'PRAGMA application_id = {number}')
    os.chmod(data.path + '/adit.db', 0o600)
    for verb in VERBS:
        complains(data.attempt(*verb), (2,), 'empty')


@suite.in_folder('a newer schema is refused by every verb, and not touched')
def newer(folder):
    data = filled(folder)
    database = sqlite3.connect(data.path + '/adit.db')
    database.execute('PRAGMA user_version = 99')
    database.commit()
    database.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    complains_everywhere(data, (5,), 'newer')


for name, change in (
        ('garbage', lambda content: b'not a database' * 1000),
        ('a text', lambda content: b'x'),
        ('a damaged header', lambda content: b'SQLite format 4\0' + content[16:]),
        ('a page of garbage first', lambda content: b'\xa5' * 4096 + content[4096:]),
        ('another program\'s', None)):
    @suite.in_folder(f'adit.db is not ours: {name}', change)
    def not_ours(folder, change):
        data = filled(folder)
        path = data.path + '/adit.db'
        if change:
            write(path, change(read(path)))
        else:
            os.remove(path)
            database = sqlite3.connect(path)
            database.execute('CREATE TABLE mine (x)')
            database.commit()
            database.close()
            os.chmod(path, 0o600)
        complains_everywhere(data, (2, 5), data.path)


# Only under its locks does SQLite know that what is missing does not lie in the log; they are
# files, which stay.
@suite.in_folder('adit.db is cut in half')
def cut(folder):
    data = filled(folder)
    path = data.path + '/adit.db'
    half = read(path)[:os.path.getsize(path) // 2]
    write(path, half)
    for verb in VERBS:
        complains(data.attempt(*verb), (2, 5), data.path)
        equal(read(path), half, f'adit.db after {verb}')


@suite.in_folder('adit.db is missing, empty or a directory')
def no_database(folder):
    data = filled(folder)
    path = data.path + '/adit.db'
    os.rename(path, folder + '/away')
    complains_everywhere(data, (2, 5), data.path)
    write(path, b'')
    complains_everywhere(data, (2, 5), data.path)
    os.remove(path)
    os.mkdir(path)
    for verb in VERBS:
        complains(data.attempt(*verb), (2, 5), path)
    os.rmdir(path)
    os.rename(folder + '/away', path)
    data.verb('site', 'list')


# --- serving it ------------------------------------------------------------------------------

@suite.in_folder('one serves, a second does not, and the first goes on; a killed one holds nothing')
def two_serves(folder):
    data = filled(folder)
    user = data.user()
    server = data.serve()
    complains(data.attempt('serve', '--listen', '127.0.0.1:0'), (5,), data.path, 'another aditd')
    served(server.password(user))
    server.kill()
    server = data.serve()
    served(server.password(user))
    server.stop()


@suite.in_folder('a port that is taken')
def port_taken(folder):
    data = filled(folder)
    with socket.create_server(('127.0.0.1', 0)) as taken:
        address = f'127.0.0.1:{taken.getsockname()[1]}'
        complains(data.attempt('serve', '--listen', address), (1, 2), address)
        complains(run('dev', '--listen', address), (1, 2), address)


@suite.in_folder('it listens on several addresses, on ::1 and on a Unix socket')
def several(folder):
    data = filled(folder)
    user = data.user()
    path = folder + '/socket'
    server = data.serve('--listen', '[::1]:0', '--listen', 'unix:' + path)
    try:
        addresses = until(lambda: len(server.events('listening')) == 3 and
                          [event['address'] for event in server.events('listening')],
                          'listening')[0]
        equal(addresses[2], 'unix:' + path, 'the last address')
        for address in addresses:
            server.address = address
            served(server.password(user))
            equal(server.get('/readyz').status, 200, address)
        until(lambda: {event['source'] for event in server.events('token_issued')} ==
              {'127.0.0.1', '::1', 'unix'}, 'the sources in the log')
    finally:
        server.stop()
    check(not os.path.exists(path), 'the socket is still there')


@suite.in_folder('the socket of a killed server is taken over; a file or a live socket is not')
def stale_socket(folder):
    data, other = filled(folder), filled(folder, 'two')
    path = folder + '/socket'
    server = data.serve(listen='unix:' + path)
    complains(other.attempt('serve', '--listen', 'unix:' + path), (1, 2), path)
    equal(server.get('/readyz').status, 200, 'the first')
    server.kill()
    check(os.path.exists(path), 'the socket is gone')
    server = data.serve(listen='unix:' + path)
    equal(server.get('/readyz').status, 200, 'the second')
    server.stop()
    write(path, b'mine')
    complains(data.attempt('serve', '--listen', 'unix:' + path), (1, 2), path)
    equal(read(path), b'mine', 'the file')


@suite.in_folder('on loopback with an https issuer, it says that a proxy should be told of')
def unannounced_proxy(folder):
    unix = 'unix:' + folder + '/socket'
    for number, (issuer, arguments, warned) in enumerate((
            (ISSUER, ['--listen', unix, '--listen', '127.0.0.1:0', '--listen', '[::1]:0'],
             '127.0.0.1:0'),
            (ISSUER, ['--listen', '[::1]:0', '--flood-limit', '0'], '[::1]:0'),
            (ISSUER, ['--listen', unix], None),
            (ISSUER, ['--listen', '127.0.0.1:0', '--behind-proxy'], None),
            (ISSUER, ['--listen', '127.0.0.1:0', '--trusted-proxy', '127.0.0.1'], None),
            ('http://127.0.0.1:1', ['--listen', '127.0.0.1:0'], None))):
        data = filled(folder, str(number), issuer=issuer)
        server = Process(data.arguments('serve', *arguments))
        try:
            server.line(server.log, lambda line: '"event":"listening"' in line)
        finally:
            server.stop()
        events = server.events('behind_unannounced_proxy')
        equal([(event['level'], event['address'], event['issuer']) for event in events],
              [('warning', warned, ISSUER)] if warned else [], f'the warnings of {arguments}')
        check(not warned or '--trusted-proxy' in events[0]['advice'], events)


@suite.in_folder('behind a proxy it listens anywhere')
def behind_proxy(folder):
    data = filled(folder)
    server = data.serve('--behind-proxy', listen='0.0.0.0:0')
    server.address = server.address.replace('0.0.0.0', '127.0.0.1')
    equal(server.get('/readyz').status, 200, 'ready')
    server.stop()


@suite.in_folder('the issuer given to serve is compared')
def compared(folder):
    data = filled(folder)
    server = data.serve('--issuer', ISSUER)
    server.stop()
    complains(data.attempt('serve', '--issuer', ISSUER + '/'), (2,), ISSUER)


@suite.in_folder('verbs at the same time all count')
def verbs_race(folder):
    data = filled(folder)
    server = data.serve()
    done = side_by_side(8, lambda turn: [
        data.attempt('service-user', 'add', f'u{turn}-{number}', '--site', 'north', '--role',
                     'read', '--json') for number in range(5)])
    for each in (each for part in done for each in part):
        equal(each.returncode, 0, each.complained)
    equal(len(data.json('service-user', 'list')), 41, 'how many')
    done = side_by_side(8, lambda _: data.attempt('site', 'add', 'same'))
    equal(sorted(each.returncode for each in done), [0] + [2] * 7, 'exit codes')
    server.stop()


@suite.in_folder('a directory moved while nobody serves works on')
def moved(folder):
    data = filled(folder)
    user = data.user()
    os.rename(data.path, folder + '/elsewhere')
    data.path = folder + '/elsewhere'
    server = data.serve()
    served(server.password(user))
    server.stop()


suite.main(workers=8)
