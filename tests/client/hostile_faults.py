# SPDX-License-Identifier: Apache-2.0
"""What the hostile authority (hostile_authority.py) does wrong: a table of faults by name, each of
which answers one request. A fault gets an Exchange; what it returns is whether the connection
stays open.

Most take what the well-behaved answer would be (`exchange.good()`, which does what was asked for:
passwords are judged, refresh tokens rotate) and spoil it; the others never ask for it, so that
nothing has happened at the authority.
"""
import json
import socket
import struct
import time

FAULTS = {}
JSON = 'application/json'
# Only ends what a client has left hanging.
PATIENCE_S = 600


def fault(name):
    def add(body):
        FAULTS[name] = body
        return body
    return add


# --- whole answers, before anything was done --------------------------------------------------

HTML = '<!doctype html><title>Portal</title><p>Welcome. Please accept the terms of this network.'
ANSWERS = {
    'html': (200, HTML, 'text/html; charset=utf-8', {}),
    'html-500': (500, HTML, 'text/html', {}),
    'html-404': (404, HTML, 'text/html', {}),
    'html-as-json': (200, HTML, JSON, {}),
    '200-error': (200, '{"error":"invalid_grant","error_description":"not here"}', JSON, {}),
    '200-empty': (200, '', JSON, {}),
    '204': (204, '', JSON, {}),
    '401-basic': (401, '{"error":"invalid_client"}', JSON, {'WWW-Authenticate': 'Basic'}),
    '400-empty': (400, '', JSON, {}),
    '400-unknown': (400, '{"error":"made_up","correlation_id":"abcdef0123456789"}', JSON, {}),
    '400-number': (400, '{"error":400,"error_description":["a"]}', JSON, {}),
    '400-controls': (400, '{"error":"invalid_\\u0000\\u001b[31m","error_description":'
                          '"a\\nb\\u0007\\u202e"}', JSON, {}),
    '400-slow-down': (400, '{"error":"slow_down"}', JSON, {}),
    '400-expired': (400, '{"error":"expired_token"}', JSON, {}),
    '200-pending': (200, '{"error":"authorization_pending"}', JSON, {}),
    '400-denied': (400, '{"error":"access_denied"}', JSON, {}),
    '403-empty': (403, '', None, {}),
    '500-empty': (500, '', None, {}),
    '503': (503, '{"error":"temporarily_unavailable"}', JSON, {}),
    'array': (200, '[]', JSON, {}),
    'text': (200, '"hello"', JSON, {}),
    'truncated': (200, '{"issuer":"http', JSON, {}),
    'deep': (200, '[' * 100_000, JSON, {}),
    'nul': (200, '{"a":"b"}\0', JSON, {}),
    'not-utf-8': (200, b'{"a":"\xff\xfe"}', JSON, {}),
    'redirect-out': (302, '', None, {'Location': 'http://192.0.2.1/'}),
    'redirect-file': (302, '', None, {'Location': 'file:///etc/passwd'}),
}


def whole(answer):
    def body(exchange):
        status, text, content_type, fields = answer
        return exchange.send(status, text, content_type, fields)
    return body


FAULTS |= {name: whole(answer) for name, answer in ANSWERS.items()}


@fault('400-echo')
def echo(exchange):
    return exchange.send(400, {'error': 'invalid_grant', 'error_description':
                               f'not "{exchange.request.form.get("password")}"'})


@fault('400-echo-late')
def echo_late(exchange):
    """Where a client that cuts what it shows cuts in the middle of it."""
    return exchange.send(400, {'error': 'invalid_grant', 'error_description':
                               'x' * 240 + exchange.request.form.get('password', '')})


@fault('429')
def slow_down(exchange):
    return exchange.send(429, {'error': 'slow_down'},
                         fields={'Retry-After': str(exchange.setting('retry_after_s'))})


@fault('429-date')
def slow_down_until(exchange):
    return exchange.send(429, {'error': 'slow_down'}, fields={
        'Retry-After': exchange.date(exchange.setting('retry_after_s'))})


@fault('429-bare')
def slow_down_some_time(exchange):
    return exchange.send(429, {'error': 'slow_down'})


