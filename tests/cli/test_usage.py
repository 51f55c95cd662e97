#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""adit without an authority: what it takes, what it says, how it ends, and what a token says."""
import base64
import json
import os
import re
import signal
import subprocess
import time

from command import ADIT, Home, check, equal

from harness import Suite, until

suite = Suite()
COMMANDS = [['login'], ['service', 'set'], ['service', 'verify'], ['service', 'rotate'],
            ['service', 'forget'], ['token'], ['run'], ['call'], ['decode'], ['status'],
            ['logout']]
URL = 'http://127.0.0.1:9/identity'


def encode(document):
    text = document if isinstance(document, str) else json.dumps(document)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b'=').decode()


def jwt(claims, header=None):
    return f'{encode(header or {"alg": "ES256", "kid": "one"})}.{encode(claims)}.c2ln'


@suite.in_folder('help and version')
def help_and_version(folder):
    home = Home(folder)
    said = home.good('--help')
    equal(home.good('help'), said, 'adit help')
    equal(home.good('-h'), said, 'adit -h')
    for command in COMMANDS:
        check(f'  adit {" ".join(command)} ' in said, f'{command} is not in {said}')
        of_one = home.good(*command, '--help')
        equal(home.good('help', *command), of_one, f'help {command}')
        equal(home.good(*command, '-h'), of_one, f'{command} -h')
        check('--json' in of_one and '--help' in of_one, of_one)
    check(re.fullmatch(r'adit \d+\.\d+\.\d+\n', home.good('--version')), 'version')
    equal(home.good('-V'), home.good('version'), 'adit version')
    of_noun = home.good('service', '--help')
    check('adit service rotate' in of_noun and 'adit token' not in of_noun, of_noun)


@suite.in_folder('wrong usage')
def wrong_usage(folder):
    home = Home(folder)
    home.fails(2, words=['--help'])
    home.fails(2, 'tokne', words=['did you mean token?'])
    home.fails(2, 'nonsense', words=['nonsense'])
    home.fails(2, 'service', words=['set, verify, rotate, forget'])
    home.fails(2, 'service', 'sett', words=['set, verify, rotate, forget'])
    home.fails(2, 'token', '--hedaer', URL, words=['did you mean --header?', 'adit token --help'])
    home.fails(2, 'token', words=['needs URL'])
    home.fails(2, 'token', URL, 'x', words=['"x" is one argument too many'])
    home.fails(2, 'token', URL, '--min-ttl', 'x', words=['--min-ttl'])
    home.fails(2, 'token', URL, '--timeout=0', words=['--timeout'])
    home.fails(2, 'token', URL, '--min-ttl', words=['needs a value'])
    home.fails(2, 'run', URL, words=['COMMAND'])
    home.fails(2, 'run', URL, '--', words=['COMMAND'])
    home.fails(2, 'call', URL, words=['API-URL'])
    home.fails(2, 'service', 'set', URL, words=['--username'])
    home.fails(2, 'service', 'set', URL, '-u', 'x', '--password-fd', '0', '--password-file', 'y',
               words=['do not go together'])
    home.fails(2, 'service', 'set', 'nonsense', '-u', 'x', '--password-fd', '0',
               words=['nonsense'])
    home.fails(2, 'login', 'ftp://example.com', words=['ftp://example.com'])
    home.fails(2, 'login', 'http://example.com', words=['http://example.com'])
    told = home.fails_in_json(2, 'usage', 'token', '--nonsense')
    check('nonsense' in told['text'] and 'adit token --help' in told['action'], repr(told))
    check(not os.path.exists(home.state), 'state was made')


@suite.in_folder('nothing is stored')
def nothing_stored(folder):
    home = Home(folder)
    equal(home.json('status'), [], 'status')
    check('adit login' in home.good('status'), 'status')
    for command in (['token', URL], ['service', 'verify', URL], ['service', 'forget', URL],
                    ['run', URL, '--', 'true'], ['call', URL, URL], ['logout', URL]):
        home.fails(8, *command, words=['nothing is stored', 'adit login', 'adit service set'])
    told = home.fails_in_json(8, 'person', 'token', URL)
    check(URL in told['text'], repr(told))
    for wrong in ('foo', 'http://a.example/', 'https://a:pass%40word@b.example/'):
        done = home.fails(2, 'token', wrong)
        check('pass%40' not in done.complained and 'adit login' not in done.complained,
              done.complained)


# --- decode ------------------------------------------------------------------------------------

@suite.in_folder('decode: whose it is, and when')
def decode_words(folder):
    home = Home(folder)
    now = int(time.time())
    token = jwt({'iss': 'https://a.example', 'sub': 'su_1', 'aud': ['api', 'other'],
                 'client_id': 'external.customer', 'iat': now - 600, 'exp': now + 3720,
                 'adit': {'kind': 'service', 'site': 'north-pit', 'role': 'read'}})
    for said in (home.good('decode', token), home.good('decode', given=token.encode() + b'\n'),
                 home.good('decode', '-', given=b'Authorization: Bearer ' + token.encode()),
                 home.good('decode', given=b' bearer ' + token.encode())):
        check('Service User su_1 may read at the site north-pit.\n' in said, said)
        check('Issued by https://a.example to the client external.customer, for api and other.\n'
              in said, said)
        check('Expires in 1 hour 1 minute, ' in said or 'Expires in 1 hour 2 minutes, ' in said,
              said)
        check('not checked' in said and '10 minutes ago' in said, said)
    person = jwt({'sub': 'p_1', 'name': 'Anna', 'exp': 1000, 'adit': {'kind': 'user', 'sites': [
        {'id': 'north-pit', 'role': 'read'}, {'id': 'south-pit', 'role': 'write'}]}})
    said = home.good('decode', person)
    check('Person Anna may read at the site north-pit and write at the site south-pit.' in said,
          said)
    check('Expired ' in said and 'years' in said, said)
    said = home.good('decode', jwt({'sub': 'x'}))
    check('This is x.' in said and 'does not say when it expires' in said, said)


