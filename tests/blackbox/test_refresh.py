#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Refresh tokens: rotation, repeats, replays, ends; in memory and in a file."""
import base64
import contextlib
import sqlite3
import threading

from harness import (FAILURE_S, PUBLIC, Clock, Data, Dev, Folder, Suite, basic, check, claims_of,
                     equal, refused, served, side_by_side, until)

suite = Suite()
GRACE_S = 60
IDLE_S = 15 * 86400
ABSOLUTE_S = 30 * 86400
THREADS, ROUNDS = 64, 50


class Place:
    """A server on a clock of its own with two users, one of which is signed in."""

    def __init__(self, kind, folder):
        self.clock = Clock(folder)
        self.data = None
        if kind == 'memory':
            self.server = Dev('--clock', self.clock.path)
            self.user, self.other = self.server.users[:2]
        else:
            self.data = Data(folder, clock=self.clock)
            self.user, self.other = self.data.user(), self.data.user()
            self.server = self.data.serve()

    def token(self, **more):
        return self.server.sign_in(self.user, **more)['refresh_token']

    def next(self, token, **more):
        return served(self.server.refresh(token, **more)).json['refresh_token']

    def dead(self, *tokens):
        for token in tokens:
            reply = refused(self.server.refresh(token), 'invalid_grant')
            equal(reply.json['error_description'], 'invalid_refresh_token', 'error_description')

    def verb(self, *arguments):
        """A verb, and the wait until the server has heard of it, if it will at all."""
        self.data.verb(*arguments)


@contextlib.contextmanager
def place(kind):
    with Folder() as folder:
        made = Place(kind, folder)
        try:
            yield made
        finally:
            made.server.stop()
            made.clock.close()


def both(name):
    """A case for either store; it gets its place."""
    def add(body):
        for kind in ('memory', 'file'):
            def run(kind=kind):
                with place(kind) as made:
                    return body(made)
            suite.case(f'{name} ({kind})')(run)
        return body
    return add


def in_file(name):
    def add(body):
        def run():
            with place('file') as made:
                return body(made)
        return suite.case(name)(run)
    return add


# --- rotation, repeats, replays --------------------------------------------------------------

@both('a chain of rotations')
def chain(at):
    token, seen = at.token(), set()
    for _ in range(20):
        seen.add(token)
        at.clock.advance(86400)
        token = at.next(token)
        check(token not in seen and token.startswith('adr_'), token)


@both('a repeat within the window gives the same link, and both successors go on')
def repeat(at):
    first = at.token()
    one, other = at.next(first), at.next(first)
    check(one != other, 'the same bytes')
    at.clock.advance(GRACE_S)
    third = at.next(first)
    after_one = at.next(one)
    after_other = at.next(other)
    after_third = at.next(third)
    final = [at.next(token) for token in (after_one, after_other, after_third)]
    at.clock.advance(86400)
    token = at.next(final[0])
    at.clock.advance(GRACE_S + 1)
    at.dead(final[1], token, final[2], final[0])


# Requirement 29.
@both('a repeat after the window ends the family, all of it')
def replay(at):
    first = at.token()
    one, other = at.next(first), at.next(first)
    bystander = at.token()
    at.clock.advance(GRACE_S + 1)
    at.dead(first, one, other, first)
    at.clock.advance(-GRACE_S - 1)
    at.dead(first, one, other)
    at.next(bystander)


@both('an older link than the last ends the family, within the window too')
def older(at):
    first = at.token()
    second = at.next(first)
    third = at.next(second)
    at.dead(first, second, third)


@both('a successor that was never used does not die with the next repeat')
def lost_answers(at):
    token = at.token()
    for _ in range(10):
        at.next(token)
        at.clock.advance(5)
    at.next(at.next(token))


@both('families are independent')
def families(at):
    tokens = [at.token() for _ in range(5)]
    successors = [at.next(token) for token in tokens]
    at.clock.advance(GRACE_S + 1)
    at.dead(tokens[0], successors[0])
    for token in successors[1:]:
        at.next(token)


# --- expiry ----------------------------------------------------------------------------------

