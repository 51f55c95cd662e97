#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""adit with an authority: passwords that are kept, tokens, calls, accounts, and every exit code."""
import http.server
import json
import os
import re
import stat
import subprocess
import sys
import threading
import time

from command import ADIT, JWT, PATIENCE_S, Authority, Dev, Home, check, equal

from client_keys import Key
from hostile_authority import PASSWORD, Hostile
from harness import Suite, claims_of, until

suite = Suite()
dev = Dev()
hostile = Hostile(tls=True)
READER, OTHER = dev.users[0], dev.users[1]
WRONG = {'username': READER['username'], 'password': 'wrong'}
GOOD = {'username': 'anyone', 'password': PASSWORD}
# Of the right form, and of nobody.
UNSIGNED = b'eyJhbGciOiJFUzI1NiIsImtpZCI6Im9uZSJ9.e30.' + b'A' * 86


def token_requests(name):
    return hostile.instance(name).counts['token']


# --- a password that is kept ---------------------------------------------------------------------

@suite.in_folder('service set, and a token in each form')
def token_forms(folder):
    home = Home(folder)
    said = home.set(dev.issuer, READER)
    check(READER['username'] in said and 'verified and stored' in said, said)
    token = home.good('token', dev.issuer)
    check(JWT.fullmatch(token.rstrip('\n')) and token.endswith('\n'), repr(token))
    equal(home.good('token', dev.issuer + '/'), token, 'the same, with a slash')
    equal(home.good('token', dev.issuer, '--header'), f'Authorization: Bearer {token}', '--header')
    told = home.json('token', dev.issuer)
    equal(set(told), {'access_token', 'token_type', 'expires_at', 'scope'}, 'members')
    equal((told['access_token'], told['token_type']), (token.strip(), 'Bearer'), 'token')
    check(abs(told['expires_at'] - claims_of(token)['exp']) <= 2, repr(told))
    home.fails_in_json(2, 'usage', 'token', dev.issuer, '--header')
    equal(claims_of(token)['adit']['site'], READER['site'], 'site')
    said = home.good('decode', '--verify', dev.issuer, given=token.encode())
    check(f'may read at the site {READER["site"]}' in said and 'signature is good' in said, said)
    equal(home.json('decode', '--verify', dev.issuer, given=token.encode())['verified'], True,
          'verified')


@suite.in_folder('what aditd dev says to type')
def dev_says(folder):
    home = Home(folder)
    with subprocess.Popen([sys.argv[1], 'dev', '--listen', '127.0.0.1:0'], stdout=subprocess.PIPE,
                          text=True) as running:
        try:
            said = ''.join(iter(running.stdout.readline, 'Everything is in memory and gone at the '
                                'end. Ctrl-C ends it.\n'))
            password = re.search(r'^north-pit-reader +(\S+)', said, re.M)[1]
            typed = [line.split()[1:] for line in said.split('\n') if line.startswith('  adit ')]
            equal([words[0] for words in typed], ['service', 'token'], said)
            home.good(*typed[0], '--password-fd', '0', given=password.encode())
            equal(claims_of(home.good(*typed[1]))['adit']['site'], 'north-pit', 'site')
        finally:
            running.terminate()


@suite.in_folder('every source of a password')
def sources(folder):
    home = Home(folder)
    password = READER['password'].encode()
    path = os.path.join(folder, 'password')
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
        file.write(password + b'\n')
    program = os.path.join(folder, 'askpass')
    with open(program, 'w', encoding='utf-8') as file:
        file.write(f'#!/bin/sh\ncat {path}\n')
    os.chmod(program, 0o755)
    home.environment['CREDENTIALS_DIRECTORY'] = folder
    name = ['service', 'set', dev.issuer, '-u', READER['username']]
    for more in (['--password-file', path], ['--password-exec', program],
                 ['--password-systemd', 'password']):
        home.good(*name, *more)
        home.good('service', 'forget', dev.issuer)
    reader, writer = os.pipe()
    os.write(writer, password + b'\n')
    os.close(writer)
    home.good(*name, '--password-fd', str(reader), pass_fds=[reader])
    os.close(reader)
    os.chmod(path, 0o644)
    home.fails(5, *name, '--password-file', path)
    home.fails(5, *name, '--password-file', path + '-none')


