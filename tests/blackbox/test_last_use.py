#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What uses a Service User, from where, and when; and what ends soon."""
import re
import sqlite3

from harness import (PUBLIC, Clock, Data, Folder, Suite, basic, check, equal, served,
                     until)

suite = Suite()
NOW = 1_800_000_000
DAY = 86400


class Place:
    """An authority of its own, with a machine client of its Service User's."""

    def __init__(self, folder):
        self.clock = Clock(folder, NOW)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user()
        self.secret = self.data.json(
            'client', 'add', 'machine', '--type', 'confidential', '--service-user',
            self.user['username'], '--grant', 'client_credentials')['client_secret']
        self.server = self.data.serve()

    def show(self, user=None):
        return self.data.json('service-user', 'show', (user or self.user)['username'])

    def shown(self, wanted, what):
        """What `show` says once `wanted` is true of it."""
        until(lambda: wanted(self.show()), what)
        return self.show()

    def machine(self):
        return served(self.server.post({'grant_type': 'client_credentials'},
                                       [basic('machine', self.secret)]))

    def again(self):
        self.server.stop()
        self.server = self.data.serve()


@suite.placed(Place, 'client, source, grant, first and last use')
def uses(place):
    said = place.show()
    equal((said['clients'], said['sources'], 'last_used_at' in said), ([], [], False), 'before')
    token = place.server.sign_in(place.user)['refresh_token']
    said = place.shown(lambda said: said['clients'], 'the first use')
    equal(said['last_used_at'], NOW, 'last_used_at')
    equal(said['clients'], [{'client_id': PUBLIC, 'grant_type': 'password', 'first_used_at': NOW,
                             'last_used_at': NOW}], 'clients')
    equal(said['sources'], [{'client_id': PUBLIC, 'source': '127.0.0.1', 'first_used_at': NOW,
                             'last_used_at': NOW}], 'sources')
    place.clock.advance(100)
    served(place.server.refresh(token))
    said = place.shown(lambda said: said['last_used_at'] == NOW + 100, 'the refresh')
    equal(said['clients'], [{'client_id': PUBLIC, 'grant_type': 'refresh_token',
                             'first_used_at': NOW, 'last_used_at': NOW + 100}], 'clients')
    equal(said['credentials'][0]['last_used_at'], NOW + 100, 'the password')
    place.clock.advance(100)
    place.machine()
    said = place.shown(lambda said: len(said['clients']) == 2, 'the machine')
    equal(said['clients'][0], {'client_id': 'machine', 'grant_type': 'client_credentials',
                               'first_used_at': NOW + 200, 'last_used_at': NOW + 200}, 'machine')
    equal(said['credentials'][0]['last_used_at'], NOW + 100, 'its secret is no password')
    client = place.data.json('client', 'show', 'machine')
    equal(client['last_used_at'], NOW + 200, 'the client')
    equal([secret['last_used_at'] for secret in client['secrets']], [NOW + 200], 'its secret')
    equal(place.data.json('service-user', 'list')[0]['last_used_at'], NOW + 200, 'list')
    listed = {one['client_id']: one.get('last_used_at') for one in place.data.json('client', 'list')}
    equal((listed['machine'], listed[PUBLIC], listed['adit']), (NOW + 200, NOW + 100, None), 'list')
    text = place.data.verb('service-user', 'show', place.user['username'])
    check(re.search(r'\nclients:\nclient_id +grant_type +first_used_at +last_used_at\n'
                    r'machine +client_credentials +2027-', text), text)
    check(re.search(r'\nsources:\n(.*\n)+external.customer +127.0.0.1 +2027-', text), text)
    check('last_used_at' in place.data.verb('service-user', 'list'), 'no column')