# Requirement 31.
@both('idle for 15 days: the last second is served, the next is not')
def idle(at):
    first, second = at.token(), at.token()
    at.clock.advance(IDLE_S - 1)
    first = at.next(first)
    at.clock.advance(1)
    at.dead(second)
    at.clock.advance(IDLE_S - 2)
    first = at.next(first)
    at.clock.advance(IDLE_S)
    at.dead(first)


@both('30 days after the login everything ends, however busy')
def absolute(at):
    token = at.token()
    for _ in range(29):
        at.clock.advance(86400)
        token = at.next(token)
    at.clock.advance(86399)
    last = at.next(token)
    at.clock.advance(1)
    at.dead(token, last)


@both('a repeat does not lengthen the idle time')
def repeat_idle(at):
    first = at.token()
    at.next(first)
    at.clock.advance(GRACE_S)
    second = at.next(first)
    at.clock.advance(IDLE_S - GRACE_S)
    at.dead(second)


# --- scope -----------------------------------------------------------------------------------

@both('narrowing concerns the access token only')
def narrowing(at):
    token = at.token(scope='cosmos openid offline_access')
    narrow = served(at.server.refresh(token, scope='cosmos')).json
    equal((narrow['scope'], claims_of(narrow['access_token'])['scope']), ('cosmos', 'cosmos'),
          'the narrow scope')
    openid = served(at.server.refresh(narrow['refresh_token'], scope='openid')).json
    equal(claims_of(openid['access_token'])['aud'], at.server.issuer, 'aud')
    wide = served(at.server.refresh(openid['refresh_token'])).json
    equal(set(wide['scope'].split()), {'cosmos', 'openid', 'offline_access'}, 'the scope')
    equal(claims_of(wide['access_token'])['aud'], 'external-api', 'aud')


# Requirement 30.
@both('widening is refused, and spends nothing')
def widening(at):
    token = at.token(scope='cosmos offline_access')
    for scope in ('openid', 'cosmos openid', 'unknown', 'cosmos  offline_access', 'x' * 301):
        refused(at.server.refresh(token, scope=scope), 'invalid_scope')
    at.clock.advance(GRACE_S * 2)
    at.next(at.next(token, scope=''))


# --- whose it is -----------------------------------------------------------------------------

@both('without client_id it names its own client')
def without_client(at):
    token = at.next(at.token(), client_id=None)
    at.next(token, client_id=None, client_secret='None')
    refused(at.server.refresh('adr_x', client_id=None), 'invalid_grant')
    refused(at.server.refresh('', client_id=None), 'invalid_client')
    refused(at.server.post({'grant_type': 'refresh_token'}), 'invalid_client')


@both('by Basic with an empty secret')
def by_basic(at):
    served(at.server.post({'grant_type': 'refresh_token', 'refresh_token': at.token()},
                          [basic(PUBLIC, '')]))


# Requirement 28.
@both('not for another client, whichever way, and it stays good for its own')
def another_client(at):
    if at.data:
        made = at.data.json('client', 'add', 'partner', '--type', 'confidential')
        second = {'client_id': 'public.two'}
        at.data.verb('client', 'add', 'public.two', '--type', 'public')
    else:
        made, second = at.server.confidential, None
    partner = {'client_id': made['client_id'], 'client_secret': made['client_secret']}
    token, theirs = at.token(), at.token(**partner)
    for client in filter(None, (partner, second)):
        refused(at.server.refresh(token, **client), 'invalid_grant')
    refused(at.server.refresh(theirs), 'invalid_grant')
    refused(at.server.refresh(theirs, client_id=partner['client_id']), 'invalid_client')
    check(at.server.refresh(theirs, client_id=None).status == 400, 'without its secret')
    at.clock.advance(GRACE_S * 2)
    at.next(token)
    at.next(theirs, **partner)


@both('a user name and a password beside it say nothing')
def mixed(at):
    token = at.next(at.token(), username=at.other['username'], password=at.other['password'])
    claims = claims_of(served(at.server.refresh(token)).json['access_token'])
    own = claims_of(at.server.sign_in(at.user)['access_token'])
    equal(claims['sub'], own['sub'], 'sub')


