#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Limits on guessing, on a clock that is moved, with sources that a named proxy tells of."""
import json
import re


from harness import (FAILURE_S, PUBLIC, Clock, Data, Folder, Suite, basic, check, compose, equal,
                     exchange, refused, served, side_by_side, until)

suite = Suite()
PROXY = ('--trusted-proxy', '127.0.0.1')
WINDOW_S = 600
DAY_S = 86400
LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'


class Place:
    """A server with limits, and a Service User."""

    def __init__(self, folder, *arguments, **more):
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user()
        self.arguments = arguments or PROXY
        self.more = {'attempts': None, **more}
        self.server = self.data.serve(*self.arguments, **self.more)
        self.turn = 0

    def restart(self):
        self.server.stop()
        self.server = self.data.serve(*self.arguments, **self.more)

    def post(self, source, username=None, password=None, **more):
        fields = [('X-Forwarded-For', source)] if source else []
        return self.server.post({'grant_type': 'password', 'client_id': PUBLIC,
                                 'username': username or self.user['username'],
                                 'password': password or self.user['password'], **more}, fields)

    def guess(self, source, username=None, **more):
        self.turn += 1
        return self.post(source, username, f'guess {self.turn}', **more)

    def guesses(self, source, count, username=None):
        """How many of them were evaluated."""
        return sum(self.guess(source, username).status == 400 for _ in range(count))

    def hundred(self, username):
        """A hundred wrong ones, as fast as the limits let them."""
        for number in range(10):
            replies = side_by_side(10, lambda turn, number=number: self.post(
                f'198.51.{number}.{turn}', username, f'guess {number} {turn}'))
            for reply in replies:
                refused(reply, 'invalid_grant')
            self.clock.advance(WINDOW_S)

    def reason(self, reply):
        found = until(lambda: [event for event in self.server.events('token_refused')
                               if event['correlation_id'] == reply.json['correlation_id']],
                      'the line in the log')[0][0]
        return found


def placed(name, *arguments, **more):
    return suite.placed(lambda folder: Place(folder, *arguments, **more), name)


def slowed(reply):
    """What 429 looks like: the wait."""
    refused(reply, 'slow_down', 429)
    equal(reply.reason, 'Too Many Requests', 'the reason phrase')
    check(set(reply.json) == {'error', 'error_description', 'correlation_id'}, repr(reply))
    check(reply.took_s >= FAILURE_S, f'it left after {reply.took_s} s')
    wait = int(reply.field('Retry-After'))
    check(wait >= 1, 'Retry-After')
    return wait


# Requirement 24.
@placed('five wrong passwords from one source, then 429 until the time it says')
def pair(place):
    for _ in range(5):
        refused(place.guess('192.0.2.1'), 'invalid_grant')
    reply = place.guess('192.0.2.1')
    wait = slowed(reply)
    equal(wait, WINDOW_S, 'Retry-After')
    line = place.reason(reply)
    equal((line['reason'], line['source'], line['sub']),
          ('too_many_attempts_pair', '192.0.2.1', place.user['sub']), 'the line')
    place.clock.advance(wait - 1)
    slowed(place.guess('192.0.2.1'))
    place.clock.advance(1)
    refused(place.guess('192.0.2.1'), 'invalid_grant')


@placed('a right generated password never waits, whatever was counted')
def right(place):
    side_by_side(20, lambda turn: place.guesses(f'198.51.100.{turn}', 3))
    slowed(place.guess('203.0.113.9'))
    for source in ('192.0.2.77', '198.51.100.1', None):
        reply = served(place.post(source))
        check(reply.took_s < 60, 'it waited')


@placed('a wrong generated password is counted, and waits then')
def wrong_generated(place):
    right_one = place.user['password']
    other = place.data.user()['password']
    refused(place.post('192.0.2.1', password=other), 'invalid_grant')
    place.clock.advance(3)
    equal(place.guesses('192.0.2.1', 4), 4, 'guesses')
    slowed(place.post('192.0.2.1', password=other))
    served(place.post('192.0.2.1', password=right_one))
    # The success cleared the pair.
    refused(place.post('192.0.2.1', password=other), 'invalid_grant')


