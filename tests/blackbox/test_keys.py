#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole life of keys, on a clock of the test's: what is published, what signs, what opens, and
what a rotation said beforehand."""
import base64
import contextlib
import glob
import json
import sqlite3

from harness import Clock, Data, Folder, Suite, check, claims_of, equal, refused, served, until

suite = Suite()
DAY_S = 86400
PUBLISH_S = 300 + 60  # the JWKS's max-age, and a minute
JWKS = '/.well-known/openid-configuration/jwks'


class Place:
    def __init__(self, folder):
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user()
        self.server = None

    def serve(self):
        self.server = self.data.serve()
        return self.server

    def pass_s(self, seconds):
        self.clock.advance(seconds)

    def keys(self, purpose, alg=''):
        return [key for key in self.data.json('key', 'list')
                if (key['purpose'], key['alg']) == (purpose, alg)]

    def key(self, kid):
        return self.data.json('key', 'show', kid)

    def published(self):
        reply = self.server.get(self.server.path + JWKS)
        equal(reply.field('Cache-Control'), 'public, max-age=300', 'the JWKS may be kept')
        return {key['kid'] for key in reply.json['keys']}

    def publishes(self, *kids):
        """The server sees what was changed, and the clock, within a second; here it may take
        longer."""
        until(lambda: self.published() == set(kids), f'the JWKS with {kids}')

    def signer(self):
        """Who signs now, once the server has seen all that was changed."""
        return header_of(self.sign_in()['access_token'])['kid']

    def sign_in(self):
        return self.server.sign_in(self.user)

    def rotate(self, purpose):
        """Rotates, the server taking notice; what the dry run said must come true."""
        before = self.data.json('key', 'list')
        planned = self.data.json('key', 'rotate', '--purpose', purpose, '--dry-run')
        equal(self.data.json('key', 'list'), before, 'the keys after a dry run')
        kid = self.data.json('key', 'rotate', '--purpose', purpose)['kid']
        alg = 'ES256' if purpose == 'signing' else ''
        new, = (key for key in planned if key['kid'] == '(new)')
        new['kid'] = kid
        if self.server:
            until(lambda: self.key(kid).get('published_at'), 'it is published')
        elif purpose == 'signing':
            del new['published_at']

        def in_order(keys):
            return sorted(keys, key=lambda key: key['kid'])
        equal(in_order(self.keys(purpose, alg)), in_order(planned), 'what the dry run said')
        return kid


def header_of(token):
    part = token.split('.')[0]
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


def in_place(name, *arguments):
    def add(body):
        def run_in():
            with Folder() as folder:
                place = Place(folder)
                try:
                    return body(place, *arguments)
                finally:
                    if place.server:
                        place.server.stop()
                    place.clock.close()
        return suite.case(name)(run_in)
    return add


def good(place, token):
    """Whether UserInfo takes the access token: 403 is for want of the scope alone."""
    reply = place.server.get(place.server.path + '/connect/userinfo',
                             [('Authorization', 'Bearer ' + token)])
    check(reply.status in (401, 403), repr(reply))
    return reply.status == 403


# --- signing keys ----------------------------------------------------------------------------

@in_place('a signing key: published, active after 360 s, retired, gone after two days')
def signing(place):
    place.serve()
    old, = (key['kid'] for key in place.keys('signing', 'ES256'))
    place.publishes(old)
    place.pass_s(1000)
    began = place.clock.seconds
    new = place.rotate('signing')
    place.publishes(old, new)
    equal({key['kid']: key['state'] for key in place.keys('signing', 'ES256')},
          {old: 'active', new: 'next'}, 'states')
    place.pass_s(PUBLISH_S - 1)
    equal(place.signer(), old, 'who signs a second before')
    token = place.sign_in()['access_token']
    place.pass_s(1)
    equal(place.signer(), new, 'who signs then')
    shown = place.key(old)
    equal((shown['state'], shown['held_by'], shown['retires_at'], shown['gone_at']),
          ('retired', 'access tokens', began + PUBLISH_S, began + PUBLISH_S + 2 * DAY_S), 'the old')
    equal(place.key(new)['state'], 'active', 'the new')
    # What was signed before verifies until it expires.
    place.clock.set(claims_of(token)['exp'] - 1)
    check(good(place, token), 'a token that the old key signed is refused before it expired')
    place.clock.set(claims_of(token)['exp'] + 61)
    check(not good(place, token), 'an expired token is taken')
    place.clock.set(began + PUBLISH_S + 2 * DAY_S - 1)
    place.publishes(old, new)
    place.pass_s(1)
    place.publishes(new)
    equal(place.key(old)['state'], 'gone', 'the old at last')
    equal(place.signer(), new, 'who signs at last')


@in_place('a key that is pending, and another rotation: each in its turn')
def pending(place):
    place.serve()
    old, = (key['kid'] for key in place.keys('signing', 'ES256'))
    second = place.rotate('signing')
    place.pass_s(100)
    third = place.rotate('signing')
    place.publishes(old, second, third)
    for passed, signer in ((PUBLISH_S - 101, old), (1, second), (99, second), (1, third)):
        place.pass_s(passed)
        equal(place.signer(), signer, f'who signs at {place.clock.seconds}')


@in_place('a key that no server showed signs 360 s after one does, and the old one until then')
def unpublished(place):
    old, = (key['kid'] for key in place.keys('signing', 'ES256'))
    new = place.rotate('signing')
    place.pass_s(PUBLISH_S + 240)
    equal(place.key(new)['state'], 'next', 'before it was shown')
    place.serve()
    place.publishes(old, new)
    began = place.clock.seconds
    shown = place.key(new)
    equal((shown['published_at'], shown['activates_at']), (began, began + PUBLISH_S), 'the new')
    shown = place.key(old)
    equal((shown['state'], shown['retires_at'], shown['gone_at']),
          ('active', began + PUBLISH_S, began + PUBLISH_S + 2 * DAY_S), 'the old')
    equal(place.signer(), old, 'who signs at first')
    place.server.stop()
    place.serve()
    equal(place.key(new)['published_at'], began, 'when it was published, after a restart')
    place.pass_s(PUBLISH_S - 1)
    equal(place.signer(), old, 'who signs a second before')
    place.pass_s(1)
    equal(place.signer(), new, 'who signs then')


@in_place('a rotation while no server ran for as long as the old key was kept')
def long_stopped(place):
    place.rotate('signing')
    new, = (key['kid'] for key in place.keys('signing', 'ES256') if key['state'] == 'next')
    place.pass_s(10 * DAY_S)
    place.serve()
    place.publishes(new)
    equal(place.signer(), new, 'who signs')


# --- sealing keys ----------------------------------------------------------------------------

@in_place('a sealing key opens what it sealed to the last second, and goes only after')
def sealing(place):
    place.serve()
    old, = (key['kid'] for key in place.keys('sealing'))
    began = place.clock.seconds
    tokens = [place.sign_in()['refresh_token'] for _ in range(3)]
    new = place.rotate('sealing')
    shown = place.key(old)
    equal((shown['state'], shown['held_by'], shown['retires_at'], shown['gone_at']),
          ('retired', 'refresh tokens', began, began + 31 * DAY_S), 'the old')
    equal(place.key(new)['state'], 'active', 'the new')
    # Idle for 15 days at most: the last second of that, and the one after it.
    place.clock.set(began + 15 * DAY_S - 1)
    last = served(place.server.refresh(tokens[0])).json['refresh_token']
    place.clock.set(began + 15 * DAY_S)
    refused(place.server.refresh(tokens[1]), 'invalid_grant')
    # Its family ends 30 days after the sign-in, under the new key.
    place.clock.set(began + 30 * DAY_S - 2)
    served(place.server.refresh(last))
    place.clock.set(began + 30 * DAY_S)
    equal(place.key(old)['state'], 'retired', 'when nothing that it sealed is good')
    reply = refused(place.server.refresh(tokens[2]), 'invalid_grant')
    check(reason(place, reply) != 'not_sealed_here', 'it does not open any more')
    place.clock.set(began + 31 * DAY_S)
    equal(place.key(old)['state'], 'gone', 'after that')
    reply = refused(place.server.refresh(tokens[2]), 'invalid_grant')
    equal(reason(place, reply), 'not_sealed_here', 'the reason')


def reason(place, reply):
    name = reply.json['correlation_id']
    return place.server.line(place.server.log, lambda line: name in line and
                             '"event":"token_refused"' in line and json.loads(line))['reason']


# --- peppers ---------------------------------------------------------------------------------

@in_place('a pepper stays as long as a password needs it')
def peppers(place):
    other = place.data.user()
    place.serve()
    old, = (key['kid'] for key in place.keys('pepper'))
    new = place.rotate('pepper')
    equal((place.key(old)['state'], place.key(old)['held_by']),
          ('retired', '2 passwords and secrets'), 'the old')
    done = place.data.attempt('key', 'revoke', old, '--now')
    equal(done.returncode, 5, f'the exit status: {done.complained}')
    check('2 passwords' in done.complained, done.complained)
    # A login moves its password, once the server has seen the new pepper.
    until(lambda: place.sign_in() and place.key(old)['held_by'] == '1 passwords and secrets',
          'a login moves one')
    place.pass_s(2 * DAY_S)
    place.rotate('pepper')
    equal(place.key(old)['held_by'], '1 passwords and secrets', 'it is still there')
    until(lambda: place.server.sign_in(other) and not place.key(old)['held_by'],
          'a login moves the other')
    until(lambda: place.sign_in() and place.server.sign_in(other) and
          not place.key(new)['held_by'], 'and both again')
    place.pass_s(2 * DAY_S)
    place.rotate('pepper')
    left = [key['kid'] for key in place.keys('pepper')]
    check(old not in left and new not in left, left)
    place.sign_in()
    place.server.sign_in(other)


# --- what others may have --------------------------------------------------------------------

@in_place('a signing key that is revoked: gone at once, another signs, its tokens are refused')
def revoked(place):
    place.serve()
    old, = (key['kid'] for key in place.keys('signing', 'ES256'))
    first = place.sign_in()
    equal(place.data.attempt('key', 'revoke', old).returncode, 2, 'without --now')
    equal(place.signer(), old, 'who signs after that')
    equal(place.data.json('key', 'revoke', old, '--now')['state'], 'gone', 'its state')
    new, = (key['kid'] for key in place.keys('signing', 'ES256') if key['state'] == 'active')
    place.publishes(new)
    equal(place.signer(), new, 'who signs now')
    check(not good(place, first['access_token']), 'a token that it signed is taken')
    served(place.server.refresh(first['refresh_token']))
    equal(place.data.attempt('key', 'revoke', old, '--now').returncode, 2, 'once more')
    equal(place.data.attempt('key', 'revoke', 'unheard', '--now').returncode, 2, 'one that is not')


@in_place('the next key takes over from one that is revoked; a next one that is leaves the old')
def revoked_with_next(place):
    place.serve()
    old, = (key['kid'] for key in place.keys('signing', 'ES256'))
    second = place.rotate('signing')
    place.data.verb('key', 'revoke', second, '--now')
    place.publishes(old)
    place.pass_s(PUBLISH_S + 1)
    equal((place.signer(), place.key(old)['state']), (old, 'active'), 'who goes on')
    check('retires_at' not in place.key(old) and 'gone_at' not in place.key(old), 'it retires')
    third = place.rotate('signing')
    place.data.verb('key', 'revoke', old, '--now')
    place.publishes(third)
    equal((place.signer(), len(place.keys('signing', 'ES256'))), (third, 3), 'who takes over')


@in_place('a sealing key that is revoked ends every session that it sealed')
def sealing_revoked(place):
    place.serve()
    token = place.sign_in()['refresh_token']
    old, = (key['kid'] for key in place.keys('sealing'))
    place.data.verb('key', 'revoke', old, '--now')
    until(lambda: place.server.refresh(token).status == 400, 'it is refused')
    again = place.sign_in()['refresh_token']
    served(place.server.refresh(again))


# --- a dry run -------------------------------------------------------------------------------

@in_place('the audit says which key was made, and which was revoked')
def audited(place):
    kid = place.rotate('sealing')
    place.data.verb('key', 'revoke', kid, '--now')
    entries = [json.loads(line) for path in sorted(glob.glob(place.data.path + '/audit/*.jsonl'))
               for line in open(path, encoding='utf-8')]
    done = [(entry['verb'], entry.get('made'), entry['arguments']) for entry in entries
            if entry['event'] == 'change_done' and entry['verb'].startswith('key ')]
    equal(done, [('key rotate', kid, []), ('key revoke', None, [kid])], 'what was changed')


@in_place('a dry run writes nothing')
def dry(place):
    def content():
        with contextlib.closing(sqlite3.connect(place.data.path + '/adit.db')) as database:
            return list(database.iterdump())
    before, listed = content(), place.data.verb('key', 'list')
    for purpose in ('signing', 'sealing', 'pepper'):
        said = place.data.verb('key', 'rotate', '--purpose', purpose, '--dry-run')
        check('(new)' in said, said)
    said = place.data.json('key', 'rotate', '--alg', 'EdDSA', '--dry-run')
    equal([key['kid'] for key in said], ['(new)'], 'of an algorithm that has none')
    equal(content(), before, 'the database')
    equal(place.data.verb('key', 'list'), listed, 'the keys')
    for wrong in (['--purpose', 'none'], ['--alg', 'none'], ['--purpose', 'pepper', '--alg', 'ES256']):
        equal(place.data.attempt('key', 'rotate', '--dry-run', *wrong).returncode, 2, str(wrong))


suite.main(workers=8)
