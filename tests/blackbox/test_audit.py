#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The audit: what was answered is in it, whatever happens to the process or the disk; what is
done to its files is found; and no secret is in it."""
import contextlib
import fcntl
import glob
import json
import os
import random
import re
import resource
import stat
import threading

from harness import (PUBLIC, Data, Folder, Suite, check, equal, refused, run, served,
                     side_by_side, until)

suite = Suite()


@contextlib.contextmanager
def serving(*arguments, **more):
    with Folder() as folder:
        data = Data(folder)
        users = [data.user() for _ in range(3)]
        server = data.serve(*arguments, **more)
        try:
            yield data, server, users
        finally:
            if server.process.poll() is None:
                server.stop()


def files(data):
    return sorted(glob.glob(data.path + '/audit/0*'))


def entries(data, **wanted):
    """All there are, of those that have these members."""
    lines = data.verb('audit', 'export').splitlines()
    found = [json.loads(line) for line in lines]
    return [entry for entry in found if all(entry.get(name) == value
                                            for name, value in wanted.items())]


def named(entry):
    return entry.get('correlation_ids') or [entry.get('correlation_id')]


def wrong(server, user, **more):
    return refused(server.password({**user, 'password': 'x'}, **more), 'invalid_grant')


def revoke(server, token):
    return server.post({'client_id': PUBLIC, 'token': token},
                       target=server.path + '/connect/revocation')


def broken(data, *words):
    done = data.attempt('audit', 'verify', '--json')
    equal(done.returncode, 5, f'exit status of {done.said}')
    verdict = json.loads(done.said)
    equal(verdict['result'], 'broken', 'result')
    for word in words:
        check(word in verdict['problem'] and word in done.complained,
              f'{word!r} is not in {verdict["problem"]!r} and {done.complained!r}')


def whole(data):
    equal(data.json('audit', 'verify')['result'], 'whole', 'result')


# Requirement 78.
@suite.case('tokens, refusals with their reasons, ended families and changes')
def everything():
    with serving() as (data, server, users):
        signed_in = server.sign_in(users[0])
        later = served(server.refresh(signed_in['refresh_token'])).json
        reply = wrong(server, users[0])
        unknown = refused(server.password({'username': 'Hunter2-typed-here', 'password': 'x'}),
                          'invalid_grant')
        nobody = refused(server.password(users[0], client_id='Hunter3-typed-here'),
                         'invalid_client')
        equal(revoke(server, later['refresh_token']).status, 200, 'revocation')
        dead = refused(server.refresh(later['refresh_token']), 'invalid_grant')
        data.verb('service-user', 'disable', users[1]['username'])
        # Those that are refused and change nothing leave none.
        equal(data.attempt('site', 'disable', 'nowhere').returncode, 2, 'site disable')
        server.stop()
        equal(data.verb('audit', 'list', '--limit', '0').count('\n'), len(entries(data)) + 1,
              'rows')
        for grant in ('password', 'refresh_token'):
            [entry] = entries(data, event='token_issued', grant_type=grant)
            equal((entry['sub'], entry['site'], entry['client_id'], entry['source']),
                  (users[0]['sub'], 'north', PUBLIC, '127.0.0.1'), f'{entry}')
        for answer, reason, sub in ((reply, 'wrong_password', users[0]['sub']),
                                    (unknown, 'unknown_user', None),
                                    (nobody, 'unknown_client', None),
                                    (dead, 'revoked_before', users[0]['sub'])):
            [entry] = entries(data, event='token_refused', reason=reason)
            equal((entry.get('sub'), entry['error'], entry['correlation_id']),
                  (sub, answer.json['error'], answer.json['correlation_id']), f'{entry}')
            equal('unknown_name' in entry, sub is None, f'a hash in {entry}')
            told = data.json('explain', answer.json['correlation_id'])
            equal(told['reason'], reason, 'explained')
            check(told['what'] and told['advice'], f'{told}')
            equal(told['username'], users[0]['username'] if sub else '', 'username')
        [entry] = entries(data, event='family_revoked')
        equal((entry['reason'], entry['endpoint']), ('revoked', 'revocation'), f'{entry}')
        changes = [(entry['event'], entry['arguments']) for entry in entries(
            data, verb='service-user disable')]
        equal(changes, [(event, [users[1]['username']]) for event in (
            'change_begun', 'change_done')], 'changes')
        equal(entries(data, verb='site disable'), [], 'what was not done')
        equal([entry['event'] for entry in entries(data)][:2], ['audit_begun', 'initialized'],
              'the beginning')
        equal(entries(data)[-1]['event'], 'authority_stopped', 'the end')
        made = {entry.get('made') for entry in entries(data, event='change_done')}
        check(users[0]['username'] in made, f'{made} has no made up name')
        whole(data)
        text = ''.join(json.dumps(entry) for entry in entries(data)).lower()
        for secret in ('hunter', users[0]['password'], signed_in['refresh_token'],
                       signed_in['access_token'], later['access_token']):
            check(secret.lower() not in text, f'{secret} is in the audit')
        for path in files(data) + [data.path + '/audit/lock']:
            equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)


@suite.case('a replayed refresh token ends its family, and the audit says so')
def replay():
    with serving() as (data, server, users):
        token = server.sign_in(users[0])['refresh_token']
        second = served(server.refresh(token)).json['refresh_token']
        served(server.refresh(second))
        reply = refused(server.refresh(token), 'invalid_grant')
        [entry] = entries(data, event='family_revoked')
        equal((entry['reason'], entry['correlation_id']),
              ('replay', reply.json['correlation_id']), f'{entry}')


@suite.case('a flood of equal refusals is one entry a second, and every one is counted')
def flood():
    with serving() as (data, server, users):
        replies = [reply for several in side_by_side(8, lambda _: [
            wrong(server, users[0]) for _ in range(5)]) for reply in several]
        others = [wrong(server, users[1]) for _ in range(2)]
        found = entries(data, reason='wrong_password', sub=users[0]['sub'])
        equal(sum(entry.get('count', 1) for entry in found), len(replies), 'refusals')
        check(len(found) < len(replies) / 2, f'{len(found)} entries of {len(replies)}')
        ids = {reply.json['correlation_id'] for reply in replies}
        for entry in found:
            check(set(named(entry)) <= ids and len(named(entry)) <= 8, f'{entry}')
        equal(sum(entry.get('count', 1) for entry in entries(
            data, reason='wrong_password', sub=users[1]['sub'])), len(others), 'of another')
        folded = next(entry for entry in found if 'count' in entry)
        equal(data.json('explain', folded['correlation_ids'][-1])['count'], folded['count'],
              'explained')


@suite.case('a flood of ever new names fills no audit, and others are named meanwhile')
def names():
    with serving(flood='100') as (data, server, users):
        for turn in range(6):
            side_by_side(10, lambda number, turn=turn: server.post(
                {'grant_type': 'password', 'client_id': PUBLIC, 'username': f'{turn}-{number}',
                 'password': 'x'}, source='127.0.0.2'))
        server.post({'grant_type': 'password', 'client_id': PUBLIC, 'password': 'x',
                     'username': users[0]['username']}, source='127.0.0.3')
        found = entries(data, reason='unknown_user')
        equal(sum(entry.get('count', 1) for entry in found), 60, 'refusals')
        named_ones = [entry for entry in found if 'unknown_name' in entry]
        check(20 <= len(named_ones) < 40, f'{len(named_ones)} named')
        check(len(found) - len(named_ones) < 20, f'{len(found)} entries')
        check(all(entry['note'] == 'one of many' for entry in found
                  if entry not in named_ones), f'{found}')
        equal(len(entries(data, sub=users[0]['sub'])), 1, 'of another source')


@suite.case('refusals at a client are equal whoever it names, whether there is such a client or not')
def clients():
    with serving() as (data, server, _):
        data.json('client', 'add', 'there', '--type', 'confidential')
        for client in ('there', 'not-there'):
            for name in ('one', 'another'):
                refused(server.post({'grant_type': 'password', 'client_id': client, 'username': name,
                                     'client_secret': 'x', 'password': 'x'}), 'invalid_client')
        for wanted in ({'client_id': 'there'}, {'reason': 'unknown_client'}):
            found = entries(data, error='invalid_client', **wanted)
            equal(sum(entry.get('count', 1) for entry in found), 2, 'refusals')
            equal(len({entry.get('unknown_name') for entry in found}), 1, f'names in {found}')


@suite.case('what no entry names: explain says so, and why')
def unknown_ids():
    with serving() as (data, _, _):
        done = data.attempt('explain', 'A' * 16)
        equal(done.returncode, 2, 'exit status')
        for word in ('A' * 16, 'older', 'equal', 'another authority'):
            check(word in done.complained, f'{word!r} is not in {done.complained!r}')
        for text in ('', 'A' * 15, 'A' * 17, "x' OR 1=1 --    ", '../../etc/passwd'):
            equal(data.attempt('explain', text).returncode, 2, f'explain {text!r}')


@suite.case('kill -9 amid traffic: every refusal that was answered is in the audit')
def killed():
    with serving() as (data, server, users):
        for _ in range(3):
            answered = []

            def ask(server=server, answered=answered):
                with contextlib.suppress(Exception):
                    while True:
                        user = {'username': f'nobody-{random.random()}', 'password': 'x'}
                        answered.append(server.password(user).json['correlation_id'])
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            until(lambda answered=answered: len(answered) > 30, 'answers')
            server.kill()
            for thread in threads:
                thread.join()
            there = {name for entry in entries(data) for name in named(entry)}
            equal([name for name in answered if name not in there], [], 'lost')
            server = data.serve()
            whole(data)
        server.stop()
        whole(data)


@suite.case('verbs beside a server append to one chain, in several files')
def beside():
    with serving('--audit-size', '1') as (data, server, users):
        def sign_in():
            while len(files(data)) < 3:  # before the first one goes
                server.sign_in(users[0])
        threads = [threading.Thread(target=sign_in) for _ in range(4)]
        for thread in threads:
            thread.start()
        side_by_side(3, lambda index: [data.verb('site', 'add', f's-{index}-{turn}')
                                       for turn in range(5)])
        for thread in threads:
            thread.join()
        server.stop()
        whole(data)
        equal(len(entries(data, verb='site add', event='change_done')), 16, 'changes')


@suite.case('edits, deletions, swaps and truncations are found')
def damaged():
    with serving('--audit-size', '1') as (data, server, users):
        until(lambda: server.sign_in(users[0]) and len(files(data)) >= 3, 'several files')
        server.stop()
        whole(data)
        names = files(data)
        draw = random.Random(1)
        for turn in range(36):
            path = names[turn % len(names)]
            with open(path, 'rb') as file:
                content = file.read()
            lines = content.splitlines(keepends=True)
            at = draw.randrange(len(lines) - 1)
            byte = draw.randrange(len(content))
            other = [
                content[:byte] + bytes([content[byte] ^ 1]) + content[byte + 1:],
                b''.join(lines[:at] + lines[at + 1:]),
                b''.join(lines[:at] + [lines[at + 1], lines[at]] + lines[at + 2:]),
                content[:byte],
            ][turn // len(names) % 4]
            with open(path, 'wb') as file:
                file.write(other)
            broken(data, '.jsonl')
            with open(path, 'wb') as file:
                file.write(content)
        whole(data)
        for path in names:
            os.rename(path, data.path + '/away')
            broken(data, 'missing')
            os.rename(data.path + '/away', path)
        whole(data)


@suite.case('the oldest files go, and the chain is whole from there')
def bounded():
    with serving('--audit-size', '1') as (data, server, users):
        def removed():
            for _ in range(100):
                server.sign_in(users[0])
            return not files(data)[0].endswith('/' + first)
        first = os.path.basename(files(data)[0])
        until(removed, 'removal', 240)
        check(entries(data, event='audit_removed'), 'no entry says so')
        server.stop()
        whole(data)
        check(data.json('audit', 'verify')['first_seq'] > 1, 'the beginning')
        total = sum(os.path.getsize(path) for path in files(data))
        check(total <= 1024 * 1024, f'{total} bytes')


@suite.case('while the audit alone can\'t be written nothing is issued, and /readyz says so')
def unready():
    with serving() as (data, server, users):
        equal(server.get('/readyz').status, 200, 'readyz')
        with open(data.path + '/audit/lock', 'rb') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            served(server.password(users[0]))
            until(lambda: server.password(users[0]).status == 503, 'refusals', 60)
            equal(server.get('/readyz').status, 503, 'readyz')
            equal(server.get('/healthz').status, 200, 'healthz')
        until(lambda: server.get('/readyz').status == 200, 'readiness', 60)
        served(server.password(users[0]))
        server.stop()
        whole(data)


@suite.case('a disk without room: nothing is issued, refusals are 503, then all is well again')
def full():
    with serving(restore_signals=False) as (data, server, users):
        token = server.sign_in(users[0])['refresh_token']
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        refused(server.password({**users[0], 'password': 'x'}), 'server_error', 503)
        for _ in range(3):
            refused(server.password(users[0]), 'server_error', 503)
            refused(server.refresh(token), 'server_error', 503)
            refused(revoke(server, token), 'server_error', 503)
            refused(server.password({'username': 'nobody', 'password': 'x'}), 'server_error', 503)
        equal(server.get('/healthz').status, 200, 'healthz')
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: server.password(users[0]).status == 200, 'room again')
        wrong(server, users[0])
        served(server.refresh(token))
        server.stop()
        whole(data)
        [entry] = entries(data, event='audit_interrupted')
        check(entry['refused'] >= 10, f'{entry}')
        check(server.events('audit_failed') and server.events('audit_works_again'), 'the log')


@suite.case('a verb whose entry can not be written changes nothing')
def refused_change():
    with serving() as (data, server, _):
        server.stop()
        before = data.json('site', 'list')
        os.chmod(data.path + '/audit', 0o755)
        done = data.attempt('site', 'add', 'later')
        check(done.returncode in (2, 5) and 'nothing was changed' in done.complained,
              f'{done.returncode} {done.complained}')
        os.chmod(data.path + '/audit', 0o700)
        equal(data.json('site', 'list'), before, 'sites')
        data.verb('site', 'add', 'later')
        whole(data)


@suite.case('restore goes on with the audit that is there, or begins one')
def restored():
    with serving() as (data, server, users):
        server.sign_in(users[0])
        backup = os.path.dirname(data.path) + '/backup'
        data.verb('backup', backup)
        server.sign_in(users[0])
        server.stop()
        before = entries(data)
        for name in ('adit.db', 'adit.db-wal', 'adit.db-shm'):
            with contextlib.suppress(FileNotFoundError):
                os.remove(f'{data.path}/{name}')
        data.verb('restore', backup)
        equal(entries(data)[:-1], before, 'what was there')
        equal(entries(data)[-1]['event'], 'restored', 'the last entry')
        whole(data)
        new = os.path.dirname(data.path) + '/new'
        os.mkdir(new, 0o700)
        with open(data.path + '/secret.key', 'rb') as file, open(
                new + '/secret.key', 'wb', opener=lambda *at: os.open(*at, 0o600)) as copy:
            copy.write(file.read())
        equal(run('restore', backup, '--data', new).returncode, 0, 'restore')
        data.path = new
        equal([entry['event'] for entry in entries(data)], ['audit_begun', 'restored'], 'new')
        whole(data)


@suite.case('list: by each of its criteria')
def listed():
    with serving() as (data, server, users):
        for user in users[:2]:
            server.sign_in(user)
            wrong(server, user)
        server.stop()
        for arguments, count in ((('--sub', users[0]['sub']), 2), (('--event', 'token_issued'), 2),
                                 (('--reason', 'wrong_password'), 2), (('--client', PUBLIC), 4),
                                 (('--client', 'external'), 0), (('--site', 'north'), 4),
                                 (('--source', '127.0.0.1', '--limit', '3'), 3),
                                 (('--client', PUBLIC, '--since', '1h'), 4),
                                 (('--client', PUBLIC, '--until', '1h'), 0),
                                 (('--client', PUBLIC, '--since', '2020-01-01', '--until',
                                   '2020-12-31'), 0)):
            equal(len(data.json('audit', 'list', *arguments)), count, ' '.join(arguments))
        for arguments in (('--limit', 'x'), ('--since', 'x'), ('--until', '2020-13-01')):
            equal(data.attempt('audit', 'list', *arguments).returncode, 2, ' '.join(arguments))
        out = data.path + '-out'
        data.verb('audit', 'export', '--out', out)
        equal(stat.S_IMODE(os.stat(out).st_mode), 0o600, 'mode')
        with open(out, encoding='utf-8') as file:
            equal(file.read(), data.verb('audit', 'export'), 'the file')
        equal(data.attempt('audit', 'export', '--out', out).returncode, 2, 'a file that is there')


@suite.case('list: of a change, what was changed')
def listed_changes():
    with Folder() as folder:
        data = Data(folder)

        def told(event='change_done'):
            """As the newest such entry's row has it, between its event and its count."""
            [row] = data.verb('audit', 'list', '--event', event, '--limit', '1').splitlines()[1:]
            return re.search(f'{event} +(.*?) +1 ', row + ' ')[1]
        data.verb('site', 'add', 'north')
        equal(told(), 'site add north', 'row')
        equal(told('change_begun'), 'site add north', 'row')
        user = data.user()['username']
        equal(told(), f'service-user add {user}', 'what was made')
        [entry] = data.json('audit', 'list', '--event', 'change_done', '--limit', '1')
        equal((entry['verb'], entry['made'], 'reason' in entry),
              ('service-user add', user, False), 'JSON')
        long = '\u00e9' * 128
        data.verb('service-user', 'add', long, '--site', 'north', '--role', 'read')
        check(re.fullmatch('service-user add \u00e9{30,50}\u2026', told()), told())
        data.verb('backup', f'{folder}/line\nfeed')
        check(told().startswith('"backup ') and told().endswith('"'), told())


