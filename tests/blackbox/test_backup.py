#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Backups that are made while the server is at work, and data directories that are made of them."""
import collections
import os
import random
import resource
import shutil
import sqlite3
import stat
import subprocess
import threading
import time

from harness import (ADITD, Clock, Data, Suite, check, complains, equal, read, refused, run, served,
                     side_by_side)

suite = Suite()
THREADS = 16
NOTE = 'secret.key is not in it'


def write(path, content):
    with open(path, 'wb') as file:
        file.write(content)


def new_directory(folder, secret_key, name='restored'):
    """A directory of mode 0700 with that secret key, as an operator prepares it."""
    path = f'{folder}/{name}'
    os.mkdir(path, 0o700)
    if secret_key:
        shutil.copy2(secret_key, path + '/secret.key')
    return path


def restored(data, backup, folder, name='restored'):
    """The data directory that is made of that backup by the same secret key."""
    path = new_directory(folder, data.path + '/secret.key', name)
    again = object.__new__(Data)
    again.__dict__.update(data.__dict__, path=path)
    said = again.verb('restore', backup)
    check('sign in again' in said and said.count('\n') == 1, said)
    return again


def backed_up(folder):
    """Data with one user, and a backup of it."""
    data = Data(folder)
    user = data.user()
    said = data.verb('backup', folder + '/backup')
    check(NOTE in said and said.count('\n') == 1, said)
    return data, user, folder + '/backup'


# --- while serving ---------------------------------------------------------------------------

def work(server, user, stop, tokens):
    """Signs in and refreshes until told to stop; all of it must go well."""
    while not stop.is_set():
        first = server.sign_in(user)['refresh_token']
        tokens.append(served(server.refresh(first)).json['refresh_token'])


@suite.in_folder('backups while 16 threads sign in and refresh; each is whole')
def while_serving(folder):
    data = Data(folder)
    users = [data.user() for _ in range(THREADS)]
    server = data.serve()
    stop, tokens = threading.Event(), []

    def one(index):
        if index < THREADS:
            return work(server, users[index], stop, tokens)
        try:
            for turn in range(5):
                seen = len(tokens)
                data.verb('backup', f'{folder}/{turn}')
                while len(tokens) < seen + THREADS and server.process.poll() is None:
                    time.sleep(0.01)
        finally:
            stop.set()
        return None
    side_by_side(THREADS + 1, one)
    server.stop()
    for turn in range(5):
        with sqlite3.connect(f'{folder}/{turn}') as database:
            equal(database.execute('PRAGMA integrity_check').fetchall(), [('ok',)], 'integrity')
            equal(database.execute('PRAGMA foreign_key_check').fetchall(), [], 'foreign keys')
            families, = database.execute('SELECT count(*) FROM family').fetchone()
        suite.note(f'backup {turn} has {families} families of {len(tokens)}')
    again = restored(data, f'{folder}/4', folder)
    server = again.serve()
    for user in users:
        server.sign_in(user)
    for token in tokens[-THREADS:] + tokens[:THREADS]:
        refused(server.refresh(token), 'invalid_grant')
    server.stop()


@suite.in_folder('a write after the backup is not in it, one before it is')
def snapshot(folder):
    data, user, backup = backed_up(folder)
    later = data.user('south')
    server = restored(data, backup, folder).serve()
    server.sign_in(user)
    refused(server.password(later), 'invalid_grant')
    server.stop()


# --- sessions end ----------------------------------------------------------------------------

@suite.in_folder('after a restore old refresh tokens are refused, and passwords work')
def epoch(folder):
    data, user, _ = backed_up(folder)
    server = data.serve()
    before = server.sign_in(user)
    data.verb('backup', folder + '/second')
    server.stop()
    server = restored(data, folder + '/second', folder).serve()
    reply = refused(server.refresh(before['refresh_token']), 'invalid_grant')
    reasons = {event.get('reason') for event in server.events()
               if event.get('correlation_id') == reply.json['correlation_id']}
    check('older_epoch' in reasons, f'{reasons}: {server.text()}')
    token = server.sign_in(user)['refresh_token']
    served(server.refresh(token))
    server.stop()


