#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cross-origin requests (Fetch, 3.2): scripts of registered web clients, and nobody else's."""
import functools

from harness import (FORM, PUBLIC, Clock, Data, Suite, basic, check, compose, connect, equal,
                     exchange, form, receive, until)

suite = Suite()
APP = 'https://app.example'
DISCOVERY = '/.well-known/openid-configuration'
# Where a script may ask, how, and what the preflight says of it.
OPEN = {'/connect/token': ('POST', 'POST'), '/connect/revocation': ('POST', 'POST'),
        '/connect/userinfo': ('GET', 'GET, HEAD, POST'), DISCOVERY: ('GET', 'GET, HEAD'),
        DISCOVERY + '/jwks': ('GET', 'GET, HEAD')}
STRANGERS = ('https://evil.example', 'http://app.example', 'https://app.example:444',
             'https://app.example:443', 'https://APP.EXAMPLE', 'https://app.example/',
             'https://app.example.evil.example', 'https://sub.app.example', 'https://app.exampl',
             'app.example', 'null', '*', '', 'https://app.example https://evil.example',
             'http://127.0.0.1', 'http://127.0.0.1:4000', 'http://localhost:4000',
             'com.example.app:', 'https://native.example', 'https://gone.example',
             'https://app.example\x00')


class Place:
    """An authority with web clients, one of them disabled, and a native one."""

    def __init__(self, folder):
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user()
        self.web = self.add('web', 'web', APP + '/cb', APP + '/other',
                            'https://Two.Example:8443/cb', 'https://three.example:443/cb',
                            'https://[2001:db8::1]:444/cb')
        self.add('gone', 'web', 'https://gone.example/cb')
        self.data.verb('client', 'disable', 'gone')
        self.add('native', 'native', 'http://127.0.0.1:4000/cb', 'http://localhost:4000/cb',
                 'com.example.app:/cb', 'https://native.example/cb')
        self.server = self.data.serve()

    def add(self, name, kind, *uris):
        return self.data.json('client', 'add', name, '--type', kind,
                              *(part for uri in uris for part in ('--redirect-uri', uri)))

    def ask(self, path, method=None, origin=APP, fields=(), body=None):
        method = method or OPEN[path][0]
        fields = [*fields, *([('Origin', origin)] if origin is not None else [])]
        if method == 'POST':
            fields.append(('Content-Type', FORM))
            body = body or b''
        return exchange(self.server.address, compose(method, self.server.path + path, fields, body),
                        head_only=method == 'HEAD')

    def preflight(self, path, method='POST', origin=APP, headers='authorization,content-type'):
        return self.ask(path, 'OPTIONS', origin, [('Access-Control-Request-Method', method),
                                                  ('Access-Control-Request-Headers', headers)])


case = functools.partial(suite.placed, Place)


def allowed(reply):
    return {name.lower(): value for name, value in reply.fields
            if name.lower().startswith('access-control-')}


def may_read(reply, origin=APP):
    equal(allowed(reply), {'access-control-allow-origin': origin,
                           'access-control-expose-headers': 'Retry-After, WWW-Authenticate'},
          f'the fields of {reply!r}')
    equal(reply.field('Vary'), 'Origin', 'Vary')


def may_not(reply):
    equal(allowed(reply), {}, f'the fields of {reply!r}')


@case('a registered origin may read every answer, right or wrong')
def registered(at):
    for path in OPEN:
        may_read(at.ask(path))
    for path in (DISCOVERY, DISCOVERY + '/jwks'):
        equal(at.ask(path).status, 200, path)
    user = {'grant_type': 'password', 'client_id': PUBLIC, 'username': at.user['username'],
            'password': at.user['password'], 'scope': 'openid cosmos'}
    reply = at.ask('/connect/token', body=form(user))
    equal(reply.status, 200, 'status')
    may_read(reply)
    token = ('Authorization', 'Bearer ' + reply.json['access_token'])
    reply = at.ask('/connect/userinfo', fields=[token])
    equal((reply.status, reply.json['sub']), (200, at.user['sub']), 'status and sub')
    may_read(reply)
    # One that comes late, from another thread.
    reply = at.ask('/connect/token', body=form({**user, 'password': 'x'}))
    equal(reply.status, 400, 'status')
    may_read(reply)
    reply = at.ask('/connect/token', fields=[basic('web', 'x')],
                   body=form({'grant_type': 'client_credentials'}))
    equal((reply.status, reply.field('WWW-Authenticate') is not None), (401, True), 'status')
    may_read(reply)


@case('the document at RFC 8414\'s place')
def metadata(at):
    reply = exchange(at.server.address, compose(
        'GET', '/.well-known/oauth-authorization-server' + at.server.path, [('Origin', APP)]))
    equal(reply.status, 200, 'status')
    may_read(reply)