@fault('429-garbage')
def slow_down_never(exchange):
    return exchange.send(429, {'error': 'slow_down'}, fields={'Retry-After': 'soon, -1 or so'})


@fault('429-years')
def slow_down_for_years(exchange):
    return exchange.send(429, {'error': 'slow_down'}, fields={'Retry-After': '9' * 30})


@fault('503-retry')
def unavailable_for_now(exchange):
    return exchange.send(503, {'error': 'temporarily_unavailable'},
                         fields={'Retry-After': str(exchange.setting('retry_after_s'))})


@fault('redirect')
def redirect(exchange):
    """Endless, and each one new."""
    return exchange.send(302, '', None, {
        'Location': f'{exchange.base}/{exchange.instance.name}/again-{time.monotonic_ns()}'})


@fault('redirect-307')
def redirect_with_body(exchange):
    return exchange.send(307, '', None, {'Location': exchange.request.path})


# --- the good answer, spoilt ------------------------------------------------------------------

def spoilt(change):
    """Changes what a success says; errors stay as they are."""
    def body(exchange):
        status, document, fields = exchange.good()
        return exchange.send(status, change(document) if status == 200 else document,
                             fields=fields)
    return body


def with_members(**members):
    return spoilt(lambda document: {**document, **members})


def without(name):
    return spoilt(lambda document: {key: value for key, value in document.items() if key != name})


MEMBERS = {
    'token-number': {'access_token': 5},
    'token-null': {'access_token': None},
    'token-object': {'access_token': {'a': 1}},
    'token-empty': {'access_token': ''},
    'token-newline': {'access_token': 'abc\r\nX-Evil: 1'},
    'token-space': {'access_token': 'a b'},
    'token-nul': {'access_token': 'abc\0def'},
    'token-letters': {'access_token': 'tökén'},
    'token-huge': {'access_token': 'a' * 1_000_000},
    'token-long': {'access_token': 'a' * 20_000},
    'refresh-number': {'refresh_token': 7},
    'refresh-empty': {'refresh_token': ''},
    'refresh-huge': {'refresh_token': 'r' * 1_000_000},
    'type-mac': {'token_type': 'mac'},
    'type-number': {'token_type': 1},
    'type-newline': {'token_type': 'Bearer\r\nX-Evil: 1'},
    'type-lower': {'token_type': 'bearer'},
    'expires-zero': {'expires_in': 0},
    'expires-negative': {'expires_in': -5},
    'expires-huge': {'expires_in': 10 ** 15},
    'expires-overflow': {'expires_in': 2 ** 63},
    'expires-digits': {'expires_in': '3600'},
    'expires-words': {'expires_in': 'soon'},
    'expires-fraction': {'expires_in': 1800.5},
    'expires-null': {'expires_in': None},
    'scope-narrow': {'scope': 'openid'},
    'scope-array': {'scope': ['a', 'b']},
    'scope-number': {'scope': 1},
    'id-token-number': {'id_token': 1},
    'id-token-garbage': {'id_token': 'a.b.c'},
    # Discovery.
    'issuer-other': {'issuer': 'https://other.example/identity'},
    'issuer-number': {'issuer': 1},
    'endpoint-http': {'token_endpoint': 'http://other.example/token'},
    'endpoint-file': {'token_endpoint': 'file:///etc/passwd'},
    'endpoint-number': {'token_endpoint': 1},
    'endpoint-relative': {'token_endpoint': '/connect/token'},
    'endpoint-user': {'token_endpoint': 'https://anna:secret@other.example/token'},
    # Keys.
    'keys-none': {'keys': []},
    'keys-number': {'keys': 5},
    # The device endpoint.
    'uri-script': {'verification_uri': 'javascript:alert(1)', 'verification_uri_complete': None},
    'user-code-controls': {'user_code': 'AB\x1b[31m\r\nCD'},
    'user-code-number': {'user_code': 1},
    'interval-negative': {'interval': -1},
    'interval-huge': {'interval': 10 ** 12},
}
ABSENT = {'no-token': 'access_token', 'scope-missing': 'scope', 'type-missing': 'token_type', 'expires-missing':
          'expires_in', 'issuer-missing': 'issuer', 'endpoint-missing': 'token_endpoint',
          'no-iss': 'authorization_response_iss_parameter_supported', 'keys-missing': 'keys', 'id-token-missing': 'id_token',
          'device-code-missing': 'device_code'}
