#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""APIs beside the first one. Put into the database; test_resource_verbs.py has the verbs."""
import contextlib
import json
import sqlite3

import jwt

from harness import Data, Folder, Suite, claims_of, equal, refused, served

suite = Suite()
CLIENT = 'two.apis'


@contextlib.contextmanager
def serving(*statements):
    """A server whose database had the statements first, and a Service User of it."""
    with Folder() as folder:
        data = Data(folder)
        with contextlib.closing(sqlite3.connect(data.path + '/adit.db')) as database, database:
            for statement in statements:
                database.execute(statement)
        user = data.user()
        server = data.serve()
        try:
            yield data, server, user
        finally:
            server.stop()


# Requirement 42.
@suite.case('an API that wants RS256 gets it, and the token verifies')
def rs256():
    with serving("UPDATE resource SET alg = 'RS256'") as (_, server, user):
        token = server.sign_in(user)['access_token']
        head = jwt.get_unverified_header(token)
        keys = server.get(server.path + '/.well-known/openid-configuration/jwks').json['keys']
        equal(head['alg'], 'RS256', 'alg')
        key, = (key for key in keys if key['kid'] == head['kid'])
        equal((key['kty'], key['alg'], key['use']), ('RSA', 'RS256', 'sig'), 'the key')
        jwt.decode(token, jwt.PyJWK.from_json(json.dumps(key)).key, algorithms=['RS256'],
                   audience='external-api', issuer=server.issuer)


# Requirement 44.
@suite.case('scopes of two APIs at once: no token')
def ambiguous():
    with serving("INSERT INTO resource (id, alg) VALUES ('other-api', 'ES256')",
                 "INSERT INTO scope (name, resource_id) VALUES ('other', 'other-api')"
                 ) as (data, server, user):
        data.verb('client', 'add', CLIENT, '--type', 'public', '--scope', 'cosmos',
                  '--scope', 'other', '--scope', 'offline_access')
        for scope in ('cosmos other', 'other cosmos', 'offline_access other cosmos', None):
            refused(server.password(user, client_id=CLIENT, scope=scope), 'invalid_scope')
        for scope, audience in (('cosmos', 'external-api'), ('other', 'other-api')):
            reply = served(server.password(user, client_id=CLIENT, scope=scope))
            equal(claims_of(reply.json['access_token'])['aud'], audience, f'aud of {scope}')


suite.main(workers=2)