def import_users(data, names, **more):
    """Alternately to north and south, to read and to write, in fours."""
    lines = [json.dumps({'username': name, 'site': ('north', 'south')[at % 2],
                         'role': ('read', 'write')[at // 2 % 2],
                         'password_hash': '$2b$04$OSJqUlAFVaQgMOgHvUXW3eKpkeyN3ARWrvHXX/'
                                          'EUhNK1EDaVDPfG2'})
             for at, name in enumerate(names)]
    return data.attempt('service-user', 'import', '--json', given='\n'.join(lines).encode(), **more)


for several in (3, 2000):
    @suite.case(f'an import of {several}: who may do what from now on', several)
    def import_named(several):
        with Folder() as folder:
            data = Data(folder)
            for site in ('north', 'south'):
                data.verb('site', 'add', site)
            # The last ones are as long in an entry as can be.
            names = [f'user-{at}' for at in range(several - 2)]
            names += [f'"{at}' * (256 // 2) for at in range(2)]
            done = import_users(data, names)
            equal(done.returncode, 0, done.complained)
            made = {user['username']: {name: user[name] for name in (
                'username', 'sub', 'site', 'role')} for user in json.loads(done.said)}
            equal(len(made), several, 'users')
            every = entries(data, verb='service-user import')
            equal([every[0]['event'], every[-1]['event']], ['change_begun', 'change_done'], 'ends')
            details = every[1:-1]
            equal({entry['event'] for entry in details}, {'change_detail'}, 'between them')
            equal([user for entry in details for user in entry['service_users']],
                  [made[name] for name in names], 'who is named')
            check(len(details) > several / 100, f'{len(details)} entries')
            [name] = {entry['correlation_id'] for entry in every}
            whole(data)
            equal(data.attempt('audit', 'verify').returncode, 0, 'verify')
            rows = data.verb('audit', 'list', '--event', 'change_detail').splitlines()[1:]
            check('service-user import user-0' in rows[0], rows[0])
            told = data.json('explain', name)
            equal((told['event'], told['verb'], told['what']),
                  ('change_done', 'service-user import', 'A change was made by a verb of aditd.'),
                  'explained')
            # As if the verb had been killed.
            [path] = files(data)
            with open(path, 'rb') as file:
                lines = file.read().splitlines(keepends=True)
            os.truncate(path, sum(len(line) for line in lines[:-1]))
            told = data.json('explain', name)
            check('begun' in told['what'] and 'Look' in told['advice'], f'{told}')


@suite.case('an import that can not be named is none')
def import_unnamed():
    with Folder() as folder:
        data = Data(folder)
        for site in ('north', 'south'):
            data.verb('site', 'add', site)
        room = max(os.path.getsize(path) for path in files(data)) + 64 * 1024
        names = [f'user-{at}' for at in range(2000)]
        done = import_users(data, names, restore_signals=False, preexec_fn=lambda: (
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))))
        equal(done.returncode, 5, done.complained)
        check('audit' in done.complained and 'nothing was changed' in done.complained,
              done.complained)
        equal(data.json('service-user', 'list'), [], 'users')
        equal(import_users(data, names).returncode, 0, 'with room')
        whole(data)


suite.main(workers=4)
