#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What lies in the memory of a running authority (requirement 77): its long-lived keys in guarded
pages and nowhere else, and of a request that has been answered no secret at all."""
import base64
import json
import os
import re
import signal
import sqlite3
import ssl
import subprocess

import nacl.bindings
from cryptography.hazmat.primitives.serialization import (load_der_private_key,
                                                          load_pem_private_key)

from harness import (PUBLIC, Data, Folder, Suite, basic, check, compose, connect, equal, served,
                     side_by_side, until)

suite = Suite()
NONCE = 24
# What keeps a page from the swap and from core files.
GUARDED = {'lo', 'dd'}
READ_AT_ONCE = 1 << 24


class Mapping:
    def __init__(self, head):
        span, self.access, _, _, _, *name = head.split(maxsplit=5)
        self.first, self.end = (int(part, 16) for part in span.split('-'))
        self.name = name[0].strip() if name else ''
        self.flags = set()


def mappings(pid):
    found = []
    with open(f'/proc/{pid}/smaps', encoding='utf-8') as file:
        for line in file:
            if re.match('[0-9a-f]+-[0-9a-f]+ ', line):
                found.append(Mapping(line))
            elif line.startswith('VmFlags:'):
                found[-1].flags = set(line.split()[1:])
    return [each for each in found if 'w' in each.access]


def contents(memory, mapping):
    """The bytes of a mapping, in pieces that overlap."""
    for at in range(mapping.first, mapping.end, READ_AT_ONCE):
        memory.seek(at)
        yield memory.read(min(READ_AT_ONCE + 64, mapping.end - at))


def places(pid, needles, attempts=5):
    """Where each of the named needles lies: {name: [mapping]}."""
    try:
        return places_now(pid, needles)
    except OSError:  # a mapping went away, as the server closed a connection to its database
        if attempts == 1:
            raise
    return places(pid, needles, attempts - 1)


def places_now(pid, needles):
    found = {name: [] for name in needles}
    with open(f'/proc/{pid}/mem', 'rb', buffering=0) as memory:
        for mapping in mappings(pid):
            for piece in contents(memory, mapping):
                for name, needle in needles.items():
                    if needle in piece:
                        found[name].append(mapping)
    return found


def opened(path, secret_key):
    """The keys in a database, opened: {purpose: [bytes]}, signing keys as their PKCS#8."""
    found = {}
    database = sqlite3.connect(f'file:{path}/adit.db?mode=ro', uri=True)
    for kid, purpose, alg, sealed in database.execute(
            'SELECT kid, purpose, alg, sealed FROM authority_key'):
        bound = ''.join(part + '\0' for part in ('adit-key-1', purpose, kid, alg)).encode()
        plain = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[NONCE:], bound, sealed[:NONCE], secret_key)
        found.setdefault(purpose, []).append((alg, plain))
    database.close()
    return found


def numbers(alg, der):
    """The secret numbers of a signing key, as OpenSSL keeps them here: lowest byte first. Not an
    RSA key's factors: OpenSSL 3.0 copies both, once it has signed, into what it prepares for the
    next signature, on the heap."""
    secret = load_der_private_key(der, None).private_numbers()
    if alg == 'ES256':
        return {'d': secret.private_value.to_bytes(32, 'little')}
    return {name: getattr(secret, name).to_bytes(size, 'little')
            for name, size in (('d', 256), ('dmp1', 128), ('dmq1', 128), ('iqmp', 128))}


def secret_key_of(path):
    """As it stands in its file, and its bytes."""
    with open(path + '/secret.key', encoding='ascii') as file:
        text = file.read().strip()
    return text, base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def keys_of(path):
    text, secret_key = secret_key_of(path)
    keys = opened(path, secret_key)
    named = {'the secret key': secret_key}
    for purpose in ('sealing', 'pepper'):
        named |= {f'{purpose} key {number}': plain
                  for number, (_, plain) in enumerate(keys[purpose])}
    for alg, der in keys['signing']:
        for name, number in numbers(alg, der).items():
            named[f'{name} of the {alg} key'] = number
    never = {'the text of the secret key': text.encode()}
    for alg, der in keys['signing']:
        never[f'the PKCS#8 of the {alg} key'] = der
        for name, number in numbers(alg, der).items():
            never[f'{name} of the {alg} key, highest byte first'] = number[::-1]
    return named, never


# Requirement 46.
@suite.case('sealing keys and peppers have 32 bytes')
def lengths():
    with Folder() as folder:
        data = Data(folder)
        data.verb('key', 'rotate', '--purpose', 'pepper')
        keys = opened(data.path, secret_key_of(data.path)[1])
        equal([[len(plain) for _, plain in keys[purpose]] for purpose in ('sealing', 'pepper')],
              [[32], [32, 32]], 'bytes of each')


def why_not(server):
    if server.is_sanitized():
        return 'a sanitizer keeps its own copies, and its shadow is too large to read'
    try:
        with open(f'/proc/{server.pid}/mem', 'rb'):
            return None
    except PermissionError:
        return "the memory of a process that leaves no core is open to root alone"


def check_guarded(pid, named):
    for name, found in places(pid, named).items():
        check(found, f'{name} is not found: this test looks for the wrong bytes')
        for mapping in found:
            check(GUARDED <= mapping.flags, f'{name} lies in {mapping.name or "a mapping"} '
                                            f'with {sorted(mapping.flags)}')


def check_gone(pid, needles):
    for name, found in places(pid, needles).items():
        equal([mapping.name or hex(mapping.first) for mapping in found], [], f'where {name} lies')