# Requirement 64.
@placed('who attacks an account does not touch those who have been there')
def trusted(place):
    served(place.post('192.0.2.1'))
    evaluated = sum(side_by_side(12, lambda turn: place.guesses(f'198.51.100.{turn}', 6)))
    equal(evaluated, 10, 'guesses that were evaluated')
    reply = place.guess('203.0.113.1')
    slowed(reply)
    equal(place.reason(reply)['reason'], 'too_many_attempts_account', 'the reason')
    # From where it was right it is held to what it does itself alone.
    equal(place.guesses('192.0.2.1', 8), 5, 'its own')
    slowed(place.guess('192.0.2.1'))
    place.clock.advance(30 * DAY_S)
    evaluated = sum(side_by_side(12, lambda turn: place.guesses(f'198.51.100.{turn}', 6)))
    equal(evaluated, 10, 'the next month')
    slowed(place.guess('192.0.2.1'))


@placed('trusted pairs outlive a restart')
def restarted(place):
    served(place.post('192.0.2.1'))
    place.restart()
    evaluated = sum(side_by_side(12, lambda turn: place.guesses(f'198.51.100.{turn}', 6)))
    equal(evaluated, 10, 'guesses that were evaluated')
    refused(place.guess('192.0.2.1'), 'invalid_grant')
    slowed(place.guess('192.0.2.2'))


@placed('the answer is the same for a name that is not there')
def unknown(place):
    for number in range(3):
        for _ in range(7):
            one = place.guess(f'192.0.2.{number}')
            other = place.guess(f'198.51.100.{number}', 'nobody')
            equal(one.status, other.status, 'the status')
            equal(one.field('Retry-After'), other.field('Retry-After'), 'Retry-After')
            hidden = [reply.body.replace(reply.json['correlation_id'].encode(), b'')
                      for reply in (one, other)]
            equal(hidden[0], hidden[1], 'the body')


@placed('one source has twenty users, however often each')
def source(place):
    for reply in side_by_side(20, lambda turn: place.guess('192.0.2.1', f'user {turn}')):
        refused(reply, 'invalid_grant')
    reply = place.guess('192.0.2.1', 'another')
    check(slowed(reply) <= 3600, 'an hour at most')
    equal(place.reason(reply)['reason'], 'too_many_attempts_source', 'the reason')
    refused(place.guess('192.0.2.2', 'another'), 'invalid_grant')
    refused(place.guess('192.0.2.1', 'user 3'), 'invalid_grant')
    served(place.post('192.0.2.1'))


@placed('an IPv6 source is a /64, and its /48 has a limit of its own')
def networks(place):
    equal(place.guesses('2001:db8:1:1::1', 3) + place.guesses('2001:db8:1:1:ffff::2', 9), 5,
          'of one /64')
    for reply in side_by_side(79, lambda turn: place.guess(f'2001:db8:1:{turn + 2:x}::1',
                                                           f'user {turn}')):
        refused(reply, 'invalid_grant')
    slowed(place.guess('2001:db8:1:ffff::1', 'another'))
    refused(place.guess('2001:db8:2:ffff::1', 'another'), 'invalid_grant')


@placed('one integration that loops does not stop others behind one address')
def looping(place):
    side_by_side(60, lambda _: place.guess('192.0.2.1', 'looping'))
    for reply in side_by_side(10, lambda turn: place.guess('192.0.2.1', f'user {turn}')):
        refused(reply, 'invalid_grant')


# Requirement 63.
@placed('variants of a name do not multiply the guesses at an account')
def aliases(place):
    name = place.user['username']
    variants = [name.upper(), name.title(), name + ' ', ' ' + name, name + '\u200b', name + '\0'[:0],
                name.replace('s', '\u017f'), name + '/', name + '.']
    for number in range(2):
        equal(place.guesses(f'192.0.2.{number}', 5), 5, 'guesses')
    slowed(place.guess('192.0.2.9'))
    for number, variant in enumerate(variants):
        if variant == name:
            slowed(place.guess(f'198.51.100.{number}', variant))
            continue
        # None of them is the account: the right password is not taken under it.
        refused(place.post(f'198.51.100.{number}', variant), 'invalid_grant')
    slowed(place.guess('192.0.2.10'))


