#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Service Users with the passwords that they had elsewhere: the import, their logins, and what
their slow hashes must not do to anybody else."""
import contextlib
import glob
import json
import os
import sqlite3
import statistics
import threading

from harness import (FAILURE_S, Clock, Data, Folder, Suite, check, equal, refused, served,
                     side_by_side, until)

suite = Suite()

HARD = 'Gr\u00fc\u00dfe, \u6771\u4eac +%&=\'" 1'  # the vectors of passlib, PHP and argon2-cffi
# bcrypt of cost 12, of "hunter2": the slowest that is taken
SLOW = '$2b$12$Xpbz6Blp5zqMCHzKH8fMEO/5VBwzF6B1NqkGH9RdQZpErteyTmcrG'
FORMATS = {
    'plain': (HARD, None),
    'plain, one character': ('x', None),
    'plain, 1,024 bytes': ('\u00e9' * 512, None),
    'Identity v2': ('my password',
                    'ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A=='),
    'Identity v3, SHA-1': ('my password',
                           'AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M'),
    'Identity v3, SHA-256': ('my password', 'AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUw'
                                            'PZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw=='),
    'Identity v3, SHA-512': ('my password',
                             'AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw'),
    'bcrypt $2a$': (HARD, '$2a$05$dmCIz/KjE42jgLebu9wj8.RqKY8.PyrhXXaMkyJkEHES2/bSgWpWm'),
    'bcrypt $2b$': (HARD, '$2b$04$OSJqUlAFVaQgMOgHvUXW3eKpkeyN3ARWrvHXX/EUhNK1EDaVDPfG2'),
    'bcrypt $2y$': (HARD, '$2y$06$qnphGd1RTL9D8G2mlTeBvey4Sr68M8jTIjGz7vxKg6zyuaRbHdQ6W'),
    'Argon2id': (HARD, '$argon2id$v=19$m=16384,t=2,p=1$ZHJURExhZ3RrTmlzTUhJbA'
                       '$3IqdIEghmDveqzZsgiGxj5QfC8ouMjGG94PkeXsDh3o'),
    'Argon2i': (HARD, '$argon2i$v=19$m=4096,t=3,p=1$hl47MK1OGaN2MKR9EEdLfQ'
                      '$LR7b5yUB556vHEc3jM4ODQ'),
    'Argon2id of our strength': (HARD, '$argon2id$v=19$m=19456,t=2,p=1$jWBz7gGR+P2CLVNUrMQPXA'
                                       '$4evFhjuOK51x5QkQZypbLg'),
}
OURS = '$argon2id$v=19$m=19456,t=2,p=1$'


def line(username, password=None, password_hash=None, **more):
    members = {'username': username, 'site': 'north', 'role': 'read', 'password': password,
               'password_hash': password_hash, **more}
    return json.dumps({key: value for key, value in members.items() if value is not None})


def give(data, *lines):
    """The verb's end; `lines` as texts."""
    return data.attempt('service-user', 'import', '--json', given='\n'.join(lines).encode())


def imported(data, *lines):
    done = give(data, *lines)
    check(done.returncode == 0, done.complained)
    return json.loads(done.said)


def stored_hash(data, username):
    with contextlib.closing(sqlite3.connect(f'file:{data.path}/adit.db?mode=ro', uri=True)) as db:
        return db.execute('SELECT password_hash FROM service_user_credential c JOIN service_user u'
                          ' ON u.id = c.owner_id WHERE u.username = ?', [username]).fetchone()[0]


class Place:
    """A data directory with a site and a server."""

    def __init__(self, folder, **more):
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.data.verb('site', 'add', 'north')
        self.server = self.data.serve(**more)

    def known(self, username, password):
        """Once the running server has seen it."""
        user = {'username': username, 'password': password}
        until(lambda: self.server.password(user).status == 200, 'the import', 30)
        return user


def placed(name):
    return suite.placed(Place, name)


# --- what is imported logs in ----------------------------------------------------------------

