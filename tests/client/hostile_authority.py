#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An authority of the tests that can misbehave in every way of hostile_faults.py, and counts what
it is asked. Below it lie as many authorities as one names, each of its own state:

    http://127.0.0.1:PORT/NAME      NAME is CASE or CASE.ANYTHING

CASE is "good", or ENDPOINT-FAULT: that endpoint answers so from the beginning, the others well.
The endpoints: discovery jwks token revocation device authorize api.

    hostile_authority.py        prints one JSON line and serves until stdin ends:
        {"authority", "ca_file", "certificate_file", "certificate_key_file", "tls": {"good",
         "mismatch", "expired", "unknown", "plain", "client"}, "refused", "unaccepted"}

    POST /control/NAME   {"faults": {ENDPOINT: FAULT, [FAULT, TIMES] or null}, "settings": {…}}
    GET /counts/NAME     {ENDPOINT: requests so far}
    GET /log/NAME        every request: endpoint, grant_type, how the client showed who it is, …

Python tests import it: Hostile() starts it in their own process.
"""
import base64
import collections
import datetime
import email.utils
import hashlib
import hmac
import ipaddress
import json
import os
import secrets
import socket
import ssl
import sys
import tempfile
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from hostile_faults import FAULTS, JSON

DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
ENDPOINTS = {'.well-known/openid-configuration': 'discovery', 'jwks': 'jwks', 'connect/token':
             'token', 'connect/revocation': 'revocation', 'connect/device': 'device',
             'connect/authorize': 'authorize', 'api': 'api'}
# Of every user and every client; long enough to be looked for in what is printed and kept.
PASSWORD = 'sesame-opens-3141'
# What an authority is like where nobody has said otherwise.
SETTINGS = {
    'password': PASSWORD,        # of every user name, and of every client that has a secret
    'expires_in': 3600,          # of access tokens
    'refresh': True,             # whether there are refresh tokens
    'rotate': True,              # whether each is good for once
    'grace_s': 0,                # so long a used one repeats its answer; told where not 0
    'retry_after_s': 2,
    'slow_s': 2,
    'pending': 0,                # so often a device's person is waited for
    'interval': 1,
    'skew_s': 0,                 # of its clock
    'disabled': False,           # whether every grant is refused
}
# Only ends what hangs.
PATIENCE_S = 600
REASONS = {200: 'OK', 204: 'No Content', 302: 'Found', 307: 'Temporary Redirect', 400:
           'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 429:
           'Too Many Requests', 500: 'Internal Server Error', 503: 'Service Unavailable'}


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b'=').decode()


class Refusal(Exception):
    def __init__(self, error, status=400, **more):
        super().__init__(error)
        self.status = status
        self.document = {'error': error, 'correlation_id': secrets.token_hex(8), **more}


class Instance:
    """One authority: its state, and what it does well."""

    def __init__(self, name):
        self.name = name
        self.lock = threading.RLock()
        self.settings = dict(SETTINGS)
        self.faults, self.counts, self.log = {}, collections.Counter(), []
        self.access, self.refresh, self.codes, self.devices = {}, {}, {}, {}
        self.ended = set()
        self.serial = 0
        case = name.split('.')[0]
        if case != 'good':
            endpoint, _, fault = case.partition('-')
            self.fail(endpoint, fault)

    def fail(self, endpoint, fault, times=None):
        """That endpoint answers so from now on, or so often."""
        if endpoint not in ENDPOINTS.values() or (fault and fault not in FAULTS):
            raise ValueError(f'no such endpoint or fault: {endpoint} {fault}')
        with self.lock:
            self.faults[endpoint] = [fault, times]

    def take_fault(self, endpoint):
        with self.lock:
            self.counts[endpoint] += 1
            fault, left = self.faults.get(endpoint, (None, None))
            if left is not None:
                fault = fault if left > 0 else None
                self.faults[endpoint][1] = left - 1
            return FAULTS.get(fault)

    def good(self, exchange, endpoint):
        """(status, document, fields) of the answer that should be; does what is asked for."""
        with self.lock:
            try:
                return getattr(self, endpoint)(exchange)
            except Refusal as refusal:
                self.log[-1]['error'] = refusal.document['error']
                return refusal.status, refusal.document, {}

    def discovery(self, exchange):
        issuer = exchange.issuer
        document = {
            'issuer': issuer, 'jwks_uri': issuer + '/jwks',
            'token_endpoint': issuer + '/connect/token',
            'authorization_endpoint': issuer + '/connect/authorize',
            'revocation_endpoint': issuer + '/connect/revocation',
            'device_authorization_endpoint': issuer + '/connect/device',
            'response_types_supported': ['code'], 'subject_types_supported': ['public'],
            'id_token_signing_alg_values_supported': ['ES256'],
            'code_challenge_methods_supported': ['S256'],
            'authorization_response_iss_parameter_supported': True,
            'scopes_supported': ['openid', 'offline_access', 'cosmos'],
            'token_endpoint_auth_methods_supported': ['none', 'client_secret_basic',
                                                      'client_secret_post'],
            'grant_types_supported': ['password', 'refresh_token', 'client_credentials',
                                      'authorization_code', DEVICE_GRANT]}
        if self.settings['grace_s']:
            document['adit_refresh_grace'] = self.settings['grace_s']
        return 200, document, {}

    def jwks(self, exchange):
        return 200, {'keys': [exchange.server.jwk]}, {}

    def issue(self, exchange, family, scope, nonce=None):
        self.serial += 1
        token = f'at-{self.serial}-{secrets.token_hex(8)}'
        self.access[token] = (family, time.monotonic() + max(0, self.settings['expires_in']))
        document = {'access_token': token, 'token_type': 'Bearer', 'scope': scope,
                    'expires_in': self.settings['expires_in']}
        if self.settings['refresh'] and family:
            fresh = f'rt-{self.serial}-{secrets.token_hex(8)}'
            self.refresh[fresh] = {'family': family, 'scope': scope, 'used_at': None}
            document['refresh_token'] = fresh
        if nonce is not None or 'openid' in scope.split():
            document['id_token'] = exchange.sign(token, nonce)
        return document

    def token(self, exchange):
        form = exchange.request.form
        if self.settings['disabled']:
            raise Refusal('invalid_grant', error_description='invalid_username_or_password')
        grants = {'password': self.by_password, 'refresh_token': self.by_refresh_token,
                  'client_credentials': self.by_client, 'authorization_code': self.by_code,
                  DEVICE_GRANT: self.by_device}
        if form.get('grant_type') not in grants:
            raise Refusal('unsupported_grant_type')
        return 200, grants[form['grant_type']](exchange, form), {}

    def by_password(self, exchange, form):
        if form.get('password') != self.settings['password']:
            raise Refusal('invalid_grant', error_description='invalid_username_or_password')
        return self.issue(exchange, secrets.token_hex(8), form.get('scope') or 'cosmos')

    def by_refresh_token(self, exchange, form):
        held = self.refresh.get(form.get('refresh_token'))
        if not held or held['family'] in self.ended:
            raise Refusal('invalid_grant')
        now = time.monotonic()
        if held['used_at'] is None or not self.settings['rotate']:
            held['used_at'] = now
            held['answer'] = self.issue(exchange, held['family'], held['scope'])
            if not self.settings['rotate']:
                held['answer'].pop('refresh_token', None)
        elif now - held['used_at'] > self.settings['grace_s']:
            self.ended.add(held['family'])
            raise Refusal('invalid_grant')
        return held['answer']

    def by_client(self, exchange, form):
        given = exchange.request.secret
        if given != self.settings['password'] and 'client_assertion' not in form:
            raise Refusal('invalid_client', 401)
        return self.issue(exchange, None, form.get('scope') or 'cosmos')

    def by_code(self, exchange, form):
        asked = self.codes.pop(form.get('code'), None)
        verifier = hashlib.sha256(form.get('code_verifier', '').encode()).digest()
        if not asked or asked.get('redirect_uri') != form.get('redirect_uri') or asked.get(
                'code_challenge') != encode(verifier):
            raise Refusal('invalid_grant')
        return self.issue(exchange, secrets.token_hex(8), asked.get('scope', ''),
                          asked.get('nonce'))

    def by_device(self, exchange, form):
        if form.get('device_code') not in self.devices:
            raise Refusal('expired_token')
        if self.settings['pending'] > 0:
            self.settings['pending'] -= 1
            raise Refusal('authorization_pending')
        return self.issue(exchange, secrets.token_hex(8),
                          self.devices.pop(form['device_code']))

    def device(self, exchange):
        code = secrets.token_hex(16)
        self.devices[code] = exchange.request.form.get('scope', '')
        return 200, {'device_code': code, 'user_code': 'WDJB-MJHT', 'interval':
                     self.settings['interval'], 'expires_in': 600, 'verification_uri':
                     exchange.issuer + '/connect/authorize'}, {}

    def authorize(self, exchange):
        asked = exchange.request.query
        code = secrets.token_hex(16)
        self.codes[code] = asked
        said = {'code': code, 'state': asked.get('state'), 'iss': exchange.issuer}
        said |= exchange.redirect
        pairs = {key: value for key, value in said.items() if value is not None}
        location = asked.get('redirect_uri', '') + '?' + urllib.parse.urlencode(pairs)
        return 302, '', {'Location': location}

    def revocation(self, exchange):
        held = self.refresh.get(exchange.request.form.get('token'))
        if held:
            self.ended.add(held['family'])
        return 200, {}, {}

    def api(self, exchange):
        kind, _, token = exchange.request.fields.get('authorization', '').partition(' ')
        family, end = self.access.get(token, (None, 0))
        if kind.lower() != 'bearer' or end <= time.monotonic() or family in self.ended:
            return 401, {'error': 'invalid_token'}, {'WWW-Authenticate': 'Bearer'}
        return 200, {'token': token}, {}


class Request:
    def __init__(self, head, body):
        lines = head.decode('latin-1').split('\r\n')
        self.method, self.path = (lines[0].split(' ') + ['', ''])[:2]
        self.fields = {name.strip().lower(): value.strip() for name, _, value in
                       (line.partition(':') for line in lines[1:])}
        self.body = body
        parts = urllib.parse.urlsplit(self.path)
        self.place = urllib.parse.unquote(parts.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        self.form = dict(urllib.parse.parse_qsl(body.decode('latin-1'), encoding='utf-8'))
        self.by, self.secret, self.client = 'none', None, self.form.get('client_id')
        kind, _, value = self.fields.get('authorization', '').partition(' ')
        if kind.lower() == 'basic':
            pair = base64.b64decode(value + '=' * (-len(value) % 4)).decode().partition(':')
            self.by, self.secret = 'basic', urllib.parse.unquote_plus(pair[2])
            self.client = urllib.parse.unquote_plus(pair[0])
        elif 'client_secret' in self.form:
            self.by, self.secret = 'post', self.form['client_secret']
        elif 'client_assertion' in self.form:
            self.by = 'assertion'


class Exchange:
    """One request and its answer; what a fault gets."""

    def __init__(self, server, peer, request, instance, endpoint, base):
        self.server, self.peer, self.request = server, peer, request
        self.instance, self.endpoint, self.base = instance, endpoint, base
        self.issuer = f'{base}/{instance.name}'
        self.skew_s = instance.settings['skew_s']
        self.id_token, self.redirect = {}, {}

    def setting(self, name):
        return self.instance.settings[name]

    def good(self):
        return self.instance.good(self, self.endpoint)

    def date(self, after_s=0):
        if isinstance(self.skew_s, str):
            return self.skew_s
        return email.utils.formatdate(time.time() + self.skew_s + after_s, usegmt=True)

    def head(self, status, content_type, fields):
        lines = [f'HTTP/1.1 {status} {REASONS.get(status, "Status")}']
        lines += [f'Date: {self.date()}'] if self.skew_s is not None else []
        lines += [f'Content-Type: {content_type}'] if content_type else []
        lines += [f'{name}: {value}' for name, value in fields.items()]
        return '\r\n'.join(lines + ['', '']).encode('latin-1')

    def compose(self, status, document, content_type=JSON, fields=None):
        body = json.dumps(document) if isinstance(document, (dict, list)) else document
        body = body.encode() if isinstance(body, str) else body
        fields = {'Cache-Control': 'no-store', 'Content-Length': str(len(body)), **(fields or {})}
        return self.head(status, content_type, fields) + body

    def send(self, status, document, content_type=JSON, fields=None):
        self.peer.sendall(self.compose(status, document, content_type, fields))
        return True

    def raw_good(self):
        status, document, fields = self.good()
        return self.compose(status, document, fields=fields)

    def send_good(self):
        self.peer.sendall(self.raw_good())
        return True

    def sign(self, access_token, nonce):
        """An ID token (OpenID Connect Core, 2), with what a fault changes in it."""
        change = dict(self.id_token)
        now = int(time.time()) + (self.skew_s if isinstance(self.skew_s, int) else 0)
        at_hash = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {'iss': self.issuer, 'sub': 'anna', 'aud': self.request.client,
                  'nonce': nonce, 'at_hash': encode(at_hash), 'name': 'Anna',
                  'iat': now + change.pop('iat', 0), 'exp': now + change.pop('exp', 300)}
        alg, kid = change.pop('alg', 'ES256'), change.pop('kid', 'one')
        spoil = change.pop('spoil', False)
        claims = {name: value for name, value in {**claims, **change}.items() if value is not None}
        text = '.'.join(encode(json.dumps(part).encode()) for part in (
            {'alg': alg, 'kid': kid, 'typ': 'JWT'}, claims))
        if alg == 'none':
            return text + '.'
        if alg == 'HS256':
            return text + '.' + encode(hmac.digest(
                json.dumps(self.server.jwk).encode(), text.encode(), 'sha256'))
        r, s = utils.decode_dss_signature(self.server.key.sign(
            text.encode() + (b'x' if spoil else b''), ec.ECDSA(hashes.SHA256())))
        return text + '.' + encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))


class Hostile:
    """The server, with its threads, until stop()."""

    def __init__(self, tls=False):
        self.folder = tempfile.TemporaryDirectory(prefix='adit-hostile-')
        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_numbers()
        self.jwk = {'kty': 'EC', 'crv': 'P-256', 'alg': 'ES256', 'use': 'sig', 'kid': 'one',
                    'x': encode(point.x.to_bytes(32, 'big')),
                    'y': encode(point.y.to_bytes(32, 'big'))}
        self.lock = threading.Lock()
        self.instances, self.listeners = {}, []
        self.authority = self.listen('http')
        self.refused = self.open(listen=False)[1]
        self.unaccepted = self.open()[1]
        self.tls = {}
        if tls:
            self.listen_tls()

    def url(self, name):
        return f'{self.authority}/{name}'

    def instance(self, name):
        with self.lock:
            if name not in self.instances:
                self.instances[name] = Instance(name)
            return self.instances[name]

    # --- sockets ---

    def open(self, listen=True):
        listener = socket.socket()
        listener.bind(('127.0.0.1', 0))
        if listen:
            listener.listen(1024)
        self.listeners.append(listener)
        return listener, f'http://127.0.0.1:{listener.getsockname()[1]}'

    def listen(self, scheme, context=None):
        listener, url = self.open()
        url = url.replace('http', scheme, 1)
        threading.Thread(target=self.accept, args=(listener, url, context), daemon=True).start()
        return url

    def accept(self, listener, base, context):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(peer, base, context),
                             daemon=True).start()

    def converse(self, peer, base, context):
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.settimeout(PATIENCE_S)
            if context:
                peer = context.wrap_socket(peer, server_side=True)
            held = b''
            while True:
                request, held = self.receive(peer, held)
                if not request or not self.answer(peer, request, base):
                    return
        except OSError:
            pass
        finally:
            peer.close()

    @staticmethod
    def receive(peer, held):
        while b'\r\n\r\n' not in held:
            part = peer.recv(65536)
            # To a TLS handshake there is no answer.
            if not part or part[0] == 0x16:
                return None, b''
            held += part
        head, _, rest = held.partition(b'\r\n\r\n')
        request = Request(head, b'')
        length = int(request.fields.get('content-length', 0))
        while len(rest) < length:
            part = peer.recv(65536)
            if not part:
                return None, b''
            rest += part
        return Request(head, rest[:length]), rest[length:]

    # --- requests ---

    def answer(self, peer, request, base):
        name, _, place = request.place.lstrip('/').partition('/')
        if name in ('control', 'counts', 'log'):
            return self.control(peer, request, name, place)
        try:
            instance = self.instance(name)
        except ValueError as error:
            peer.sendall(Exchange(self, peer, request, Instance('good'), '', base).compose(
                404, {'error': str(error)}))
            return True
        endpoint = ENDPOINTS.get(place, 'other')
        exchange = Exchange(self, peer, request, instance, endpoint, base)
        fault = instance.take_fault(endpoint)
        with instance.lock:
            instance.log.append({'endpoint': endpoint, 'method': request.method, 'by': request.by,
                                 'at': time.monotonic(), **{
                                     key: value for key, value in request.form.items()
                                     if key not in ('password', 'client_secret')}})
        if endpoint == 'other':
            return FAULTS['redirect' if place.startswith('again-') else 'html-404'](exchange)
        return fault(exchange) if fault else exchange.send_good()

    def control(self, peer, request, verb, name):
        instance = self.instance(name)
        if verb == 'control':
            given = json.loads(request.body)
            for endpoint, fault in given.get('faults', {}).items():
                instance.fail(endpoint, *(fault if isinstance(fault, list) else [fault]))
            instance.settings |= given.get('settings', {})
        told = {'control': instance.settings, 'counts': instance.counts, 'log': instance.log}[verb]
        return Exchange(self, peer, request, instance, '', '').send(
            200, told if isinstance(told, list) else dict(told))

    # --- TLS ---

    def certificate(self, name, issuer=None, host='127.0.0.1', days=(-1, 1), ca=False):
        """Makes a certificate, signed by `issuer` or by itself: (path, key's path, it, its key)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.utcnow()
        alternative = x509.DNSName(host) if host[0].isalpha() else x509.IPAddress(
            ipaddress.ip_address(host))
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(
            issuer[2].subject if issuer else subject).public_key(key.public_key()).serial_number(
            x509.random_serial_number()).not_valid_before(
            now + datetime.timedelta(days[0])).not_valid_after(
            now + datetime.timedelta(days[1])).add_extension(
            x509.SubjectAlternativeName([alternative]), False).add_extension(
            x509.BasicConstraints(ca, None), True).sign(issuer[3] if issuer else key,
                                                        hashes.SHA256())
        paths = [os.path.join(self.folder.name, name + end) for end in ('.pem', '.key')]
        parts = made.public_bytes(serialization.Encoding.PEM), key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())
        for path, part in zip(paths, parts):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
                file.write(part)
        return *paths, made, key

    def listen_tls(self):
        authority = self.certificate('authority', ca=True)
        self.ca_file = authority[0]
        made = {'good': self.certificate('good', authority),
                'mismatch': self.certificate('mismatch', authority, host='other.example'),
                'expired': self.certificate('expired', authority, days=(-9, -2)),
                'unknown': self.certificate('unknown'),
                'client': self.certificate('client', authority)}
        for name, certificate in made.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate[:2])
            if name == 'client':
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(self.ca_file)
            self.tls[name] = self.listen('https', context)
        # Speaks no TLS at all.
        self.tls['plain'] = self.authority.replace('http', 'https', 1)
        self.certificate_file, self.certificate_key_file = self.certificate('own', authority)[:2]

    def stop(self):
        for listener in self.listeners:
            # close() alone does not end an accept() under way.
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        self.folder.cleanup()


def main():
    server = Hostile(tls=True)
    print(json.dumps({name: getattr(server, name) for name in (
        'authority', 'ca_file', 'certificate_file', 'certificate_key_file', 'tls', 'refused',
        'unaccepted')}), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == '__main__':
    main()
