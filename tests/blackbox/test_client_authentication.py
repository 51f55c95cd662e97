#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Client authentication: what clients in the field send, and what must not pass."""
import base64
import urllib.parse

from harness import (FAILURE_S, PUBLIC, Data, Dev, Folder, Suite, basic, check, equal, refused,
                     served, until)

suite = Suite()
dev = Dev()
user = dev.users[0]
CLIENT, SECRET = dev.confidential['client_id'], dev.confidential['client_secret']
BARE = {'grant_type': 'password', 'username': user['username'], 'password': user['password']}


def encoded(pair, alphabet='+/', padded=True):
    text = base64.b64encode(pair if isinstance(pair, bytes) else pair.encode()).decode()
    text = text.translate(str.maketrans('+/', alphabet))
    return text if padded else text.rstrip('=')


def by_header(value, **parameters):
    return dev.post({**BARE, **parameters}, [('Authorization', value)])


# --- the public client -----------------------------------------------------------------------

for secret in ('', 'None', 'null', 'YOUR_CLIENT_SECRET', 'x' * 1000, ':', 'a:b', SECRET):
    @suite.case(f'a public client\'s secret {secret[:20]!r} is passed over', secret)
    def ignored(secret):
        served(dev.post({**BARE, 'client_id': PUBLIC, 'client_secret': secret}))
        served(by_header(basic(PUBLIC, secret)[1]))
        served(by_header(basic(PUBLIC, secret)[1], client_id=PUBLIC))
        served(by_header(basic(PUBLIC, secret)[1], client_id=PUBLIC, client_secret=secret))
        served(by_header(basic(PUBLIC, '')[1], client_secret=secret))
        served(by_header(basic(PUBLIC, 'other')[1], client_secret=secret))


# Pairs whose base64 has +, / and one, two or no padding characters.
PAIRS = [f'{PUBLIC}:{tail}' for tail in ('', 'x', 'xx', '\u00ff\u00bf\u00be', '>>>???')]

for pair in PAIRS:
    for alphabet, padded in (('+/', True), ('+/', False), ('-_', True), ('-_', False)):
        @suite.case(f'Basic of {pair!r}, {alphabet}, {"padded" if padded else "unpadded"}', pair,
                    alphabet, padded)
        def taken(pair, alphabet, padded):
            value = encoded(urllib.parse.quote(pair, safe=':'), alphabet, padded)
            served(by_header('Basic ' + value))
            raw = encoded(pair, alphabet, padded)
            served(by_header('Basic ' + raw))

for scheme in ('Basic', 'basic', 'BASIC', 'bAsIc'):
    @suite.case(f'the scheme {scheme}', scheme)
    def any_case(scheme):
        served(by_header(f'{scheme} {encoded(PUBLIC + ":")}'))
        served(by_header(f'{scheme}   {encoded(PUBLIC + ":")}'))

for value in ('', 'Basic', 'Basic ', 'Basic !', 'Basic =', 'Basic ' + encoded('nocolon'),
              'Basic ' + encoded(':'), 'Basic ' + encoded(':secret'),
              'Basic ' + encoded(PUBLIC + ':x') + '====', 'Basic ' + encoded(b'\xff\xfe:x'),
              'Basic ' + encoded(PUBLIC + ':%zz'), 'Basic ' + encoded('%00:x'),
              'Basic ' + encoded(PUBLIC + ':\x00'), 'Basic ' + encoded('a' * 5000 + ':x'),
              'Basic ' + encoded(PUBLIC + ':') + ' x', 'Bearer x', 'Bearer', 'Digest username="x"',
              'Negotiate abc', 'Basicx ' + encoded(PUBLIC + ':'), encoded(PUBLIC + ':'),
              'Basic\t', 'Basic A', 'Basic ' + encoded('nobody:'), 'Basic ' + encoded('nobody:x'),
              'Basic ' + encoded(f'{PUBLIC} :'), 'Basic ' + encoded(f'{PUBLIC.upper()}:')):
    @suite.case(f'Authorization {value[:50]!r} is 401', value)
    def malformed(value):
        reply = refused(by_header(value), 'invalid_client', 401)
        check(reply.field('WWW-Authenticate').startswith('Basic realm='), 'the challenge')
        # Even where the body names a client: one method at a time.
        reply = by_header(value, client_id='nobody')
        check(reply.status in (400, 401), repr(reply))


@suite.case('two Authorization fields are refused')
def two_fields():
    for second in (basic(PUBLIC, ''), ('Authorization', 'Bearer x'), ('authorization', '')):
        refused(dev.post(BARE, [basic(PUBLIC, ''), second]), 'invalid_request')


@suite.case('differing client ids are refused')
def differing():
    refused(by_header(basic(PUBLIC, '')[1], client_id=CLIENT), 'invalid_request')
    refused(by_header(basic(CLIENT, SECRET)[1], client_id=PUBLIC), 'invalid_request')
    refused(by_header(basic('nobody', '')[1], client_id=PUBLIC), 'invalid_request')
    refused(by_header(basic(PUBLIC, '')[1], client_id=PUBLIC + ' '), 'invalid_request')


