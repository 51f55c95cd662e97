#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Floods, hostile texts, and secrets that must be nowhere."""
import base64
import json
import os
import time
import unicodedata

from harness import (FORM, PUBLIC, Data, Dev, Folder, Suite, basic, check, compose, equal, exchange,
                     form, refused, served, side_by_side, until)

suite = Suite()
VECTORS = os.environ.get('ADIT_VECTORS', '')
LINE = {'time', 'level', 'event'}


def check_log(server):
    """Each line is one object, with what every line has."""
    for line in server.text().removesuffix('\n').split('\n'):
        names = []
        event = json.loads(line, object_pairs_hook=lambda pairs: names.extend(
            name for name, _ in pairs) or dict(pairs))
        check(LINE <= set(event) and len(names) == len(set(names)), line)
        check(not any(unicodedata.category(letter) in ('Cc', 'Zl', 'Zp') for letter in line),
              f'control characters in {line!r}')


# --- floods ----------------------------------------------------------------------------------

# Requirements 22 and 24.
@suite.case('a flood from one source is slowed, another source is not')
def flood():
    with Folder() as folder:
        data = Data(folder)
        user = data.user()
        server = data.serve(flood='5')
        good = {'grant_type': 'password', 'client_id': PUBLIC, 'username': user['username'],
                'password': user['password']}
        try:
            statuses = []
            for number in range(200):
                forged = [('X-Forwarded-For', f'192.0.2.{number}'), ('X-Real-IP', '192.0.2.1'),
                          ('Forwarded', f'for=192.0.2.{number}')]
                reply = server.post(good, forged, source='127.0.0.2')
                statuses.append(reply.status)
                if reply.status == 429:
                    break
                served(reply)
            equal(statuses[-1], 429, 'the last status')
            check(len(statuses) > 5, f'slowed after {len(statuses)}')
            refused(reply, 'slow_down', 429)
            wait = int(reply.field('Retry-After'))
            check(wait >= 1, 'Retry-After')
            equal(reply.reason, 'Too Many Requests', 'the reason phrase')
            # It comes before everything else, and says nothing about what was sent.
            replies = side_by_side(8, lambda turn: server.post(
                [good, {}, b'\xff', {**good, 'password': 'x'}][turn % 4], source='127.0.0.2'))
            check(any(each.status == 429 for each in replies), repr(replies))
            # Others, and what is no token request, are served.
            for source in ('127.0.0.3', '127.0.0.4', '127.0.0.1'):
                served(server.post(good, source=source))
            equal(exchange(server.address, compose('GET', '/healthz'), '127.0.0.2').status, 200,
                  'health')
            time.sleep(wait)
            served(server.post(good, source='127.0.0.2'))
            check_log(server)
            lines, _ = until(lambda: server.events('flood_refused'), 'a line that says so')
            equal(lines[0]['source'], '127.0.0.2', 'source')
        finally:
            server.stop()


@suite.case('a flood limit is kept behind a proxy where it is asked for')
def flood_behind_proxy():
    with Folder() as folder:
        server = Data(folder).serve('--behind-proxy', flood='1')
        try:
            replies = side_by_side(32, lambda _: server.post({}))
            check(any(reply.status == 429 for reply in replies), 'none was slowed')
        finally:
            server.stop()


@suite.case('without a limit nobody is slowed')
def no_limit():
    with Folder() as folder:
        server = Data(folder).serve(flood='0')
        try:
            for reply in side_by_side(64, lambda _: server.post({}, source='127.0.0.2')):
                equal(reply.status, 400, 'status')
        finally:
            server.stop()


# --- hostile texts ---------------------------------------------------------------------------

dev = Dev('--log-level', 'debug')
user = dev.users[0]
GOOD = {'grant_type': 'password', 'client_id': PUBLIC, 'username': user['username'],
        'password': user['password']}


def naughty():
    """The Big List of Naughty Strings, or None."""
    path = os.path.join(VECTORS, 'blns.json')
    if not os.path.exists(path):
        return None
    with open(path, encoding='utf-8') as file:
        return [line for line in json.load(file) if line]


def ask_all(requests):
    """Sends each, 128 side by side, and checks that each is refused or served, no more."""
    def part(turn):
        for parameters, fields in requests[turn::128]:
            reply = dev.post(parameters, fields)
            check(reply.status in (200, 400, 401), f'{parameters}: {reply!r}')
            equal(reply.field('Content-Type'), 'application/json', 'Content-Type')
            check(isinstance(reply.json, dict), repr(reply))
    side_by_side(128, part)


for name in ('username', 'password', 'scope', 'client_id', 'refresh_token', 'client_secret',
             'grant_type', 'unknown'):
    @suite.case(f'naughty strings as {name}', name)
    def hostile(name):
        lines = naughty()
        if not lines:
            return 'no blns.json in ADIT_VECTORS'
        grant = {'grant_type': 'refresh_token', 'client_id': PUBLIC} if name == 'refresh_token' \
            else GOOD
        ask_all([({**grant, name: line}, []) for line in lines])
        return None