@placed('a client that posts everything twice is counted once')
def twice(place):
    for number in range(5):
        once = {'username': place.user['username'], 'password': f'typed {number}',
                'grant_type': 'password'}
        fields = [('X-Forwarded-For', '192.0.2.1')]
        refused(place.server.post(once, [*fields, basic(PUBLIC, '')]), 'invalid_grant')
        refused(place.server.post({**once, 'client_id': PUBLIC}, fields), 'invalid_grant')
    slowed(place.guess('192.0.2.1'))


# Requirement 62.
@placed('two hundred at once have one limit')
def parallel(place):
    replies = side_by_side(200, lambda turn: place.post(f'192.0.2.{turn}',
                                                        password=f'parallel {turn}'))
    equal(sorted(reply.status for reply in replies), [400] * 10 + [429] * 190, 'the statuses')


@placed('unlock, beside the running server')
def unlock(place):
    for number in range(12):
        place.guesses(f'192.0.2.{number}', 2)
    slowed(place.guess('192.0.2.77'))
    slowed(place.guess('198.51.100.1', 'nobody') if place.guesses('198.51.100.1', 5, 'nobody') == 5
           else None)
    done = place.data.json('service-user', 'unlock', place.user['username'])
    equal((done['username'], done['sub']), (place.user['username'], place.user['sub']), 'which')
    until(lambda: place.guess('192.0.2.78').status == 400, 'the server notices', 30)
    slowed(place.guess('198.51.100.1', 'nobody'))
    check(place.data.attempt('service-user', 'unlock', 'nobody').returncode, 'nobody is unlocked')


@placed('a hundred in a row are remembered over a restart, until unlock')
def hundred(place):
    served(place.post('192.0.2.1'))
    place.hundred(place.user['username'])
    for again in (False, True):
        if again:
            place.restart()
        place.clock.advance(DAY_S)
        reply = place.guess('203.0.113.1')
        slowed(reply)
        equal(place.reason(reply)['reason'], 'too_many_attempts_consecutive', 'the reason')
        refused(place.guess('192.0.2.1'), 'invalid_grant')
        served(place.post('203.0.113.2'))
    place.data.verb('service-user', 'unlock', place.user['username'])
    until(lambda: place.guess('203.0.113.3').status == 400, 'the server notices', 30)


# --- chosen passwords ------------------------------------------------------------------------

def with_chosen(place, password='as it was elsewhere'):
    """An imported Service User that has signed in from 192.0.2.1, and its password."""
    lines = json.dumps({'username': 'imported', 'site': 'north', 'role': 'read',
                        'password': password})
    done = place.data.attempt('service-user', 'import', given=lines.encode())
    check(done.returncode == 0, done.complained)
    until(lambda: place.post('192.0.2.1', 'imported', password).status == 200, 'the import', 30)
    place.clock.advance(2 * WINDOW_S)
    return password


def hashed(place):
    address = place.server.line(place.server.log, lambda line: '"metrics_listening"' in line and
                                json.loads(line)['address'])
    page = exchange(address, compose('GET', '/metrics')).body.decode()
    return int(float(re.search(r'^adit_passwords_hashed_total (\S+)$', page, re.MULTILINE)[1]))


# Requirement 62.
@placed('two hundred at once at a chosen password: ten hashes', *PROXY, '--metrics', '127.0.0.1:0')
def parallel_hashes(place):
    password = with_chosen(place)
    before = hashed(place)
    replies = side_by_side(200, lambda turn: place.post(f'198.51.100.{turn}', 'imported',
                                                        f'guess {turn}'))
    statuses = sorted(reply.status for reply in replies)
    # The queue may be full for some of the ten.
    check(statuses.count(429) == 190 and set(statuses) <= {400, 429, 503}, statuses)
    check(hashed(place) - before <= 10, f'{hashed(place) - before} hashes')
    served(place.post('192.0.2.1', 'imported', password))


# Requirement 64.
@placed('a chosen password is right from where it has been, whatever others try')
def chosen(place):
    password = with_chosen(place)
    evaluated = sum(place.guesses(f'198.51.100.{number}', 3, 'imported') for number in range(5))
    equal(evaluated, 10, 'guesses that were evaluated')
    served(place.post('192.0.2.1', 'imported', password))
    # From elsewhere it waits its turn: it is slowed, and not locked out.
    reply = place.post('203.0.113.1', 'imported', password)
    place.clock.advance(slowed(reply))
    served(place.post('203.0.113.1', 'imported', password))
    served(place.post('203.0.113.1', 'imported', password))


