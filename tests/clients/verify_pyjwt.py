#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PyJWT verifies an access token by the published JWKS, and refuses a changed one."""
import jwt
import requests

from session import Session, equal, step

given = Session()


def discovery():
    answer = requests.get(f'{given.authority}/.well-known/openid-configuration', timeout=60)
    answer.raise_for_status()
    equal(answer.json()['issuer'], given.authority, 'issuer')
    return answer.json()


def password_grant():
    answer = requests.post(metadata['token_endpoint'], timeout=60, data={
        'grant_type': 'password', 'client_id': given.client_id,
        'username': given.username, 'password': given.password})
    answer.raise_for_status()
    return answer.json()['access_token']


def decode(text, audience='external-api'):
    # The kid of the header looks the key up; the algorithm is ours, not the header's.
    key = jwt.PyJWKClient(metadata['jwks_uri']).get_signing_key_from_jwt(text)
    return jwt.decode(text, key.key, algorithms=['ES256'], audience=audience,
                      issuer=given.authority,
                      options={'require': ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']})


def verify():
    equal(jwt.get_unverified_header(token)['typ'], 'at+jwt', 'typ')
    claims = decode(token)
    equal(claims['client_id'], given.client_id, 'client_id')
    equal(claims['adit']['kind'], 'service', 'kind')
    equal(claims['adit']['site'], given.site, 'site')
    equal(claims['sub'][:3], 'su_', 'the beginning of sub')
    equal(claims['exp'] - claims['iat'], 3600, 'the lifetime')


def refused(error, text, audience):
    try:
        decode(text, audience)
    except error:
        return
    raise AssertionError('it was accepted')


def changed():
    head, body, signature = token.split('.')
    first = 'A' if signature[0] != 'A' else 'B'
    return '.'.join((head, body, first + signature[1:]))


metadata = step('discovery', discovery)
token = step('password grant', password_grant)
step('token verifies', verify)
step('changed token refused', refused, jwt.InvalidSignatureError, changed(), 'external-api')
step('other audience refused', refused, jwt.InvalidAudienceError, token, 'another-api')
