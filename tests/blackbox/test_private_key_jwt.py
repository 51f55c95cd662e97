#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that show who they are by a key (RFC 7523, 3; OpenID Connect Core, 9)."""
import base64
import contextlib
import copy
import functools
import json
import os
import shutil
import sqlite3
import uuid

from client_keys import TYPE, Key, assertion, base64url, hs256, join, key_set
from harness import (PUBLIC, Clock, Data, Suite, basic, check, claims_of, equal, refused,
                     served, side_by_side, until)

suite = Suite()
KEYS = {alg: Key(alg, f'{alg} key'.replace(' ', '-')) for alg in ('ES256', 'RS256', 'EdDSA')}
ANOTHERS = Key('ES256', 'anothers')
NOT_REGISTERED = Key('ES256', KEYS['ES256'].kid)


def base64_decoded(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


class Place:
    """An authority with a client that has keys, one that has others, and one with a secret."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user('north', 'write')
        self.shown = self.add('robot', '--jwks-file', key_set(folder, *KEYS.values()),
                              '--access-ttl', '120')
        self.add('another', '--jwks-file', key_set(folder, ANOTHERS))
        self.secret = self.add('with.secret')['client_secret']
        self.server = self.data.serve()
        self.endpoint = self.data.issuer + '/connect/token'

    def add(self, name, *more):
        return self.data.json('client', 'add', name, '--type', 'confidential', '--grant',
                              'client_credentials', '--service-user', self.user['username'], *more)

    def claims(self, client='robot', **more):
        """Those of a good assertion; a member of None is left out."""
        now = self.clock.seconds
        claims = {'iss': client, 'sub': client, 'aud': self.data.issuer, 'jti': str(uuid.uuid4()),
                  'iat': now, 'exp': now + 60, **more}
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, key=KEYS['ES256'], header=None, **claims):
        return assertion(key, self.claims(**claims), **(header or {}))

    def ask(self, text, fields=(), target=None, **more):
        form = {'grant_type': 'client_credentials', 'client_assertion_type': TYPE,
                'client_assertion': text, **more}
        return self.server.post(form, fields, target=target)

    def reason(self, reply):
        """Why, as the operator finds it by the answer's correlation id."""
        wanted = reply.json['correlation_id']
        found, _ = until(lambda: [line['reason'] for line in self.server.events('token_refused')
                                  if line['correlation_id'] == wanted], 'the log')
        return found[0]

    def denied(self, text, reason, **more):
        reply = refused(self.ask(text, **more), 'invalid_client')
        equal(self.reason(reply), reason, f'the reason of {reply!r}')


case = functools.partial(suite.placed, Place)


# --- what is taken ---------------------------------------------------------------------------

@case('a key of each algorithm shows who the client is (requirement 27)')
def each_algorithm(at):
    for key in KEYS.values():
        reply = served(at.ask(at.sign(key)))
        claims = claims_of(reply.json['access_token'])
        equal((claims['sub'], claims['client_id'], claims['amr']),
              (at.user['sub'], 'robot', ['pop']), 'sub, client_id and amr')
        equal(claims['exp'] - claims['iat'], 120, 'the lifetime')
        equal((reply.json['expires_in'], reply.json['scope']), (120, 'cosmos'),
              'expires_in and scope')


@case('what libraries differ in is taken')
def differences(at):
    both = [at.data.issuer, at.endpoint]
    for claims in ({'aud': at.endpoint}, {'aud': [at.data.issuer]}, {'aud': both},
                   {'iat': None}, {'exp': at.clock.seconds + 3600}, {'nbf': at.clock.seconds},
                   {'iat': at.clock.seconds + 59, 'exp': at.clock.seconds + 119},
                   {'exp': at.clock.seconds - 59}, {'scope': 'anything'}):
        served(at.ask(at.sign(**claims)))
    for typ in (None, 'jwt', 'application/jwt', 'client-authentication+jwt'):
        served(at.ask(at.sign(header={'typ': typ})))
    served(at.ask(at.sign(), client_id='robot'))
    served(at.ask(at.sign(), scope='cosmos'))
    served(at.ask(at.sign(header={'kid': None})))


@case('tokens by RS256 where the API asks for it')
def rs256_tokens(at):
    at.data.verb('resource', 'set', 'external-api', '--alg', 'RS256')

    def signed():
        token = served(at.ask(at.sign())).json['access_token']
        return json.loads(base64_decoded(token.split('.')[0]))['alg'] == 'RS256'
    until(signed, 'an RS256 token')


@case('revocation and introspection take an assertion, and use it up')
def other_endpoints(at):
    at.data.verb('client', 'add', 'api', '--type', 'confidential', '--resource', 'external-api',
                 '--jwks-file', key_set(at.folder, KEYS['ES256']))
    token = served(at.ask(at.sign())).json['access_token']
    revocation = at.server.path + '/connect/revocation'
    introspection = at.server.path + '/connect/introspect'
    text = at.sign(client='api')
    equal(at.ask(text, target=introspection, token=token).json['active'], True, 'active')
    at.denied(text, 'assertion_replayed', target=introspection, token=token)
    at.denied(text, 'assertion_replayed', target=revocation, token='unknown')
    text = at.sign()
    equal(at.ask(text, target=revocation, token='unknown').status, 200, 'status')
    at.denied(text, 'assertion_replayed', target=revocation, token='unknown')
    text = at.sign(client='api')
    refused(at.ask(text, target=introspection), 'invalid_request')
    at.denied(text, 'assertion_replayed', target=introspection, token=token)
    refused(at.ask(at.sign(), target=introspection, token=token), 'unauthorized_client')


@case('the discovery document names the method and its algorithms')
def discovery(at):
    found = at.server.get(at.server.path + '/.well-known/openid-configuration').json
    for endpoint in ('token', 'revocation', 'introspection'):
        check('private_key_jwt' in found[f'{endpoint}_endpoint_auth_methods_supported'], endpoint)
        equal(found[f'{endpoint}_endpoint_auth_signing_alg_values_supported'],
              ['ES256', 'RS256', 'EdDSA'], endpoint)


# --- once ------------------------------------------------------------------------------------

@case('an assertion counts once, and so does its jti (requirement 27)')
def once(at):
    claims = at.claims()
    text = assertion(KEYS['ES256'], claims)
    served(at.ask(text))
    at.denied(text, 'assertion_replayed')
    # Signed anew, by another key, with other times.
    for changed in ({}, {'exp': claims['exp'] + 100}, {'aud': at.endpoint}):
        at.denied(assertion(KEYS['RS256'], {**claims, **changed}), 'assertion_replayed')
    # Another client's jti is another.
    served(at.ask(at.sign(ANOTHERS, client='another', jti=claims['jti'])))
    at.server.stop()
    at.server = at.data.serve()
    at.denied(text, 'assertion_replayed')
    at.clock.advance(3600)
    at.denied(text, 'assertion_times')


THREADS = 50


@case(f'{THREADS} at once with one assertion: one token (requirement 27)')
def at_once(at):
    text = at.sign()
    replies = side_by_side(THREADS, lambda _: at.ask(text))
    equal(sorted(reply.status for reply in replies), [200] + [400] * (THREADS - 1), 'statuses')
    for reply in replies:
        if reply.status == 400:
            refused(reply, 'invalid_client')


@case('what is refused later uses it up too; what is refused before does not')
def when_it_is_used_up(at):
    text = at.sign()
    refused(at.ask(text, scope='unknown'), 'invalid_scope')
    at.denied(text, 'assertion_replayed')
    text = at.sign()
    refused(at.ask(text, grant_type='unknown'), 'unsupported_grant_type')
    at.denied(text, 'assertion_replayed')
    claims = at.claims()
    at.denied(assertion(NOT_REGISTERED, claims), 'assertion_signature')
    served(at.ask(assertion(KEYS['ES256'], claims)))


@case('used ones are forgotten when they have ended')
def swept(at):
    served(at.ask(at.sign()))

    def count():
        with sqlite3.connect(f'file:{at.data.path}/adit.db?mode=ro', uri=True) as store:
            return store.execute('SELECT count(*) FROM client_assertion').fetchone()[0]
    equal(count(), 1, 'assertions kept')
    at.server.stop()
    at.clock.advance(200 + 3600)
    at.server = at.data.serve()
    until(lambda: count() == 0, 'swept')


@case('what was used after a backup is not taken again once that is restored')
def restored(at):
    at.data.verb('backup', f'{at.folder}/backup')
    at.clock.advance(10)
    used = [at.sign(), at.sign(iat=None), at.sign(exp=at.clock.seconds + 3600)]
    for text in used:
        served(at.ask(text))
    at.server.stop()
    at.clock.advance(5)
    path = f'{at.folder}/restored'
    os.mkdir(path, 0o700)
    shutil.copy2(at.data.path + '/secret.key', path)
    at.data = copy.copy(at.data)
    at.data.path = path
    at.data.verb('restore', f'{at.folder}/backup')
    at.server = at.data.serve()
    for text in used:
        at.denied(text, 'assertion_times')
    served(at.ask(at.sign()))
    # Without iat none can be told from those, for an hour.
    at.denied(at.sign(iat=None), 'assertion_times')
    at.clock.advance(3601)
    served(at.ask(at.sign(iat=None)))


@case('a store that can not be written: 503, and the assertion is still good')
def store_fails(at):
    text = at.sign()
    with contextlib.closing(sqlite3.connect(f'{at.data.path}/adit.db',
                                            isolation_level=None)) as store:
        store.execute('BEGIN IMMEDIATE')
        reply = refused(at.ask(text), 'server_error', 503)
        equal(at.reason(reply), 'fault', 'the reason')
        # What is wrong is known without the store.
        at.denied(at.sign(NOT_REGISTERED), 'assertion_signature')
        store.execute('ROLLBACK')
    served(at.ask(text))
    at.denied(text, 'assertion_replayed')


# --- what is not taken -----------------------------------------------------------------------

@case('claims that are wrong')
def claims(at):
    now = at.clock.seconds
    for reason, wrong in (
            ('assertion_audience', {'aud': None}),
            ('assertion_audience', {'aud': []}),
            ('assertion_audience', {'aud': 'https://another.example'}),
            ('assertion_audience', {'aud': at.data.issuer + '/'}),
            ('assertion_audience', {'aud': at.data.issuer.upper()}),
            ('assertion_audience', {'aud': [at.data.issuer, 'https://another.example']}),
            ('assertion_audience', {'aud': at.data.issuer + '/connect/introspect'}),
            ('assertion_times', {'exp': None}),
            ('assertion_times', {'exp': now - 61}),
            ('assertion_times', {'exp': 0}),
            ('assertion_times', {'exp': now + 3661 + 60}),
            ('assertion_times', {'exp': 2 ** 52}),
            ('assertion_times', {'iat': now + 120, 'exp': now + 180}),
            ('assertion_times', {'nbf': now + 120, 'exp': now + 180}),
            ('assertion_without_jti', {'jti': None}),
            ('assertion_without_jti', {'jti': ''}),
            ('assertion_issuer', {'iss': 'another'}),
            ('assertion_issuer', {'iss': at.data.issuer}),
            ('assertion_without_keys', {'iss': 'another', 'sub': 'with.secret'}),
            ('assertion_malformed', {'iss': None}),
            ('assertion_malformed', {'sub': None}),
            ('assertion_malformed', {'sub': ''}),
            ('assertion_malformed', {'sub': 7}),
            ('assertion_malformed', {'exp': '1900000000'}),
            ('assertion_malformed', {'exp': -1}),
            ('assertion_malformed', {'jti': 7}),
            ('assertion_malformed', {'aud': [7]}),
            ('unknown_client', {'sub': 'nobody', 'iss': 'nobody'})):
        at.denied(at.sign(**wrong), reason)


@case('types that are another end\'s')
def types(at):
    for typ in ('at+jwt', 'application/at+jwt', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', 'x'):
        at.denied(at.sign(header={'typ': typ}), 'assertion_typ')
    at.denied(at.sign(header={'typ': 7}), 'assertion_malformed')


@case('keys that are wrong')
def keys(at):
    # Another client's key, for this client and for its own name.
    at.denied(at.sign(ANOTHERS), 'assertion_key')
    at.denied(at.sign(ANOTHERS, header={'kid': KEYS['ES256'].kid}), 'assertion_signature')
    at.denied(at.sign(KEYS['ES256'], client='another'), 'assertion_key')
    at.denied(at.sign(NOT_REGISTERED), 'assertion_signature')
    for kid in ('unknown', '', '../' + KEYS['ES256'].kid, KEYS['RS256'].kid):
        at.denied(at.sign(header={'kid': kid}), 'assertion_key')
    # A key brought along is none (requirement 37).
    for name, value in (('jwk', NOT_REGISTERED.jwk()), ('jku', 'http://127.0.0.1:1/keys'),
                        ('x5u', 'http://127.0.0.1:1/chain')):
        text = assertion(NOT_REGISTERED, at.claims(), **{name: value})
        at.denied(text, 'assertion_signature')
    # The client has a secret, or is public, or is the authority's own token.
    at.denied(at.sign(client='with.secret'), 'assertion_without_keys')
    at.denied(at.sign(client=PUBLIC), 'assertion_without_keys')


@case('assertions by no key of the client\'s are limited, whether there is such a client or not')
def limited(at):
    at.server.stop()
    at.server = at.data.serve(attempts=None)
    for client in ('robot', 'nobody'):
        replies = [at.ask(at.sign(NOT_REGISTERED, client=client)) for _ in range(12)]
        statuses = [reply.status for reply in replies]
        check(statuses[0] == 400 and statuses[-1] == 429, repr(statuses))
        equal(statuses, sorted(statuses), 'statuses')
        equal(at.reason(replies[-1]), 'too_many_attempts_secret', 'the reason')
        if client == 'robot':
            wanted = statuses
        equal(statuses, wanted, f'what {client} got')
    # A right one need not wait, and what its own client gets wrong is not counted.
    for _ in range(12):
        served(at.ask(at.sign()))
        at.denied(at.sign(aud='https://another.example'), 'assertion_audience')


@case('another algorithm than the key has (requirement 36)')
def algorithms(at):
    rsa, ecdsa = KEYS['RS256'], KEYS['ES256']
    public = rsa.public_pem()
    for alg, sign in (('none', lambda _: b''), ('None', lambda _: b''), ('HS256', hs256(public)),
                      ('HS256', hs256(b'')), ('HS256', hs256(at.secret.encode())),
                      ('PS256', rsa.signature), ('RS384', rsa.signature), ('', rsa.signature)):
        for kid in (rsa.kid, None):
            header = {'alg': alg, 'typ': 'JWT', **({'kid': kid} if kid else {})}
            at.denied(join(header, at.claims(), sign), 'assertion_malformed')
    at.denied(join({'alg': 'RS256', 'kid': ecdsa.kid}, at.claims(), rsa.signature),
              'assertion_key')
    at.denied(join({'alg': 'ES256', 'kid': ecdsa.kid}, at.claims(), rsa.signature),
              'assertion_signature')
    at.denied(join({'alg': 'ES256', 'kid': ecdsa.kid}, at.claims(), lambda _: b'\0' * 64),
              'assertion_signature')


@case('what is no JWT')
def shapes(at):
    good = at.sign()
    header, payload, signature = good.split('.')
    key = KEYS['ES256']
    claims = json.dumps(at.claims())
    twice = (claims[:-1] + ', "sub": "another"}').encode()
    for text in ('x', '..', good + '.', good + '.x.y', '.' + good, f'{header}.{payload}.',
                 f'{header}.{payload}', f'{header}..{signature}', f'.{payload}.{signature}',
                 good + '=', good.replace('.', '. '), ' ' + good, good + '\n', '{}',
                 json.dumps({'payload': payload, 'signatures': []}),
                 join({'alg': 'ES256', 'crit': ['x'], 'x': 1}, at.claims(), key.signature),
                 join({'alg': 'ES256', 'zip': 'DEF'}, at.claims(), key.signature),
                 join({'alg': 'ES256', 'b64': False}, at.claims(), key.signature),
                 join({'alg': 'ES256'}, twice, key.signature),
                 join(b'{"alg": "ES256", "alg": "ES256"}', at.claims(), key.signature),
                 join({'alg': 'ES256'}, b'[]', key.signature),
                 join({'alg': 'ES256'}, b'{"iss": "robot"', key.signature),
                 join({'alg': 'ES256'}, b'{"iss": "\xff"}', key.signature),
                 join({'alg': 'ES256'}, b'[' * 3000, key.signature),
                 join(b'\xff', at.claims(), key.signature)):
        at.denied(text, 'assertion_malformed')
    # As good as the client itself, but for one bit.
    changed = base64url(bytes([0x80 ^ base64_decoded(signature)[0]]) +
                        base64_decoded(signature)[1:])
    at.denied(f'{header}.{payload}.{changed}', 'assertion_signature')
    served(at.ask(good))


@case('sizes')
def sizes(at):
    served(at.ask(at.sign(jti='j' * 4000)))
    at.denied(at.sign(header={'kid': 'k' * 2000}), 'assertion_malformed')
    for length in (6100, 16000, 40000):
        refused(at.ask(at.sign(jti='j' * length)), 'invalid_request')


@case('parameters that are wrong')
def parameters(at):
    saml = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'
    for wrong in ({'client_assertion_type': saml}, {'client_assertion_type': ''},
                  {'client_assertion_type': 'JWT-bearer'}, {'client_assertion': ''}):
        at.denied(at.sign(), 'assertion_type', **wrong)
    for wrong in ({'client_id': 'another'}, {'client_secret': at.secret},
                  {'client_id': 'with.secret', 'client_secret': at.secret},
                  {'client_id': 'robot', 'client_secret': 'x'}):
        refused(at.ask(at.sign(), **wrong), 'invalid_request')
    for field in (basic('robot', ''), basic('with.secret', at.secret),
                  ('Authorization', 'Bearer x')):
        refused(at.ask(at.sign(), [field]), 'invalid_request')
    pairs = [('grant_type', 'client_credentials'), ('client_assertion_type', TYPE),
             ('client_assertion', at.sign()), ('client_assertion', at.sign())]
    refused(at.server.post(pairs), 'invalid_request')
    refused(at.server.post([*pairs[:2], *pairs[1:3]]), 'invalid_request')
    form = dict(pairs[:3])
    for name in ('client_assertion', 'client_assertion_type'):
        refused(at.server.post(form, target=f'{at.server.path}/connect/token?{name}=x'),
                'invalid_request')


@case('a client with keys has no secret, and a secret is no key')
def secrets(at):
    for secret in ('', at.secret, 'x'):
        refused(at.ask('', [basic('robot', secret)], client_assertion_type=None),
                'invalid_client', 401)
    refused(at.ask('', client_assertion_type=None, client_id='robot'), 'invalid_client')
    served(at.ask('', [basic('with.secret', at.secret)], client_assertion_type=None))


@case('a disabled client or user')
def disabled(at):
    at.data.verb('client', 'disable', 'robot')
    until(lambda: at.ask(at.sign()).status == 400, 'disabled')
    at.denied(at.sign(), 'client_disabled')
    at.data.verb('client', 'enable', 'robot')
    until(lambda: at.ask(at.sign()).status == 200, 'enabled')
    at.data.verb('service-user', 'disable', at.user['username'])
    until(lambda: at.ask(at.sign()).status == 400, 'disabled')
    refused(at.ask(at.sign()), 'invalid_grant')


# --- the verbs -------------------------------------------------------------------------------

@case('keys are shown, and changed beside a running server')
def rotation(at):
    equal(at.shown['keys'], [f'{alg}:{key.kid}' for alg, key in KEYS.items()], 'keys')
    check('client_secret' not in at.shown, 'there is a secret')
    check('ES256:ES256-key' in at.data.verb('client', 'show', 'robot'), 'show')
    old, new = KEYS['ES256'], Key('ES256')
    shown = at.data.json('client', 'set-keys', 'robot', '--jwks-file',
                         key_set(at.folder, old, new))
    check(len(shown['keys']) == 2 and len(shown['keys'][1]) == len('ES256:') + 43, repr(shown))
    kid = shown['keys'][1][6:]
    until(lambda: at.ask(at.sign(new, header={'kid': kid})).status == 200, 'the new key')
    served(at.ask(at.sign(old)))
    at.data.verb('client', 'set-keys', 'robot', '--jwks-file', key_set(at.folder, new))
    until(lambda: at.ask(at.sign(old)).status == 400, 'the old key ended')
    at.denied(at.sign(old), 'assertion_key')
    served(at.ask(at.sign(new, header={'kid': kid})))
    served(at.ask(at.sign(new)))


@case('from a secret to keys')
def secret_to_keys(at):
    def asks():
        return at.ask('', [basic('with.secret', at.secret)], client_assertion_type=None)
    served(asks())
    shown = at.data.json('client', 'set-keys', 'with.secret', '--jwks-file',
                         key_set(at.folder, KEYS['ES256']))
    equal(shown['keys'], ['ES256:ES256-key'], 'keys')
    until(lambda: asks().status == 401, 'the secret ended')
    served(at.ask(at.sign(client='with.secret')))
    done = at.data.attempt('client', 'rotate-secret', 'with.secret')
    equal(done.returncode, 2, 'the status')
    check('has keys and no secret' in done.complained, done.complained)


@case('key sets that are refused, in one line, and nothing is changed')
def bad_sets(at):
    good = KEYS['ES256'].jwk()
    rsa = KEYS['RS256'].jwk()
    weak = Key('RS256', 'weak', bits=1024)
    for part, keys in (
            ('private or secret', [KEYS['ES256'].private_jwk()]),
            ('private or secret', [good, KEYS['RS256'].private_jwk()]),
            ('private or secret', [{'kty': 'oct', 'k': 'c2VjcmV0'}]),
            ('key 2 of', [good, {'kty': 'oct', 'k': 'c2VjcmV0'}]),
            ('malformed or weak', [weak]),
            ('malformed or weak', [{**rsa, 'e': 'Ag'}]),
            ('malformed or weak', [{**good, 'y': good['x']}]),
            ('malformed or weak', [{**good, 'x': good['x'] + '='}]),
            ('malformed or weak', [{'kty': 'EC', 'crv': 'P-256'}]),
            ('malformed or weak', [7]),
            ('malformed or weak', [{}]),
            ('for no algorithm', [{**rsa, 'alg': 'PS256'}]),
            ('for no algorithm', [{**rsa, 'use': 'enc'}]),
            ('for no algorithm', [{**good, 'crv': 'P-384'}]),
            ('for no algorithm', [{**good, 'key_ops': ['sign']}]),
            ('for no algorithm', [{**good, 'alg': 'HS256'}]),
            ('for no algorithm', [{**good, 'kid': 'k' * 129}]),
            ('kid of another', [good, good]),
            ('kid of another', [good, {**rsa, 'kid': good['kid']}]),
            ('visible ASCII', [{**good, 'kid': 'a b'}]),
            ('visible ASCII', [{**good, 'kid': '\x1b[2J'}]),
            ('1 to 8 keys', []),
            ('1 to 8 keys', [{**good, 'kid': str(i)} for i in range(9)])):
        for verb in (['set-keys', 'robot'], ['add', 'new', '--type', 'confidential']):
            done = at.data.attempt('client', *verb, '--jwks-file', key_set(at.folder, *keys))
            equal(done.returncode, 2, f'the status of {done.complained}')
            check(part in done.complained and done.complained.count('\n') == 1, done.complained)
    for text in ('', '{', '[]', '{}', '{"keys": {}}', '{"keys": [], "keys": []}', 'x' * 70000,
                 KEYS['ES256'].pem()):
        path = os.path.join(at.folder, 'bad')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        done = at.data.attempt('client', 'set-keys', 'robot', '--jwks-file', path)
        equal((done.returncode, done.complained.count('\n')), (2, 1), done.complained)
    for path in (at.folder, os.path.join(at.folder, 'missing')):
        done = at.data.attempt('client', 'set-keys', 'robot', '--jwks-file', path)
        equal((done.returncode, 'can\'t be read' in done.complained), (2, True), done.complained)
    for verb in (['set-keys', PUBLIC], ['add', 'new', '--type', 'public'],
                 ['add', 'new', '--type', 'confidential', '--password-out',
                  os.path.join(at.folder, 'out')]):
        done = at.data.attempt('client', *verb, '--jwks-file', key_set(at.folder, good))
        equal(done.returncode, 2, done.complained)
    equal(at.data.attempt('client', 'set-keys', 'robot').returncode, 2, 'without --jwks-file')
    check(at.data.attempt('client', 'show', 'new').returncode, 'a client was made')
    equal(at.data.json('client', 'show', 'robot'), at.shown, 'the client')


@case('nothing private is kept or logged')
def nothing_private(at):
    text = at.sign()
    served(at.ask(text))
    at.denied(text, 'assertion_replayed')
    check(text not in at.server.text() and text.split('.')[2] not in at.server.text(), 'the log')


@case('a large set of large keys is taken, within its bound')
def large(at):
    rsa = Key('RS256', 'large', bits=4096).jwk()
    for count, good in ((4, True), (6, False)):
        keys = [{**rsa, 'kid': f'large-{i}'} for i in range(count)]
        done = at.data.attempt('client', 'set-keys', 'robot', '--jwks-file',
                               key_set(at.folder, *keys))
        equal(done.returncode, 0 if good else 2, done.complained)


suite.main(workers=8)
