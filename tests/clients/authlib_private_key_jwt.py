#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Authlib's PrivateKeyJWT with client_credentials, as its documentation has it."""
import os

# Authlib refuses http otherwise, on loopback too.
os.environ['AUTHLIB_INSECURE_TRANSPORT'] = '1'

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from session import Session, equal, step

given = Session()
TOKEN = given.authority + '/connect/token'


def session(client, jwk):
    made = OAuth2Session(client['client_id'], JsonWebKey.import_key(jwk),
                         token_endpoint_auth_method='private_key_jwt')
    # Its own default is RS256, whatever the key.
    made.register_client_auth_method(PrivateKeyJWT(TOKEN, alg=jwk['alg']))
    return made


def client_credentials(client):
    made = session(client, client['jwk'])
    token = made.fetch_token(TOKEN, grant_type='client_credentials')
    equal((token['token_type'], token['scope']), ('Bearer', 'cosmos'), 'token_type and scope')
    statuses = [made.get(given.plans(site)).status_code
                for site in (given.site, given.other_site)]
    equal(sorted(statuses), [200, 404], 'statuses')


def anothers_key(client):
    other = next(one for one in given.keyed if one['client_id'] != client['client_id'])
    try:
        session(client, other['jwk']).fetch_token(TOKEN, grant_type='client_credentials')
    except OAuthError as error:
        equal(error.error, 'invalid_client', 'error')
    else:
        raise AssertionError('a token by a key of another client')


for one in given.keyed:
    step(f'{one["jwk"]["alg"]}: client credentials', client_credentials, one)
    step(f'{one["jwk"]["alg"]}: another\'s key', anothers_key, one)