@suite.in_folder('decode: JSON')
def decode_json(folder):
    home = Home(folder)
    claims = {'sub': 'x', 'exp': 1.5, 'deep': {'a': [1, None, True]}, 'text': 'gr\u00fcezi'}
    token = jwt(claims)
    equal(home.json('decode', token), {'header': {'alg': 'ES256', 'kid': 'one'}, 'claims': claims,
                                       'verified': False}, 'decode --json')


@suite.in_folder('decode: what is no JWT')
def decode_others(folder):
    home = Home(folder)
    home.fails(2, 'decode', 'nonsense', words=['no JWT'])
    home.fails(2, 'decode', given=b'', words=['no token'])
    home.fails(2, 'decode', given=b' \n', words=['no token'])
    home.fails(2, 'decode', given=b'a b', words=['more'])
    home.fails(2, 'decode', given=b'\xff.\xff.\xff', words=['no JWT'])
    home.fails(2, 'decode', given=b'a' * 100_000, words=['too long'])
    home.fails(2, 'decode', 'a.b.c.d.e', words=['encrypted'])
    home.fails(2, 'decode', 'adr_x', words=['refresh token'])
    home.fails(2, 'decode', 'adsu_x', words=['password'])
    home.fails(2, 'decode', jwt('[]'), words=['no JWT'])
    home.fails(2, 'decode', jwt('{"a":1,"a":2}'), words=['no JWT', 'twice'])
    home.fails(2, 'decode', jwt({}) + '.x', words=['no JWT'])


@suite.in_folder('decode: nothing that a terminal would obey')
def decode_hostile(folder):
    home = Home(folder)
    token = jwt({'sub': '\x1b]0;x\x07\x9b31m', 'iss': 'a\nService User b', 'x': ['\x9b\x1b'],
                 '\x1b[2J': 1})
    said = home.good('decode', token)
    check(all(line.isprintable() for line in said.split('\n')), repr(said))
    check('\nService User b' not in said, said)


@suite.in_folder('decode: JSON that a terminal would not obey, and that says the same')
def decode_hostile_json(folder):
    claims = {'sub': 'a\x9b31m\x7f\x1b[1m gr\u00fcezi', '\u202e': ['\u2066\u200f\u2028']}
    said = Home(folder).good('decode', '--json', jwt(json.dumps(claims, ensure_ascii=False)))
    check(said[:-1].isprintable() and 'gr\u00fcezi' in said, repr(said))
    equal(json.loads(said)['claims'], claims, 'claims')
    said = Home(folder).good('decode', jwt(json.dumps(claims)))
    check(all(line.isprintable() for line in said.split('\n')), repr(said))


# --- streams -----------------------------------------------------------------------------------

@suite.in_folder('stdout that can not be written')
def full_stdout(folder):
    home = Home(folder)
    for command in (['help'], ['status', '--json'], ['decode', jwt({'sub': 'x'})], ['--version']):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([ADIT, *command], stdout=full, stderr=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL, env=home.environment, check=False)
        equal(done.returncode, 1, f'{command}: {done.stderr!r}')
        check(b'stdout' in done.stderr and b'space' in done.stderr, repr(done.stderr))
        closed = subprocess.run(['sh', '-c', 'exec "$@" >&-', 'sh', ADIT, *command],
                                stderr=subprocess.PIPE, env=home.environment, check=False)
        equal(closed.returncode, 1, f'{command}: {closed.stderr!r}')
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([ADIT, 'help'], stdout=writer, stderr=subprocess.PIPE, check=False,
                          env=home.environment)
    os.close(writer)
    equal((done.returncode, done.stderr), (1, b''), 'a reader that went')


@suite.in_folder('standard streams that are closed')
def closed_streams(folder):
    home = Home(folder)
    for closed in ('<&-', '2>&-', '<&- 2>&-'):
        done = subprocess.run(['sh', '-c', f'exec "$@" {closed}', 'sh', ADIT, 'help'],
                              stdout=subprocess.PIPE, env=home.environment, check=False)
        equal((done.returncode, done.stdout.decode()), (0, home.good('help')), closed)
    done = subprocess.run(['sh', '-c', 'exec "$@" <&-', 'sh', ADIT, 'decode'], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=home.environment)
    equal(done.returncode, 2, repr(done.stderr))


@suite.in_folder('no core file')
def no_core(folder):
    home = Home(folder)
    with subprocess.Popen(['sh', '-c', 'ulimit -S -c "$(ulimit -H -c)" && exec "$0" decode', ADIT],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=home.environment) as running:
        def limits():
            with open(f'/proc/{running.pid}/comm', encoding='utf-8') as file:
                if file.read() != 'adit\n':
                    return None
            with open(f'/proc/{running.pid}/limits', encoding='utf-8') as file:
                return re.search(r'^Max core file size +0 ', file.read(), re.M)
        until(limits, 'the limit of core files')
        running.stdin.close()


@suite.in_folder('ended by a signal while it reads stdin')
def signals(folder):
    home = Home(folder)
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([ADIT, 'decode'], stdin=subprocess.PIPE, env=home.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            running.send_signal(number)
            equal((running.wait(60), running.stderr.read()), (-number, b''), f'{number}')


suite.run(4)
suite.tap.finish()