@suite.in_folder('service set --json, verify, forget')
def set_verify_forget(folder):
    home = Home(folder)
    done = home.run('service', 'set', dev.issuer, '-u', READER['username'], '--password-fd', '0',
                    '--json', given=READER['password'].encode())
    equal(done.returncode, 0, done.complained)
    told = home.json('service', 'verify', dev.issuer)
    equal({**told, 'result': ''}, {'authority': dev.issuer, 'client_id': 'external.customer',
                                   'account': READER['username'], 'result': ''}, 'verify --json')
    equal(set(told), set(json.loads(done.said)), 'the same members')
    home.good('service', 'forget', dev.issuer)
    equal(home.json('status'), [], 'status')
    home.fails(8, 'token', dev.issuer)


@suite.in_folder('a password with a typing error is not sent')
def typing_error(folder):
    home = Home(folder)
    password = READER['password']
    wrong = password[:-1] + ('A' if password[-1] != 'A' else 'B')
    before = len(dev.events())
    home.fails(3, 'service', 'set', dev.issuer, '-u', READER['username'], '--password-fd', '0',
               given=wrong.encode())
    equal(len(dev.events()), before, 'what the authority logged')


@suite.in_folder('a wrong password is tried once, and what was there stays')
def refused(folder):
    home = Home(folder)
    name = 'good.refused'
    home.set(hostile.url(name), GOOD)
    before = home.good('token', hostile.url(name))
    count = token_requests(name)
    wrong = ['service', 'rotate', hostile.url(name), '--password-fd', '0']
    done = home.fails(3, *wrong, given=b'wrong')
    check(re.search(r'correlation id \w{8}', done.complained), done.complained)
    equal(token_requests(name), count + 1, 'requests')
    home.fails(3, *wrong, given=b'wrong')
    equal(token_requests(name), count + 1, 'requests of the second time')
    equal(home.good('token', hostile.url(name)), before, 'the token of before')
    home.good('service', 'verify', hostile.url(name))
    told = home.fails_in_json(3, 'credentials', 'service', 'rotate', hostile.url(name),
                              '--password-fd', '0', given=b'wronger')
    equal((told['oauth_error'], told['http_status']), ('invalid_grant', 400), repr(told))
    check(re.fullmatch(r'\w+', told['correlation_id']), repr(told))


@suite.in_folder('rotate')
def rotate(folder):
    home = Home(folder)
    authority = Authority(folder)
    home.set(authority.url, authority.user)
    old = authority.user['password']
    home.fails(8, 'service', 'rotate', authority.url, '--account', 'nobody', '--password-fd', '0',
               given=b'x')
    authority.rotate()
    check(authority.user['password'] != old, 'the password is the same')
    home.fails(3, 'service', 'verify', authority.url)
    said = home.good('service', 'rotate', authority.url, '--password-fd', '0',
                     given=authority.user['password'].encode())
    check('new password' in said, said)
    # As it is proposed where there are several.
    home.good('service', 'rotate', authority.url, '--client-id', 'external.customer', '--account',
              authority.user['username'], '--password-fd', '0',
              given=authority.user['password'].encode())
    home.good('service', 'verify', authority.url)
    for more in ([], ['--client-id', 'external.customer']):
        home.fails(8, 'service', 'rotate', authority.url, '--account', 'nobody', *more,
                   '--password-fd', '0', given=b'x', words=['nothing is stored'])
    equal(len(home.json('status')), 1, 'accounts')
    authority.stop()


@suite.in_folder('a client with a secret of its own')
def client_secret(folder):
    home = Home(folder)
    home.good('service', 'set', dev.issuer, '--client-id', dev.confidential['client_id'],
              '--password-fd', '0', given=dev.confidential['client_secret'].encode())
    check(JWT.match(home.good('token', dev.issuer)), 'a token')
    equal(home.json('status')[0]['kind'], 'client_secret', 'kind')
    home.good('service', 'rotate', dev.issuer, '--password-fd', '0',
              given=dev.confidential['client_secret'].encode())