# Requirement 66.
@placed('every format logs in, is hashed anew once, and logs in again')
def formats(place):
    users = {name: {'username': name, 'password': password}
             for name, (password, _) in FORMATS.items()}
    shown = imported(place.data, *(line(name, None if hashed else password, hashed, label='old')
                                   for name, (password, hashed) in FORMATS.items()))
    equal([user['username'] for user in shown], list(FORMATS), 'those that were shown')
    for name, (_, hashed) in FORMATS.items():
        if hashed:
            equal(stored_hash(place.data, name), hashed, 'the hash')
        else:
            check(stored_hash(place.data, name).startswith(OURS), 'it was hashed')
    for name, user in users.items():
        before = stored_hash(place.data, name)
        place.known(name, user['password'])
        until(lambda: stored_hash(place.data, name).startswith(OURS), 'the new hash', 30)
        anew = stored_hash(place.data, name)
        equal(anew == before, before.startswith(OURS), f'whether {name} stayed')
        for _ in range(2):
            token = place.server.sign_in(user)
            served(place.server.refresh(token['refresh_token']))
        equal(stored_hash(place.data, name), anew, f'the hash of {name}')
        refused(place.server.password({**user, 'password': user['password'] + 'x'})
                if len(user['password'].encode()) < 1024 else
                place.server.password({**user, 'password': 'x' * 1024}), 'invalid_grant')


@placed('beyond 72 bytes: bcrypt reads them until the first login, then all count')
def beyond_bcrypt(place):
    # pyca/bcrypt's, of "0123456789" ten times
    imported(place.data, line('long', None, '$2b$04$wORKWVGdQzd/0fhdwkj1J.yknP3BcM0s8rLD/'
                                            'NucoalQjxGnjZ3ce'))
    user = place.known('long', '0123456789' * 10)
    until(lambda: stored_hash(place.data, 'long').startswith(OURS), 'the new hash', 30)
    served(place.server.password(user))
    until(lambda: place.server.password({**user, 'password': '0123456789' * 10 + 'x'})
          .status == 400, 'all of it counts', 30)
    served(place.server.password(user))


@placed('an imported password ends by its date, by disabling, and by rotation')
def endings(place):
    data, server = place.data, place.server
    shown = imported(data, line('dated', 'hunter2', expires='2027-02-01'),
                     line('disabled', 'hunter2'), line('rotated', 'hunter2'),
                     line('seconds', 'hunter2', expires=1_800_000_100))
    equal([user.get("expires_at") for user in shown], [1_801_526_399, None, None, 1_800_000_100],
          'expires_at')
    users = {name: place.known(name, 'hunter2')
             for name in ('dated', 'disabled', 'rotated', 'seconds')}
    session = server.sign_in(users['rotated'])['refresh_token']
    equal(data.json('service-user', 'show', 'rotated')['passwords'], ['imported'], 'passwords')
    made = data.json('service-user', 'rotate', 'rotated', '--overlap', '60')
    equal(made['passwords'], ['generated', 'imported'], 'passwords')
    until(lambda: server.password(made).status == 200, 'the new password', 10)
    served(server.password(users['rotated']))
    session = served(server.refresh(session)).json['refresh_token']
    data.verb('service-user', 'disable', 'disabled')
    until(lambda: server.password(users['disabled']).status == 400, 'the disabling', 10)
    place.clock.advance(120)
    for name in ('rotated', 'seconds'):
        until(lambda: server.password(users[name]).status == 400, f'the end of {name}', 10)
    refused(server.refresh(session), 'invalid_grant')
    served(server.password(made))
    equal(data.json('service-user', 'show', 'rotated')['passwords'], ['generated'], 'passwords')
    equal([user['passwords'] for user in data.json('service-user', 'list')],
          [['imported'], ['imported'], ['generated'], []], 'passwords in the list')
    served(server.password(users['dated']))
    place.clock.set(1_801_600_000)
    until(lambda: server.password(users['dated']).status == 400, 'the end of dated', 10)


# --- all or nothing --------------------------------------------------------------------------

