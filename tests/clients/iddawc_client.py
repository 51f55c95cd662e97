#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""iddawc, Debian's C library, through ctypes: strict about the access token, which must verify by
the JWKS with `typ` at+jwt and a `jti`, and about the discovery document. That has no
authorization_endpoint until people sign in, and iddawc takes no document without one: it gets the
authority's own through a server that adds it. It knows nothing of the sample API; that is
requests'."""
import ctypes
import http.server
import json
import threading

import requests

from session import Session, equal, step

given = Session()
iddawc = ctypes.CDLL('libiddawc.so.1.1')
iddawc.i_get_str_parameter.restype = ctypes.c_char_p

# Of iddawc.h.
I_OK, I_ERROR_PARAM = 0, 2
PASSWORD, REFRESH_TOKEN = 0x00001000, 0x00100000
AUTH_NONE = 0
REVOKE_AS_CLIENT = 2
SCOPE, CLIENT_ID, CONFIG_ENDPOINT = 2, 8, 14
ERROR, ERROR_DESCRIPTION, REFRESH, ACCESS, TOKEN_METHOD = 19, 20, 23, 24, 29
EXPIRES_IN, USERNAME, USER_PASSWORD, ISSUER, TARGET, TARGET_HINT = 31, 33, 34, 35, 51, 52

# struct _i_session, whose size only its header tells; no version of it is near this.
session = ctypes.create_string_buffer(65536)


def call(name, *arguments, wanted=I_OK):
    equal(getattr(iddawc, name)(session, *arguments), wanted, f'what {name} gives')


def put(option, value):
    if isinstance(value, int):
        call('i_set_int_parameter', option, value)
    else:
        call('i_set_str_parameter', option, value.encode())


def get(option):
    value = iddawc.i_get_str_parameter(session, option)
    return value and value.decode()


class Completed(http.server.BaseHTTPRequestHandler):
    """The authority's discovery document with an authorization_endpoint."""

    def do_GET(self):
        answer = requests.get(given.authority + self.path, timeout=60)
        answer.raise_for_status()
        metadata = {'authorization_endpoint': given.authority + '/connect/authorize',
                    **answer.json()}
        body = json.dumps(metadata).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: what is printed is steps."""


def discovery():
    server = http.server.HTTPServer(('127.0.0.1', 0), Completed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    equal(iddawc.i_global_init(), I_OK, 'what i_global_init gives')
    call('i_init_session')
    put(CONFIG_ENDPOINT,
        f'http://127.0.0.1:{server.server_port}/.well-known/openid-configuration')
    put(CLIENT_ID, given.client_id)
    put(TOKEN_METHOD, AUTH_NONE)
    call('i_get_openid_config')
    equal(get(ISSUER), given.authority, 'issuer')


def grant(password, wanted=I_OK):
    call('i_set_response_type', PASSWORD)
    put(SCOPE, 'cosmos offline_access')
    put(USERNAME, given.username)
    put(USER_PASSWORD, password)
    call('i_run_token_request', wanted=wanted)


def password_grant():
    grant(given.password)
    equal(iddawc.i_get_int_parameter(session, EXPIRES_IN), 3600, 'expires_in')


def verify():
    call('i_verify_jwt_access_token', b'external-api')


def read(site, status):
    answer = requests.get(given.plans(site), headers={'Authorization': 'Bearer ' + get(ACCESS)},
                          timeout=60)
    equal(answer.status_code, status, 'status')
    if status == 200 and not answer.json():
        raise AssertionError('no plans')


def refresh():
    before = get(REFRESH), get(ACCESS)
    call('i_set_response_type', REFRESH_TOKEN)
    call('i_run_token_request')
    for old, new in zip(before, (get(REFRESH), get(ACCESS))):
        if not new or new == old:
            raise AssertionError('a token is the old one')
    verify()


def wrong_password():
    grant(given.password + 'x', I_ERROR_PARAM)
    equal(get(ERROR), 'invalid_grant', 'error')
    equal(get(ERROR_DESCRIPTION), 'invalid_username_or_password', 'error_description')


def revocation():
    grant(given.password)
    put(TARGET, get(REFRESH))
    put(TARGET_HINT, 'refresh_token')
    call('i_revoke_token', REVOKE_AS_CLIENT)
    call('i_set_response_type', REFRESH_TOKEN)
    call('i_run_token_request', wanted=I_ERROR_PARAM)
    equal(get(ERROR), 'invalid_grant', 'error')


step('discovery', discovery)
step('password grant', password_grant)
step('token verifies', verify)
step('own site', read, given.site, 200)
step('other site', read, given.other_site, 404)
step('refresh', refresh)
step('own site after refresh', read, given.site, 200)
step('wrong password', wrong_password)
step('revocation', revocation)
iddawc.i_clean_session(session)
iddawc.i_global_close()