@suite.in_folder('a client with a key of its own')
def client_key(folder):
    home = Home(folder)
    authority = Authority(folder)
    key = Key('ES256', kid='one')
    pem, jwks = os.path.join(folder, 'key.pem'), os.path.join(folder, 'jwks.json')
    with open(os.open(pem, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
        file.write(key.pem().encode())
    with open(jwks, 'w', encoding='utf-8') as file:
        json.dump({'keys': [key.jwk()]}, file)
    authority.data.verb('client', 'add', 'keyed', '--type', 'confidential', '--grant',
                        'client_credentials', '--service-user', authority.user['username'],
                        '--jwks-file', jwks)
    by_key = ['--client-id', 'keyed', '--assertion-key', pem, '--assertion-kid', 'one']
    home.good('service', 'set', authority.url, *by_key)
    equal(claims_of(home.good('token', authority.url, *by_key))['client_id'], 'keyed', 'client_id')
    equal(home.json('status')[0]['kind'], 'private_key', 'kind')
    home.good('service', 'verify', authority.url, *by_key)
    authority.stop()


@suite.in_folder('several accounts')
def several(folder):
    home = Home(folder)
    home.set(dev.issuer, READER)
    home.set(dev.issuer, OTHER)
    home.set(hostile.url('good.several'), GOOD)
    done = home.fails(2, 'token', dev.issuer, words=['several accounts', READER['username'],
                                                    OTHER['username'], '--account'])
    check('anyone' not in done.complained, done.complained)
    for user in (READER, OTHER):
        for more in ([], ['--client-id', 'external.customer']):
            token = home.good('token', dev.issuer, '-a', user['username'], *more)
            equal(claims_of(token)['adit']['site'], user['site'], 'site')
    home.fails(8, 'token', dev.issuer, '-a', 'nobody', words=['adit status'])
    home.good('token', hostile.url('good.several'))
    home.good('service', 'forget', dev.issuer, '-a', READER['username'])
    equal(claims_of(home.good('token', dev.issuer))['adit']['site'], OTHER['site'], 'the other')


@suite.in_folder('a name with a typing error is not in the way of the right one')
def wrong_name(folder):
    home = Home(folder)
    name = 'good.wrong-name'
    url = hostile.url(name)
    home.fails(3, 'service', 'set', url, '--username', 'wrong', '--password-fd', '0', given=b'x')
    count = token_requests(name)
    for more in ([], ['--client-id', 'external.customer', '--account', 'wrong']):
        home.fails(8, 'token', url, *more, words=['adit login', 'adit service set', url])
    home.fails(8, 'service', 'rotate', url, '--password-fd', '0', given=b'x',
               words=['service set'])
    equal(token_requests(name), count, 'requests')
    said = home.good('status')
    check('not stored' in said and 'this one stays' not in said, said)
    home.set(url, GOOD)
    home.good('token', url)
    home.good('service', 'verify', url)
    home.good('service', 'forget', url)
    home.fails(8, 'token', url)


@suite.in_folder('status')
def status(folder):
    home = Home(folder)
    home.set(dev.issuer, READER)
    home.set(hostile.url('good.status'), GOOD)
    told = {account['authority']: account for account in home.json('status')}
    equal(set(told), {dev.issuer, hostile.url('good.status')}, 'authorities')
    account = told[dev.issuer]
    equal((account['account'], account['client_id'], account['kind']),
          (READER['username'], 'external.customer', 'password'), 'account')
    check(3500 < account['token']['expires_in'] <= 3600, repr(account))
    said = home.good('status')
    check('\033' not in said, repr(said))
    lines = said.split('\n')
    check(re.match(r'authority +client +account +kind +token +notes$', lines[0]), said)
    row = next(line for line in lines if dev.issuer in line)
    check(re.search(rf' external.customer +{READER["username"]} +password +(59 minutes|1 hour)',
                    row), row)
    for secret in (READER['password'], home.good('token', dev.issuer).strip()):
        check(secret not in said + repr(told), 'a secret')


@suite.in_folder('each scope has a token of its own')
def scopes(folder):
    home = Home(folder)
    url = hostile.url('good.scopes')
    home.set(url, GOOD, '--scope', 'one')
    first = home.json('token', url, '--scope', 'one')
    other = home.json('token', url)
    check(first['access_token'] != other['access_token'], 'one token for both')
    equal((first['scope'], other['scope']), ('one', 'cosmos'), 'scopes')
    for more, scope in ((['--scope', 'one'], 'one'), ([], 'cosmos')):
        account, = home.json('status', *more)
        equal(account['token']['scope'], scope, f'status {more}')


@suite.in_folder('status of what is refused and of what waits')
def status_notes(folder):
    home = Home(folder)
    refused_at, waiting, kept = (hostile.url(f'good.{name}') for name in ('note', 'wait', 'kept'))
    for url in (refused_at, waiting, kept):
        home.set(url, GOOD)
    home.fails(3, 'service', 'rotate', kept, '--password-fd', '0', given=b'wrong')
    hostile.instance('good.note').settings |= {'password': 'changed'}
    home.fails(3, 'service', 'verify', refused_at)
    hostile.instance('good.wait').fail('token', '429')
    home.fails(6, 'service', 'verify', waiting)
    rows = {line.split()[0]: line for line in home.good('status').split('\n') if line}
    check('refused, not tried again' in rows[refused_at], rows[refused_at])
    check('another password was refused, this one stays' in rows[kept], rows[kept])
    check('not asked for' in rows[waiting], rows[waiting])


@suite.in_folder('logout')
def logout(folder):
    home = Home(folder)
    name = 'good.logout'
    home.set(hostile.url(name), GOOD)
    token = home.good('token', hostile.url(name))
    said = home.good('logout', hostile.url(name))
    check('signed out' in said, said)
    equal(hostile.instance(name).counts['revocation'], 1, 'revocations')
    equal(len(home.json('status')), 1, 'the password stays')
    check(home.good('token', hostile.url(name)) != token, 'the same token')
    equal(home.json('logout', hostile.url(name)), {'result': 'signed out'}, '--json')


# --- calls ---------------------------------------------------------------------------------------

@suite.in_folder('call')
def call(folder):
    home = Home(folder)
    name = 'good.call'
    url, api = hostile.url(name), hostile.url(name) + '/api'
    home.set(url, GOOD)
    token = home.good('token', url).strip()
    equal(home.json('call', url, api), {'token': token}, 'what the API saw')
    equal(home.good('call', url, 'GET', api), home.good('call', url, api), 'GET')
    said = home.good('call', url, '--include', api)
    check(said.startswith('HTTP 200\nContent-Type: application/json\n\n{'), said)
    hostile.instance(name).access.clear()
    check(home.json('call', url, api)['token'] != token, 'a new token after a 401')
    hostile.instance(name).fail('api', 'html-404')
    done = home.run('call', url, api)
    equal(done.returncode, 1, done.complained)
    check('Portal' in done.said and re.fullmatch(r'adit: the API answered 404\n', done.complained),
          done.said + done.complained)
    home.fails(2, 'call', url, 'nonsense', words=['URL'])
    for method in ('get', 'OPTIONS', 'CONNECT', 'GET / HTTP/1.1\r\nX:', ''):
        home.fails(2, 'call', url, method, api, words=['no method', 'GET, HEAD'])
    for method in ('GET', 'HEAD'):
        home.fails(2, 'call', url, method, api, '--data-file', '-', words=['no body'])
    home.fails(2, 'call', url, 'http://example.com/')


@suite.in_folder('call: no field of the answer moves the terminal')
def call_hostile(folder):
    home = Home(folder)
    url, api = hostile.url('good.escape'), Echo('text/\x1b[31mplain').url
    home.set(url, GOOD)
    said = home.good('call', url, '--include', api)
    check('Content-Type: text/?[31mplain\n' in said, repr(said))


@suite.in_folder('call: what to do about an answer')
def call_advice(folder):
    home = Home(folder)
    url = hostile.url('good.advice')
    home.set(url, GOOD)
    for status, word in ((401, 'adit decode'), (403, 'may'), (429, 'limits'), (500, None)):
        done = home.run('call', url, Echo(status=status).url)
        equal((done.returncode, done.said), (1, 'GET None '), done.complained)
        lines = done.complained.split('\n')
        equal(lines[0], f'adit: the API answered {status}', 'first line')
        check(word in lines[1] if word else lines[1:] == [''], done.complained)


class Echo:
    """An API that shows what it got."""

    def __init__(self, content_type=None, status=200):
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                text = f'{self.command} {self.headers.get("Content-Type")} '.encode() + body
                self.send_response(status)
                self.send_header('Content-Length', str(len(text)))
                if content_type:
                    self.send_header('Content-Type', content_type)
                self.end_headers()
                self.wfile.write(text)
            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}/'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@suite.in_folder('call: the body')
def call_body(folder):
    home = Home(folder)
    url, api = hostile.url('good.body'), Echo().url
    home.set(url, GOOD)
    path = os.path.join(folder, 'body')
    with open(path, 'wb') as file:
        file.write(b'{"a":\x00"b"}')
    for arguments, given, seen in (
            ([api], b'not read', 'GET None '),
            (['DELETE', api], b'not read', 'DELETE None '),
            (['POST', api], b'{"x":1}', 'POST application/json {"x":1}'),
            (['PUT', api, '--content-type', 'text/plain'], b'x', 'PUT text/plain x'),
            ([api, '--data-file', '-'], b'y', 'POST application/json y'),
            (['PATCH', api, '--data-file', path], b'', 'PATCH application/json {"a":\0"b"}')):
        equal(home.good('call', url, *arguments, given=given), seen, f'{arguments}')
    home.fails(2, 'call', url, 'POST', api, '--data-file', path + '-none', words=['none'])


# --- exit codes ----------------------------------------------------------------------------------

@suite.in_folder('4: the authority does not answer')
def unreachable(folder):
    home = Home(folder)
    enter = ['service', 'set', '-u', 'x', '--password-fd', '0']
    home.fails(4, *enter, hostile.refused, given=PASSWORD.encode())
    home.fails_in_json(4, 'unavailable', *enter, hostile.refused, '--state-dir',
                       os.path.join(folder, 'other'), given=PASSWORD.encode())
    home.fails(6, *enter, hostile.refused, given=PASSWORD.encode())
    began = time.monotonic()
    home.fails(4, *enter, hostile.url('discovery-silent'), '--timeout', '1', given=PASSWORD.encode())
    check(time.monotonic() - began < 30, 'the time-out')
    home.fails(4, 'decode', '--verify', hostile.refused, given=UNSIGNED)


@suite.in_folder('5: the storage')
def storage(folder):
    home = Home(folder)
    home.set(dev.issuer, READER)
    state = os.path.join(home.state, 'adit')
    os.chmod(state, 0o777)
    home.fails(5, 'token', dev.issuer)
    home.fails_in_json(5, 'storage', 'status')
    os.chmod(state, 0o700)
    home.good('token', dev.issuer)
    for name in os.listdir(state):
        path = os.path.join(state, name)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, name)
        with open(path, 'rb') as file:
            content = file.read()
        check(READER['password'].encode() not in content, f'the password lies in {name}')
    blocked = os.path.join(folder, 'file')
    with open(blocked, 'wb'):
        pass
    home.fails(5, 'service', 'set', dev.issuer, '-u', 'x', '--password-fd', '0', '--state-dir',
               os.path.join(blocked, 'below'), given=b'x')


