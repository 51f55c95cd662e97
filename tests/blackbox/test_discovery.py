#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Discovery, keys and health: where they are, what they say, what they do not listen to."""
import json

from harness import Data, Dev, Folder, Suite, check, compose, equal, exchange, run

suite = Suite()
dev = Dev()
OPENID = '/.well-known/openid-configuration'
RFC8414 = '/.well-known/oauth-authorization-server'
JWKS = OPENID + '/jwks'


def check_document(reply):
    equal(reply.status, 200, 'status')
    equal(reply.field('Content-Type'), 'application/json', 'Content-Type')
    check(reply.field('Cache-Control').startswith('public, max-age='), reply.field('Cache-Control'))
    equal(reply.field('X-Content-Type-Options'), 'nosniff', 'X-Content-Type-Options')
    equal(reply.field('Set-Cookie'), None, 'Set-Cookie')


document = dev.get('/identity' + OPENID)
keys = dev.get('/identity' + JWKS)


@suite.case('discovery lists what is there')
def discovery():
    check_document(document)
    said = document.json
    equal(said['issuer'], dev.issuer, 'issuer')
    equal(said['jwks_uri'], dev.issuer + JWKS, 'jwks_uri')
    equal(said['token_endpoint'], dev.issuer + '/connect/token', 'token_endpoint')
    equal(said['grant_types_supported'], ['password', 'refresh_token', 'client_credentials'],
          'grants')
    equal(set(said['token_endpoint_auth_methods_supported']),
          {'none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'},
          'methods')
    equal(set(said['scopes_supported']), {'cosmos', 'offline_access', 'openid'}, 'scopes')
    for member in ('response_types_supported', 'subject_types_supported',
                   'id_token_signing_alg_values_supported'):
        check(said[member], f'{member} is empty or missing')
    for member, value in said.items():
        if member.endswith(('_endpoint', '_uri')):
            check(value.startswith(dev.issuer + '/'), f'{member} is not under the issuer')


@suite.case('no member of the document is there twice')
def members_once():
    names = []
    json.loads(document.body, object_pairs_hook=lambda pairs: names.extend(n for n, _ in pairs))
    equal(len(names), len(set(names)), 'how many members')


@suite.case('every endpoint in the document is answered')
def endpoints_answer():
    for member, value in document.json.items():
        if member.endswith(('_endpoint', '_uri')):
            path = value.removeprefix('http://' + dev.address)
            check(dev.get(path).status != 404, f'{member} is not found')


@suite.case('the keys are public ones, with kid, use and alg')
def jwks():
    check_document(keys)
    check(keys.json['keys'], 'there is no key')
    for key in keys.json['keys']:
        equal((key['kty'], key['crv'], key['alg'], key['use']), ('EC', 'P-256', 'ES256', 'sig'),
              'the key')
        check(key['kid'], 'kid is empty')
        check(not {'d', 'p', 'q', 'k'} & set(key), 'a private member is there')


for place in ('/identity' + OPENID, RFC8414 + '/identity', '/identity' + OPENID + '/',
              '//identity' + OPENID, '/identity/' + OPENID, '/identity//.well-known//'
              'openid-configuration', RFC8414 + '/identity/', RFC8414 + '//identity',
              '/identity' + OPENID + '?x=y', '/%69dentity' + OPENID):
    @suite.case(f'the document is at {place}', place)
    def at(where):
        reply = dev.get(where)
        check_document(reply)
        equal(reply.body, document.body, 'the document')

for place in ('/identity' + JWKS, '/identity' + JWKS + '/', '/identity/' + JWKS):
    @suite.case(f'the keys are at {place}', place)
    def keys_at(where):
        equal(dev.get(where).body, keys.body, 'the keys')

for place in ('/', '/identity', OPENID, RFC8414, RFC8414 + '/other', '/Identity' + OPENID,
              '/identity/../identity' + OPENID, '/identityx' + OPENID, '/identity' + OPENID + '/x',
              '/identity/connect', '/identity/connect/tokens', '/connect/token',
              '/identity/healthz',
              '/identity' + RFC8414, '/identity/connect/token/x', '/identity/connect%2ftoken%2fx',
              '/' + 'x' * 3000, '/identity/%2e%2e/identity' + OPENID):
    @suite.case(f'nothing is at {place[:60]}', place)
    def nothing_at(where):
        reply = dev.get(where)
        equal(reply.status, 404, 'status')
        equal(reply.field('Location'), None, 'Location')
        check('x' * 100 not in reply.body.decode(), 'the path is in the answer')

