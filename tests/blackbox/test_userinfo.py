#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""UserInfo (OpenID Connect Core, 5.3) with a Service User's token."""
import base64
import json

from harness import Clock, Data, Dev, Folder, Suite, check, claims_of, equal, until

suite = Suite()
dev = Dev()
user = dev.users[0]


def ask(token=None, server=dev, method='GET', scheme='Bearer', fields=(), query=''):
    sent = [('Authorization', f'{scheme} {token}')] if token is not None else []
    return server.get(server.path + '/connect/userinfo' + query, [*sent, *fields], method=method)


def denied(reply, status, error):
    equal((reply.status, reply.json['error']), (status, error), f'status and error of {reply!r}')
    challenge = reply.field('WWW-Authenticate')
    check(challenge.startswith('Bearer realm="adit"'), challenge)
    check(len(reply.json['correlation_id']) == 16, repr(reply))
    return challenge


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b'=').decode()


@suite.case('discovery names it, and it answers with the token\'s sub and nothing more')
def sub():
    document = dev.get(dev.path + '/.well-known/openid-configuration').json
    equal(document['userinfo_endpoint'], dev.issuer + '/connect/userinfo', 'the endpoint')
    for scope in ('openid', 'openid cosmos', 'cosmos offline_access openid'):
        token = dev.sign_in(user, scope=scope)['access_token']
        for method, scheme in (('GET', 'Bearer'), ('POST', 'Bearer'), ('GET', 'bearer')):
            reply = ask(token, method=method, scheme=scheme)
            equal((reply.status, reply.json), (200, {'sub': claims_of(token)['sub']}), 'it')
            equal(reply.field('Cache-Control'), 'no-store', 'Cache-Control')
        reply = ask(token, method='HEAD')
        equal((reply.status, reply.body), (200, b''), 'the answer to HEAD')


@suite.case('without the scope openid: 403 insufficient_scope')
def scope():
    token = dev.sign_in(user)['access_token']
    check('error="insufficient_scope"' in denied(ask(token), 403, 'insufficient_scope'), 'it')


@suite.case('without a token, or with one elsewhere than in the header')
def nowhere():
    token = dev.sign_in(user, scope='openid')['access_token']
    for reply in (ask(), ask(query='?access_token=' + token), ask(token, scheme='Basic'),
                  ask(token, fields=[('Authorization', 'Bearer ' + token)])):
        check('error=' not in denied(reply, 401, 'invalid_token'), 'the challenge has an error')


@suite.case('tokens that are none, changed or of another kind')
def wrong():
    token = dev.sign_in(user, scope='openid')['access_token']
    refresh = dev.sign_in(user, scope='openid offline_access')['refresh_token']
    head, body, signature = token.split('.')
    header, claims = json.loads(base64.urlsafe_b64decode(head + '==')), claims_of(token)
    flipped = signature[:10] + ('A' if signature[10] != 'A' else 'B') + signature[11:]
    for text in ('x', 'a.b.c', refresh, token[:-1], token + 'A', f'{head}.{body}.',
                 f'{head}.{body}.{flipped}',
                 f'{head}.{part({**claims, "sub": "su_other"})}.{signature}',
                 f'{part({**header, "alg": "none"})}.{body}.',
                 f'{part({**header, "typ": "JWT"})}.{body}.{signature}',
                 f'{part({**header, "kid": "another"})}.{body}.{signature}', 'x' * 15000):
        challenge = denied(ask(text), 401, 'invalid_token')
        check('error="invalid_token"' in challenge, challenge)
    other = Dev()
    denied(ask(other.sign_in(other.users[0], scope='openid')['access_token']), 401,
           'invalid_token')
    other.stop()


@suite.case('expired, or its user, site or client disabled')
def ended():
    with Folder() as folder:
        clock = Clock(folder)
        data = Data(folder, clock=clock)
        someone = data.user()
        server = data.serve()
        token = server.sign_in(someone, scope='openid')['access_token']
        for noun, name in (('service-user', someone['username']), ('site', 'north'),
                           ('client', 'external.customer')):
            data.verb(noun, 'disable', name)
            until(lambda: ask(token, server).status == 401, f'{noun} disabled', 10)
            data.verb(noun, 'enable', name)
            until(lambda: ask(token, server).status == 200, f'{noun} enabled', 10)
        clock.advance(3599)
        equal(ask(token, server).status, 200, 'the status a second before the end')
        clock.advance(1)
        denied(ask(token, server), 401, 'invalid_token')
        server.stop()
        clock.close()


@suite.case('other methods')
def methods():
    for method in ('PUT', 'DELETE', 'PATCH'):
        reply = ask(method=method)
        equal((reply.status, reply.field('Allow')), (405, 'GET, HEAD, POST'), 'it')


suite.main(dev)