# --- what does not unseal --------------------------------------------------------------------

@both('garbage, pieces and changed bits are all the same refusal')
def garbage(at):
    token = at.token()
    foreign = None
    with contextlib.ExitStack() as stack:
        server = Dev()
        stack.callback(server.stop)
        foreign = server.sign_in(server.users[0])['refresh_token']
    raw = base64.urlsafe_b64decode(token[4:] + '=' * (-len(token[4:]) % 4))
    bits = [bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0)
                  for place, byte in enumerate(raw)) for bit in range(0, len(raw) * 8, 37)]
    wrong = [token[:length] for length in range(1, len(token), 23)]
    wrong += ['adr_' + base64.urlsafe_b64encode(piece).decode().rstrip('=') for piece in bits]
    wrong += [token + 'A', token + '=', token + ' ', ' ' + token, token.upper(), token[4:],
              'adr_' * 2 + token[4:], token.replace('adr_', 'adx_'), foreign, 'x', 'adr_',
              'adr_' + 'A' * 2000, '\u00e9', token + '\n', 'null', '../../etc/passwd',
              at.server.sign_in(at.user)['access_token'], at.user['password']]
    last = token[-1]
    wrong.append(token[:-1] + chr(ord(last) + 1) if last not in 'Zz9_-' else token[:-1] + 'A')
    replies = side_by_side(len(wrong), lambda turn: at.server.refresh(wrong[turn]))
    for reply in replies:
        refused(reply, 'invalid_grant')
        check(reply.took_s >= FAILURE_S, f'it left after {reply.took_s} s')
        equal(reply.json['error_description'], 'invalid_refresh_token', 'error_description')
    at.next(token)


# --- what ends it ----------------------------------------------------------------------------

def ends_it(at, token, what):
    """`token` is refused soon, for good, and nothing was spent by asking too early."""
    latest = [token]

    def is_dead():
        reply = at.server.refresh(latest[0])
        if reply.status == 200:
            latest[0] = reply.json['refresh_token']
            return False
        return True
    _, took = until(is_dead, what, 10)
    suite.note(f'{what}: counted after {took:.2f} s')
    return latest[0]


for noun, name in (('service-user', 'user'), ('site', 'site'), ('client', 'client')):
    # Requirement 32.
    @suite.case(f'disabling the {name} ends it, and enabling does not revive it', noun)
    def disabling(noun):
        with place('file') as at:
            token = at.token()
            names = {'service-user': at.user['username'], 'site': at.user['site'],
                     'client': PUBLIC}
            at.verb(noun, 'disable', names[noun])
            last = ends_it(at, token, f'disabling the {noun}')
            at.verb(noun, 'enable', names[noun])
            until(lambda: at.server.password(at.user).status == 200, 'enabling', 10)
            at.dead(last)
            if last != token:
                at.dead(token)
            at.next(at.token())


@in_file('disabling another user, site or client ends nothing here')
def others(at):
    at.verb('site', 'add', 'elsewhere')
    at.verb('client', 'add', 'another', '--type', 'public')
    token = at.token()
    at.verb('service-user', 'disable', at.other['username'])
    at.verb('site', 'disable', 'elsewhere')
    at.verb('client', 'disable', 'another')
    until(lambda: at.server.password(at.other).status == 400, 'the disabling', 10)
    at.next(token)


@in_file('rotating with overlap 0 ends it')
def rotate_at_once(at):
    token = at.token()
    made = at.data.json('service-user', 'rotate', at.user['username'], '--overlap', '0')
    last = ends_it(at, token, 'rotating with overlap 0')
    refused(at.server.password(at.user), 'invalid_grant')
    at.server.sign_in({**at.user, 'password': made['password']})
    at.dead(last)