GENERATED = 'adsu_'
BAD = {
    'no JSON': ('{', 'no JSON object'),
    'no object': ('["x"]', 'no JSON object'),
    'two objects': (line('a', 'secret-1') + line('b', 'secret-1'), 'no JSON object'),
    'a member twice': ('{"username":"x","username":"x","site":"north","role":"read",'
                       '"password":"secret-1"}', 'no JSON object'),
    'a NUL': ('{"username":"x","site":"north","role":"read","password":"secret-1\\u0000"}',
              'no JSON object'),
    'a raw NUL': (line('x', 'secret-1') + '\0', 'no JSON object'),
    'an unknown member': (line('x', 'secret-1', passwort='secret-1'), '"passwort"'),
    'no user name': ('{"site":"north","role":"read","password":"secret-1"}',
                     '"username" is missing'),
    'no site': ('{"username":"x","role":"read","password":"secret-1"}', '"site" is missing'),
    'no role': ('{"username":"x","site":"north","password":"secret-1"}', '"role" is missing'),
    'an unknown site': (line('x', 'secret-1', site='south'), 'no site "south"'),
    'a role that none has': (line('x', 'secret-1', role='admin'), 'read or write'),
    'neither password nor hash': (line('x'), '"password" or its "password_hash"'),
    'both password and hash': (line('x', 'secret-1', SLOW), 'not both'),
    'an empty password': (line('x', ''), 'empty'),
    'a password of 1,025 bytes': (line('x', 'y' * 1025), '1024 bytes'),
    'a number as the password': (line('x', 5), 'no text'),
    'a hash of another kind': (line('x', None, '$1$salt$hash'), 'none of the known forms'),
    'a hash that is cut off': (line('x', None, SLOW[:-1]), 'no bcrypt hash'),
    'a hash that costs too much': (line('x', None, SLOW.replace('$12$', '$13$')), 'expensive'),
    'Argon2 that costs too much': (line('x', None, '$argon2id$v=19$m=4194304,t=9,p=1$c29tZXNhbHQ'
                                                   '$3IqdIEghmDveqzZsgiGxj5QfC8ouMjGG94PkeXsDh3o'),
                                   'expensive'),
    'PBKDF2 that costs too much': (line('x', None, 'AQAAAAL/////AAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6'
                                                   'pZWND6zgESBuWiHw'), 'expensive'),
    'an expiry that is none': (line('x', 'secret-1', expires='soon'), 'give a date'),
    'an expiry in the past': (line('x', 'secret-1', expires='2020-01-01'), 'past'),
    'a user that is there': (line('present', 'secret-1'), 'already'),
    'a user of the same file': (line('good 1', 'secret-1'), 'line 1 already'),
    'a control character in a name': (line('x\ny', 'secret-1'), 'control'),
    'a name that is too long': (line('x' * 257, 'secret-1'), 'too long'),
    'a label that is too long': (line('x', 'secret-1', label='x' * 257), 'too long'),
    'a line that is too long': (line('x', 'secret-1', label='x' * 9000), '8192 bytes'),
    'no UTF-8': (line('x', 'secret-1')[:-1] + ', "label": "\udcff"}', 'no JSON object'),
}