@placed('a right chosen password, however often, counts for nothing')
def often(place):
    password = with_chosen(place)
    for _ in range(12):
        served(place.post('192.0.2.1', 'imported', password))
    equal(place.guesses('198.51.100.1', 7, 'imported'), 5, 'guesses')
    equal(place.guesses('198.51.100.2', 7, 'imported'), 5, 'guesses')


@placed('after a hundred a chosen password is tried only where it has been, until unlock')
def chosen_hundred(place):
    password = with_chosen(place)
    place.hundred('imported')
    for again in (False, True):
        if again:
            place.restart()
        place.clock.advance(DAY_S)
        slowed(place.post('203.0.113.1', 'imported', password))
        served(place.post('192.0.2.1', 'imported', password))
        slowed(place.post('203.0.113.1', 'imported', password))
    done = place.data.json('service-user', 'unlock', 'imported')
    equal(done['forgotten'], 100, 'what it says')
    until(lambda: place.post('203.0.113.1', 'imported', password).status == 200,
          'the server notices', 30)


# --- client secrets --------------------------------------------------------------------------

# Requirement 22.
@placed('wrong client secrets: a limit for each client, whatever the source')
def secrets(place):
    client = place.data.json('client', 'add', 'partner', '--type', 'confidential',
                             '--service-user', place.user['username'], '--grant',
                             'client_credentials', '--scope', 'cosmos')

    def ask(source, secret, client_id='partner'):
        return place.server.post({'grant_type': 'client_credentials', 'client_id': client_id,
                                  'client_secret': secret}, [('X-Forwarded-For', source)])
    for client_id in ('partner', 'nobody'):
        statuses = [ask(f'192.0.2.{number}', f'x{number}', client_id).status
                    for number in range(14)]
        equal(statuses, [400] * 10 + [429] * 4, f'the statuses of {client_id}')
    reply = ask('192.0.2.99', 'x')
    slowed(reply)
    equal(place.reason(reply)['reason'], 'too_many_attempts_secret', 'the reason')
    slowed(place.server.post({'token': 'x'}, [('X-Forwarded-For', '192.0.2.9'),
                                              basic('partner', 'wrong')],
                             target=place.server.path + '/connect/introspect'))
    for source in ('192.0.2.99', '192.0.2.1', '203.0.113.5'):
        served(ask(source, client['client_secret']))


# --- who asks --------------------------------------------------------------------------------

# Requirement 74.
@placed('X-Forwarded-For of somebody who is no named proxy says nothing',
        '--trusted-proxy', '192.0.2.0/24')
def forged(place):
    statuses = [place.guess(f'198.51.100.{number}').status for number in range(7)]
    equal(statuses, [400] * 5 + [429] * 2, 'the statuses')
    reply = place.guess('not an address')
    equal(place.reason(reply)['source'], '127.0.0.1', 'the source')


# Requirement 74.
@placed('X-Forwarded-For of a named proxy: the rightmost that is none',
        '--trusted-proxy', '127.0.0.1', '--trusted-proxy', '10.0.0.0/8',
        '--trusted-proxy', '2001:db8:ffff::/48')