@in_file('rotating with an overlap of 7 days keeps both passwords and their tokens until then')
def rotate_with_overlap(at):
    token = at.token()
    second = at.data.json('service-user', 'rotate', at.user['username'])
    until(lambda: at.server.password(second).status == 200, 'the new password', 10)
    at.server.sign_in(at.user)
    token = at.next(token)
    of_second = at.server.sign_in(second)['refresh_token']
    at.clock.advance(7 * 86400 - 1)
    at.server.sign_in(at.user)
    token = at.next(token)
    of_second = at.next(of_second)
    at.clock.advance(2)
    refused(at.server.password(at.user), 'invalid_grant')
    at.server.sign_in(second)
    at.dead(token)
    at.next(of_second)


@in_file('a third password is refused while two live; with overlap 0 it ends both')
def rotate_twice(at):
    token = at.token()
    second = at.data.json('service-user', 'rotate', at.user['username'])
    until(lambda: at.server.password(second).status == 200, 'the second password', 10)
    token = at.next(token)
    done = at.data.attempt('service-user', 'rotate', at.user['username'])
    equal((done.returncode, done.said), (2, ''), 'exit code and stdout')
    check('--overlap 0' in done.complained, done.complained)
    at.server.sign_in(at.user)
    at.server.sign_in(second)
    token = at.next(token)
    third = at.data.json('service-user', 'rotate', at.user['username'], '--overlap', '0')
    until(lambda: at.server.password(third).status == 200, 'the third password', 10)
    refused(at.server.password(at.user), 'invalid_grant')
    refused(at.server.password(second), 'invalid_grant')
    at.dead(token)


@in_file('a sign-in moves its password to the newest pepper, and the old one goes')
def pepper_moves(at):
    def peppers():
        return [key['kid'] for key in at.data.json('key', 'list') if key['purpose'] == 'pepper']

    def rotate():
        return at.data.json('key', 'rotate', '--purpose', 'pepper')['kid']

    def named():
        with contextlib.closing(sqlite3.connect(at.data.path + '/adit.db')) as database:
            return {row[0] for row in
                    database.execute('SELECT pepper_kid FROM service_user_credential')}

    first = peppers()[0]
    at.clock.advance(1)
    second = rotate()
    equal(set(peppers()), {first, second}, 'the peppers after a rotation')
    until(lambda: at.server.sign_in(at.user) and second in named(), 'a password moved', 10)
    at.clock.advance(2 * 86400)
    third = rotate()
    equal(set(peppers()), {first, second, third}, 'the peppers while a password names the first')
    for user in (at.user, at.other):
        until(lambda user=user: at.server.sign_in(user) and third in named(), 'it moved', 10)
    until(lambda: at.server.sign_in(at.other) and named() == {third}, 'both moved', 10)
    at.clock.advance(2 * 86400)
    equal({third, rotate()}, set(peppers()), 'the peppers once none names the old ones')
    at.server.sign_in(at.user)
    at.server.sign_in(at.other)


@in_file('an expired password that a rotation drops ends nothing')
def rotate_after_expiry(at):
    at.data.json('service-user', 'rotate', at.user['username'])
    at.clock.advance(8 * 86400)
    at.user = at.data.json('service-user', 'rotate', at.user['username'], '--overlap', '0')
    until(lambda: at.server.password(at.user).status == 200, 'the new password', 10)
    second = at.data.json('service-user', 'rotate', at.user['username'], '--overlap', '1d')
    until(lambda: at.server.password(second).status == 200, 'the next password', 10)
    token = at.server.sign_in(second)['refresh_token']
    at.clock.advance(86400)
    third = at.data.json('service-user', 'rotate', at.user['username'], '--overlap', '1d')
    until(lambda: at.server.password(third).status == 200, 'the last password', 10)
    at.next(token)
    at.server.sign_in(second)


@in_file('an overlap does not lengthen what expires before it')
def overlap_and_expiry(at):
    short = at.data.json('service-user', 'add', 'short', '--site', 'north', '--role', 'read',
                         '--expires', '2027-01-17T08:00:00Z')  # in two days
    long = at.data.json('service-user', 'rotate', 'short', '--overlap', '7d', '--expires', 'never')
    until(lambda: at.server.password(long).status == 200, 'the new password', 10)
    at.clock.advance(2 * 86400 - 1)
    ending = at.server.sign_in(short)['refresh_token']
    staying = at.server.sign_in(long)['refresh_token']
    at.clock.advance(1)
    refused(at.server.password(short), 'invalid_grant')
    at.dead(ending)
    at.next(staying)
    at.server.sign_in(long)


