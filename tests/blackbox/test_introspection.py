#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Token introspection (RFC 7662): who may ask, about what, and what it learns."""
import functools

from harness import (PUBLIC, Clock, Data, Dev, Suite, basic, check, claims_of, equal,
                     refused, until)

suite = Suite()


class Place:
    """An authority with a Service User and an API that may ask."""

    def __init__(self, folder):
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user('north', 'write')
        self.api = self.data.json('client', 'add', 'plans', '--type', 'confidential',
                                  '--resource', 'external-api')
        self.server = self.data.serve()

    def ask(self, token, secret=None, **more):
        return self.server.post({'token': token, **more},
                                [basic('plans', secret or self.api['client_secret'])],
                                target=self.server.path + '/connect/introspect')

    def inactive(self, token, **more):
        reply = self.ask(token, **more)
        equal((reply.status, reply.body), (200, b'{"active":false}'), f'the answer about {token}')


case = functools.partial(suite.placed, Place)


@case('a good token: its claims')
def good(at):
    equal(at.api['grant_types'], [], 'the grants of an API')
    equal(at.api['resource'], 'external-api', 'resource')
    document = at.server.get(at.server.path + '/.well-known/openid-configuration').json
    equal(document['introspection_endpoint'], at.server.issuer + '/connect/introspect', 'it')
    check('none' not in document['introspection_endpoint_auth_methods_supported'], 'none')
    token = at.server.sign_in(at.user)['access_token']
    claims = claims_of(token)
    for hint in ('access_token', 'refresh_token', 'x'):
        reply = at.ask(token, token_type_hint=hint)
        equal((reply.status, reply.field('Cache-Control')), (200, 'no-store'), 'the answer')
        said = reply.json
        equal((said['active'], said['token_type']), (True, 'Bearer'), 'active and token_type')
        for name in ('iss', 'sub', 'aud', 'client_id', 'scope', 'jti', 'iat', 'exp', 'adit'):
            equal(said[name], claims[name], name)


# Requirement 35.
@case('what is not good, or not for this API, is inactive and no more')
def not_good(at):
    session = at.server.sign_in(at.user)
    token = session['access_token']
    head, body, signature = token.split('.')
    other = Dev()
    for text in (session['refresh_token'], 'x', 'a.b.c', token[:-1], f'{head}.{body}.',
                 f'{head}.{body}.{signature[::-1]}', 'x' * 16000,
                 other.sign_in(other.users[0])['access_token'],
                 at.server.sign_in(at.user, scope='openid')['access_token']):
        at.inactive(text)
    other.stop()
    at.clock.advance(3599)
    check(at.ask(token).json['active'], 'a second before the end')
    at.clock.advance(1)
    at.inactive(token)


@case('a disabled user, site or client makes it inactive')
def disabled(at):
    token = at.server.sign_in(at.user)['access_token']
    for noun, thing in (('service-user', at.user['username']), ('site', 'north'),
                        ('client', PUBLIC)):
        at.data.verb(noun, 'disable', thing)
        until(lambda: not at.ask(token).json['active'], f'{noun} disabled', 10)
        at.inactive(token)
        at.data.verb(noun, 'enable', thing)
        until(lambda: at.ask(token).json['active'], f'{noun} enabled', 10)


# Requirement 34.
@case('only an API that shows who it is may ask')
def who(at):
    token = at.server.sign_in(at.user)['access_token']
    target = at.server.path + '/connect/introspect'
    refused(at.ask(token, secret='adcs_wrong'), 'invalid_client', 401)
    refused(at.server.post({'token': token, 'client_id': 'plans'}, target=target),
            'invalid_client')
    refused(at.server.post({'token': token, 'client_id': PUBLIC}, target=target),
            'unauthorized_client')
    refused(at.server.post({'token': token}, target=target), 'invalid_client')
    refused(at.server.get(target), 'invalid_request')
    refused(at.ask(''), 'invalid_request')
    secret = at.api['client_secret']
    for grant in ({'grant_type': 'client_credentials'},
                  {'grant_type': 'password', 'username': at.user['username'],
                   'password': at.user['password']}):
        refused(at.server.post(grant, [basic('plans', secret)]), 'unauthorized_client')


@case('which clients can be registered so')
def registered(at):
    for arguments, said in ((['--type', 'public', '--resource', 'external-api'], 'confidential'),
                            (['--type', 'web', '--resource', 'external-api'], 'confidential'),
                            (['--type', 'confidential', '--resource', 'nothing'], 'nothing'),
                            (['--type', 'confidential', '--resource', 'x' * 200], 'x' * 128)):
        done = at.data.attempt('client', 'add', 'new', *arguments)
        equal(done.returncode, 2, done.complained)
        check(said in done.complained and done.complained.count('\n') == 1, done.complained)
    check(at.data.attempt('client', 'show', 'new').returncode == 2, 'it was added')


suite.main(workers=8)
