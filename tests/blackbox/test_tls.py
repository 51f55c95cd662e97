#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`aditd serve` with a certificate: clients of several makes, the files, their renewal."""
import concurrent.futures
import datetime
import ipaddress
import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from harness import (PATIENCE_S, PUBLIC, Clock, Data, Folder, Suite, check, claims_of, compose,
                     connect, equal, exchange, form, receive, until)

DAY = datetime.timedelta(days=1)
suite = Suite()


# --- certificates ----------------------------------------------------------------------------

class Certificate:
    """A self-signed one for localhost, or one of `issuer`'s."""

    def __init__(self, name='localhost', key=None, since=None, until=None, issuer=None):
        now = datetime.datetime.utcnow()
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(
            issuer_name=issuer.certificate.subject if issuer else subject, subject_name=subject,
            public_key=self.key.public_key(), serial_number=x509.random_serial_number(),
            not_valid_before=since or now - DAY, not_valid_after=until or now + 90 * DAY)
        names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        builder = builder.add_extension(x509.BasicConstraints(name == 'authority', None), True)
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, passphrase=None):
        encryption = (serialization.BestAvailableEncryption(passphrase) if passphrase
                      else serialization.NoEncryption())
        return self.key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8, encryption)


class Files:
    """A certificate's files in a folder."""

    def __init__(self, folder, certificate=None, **more):
        self.folder = folder
        self.cert = os.path.join(folder, 'cert.pem')
        self.key = os.path.join(folder, 'key.pem')
        self.write(certificate or Certificate(**more))

    def write(self, certificate, chain=b''):
        self.certificate = certificate
        self.put(self.cert, certificate.pem + chain, 0o644)
        self.put(self.key, certificate.key_pem(), 0o600)

    def put(self, path, content, mode):
        """At once, as tools that renew certificates do."""
        with open(path + '.new', 'wb') as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
        os.rename(path + '.new', path)

    @property
    def options(self):
        return ['--tls-cert', self.cert, '--tls-key', self.key]

    def client(self, **more):
        """A client that trusts this certificate alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.certificate.pem.decode())
        for name, value in more.items():
            setattr(context, name, value)
        return context


def connect_tls(server, context):
    """The connection after its handshake."""
    return context.wrap_socket(connect(server.address), server_hostname='localhost')


def ask(peer, raw):
    peer.sendall(raw)
    return receive(peer, time.monotonic())


def get(server, context, target='/healthz'):
    with connect_tls(server, context) as peer:
        return ask(peer, compose('GET', target))


def keep(target='/healthz'):
    return f'GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode()


def name_shown(server):
    """The name in the certificate that a new connection gets."""
    context = ssl._create_unverified_context()
    with connect_tls(server, context) as peer:
        shown = x509.load_der_x509_certificate(peer.getpeercert(True))
    return shown.subject.rfc4514_string()


def hang_up(server, event):
    """SIGHUP, and the event that comes of it."""
    count = len(server.events(event))
    os.kill(server.pid, signal.SIGHUP)
    until(lambda: len(server.events(event)) > count, event)
    return server.events(event)[-1]


# --- one server for many ---------------------------------------------------------------------

shared = Folder()
place = shared.__enter__()
data = Data(place)
user = data.user()
files = Files(place)
server = data.serve(*files.options, '--threads', '3')


def curl(*arguments):
    done = subprocess.run(
        ['curl', '--silent', '--show-error', '--cacert', files.cert, '--resolve',
         f'localhost:{server.address.split(":")[1]}:127.0.0.1', '--write-out', '\n%{http_code}',
         *arguments, '--max-time', str(PATIENCE_S)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def url(target='/healthz'):
    return f'https://localhost:{server.address.split(":")[1]}{target}'


@suite.case('curl, TLS 1.2', ['--tlsv1.2', '--tls-max', '1.2'])
@suite.case('curl, TLS 1.3', ['--tlsv1.3'])
@suite.case('curl, as it comes', [])
@suite.case('curl, that would rather speak HTTP/2', ['--http2'])
def curl_is_served(options):
    equal(curl(*options, url()), (0, 'alive\n\n200'), 'what curl says')


@suite.case('curl, TLS 1.1', ['--tlsv1.1', '--tls-max', '1.1'])
@suite.case('curl, a cipher without forward secrecy',
            ['--tls-max', '1.2', '--ciphers', 'AES128-GCM-SHA256'])
def curl_is_refused(options):
    status, said = curl(*options, url())
    equal((status, said), (35, '\n000'), 'what curl says')


@suite.case('a token, by curl')
def curl_token():
    with Folder() as folder:
        path = os.path.join(folder, 'form')
        with open(path, 'wb') as file:
            file.write(form({'grant_type': 'password', 'client_id': PUBLIC,
                             'username': user['username'], 'password': user['password']}))
        status, said = curl('--data', f'@{path}', url('/identity/connect/token'))
    body, _, code = said.rpartition('\n')
    equal((status, code), (0, '200'), said)
    equal(claims_of(json.loads(body)['access_token'])['iss'], data.issuer, 'iss')


def s_client(*options):
    done = subprocess.run(
        ['openssl', 's_client', '-connect', server.address, '-CAfile', files.cert,
         '-verify_return_error', '-servername', 'localhost', *options],
        input=keep().replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n'),
        capture_output=True, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stdout.decode(errors='replace') + done.stderr.decode()


@suite.case('openssl s_client, TLS 1.3', ['-ign_eof', '-alpn', 'h2,http/1.1'],
            ['New, TLSv1.3', 'ALPN protocol: http/1.1', 'Verification: OK', 'HTTP/1.1 200 OK',
             'Compression: NONE', 'X25519'])
@suite.case('openssl s_client, TLS 1.2', ['-ign_eof', '-tls1_2'],
            ['New, TLSv1.2', 'ECDHE-ECDSA-AES', 'GCM', 'No ALPN negotiated', 'HTTP/1.1 200 OK',
             'Secure Renegotiation IS supported', 'Extended master secret: yes'])
def openssl_is_served(options, words):
    status, said = s_client(*options)
    equal(status, 0, said)
    for word in words:
        check(word in said, f'{word!r} is not in {said}')
    check('TLS session ticket' not in said and 'New Session Ticket' not in said, said)
    check('Early data was accepted' not in said and 'Max Early Data: 0' in said
          or 'Max Early Data' not in said, said)


@suite.case('openssl s_client, h2 alone', ['-alpn', 'h2'], 'no application protocol')
@suite.case('openssl s_client, CBC', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA256'],
            'handshake failure')
def openssl_is_refused(options, word):
    status, said = s_client(*options)
    check(status and word in said, said)


@suite.case('Python: one connection, many requests, some of them pipelined')
def pipelined():
    with connect_tls(server, files.client()) as peer:
        equal(peer.version(), 'TLSv1.3', 'version')
        for _ in range(20):
            equal(ask(peer, keep()).status, 200, 'a request')
        peer.sendall(keep() * 49 + compose('GET', '/healthz'))
        said = b''
        while True:
            part = peer.recv(65536)
            if not part:
                break
            said += part
        equal(said.count(b'HTTP/1.1 200 OK\r\n'), 50, 'pipelined requests')


@suite.case('a request, a byte a record', ssl.TLSVersion.TLSv1_2)
@suite.case('a request, a byte a record', ssl.TLSVersion.TLSv1_3)
def a_byte_a_record(version):
    body = form({'grant_type': 'password', 'client_id': PUBLIC, 'username': user['username'],
                 'password': user['password']})
    raw = compose('POST', '/identity/connect/token',
                  [('Content-Type', 'application/x-www-form-urlencoded')], body)
    with connect_tls(server, files.client(maximum_version=version)) as peer:
        for index in range(len(raw)):
            peer.sendall(raw[index:index + 1])
        equal(receive(peer, 0).status, 200, 'status')


@suite.case('bodies around the size of a record')
def bodies():
    with connect_tls(server, files.client()) as peer:
        for size in (16383, 16384, 16385, 65535, 65536):
            raw = (f'POST /identity/connect/token HTTP/1.1\r\nHost: localhost\r\n'
                   f'Content-Length: {size}\r\n\r\n').encode() + b'a' * size
            equal(ask(peer, raw).status, 400, f'a body of {size}')
    with connect_tls(server, files.client()) as peer:
        raw = b'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n'
        equal(ask(peer, raw).status, 413, 'a body too large')


@suite.case('malformed requests are refused as ever')
def malformed():
    for raw, status in ((b'GET / HTTP/1.1\r\n\r\n', 400), (b'GET / HTTP/1.1\nHost: x\n\n', 400),
                        (b'GET * HTTP/1.1\r\nHost: x\r\n\r\n', 400),
                        (b'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 505),
                        (b'GET /' + b'a' * 5000 + b' HTTP/1.1\r\nHost: x\r\n\r\n', 414)):
        with connect_tls(server, files.client()) as peer:
            reply = ask(peer, raw)
            equal(reply.status, status, f'{raw[:40]!r}')
            check(re.fullmatch('[A-Za-z0-9]{16}', reply.json['correlation_id']), repr(reply))
            equal(peer.recv(1), b'', 'what comes after a refusal')


@suite.case('plain HTTP is told to use TLS, and logged')
def plain():
    reply = exchange(server.address, compose('GET', '/healthz'))
    equal((reply.status, reply.json['error']), (400, 'invalid_request'), repr(reply))
    check('https' in reply.json['error_description'], repr(reply))
    server.line(server.log, lambda line: reply.json['correlation_id'] in line)


@suite.case('random bytes, and handshakes cut anywhere')
def random_bytes():
    numbers = random.Random(1)
    hello = ssl.MemoryBIO()
    try:
        files.client().wrap_bio(ssl.MemoryBIO(), hello, server_hostname='localhost').do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = hello.read()
    for index in range(150):
        raw = bytes(numbers.randrange(256) for _ in range(numbers.randrange(1, 200)))
        if index % 3 == 0:
            raw = hello[:numbers.randrange(1, len(hello))]
        elif index % 3 == 1:
            raw = bytearray(hello)
            raw[numbers.randrange(len(raw))] ^= 1 << numbers.randrange(8)
        with connect(server.address) as peer:
            peer.sendall(raw)
            peer.shutdown(socket.SHUT_WR)
            try:
                while peer.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    equal(get(server, files.client()).status, 200, 'a client after them')


@suite.case('a handshake that is never ended is closed in time')
def slow_handshake():
    began = time.monotonic()
    with connect(server.address) as peer:
        peer.sendall(b'\x16\x03\x01')
        equal(peer.recv(1), b'', 'what comes')
    took = time.monotonic() - began
    check(4.9 < took < 60, f'closed after {took} s')
    server.line(server.log, lambda line: 'tls_handshake_failed' in line)


@suite.case('a client that does not trust the certificate is told of')
def distrust():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        connect_tls(server, context).close()
        check(False, 'it was trusted')
    except ssl.SSLCertVerificationError:
        pass

    def seen(line):
        return 'tls_handshake_failed' in line and '"source":"127.0.0.1"' in line
    server.line(server.log, seen)


@suite.case('many connections at once')
def many():
    context = files.client()
    peers = [connect_tls(server, context) for _ in range(200)]
    for peer in peers:
        peer.sendall(keep())
    for peer in peers:
        equal(receive(peer, 0).status, 200, 'one of many')
        peer.close()


@suite.case('the listening line says https')
def listening():
    event, = server.events('listening')
    equal((event['scheme'], event['address']), ('https', server.address), 'the event')
    equal([event['reason'] for event in server.events('tls_certificate')], [], 'warnings')


# --- what is refused at the start ------------------------------------------------------------

def refused_at_start(name, change, *words, arguments=None):
    """A case: with what `change` does to the files it does not start, and says why in a line."""
    def refuses():
        with Folder() as folder:
            own = Files(folder)
            if change:
                change(own)
            options = arguments(own) if arguments else own.options
            done = data.attempt('serve', '--listen', '127.0.0.1:0', *options)
            equal((done.returncode, done.complained.count('\n')), (2, 1), done.complained)
            for word in words:
                word = word.format(cert=own.cert, key=own.key)
                check(word in done.complained, f'{word!r} is not in {done.complained!r}')
    suite.case(f'refused: {name}')(refuses)


def other_key(own):
    own.put(own.key, Certificate().key_pem(), 0o600)


def encrypted_key(own):
    own.put(own.key, own.certificate.key_pem(b'canary'), 0o600)


def weak_key(own):
    own.write(Certificate(key=rsa.generate_private_key(65537, 1024)))


refused_at_start('a key of another certificate', other_key, '{key}', '{cert}', 'is not that of')
refused_at_start('an encrypted key', encrypted_key, '{key}', 'is encrypted')
refused_at_start('a weak key', weak_key, '{key}', '1024 bits')
refused_at_start('a key that others may read', lambda own: os.chmod(own.key, 0o644), '{key}',
                 'can be read by others')
refused_at_start('no certificate', lambda own: os.unlink(own.cert), '{cert}', 'No such file')
refused_at_start('no key', lambda own: os.unlink(own.key), '{key}', 'No such file')
refused_at_start('a folder', None, 'is no regular file',
                 arguments=lambda own: ['--tls-cert', own.folder, '--tls-key', own.key])
refused_at_start('both files the other way round', None, '{key}', 'holds no certificate',
                 arguments=lambda own: ['--tls-cert', own.key, '--tls-key', own.cert])
refused_at_start('a certificate without a key', None, '--tls-cert', 'tls-key',
                 arguments=lambda own: ['--tls-cert', own.cert])
refused_at_start('a key without a certificate', None, '--tls-key', 'tls-cert',
                 arguments=lambda own: ['--tls-key', own.key])


@suite.case('refused: a certificate where only Unix sockets are listened on')
def only_unix():
    done = data.attempt('serve', '--listen', f'unix:{place}/never', *files.options)
    equal(done.returncode, 2, done.complained)
    check('Unix sockets' in done.complained, done.complained)


# --- where it may listen ---------------------------------------------------------------------

@suite.case('beyond loopback with a certificate, and not without')
def beyond_loopback():
    with Folder() as folder:
        own = Data(folder)
        done = own.attempt('serve', '--listen', '0.0.0.0:0')
        equal(done.returncode, 2, done.complained)
        check('--tls-cert' in done.complained, done.complained)
        its = Files(folder)
        config = os.path.join(folder, 'aditd.conf')
        with open(config, 'w', encoding='utf-8') as file:
            file.write(f'tls-cert = {its.cert}\ntls-key = {its.key}\n')
        running = own.serve('--config', config, listen='0.0.0.0:0')
        running.address = running.address.replace('0.0.0.0', '127.0.0.1')
        equal(get(running, its.client()).status, 200, 'health')
        running.stop()


@suite.case('a Unix socket beside it stays plain')
def unix_beside():
    with Folder() as folder:
        own, its = Data(folder), Files(folder)
        address = f'unix:{folder}/http'
        running = own.serve(*its.options, '--listen', address)
        running.line(running.log, lambda line: address in line)
        equal([event['scheme'] for event in running.events('listening')], ['https', 'http'],
              'what is spoken')
        equal(exchange(address, compose('GET', '/healthz')).status, 200, 'over the Unix socket')
        equal(get(running, its.client()).status, 200, 'over TCP')
        running.stop()


# --- renewal ---------------------------------------------------------------------------------

@suite.case('SIGHUP takes a renewed certificate; a bad one leaves the old')
def renewal():
    with Folder() as folder:
        own, its = Data(folder), Files(folder)
        running = own.serve(*its.options)
        with connect_tls(running, its.client()) as peer:
            equal(ask(peer, keep()).status, 200, 'before')
            its.write(Certificate('renewed'))
            equal(name_shown(running), 'CN=localhost', 'not before it is told')
            event = hang_up(running, 'tls_reloaded')
            equal(event['expires_at'], int(its.certificate.certificate.not_valid_after.replace(
                tzinfo=datetime.timezone.utc).timestamp()), 'expires_at')
            equal(name_shown(running), 'CN=renewed', 'after it')
            for change, word in (
                    (other_key, 'is not that of'), (encrypted_key, 'is encrypted'),
                    (lambda files: os.unlink(files.cert), 'No such file'),
                    (lambda files: files.put(files.cert, b'', 0o644), 'holds no certificate'),
                    (lambda files: files.write(Certificate(
                        since=datetime.datetime(2020, 1, 1), until=datetime.datetime(2021, 1, 1))),
                     'is not valid now')):
                change(its)
                event = hang_up(running, 'tls_reload_failed')
                check(word in event['reason'], f'{word!r} is not in {event}')
                equal(name_shown(running), 'CN=renewed', f'after {word}')
            equal(ask(peer, keep()).status, 200, 'the connection of before')
        running.stop()


@suite.case('SIGHUP follows a link that was turned')
def turned_link():
    with Folder() as folder:
        own = Data(folder)
        for name in ('one', 'two'):
            os.mkdir(f'{folder}/{name}')
            Files(f'{folder}/{name}', Certificate(name))
        os.symlink('one', f'{folder}/live')
        running = own.serve('--tls-cert', f'{folder}/live/cert.pem', '--tls-key',
                            f'{folder}/live/key.pem')
        equal(name_shown(running), 'CN=one', 'at first')
        os.symlink('two', f'{folder}/next')
        os.rename(f'{folder}/next', f'{folder}/live')
        hang_up(running, 'tls_reloaded')
        equal(name_shown(running), 'CN=two', 'then')
        running.stop()


@suite.case('no request fails while certificates change')
def renewal_under_load():
    with Folder() as folder:
        own, its = Data(folder), Files(folder)
        running = own.serve(*its.options, '--threads', '2')
        context = ssl._create_unverified_context()
        ends = threading.Event()

        def work(_):
            count = 0
            while not ends.is_set():
                with connect_tls(running, context) as peer:
                    for _ in range(3):
                        equal(ask(peer, keep()).status, 200, 'a request')
                        count += 1
            return count
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            workers = [pool.submit(work, index) for index in range(4)]
            for index in range(20):
                its.write(Certificate(f'number-{index}'))
                hang_up(running, 'tls_reloaded')
            ends.set()
            check(all(worker.result() for worker in workers), 'nothing was asked')
        equal(running.events('tls_handshake_failed'), [], 'failed handshakes')
        running.stop()


@suite.case('SIGHUP without a certificate changes nothing')
def nothing_to_renew():
    with Folder() as folder:
        running = Data(folder).serve()
        event = hang_up(running, 'tls_reload_failed')
        check('--tls-cert' in event['reason'], repr(event))
        equal(running.get('/healthz').status, 200, 'health')
        running.stop()


# --- what is warned of -----------------------------------------------------------------------

def warned(what, reasons, chain=b'', **more):
    """A case: it starts, and warns for these reasons and no other."""
    def warns():
        with Folder() as folder:
            own, its = Data(folder), Files(folder, **more)
            its.write(its.certificate, chain)
            running = own.serve(*its.options)
            name_shown(running)
            running.stop()
            equal([event['reason'] for event in running.events('tls_certificate')], reasons,
                  'warnings')
    suite.case(f'warned of: {what}')(warns)


now = datetime.datetime.utcnow()
authority = Certificate('authority')
warned('one that has expired', ['expired'], since=now - 9 * DAY, until=now - DAY)
warned('one that is not valid yet', ['not_yet_valid'], since=now + DAY, until=now + 90 * DAY)
warned('one that expires within 14 days', ['expires_soon'], until=now + 13 * DAY)
warned('nothing', [], until=now + 15 * DAY)
warned('a certificate of another name', ['other_name'], name='elsewhere.example')
warned('no chain', ['no_chain'], issuer=authority)
warned('a chain', [], issuer=authority, chain=authority.pem)
warned('a chain of somebody else', ['chain_order'], issuer=authority, chain=Certificate().pem)


@suite.case('one that runs out is told of once a day')
def runs_out():
    with Folder() as folder:
        clock = Clock(folder)
        start = datetime.datetime.utcfromtimestamp(clock.seconds)
        own = Data(folder, clock=clock)
        its = Files(folder, since=start - DAY, until=start + 20 * DAY)
        running = own.serve(*its.options)
        reasons = []
        for days, reason in ((5, None), (2, 'expires_soon'), (0.5, None), (0.5, 'expires_soon'),
                             (13, 'expired')):
            clock.advance(days * 86400)
            if reason:
                reasons.append(reason)
            until(lambda: len(running.events('tls_certificate')) >= len(reasons), 'a warning')
            time.sleep(1)
            equal([event['reason'] for event in running.events('tls_certificate')], reasons,
                  'warnings')
        running.stop()
        clock.close()


suite.main(server, workers=6)