FAULTS |= {name: with_members(**members) for name, members in MEMBERS.items()}
FAULTS |= {name: without(member) for name, member in ABSENT.items()}
ISSUERS = {'issuer-slash': lambda issuer: issuer + '/',
           'issuer-case': lambda issuer: issuer[:-1] + issuer[-1].swapcase(),
           'issuer-localhost': lambda issuer: issuer.replace('127.0.0.1', 'localhost'),
           'issuer-path': lambda issuer: issuer.replace('/', '/x/').replace('/x//x/', '//'),
           'issuer-scheme': lambda issuer: issuer.replace('http:', 'https:')}
FAULTS |= {name: spoilt(lambda document, change=change: {
    **document, 'issuer': change(document['issuer'])}) for name, change in ISSUERS.items()}


@fault('type-escapes')
def with_escapes(exchange):
    """What a terminal would obey."""
    return exchange.send(200, '{}', 'text/\x1b[31mplain\x07\xc2\x9b')


@fault('type-text')
def as_text(exchange):
    status, document, fields = exchange.good()
    return exchange.send(status, json.dumps(document), 'text/plain', fields)


@fault('type-none')
def as_nothing(exchange):
    status, document, fields = exchange.good()
    return exchange.send(status, json.dumps(document), None, fields)


@fault('type-charset')
def with_charset(exchange):
    """As some do, and what every client has to take."""
    status, document, fields = exchange.good()
    return exchange.send(status, json.dumps(document), 'Application/JSON;charset=UTF-8', fields)


@fault('duplicate')
def duplicate(exchange):
    """Members twice, the second time with another value."""
    status, document, fields = exchange.good()
    again = json.dumps({key: 'other' if isinstance(value, str) else value
                        for key, value in document.items()})
    return exchange.send(status, json.dumps(document)[:-1] + ',' + again[1:], JSON, fields)


@fault('trailing')
def trailing(exchange):
    status, document, fields = exchange.good()
    return exchange.send(status, json.dumps(document) + '{"more":1}', JSON, fields)


# --- the ID token ------------------------------------------------------------------------------

def id_token(**changes):
    def body(exchange):
        exchange.id_token = changes
        return exchange.send_good()
    return body


FAULTS |= {
    'id-token-alg-none': id_token(alg='none'),
    'id-token-hs256': id_token(alg='HS256'),
    'id-token-signature': id_token(spoil=True),
    'id-token-kid': id_token(kid='unknown'),
    'id-token-issuer': id_token(iss='https://other.example'),
    'id-token-audience': id_token(aud='other'),
    'id-token-audiences': id_token(aud=['other', 'another']),
    'id-token-party': id_token(azp='other'),
    'id-token-subject': id_token(sub='bert'),
    'id-token-nonce': id_token(nonce='other'),
    'id-token-expired': id_token(exp=-7200),
    'id-token-future': id_token(iat=7200),
    'id-token-at-hash': id_token(at_hash='AAAAAAAAAAAAAAAAAAAAAA'),
    'id-token-no-subject': id_token(sub=None),
    'id-token-no-nonce': id_token(nonce=None),
}


# --- the redirect to the client ----------------------------------------------------------------

def redirected(**changes):
    def body(exchange):
        exchange.redirect = changes
        return exchange.send_good()
    return body


FAULTS |= {
    'state-wrong': redirected(state='other'),
    'state-missing': redirected(state=None),
    'iss-wrong': redirected(iss='https://other.example'),
    'iss-missing': redirected(iss=None),
    'code-missing': redirected(code=None),
    'code-controls': redirected(code='a\r\nb\0c'),
    'denied': redirected(code=None, error='access_denied', error_description='no\x1b[31m'),
    'code-and-error': redirected(error='server_error'),
}


# --- clocks -----------------------------------------------------------------------------------

def skewed(seconds):
    def body(exchange):
        exchange.skew_s = seconds
        return exchange.send_good()
    return body


