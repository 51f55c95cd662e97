#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Access tokens: their claims, exactly; their signatures, by another implementation."""
import base64
import json

import jwt

from harness import (PUBLIC, Clock, Data, Dev, Folder, Suite, check, claims_of, equal, served,
                     side_by_side, until)

suite = Suite()
folder = Folder()
clock = Clock(folder.__enter__())
NOW = clock.seconds
dev = Dev('--clock', clock.path)
LEEWAY_S = 10 * 365 * 86400  # PyJWT reads the machine's clock, the tokens the test's


def keys_of(server):
    return jwt.PyJWKSet.from_dict(server.get(server.path + '/.well-known/openid-configuration/jwks')
                                  .json)


def verify(server, token, audience='external-api'):
    """The claims, verified with the published key that the header names."""
    header = jwt.get_unverified_header(token)
    equal({**header, 'kid': ''}, {'alg': 'ES256', 'typ': 'at+jwt', 'kid': ''}, 'the header')
    key = next(key for key in keys_of(server).keys if key.key_id == header['kid'])
    return jwt.decode(token, key.key, algorithms=['ES256'], audience=audience,
                      issuer=server.issuer, leeway=LEEWAY_S)


for number, user in enumerate(dev.users):
    @suite.case(f'the claims of {user["username"]}', user)
    def exactly(user):
        answer = dev.sign_in(user)
        equal(answer['expires_in'], 3600, 'expires_in')
        claims = verify(dev, answer['access_token'])
        check(len(claims.pop('jti')) >= 16, 'jti')
        check(claims.pop('sub').startswith('su_'), 'sub')
        equal(claims, {
            'iss': dev.issuer, 'aud': 'external-api', 'client_id': PUBLIC, 'iat': NOW, 'nbf': NOW,
            'exp': NOW + 3600, 'auth_time': NOW, 'idp': 'local', 'amr': ['pwd'],
            'scope': 'cosmos offline_access',
            'adit': {'kind': 'service', 'site': user['site'], 'role': user['role']}}, 'the claims')


@suite.case('each user has one sub, whatever the client')
def subs():
    found = {}
    for user in dev.users * 2:
        for client in ({}, {'client_id': dev.confidential['client_id'],
                            'client_secret': dev.confidential['client_secret']}):
            claims = verify(dev, dev.sign_in(user, **client)['access_token'])
            found.setdefault(user['username'], set()).add(claims['sub'])
            equal(claims['client_id'], client.get('client_id', PUBLIC), 'client_id')
    check(all(len(subs) == 1 for subs in found.values()), repr(found))
    equal(len(set.union(*found.values())), len(dev.users), 'how many')


@suite.case('without an API scope the audience is the issuer')
def audience():
    for scope in ('openid', 'openid offline_access', 'offline_access'):
        claims = verify(dev, dev.sign_in(dev.users[0], scope=scope)['access_token'], dev.issuer)
        equal(claims['aud'], dev.issuer, 'aud')
        equal(claims['scope'], scope, 'scope')


@suite.case('a changed token does not verify')
def changed():
    token = dev.sign_in(dev.users[0])['access_token']
    for part in range(3):
        for place in (0, -1):
            parts = token.split('.')
            letters = list(parts[part])
            letters[place] = 'A' if letters[place] != 'A' else 'Q'
            parts[part] = ''.join(letters)
            try:
                verify(dev, '.'.join(parts))
            except Exception:  # by whatever it is found
                continue
            raise AssertionError('it was accepted')


@suite.case('a token is compact: three parts of plain base64url, a signature of 64 bytes')
def compact():
    token = dev.sign_in(dev.users[0])['access_token']
    parts = token.split('.')
    equal(len(parts), 3, 'parts')
    for part in parts:
        decoded = base64.urlsafe_b64decode(part + '=' * (-len(part) % 4))
        equal(base64.urlsafe_b64encode(decoded).rstrip(b'=').decode(), part, 'the part')
    equal(len(decoded), 64, 'bytes of the signature')
    check(len(token) < 2048, 'the length')
    names = []
    json.loads(base64.urlsafe_b64decode(parts[1] + '=='),
               object_pairs_hook=lambda pairs: names.extend(name for name, _ in pairs))
    equal(len(names), len(set(names)), 'claims')


