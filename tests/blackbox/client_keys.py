# SPDX-License-Identifier: Apache-2.0
"""Keys of clients, and the assertions that they sign with them (RFC 7523), right and wrong ones."""
import base64
import hashlib
import hmac
import json
import os
import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def number(value, length=None):
    return base64url(value.to_bytes(length or (value.bit_length() + 7) // 8, 'big'))


class Key:
    """A key pair: "ES256", "RS256" or "EdDSA", or others that are not taken."""

    def __init__(self, alg, kid=None, bits=2048, curve=None):
        self.alg, self.kid = alg, kid
        if alg in ('RS256', 'PS256'):
            self.private = rsa.generate_private_key(65537, bits)
        elif alg == 'EdDSA':
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = ec.generate_private_key(curve or ec.SECP256R1())

    def jwk(self, **more):
        members = {'kid': self.kid} if self.kid else {}
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.public_key().public_numbers()
            members |= {'kty': 'RSA', 'n': number(numbers.n), 'e': number(numbers.e)}
        elif self.alg == 'EdDSA':
            raw = self.private.public_key().public_bytes(
                serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            members |= {'kty': 'OKP', 'crv': 'Ed25519', 'x': base64url(raw)}
        else:
            numbers = self.private.public_key().public_numbers()
            size = (self.private.curve.key_size + 7) // 8
            members |= {'kty': 'EC', 'crv': {32: 'P-256', 48: 'P-384'}[size],
                        'x': number(numbers.x, size), 'y': number(numbers.y, size)}
        return {**members, **more}

    def private_jwk(self):
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.private_numbers()
            return self.jwk(d=number(numbers.d), p=number(numbers.p), q=number(numbers.q))
        return self.jwk(d=number(self.private.private_numbers().private_value, 32))

    def pem(self):
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode()

    def public_pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def signature(self, data):
        if isinstance(self.private, rsa.RSAPrivateKey):
            scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if self.alg == 'PS256' else \
                padding.PKCS1v15()
            return self.private.sign(data, scheme, hashes.SHA256())
        if self.alg == 'EdDSA':
            return self.private.sign(data)
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, 'big') + s.to_bytes(32, 'big')


def key_set(folder, *jwks):
    """A file with a JWK Set: of keys, or of JWKs."""
    path = os.path.join(folder, f'{uuid.uuid4()}.json')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'keys': [jwk.jwk() if isinstance(jwk, Key) else jwk for jwk in jwks]}, file)
    return path


def text_of(part):
    return base64url(part if isinstance(part, bytes) else json.dumps(part).encode())


def join(header, claims, sign):
    """A JWS: header and claims as objects, or as bytes; signed by `sign`."""
    text = f'{text_of(header)}.{text_of(claims)}'
    return f'{text}.{base64url(sign(text.encode()))}'


def assertion(key, claims, **header):
    """Signed by the key; a header's member of None is left out."""
    members = {'alg': key.alg, 'kid': key.kid, 'typ': 'JWT', **header}
    return join({name: value for name, value in members.items() if value is not None},
                claims, key.signature)


def hs256(secret):
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()
