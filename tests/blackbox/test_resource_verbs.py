#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Resources: the APIs that tokens are for, their scopes, and what signs their tokens."""
import functools

import jwt

from harness import (Clock, Data, Folder, Suite, basic, check, claims_of, equal, refused, served,
                     until)

suite = Suite()


class Place:
    """An authority with a second API whose tokens are signed by RSA, and a client for both."""

    def __init__(self, folder):
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user()
        self.server = self.data.serve()
        self.data.verb('resource', 'add', 'legacy-api', '--alg', 'RS256', '--scope',
                       'legacy.read', '--scope', 'legacy.write')
        self.client = self.data.json('client', 'add', 'both', '--type', 'confidential', '--scope',
                                     'cosmos', '--scope', 'legacy.read', '--scope', 'legacy.write')
        until(lambda: 'legacy.read' in self.document()['scopes_supported'], 'the new scope', 10)

    def document(self):
        return self.server.get(self.server.path + '/.well-known/openid-configuration').json

    def ask(self, scope):
        form = {'grant_type': 'password', 'username': self.user['username'],
                'password': self.user['password'], 'scope': scope}
        return self.server.post(form, [basic('both', self.client['client_secret'])])

    def verified(self, token, audience, alg):
        keys = jwt.PyJWKSet.from_dict(self.server.get(
            self.server.path + '/.well-known/openid-configuration/jwks').json)
        header = jwt.get_unverified_header(token)
        key = next(key for key in keys.keys if key.key_id == header['kid'])
        equal(header['alg'], alg, 'alg')
        jwt.decode(token, key.key, algorithms=[alg], audience=audience,
                   options={'verify_exp': False, 'verify_nbf': False, 'verify_iat': False})
        return token


case = functools.partial(suite.placed, Place)


@case('a token is for the resource of its scopes, signed as that resource has it')
def audiences(at):
    for scope, audience, alg in (('cosmos', 'external-api', 'ES256'),
                                 ('legacy.read', 'legacy-api', 'RS256'),
                                 ('legacy.write legacy.read', 'legacy-api', 'RS256')):
        token = at.verified(served(at.ask(scope)).json['access_token'], audience, alg)
        equal(claims_of(token)['aud'], audience, 'aud')
    equal(sorted(at.document()['scopes_supported']),
          ['cosmos', 'legacy.read', 'legacy.write', 'offline_access', 'openid'], 'the scopes')


@case('scopes of two resources: no token (requirement 44)')
def ambiguous(at):
    refused(at.ask('cosmos legacy.read'), 'invalid_scope')
    refused(at.ask(''), 'invalid_scope')


@case('a change of the algorithm counts at the running server, and old tokens still verify')
def change(at):
    before = served(at.ask('cosmos')).json['access_token']
    at.data.verb('resource', 'set', 'external-api', '--alg', 'RS256')

    def changed():
        token = served(at.ask('cosmos')).json['access_token']
        return jwt.get_unverified_header(token)['alg'] == 'RS256' and token
    token, _ = until(changed, 'RS256', 10)
    at.verified(token, 'external-api', 'RS256')
    at.verified(before, 'external-api', 'ES256')
    at.data.verb('resource', 'set', 'external-api', '--scope', 'cosmos.more')
    listed = {row['scope']: (row['resource'], row['alg'])
              for row in at.data.json('resource', 'list')}
    equal(listed['cosmos.more'], ('external-api', 'RS256'), 'the added scope')
    equal(listed['openid'], ('', ''), 'a scope of no resource')


@suite.case('what can not be registered')
def mistakes():
    with Folder() as folder:
        data = Data(folder)
        before = data.json('resource', 'list')
        for arguments, said in (
                (['add', 'x'], '--scope'), (['add', '', '--scope', 'a'], 'resource'),
                (['add', 'a b', '--scope', 'a'], 'a b'), (['add', 'x' * 129, '--scope', 'a'], 'x'),
                (['add', 'x', '--scope', 'cosmos'], 'external-api'),
                (['add', 'x', '--scope', 'openid'], 'openid'),
                (['add', 'x', '--scope', 'profile'], 'profile'),
                (['add', 'x', '--scope', 'site:north'], 'site:north'),
                (['add', 'x', '--scope', 'a b'], 'a b'), (['add', 'x', '--scope', 'a"'], 'a"'),
                (['add', 'x', '--scope', 'y' * 65], 'y'),
                (['add', 'x', '--scope', 'a', '--alg', 'EdDSA'], 'EdDSA'),
                (['add', 'x', '--scope', 'a', '--alg', 'none'], 'none'),
                (['add', 'external-api', '--scope', 'a'], 'external-api'),
                (['set', 'nothing', '--alg', 'RS256'], 'nothing'),
                (['set', 'external-api', '--scope', 'offline_access'], 'offline_access')):
            done = data.attempt('resource', *arguments)
            equal(done.returncode, 2, f'{arguments}: {done.complained}')
            check(said in done.complained and done.complained.count('\n') == 1, done.complained)
        equal(data.json('resource', 'list'), before, 'the list')
        for number in range(60):
            data.verb('resource', 'add', f'r{number}', '--scope', f's{number}')
        data.verb('resource', 'add', 'last', '--scope', 'last')
        done = data.attempt('resource', 'add', 'one-more', '--scope', 'one-more')
        check(done.returncode == 5 and '64' in done.complained, done.complained)
        server = data.serve()
        server.stop()


suite.main(workers=8)
