#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with a user name or a password, the answer is the same, and none leaves before
its time: at which one exactly, tests/authority/test_failure_time.c tries on a clock that stands."""
import itertools

from harness import (FAILURE_S, PUBLIC, Clock, Data, Folder, Suite, basic, check, equal, refused,
                     served, side_by_side, until)

suite = Suite()
ROUNDS = 3


def prepare(folder):
    """A server, and the ways to be wrong by name: what to send instead of the right thing."""
    clock = Clock(folder)
    data = Data(folder, clock=clock)
    users = {name: data.user('north', 'read', *more) for name, more in (
        ('good', ()), ('other', ()), ('disabled', ()), ('signed in, disabled', ()),
        ('expired', ('--expires', '2027-02-01')),
        ('signed in, expired', ('--expires', '2027-02-01')),
        ('rotated', ()), ('kept from the client', ()), ('signed in, kept from the client', ()))}
    users['site disabled'] = data.user('south', 'write')
    server = data.serve()
    for name in ('good', 'signed in, disabled', 'signed in, expired', 'rotated',
                 'signed in, kept from the client'):
        server.sign_in(users[name])
    for name in ('disabled', 'signed in, disabled'):
        data.verb('service-user', 'disable', users[name]['username'])
    for name in ('kept from the client', 'signed in, kept from the client'):
        data.verb('grant', 'disable', users[name]['username'], PUBLIC)
    data.verb('site', 'disable', 'south')
    data.verb('service-user', 'rotate', users['rotated']['username'], '--overlap', '0')
    clock.set(1_801_600_000)  # 2027-02-01 is over
    good, other = users['good'], users['other']
    ways = {name: users[name] for name in users if name not in ('good', 'other')}
    changed = good['password'][:-1] + ('a' if good['password'][-1] != 'a' else 'b')
    wrong = {'wrong': 'wrong', 'of another user': other['password'], 'misspelt': changed,
             'one short': good['password'][:-1], 'empty': '', 'missing': None, 'long': 'x' * 1024,
             'padded': good['password'] + ' ', 'upper': good['password'].upper(),
             'in UTF-8': 'p\u00e4ssw\u00f6rd', 'of NULs escaped': '\\0'}
    for name, password in wrong.items():
        ways[f'password {name}'] = {'username': good['username'], 'password': password}
        ways[f'unknown user, password {name}'] = {'username': 'nobody', 'password': password}
    ways['user name missing'] = {'username': None, 'password': good['password']}
    ways['user name empty'] = {'username': '', 'password': good['password']}
    ways['both missing'] = {'username': None, 'password': None}
    ways['user name long'] = {'username': 'x' * 256, 'password': good['password']}
    ways['the sub as the user name'] = {'username': good['sub'], 'password': good['password']}
    ways['a pattern as the user name'] = {'username': '%', 'password': good['password']}
    until(lambda: all(server.password(users[name]).status == 400
                      for name in ('signed in, disabled', 'site disabled', 'rotated',
                                   'signed in, kept from the client')),
          'the disabling', 10)
    return server, good, ways


def shape(reply):
    """All that the other side sees, apart from the time and the correlation id."""
    refused(reply, 'invalid_grant')
    return (reply.status, reply.reason, [pair for pair in reply.fields if pair[0] != 'Date'],
            reply.body.replace(reply.json['correlation_id'].encode(), b''), len(reply.raw))


with Folder() as folder:
    server, good, ways = prepare(folder)
    first = refused(server.password(next(iter(ways.values()))), 'invalid_grant')
    equal(first.json['error_description'], 'invalid_username_or_password', 'error_description')

    for (name, way), scope in itertools.product(ways.items(), (None, 'openid')):
        # Requirements 25 and 65.
        @suite.case(f'{name}, scope {scope}', way, scope)
        def same(way, scope):
            for _ in range(ROUNDS):
                reply = server.password(way, scope=scope)
                equal(shape(reply), shape(first), 'the answer')
                check(reply.took_s >= FAILURE_S, f'it left after {reply.took_s} s')

    for name, way in ways.items():
        @suite.case(f'{name}, the client by Basic', way)
        def same_by_basic(way):
            reply = server.post({'grant_type': 'password', 'username': way['username'],
                                 'password': way['password']}, [basic(PUBLIC, '')])
            equal(shape(reply), shape(first), 'the answer')
            check(reply.took_s >= FAILURE_S, f'it left after {reply.took_s} s')

    @suite.case('correlation ids are all different')
    def ids():
        found = side_by_side(32, lambda _: server.password({'username': 'x', 'password': 'x'})
                             .json['correlation_id'])
        equal(len(set(found)), 32, 'how many')

    # Requirement 78.
    @suite.case('the operator finds the reason by the correlation id')
    def reasons():
        reasons = {}
        for name, way in ways.items():
            reply = server.password(way)
            line, _ = until(lambda: [event for event in server.events('token_refused')
                                     if event['correlation_id'] == reply.json['correlation_id']],
                            'the line in the log')
            reasons[name] = line[0]['reason']
        for name, reason in (('disabled', 'user_disabled'), ('site disabled', 'site_disabled'),
                             ('kept from the client', 'grant_disabled'),
                             ('expired', 'no_live_credential'),
                             ('password wrong', 'wrong_password'),
                             ('unknown user, password wrong', 'unknown_user')):
            equal(reasons[name], reason, f'the reason of {name}')

    # Requirement 64.
    @suite.case('a right password is served meanwhile, and need not wait')
    def right():
        for _ in range(ROUNDS):
            served(server.password(good))

    suite.main(server, workers=64)