for place in ('/identity' + OPENID, '/identity' + JWKS, RFC8414 + '/identity', '/healthz',
              '/readyz'):
    @suite.case(f'HEAD {place} is GET without a body', place)
    def head(where):
        with_body, without = dev.get(where), dev.get(where, method='HEAD')
        equal(without.status, with_body.status, 'status')
        equal([pair for pair in without.fields if pair[0] != 'Date'],
              [pair for pair in with_body.fields if pair[0] != 'Date'], 'fields')
        equal(without.body, b'', 'the body')

    for method in ('POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'get', 'XYZZY'):
        @suite.case(f'{method} {place} is 405', method, place)
        def method_refused(verb, where):
            reply = dev.get(where, method=verb)
            equal(reply.status, 405, 'status')
            equal(reply.field('Allow'), 'GET, HEAD', 'Allow')

for name, host, fields in (
        ('another Host', 'evil.example', []),
        ('Host with a port', 'evil.example:1234', []),
        ('X-Forwarded-Host', 'localhost', [('X-Forwarded-Host', 'evil.example')]),
        ('X-Forwarded-Proto', 'localhost', [('X-Forwarded-Proto', 'https')]),
        ('X-Forwarded-Prefix', 'localhost', [('X-Forwarded-Prefix', '/evil')]),
        ('X-Original-URL', 'localhost', [('X-Original-URL', '/healthz')]),
        ('X-Rewrite-URL', 'localhost', [('X-Rewrite-URL', '/healthz')]),
        ('Forwarded', 'localhost', [('Forwarded', 'host=evil.example;proto=https')])):
    # Requirement 74.
    @suite.case(f'the issuer does not come from {name}', host, fields)
    def not_listened_to(host, fields):
        equal(dev.get('/identity' + OPENID, fields, host=host).body, document.body, 'the document')


@suite.case('two Host fields, or none, are refused')
def hosts():
    target = '/identity' + OPENID
    two = compose('GET', target, [('Host', 'localhost')])
    none = compose('GET', target).replace(b'Host: localhost\r\n', b'')
    equal([exchange(dev.address, raw).status for raw in (two, none)], [400, 400], 'status')


for place, said in (('/healthz', 'alive\n'), ('/readyz', 'ready\n'), ('//healthz/', 'alive\n')):
    @suite.case(f'{place} says {said.strip()}', place, said)
    def health(where, text):
        reply = dev.get(where)
        equal((reply.status, reply.body.decode()), (200, text), 'the answer')
        equal(reply.field('Cache-Control'), 'no-store', 'Cache-Control')


for issuer, base in (('https://auth.example.com:8443', ''), ('https://auth.example.com', ''),
                     ('https://auth.example.com/a/b-c/d', '/a/b-c/d'),
                     ('http://127.0.0.1:8480', ''), ('http://localhost:1/x', '/x')):
    @suite.case(f'issuer {issuer}', issuer, base)
    def of_issuer(issuer, base):
        with Folder() as folder:
            server = Data(folder, issuer).serve()
            try:
                said = server.get(base + OPENID)
                check_document(said)
                equal(said.json['issuer'], issuer, 'issuer')
                equal(said.json['token_endpoint'], issuer + '/connect/token', 'token_endpoint')
                equal(server.get(RFC8414 + base).body, said.body, 'the RFC 8414 place')
                equal(server.get(base + JWKS).status, 200, 'the keys')
                equal(server.post({'grant_type': 'x'}, target='/' + base + '//connect/token/')
                      .json['error'], 'invalid_client', 'the token endpoint')
            finally:
                server.stop()


for issuer, why in (
        ('https://auth.example.com/', 'slash'), ('https://auth.example.com/identity/', 'slash'),
        ('http://auth.example.com', 'https'), ('http://127.0.0.1.example.com', 'https'),
        ('ftp://auth.example.com', ''), ('auth.example.com', ''), ('//auth.example.com', ''),
        ('https://', ''), ('https:///identity', ''), ('https://u:p@auth.example.com', ''),
        ('https://auth.example.com?x', 'query'), ('https://auth.example.com/x?y=z', 'query'),
        ('https://auth.example.com#x', ''), ('https://auth.example.com/a//b', 'doubled'),
        ('https://auth.example.com/%41', 'escaped'), ('https://auth.example.com:99999', ''),
        ('https://auth.example.com:x', ''), ('https://auth example.com', ''),
        ('https://auth.example.com/a b', ''), ('https://auth.example.com/\u00e9', ''),
        ('https://auth.example.com/a\nb', ''), ('https://auth.example.com/\x1b[31m', ''),
        ('https://auth.example.com/a"b', ''), ('https://auth.example.com/../x', ''),
        ('https://auth.example.com/./x', ''), ('https://auth.example.com/' + 'x' * 600, 'long'),
        ('javascript:alert(1)', ''), ('https://[::1', ''), ('https://auth.example.com:', '')):
    @suite.case(f'issuer {issuer[:40]!r} is refused', issuer, why)
    def bad_issuer(issuer, why):
        with Folder() as folder:
            done = run('init', '--data', folder + '/data', '--issuer', issuer)
            equal(done.returncode, 2, 'exit code')
            equal(done.complained.count('\n'), 1, f'lines of {done.complained!r}')
            check(why in done.complained and 'issuer' in done.complained, done.complained)
            check(done.complained[:-1].isprintable(), repr(done.complained))
            equal(run('site', 'list', '--data', folder + '/data').returncode, 2, 'the data')


suite.main(dev)