@suite.in_folder('one backup restored twice ends the sessions between, too')
def twice(folder):
    clock = Clock(folder)
    data = Data(folder, clock=clock)
    user = data.user()
    data.verb('backup', folder + '/backup')
    clock.advance(60)
    server = restored(data, folder + '/backup', folder, 'first').serve()
    between = server.sign_in(user)['refresh_token']
    server.stop()
    clock.advance(60)
    server = restored(data, folder + '/backup', folder, 'second').serve()
    refused(server.refresh(between), 'invalid_grant')
    check('older_epoch' in server.text(), server.text())
    served(server.refresh(server.sign_in(user)['refresh_token']))
    server.stop()
    clock.close()


# --- what is made ----------------------------------------------------------------------------

@suite.in_folder('both are for the owner only, whatever the umask, and nothing else is made')
def modes(folder):
    data, _, _ = backed_up(folder)
    for mask in (0, 0o077):
        backup = f'{folder}/{mask:o}'

        def masked(mask=mask):
            os.umask(mask)
        equal(data.attempt('backup', backup, preexec_fn=masked).returncode, 0, 'backup')
        equal(stat.S_IMODE(os.stat(backup).st_mode), 0o600, 'mode of the backup')
        path = new_directory(folder, data.path + '/secret.key', f'of-{mask:o}')
        equal(run('restore', backup, '--data', path, preexec_fn=masked).returncode, 0, 'restore')
        equal(sorted(os.listdir(path)), ['adit.db', 'audit', 'secret.key'], 'files')
        equal(stat.S_IMODE(os.stat(path + '/adit.db').st_mode), 0o600, 'mode of adit.db')
    equal(sorted(os.listdir(folder)), ['0', '77', 'backup', 'data', 'of-0', 'of-77'], 'files')


@suite.in_folder('the secret key from a credential; the directory is made then')
def credential(folder):
    data, _, backup = backed_up(folder)
    os.mkdir(folder + '/credentials', 0o700)
    shutil.copy2(data.path + '/secret.key', folder + '/credentials/adit.key')
    environment = {'CREDENTIALS_DIRECTORY': folder + '/credentials'}
    done = run('restore', backup, '--data', folder + '/new', environment=environment)
    equal(done.returncode, 0, done.complained)
    equal(stat.S_IMODE(os.stat(folder + '/new').st_mode), 0o700, 'mode')
    equal(sorted(os.listdir(folder + '/new')), ['adit.db', 'audit'], 'files')
    path = new_directory(folder, data.path + '/secret.key')
    complains(run('restore', backup, '--data', path, environment=environment), (2,), 'two')
    equal(os.listdir(path), ['secret.key'], 'files')


@suite.in_folder('odd names of backups')
def names(folder):
    data, _, _ = backed_up(folder)
    for name in ('a b', '\u00e9?x=y#z%41', "it's", 'file:x?mode=memory', ':memory:'):
        done = data.attempt('backup', name, cwd=folder)
        equal(done.returncode, 0, f'{name}: {done.complained}')
        check(os.path.exists(f'{folder}/{name}'), name)
        path = new_directory(folder, data.path + '/secret.key', 'restored')
        done = run('restore', name, '--data', path, cwd=folder)
        equal(done.returncode, 0, f'{name}: {done.complained}')
        shutil.rmtree(path)


# --- what is refused -------------------------------------------------------------------------

def restore_fails(folder, data, backup, codes, *words):
    """With one line, and with nothing left, in a new and in a prepared directory."""
    path = new_directory(folder, data.path + '/secret.key', 'refused')
    complains(run('restore', backup, '--data', path), codes, *words)
    equal(os.listdir(path), ['secret.key'], 'what is there')
    shutil.rmtree(path)


def changed(backup, name, sql):
    shutil.copy2(backup, name)
    with sqlite3.connect(name) as database:
        database.executescript(sql)
    database.close()
    return name


