#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The token endpoint: every row of docs' table, in its order, at its limits, and the scopes."""
import itertools
import re

from harness import (FORM, PUBLIC, Dev, Reply, Suite, basic, check, claims_of, compose, connect,
                     equal, exchange, form, receive, refused, served, until)

suite = Suite()
dev = Dev('--log-level', 'info')
user = dev.users[0]
GOOD = {'grant_type': 'password', 'client_id': PUBLIC, 'username': user['username'],
        'password': user['password']}
REFRESH = {'grant_type': 'refresh_token', 'client_id': PUBLIC}
GOOD_FORM = form(GOOD)
WRONG = {**GOOD, 'password': 'wrong'}


def fresh():
    return {**REFRESH, 'refresh_token': dev.sign_in(user)['refresh_token']}


# --- row 1: the shape of the request ---------------------------------------------------------

for method in ('GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'post'):
    # Requirement 19.
    @suite.case(f'row 1: {method}', method)
    def not_post(verb):
        for body in (None, GOOD_FORM):
            reply = exchange(dev.address, compose(verb, '/identity/connect/token',
                                                  [('Content-Type', FORM)], body),
                             head_only=verb == 'HEAD')
            equal(reply.status, 400, 'status')
            if verb != 'HEAD':
                check(FORM in refused(reply, 'invalid_request').json['error_description'],
                      'the right content type is not named')

for kind in (None, '', 'application/json', 'text/plain', 'multipart/form-data; boundary=x',
             'application/x-www-form-urlencodedx', 'application/x-www-form-urlencoded, text/plain',
             'x-www-form-urlencoded', 'application / x-www-form-urlencoded', FORM + ' x'):
    @suite.case(f'row 1: content type {kind!r}', kind)
    def other_type(kind):
        reply = refused(dev.post(GOOD, content_type=kind), 'invalid_request')
        check(FORM in reply.json['error_description'], 'the right content type is not named')

for kind in (FORM + ';charset=UTF-8', FORM + '; charset=utf-8', FORM + ' ; charset="utf-8"',
             FORM + ';charset=iso-8859-1', FORM.upper(), FORM + ';', FORM + '\t;x=y'):
    @suite.case(f'content type {kind!r} is taken', kind)
    def good_type(kind):
        served(dev.post(GOOD, content_type=kind))


@suite.case('row 1: two Content-Type fields')
def two_types():
    refused(dev.post(GOOD, [('Content-Type', FORM)]), 'invalid_request')


@suite.case('row 1: JSON in the body')
def json_body():
    reply = refused(dev.post(b'{"grant_type":"password"}', content_type='application/json'),
                    'invalid_request')
    check(FORM in reply.json['error_description'], 'the right content type is not named')


for name in ('grant_type', 'username', 'password', 'client_id', 'client_secret', 'refresh_token',
             'client_assertion', 'code'):
    @suite.case(f'row 1: {name} in the query', name)
    def in_query(name):
        for query in (name + '=x', 'a=b&' + name + '=x', name, '&' + name + '=', 'a&' + name):
            refused(dev.post(GOOD, target='/identity/connect/token?' + query), 'invalid_request')


@suite.case('row 1: an escaped name in the query')
def escaped_in_query():
    for query in ('p%61ssword=x', 'a=b&%70assword', 'x=%ff', 'password%3d=x&password=y'):
        refused(dev.post(GOOD, target='/identity/connect/token?' + query),
                'invalid_request')


@suite.case('another query is passed over')
def other_query():
    served(dev.post(GOOD, target='/identity/connect/token?api-version=1&lang=en'))
    served(dev.post(GOOD, target='/identity/connect/token?'))
    served(dev.post(GOOD, target='/identity/connect/token?passwords=x&&y'))


# --- row 2: the form -------------------------------------------------------------------------

for name, grant in itertools.chain(
        [(name, GOOD) for name in (*GOOD, 'scope', 'client_secret', 'unknown')],
        [(name, REFRESH) for name in (*REFRESH, 'refresh_token', 'scope')]):
    # Requirement 4.
    @suite.case(f'row 2: {name} twice, {grant["grant_type"]}', name, grant)
    def twice(name, grant):
        grant = fresh() if grant is REFRESH else grant
        value = grant.get(name, 'x')
        for second in (value, 'other', ''):
            pairs = [(key, part) for key, part in grant.items() if key != name]
            refused(dev.post([*pairs, (name, value), (name, second)]), 'invalid_request')
            refused(dev.post([(name, second), *pairs, (name, value)]), 'invalid_request')

for name in ('resource', 'audience'):
    @suite.case(f'{name} may come again, and says nothing', name)
    def again(name):
        for grant in (GOOD, fresh()):
            answer = served(dev.post([*grant.items(), (name, 'https://evil.example'), (name, 'x')]))
            equal(claims_of(answer.json['access_token'])['aud'], 'external-api', 'aud')

for body in (b'&username=%ff', b'&x=%c3%28', b'&x=%ed%a0%80', b'&x=%f4%90%80%80', b'&x=%c0%80',
             b'&x=\xff', b'&x=\x80', b'&%ff=x', b'&x=%00', b'&x=a%00b', b'&%00=x', b'&x=%',
              b'&x=%4',
             b'&x=%zz', b'&x=%u0041'):
    @suite.case(f'row 2: {body!r}', body)
    def malformed(body):
        refused(dev.post(GOOD_FORM + body), 'invalid_request')
        refused(dev.post(body[1:]), 'invalid_request')

for raw in (b'&x=\x00', b'&x=a b', b'&x="', b'&x=\n'):
    @suite.case(f'the raw bytes {raw!r} are no fault of ours', raw)
    def raw_bytes(raw):
        check(dev.post(GOOD_FORM + raw).status in (200, 400), 'status')


@suite.case('row 2: a NUL in the body')
def raw_nul():
    refused(dev.post(GOOD_FORM + b'&x=\x00'), 'invalid_request')


for name, most, error in (('username', 256, 'invalid_grant'), ('password', 1024, 'invalid_grant'),
                          ('client_id', 128, 'invalid_client'), ('client_secret', 1024, None),
                          ('grant_type', 256, 'unsupported_grant_type')):
    @suite.case(f'row 2: {name} at its limit of {most} bytes and over', name, most, error)
    def at_limit(name, most, error):
        for letter in ('x', '\u00e9'):
            value = letter * (most // len(letter.encode()))
            at = dev.post({**GOOD, name: value})
            if error:
                refused(at, error)
            else:
                served(at)
            refused(dev.post({**GOOD, name: value + 'x'}), 'invalid_request')


@suite.case('row 2: refresh_token at its limit of 2,048 bytes and over')
def refresh_limit():
    refused(dev.post({**REFRESH, 'refresh_token': 'x' * 2048}), 'invalid_grant')
    refused(dev.post({**REFRESH, 'refresh_token': 'x' * 2049}), 'invalid_request')


@suite.case('64 parameters are served, 65 are not')
def how_many():
    more = [(f'x{i}', 'y') for i in range(60)]
    served(dev.post([*GOOD.items(), *more]))
    refused(dev.post([*GOOD.items(), *more, ('z', 'y')]), 'invalid_request')
    refused(dev.post([*GOOD.items(), *[('resource', 'y')] * 61]), 'invalid_request')


@suite.case('a body of 64 KiB is served, one byte more is 413')
def body_limit():
    fill = 64 * 1024 - len(GOOD_FORM) - len('&x=')
    served(dev.post(GOOD_FORM + b'&x=' + b'y' * fill))
    refused(dev.post(GOOD_FORM + b'&x=' + b'y' * (fill + 1)), 'invalid_request', 413)


@suite.case('empty parameters are absent ones')
def empty_is_absent():
    served(dev.post({**GOOD, 'scope': '', 'client_secret': '', 'refresh_token': '', 'x': ''}))
    refused(dev.post({**GOOD, 'grant_type': ''}), 'unsupported_grant_type')
    refused(dev.post({**GOOD, 'client_id': ''}), 'invalid_client')
    refused(dev.post({**GOOD, 'username': ''}), 'invalid_grant')
    refused(dev.post({**GOOD, 'password': ''}), 'invalid_grant')
    refused(dev.post({**REFRESH, 'refresh_token': ''}), 'invalid_request')
    refused(dev.post(b''), 'invalid_client')
    refused(dev.post(b'&&&'), 'invalid_client')


@suite.case('empty pieces, a missing equals sign and plus signs are a form')
def odd_forms():
    served(dev.post(b'&' + GOOD_FORM + b'&&x&y=&'))
    served(dev.post(GOOD_FORM + b'&scope=cosmos+offline_access'))
    served(dev.post(GOOD_FORM.replace(b'grant_type', b'%67rant_type')))


@suite.case('names are compared byte for byte')
def exact_names():
    refused(dev.post({**GOOD, 'Grant_Type': 'x', 'grant_type': None}), 'unsupported_grant_type')
    refused(dev.post({**GOOD, 'grant_type': 'Password'}), 'unsupported_grant_type')
    refused(dev.post({**GOOD, 'client_id': PUBLIC.upper()}), 'invalid_client')
    refused(dev.post({**GOOD, 'username': user['username'].upper()}), 'invalid_grant')
    refused(dev.post({**GOOD, 'username': user['username'] + ' '}), 'invalid_grant')
    refused(dev.post({**GOOD, 'password': user['password'] + '\n'}), 'invalid_grant')


# --- the rows, and which one wins ------------------------------------------------------------

# A row's number, its error, and what makes it so. `None` takes a parameter away.
ROWS = [
    (2, 'invalid_request', {'x': '\udcff'}),
    (2, 'invalid_request', {'username': 'x' * 257}),
    (3, 'invalid_client', {'client_id': None}),
    (3, 'invalid_client', {'client_id': 'nobody'}),
    (3, 'invalid_client', {'client_id': dev.confidential['client_id'], 'client_secret': 'wrong'}),
    (4, 'unsupported_grant_type', {'grant_type': None}),
    (4, 'unsupported_grant_type', {'grant_type': 'authorization_code'}),
    (4, 'unsupported_grant_type', {'grant_type': 'urn:x'}),
    (5, 'unauthorized_client', {'client_id': 'adit'}),
    (6, 'invalid_scope', {'scope': 'cosmos unknown'}),
    (6, 'invalid_scope', {'scope': 'x' * 301}),
    (6, 'invalid_scope', {'scope': 'cosmos  openid'}),
    (6, 'invalid_scope', {'scope': 'cos"mos'}),
    (8, 'invalid_grant', {'username': 'nobody'}),
    (8, 'invalid_grant', {'password': 'wrong'}),
    (8, 'invalid_grant', {'username': None}),
    (8, 'invalid_grant', {'password': None}),
]

for row, error, change in ROWS:
    @suite.case(f'row {row} alone: {sorted(change)[0]} {str(change)[:50]}', error, change)
    def alone(error, change):
        refused(dev.post({**GOOD, **change}), error)
        refused(dev.post({**GOOD, **change}, content_type='text/plain'), 'invalid_request')

for (first, error, one), (second, _, other) in itertools.combinations(ROWS, 2):
    if first == second or set(one) & set(other):
        continue

    @suite.case(f'row {first} before {second}: {str(one)[:40]} {str(other)[:40]}', error,
                {**one, **other})
    def earlier_wins(error, change):
        refused(dev.post({**GOOD, **change}), error)


@suite.case('the rows of the refresh grant, and which one wins')
def refresh_rows():
    bad = {'refresh_token': 'adr_x'}
    refused(dev.post({**REFRESH, **bad, 'client_id': 'nobody'}), 'invalid_client')
    refused(dev.post({**REFRESH, **bad, 'client_id': 'nobody', 'x': '\udcff'}), 'invalid_request')
    refused(dev.post({**REFRESH, 'scope': 'unknown'}), 'invalid_request')
    refused(dev.post({**REFRESH, **bad}), 'invalid_grant')
    refused(dev.post({**fresh(), 'scope': 'x' * 301}), 'invalid_scope')
    refused(dev.post({**fresh(), 'scope': 'unknown'}), 'invalid_scope')


@suite.case('a wrong password says so in the fixed words')
def fixed_words():
    reply = refused(dev.post(WRONG), 'invalid_grant')
    equal(reply.json['error_description'], 'invalid_username_or_password', 'error_description')


# --- scopes ----------------------------------------------------------------------------------

for asked, granted, refreshes in (
        (None, {'cosmos', 'offline_access'}, True), ('', {'cosmos', 'offline_access'}, True),
        ('cosmos', {'cosmos'}, False), ('offline_access', {'offline_access'}, True),
        ('cosmos offline_access', {'cosmos', 'offline_access'}, True),
        ('offline_access cosmos', {'cosmos', 'offline_access'}, True),
        ('openid', {'openid'}, False), ('openid cosmos', {'openid', 'cosmos'}, False),
        ('openid offline_access', {'openid', 'offline_access'}, True),
        ('openid cosmos offline_access', {'openid', 'cosmos', 'offline_access'}, True),
        ('cosmos cosmos', {'cosmos'}, False)):
    # Requirement 20.
    @suite.case(f'scope {asked!r}', asked, granted, refreshes)
    def scopes(asked, granted, refreshes):
        answer = served(dev.post({**GOOD, 'scope': asked})).json
        equal(set(answer['scope'].split(' ')), granted, 'scope')
        equal(len(answer['scope'].split(' ')), len(granted), 'how many')
        equal('refresh_token' in answer, refreshes, 'whether there is a refresh token')
        claims = claims_of(answer['access_token'])
        equal(claims['aud'], 'external-api' if 'cosmos' in granted else dev.issuer, 'aud')
        equal(claims['scope'], answer['scope'], 'the claim')

for asked in ('unknown', 'Cosmos', 'cosmos,offline_access', 'cosmos unknown', ' cosmos', 'cosmos ',
              'cosmos\toffline_access', 'cosmos\n', 'c\u00f6smos', 'site:north-pit', 'profile',
              'openid profile', 'cosmos\\', '"cosmos"', '*', 'cosmos' * 50 + 'x', ' '):
    # Requirement 26.
    @suite.case(f'scope {asked[:30]!r} is refused', asked)
    def bad_scope(asked):
        refused(dev.post({**GOOD, 'scope': asked}), 'invalid_scope')


@suite.case('300 bytes of scope are read, 301 are not')
def scope_limit():
    most = 'cosmos ' * 42 + 'cosmos'
    equal(len(most), 300, 'the length')
    served(dev.post({**GOOD, 'scope': most}))
    over = 'offline_access' + ' cosmos' * 41
    equal(len(over), 301, 'the length')
    refused(dev.post({**GOOD, 'scope': over}), 'invalid_scope')


# --- what else is passed over ----------------------------------------------------------------

@suite.case('unknown parameters and other grants\' are passed over')
def passed_over():
    answer = served(dev.post({**GOOD, 'code': 'x', 'redirect_uri': 'x', 'device_id': '7',
                              'acr_values': 'tenant:x', 'site': 'south-pit', 'role': 'write',
                              'adit': '{}', 'sub': 'su_x', 'code_verifier': 'x', 'nonce': 'x'}))
    equal(claims_of(answer.json['access_token'])['adit'],
          {'kind': 'service', 'site': user['site'], 'role': user['role']}, 'adit')


for fields in ([('X-Forwarded-For', '192.0.2.1')], [('X-Forwarded-For', 'not an address' * 50)],
               [('Forwarded', 'for="[::1')], [('Cookie', 'a=b; idsrv=x')],
               [('Origin', 'https://evil.example')], [('Accept', 'text/html')],
               [('Accept-Encoding', 'gzip, br')], [('X-HTTP-Method-Override', 'GET')],
               [('Content-Encoding', 'identity')]):
    @suite.case(f'the field {fields[0][0]}: {fields[0][1][:20]} is no fault', fields)
    def field_passed_over(fields):
        reply = served(dev.post(GOOD, fields))
        equal(reply.field('Set-Cookie'), None, 'Set-Cookie')
        equal(reply.field('Access-Control-Allow-Origin'), None, 'Access-Control-Allow-Origin')
        refused(dev.post(WRONG, fields), 'invalid_grant')


@suite.case('Expect: a body that waits for 100, and one that does not')
def expecting():
    whole = compose('POST', '/identity/connect/token',
                    [('Content-Type', FORM), ('Expect', '100-continue')], GOOD_FORM)
    with connect(dev.address) as peer:
        peer.sendall(whole[:-len(GOOD_FORM)])
        equal(receive(peer, 0, head_only=True).raw, b'HTTP/1.1 100 Continue\r\n\r\n', 'interim')
        peer.sendall(GOOD_FORM)
        served(receive(peer, 0))
    # Whether the body is there in time to make the 100 superfluous, the network says.
    with connect(dev.address) as peer:
        peer.sendall(whole)
        raw = b''.join(iter(lambda: peer.recv(65536), b''))
    served(Reply(raw.removeprefix(b'HTTP/1.1 100 Continue\r\n\r\n'), 0, 0, True))


@suite.case('requests one after the other on a connection are answered in their order')
def pipelined():
    requests = [compose('POST', '/identity/connect/token', [('Content-Type', FORM)], form(each))
                .replace(b'Connection: close\r\n', b'') for each in (WRONG, GOOD, WRONG, GOOD)]
    health = compose('GET', '/healthz')
    with connect(dev.address) as peer:
        peer.sendall(b''.join(requests) + health)
        raw = b''
        while part := peer.recv(65536):
            raw += part
    equal(re.findall(rb'HTTP/1\.1 (\d+) ', raw), [b'400', b'200', b'400', b'200', b'200'],
          'the answers')


@suite.case('HTTP/1.0 is served')
def old_version():
    request = compose('POST', '/identity/connect/token', [('Content-Type', FORM)], GOOD_FORM)
    served(exchange(dev.address, request.replace(b' HTTP/1.1', b' HTTP/1.0')))


# Requirement 81.
@suite.case('both kinds of framing at once are refused')
def framing():
    request = compose('POST', '/identity/connect/token',
                      [('Content-Type', FORM), ('Transfer-Encoding', 'chunked')], GOOD_FORM)
    refused(exchange(dev.address, request), 'invalid_request')


for status, raw in (
        (400, b'GET /\r\n\r\n'), (400, b'GET / HTTP/1.1\r\n\r\n'), (400, b'\x16\x03\x01\r\n\r\n'),
        (414, b'GET /' + b'x' * 5000 + b' HTTP/1.1\r\nHost: x\r\n\r\n'),
        (417, b'GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n'),
        (431, b'GET / HTTP/1.1\r\nHost: x\r\nA: ' + b'x' * 20000 + b'\r\n\r\n'),
        (501, b'X' * 33 + b' / HTTP/1.1\r\nHost: x\r\n\r\n'),
        (505, b'GET / HTTP/2.0\r\nHost: x\r\n\r\n')):
    @suite.case(f'what HTTP itself forbids is refused in JSON, and logged: {raw[:20]!r}', status,
                raw)
    def refused_by_server(status, raw):
        reply = refused(exchange(dev.address, raw), 'invalid_request', status)
        check(reply.json['error_description'], 'the reason is missing')
        line, _ = until(lambda: [event for event in dev.events('request_refused')
                                 if event['correlation_id'] == reply.json['correlation_id']],
                        'the line in the log')
        equal((line[0]['status'], line[0]['reason']), (status, reply.json['error_description']),
              'status and reason in the log')


@suite.case('a chunked body is a body')
def chunked():
    head = compose('POST', '/identity/connect/token',
                   [('Content-Type', FORM), ('Transfer-Encoding', 'chunked')])
    half = len(GOOD_FORM) // 2
    pieces = b''.join(b'%x\r\n%s\r\n' % (len(piece), piece)
                      for piece in (GOOD_FORM[:half], GOOD_FORM[half:]))
    served(exchange(dev.address, head + pieces + b'0\r\n\r\n'))


@suite.case('a client whose credentials go by Basic needs no client_id in the body')
def by_basic():
    served(dev.post({**GOOD, 'client_id': None}, [basic(PUBLIC, '')]))


# Requirement 73.
@suite.case('nothing of the request stands in an answer')
def no_reflection():
    mark = '<script>alert("canary7")</script>'
    for name in (*GOOD, 'scope', 'unknown'):
        check(b'canary7' not in dev.post({**GOOD, name: mark}).raw, f'{name} is reflected')
    check(b'canary7' not in dev.post(GOOD, [('X-A', mark), ('Authorization', mark)]).raw, 'a field')
    check(b'canary7' not in dev.get('/identity/canary7?canary7').raw, 'the path')


suite.main(dev, workers=64)
