#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""C# IdentityModel's DiscoveryClient and TokenClient on .NET Framework, byte for byte over a raw
socket: discovery, then the keys, on one kept connection; a form with client_id and without
Authorization; `Expect: 100-continue`, the body sent only after the 100."""
import base64
import json
import socket
from urllib.parse import quote_plus, urlsplit

from session import Session, equal, step

given = Session()
GET = ('GET {path} HTTP/1.1\r\n'
       'Host: {host}\r\n'
       '{more}'
       '\r\n')
POST = ('POST {path} HTTP/1.1\r\n'
        'Accept: application/json\r\n'
        'Content-Type: application/x-www-form-urlencoded\r\n'
        'Host: {host}\r\n'
        'Content-Length: {length}\r\n'
        'Expect: 100-continue\r\n'
        '{more}'
        '\r\n')


class Connection:
    """One connection to a host, which .NET keeps for the requests that follow."""

    def __init__(self, url, refusals='application/json'):
        parts = urlsplit(url)
        self.refusals = refusals
        self.host = parts.netloc
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self.stream = self.socket.makefile('rb')
        # .NET asks for it in a connection's first request only.
        self.more = 'Connection: Keep-Alive\r\n'

    def send_head(self, template, url, length=0):
        parts = urlsplit(url)
        equal(parts.netloc, self.host, 'the host')
        head = template.format(path=parts.path, host=self.host, length=length, more=self.more)
        self.more = ''
        self.socket.sendall(head.encode('ascii'))

    def read_head(self):
        version, status, reason = self.stream.readline().decode('ascii').split(' ', 2)
        equal(version, 'HTTP/1.1', 'the version')
        equal(reason.endswith('\r\n') and len(reason) > 2, True, 'having a reason phrase')
        fields = {}
        while (line := self.stream.readline()) not in (b'\r\n', b''):
            name, _, value = line.decode('ascii').partition(':')
            fields[name.lower()] = value.strip()
        return int(status), fields

    def read_answer(self):
        status, fields = self.read_head()
        body = self.stream.read(int(fields['content-length']))
        equal(fields['content-type'].split(';')[0],
              'application/json' if status < 400 else self.refusals, 'the content type')
        return status, json.loads(body)

    def get(self, url, bearer=None):
        if bearer:
            self.more = f'Authorization: Bearer {bearer}\r\n' + self.more
        self.send_head(GET, url)
        return self.read_answer()

    def post(self, url, pairs):
        # FormUrlEncodedContent: Uri.EscapeDataString, and a space is a plus.
        body = '&'.join(f'{name}={quote_plus(value)}' for name, value in pairs).encode('ascii')
        self.send_head(POST, url, len(body))
        status, fields = self.read_head()
        equal((status, fields), (100, {}), 'the interim answer')
        self.socket.sendall(body)
        return self.read_answer()


def check_policy(document):
    """IdentityModel's DiscoveryPolicy as it is by default, for an authority on loopback."""
    authority = given.authority.rstrip('/')
    equal(document['issuer'].rstrip('/'), authority, 'issuer, compared ordinally')
    endpoints = {name: value for name, value in document.items()
                 if name.endswith('endpoint') or name in ('jwks_uri', 'check_session_iframe')}
    for name, url in endpoints.items():
        parts = urlsplit(url)
        equal(parts.scheme == 'https' or parts.hostname in ('localhost', '127.0.0.1'), True,
              f'{name} being https or loopback')
        equal(url.startswith(authority), True, f'{name} being under the authority')
    return document


def discovery():
    status, document = connection.get(f'{given.authority}/.well-known/openid-configuration')
    equal(status, 200, 'status')
    return check_policy(document)


def keys():
    status, document = connection.get(metadata['jwks_uri'])
    equal(status, 200, 'status')
    equal(len(document['keys']) > 0, True, 'there being a key')
    for key in document['keys']:
        for name in ('x', 'y', 'n', 'e'):
            text = key.get(name, '')
            base64.b64decode(text + '=' * (-len(text) % 4), altchars='-_', validate=True)
        equal('kid' in key and key['kty'] in ('EC', 'RSA'), True, 'kid and kty being known')
        equal(set(key) & {'d', 'p', 'q', 'dp', 'dq', 'qi', 'k'}, set(), 'the private members')


def check_token(answer):
    status, token = answer
    equal((status, token.get('token_type')), (200, 'Bearer'), f'the answer {list(token)}')
    equal({'access_token', 'refresh_token', 'expires_in'} - set(token), set(), 'what is missing')
    return token


def password_grant():
    # TokenClient.RequestResourceOwnerPasswordAsync(username, password, scope: null)
    return check_token(connection.post(metadata['token_endpoint'], [
        ('grant_type', 'password'), ('username', given.username), ('password', given.password),
        ('client_id', given.client_id)]))


def refresh():
    # TokenClient.RequestRefreshTokenAsync(refreshToken)
    fresh = check_token(connection.post(metadata['token_endpoint'], [
        ('grant_type', 'refresh_token'), ('refresh_token', token['refresh_token']),
        ('client_id', given.client_id)]))
    equal(fresh['refresh_token'] != token['refresh_token'], True, 'the refresh token being new')
    return fresh


def wrong_password():
    status, answer = connection.post(metadata['token_endpoint'], [
        ('grant_type', 'password'), ('username', given.username),
        ('password', given.password + 'x'), ('client_id', given.client_id)])
    # It reads OAuth errors from 200 and 400 only.
    equal(status, 400, 'status')
    equal(answer['error'], 'invalid_grant', 'error')
    equal(answer['error_description'], 'invalid_username_or_password', 'error_description')


def read(bearer, site, wanted):
    status, _ = api.get(given.plans(site), bearer['access_token'])
    equal(status, wanted, 'status')


connection = Connection(given.authority)
metadata = step('discovery', discovery)
step('keys', keys)
token = step('password grant', password_grant)
api = Connection(given.api, refusals='application/problem+json')
step('own site', read, token, given.site, 200)
step('other site', read, token, given.other_site, 404)
fresh = step('refresh', refresh)
step('own site after refresh', read, fresh, given.site, 200)
step('wrong password', wrong_password)