@case('origins as a browser writes them')
def normal_form(at):
    wanted = [APP, 'https://two.example:8443', 'https://three.example', 'https://[2001:db8::1]:444']
    for origin in wanted:
        may_read(at.ask(DISCOVERY, origin=origin), origin)
    equal(at.web['origins'], wanted, 'what the verb shows')
    check('origins' not in at.data.json('client', 'show', 'native'), 'a native client has origins')
    check('https://two.example:8443' in at.data.verb('client', 'show', 'web'), 'show')


@case('a preflight')
def preflight(at):
    for path, (method, methods) in OPEN.items():
        reply = at.preflight(path, method)
        equal((reply.status, reply.body), (204, b''), path)
        equal(allowed(reply), {'access-control-allow-origin': APP,
                               'access-control-expose-headers': 'Retry-After, WWW-Authenticate',
                               'access-control-allow-methods': methods,
                               'access-control-allow-headers': 'authorization, content-type',
                               'access-control-max-age': '300'}, path)
        equal(reply.field('Vary'), 'Origin', 'Vary')
    # Without a method to ask for it is a request like any other.
    for path in ('/connect/token', DISCOVERY):
        reply = at.ask(path, 'OPTIONS')
        equal(reply.status, 400 if path == '/connect/token' else 405, path)
        may_read(reply)


@case('other origins are served as ever, and may not read')
def strangers(at):
    for origin in STRANGERS:
        if '\0' in origin:
            equal(at.ask(DISCOVERY, origin=origin).status, 400, 'a NUL')
            continue
        for path in (DISCOVERY, '/connect/userinfo'):
            reply = at.ask(path, origin=origin)
            equal(reply.status, 200 if path == DISCOVERY else 401, path)
            may_not(reply)
            equal(reply.field('Vary'), 'Origin', 'Vary')
        reply = at.preflight('/connect/token', origin=origin)
        equal(reply.status, 400, f'a preflight from {origin}')
        may_not(reply)
        equal(at.preflight(DISCOVERY, origin=origin).status, 405, f'a preflight from {origin}')
    reply = at.ask(DISCOVERY, origin=None)
    may_not(reply)
    equal(reply.field('Vary'), 'Origin', 'Vary')
    may_not(at.ask(DISCOVERY, fields=[('Origin', APP)]))


@case('never at introspection, health or what is not there (requirement 6)')
def never(at):
    for path in ('/connect/introspect', '/connect/authorize', '/connect/endsession', '/nothing'):
        for reply in (at.preflight(path), at.ask(path, 'POST'), at.ask(path, 'GET')):
            may_not(reply)
            equal(reply.field('Vary'), None, 'Vary')
            check(reply.status >= 400, repr(reply))
    for path in ('/healthz', '/readyz', '/metrics'):
        may_not(exchange(at.server.address, compose('GET', path, [('Origin', APP)])))


@case('changes count beside a running server')
def changes(at):
    new = 'https://new.example'
    may_not(at.ask(DISCOVERY, origin=new))
    at.add('new', 'web', new + '/cb')
    until(lambda: allowed(at.ask(DISCOVERY, origin=new)), 'the new origin')
    may_read(at.ask(DISCOVERY, origin=new), new)
    at.data.verb('client', 'disable', 'new')
    until(lambda: not allowed(at.ask(DISCOVERY, origin=new)), 'the new origin ended')
    may_read(at.ask(DISCOVERY))
    at.data.verb('client', 'disable', 'web')
    until(lambda: not allowed(at.ask(DISCOVERY)), 'no origin at all')


@case('one connection: what one request was allowed the next is not')
def one_connection(at):
    target = at.server.path + '/connect/token'
    with connect(at.server.address) as peer:
        for origin in (APP, None, 'https://evil.example', APP):
            field = f'Origin: {origin}\r\n' if origin else ''
            peer.sendall(f'POST {target} HTTP/1.1\r\nHost: localhost\r\n{field}'
                         f'Content-Type: {FORM}\r\nContent-Length: 0\r\n\r\n'.encode())
            reply = receive(peer, 0)
            equal('access-control-allow-origin' in allowed(reply), origin == APP, repr(origin))
        # A request that never comes to an endpoint.
        peer.sendall(b'nonsense\r\n\r\n')
        may_not(receive(peer, 0))


@case('a flood is told to scripts too')
def flood(at):
    at.server.stop()
    at.server = at.data.serve(flood='1')
    reply, _ = until(lambda: (lambda reply: reply.status == 429 and reply)(at.ask(DISCOVERY)),
                     'a refusal')
    check(reply.field('Retry-After'), 'there is no Retry-After')
    may_read(reply)


suite.main(workers=8)