# --- the confidential client -----------------------------------------------------------------

@suite.case('the right secret, in the body and by Basic')
def right_secret():
    served(dev.post({**BARE, 'client_id': CLIENT, 'client_secret': SECRET}))
    for value in (encoded(f'{CLIENT}:{SECRET}'), encoded(f'{CLIENT}:{SECRET}', padded=False),
                  encoded(f'{CLIENT}:{SECRET}', '-_'),
                  encoded(urllib.parse.quote(CLIENT, safe='') + ':' +
                          ''.join(f'%{ord(letter):02x}' for letter in SECRET))):
        served(by_header('Basic ' + value))
        served(by_header('Basic ' + value, client_id=CLIENT))


@suite.case('its id by Basic, its secret in the body')
def split():
    served(by_header(basic(CLIENT, '')[1], client_secret=SECRET))


# Requirement 21.
@suite.case('its secret both ways is refused')
def both_ways():
    refused(by_header(basic(CLIENT, SECRET)[1], client_secret=SECRET), 'invalid_request')
    refused(by_header(basic(CLIENT, SECRET)[1], client_secret='x'), 'invalid_request')


for secret in (None, '', 'None', 'wrong', SECRET[:-1], SECRET + 'x', SECRET.lower(), SECRET + ' ',
               SECRET[:-1] + ('a' if SECRET[-1] != 'a' else 'b'), user['password'],
               SECRET[:10] + ('a' if SECRET[10] != 'a' else 'b') + SECRET[11:]):
    @suite.case(f'the secret {(secret or "")[:8]!r}… of {len(secret or "")} is wrong', secret)
    def wrong_secret(secret):
        refused(dev.post({**BARE, 'client_id': CLIENT, 'client_secret': secret}), 'invalid_client')
        refused(by_header(basic(CLIENT, secret or '')[1]), 'invalid_client', 401)
        refused(dev.post({'client_id': CLIENT, 'client_secret': secret, 'refresh_token': 'x',
                          'grant_type': 'refresh_token'}), 'invalid_client')


@suite.case('an unknown client and a wrong secret look the same')
def no_oracle():
    def shape(reply):
        body = reply.body.replace(reply.json['correlation_id'].encode(), b'')
        return [pair for pair in reply.fields if pair[0] != 'Date'], body
    for secret in ('wrong', SECRET[:-1] + ('a' if SECRET[-1] != 'a' else 'b'), ''):
        bodies = [dev.post({**BARE, 'client_id': name, 'client_secret': secret})
                  for name in (CLIENT, 'nobody')]
        headers = [by_header(basic(name, secret)[1]) for name in (CLIENT, 'nobody')]
        for pair in (bodies, headers):
            equal(shape(pair[0]), shape(pair[1]), 'the answers')
            check(all(reply.took_s >= FAILURE_S for reply in pair), 'an answer left early')


# Requirement 23.
@suite.case('a client that may not use the grant: 400, however it came')
def not_its_grant():
    refused(dev.post({**BARE, 'client_id': 'adit'}), 'unauthorized_client')
    refused(by_header(basic('adit', '')[1]), 'unauthorized_client')


# --- secrets and states that change ----------------------------------------------------------

@suite.case('a disabled client, a rotated secret, an access-ttl')
def changing():
    with Folder() as folder:
        data = Data(folder)
        person = data.user()
        made = data.json('client', 'add', 'partner.app', '--type', 'confidential', '--access-ttl',
                         '120')
        server = data.serve()

        def ask(secret):
            return server.password(person, client_id='partner.app', client_secret=secret)
        try:
            equal(served(ask(made['client_secret'])).json['expires_in'], 120, 'expires_in')
            second = data.json('client', 'rotate-secret', 'partner.app')['client_secret']
            until(lambda: ask(second).status == 200, 'the new secret', 10)
            served(ask(made['client_secret']))
            third = data.json('client', 'rotate-secret', 'partner.app', '--overlap', '0')
            until(lambda: ask(third['client_secret']).status == 200, 'the third secret', 10)
            refused(ask(made['client_secret']), 'invalid_client')
            refused(ask(second), 'invalid_client')
            data.verb('client', 'disable', 'partner.app')
            until(lambda: ask(third['client_secret']).status == 400, 'the disabling', 10)
            refused(ask(third['client_secret']), 'invalid_client')
            refused(server.post({'grant_type': 'password', **person}, [
                basic('partner.app', third['client_secret'])]), 'invalid_client', 401)
            data.verb('client', 'enable', 'partner.app')
            until(lambda: ask(third['client_secret']).status == 200, 'the enabling', 10)
            data.verb('client', 'disable', PUBLIC)
            until(lambda: server.password(person).status == 400, 'the disabling', 10)
            refused(server.password(person), 'invalid_client')
        finally:
            server.stop()


suite.main(dev, workers=64)