@suite.case('long-lived keys lie in guarded memory, and nowhere else')
def guarded():
    with Folder() as folder:
        data = Data(folder)
        data.verb('resource', 'add', 'old-api', '--alg', 'RS256', '--scope', 'old')
        user = data.user()
        data.json('client', 'add', 'old', '--type', 'public', '--grant', 'password', '--scope',
                  'old', '--scope', 'offline_access', '--grant', 'refresh_token')
        server = data.serve()
        try:
            reason = why_not(server)
            if reason:
                return reason
            for turn in range(20):
                server.sign_in(user)
                answer = server.sign_in(user, client_id='old')
                served(server.refresh(answer['refresh_token'], client_id='old'))
                server.password({**user, 'password': f'wrong {turn}'})
            named, never = keys_of(data.path)
            check_guarded(server.pid, named)
            check_gone(server.pid, never)
            # Read again, after a change of the keys.
            data.verb('key', 'rotate', '--purpose', 'pepper')
            server.sign_in(user)
            check_guarded(server.pid, named)
            return None
        finally:
            server.stop()


@suite.case('of an answered request no password, secret or token stays')
def answered():
    with Folder() as folder:
        data = Data(folder)
        user = data.user()
        client = data.json('client', 'add', 'partner', '--type', 'confidential')
        server = data.serve()
        try:
            reason = why_not(server)
            if reason:
                return reason
            secret = client['client_secret']
            typed = 'Typed-In-Wrongly-7319'

            def use(turn):
                partner = {'client_id': 'partner', 'client_secret': secret}
                answer = server.sign_in(user, **(partner if turn % 2 else {}))
                server.password({**user, 'password': typed})
                server.post({'grant_type': 'password', **user}, [basic('partner', typed)])
                server.post({'grant_type': 'password', 'client_id': PUBLIC, **user,
                             'password': typed + '%'})
                return answer
            answers = side_by_side(8, lambda turn: [use(turn) for _ in range(3)])
            needles = {'the password': user['password'].encode(),
                       'the client secret': secret.encode(), 'a wrong password': typed.encode()}
            for number, answer in enumerate(each for part in answers for each in part):
                needles[f'refresh token {number}'] = answer['refresh_token'].encode()
                needles[f'access token {number}'] = answer['access_token'].encode()
            check_gone(server.pid, needles)
            return None
        finally:
            server.stop()


# Of the passwords below, by pyca/bcrypt and by Python's hashlib.
BCRYPT = '$2b$10$3jrnp7EmYt8tmkNwhyqqueon7GP6GC/T1HFzOjYqM3Kl0.vLX2Xa2'
IDENTITY = ('AQAAAAEAACcQAAAAEK07TYBF2j0w1zyN0dLhN7I37sc5'
            'ccGu/yGAqRFDaSyyjvH5dprVkQzVSO8FqF8Ohw==')


@suite.case('of an imported password none stays, however it was hashed')
def imported():
    with Folder() as folder:
        data = Data(folder)
        data.verb('site', 'add', 'north')
        typed = {'plain': 'Canary-In-Argon2-8461', 'bcrypt': 'Canary-In-Bcrypt-2947',
                 'Identity': 'Canary-In-PBKDF2-5038'}
        hashes = {'bcrypt': BCRYPT, 'Identity': IDENTITY}
        lines = [json.dumps({'username': name, 'site': 'north', 'role': 'read',
                             **({'password_hash': hashes[name]} if name in hashes
                                else {'password': password})})
                 for name, password in typed.items()]
        done = data.attempt('service-user', 'import', given='\n'.join(lines).encode())
        equal(done.returncode, 0, done.complained)
        server = data.serve()
        try:
            reason = why_not(server)
            if reason:
                return reason
            for name, password in typed.items():
                user = {'username': name, 'password': password}
                for _ in range(3):
                    served(server.password(user))
                    server.password({**user, 'password': password + ' misspelt'})
                    server.password({**user, 'username': 'nobody'})
            check_gone(server.pid, {name: password.encode() for name, password in typed.items()})
            return None
        finally:
            server.stop()


@suite.case("the private key of --tls-key too, also one that was renewed")
def tls_key():
    with Folder() as folder:
        paths = {name: os.path.join(folder, name) for name in ('key.pem', 'cert.pem')}

        def renew():
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                            'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj',
                            '/CN=localhost', '-keyout', paths['key.pem'], '-out',
                            paths['cert.pem']], check=True, capture_output=True)
            with open(paths['key.pem'], 'rb') as file:
                pem = file.read()
            key = load_pem_private_key(pem, None)
            number = key.private_numbers().private_value.to_bytes(32, 'little')
            return {'d of the TLS key': number}, {
                'the file of the TLS key': pem.split(b'\n')[1],
                'd of the TLS key, highest byte first': number[::-1]}
        needed, never = renew()
        server = Data(folder).serve('--tls-cert', paths['cert.pem'], '--tls-key',
                                    paths['key.pem'])
        reason = why_not(server)
        for _ in range(2):
            context = ssl._create_unverified_context()
            with context.wrap_socket(connect(server.address)) as peer:
                peer.sendall(compose('GET', '/healthz'))
                check(peer.recv(4096).startswith(b'HTTP/1.1 200'), 'no answer')
            if reason:
                break
            check_guarded(server.pid, needed)
            check_gone(server.pid, never)
            gone = {**needed, **never}
            needed, never = renew()
            os.kill(server.pid, signal.SIGHUP)
            server.line(server.log, lambda line: 'tls_reloaded' in line)
            # The loops have let go of the old one when the last connection of before has.
            until(lambda: not any(places(server.pid, gone).values()), 'the old key is gone')
        server.stop()
        return reason


suite.main(workers=1)