@suite.placed(Place, 'the old password\'s uses, while a new one is given')
def rotated(place):
    served(place.server.password(place.user))
    place.shown(lambda said: said['credentials'][0].get('last_used_at') == NOW, 'the first use')
    place.clock.advance(100)
    newer = place.data.json('service-user', 'rotate', place.user['username'])
    check(place.show()['credentials'][0].get('last_used_at') is None, 'the new one was used')
    until(lambda: place.server.password(newer).status == 200, 'the new one')
    place.clock.advance(100)
    served(place.server.password(place.user))
    said = place.shown(lambda said: said['credentials'][1].get('last_used_at') == NOW + 200,
                       'the old one')
    equal(said['credentials'][0]['last_used_at'], NOW + 100, 'the new one')
    text = place.data.verb('service-user', 'list')
    check(re.search(r'the one before, still used, expires in 6 days', text), text)


@suite.placed(Place, 'once a minute at most, and no cache is emptied by it')
def writes(place):
    def read(what):
        with sqlite3.connect(f'file:{place.data.path}/adit.db?mode=ro', uri=True) as database:
            return database.execute(what).fetchone()[0]
    served(place.server.password(place.user))
    place.shown(lambda said: said['clients'], 'the first use')
    counter = read('SELECT counter FROM change')
    for _ in range(3):
        place.clock.advance(19)
        served(place.server.password(place.user))
    served(place.server.get('/healthz') and place.server.password(place.user))
    equal(read('SELECT MAX(last_used_at) FROM last_use'), NOW, 'within the minute')
    place.clock.advance(3)
    place.shown(lambda said: said['last_used_at'] == NOW + 57, 'after it')
    equal(read('SELECT counter FROM change'), counter, 'the change counter')


@suite.placed(Place, 'a clean stop loses nothing; a killed server loses a minute')
def stops(place):
    served(place.server.password(place.user))
    place.shown(lambda said: said['clients'], 'the first use')
    place.clock.advance(10)
    served(place.server.password(place.user))
    place.again()
    equal(place.show()['last_used_at'], NOW + 10, 'after a stop')
    served(place.server.password(place.user))
    place.clock.advance(100)
    served(place.server.password(place.user))
    place.shown(lambda said: said['last_used_at'] == NOW + 110, 'after a minute')
    place.clock.advance(30)
    served(place.server.password(place.user))
    place.server.kill()
    place.server = place.data.serve()
    equal(place.show()['last_used_at'], NOW + 110, 'after a kill')


@suite.placed(Place, 'the last five sources')
def sources(place):
    place.data.verb('client', 'disable', 'machine')
    for last in range(1, 9):
        served(place.server.post({
            'grant_type': 'password', 'client_id': PUBLIC, 'username': place.user['username'],
            'password': place.user['password']}, source=f'127.0.0.{last}'))
        place.clock.advance(1)
    place.again()
    equal([source['source'] for source in place.show()['sources']],
          [f'127.0.0.{last}' for last in range(8, 3, -1)], 'the sources')
    equal(place.show()['clients'][0]['first_used_at'], NOW, 'the first use')


@suite.placed(Place, 'a refused request is no use')
def refusals(place):
    place.server.password({**place.user, 'password': place.user['password'][:-1] + '0'})
    place.server.post({'grant_type': 'client_credentials'}, [basic('machine', 'wrong')])
    place.again()
    equal((place.show()['clients'], place.show()['credentials'][0].get('last_used_at')), ([], None),
          'the uses')
    check('last_used_at' not in place.data.json('client', 'show', 'machine'), 'the client')


def add(place, name, days, *more):
    return place.data.json('service-user', 'add', name, '--site', 'north', '--role', 'read',
                           *(['--expires', iso(NOW + days * DAY)] if days else []), *more)


def iso(seconds):
    import datetime
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
        '%Y-%m-%dT%H:%M:%SZ')


