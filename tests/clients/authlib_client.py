#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Authlib's OAuth2Session, as its documentation has it for the password grant. The first argument
is the style of client authentication: none, client_secret_basic (with no secret it sends the
literal `external.customer:None`) or client_secret_post (an empty client_secret)."""
import base64
import os
import sys
from urllib.parse import parse_qsl

# Authlib refuses http otherwise, on loopback too.
os.environ['AUTHLIB_INSECURE_TRANSPORT'] = '1'

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url

from session import Session, equal, step

given = Session()
style = sys.argv[1]
client = OAuth2Session(given.client_id, token_endpoint_auth_method=style)


def discovery():
    answer = client.get(get_well_known_url(given.authority, external=True), withhold_token=True)
    answer.raise_for_status()
    metadata = OpenIDProviderMetadata(answer.json())
    # Until people sign in there is no authorization_endpoint, which validate() would want.
    for key in set(metadata.REGISTRY_KEYS) - {'authorization_endpoint'}:
        getattr(metadata, f'validate_{key}')()
    equal(metadata.issuer, given.authority, 'issuer')
    return metadata


def password_grant():
    token = client.fetch_token(metadata.token_endpoint, username=given.username,
                               password=given.password)
    equal(token['token_type'], 'Bearer', 'token_type')
    equal(sorted(token['scope'].split()), ['cosmos', 'offline_access'], 'scope')
    equal(token['expires_in'], 3600, 'expires_in')
    return token


def check_shape(answer):
    """The request was of the style that is asked for: Authlib's, as deployed clients have it."""
    fields = dict(parse_qsl(answer.request.body, keep_blank_values=True))
    basic = 'Basic ' + base64.b64encode(b'external.customer:None').decode()
    header = answer.request.headers.get('Authorization')
    equal(header, basic if style == 'client_secret_basic' else None, 'Authorization')
    equal(fields.get('client_secret'), '' if style == 'client_secret_post' else None,
          'client_secret')
    equal(fields.get('client_id'), None if header else given.client_id, 'client_id')
    return answer


def read(site, status):
    answer = client.get(given.plans(site))
    equal(answer.status_code, status, 'status')
    if status == 200 and not answer.json():
        raise AssertionError('no plans')


def refresh(before):
    token = client.refresh_token(metadata.token_endpoint, refresh_token=before['refresh_token'])
    if before['refresh_token'] == token['refresh_token']:
        raise AssertionError('the refresh token was not rotated')
    if before['access_token'] == token['access_token']:
        raise AssertionError('the access token is the old one')


def revocation():
    before = client.fetch_token(metadata.token_endpoint, username=given.username,
                                password=given.password)
    answer = client.revoke_token(metadata['revocation_endpoint'], token=before['refresh_token'],
                                 token_type_hint='refresh_token')
    equal(answer.status_code, 200, 'status')
    try:
        client.refresh_token(metadata.token_endpoint, refresh_token=before['refresh_token'])
    except OAuthError as error:
        equal(error.error, 'invalid_grant', 'error')
    else:
        raise AssertionError('a revoked token was taken')


def client_credentials():
    robot = OAuth2Session(**given.confidential)
    token = robot.fetch_token(metadata.token_endpoint, grant_type='client_credentials')
    equal('refresh_token' in token, False, 'a refresh token')
    statuses = [robot.get(given.plans(site)).status_code
                for site in (given.site, given.other_site)]
    equal(sorted(statuses), [200, 404], 'the statuses at the two sites')


def wrong_password():
    try:
        client.fetch_token(metadata.token_endpoint, username=given.username,
                           password=given.password + 'x')
    except OAuthError as error:
        equal(error.error, 'invalid_grant', 'error')
        equal(error.description, 'invalid_username_or_password', 'error_description')
    else:
        raise AssertionError('a wrong password was taken')


client.register_compliance_hook('access_token_response', check_shape)
metadata = step('discovery', discovery)
token = step('password grant', password_grant)
step('own site', read, given.site, 200)
step('other site', read, given.other_site, 404)
# The session keeps a token as it changes; what refresh() compares with is the first one.
step('refresh', refresh, dict(token))
step('own site after refresh', read, given.site, 200)
step('wrong password', wrong_password)
step('revocation', revocation)
step('client credentials', client_credentials)