@suite.case('naughty strings by Basic, raw in the form, and as names')
def hostile_elsewhere():
    lines = naughty()
    if not lines:
        return 'no blns.json in ADIT_VECTORS'
    ask_all([(GOOD, [basic(line, line)]) for line in lines])
    ask_all([({**GOOD, line: line}, []) for line in lines])

    def raw(turn):
        for line in lines[turn::64]:
            reply = dev.post(b'grant_type=password&username=' + line.encode('utf-8', 'replace'))
            check(reply.status < 500, f'{line!r}: {reply!r}')
    side_by_side(64, raw)
    return None


@suite.case('each line of the log is one object, whatever was sent')
def log_lines():
    for text in ('\n{"level":"error"}\n', '"}\n', '\x1b[2J', '\u2028', '\x7f', '\x85', '\x9b31m',
                 '\u2029', '\\', '\r'):
        for name in (*GOOD, 'scope'):
            dev.post({**GOOD, name: text})
    served(dev.post(GOOD))
    check_log(dev)


# --- secrets ---------------------------------------------------------------------------------

def forms_of(secret):
    """A secret, and its base64 in the three ways that it can lie in a longer text."""
    raw = secret.encode()
    found = [raw, raw.hex().encode()]
    for skip in range(3):
        encoded = base64.b64encode(b'\0' * skip + raw)
        found.append(encoded[4 if skip else 0:len(encoded) - 4])
    return found


def files_of(path):
    for folder, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(folder, name), 'rb') as file:
                yield name, file.read()


# Requirement 77.
@suite.case('no secret is in the log, the data, the arguments or the environment')
def canaries():
    with Folder() as folder:
        data = Data(folder)
        one, two = data.user(), data.user()
        client = data.json('client', 'add', 'partner', '--type', 'confidential')
        server = data.serve('--log-level', 'debug')
        typed = 'Typed-In-Wrongly-7319'
        try:
            secrets = [one['password'], two['password'], client['client_secret'], typed]
            partner = {'client_id': 'partner', 'client_secret': client['client_secret']}
            for user, more in ((one, {}), (two, partner), (one, {'client_secret': typed})):
                answer = server.sign_in(user, **more)
                more.pop('client_secret', None) if more is not partner else None
                second = served(server.refresh(answer['refresh_token'], **more)).json
                server.refresh(answer['refresh_token'] + 'A', **more)
                secrets += [part[name] for part in (answer, second)
                            for name in ('access_token', 'refresh_token')]
            server.password({**one, 'password': typed})
            server.password(one, client_id='partner', client_secret=typed)
            server.post({'grant_type': 'password', **one}, [basic('partner', typed)])
            server.post({**one, 'scope': 'x' * 301})
            server.post(form({**one, 'password': typed}) + b'&x=\xff')
            server.get('/identity/connect/token?password=' + typed)
            server.post({'refresh_token': secrets[-1]}, target='/identity/connect/token?password=' +
                        typed)
            exchange(server.address, compose('POST', '/identity/connect/token', [
                ('Content-Type', FORM), ('Authorization', 'Basic ' + typed)],
                form({**one, 'username': 'x'})))
            new = data.json('service-user', 'rotate', one['username'])
            secrets.append(new['password'])
            secrets += [token.split('.')[2] for token in secrets if token.count('.') == 2]
            secrets += [token[4:] for token in secrets if token.startswith('adr_')]
            raw = [base64.urlsafe_b64decode(token + '==')[8:] for token in secrets
                   if len(token) > 200 and '.' not in token and '_' not in token[:4]]
            needles = {needle for secret in secrets for needle in forms_of(secret)} | set(raw)
            with open(data.path + '/secret.key', 'rb') as file:
                needles.add(file.read().strip())
            places = [('the log', server.text().encode())]
            for name in ('cmdline', 'environ'):
                try:
                    with open(f'/proc/{server.pid}/{name}', 'rb') as file:
                        places.append((name, file.read()))
                except PermissionError:
                    suite.note(f'/proc/PID/{name} is closed to this user')
            places += [place for place in files_of(data.path) if place[0] != 'secret.key']
            for place, content in places:
                for needle in needles:
                    check(needle not in content, f'{needle!r} is in {place}')
            check_log(server)
            with open(f'/proc/{server.pid}/limits', encoding='utf-8') as file:
                core = next(line for line in file if line.startswith('Max core file size'))
            equal(core.split()[4:6], ['0', '0'], 'the limit of core files')
        finally:
            server.stop()
        for place, content in files_of(data.path):
            for needle in needles:
                check(needle not in content or place == 'secret.key', f'{needle!r} is in {place}')


suite.main(dev, workers=4)