FAULTS |= {'date-ahead': skewed(5 * 3600), 'date-behind': skewed(-5 * 3600),
           'date-years': skewed(20 * 365 * 86400), 'date-missing': skewed(None),
           'date-garbage': skewed('the day before yesterday')}


# --- connections ------------------------------------------------------------------------------

def hang(exchange):
    """Until the client has gone."""
    exchange.peer.settimeout(PATIENCE_S)
    try:
        while exchange.peer.recv(4096):
            pass
    except OSError:
        pass
    return False


@fault('silent')
def silent(exchange):
    return hang(exchange)


@fault('silent-after')
def silent_after(exchange):
    """What was asked for is done, and not told."""
    exchange.good()
    return hang(exchange)


@fault('half')
def half(exchange):
    """Some of the answer, and then nothing."""
    raw = exchange.raw_good()
    exchange.peer.sendall(raw[:-10])
    return hang(exchange)


@fault('slow')
def slow(exchange):
    """One byte a second."""
    for byte in exchange.raw_good():
        exchange.peer.sendall(bytes([byte]))
        time.sleep(1)
    return False


@fault('late')
def late(exchange):
    """Well, but only after `slow_s` seconds."""
    time.sleep(exchange.setting('slow_s'))
    return exchange.send_good()


@fault('lost')
def lost(exchange):
    """Closes without an answer; nothing was done."""
    return False


@fault('lost-after')
def lost_after(exchange):
    """Does what was asked for, and closes without an answer."""
    exchange.good()
    return False


@fault('late-lost')
def late_lost(exchange):
    exchange.good()
    time.sleep(exchange.setting('slow_s'))
    return False


@fault('reset')
def reset(exchange):
    """Does it, and resets the connection."""
    exchange.good()
    exchange.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    return False


@fault('cut')
def cut(exchange):
    """Does it, and closes before the end of the answer."""
    exchange.peer.sendall(exchange.raw_good()[:-10])
    return False


@fault('closed-between')
def closed_between(exchange):
    """Well, promises to keep the connection open, and closes it."""
    exchange.send_good()
    return False


@fault('huge')
def huge(exchange):
    """10 GB of JSON."""
    exchange.peer.sendall(exchange.head(200, JSON, {'Content-Length': str(10 * 2 ** 30)}))
    exchange.peer.sendall(b'{"access_token":"')
    return pour(exchange, b'a' * 2 ** 20, 10 * 1024)


@fault('huge-chunked')
def huge_chunked(exchange):
    """The same, without saying so before."""
    exchange.peer.sendall(exchange.head(200, JSON, {'Transfer-Encoding': 'chunked'}))
    return pour(exchange, b'100000\r\n' + b'a' * 2 ** 20 + b'\r\n', 10 * 1024)


@fault('huge-head')
def huge_head(exchange):
    exchange.peer.sendall(b'HTTP/1.1 200 OK\r\n')
    return pour(exchange, b'X-More: ' + b'a' * 1000 + b'\r\n', 1_000_000)


@fault('huge-line')
def huge_line(exchange):
    exchange.peer.sendall(b'HTTP/1.1 200 OK\r\nX-More: ')
    return pour(exchange, b'a' * 2 ** 16, 100_000)


@fault('continue')
def endless_continue(exchange):
    return pour(exchange, b'HTTP/1.1 100 Continue\r\n\r\n', 10_000_000)


def pour(exchange, part, times):
    try:
        for _ in range(times):
            exchange.peer.sendall(part)
    except OSError:
        pass
    return False


RAW = {
    'chunked-garbage': b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
                       b'Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
    'chunked-negative': b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
                        b'Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n',
    'length-negative': b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
                       b'Content-Length: -1\r\n\r\n{}',
    'length-two': b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n'
                  b'Content-Length: 5\r\n\r\n{}abc',
    'status-garbage': b'HTTP/1.1 banana\r\n\r\n',
    'version': b'HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}',
    'http-09': b'{"access_token":"a","token_type":"Bearer"}',
    'switching': b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: nothing\r\n\r\n',
    'binary': bytes(range(256)) * 16,
}


def raw(text):
    def body(exchange):
        exchange.peer.sendall(text)
        return False
    return body


FAULTS |= {name: raw(text) for name, text in RAW.items()}
