#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client at an authority that is not ours and certified, npm's oidc-provider: people by code
and PKCE, by a device code and in a real browser, refresh with rotation, a client's own secret and
key."""
import atexit
import base64
import json
import os
import subprocess
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from client_harness import (DENIED, ENVIRONMENT, HERE, PERSON, TRUST, Driver, check, equal, hostile,
                            make_key)
from harness import Suite
from person import Person

suite = Suite()
SKIPPED = 77
LATER_MS = 700_000  # its access tokens live for 600 s
KEYS = {'ES256': lambda: ec.generate_private_key(ec.SECP256R1()),
        'RS256': lambda: rsa.generate_private_key(65537, 2048),
        'EdDSA': ed25519.Ed25519PrivateKey.generate}


def why_not():
    if not os.path.isdir(os.path.join(HERE, '../clients/node_modules')):
        return 'no tests/clients/node_modules; ./check installs them, or `npm ci` there'
    return None


class Provider:
    """An oidc-provider until the end of the tests."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            ['node', os.path.join(HERE, 'oidc_provider.mjs'), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        atexit.register(self.stop)
        self.events = []
        said = self.process.stdout.readline()
        check(said, 'oidc-provider does not start')
        self.__dict__.update(json.loads(said))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stderr:
            self.events.append(line)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def counts(self, ca_file=None):
        return json.loads(Person(ca_file=ca_file).fetch(self.authority + '/counts')['text'])


