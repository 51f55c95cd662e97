# SPDX-License-Identifier: Apache-2.0
"""Glewlwyd, Debian's, as an authority of somebody else: unprivileged, with a configuration and a
SQLite database of its own, on a free port of loopback. Nothing of a system's own Glewlwyd is
touched.

It comes from /usr, or from the folder ADIT_GLEWLWYD, into which Debian's packages glewlwyd,
libhoel1.4, libconfig9, liboath0 and libmariadb3 were unpacked (dpkg-deb -x). It is not in
tools/packages.txt since its package starts a server as it is installed.
"""
import http.cookiejar
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

PATIENCE_S = 60
ROOT = os.environ.get('ADIT_GLEWLWYD', '')
PROGRAM = os.path.join(ROOT or '/', 'usr/bin/glewlwyd')
SCHEMA = os.path.join(ROOT or '/', 'usr/share/dbconfig-common/data/glewlwyd/install/sqlite3')
USER, PASSWORD = 'plans', 'a long password + %41&'
CONFIGURATION = '''
port = {port}
bind_address = "127.0.0.1"
external_url = "http://127.0.0.1:{port}"
login_url = "login.html"
api_prefix = "api"
log_mode = "console"
log_level = "INFO"
cookie_domain = "127.0.0.1"
cookie_secure = 0
session_expiration = 3600
session_key = "SESSION"
admin_session_authentication = "cookie"
profile_session_authentication = "cookie"
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "{root}/usr/lib/glewlwyd/user"
user_middleware_module_path = "{root}/usr/lib/glewlwyd/user_middleware"
client_module_path = "{root}/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "{root}/usr/lib/glewlwyd/scheme"
plugin_module_path = "{root}/usr/lib/glewlwyd/plugin"
use_secure_connection = false
secure_connection_key_file = "/nowhere"
secure_connection_pem_file = "/nowhere"
secure_connection_ca_file = "/nowhere"
hash_algorithm = "SHA512"
database = {{ type = "sqlite3"
  path = "{folder}/glewlwyd.db" }};
'''


def why_not():
    """Why it cannot run here, or None."""
    if not os.access(PROGRAM, os.X_OK) or not shutil.which('openssl'):
        return 'there is no Glewlwyd; see tests/client/glewlwyd.py'
    return None


class Glewlwyd:
    """Running, with a user, the client `keyed` of the given public keys for the password grant,
    and the client `program` with a secret."""

    def __init__(self, folder, jwks, expires_in=3600):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.issuer = f'http://127.0.0.1:{self.port}/api/oidc'
        self.start(folder)
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        # Of letters alone: it does not decode what Basic has encoded (RFC 6749, 2.3.1).
        self.secret = os.urandom(12).hex()
        self.configure(folder, jwks, expires_in)

    def start(self, folder):
        database = sqlite3.connect(os.path.join(folder, 'glewlwyd.db'))
        with open(SCHEMA, encoding='utf-8') as file:
            database.executescript(file.read())
        database.commit()
        database.close()
        path = os.path.join(folder, 'glewlwyd.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(CONFIGURATION.format(port=self.port, root=ROOT, folder=folder))
        environment = dict(os.environ)
        if ROOT:
            machine = os.uname().machine
            environment['LD_LIBRARY_PATH'] = f'{ROOT}/usr/lib/{machine}-linux-gnu'
        self.log = open(os.path.join(folder, 'glewlwyd.log'), 'w+b')
        self.process = subprocess.Popen([PROGRAM, '-c', path], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env=environment)
        end = time.monotonic() + PATIENCE_S
        while not self.answers():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f'Glewlwyd does not start: {self.said()}')
            time.sleep(0.05)

    def answers(self):
        try:
            socket.create_connection(('127.0.0.1', self.port), 1).close()
        except OSError:
            return False
        return True

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors='replace')[-3000:]

    def api(self, place, document):
        request = urllib.request.Request(
            f'http://127.0.0.1:{self.port}/api/{place}', json.dumps(document).encode(),
            {'Content-Type': 'application/json'})
        try:
            self.opener.open(request, timeout=PATIENCE_S).close()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f'{place}: {error} {error.read()[:500]}') from error

    def configure(self, folder, jwks, expires_in):
        # As its own schema has it.
        self.api('auth/', {'username': 'admin', 'password': 'password'})
        self.api('scope/', {'name': 'cosmos', 'display_name': 'cosmos', 'scheme': {},
                            'password_required': True, 'password_max_age': 0})
        self.api('user/', {'username': USER, 'name': 'Plans', 'password': PASSWORD,
                           'enabled': True, 'scope': ['cosmos', 'openid']})
        common = {'name': 'test', 'enabled': True, 'confidential': True, 'redirect_uri': []}
        self.api('client/', {**common, 'client_id': 'keyed', 'jwks': jwks, 'scope': ['cosmos'],
                             'authorization_type': ['password', 'refresh_token',
                                                    'client_credentials'],
                             'token_endpoint_auth_method': ['private_key_jwt']})
        self.api('client/', {**common, 'client_id': 'program', 'client_secret': self.secret,
                             'scope': ['cosmos'], 'authorization_type': ['client_credentials'],
                             'token_endpoint_auth_method': ['client_secret_basic',
                                                            'client_secret_post']})
        path = os.path.join(folder, 'signing.pem')
        subprocess.run(['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt',
                        'ec_paramgen_curve:P-256', '-out', path], check=True,
                       capture_output=True)
        public = subprocess.run(['openssl', 'pkey', '-in', path, '-pubout'], check=True,
                                capture_output=True, text=True).stdout
        with open(path, encoding='utf-8') as file:
            private = file.read()
        enabled = {f'auth-type-{name}-enabled': name in ('code', 'password', 'client', 'refresh',
                                                         'id-token')
                   for name in ('code', 'token', 'id-token', 'none', 'password', 'client',
                                'refresh', 'device')}
        self.api('mod/plugin/', {
            'module': 'oidc', 'name': 'oidc', 'display_name': 'OIDC', 'enabled': True,
            'parameters': {
                **enabled, 'iss': self.issuer, 'jwt-type': 'ecdsa', 'jwt-key-size': '256',
                'key': private, 'cert': public, 'access-token-duration': expires_in,
                'refresh-token-duration': 86400, 'code-duration': 60,
                'refresh-token-rolling': True, 'refresh-token-one-use': 'always',
                'allow-non-oidc': True, 'scope': [], 'additional-parameters': [], 'claims': [],
                'jwks-show': True, 'jwks-x5c': [], 'request-parameter-allow': True,
                'client-pubkey-parameter': 'pubkey', 'client-jwks-parameter': 'jwks',
                'client-jwks_uri-parameter': 'jwks_uri', 'subject-type': 'public',
                'address-claim': {'type': 'no'}, 'name-claim': 'no', 'email-claim': 'no',
                'scope-claim': 'no', 'allowed-scope': ['openid', 'cosmos'],
                'pkce-allowed': True, 'pkce-method-plain-allowed': False,
                'introspection-revocation-allowed': True,
                'introspection-revocation-auth-scope': [],
                'introspection-revocation-allow-target-client': True}})

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
