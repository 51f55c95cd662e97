#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""requests-oauthlib's OAuth2Session with oauthlib's LegacyApplicationClient, as its documentation
has it for the password grant: Basic with an empty secret, and a refresh that names no client."""
import base64
import os
from urllib.parse import parse_qsl

# oauthlib refuses http otherwise, on loopback too.
os.environ['OAUTHLIB_INSECURE_TRANSPORT'] = '1'

from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from session import Session, equal, step

given = Session()
client = OAuth2Session(client=LegacyApplicationClient(given.client_id))


def discovery():
    answer = client.get(given.authority + '/.well-known/openid-configuration', withhold_token=True)
    answer.raise_for_status()
    equal(answer.json()['issuer'], given.authority, 'issuer')
    return answer.json()


def asks_by_basic(answer):
    """The request was the one that deployed clients send: an empty secret, and only by Basic."""
    basic = 'Basic ' + base64.b64encode(given.client_id.encode() + b':').decode()
    equal(answer.request.headers.get('Authorization'), basic, 'Authorization')
    equal(sorted(dict(parse_qsl(answer.request.body))), ['grant_type', 'password', 'username'],
          'the parameters')
    return answer


def names_no_client(answer):
    equal(answer.request.headers.get('Authorization'), None, 'Authorization')
    equal(sorted(dict(parse_qsl(answer.request.body))), ['grant_type', 'refresh_token'],
          'the parameters')
    return answer


def password_grant(password=given.password):
    token = client.fetch_token(metadata['token_endpoint'], username=given.username,
                               password=password)
    equal(token['token_type'], 'Bearer', 'token_type')
    # oauthlib makes a list of it.
    equal(sorted(token['scope']), ['cosmos', 'offline_access'], 'scope')
    equal(token['expires_in'], 3600, 'expires_in')
    return token


def read(site, status):
    answer = client.get(given.plans(site))
    equal(answer.status_code, status, 'status')
    if status == 200 and not answer.json():
        raise AssertionError('no plans')


def refresh(before):
    token = client.refresh_token(metadata['token_endpoint'])
    for part in ('refresh_token', 'access_token'):
        if before[part] == token[part]:
            raise AssertionError(f'the {part} is the old one')


def refused(error, body, *arguments, **named):
    try:
        body(*arguments, **named)
    except OAuth2Error as raised:
        equal(raised.error, error, 'error')
        return raised.description
    raise AssertionError('it was served')


def wrong_password():
    equal(refused('invalid_grant', password_grant, given.password + 'x'),
          'invalid_username_or_password', 'error_description')


def revocation():
    token = password_grant()['refresh_token']
    url, headers, body = client._client.prepare_token_revocation_request(
        metadata['revocation_endpoint'], token, token_type_hint='refresh_token')
    answer = client.post(url, data=body, headers=headers, auth=(given.client_id, ''),
                         withhold_token=True)
    equal(answer.status_code, 200, 'status')
    refused('invalid_grant', client.refresh_token, metadata['token_endpoint'],
            refresh_token=token)


def client_credentials():
    robot = OAuth2Session(client=BackendApplicationClient(given.confidential['client_id']))
    token = robot.fetch_token(metadata['token_endpoint'],
                              client_secret=given.confidential['client_secret'])
    equal('refresh_token' in token, False, 'a refresh token')
    statuses = [robot.get(given.plans(site)).status_code
                for site in (given.site, given.other_site)]
    equal(sorted(statuses), [200, 404], 'the statuses at the two sites')


client.register_compliance_hook('access_token_response', asks_by_basic)
client.register_compliance_hook('refresh_token_response', names_no_client)
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