@suite.placed(Place, 'list marks what ends soon, and filters')
def marks(place):
    for days in (0, 1, 3, 14, 15, 200):
        add(place, f'ends-{days}', days)
    text = place.data.verb('service-user', 'list')
    for name, mark in (('ends-1', 'expires in 1 day'), ('ends-3', 'expires in 3 days'),
                       ('ends-14', 'expires in 14 days')):
        check(re.search(rf'^{name} .*{mark}', text, re.M), text)
    for name in ('ends-0', 'ends-15', 'ends-200'):
        check(not re.search(rf'^{name} .*expires in', text, re.M), text)
    for days, wanted in ((0, []), (1, ['ends-1']), (14, ['ends-1', 'ends-14', 'ends-3']),
                         (15, ['ends-1', 'ends-14', 'ends-15', 'ends-3']),
                         (3660, ['ends-1', 'ends-14', 'ends-15', 'ends-200', 'ends-3'])):
        got = place.data.json('service-user', 'list', '--expiring', str(days))
        equal([user['username'] for user in got], wanted, f'--expiring {days}')
    equal(got[0]['expires_at'], NOW + DAY, 'expires_at')
    place.data.verb('site', 'add', 'south')
    equal(place.data.json('service-user', 'list', '--expiring', '20', '--site', 'south'), [],
          'another site\'s')
    for wrong in ('-1', 'x', '3661', ''):
        equal(place.data.attempt('service-user', 'list', '--expiring', wrong).returncode, 2, wrong)
    place.clock.advance(3 * DAY + 10)
    text = place.data.verb('service-user', 'list')
    check(re.search(r'^ends-15 .*expires in 11 days', text, re.M), text)
    check(re.search(r'^ends-3 +north +read +no credential', text, re.M), text)


def warned(place, after=0):
    return [event for event in place.server.events('credential_expires_soon')
            if event['time'] >= iso(after)[:-1]]


@suite.placed(Place, 'the log warns once a day')
def warns(place):
    used = add(place, 'used', 5)
    add(place, 'idle', 10)
    add(place, 'later', 40)
    add(place, 'gone', 5)
    place.data.verb('service-user', 'disable', 'gone')
    place.data.verb('client', 'rotate-secret', 'machine', '--overlap', '0', '--expires',
                    iso(NOW + 4 * DAY))
    served(place.server.password(used))
    place.shown(lambda said: place.show(used)['clients'], 'the use')
    place.again()
    until(lambda: len(place.server.events('credential_expires_soon')) == 3, 'three warnings')
    events = place.server.events('credential_expires_soon')
    found = {event.get('username') or event['client_id']: event for event in events}
    equal(set(found), {'used', 'idle', 'machine'}, 'whom it warns of')
    equal({name: (event['days_left'], event['used_in_last_7_days'], event['expires_at'])
           for name, event in found.items()},
          {'used': (5, 'yes', NOW + 5 * DAY), 'idle': (10, 'no', NOW + 10 * DAY),
           'machine': (4, 'no', NOW + 4 * DAY)}, 'what it says')
    equal(found['used']['sub'], used['sub'], 'sub')
    equal(found['used']['level'], 'warning', 'level')
    place.clock.advance(DAY - 100)
    # Four ticks a second: one has come by when a second request's use is written.
    served(place.server.password(used))
    until(lambda: place.show(used)['last_used_at'] > NOW, 'a tick')
    equal(len(place.server.events('credential_expires_soon')), 3, 'within the day')
    place.clock.advance(101)
    until(lambda: len(place.server.events('credential_expires_soon')) == 6, 'the next day')


@suite.placed(Place, 'many that end are counted')
def many(place):
    for number in range(25):
        add(place, f'ends-{number}', 2)
    place.again()
    until(lambda: place.server.events('more_credentials_expire_soon'), 'the sum')
    equal(len(place.server.events('credential_expires_soon')), 20, 'lines')
    equal(place.server.events('more_credentials_expire_soon')[0]['count'], 5, 'count')


@suite.case('an API that only asks about tokens')
def api():
    with Folder() as folder:
        clock = Clock(folder, NOW)
        data = Data(folder, clock=clock)
        secret = data.json('client', 'add', 'api', '--type', 'confidential', '--resource',
                           'external-api')['client_secret']
        server = data.serve()
        equal(server.post({'token': 'x'}, [basic('api', secret)],
                          target=server.path + '/connect/introspect').json, {'active': False}, 'x')
        server.stop()
        equal(data.json('client', 'show', 'api')['last_used_at'], NOW, 'last_used_at')


suite.main()
