#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""oidc-agent, Debian's: oidc-gen signs in, oidc-token hands out and renews. Its own quirks: Basic
with an empty secret, `openid` asked for unasked, and a password that it does not form-encode. It
knows nothing of the API; that is requests'."""
import base64
import json
import os
import re
import subprocess
import tempfile

import requests

from session import Session, equal, step

given = Session()
PATIENCE_S = 60


class Agent:
    """The agent of a home folder of its own. Passwords go to it by files, never by arguments."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {**os.environ, 'HOME': folder, 'TMPDIR': folder,
                            'OIDC_CONFIG_DIR': folder, 'OIDC_ENCRYPTION_PW': os.urandom(16).hex()}
        said = self.run('oidc-agent').stdout
        for name in ('OIDC_SOCK', 'OIDCD_PID'):
            self.environment[name] = re.search(rf'\b{name}=([^;]+);', said)[1]

    def run(self, *command):
        return subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=PATIENCE_S, text=True)

    def sign_in(self, name, password):
        path = os.path.join(self.folder, name + '.json')
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w',
                  encoding='utf-8') as file:
            json.dump({'name': name, 'issuer_url': given.authority, 'client_id': given.client_id,
                       'client_secret': '', 'username': given.username, 'password': password,
                       'scope': 'cosmos', 'redirect_uris': [],
                       'cert_path': '/etc/ssl/certs/ca-certificates.crt'}, file)
        return self.run('oidc-gen', '--manual', name, '--file', path, '--client-secret=',
                        '--flow=password', '--pw-env', '--prompt=none', '--confirm-yes')

    def token(self, *options):
        done = self.run('oidc-token', *options, 'adit')
        equal(done.returncode, 0, f'the status of oidc-token, which said {done.stdout!r},')
        return done.stdout.strip()

    def stop(self):
        self.run('oidc-agent', '--kill')


def claims_of(token):
    part = token.split('.')[1]
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


def password_grant():
    done = agent.sign_in('adit', given.password)
    equal(done.returncode, 0, f'the status of oidc-gen, which said {done.stdout!r},')
    held = agent.token()
    equal(sorted(claims_of(held)['scope'].split()), ['cosmos', 'offline_access', 'openid'],
          'scope')
    return held


def read(site, status, held):
    answer = requests.get(given.plans(site), headers={'Authorization': 'Bearer ' + held},
                          timeout=PATIENCE_S)
    equal(answer.status_code, status, 'status')
    if status == 200 and not answer.json():
        raise AssertionError('no plans')


def refresh(before):
    after = agent.token('--force-new')
    if claims_of(after)['jti'] == claims_of(before)['jti']:
        raise AssertionError('the access token is the old one')
    # It had to keep the refresh token that it got for the first one.
    agent.token('--force-new')
    return after


def wrong_password():
    done = agent.sign_in('wrong', given.password + 'x')
    if done.returncode == 0:
        raise AssertionError('a wrong password was taken')
    if 'invalid_grant: invalid_username_or_password' not in done.stdout:
        raise AssertionError(f'oidc-gen said {done.stdout!r}')


with tempfile.TemporaryDirectory() as home:
    agent = Agent(home)
    try:
        token = step('password grant', password_grant)
        step('own site', read, given.site, 200, token)
        step('other site', read, given.other_site, 404, token)
        fresh = step('refresh', refresh, token)
        step('own site after refresh', read, given.site, 200, fresh)
        step('wrong password', wrong_password)
    finally:
        agent.stop()
