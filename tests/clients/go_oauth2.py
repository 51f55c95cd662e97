#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The requests of Go's golang.org/x/oauth2 by their shape: a Config without an AuthStyle tries
Basic first, here with an empty secret, and on any error once more with client_id in the form. So
one wrong password arrives twice, and a right one is served at the first."""
import base64
import http.client
import json
from urllib.parse import quote_plus, urlencode, urlsplit

from session import Session, equal, step

given = Session()


def send(method, url, headers, body=None):
    """Status, header fields without Date, body; as Go's transport asks, less its gzip."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, parts.path, body, {'User-Agent': 'Go-http-client/1.1',
                                                      **headers})
        answer = connection.getresponse()
        fields = sorted(field for field in answer.getheaders() if field[0].lower() != 'date')
        return answer.status, fields, json.loads(answer.read())
    finally:
        connection.close()


class Config:
    """What Go keeps of a client: the style of authentication is found at the first token."""

    def __init__(self, client_id, client_secret=''):
        self.client_id = client_id
        self.client_secret = client_secret
        self.posts = []

    def post(self, form, in_header):
        headers = {'Content-Type': 'application/x-www-form-urlencoded'}
        if in_header:
            pair = f'{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}'
            headers['Authorization'] = 'Basic ' + base64.b64encode(pair.encode()).decode()
        else:
            form = {**form, 'client_id': self.client_id}
            if self.client_secret:
                form['client_secret'] = self.client_secret
        # Go sorts a form by its keys.
        self.posts.append(send('POST', metadata['token_endpoint'], headers,
                               urlencode(sorted(form.items()))))
        return self.posts[-1]

    def token(self, **form):
        """A token, or None where both were refused."""
        self.posts = []
        for in_header in (True, False):
            status, _, body = self.post(form, in_header)
            if 200 <= status <= 299 and body.get('access_token'):
                return body
        return None

    def password_token(self, password):
        return self.token(grant_type='password', username=given.username, password=password)


config = Config(given.client_id)


def discovery():
    status, _, body = send('GET', given.authority + '/.well-known/openid-configuration', {})
    equal(status, 200, 'status')
    equal(body['issuer'], given.authority, 'issuer')
    return body


def served_at_first(token):
    equal([post[0] for post in config.posts], [200], 'the statuses')
    equal(token['token_type'], 'Bearer', 'token_type')
    equal(sorted(token['scope'].split()), ['cosmos', 'offline_access'], 'scope')
    return token


def password_grant():
    return served_at_first(config.password_token(given.password))


def status_at(site, access_token):
    return send('GET', given.plans(site), {'Authorization': 'Bearer ' + access_token})[0]


def read(site, status, held):
    equal(status_at(site, held['access_token']), status, 'status')


def refresh(before):
    after = served_at_first(config.token(grant_type='refresh_token',
                                         refresh_token=before['refresh_token']))
    for part in ('refresh_token', 'access_token'):
        if before[part] == after[part]:
            raise AssertionError(f'the {part} is the old one')
    return after


def wrong_password():
    equal(config.password_token(given.password + 'x'), None, 'the token')
    first, second = config.posts
    ids = {post[2].pop('correlation_id') for post in (first, second)}
    equal(len(ids), 2, 'the count of correlation ids')
    equal(second, first, 'the second answer')
    equal(first[0], 400, 'status')
    equal(first[2], {'error': 'invalid_grant',
                     'error_description': 'invalid_username_or_password'}, 'the error')


def client_credentials():
    robot = Config(**{key: given.confidential[key] for key in ('client_id', 'client_secret')})
    held = robot.token(grant_type='client_credentials')
    equal([post[0] for post in robot.posts], [200], 'the statuses')
    equal(sorted(status_at(site, held['access_token'])
                 for site in (given.site, given.other_site)), [200, 404],
          'the statuses at the two sites')


metadata = step('discovery', discovery)
token = step('password grant', password_grant)
step('own site', read, given.site, 200, token)
step('other site', read, given.other_site, 404, token)
fresh = step('refresh', refresh, token)
step('own site after refresh', read, given.site, 200, fresh)
step('wrong password', wrong_password)
step('right password after it', password_grant)
step('client credentials', client_credentials)
