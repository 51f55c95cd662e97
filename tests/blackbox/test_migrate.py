#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Data of an older version: what is planned, what is done, and what still works after it."""
import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import stat
import subprocess
import time

from harness import (ADITD, SANITIZER, Clock, Data, Suite, basic, check, complains, equal, refused,
                     run, served)

suite = Suite()


def read_text(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join(HERE, 'schema_1.sql')
SQL = read_text(KEPT)
KNOWN = json.loads(SQL.split('\n')[1].removeprefix('--'))
NOW = KNOWN['clock'] + 30
STEPS = os.path.join(HERE, '../../src/store/sql')
SCHEMA = sum(name.endswith('.sql') for name in os.listdir(STEPS))


def make_database(path, sql=SQL):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(sql)
        database.execute('PRAGMA journal_mode = WAL')
    os.chmod(path, 0o600)


def old_data(folder, name='data', families=0):
    """The kept data directory of schema 1; with families, one whose upgrade takes a while."""
    data = object.__new__(Data)
    data.path, data.clock = f'{folder}/{name}', Clock(folder, NOW)
    data.issuer, data.issuer_path = KNOWN['issuer'], '/identity'
    os.mkdir(data.path, 0o700)
    make_database(data.path + '/adit.db')
    if families:
        with contextlib.closing(sqlite3.connect(data.path + '/adit.db')) as database:
            database.executemany(
                'INSERT INTO family VALUES (?, ?, 0, 1, ?, NULL, NULL)',
                ((b'%016d' % number, b'g' * 16, NOW * 2) for number in range(families)))
            database.commit()
    with open(data.path + '/secret.key', 'w', encoding='ascii',
              opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(KNOWN['secret_key'] + '\n')
    return data


def snapshot(path):
    found = {}
    for name in sorted(os.listdir(path)):
        with open(f'{path}/{name}', 'rb') as file:
            found[name] = (os.stat(f'{path}/{name}').st_mode, file.read())
    return found


def version_of(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        equal(database.execute('PRAGMA integrity_check').fetchall(), [('ok',)], 'integrity')
        equal(database.execute('PRAGMA foreign_key_check').fetchall(), [], 'foreign keys')
        return database.execute('PRAGMA user_version').fetchone()[0]


def backups(data):
    return sorted(name for name in os.listdir(data.path) if name.endswith('.backup'))


def schema_of(database):
    """What there is, apart from how its text was typed."""
    def columns(table):
        return sorted(row[1:] for row in database.execute(f'PRAGMA table_xinfo({table})'))
    names = database.execute('SELECT type, name FROM sqlite_schema ORDER BY 1, 2').fetchall()
    return names, {name: columns(name) for kind, name in names if kind == 'table'}


def check_works(data, sessions=True):
    """Everything that the old one gave is good, and what it had ended is not."""
    server = data.serve()
    try:
        if sessions:
            served(server.refresh(KNOWN['fresh']))
            served(server.refresh(KNOWN['sealed_after']))
            again = served(server.refresh(KNOWN['redeemed']))
            served(server.refresh(again.json['refresh_token']))
            fields = [('Authorization', 'Bearer ' + KNOWN['access_token'])]
            # It verifies, and has not the scope openid.
            equal(server.get(server.path + '/connect/userinfo', fields).status, 403, 'userinfo')
        else:
            for name in ('fresh', 'sealed_after', 'redeemed'):
                refused(server.refresh(KNOWN[name]), 'invalid_grant')
        refused(server.refresh(KNOWN['revoked']), 'invalid_grant')
        for name in ('reader', 'writer'):
            server.sign_in(KNOWN[name])
        refused(server.password(KNOWN['disabled']), 'invalid_grant')
        served(server.post({'grant_type': 'client_credentials'},
                           [basic('service', KNOWN['client']['client_secret'])]))
        keys = server.get(server.path + '/.well-known/openid-configuration/jwks').json['keys']
        equal(sorted(key['kty'] for key in keys), ['EC', 'EC', 'RSA'], 'the published keys')
    finally:
        server.stop()
    listed = data.json('key', 'list')
    equal(len(listed), 7, 'how many keys')
    equal(len(data.json('site', 'list')), 2, 'how many sites')


# --- who migrates ----------------------------------------------------------------------------

@suite.in_folder('no verb but migrate touches older data, and each says what to do')
def refuses(folder):
    data = old_data(folder)
    before = snapshot(data.path)
    for verb in (['site', 'list'], ['site', 'add', 'west'], ['key', 'rotate'],
                 ['backup', folder + '/backup'], ['serve', '--listen', '127.0.0.1:0']):
        complains(data.attempt(*verb), (5,), 'aditd migrate', 'schema 1', data.path)
        after = snapshot(data.path)
        after.pop('lock', None)
        equal(after, before, f'the files after {verb}')
    check(not os.path.exists(folder + '/backup'), 'there is a backup')


@suite.in_folder('a plan names each step, and changes nothing')
def plan(folder):
    data = old_data(folder)
    before = snapshot(data.path)
    said = data.verb('migrate', '--plan')
    known = data.json('migrate', '--plan')
    equal(snapshot(data.path), before, 'the files')
    equal((known['schema'], known['target'], known['server_running']), (1, SCHEMA, False),
          'the plan')
    equal([step['schema'] for step in known['pending']], list(range(2, SCHEMA + 1)), 'steps')
    for step in known['pending']:
        check(re.fullmatch('[a-z_]+', step['name']) and step['name'] in said, step)
        check(step['does'] and step['does'] in said, step)
    equal(known['database_bytes'], os.stat(data.path + '/adit.db').st_size, 'the size')
    check(known['free_bytes'] > known['needed_bytes'] > 3 * known['database_bytes'], known)
    check('aditd migrate' in said, said)
    os.remove(data.path + '/secret.key')
    data.verb('migrate', '--plan')


@suite.in_folder('a plan where nothing is pending, also beside a server')
def plan_of_new(folder):
    data = Data(folder)
    check('nothing is pending' in data.verb('migrate', '--plan'), 'what it said')
    equal(data.json('migrate', '--plan')['pending'], [], 'pending')
    server = data.serve()
    known = data.json('migrate', '--plan')
    equal((known['pending'], known['server_running']), ([], True), 'beside a server')
    complains(data.attempt('migrate'), (5,), 'stop it first')
    server.stop()
    check('nothing was pending' in data.verb('migrate'), 'what it said')
    equal(backups(data), [], 'backups')


@suite.in_folder('a plan sees a version that stands in the log alone')
def plan_of_log(folder):
    data = old_data(folder)
    script = ('import os, sqlite3, sys\nd = sqlite3.connect(sys.argv[1])\n'
              'd.execute("PRAGMA user_version = 99")\nd.commit()\nos._exit(0)')
    subprocess.run(['/usr/bin/python3', '-c', script, data.path + '/adit.db'], check=True)
    check(os.stat(data.path + '/adit.db-wal').st_size > 0, 'there is no log')
    before = snapshot(data.path)
    for verb in (['migrate', '--plan'], ['migrate']):
        complains(data.attempt(*verb), (5,), 'newer')
        after = snapshot(data.path)
        after.pop('lock', None)
        equal({name: content for name, content in after.items() if not name.endswith('-shm')},
              {name: content for name, content in before.items() if not name.endswith('-shm')},
              'the files')


# --- doing it --------------------------------------------------------------------------------

@suite.in_folder('everything that the old version gave works after an upgrade')
def upgrade(folder):
    data = old_data(folder)
    said = data.json('migrate')
    equal((said['schema_before'], said['schema']), (1, SCHEMA), 'what it said')
    equal([data.path + '/' + name for name in backups(data)], [said['backup']], 'the backup')
    equal(stat.S_IMODE(os.stat(said['backup']).st_mode), 0o600, 'its mode')
    equal(version_of(said['backup']), 1, 'the version of the backup')
    equal(version_of(data.path + '/adit.db'), SCHEMA, 'the version')
    check_works(data)
    check('nothing was pending' in data.verb('migrate'), 'the second time')
    equal(len(backups(data)), 1, 'backups')


@suite.in_folder('an upgraded schema is that of a new one')
def same_schema(folder):
    data = old_data(folder)
    os.mkdir(folder + '/fresh')
    fresh = Data(folder + '/fresh')
    data.verb('migrate', '--no-backup')
    equal(backups(data), [], 'backups')
    with contextlib.closing(sqlite3.connect(data.path + '/adit.db')) as one, \
            contextlib.closing(sqlite3.connect(fresh.path + '/adit.db')) as other:
        equal(schema_of(one), schema_of(other), 'the schema')


@suite.in_folder('a backup elsewhere, and back: the old version can have it')
def backup_elsewhere(folder):
    data = old_data(folder)
    data.verb('migrate', '--backup', folder + '/before')
    equal(backups(data), [], 'backups in the directory')
    equal(version_of(folder + '/before'), 1, 'its version')
    again = old_data(folder, 'again')
    complains(again.attempt('migrate', '--backup', folder + '/before'), (2,), 'already')
    complains(again.attempt('migrate', '--backup', folder + '/x', '--no-backup'), (2,), 'exclude')
    equal(version_of(again.path + '/adit.db'), 1, 'its version after that')


@suite.in_folder('a backup of the old version can be restored into this one')
def restore_old(folder):
    data = old_data(folder)
    with contextlib.closing(sqlite3.connect(data.path + '/adit.db')) as database:
        database.execute('VACUUM INTO ?', (folder + '/backup',))
    os.remove(data.path + '/adit.db')
    data.verb('restore', folder + '/backup')
    equal(version_of(data.path + '/adit.db'), SCHEMA, 'the version')
    equal(version_of(folder + '/backup'), 1, 'the version of the backup')
    check_works(data, sessions=False)


@suite.in_folder('a damaged database is refused, and not touched')
def damaged(folder):
    data = old_data(folder, families=2000)
    path = data.path + '/adit.db'
    with open(path, 'r+b') as file:
        file.seek(os.stat(path).st_size // 2)
        file.write(b'\xa5' * 8192)
    with open(path, 'rb') as file:
        before = file.read()
    complains(data.attempt('migrate'), (2, 5), path, 'damaged')
    with open(path, 'rb') as file:
        equal(file.read(), before, 'the database')
    equal(backups(data), [], 'backups')


@suite.in_folder('a full disk: nothing is lost, and with room it goes on')
def full(folder):
    data = old_data(folder, families=20000)
    # Room for the database, none for a second of its size.
    limit = os.stat(data.path + '/adit.db').st_size // 2

    def narrow():
        import resource  # in the child
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    complains(data.attempt('migrate', preexec_fn=narrow), (5,), 'backup')
    equal(version_of(data.path + '/adit.db'), 1, 'the version')
    equal(backups(data), [], 'backups')
    data.verb('migrate')
    check_works(data)


@suite.in_folder('migrate, killed at random points, goes on the next time')
def killed(folder):
    seed = int(os.environ.get('SEED', time.time_ns() % 1_000_000))
    suite.note(f'SEED={seed}')
    chance = random.Random(seed)
    pristine = old_data(folder, 'pristine', families=5000)
    began = time.monotonic()
    data = old_data(folder, 'timed', families=5000)
    data.verb('migrate')
    whole_s = time.monotonic() - began
    versions = []
    for turn in range(30):
        path = f'{folder}/{turn}'
        shutil.copytree(pristine.path, path)
        data.path = path
        for _ in range(3):
            process = subprocess.Popen(
                [ADITD, *data.arguments('migrate')], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(chance.random() ** 2 * whole_s)
            process.kill()
            complained = process.communicate()[1].decode()
            check(not SANITIZER.search(complained), complained)
            versions.append(data.json('migrate', '--plan')['schema'])
        done = data.verb('migrate')
        check('schema' in done, done)
        equal(version_of(path + '/adit.db'), SCHEMA, 'the version')
        check(not [name for name in os.listdir(path) if '.new' in name], os.listdir(path))
        for name in backups(data):
            # A later turn's may be of what an earlier one had reached.
            check(1 <= version_of(f'{path}/{name}') < SCHEMA, name)
        if turn % 10 == 0:
            check_works(data)
        shutil.rmtree(path)
    suite.note(f'the schema after a kill: { {each: versions.count(each) for each in versions} }')


@suite.in_folder('a migration that fails keeps those before it, and the next time goes on there')
def stopped(folder):
    made = [(int(name[:4]), table) for name in sorted(os.listdir(STEPS)) if name.endswith('.sql')
            for table in re.findall('^CREATE TABLE ([a-z_]+)', read_text(f'{STEPS}/{name}'),
                                    re.M)[:1] if name > '0002']
    for version, table in made:
        data = old_data(folder, f'{version}')
        path = data.path + '/adit.db'
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute(f'CREATE TABLE {table} (in_the_way)')
        complains(data.attempt('migrate'), (5,), f'schema {version}')
        equal(version_of(path), version - 1, 'the version')
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute(f'DROP TABLE {table}')
        data.verb('migrate')
        equal(version_of(path), SCHEMA, 'the version at the end')
    return None if made else 'no migration makes a table yet'


@suite.in_folder('two at once: one does it, the other waits its turn or finds it done')
def race(folder):
    data = old_data(folder, families=5000)
    processes = [subprocess.Popen([ADITD, *data.arguments('migrate')], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for _ in range(4)]
    codes = []
    for process in processes:
        _, complained = process.communicate()
        codes.append(process.returncode)
        check(process.returncode in (0, 5), f'{process.returncode} {complained}')
    check(0 in codes, codes)
    check_works(data)


# --- beside a server -------------------------------------------------------------------------

@suite.in_folder('a server whose data was upgraded ends, and says why')
def upgraded_under(folder):
    data = Data(folder)
    user = data.user()
    server = data.serve()
    served(server.password(user))
    with contextlib.closing(sqlite3.connect(data.path + '/adit.db')) as database:
        database.execute(f'PRAGMA user_version = {SCHEMA + 1}')
        database.commit()
    server.line(server.log, lambda line: '"event":"data_upgraded"' in line)
    equal(server.wait(), 5, 'its exit status')
    check('newer Adit' in server.text(), server.text())
    complains(data.attempt('site', 'list'), (5,), 'newer')


@suite.in_folder('a plan and a migration find no data')
def no_data(folder):
    os.mkdir(folder + '/empty', 0o700)
    for arguments in (['migrate', '--plan'], ['migrate']):
        complains(run(*arguments, '--data', folder + '/none'), (2,), 'aditd init')
        complains(run(*arguments, '--data', folder + '/empty'), (2,), 'aditd init')
    equal(os.listdir(folder + '/empty'), [], 'the files')


suite.main(workers=4)