@suite.case('no jti, signature or refresh token comes twice')
def unique():
    answers = [answer for part in side_by_side(8, lambda turn: [
        dev.sign_in(dev.users[turn % 4]) for _ in range(25)]) for answer in part]
    for what in ({claims_of(answer['access_token'])['jti'] for answer in answers},
                 {answer['access_token'].split('.')[2] for answer in answers},
                 {answer['refresh_token'] for answer in answers}):
        equal(len(what), 200, 'how many')


for seconds in ('1', '60', '86400'):
    @suite.case(f'dev --access-ttl {seconds}', seconds)
    def lifetime(seconds):
        server = Dev('--access-ttl', seconds)
        try:
            answer = server.sign_in(server.users[0])
            claims = claims_of(answer['access_token'])
            equal(answer['expires_in'], int(seconds), 'expires_in')
            equal(claims['exp'] - claims['iat'], int(seconds), 'the lifetime')
            equal(claims['nbf'], claims['iat'], 'nbf')
        finally:
            server.stop()


@suite.case('a refreshed token: the time of the login stays, the rest is of now')
def refreshed():
    with Folder() as own:
        moved = Clock(own)
        server = Dev('--clock', moved.path)
        try:
            answer = server.sign_in(server.users[1])
            first = verify(server, answer['access_token'])
            moved.advance(4000)
            second = verify(server, served(server.refresh(answer['refresh_token']))
                            .json['access_token'])
            check(second.pop('jti') != first.pop('jti'), 'jti')
            equal((second.pop('iat'), second.pop('nbf'), second.pop('exp')),
                  (NOW + 4000, NOW + 4000, NOW + 7600), 'the times')
            for name in ('iat', 'nbf', 'exp'):
                del first[name]
            equal(second, first, 'the other claims')
        finally:
            server.stop()


@suite.case('a new signing key is published first, signs later, and the old one verifies on')
def rotation():
    with Folder() as own:
        moved = Clock(own)
        data = Data(own, clock=moved)
        user = data.user()
        server = data.serve()

        def kid():
            return jwt.get_unverified_header(server.sign_in(user)['access_token'])['kid']
        try:
            old_token = server.sign_in(user)['access_token']
            old = kid()
            made = data.json('key', 'rotate')
            equal((made['purpose'], made['alg'], made['state']), ('signing', 'ES256', 'next'),
                  'key')
            until(lambda: {key.key_id for key in keys_of(server).keys} == {old, made['kid']},
                  'publishing', 10)
            equal(kid(), old, 'the signing key')
            document = server.get(server.path + '/.well-known/openid-configuration/jwks')
            age = int(document.field('Cache-Control').partition('max-age=')[2])
            moved.advance(age + 59)
            equal(kid(), old, 'the signing key before the wait is over')
            moved.set(made['activates_at'])
            check(made['activates_at'] >= NOW + age + 60, 'activates_at')
            until(lambda: kid() == made['kid'], 'taking over', 10)
            verify(server, old_token)
            verify(server, server.sign_in(user)['access_token'])
            states = {key['kid']: key['state'] for key in data.json('key', 'list')
                      if key['purpose'] == 'signing'}
            equal(states, {old: 'retired', made['kid']: 'active'}, 'the states')
            moved.advance(3600)
            verify(server, old_token)
        finally:
            server.stop()


@suite.case('a new sealing key and a new pepper end nothing')
def other_keys():
    with Folder() as own:
        moved = Clock(own)
        data = Data(own, clock=moved)
        user = data.user()
        server = data.serve()
        try:
            token = server.sign_in(user)['refresh_token']
            for purpose in ('sealing', 'pepper'):
                made = data.json('key', 'rotate', '--purpose', purpose)
                equal(made['purpose'], purpose, 'purpose')
                check(made['kid'] not in {key.key_id for key in keys_of(server).keys}, 'published')
            second = data.user()
            moved.advance(86400)
            token = served(server.refresh(token)).json['refresh_token']
            moved.advance(86400)
            token = served(server.refresh(token)).json['refresh_token']
            for each in (user, second):
                until(lambda: server.password(each).status == 200, 'signing in', 10)
        finally:
            server.stop()
        server = data.serve()
        try:
            served(server.refresh(token))
            server.sign_in(user)
        finally:
            server.stop()


suite.main(dev)