@suite.in_folder('other places of the storage')
def places(folder):
    home = Home(folder)
    plain = ['--state-dir', os.path.join(folder, 'plain'), '--plaintext']
    home.set(dev.issuer, READER, *plain)
    token = home.good('token', dev.issuer, *plain)
    check(any(token.strip().encode() in open(os.path.join(folder, 'plain', name), 'rb').read()
              for name in os.listdir(os.path.join(folder, 'plain'))), 'it is not plain')
    keyed = ['--state-dir', os.path.join(folder, 'keyed'), '--storage-key',
             'file:' + os.path.join(folder, 'key')]
    home.fails(5, 'service', 'set', dev.issuer, '-u', 'x', '--password-fd', '0', *keyed,
               given=b'x', words=['key'])
    with open(os.open(os.path.join(folder, 'key'), os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
        file.write(os.urandom(32))
    home.set(dev.issuer, OTHER, *keyed)
    home.good('token', dev.issuer, *keyed)
    home.good('token', dev.issuer, *keyed[:2])
    equal(home.json('status'), [], 'the standard place')


@suite.in_folder('6: told to wait')
def told_to_wait(folder):
    home = Home(folder)
    name = 'good.waits'
    home.set(hostile.url(name), GOOD)
    hostile.instance(name).fail('token', '429')
    told = home.fails_in_json(6, 'wait', 'service', 'verify', hostile.url(name))
    check(told['retry_after_s'] > 0, repr(told))
    count = token_requests(name)
    home.fails(6, 'service', 'verify', hostile.url(name))
    equal(token_requests(name), count, 'requests')


@suite.in_folder('7: not trusted')
def not_trusted(folder):
    home = Home(folder)
    enter = ['service', 'set', '-u', 'x', '--password-fd', '0']
    for case in ('unknown', 'mismatch', 'expired'):
        home.fails(7, *enter, hostile.tls[case] + '/good', '--ca-file', hostile.ca_file,
                   given=PASSWORD.encode())
    home.fails(7, *enter, hostile.tls['good'] + '/good', given=PASSWORD.encode())
    home.fails(7, *enter, hostile.url('discovery-issuer-other'), given=PASSWORD.encode())
    home.set(hostile.tls['good'] + '/good.tls', GOOD, '--ca-file', hostile.ca_file)
    home.set(hostile.tls['client'] + '/good.own', GOOD, '--ca-file', hostile.ca_file, '--cert',
             hostile.certificate_file, '--cert-key', hostile.certificate_key_file)
    token = dev.sign_in(READER)['access_token']
    home.fails(7, 'decode', '--verify', hostile.url('good.keys'), given=token.encode())
    spoiled = token[:-4] + ('AAAA' if token[-4:] != 'AAAA' else 'BBBB')
    home.fails(7, 'decode', '--verify', dev.issuer, given=spoiled.encode())


@suite.in_folder('8: a person is needed')
def person(folder):
    home = Home(folder)
    name = 'good.person'
    hostile.instance(name).settings |= {'refresh': False, 'expires_in': 1}
    home.fails(8, 'service', 'set', hostile.url(name), '-u', 'x', start_new_session=True,
               words=['--password-file'])
    home.good('login', hostile.url(name), '--device', '--json')
    until(lambda: home.run('token', hostile.url(name)).returncode, 'the token ends')
    home.fails(8, 'token', hostile.url(name))


@suite.in_folder('1: an answer that nobody can read')
def protocol(folder):
    home = Home(folder)
    done = home.fails(1, 'service', 'set', hostile.url('discovery-html'), '-u', 'x',
                      '--password-fd', '0', given=PASSWORD.encode())
    check('password' not in done.complained.split('\n')[1] or 'URL' in done.complained,
          done.complained)


@suite.in_folder('130, 143: ended by a signal, on the way to the authority')
def by_signal(folder):
    home = Home(folder)
    for number, code in ((2, 130), (15, 143)):
        name = f'discovery-silent.{number}'
        with subprocess.Popen(
                [ADIT, 'decode', '--verify', hostile.url(name), UNSIGNED],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=home.environment) as running:
            until(lambda: hostile.instance(name).counts['discovery'], 'a request')
            running.send_signal(number)
            equal((running.wait(PATIENCE_S), running.stderr.read()), (code, b''), f'{number}')


@suite.in_folder('--verbose says what happens, and no secret')
def verbose(folder):
    home = Home(folder)
    done = home.run('service', 'set', hostile.url('good.verbose'), '-u', 'anyone', '-v',
                    '--password-fd', '0', given=PASSWORD.encode())
    equal(done.returncode, 0, done.complained)
    check('connect/token' in done.complained, done.complained)
    token = home.good('token', hostile.url('good.verbose')).strip()
    check(token not in done.complained and PASSWORD not in done.complained, done.complained)
    check(all(line.startswith('adit: ') for line in done.complained.split('\n')[:-1]),
          done.complained)


suite.run(4)
dev.stop()
hostile.stop()
suite.tap.finish()