@suite.in_folder('a backup to where it can\'t be')
def bad_targets(folder):
    data, _, backup = backed_up(folder)
    before = read(backup)
    os.symlink('nowhere', folder + '/dangling')
    write(folder + '/cut.new', b'of an earlier one')
    for name in ('backup', 'dangling', 'cut', 'data', 'none/backup', 'backup/x', 'x' * 255, ''):
        complains(data.attempt('backup', name and f'{folder}/{name}'), (2,))
    complains(data.attempt('backup'), (2,), 'aditd backup needs FILE')
    complains(data.attempt('backup', 'a', 'b'), (2,), '"b"')
    complains(data.attempt('backup', folder + '/' + 'x/' * 3000), (2,))
    complains(run('backup', folder + '/x', '--data', folder + '/none'), (2,), 'none')
    equal(read(backup), before, 'the backup')
    equal(read(folder + '/cut.new'), b'of an earlier one', 'what was there')
    equal(sorted(os.listdir(folder)), ['backup', 'cut.new', 'dangling', 'data'], 'files')


@suite.in_folder('a restore to where it can\'t be')
def bad_places(folder):
    data, _, backup = backed_up(folder)
    before = read(data.path + '/adit.db')
    complains(data.attempt('restore', backup), (2,), 'already')
    equal(read(data.path + '/adit.db'), before, 'adit.db')
    os.mkdir(folder + '/open', 0o755)
    for name in ('open', 'backup', 'none/none', 'x' * 300, 'x/' * 3000):
        complains(run('restore', backup, '--data', f'{folder}/{name}'), (2,))
    for name in ('adit.db-wal', 'adit.db-journal'):
        path = new_directory(folder, data.path + '/secret.key', name)
        write(f'{path}/{name}', b'')
        complains(run('restore', backup, '--data', path), (2,), name)
        equal(sorted(os.listdir(path)), [name, 'secret.key'], 'files')
    complains(run('restore', '--data', folder + '/new'), (2,), 'aditd restore needs FILE')
    check(not os.path.exists(folder + '/new'), 'the directory was made')


@suite.in_folder('a missing, wrong or broken secret key')
def keys(folder):
    _, _, backup = backed_up(folder)
    os.mkdir(folder + '/other')
    other = Data(folder + '/other')
    write(folder + '/short', b'A' * 42 + b'\n')
    os.chmod(folder + '/short', 0o600)
    shutil.copy(other.path + '/secret.key', folder + '/readable')
    os.chmod(folder + '/readable', 0o644)
    for secret, word in ((None, 'missing'), (other.path + '/secret.key', 'other data'),
                         (folder + '/short', '43'), (folder + '/readable', 'chmod')):
        path = new_directory(folder, secret, 'refused')
        complains(run('restore', backup, '--data', path), (2, 5), word)
        equal(os.listdir(path), ['secret.key'] if secret else [], 'what is there')
        shutil.rmtree(path)
    complains(run('restore', backup, '--data', folder + '/new'), (2,), 'secret.key')
    check(not os.path.exists(folder + '/new'), 'the directory stayed')


@suite.in_folder('files that are no backup')
def bad_files(folder):
    data, _, backup = backed_up(folder)
    whole = read(backup)
    for name, content in (('empty', b''), ('text', b'not a database\n' * 1000),
                          ('header', whole[:16]), ('noise', os.urandom(100_000))):
        write(f'{folder}/{name}', content)
        restore_fails(folder, data, f'{folder}/{name}', (2,), f'{folder}/{name}')
    with sqlite3.connect(folder + '/foreign') as database:
        database.execute('CREATE TABLE mine (id INTEGER)')
    os.mkfifo(folder + '/fifo')
    for name in ('foreign', 'fifo', 'data', 'none', ''):
        restore_fails(folder, data, name and f'{folder}/{name}', (2,))
    nobody = changed(backup, folder + '/nobody', 'DELETE FROM authority')
    restore_fails(folder, data, nobody, (2,), nobody)
    newer = changed(backup, folder + '/newer', 'PRAGMA user_version = 999')
    restore_fails(folder, data, newer, (5,), newer, 'newer')
    shutil.copy2(backup, folder + '/live')
    write(folder + '/live-wal', b'x')
    restore_fails(folder, data, folder + '/live', (2,), 'live-wal')