with Folder() as shared:
    clock = Clock(shared)
    data = Data(shared, clock=clock)
    present = data.user('north', 'read')
    imported(data, line('present', 'hunter2'))
    before = data.json('service-user', 'list')

    for name, (bad, says) in BAD.items():
        @suite.case(f'{name}: nothing is imported, and the line is named', bad, says)
        def all_or_nothing(bad, says):
            text = '\n'.join([line('good 1', 'secret-1'), '', bad, line('good 2', 'secret-1')])
            done = data.attempt('service-user', 'import',
                                given=text.encode(errors='surrogateescape'))
            equal(done.returncode, 2, f'the exit code, {done.complained}')
            check(done.complained.startswith('aditd: line 3: '), done.complained)
            check(says in done.complained, done.complained)
            equal(done.complained.count('\n'), 1, 'lines')
            check('secret-1' not in done.complained and '$2b$' not in
                  done.complained.replace('($2a$, $2b$, $2y$)', '')
                  .replace('$2a$, $2b$ or', ''), done.complained)
            equal(done.said, '', 'stdout')
            equal(data.json('service-user', 'list'), before, 'the Service Users')

    @suite.case('a password of the form of those that are made here is refused')
    def generated_form():
        for password in (present['password'],):
            done = give(data, line('x', password))
            equal((done.returncode, password in done.complained), (2, False), 'what it said')
            check('line 1: the password has the form' in done.complained, done.complained)

    @suite.case('nothing, too many lines, too many bytes')
    def bounds():
        for text, says in ((b'', 'nothing to import'), (b'\n \r\n', 'nothing to import'),
                           (b'{}\n' * 10001, '10000 is the most'),
                           (b' ' * (16 * 1024 * 1024 + 1), 'larger than 16 MiB')):
            done = data.attempt('service-user', 'import', given=text)
            equal(done.returncode, 2, 'the exit code')
            check(says in done.complained, done.complained)
        equal(data.json('service-user', 'list'), before, 'the Service Users')

    @suite.case('a mark of UTF-8, CRLF and blank lines are passed over')
    def editors():
        with Folder() as folder:
            own = Data(folder)
            own.verb('site', 'add', 'north')
            text = '\ufeff' + line('a', 'x') + '\r\n\r\n  \n' + line('b', 'x') + '\r\n'
            equal(own.attempt('service-user', 'import', given=text.encode()).returncode, 0,
                  'the exit code')
            done = give(own, line('c', 'x'), '', '{')
            check('line 3:' in done.complained, done.complained)

    # Requirement 77.
    @suite.case('no imported password is in the data, nor in what is shown')
    def nowhere():
        with Folder() as folder:
            own = Data(folder)
            own.verb('site', 'add', 'north')
            done = give(own, line('a', 'canary-of-the-import'))
            equal(done.returncode, 0, 'the exit code')
            seen = done.said + done.complained + own.verb('service-user', 'show', 'a', '--json')
            check('canary' not in seen and OURS not in seen, seen)
            for path in glob.glob(os.path.join(own.path, '**'), recursive=True):
                if os.path.isfile(path):
                    with open(path, 'rb') as file:
                        check(b'canary' not in file.read(), path)

    # --- what the slow hashes must not do ----------------------------------------------------

    def peak_kib(server):
        """The most memory that it has ever had: Argon2id takes 19 MiB."""
        with open(f'/proc/{server.pid}/status', encoding='ascii') as file:
            return int(next(row for row in file if row.startswith('VmHWM:')).split()[1])

    @placed('where nobody has an imported password nothing is hashed')
    def none_is_hashed(place):
        server = place.server
        if server.is_sanitized():
            return 'a sanitizer has memory of its own'
        user = place.data.user('north')
        until(lambda: server.password(user).status == 200, 'the user', 10)
        guesses = [{'username': name, 'password': 'hunter2'}
                   for name in ('nobody', user['username'])]
        for guess in guesses:
            refused(server.password(guess), 'invalid_grant')
        before = peak_kib(server)
        for guess in guesses * 2:
            refused(server.password(guess), 'invalid_grant')
        check(peak_kib(server) - before < 8 * 1024, 'something was hashed')
        imported(place.data, line('one', 'hunter2'))
        place.known('one', 'hunter2')
        check(peak_kib(server) - before > 16 * 1024, 'nothing was hashed')
        return None

    # Requirements 25 and 65.
    @placed('whatever is wrong, whoever is named: the same bytes, and none leaves early')
    def oracles(place):
        data, server = place.data, place.server
        made = data.user('north')
        imported(data, line('plain', 'hunter2'), line('bcrypt', None, SLOW),
                 line('disabled', 'hunter2'), line('ended', 'hunter2', expires=1_800_000_100))
        place.known('plain', 'hunter2')
        data.verb('service-user', 'disable', 'disabled')
        place.clock.advance(200)
        until(lambda: server.password({'username': 'disabled', 'password': 'hunter2'})
              .status == 400, 'the disabling', 10)
        ways = [(name, password) for name, password in (
            ('plain', 'wrong'), ('plain', ''), ('plain', made['password']),
            ('plain', stored_hash(data, 'plain')), ('bcrypt', 'wrong'), ('bcrypt', SLOW),
            ('disabled', 'hunter2'), ('disabled', 'wrong'), ('ended', 'hunter2'),
            ('nobody', 'hunter2'), ('nobody', made['password']),
            (made['username'], 'hunter2'))]
        shapes = set()
        for name, password in ways:
            reply = refused(server.password({'username': name, 'password': password}),
                            'invalid_grant')
            check(reply.took_s >= FAILURE_S, f'{name} left after {reply.took_s} s')
            shapes.add((reply.reason, str([f for f in reply.fields if f[0] != 'Date']),
                        reply.body.replace(reply.json['correlation_id'].encode(), b'')))
        equal(len(shapes), 1, f'shapes {shapes}')
        reasons = [event['reason'] for event in server.events('token_refused')][-len(ways):]
        equal(reasons, ['wrong_password'] * 6 + ['user_disabled', 'wrong_password',
              'no_live_credential', 'unknown_user', 'unknown_user', 'wrong_password'], 'reasons')

    # Requirement 66.
    @placed('a full queue says so to anybody, and generated passwords need not wait')
    def full_queue(place):
        data, server = place.data, place.server
        made = data.user('north')
        fillers = max(1, (os.cpu_count() or 1) - 1) * 33 + 4
        imported(data, *(line(f'slow {i}', None, SLOW) for i in range(fillers)))
        place.known('slow 0', 'hunter2')
        place.known(made['username'], made['password'])
        ended, full = threading.Event(), threading.Event()

        def fill(index):
            took = []
            while not ended.is_set():
                reply = server.password({'username': f'slow {index}', 'password': 'hunter2'})
                if reply.status == 503:
                    refused(reply, 'temporarily_unavailable', 503)
                    check(int(reply.field('Retry-After')) >= 1, 'Retry-After')
                    full.set()
                    ended.wait(0.02)
                else:
                    took.append(served(reply).took_s)
            return took

        def probe():
            check(full.wait(120), 'the queue is never full')
            seen, took = set(), []
            names = {'nobody', made['username'], 'slow 1'}

            def ask(name):
                if server.password({'username': name, 'password': 'no such'}).status == 503:
                    seen.add(name)

            def all_seen():
                for name in names - seen:
                    ask(name)
                took.append(served(server.password(made)).took_s)
                return seen == names
            try:
                until(all_seen, 'a 503 for each name')
                for _ in range(20):
                    took.append(served(server.password(made)).took_s)
            finally:
                ended.set()
            return took
        answers = side_by_side(fillers + 1, lambda index: fill(index) if index < fillers
                               else probe())
        waited = statistics.median(took for each in answers[:-1] for took in each)
        suite.note(f'chosen passwords took {waited:.3f} s, generated ones '
                   f'{statistics.median(answers[-1]):.3f} s')
        check(statistics.median(answers[-1]) < waited, 'generated passwords waited as long')
        served(server.password({'username': 'slow 1', 'password': 'hunter2'}))

    @placed('a stop answers whom it has heard')
    def stopping(place):
        imported(place.data, *(line(f'slow {i}', None, SLOW) for i in range(8)))
        place.known('slow 0', 'hunter2')
        stopper = threading.Timer(0.05, place.server.process.terminate)
        stopper.start()

        def ask(index):
            try:
                return place.server.password({'username': f'slow {index}', 'password': 'hunter2'})
            except (OSError, AssertionError):
                return None  # it came too late
        for reply in side_by_side(8, ask):
            check(reply is None or reply.status in (200, 503), repr(reply))
        stopper.join()

    suite.main(workers=2)
    clock.close()