def number(value):
    return base64.urlsafe_b64encode(
        value.to_bytes((value.bit_length() + 7) // 8, 'big')).rstrip(b'=').decode()


def public_jwk(alg, key):
    public = key.public_key()
    common = {'alg': alg, 'kid': alg.lower(), 'use': 'sig'}
    if alg == 'RS256':
        numbers = public.public_numbers()
        return {**common, 'kty': 'RSA', 'n': number(numbers.n), 'e': number(numbers.e)}
    if alg == 'ES256':
        numbers = public.public_numbers()
        x, y = (base64.urlsafe_b64encode(part.to_bytes(32, 'big')).rstrip(b'=').decode()
                for part in (numbers.x, numbers.y))
        return {**common, 'kty': 'EC', 'crv': 'P-256', 'x': x, 'y': y}
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {**common, 'kty': 'OKP', 'crv': 'Ed25519',
            'x': base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}


def make_keys(folder):
    """The client's keys as files, and the set of their public parts: its path."""
    public = []
    for alg, make in KEYS.items():
        key = make()
        public.append(public_jwk(alg, key))
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
        with open(os.open(os.path.join(folder, alg), os.O_WRONLY | os.O_CREAT, 0o600),
                  'wb') as file:
            file.write(pem)
    path = os.path.join(folder, 'jwks')
    with open(path, 'w', encoding='ascii') as file:
        json.dump({'keys': public}, file)
    return path


def begin(driver, flow):
    driver.send('login', flow)
    told = driver.line()
    check('event' in told, f'nothing was shown: {told}')
    return told


def sign_in(driver, **person):
    """(the result of a login in the browser, the page that it ends at)"""
    page = Person(**person).sign_in(begin(driver, 'browser')['url'])
    return driver.line(), page


def is_anna(driver, answer):
    equal(answer['code'], 0, f'the login: {answer}')
    token = driver.well('token', 0)
    equal(driver.well('claim', 'sub')['claim'], 'anna', 'sub')
    return token


def needs_provider(body):
    def judged(*arguments):
        return why_not() or body(*arguments)
    return judged


@suite.in_folder('code and PKCE, then refreshes that rotate, in several processes')
@needs_provider
def rotation(folder):
    provider = Provider()
    place = os.path.join(folder, 'place')
    make_key(place)
    with Driver() as driver:
        driver.open(provider.authority, place, client_id='native')
        answer, page = sign_in(driver)
        seen = {is_anna(driver, answer)['token']}
        check('You are signed in' in page['text'], page['text'])
    for turn in range(3):
        with Driver() as driver:
            driver.open(provider.authority, place, client_id='native')
            driver.well('clock', turn * LATER_MS, turn * LATER_MS)
            check(driver.well('token', 0)['token'] in seen, 'the token that was kept')
            driver.well('clock', (turn + 1) * LATER_MS, (turn + 1) * LATER_MS)
            seen.add(driver.well('token', 0)['token'])
            equal(driver.well('claim', 'sub')['claim'], 'anna', 'sub')
    equal(len(seen), 4, 'tokens')
    asked = provider.counts()
    equal((asked['POST /token'], asked['GET /auth']), (4, 1), f'requests: {asked}')
    # Who used a token twice would have ended all that came of it.
    check(not any('grant.error' in event for event in provider.events), provider.events)


def algorithms(alg):
    provider = Provider('--id-token-alg', alg)
    with Driver() as driver:
        driver.open(provider.authority, client_id='native')
        is_anna(driver, sign_in(driver)[0])


for ALG in KEYS:
    suite.case(f'ID tokens signed with {ALG}', ALG)(needs_provider(algorithms))


@suite.case('a code that is entered elsewhere')
@needs_provider
def device():
    provider = Provider()
    for client in ('device', 'native'):
        with Driver() as driver:
            driver.open(provider.authority, client_id=client)
            told = begin(driver, 'device')
            Person(code=told['user_code']).sign_in(told['verification_uri'])
            before = is_anna(driver, driver.line())
            driver.well('reject')
            check(driver.well('token', 0)['token'] != before['token'], 'the refreshed token')


@suite.case('a person who says no')
@needs_provider
def denied():
    provider = Provider()
    with Driver() as driver:
        driver.open(provider.authority, client_id='native')
        answer, page = sign_in(driver, deny=True)
        equal((answer['code'], answer['oauth_error']), (DENIED, 'access_denied'), f'{answer}')
        check('You are not signed in' in page['text'], page['text'])
        told = begin(driver, 'device')
        Person(code=told['user_code'], deny=True).sign_in(told['verification_uri'])
        answer = driver.line()
        equal((answer['code'], answer['oauth_error']), (DENIED, 'access_denied'), f'{answer}')
        driver.fails(PERSON, 'token', 0)


@suite.case('a token for one API, and signing out')
@needs_provider
def resource():
    provider = Provider()
    with Driver() as driver:
        driver.open(provider.authority, client_id='native', resource=provider.resource,
                    scope='openid offline_access cosmos')
        token = is_anna(driver, sign_in(driver)[0])
        claims = json.loads(base64.urlsafe_b64decode(token['token'].split('.')[1] + '=='))
        equal((claims['aud'], claims['scope']), (provider.resource, 'cosmos'), 'the token\'s claims')
        driver.well('reject')
        driver.well('token', 0)
        driver.well('logout')
        equal(provider.counts()['POST /token/revocation'], 1, 'revocations')
        driver.fails(PERSON, 'token', 0)


def by_secret(client):
    provider = Provider()
    with Driver() as driver:
        driver.open(provider.authority, client_id=client)
        driver.well('set', '-', provider.clients[client]['client_secret'])
        first = driver.well('token', 0)
        driver.well('reject')
        check(driver.well('token', 0)['token'] != first['token'], 'the next token')


for CLIENT in ('basic', 'post'):
    suite.case(f'a client\'s secret: {CLIENT}', CLIENT)(needs_provider(by_secret))


@suite.in_folder('a client\'s key, of each kind')
@needs_provider
def by_key(folder):
    provider = Provider('--jwks', make_keys(folder))
    for alg in KEYS:
        with Driver() as driver:
            driver.open(provider.authority, client_id='keyed',
                        assertion_key_file=os.path.join(folder, alg), assertion_kid=alg.lower())
            driver.well('set', '-', '-')
            first = driver.well('token', 0)
            driver.well('reject')
            check(driver.well('token', 0)['token'] != first['token'], f'{alg}: the next token')


@suite.case('over TLS, with the authority\'s own CA')
@needs_provider
def tls():
    provider = Provider('--tls', hostile.certificate_file, '--tls-key',
                        hostile.certificate_key_file)
    with Driver() as driver:
        driver.open(provider.authority, client_id='native', ca_file=hostile.ca_file)
        is_anna(driver, sign_in(driver, ca_file=hostile.ca_file)[0])
    with Driver() as driver:
        driver.open(provider.authority, client_id='native')
        driver.fails(TRUST, 'login', 'browser')


def in_chromium(deny):
    provider = Provider()
    with Driver() as driver:
        driver.open(provider.authority, client_id='native')
        url = begin(driver, 'browser')['url']
        person = subprocess.run(
            ['node', os.path.join(HERE, 'person_browser.mjs'), *['--deny'][:deny], url],
            stdout=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
        if person.returncode == SKIPPED:
            # The login ends all the same.
            Person(deny=deny).sign_in(url)
            driver.line()
            return person.stdout.strip()
        answer = driver.line()
        page = json.loads(person.stdout)
        if deny:
            equal(answer['code'], DENIED, f'the login: {answer}')
        else:
            is_anna(driver, answer)
        check(('You are not signed in' if deny else 'You are signed in') in page['text'], page)
        return None


for DENY in (False, True):
    suite.case(f'in Chromium: {"no" if DENY else "yes"}', DENY)(needs_provider(in_chromium))


suite.main(workers=2)
hostile.stop()