@in_file('what was issued while a user was being disabled is dead once it is enabled again')
def disabling_race(at):
    tokens, stop = [], threading.Event()

    def sign_in():
        while not stop.is_set():
            reply = at.server.password(at.user)
            if reply.status == 200:
                tokens.append(reply.json['refresh_token'])
    threads = [threading.Thread(target=sign_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(tokens) > 20, 'signing in')
    at.verb('service-user', 'disable', at.user['username'])
    until(lambda: at.server.password(at.user).status == 400, 'disabling', 10)
    stop.set()
    for thread in threads:
        thread.join()
    at.verb('service-user', 'enable', at.user['username'])
    until(lambda: at.server.password(at.user).status == 200, 'enabling', 10)
    for reply in side_by_side(16, lambda turn: [at.server.refresh(token)
                                                for token in tokens[-160:][turn::16]]):
        for each in reply:
            refused(each, 'invalid_grant')


@in_file('issuing writes nothing after the first token; a chain is one row; old rows go')
def writes(at):
    database = sqlite3.connect(at.data.path + '/adit.db')

    def state():
        """All rows but the audit's end, which is told of all tokens of a second at once."""
        return [line for line in database.iterdump()
                if not line.startswith('INSERT INTO "audit_head"')]
    token = at.token()
    # Who was used last is told of all of a minute; this clock stands.
    until(lambda: database.execute('SELECT count(*) FROM last_use').fetchone()[0], 'the use')
    before = state()
    check(len(before) > 10, f'{before}')
    for _ in range(50):
        at.token()
    equal(state(), before, 'the rows after 50 logins')
    for _ in range(50):
        token = at.next(token)
    for _ in range(300):
        at.next(at.token())

    def rows():
        return database.execute('SELECT count(*) FROM family').fetchone()[0]
    equal(rows(), 301, 'rows')
    at.clock.advance(ABSOLUTE_S + 86400 + 1)
    at.server.stop()
    at.server = at.data.serve()
    until(lambda: rows() == 0, 'removing the rows')
    database.close()
    at.next(at.token())


@in_file('the first tokens of a user, 64 at once, are all good')
def first_at_once(at):
    tokens = side_by_side(THREADS, lambda _: at.token())
    for reply in side_by_side(THREADS, lambda turn: at.server.refresh(tokens[turn])):
        served(reply)


@in_file('it works after a restart, and so does a repeat')
def restart(at):
    fresh, used = at.token(), at.token()
    successor = at.next(used)
    at.server.stop()
    at.server = at.data.serve()
    at.next(fresh)
    at.next(at.next(used))
    at.clock.advance(GRACE_S + 1)
    at.server.stop()
    at.server = at.data.serve()
    at.dead(used, successor)


# --- many at once ----------------------------------------------------------------------------

def race(at, token):
    """All redeem one token at once; the successors that they got."""
    replies = side_by_side(THREADS, lambda _: at.server.refresh(token))
    return [served(reply).json['refresh_token'] for reply in replies]


@both(f'{THREADS} at once redeem one token, {ROUNDS} times')
def races(at):
    token = at.token()
    for number in range(ROUNDS):
        got = race(at, token)
        equal(len(set(got)), THREADS, 'different successors')
        # All are one link: each can be redeemed, in whichever order.
        links = side_by_side(8, lambda turn: at.server.refresh(got[turn * 7 + number % 7]))
        token = [served(link).json['refresh_token'] for link in links][number % 8]
    final = race(at, token)
    for each in final:
        at.next(each)
    at.clock.advance(GRACE_S + 1)
    at.dead(token)
    replies = side_by_side(THREADS, lambda turn: at.server.refresh(final[turn]))
    for reply in replies:
        refused(reply, 'invalid_grant')


suite.main(workers=8)