def forwarded(place):
    for value, source in (
            ('192.0.2.1', '192.0.2.1'), ('198.51.100.9, 192.0.2.1', '192.0.2.1'),
            ('192.0.2.1, 10.1.2.3', '192.0.2.1'), ('192.0.2.1,10.1.2.3,127.0.0.1', '192.0.2.1'),
            ('nonsense, 192.0.2.1', '192.0.2.1'), ('192.0.2.1:4711', '192.0.2.1'),
            ('[2001:db8::1]:443', '2001:db8::1'), ('2001:db8::1', '2001:db8::1'),
            ('2001:db8::1, 2001:db8:ffff::1', '2001:db8::1'), ('::ffff:192.0.2.1', '192.0.2.1'),
            ('10.1.1.1, 10.2.2.2', '10.1.1.1'), (None, '127.0.0.1')):
        reply = place.guess(value, 'somebody else')
        equal(place.reason(reply)['source'], source, f'the source of {value!r}')
    for value in ('', 'unknown', '_hidden', 'localhost', '192.0.2', '192.0.2.1.', '192.0.2.256',
                  '[192.0.2.1]', '[2001:db8::1', '2001:db8::1::', '192.0.2.1:', '192.0.2.1:x',
                  'nonsense, 10.1.2.3', '192.0.2.1,', '192.0.2.1, ,', '"192.0.2.1"',
                  'for=192.0.2.1', '192.0.2.1;', '192.0.2.1 198.51.100.1', '9' * 2000):
        reply = place.server.post({}, [('X-Forwarded-For', value)])
        refused(reply, 'invalid_request')
    # Two fields are one list.
    for fields, source in (((('X-Forwarded-For', '192.0.2.1'), ('x-forwarded-for', '192.0.2.2')),
                            '192.0.2.2'),
                           ((('X-Forwarded-For', '192.0.2.1'), ('X-Forwarded-For', '10.0.0.1')),
                            '192.0.2.1'),
                           ((('Forwarded', 'for=192.0.2.1'), ('X-Real-IP', '192.0.2.1')),
                            '127.0.0.1')):
        reply = place.server.post({'client_id': PUBLIC}, fields)
        equal(place.reason(reply)['source'], source, f'the source of {fields}')


@placed('behind a named proxy the flood limit is each client\'s', *PROXY, '--behind-proxy',
        flood='1')
def floods(place):
    replies = side_by_side(32, lambda _: place.server.post({}, [('X-Forwarded-For', '192.0.2.1')]))
    check(any(reply.status == 429 for reply in replies), 'none was slowed')
    for number in range(16):
        equal(place.server.post({}, [('X-Forwarded-For', f'198.51.100.{number}')]).status, 400,
              'another')


@placed('over a Unix socket, by name', '--trusted-proxy', 'unix')
def unix(place):
    place.server.stop()
    path = place.data.path + '/socket'
    place.server = place.data.serve('--trusted-proxy', 'unix', attempts=None,
                                    listen='unix:' + path)
    reply = place.guess('192.0.2.1')
    equal(place.reason(reply)['source'], '192.0.2.1', 'the source')
    reply = place.guess(None)
    equal(place.reason(reply)['source'], 'unix', 'the source')
    place.server.stop()
    place.server = place.data.serve(attempts=None, listen='unix:' + path)
    reply = place.guess('192.0.2.1')
    equal(place.reason(reply)['source'], 'unix', 'the source of a peer that is not named')


@placed('behind a proxy that is not named the account alone counts', '--behind-proxy')
def hidden(place):
    equal(place.guesses(None, 12), 10, 'guesses')
    for reply in side_by_side(30, lambda turn: place.guess(None, f'user {turn}')):
        refused(reply, 'invalid_grant')


@suite.case('what is no proxy is refused at the start')
def mistakes():
    with Folder() as folder:
        data = Data(folder)
        for value in ('', 'localhost', '192.0.2.1/33', '192.0.2.1/24', '2001:db8::/129', '::1/',
                      '127.0.0.1/8', 'unix:/run/x', '192.0.2.0/ 24', '127.0.0.1:80', '[::1]',
                      '1' * 100):
            done = data.attempt('serve', '--listen', '127.0.0.1:0', '--trusted-proxy', value)
            equal(done.returncode, 2, f'the exit status of {value!r}')
            check('--trusted-proxy' in done.complained, done.complained)
        done = data.attempt('serve', *['--trusted-proxy', '127.0.0.1'] * 17)
        check(done.returncode == 2 and 'at most 16' in done.complained, done.complained)
        for value in ('11', '-1', 'x'):
            equal(data.attempt('serve', '--attempt-limit', value).returncode, 2, value)


@suite.case('neither the addresses nor the names of failures lie in the store')
def private():
    with Folder() as folder:
        place = Place(folder)
        for _ in range(3):
            equal(place.guesses('203.0.113.78', 5, 'a-name-that-was-typed'), 5, 'guesses')
            place.clock.advance(WINDOW_S)
        place.server.stop()
        with open(place.data.path + '/adit.db', 'rb') as file:
            content = file.read()
        for needle in (b'203.0.113.7', b'a-name-that-was-typed', bytes([203, 0, 113, 78])):
            check(needle not in content, f'{needle!r} is in the store')
        place.clock.close()


suite.main(workers=16)
