#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client_credentials grant (RFC 6749, 4.4): a client acts as its Service User."""
import functools

from harness import (PUBLIC, Clock, Data, Suite, basic, check, claims_of, equal, refused,
                     served, until)

suite = Suite()


class Place:
    """An authority with a Service User and a client that acts as it."""

    def __init__(self, folder):
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user('north', 'write')
        self.client = self.data.json(
            'client', 'add', 'robot', '--type', 'confidential', '--grant', 'client_credentials',
            '--service-user', self.user['username'], '--access-ttl', '120')
        self.server = self.data.serve()

    def ask(self, secret=None, **more):
        secret = self.client['client_secret'] if secret is None else secret
        return self.server.post({'grant_type': 'client_credentials', **more},
                                [basic('robot', secret)])


case = functools.partial(suite.placed, Place)


@case('the token is the Service User\'s, without a refresh token')
def token(at):
    reply = served(at.ask())
    check('refresh_token' not in reply.json, 'there is a refresh token')
    equal(reply.json['scope'], 'cosmos', 'scope')
    equal(reply.json['expires_in'], 120, 'expires_in')
    claims = claims_of(reply.json['access_token'])
    equal((claims['sub'], claims['client_id'], claims['aud']),
          (at.user['sub'], 'robot', 'external-api'), 'sub, client_id and aud')
    equal(claims['adit'], {'kind': 'service', 'site': 'north', 'role': 'write'}, 'adit')


@case('the secret in the body works too, and two secrets do not')
def in_the_body(at):
    form = {'grant_type': 'client_credentials', 'client_id': 'robot'}
    secret = at.client['client_secret']
    served(at.server.post({**form, 'client_secret': secret}))
    refused(at.server.post({**form, 'client_secret': secret}, [basic('robot', secret)]),
            'invalid_request')
    refused(at.server.post(form), 'invalid_client')
    refused(at.server.post({**form, 'client_secret': secret[:-1]}), 'invalid_client')
    refused(at.ask(secret='adcs_wrong'), 'invalid_client', 401)


@case('scopes: those of the client, and never offline_access')
def scopes(at):
    for scope in ('cosmos', ''):
        equal(served(at.ask(scope=scope)).json['scope'], 'cosmos', 'scope')
    for scope in ('offline_access', 'cosmos offline_access', 'openid', 'admin'):
        refused(at.ask(scope=scope), 'invalid_scope')


@case('a disabled Service User, site or client')
def disabled(at):
    name = at.user['username']
    for noun, thing, error, status in (('service-user', name, 'invalid_grant', 400),
                                       ('site', 'north', 'invalid_grant', 400),
                                       ('client', 'robot', 'invalid_client', 401)):
        at.data.verb(noun, 'disable', thing)
        until(lambda: at.ask().status == status, f'{noun} disabled', 10)
        refused(at.ask(), error, status)
        at.data.verb(noun, 'enable', thing)
        until(lambda: at.ask().status == 200, f'{noun} enabled', 10)


@case('other grants are not its own, and this one is nobody else\'s')
def others(at):
    form = {'grant_type': 'password', 'username': at.user['username'],
            'password': at.user['password']}
    refused(at.server.post(form, [basic('robot', at.client['client_secret'])]),
            'unauthorized_client')
    refused(at.server.post({'grant_type': 'client_credentials', 'client_id': PUBLIC}),
            'unauthorized_client')


suite.main(workers=8)