@suite.in_folder('a backup that is cut short, wherever')
def truncated(folder):
    data, _, backup = backed_up(folder)
    whole = read(backup)
    chance = random.Random(7)
    sizes = [100, 4095, 4096, 4097, len(whole) // 2, len(whole) - 4096, len(whole) - 1]
    for size in sizes + [chance.randrange(1, len(whole)) for _ in range(10)]:
        write(folder + '/cut', whole[:size])
        restore_fails(folder, data, folder + '/cut', (2, 5), folder + '/cut')


@suite.in_folder('a backup with a page that is gone')
def damaged(folder):
    data, _, backup = backed_up(folder)
    whole = read(backup)
    outcomes = collections.Counter()
    for page in range(1, len(whole) // 4096):
        write(folder + '/bad', whole[:page * 4096] + b'\xff' * 4096 + whole[(page + 1) * 4096:])
        restore_fails(folder, data, folder + '/bad', (2, 5))
        outcomes['found'] += 1
    check(outcomes['found'] > 10, outcomes)


# --- nothing half done -----------------------------------------------------------------------

@suite.in_folder('no room on the disk')
def no_room(folder):
    data, _, backup = backed_up(folder)
    size = os.path.getsize(backup)
    for limit in (0, 10, 4096, size // 2, size - 4096):
        def limited(limit=limit):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        if limit > 40_000:  # opening the data needs its index of the log
            complains(data.attempt('backup', folder + '/small', preexec_fn=limited,
                                   restore_signals=False), (5,))
        path = new_directory(folder, data.path + '/secret.key', 'small-data')
        complains(run('restore', backup, '--data', path, preexec_fn=limited,
                      restore_signals=False), (5,))
        equal(os.listdir(path), ['secret.key'], f'what is there after {limit} bytes')
        shutil.rmtree(path)
    equal(sorted(os.listdir(folder)), ['backup', 'data'], 'files')
    equal(data.attempt('backup', folder + '/small').returncode, 0, 'at last')


def killed_after(command, delay_s):
    process = subprocess.Popen([ADITD, *command], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(delay_s)
    process.kill()
    process.wait()


for part in range(4):
    @suite.in_folder(f'killed at random points, part {part}', part)
    def killed(folder, part):
        data, _, backup = backed_up(folder)
        chance = random.Random(part)
        outcomes = collections.Counter()
        target = folder + '/target'
        for _ in range(10):
            killed_after(data.arguments('backup', target), chance.uniform(0, 0.03))
            left = [name for name in sorted(os.listdir(folder)) if name.startswith('target')]
            outcomes['backup: ' + ' '.join(left)] += 1
            if os.path.exists(target):
                equal(run('restore', target, '--data', new_directory(
                    folder, data.path + '/secret.key', 'whole')).returncode, 0, 'a whole one')
                shutil.rmtree(folder + '/whole')
            for name in left:
                os.unlink(f'{folder}/{name}')
            path = new_directory(folder, data.path + '/secret.key')
            killed_after(['restore', backup, '--data', path], chance.uniform(0, 0.03))
            outcomes['restore: ' + ' '.join(sorted(os.listdir(path)))] += 1
            there = os.path.exists(path + '/adit.db')
            equal(run('restore', backup, '--data', path).returncode, 2 if there else 0, 'again')
            equal(run('key', 'list', '--data', path).returncode, 0, 'key list')
            equal(sorted(os.listdir(path)), ['adit.db', 'audit', 'secret.key'], 'files')
            shutil.rmtree(path)
        suite.note(f'killed at random points left: {dict(outcomes)}')


@suite.in_folder('several at once: one makes it')
def race(folder):
    data, _, backup = backed_up(folder)
    path = new_directory(folder, data.path + '/secret.key')
    for command in (data.arguments('backup', folder + '/raced'),
                    ['restore', backup, '--data', path]):
        done = side_by_side(6, lambda _, command=command: run(*command))
        equal([each.returncode for each in done].count(0), 1, [each.complained for each in done])
        for each in done:
            if each.returncode:
                complains(each, (2, 5))
    equal(run('key', 'list', '--data', path).returncode, 0, 'key list')
    equal(sorted(os.listdir(folder)), ['backup', 'data', 'raced', 'restored'], 'files')


suite.main()
