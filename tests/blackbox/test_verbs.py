#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command line: what each verb prints, does and leaves."""
import json
import os
import re
import resource
import stat
import subprocess

from command_line import ALONE, BOB, SECRET, VERBS, copied, one_line, snapshot
from harness import ADITD, Data, Folder, Suite, check, claims_of, equal, run, served, until

suite = Suite()


for verb, _ in [*VERBS, (['dev'], False), (['key', 'show', 'x'], True)]:
    name = ' '.join(verb[:1 if verb[0] in ALONE else 2])

    @suite.case(f'{name} --help', name)
    def helps(name):
        done = run(*name.split(), '--help')
        equal((done.returncode, done.complained), (0, ''), 'exit code and stderr')
        check(done.said.startswith(f'aditd {name} '), done.said)
        for option in re.findall(r'^  (--\S+)', done.said, re.MULTILINE):
            check(option in ('--data', '--config', '--clock', '--help') or
                  re.search(rf'^  {option} .*\S\S', done.said, re.MULTILINE), option)


@suite.case('--help, help and --version')
def overall():
    for argument in ('--help', 'help'):
        said = run(argument).said
        for verb, _ in VERBS:
            name = ' '.join(verb[:1 if verb[0] in ALONE else 2])
            check(f'aditd {name}' in said, f'{name} is missing')
    check(re.fullmatch(r'aditd \d+\.\d+\.\d+\n', run('--version').said), 'the version')


def times(thing, *names):
    for name in names:
        check(isinstance(thing[name], int) and thing[name] > 1_500_000_000, f'{name} of {thing}')


@copied(suite, 'site: add, show, list, disable, enable')
def sites(data):
    made = data.json('site', 'add', 'east', '--name', 'Ost \u00e9')
    times(made, 'created_at')
    equal({**made, 'created_at': 0}, {'site': 'east', 'name': 'Ost \u00e9', 'state': 'enabled',
                                      'created_at': 0}, 'the site')
    equal(data.json('site', 'show', 'east'), made, 'show')
    equal([site['site'] for site in data.json('site', 'list')], ['east', 'north', 'south'], 'list')
    for _ in range(2):
        off = data.json('site', 'disable', 'east')
        equal(off['state'], 'disabled', 'state')
        times(off, 'disabled_at')
    equal(data.json('site', 'enable', 'east'), made, 'enable')
    longest = 'x' * 64
    data.verb('site', 'add', longest, '--name', 'x' * 256)
    equal(data.json('site', 'show', longest)['name'], 'x' * 256, 'the longest name')


@copied(suite, 'service-user: add, show, list, disable, enable, rotate')
def service_users(data):
    made = data.json('service-user', 'add', 'Zo\u00eb M.', '--site', 'south', '--role', 'write',
                     '--label', 'lorries', '--expires', '2099-03-31')
    password = made.pop('password')
    check(SECRET.fullmatch(password) and password.startswith('adsu_'), 'the password')
    times(made, 'created_at', 'expires_at')
    check(re.fullmatch('su_[0-9a-z]{26}', made['sub']), made['sub'])
    equal({**made, 'created_at': 0, 'sub': ''}, {
        'username': 'Zo\u00eb M.', 'site': 'south', 'role': 'write', 'state': 'enabled', 'sub': '',
        'label': 'lorries', 'created_at': 0, 'expires_at': 4078684799,
        'passwords': ['generated']}, 'the user')
    password = {key: made[key] for key in ('created_at', 'expires_at')}
    equal(data.json('service-user', 'show', 'Zo\u00eb M.'),
          {**made, 'credentials': [password], 'clients': [], 'sources': []}, 'show')
    unnamed = data.json('service-user', 'add', '--site', 'south', '--role', 'read')
    check(re.fullmatch('su-south-[a-z]{6}', unnamed['username']), unnamed['username'])
    equal([user['username'] for user in data.json('service-user', 'list')],
          ['Zo\u00eb M.', 'bob', unnamed['username']], 'list')
    equal(len(data.json('service-user', 'list', '--site', 'south')), 2, 'list --site')
    equal(data.json('service-user', 'disable', 'bob')['state'], 'disabled', 'disable')
    equal(data.json('service-user', 'enable', 'bob')['state'], 'enabled', 'enable')
    data.verb('site', 'disable', 'south')
    equal(data.json('service-user', 'show', 'Zo\u00eb M.')['state'], 'site disabled', 'the state')
    second = data.json('service-user', 'rotate', 'bob', '--expires', '2099-01-01T00:00:00Z')
    check(SECRET.fullmatch(second['password']) and second['password'] != BOB['password'], 'rotate')
    equal(second['expires_at'], 4070908800, 'expires_at')
    for printed in (data.verb('service-user', 'list'), data.verb('service-user', 'list', '--json'),
                    data.verb('service-user', 'show', 'bob', '--json')):
        check('adsu_' not in printed, 'a password is printed')


@copied(suite, 'rotating what has an expiry: it must be said')
def rotate_what_expires(data):
    client = ['client', 'rotate-secret', 'partner']
    for verb in (['service-user', 'rotate', 'bob'], client):
        verb += ['--overlap', '0']
        made = data.json(*verb, '--expires', '2099-01-01')
        one_line(data.attempt(*verb), 2, f'"{verb[2]}"', '--expires DATE', '--expires never')
        secret = 'password' if verb is not client else 'client_secret'
        check(data.json(*verb, '--expires', 'never')[secret] != made[secret], 'the secret')
        data.verb(*verb)
    check('expires_at' not in data.json('service-user', 'show', 'bob'), 'it has an expiry')


@copied(suite, 'client: add, show, list, disable, enable, rotate-secret')
def clients(data):
    made = data.json('client', 'add', 'web.app', '--type', 'web', '--redirect-uri',
                     'https://a.example/cb', '--redirect-uri', 'https://b.example/cb', '--scope',
                     'cosmos', '--grant', 'authorization_code', '--access-ttl', '60')
    secret = made.pop('client_secret')
    check(SECRET.fullmatch(secret) and secret.startswith('adcs_'), 'the secret')
    times(made, 'created_at')
    equal({**made, 'created_at': 0}, {
        'client_id': 'web.app', 'type': 'web', 'state': 'enabled', 'scope': 'cosmos',
        'grant_types': ['authorization_code'], 'access_ttl': 60, 'created_at': 0,
        'redirect_uris': ['https://a.example/cb', 'https://b.example/cb'],
        'origins': ['https://a.example', 'https://b.example']}, 'the client')
    equal(data.json('client', 'show', 'web.app'),
          {**made, 'secrets': [{'created_at': made['created_at']}]}, 'show')
    check('client_secret' not in data.json('client', 'add', 'pub', '--type', 'public'), 'a secret')
    acting = data.json('client', 'add', 'acting', '--type', 'confidential', '--grant',
                       'client_credentials', '--service-user', 'bob')
    equal(acting['sub'], BOB['sub'], 'sub')
    equal([client['client_id'] for client in data.json('client', 'list')],
          ['acting', 'adit', 'external.customer', 'partner', 'pub', 'web.app'], 'list')
    seeded = {client['client_id']: client for client in data.json('client', 'list')}
    equal(seeded['external.customer']['grant_types'], ['password', 'refresh_token'], 'grant_types')
    equal(data.json('client', 'disable', 'pub')['state'], 'disabled', 'disable')
    equal(data.json('client', 'enable', 'pub')['state'], 'enabled', 'enable')
    check(data.json('client', 'rotate-secret', 'web.app')['client_secret'] != secret, 'rotate')
    data.verb('client', 'add', 'x' * 128, '--type', 'device')
    for uri in ('https://a.example', 'http://127.0.0.1/cb', 'http://[::1]:1/cb',
                'com.example.app:/cb'):
        data.verb('client', 'add', uri.translate(str.maketrans(':/[]', '....')), '--type', 'native',
                  '--redirect-uri', uri)


@copied(suite, 'key: list, show, rotate')
def keys(data):
    before = data.json('key', 'list')
    equal(sorted(key['purpose'] for key in before), ['pepper', 'sealing', 'signing'], 'purposes')
    equal({key['state'] for key in before}, {'active'}, 'states')
    for alg in ('ES256', 'RS256', 'EdDSA'):
        made = data.json('key', 'rotate', '--alg', alg)
        equal((made['purpose'], made['alg'], made['state']), ('signing', alg, 'next'), 'the key')
        equal(data.json('key', 'show', made['kid']), made, 'show')
    equal(len(data.json('key', 'list')), 6, 'how many')
    for printed in (data.verb('key', 'list'), data.verb('key', 'list', '--json')):
        check('PRIVATE' not in printed and '"d"' not in printed, 'a private key is printed')


for verb in (verb for verb, _ in VERBS if verb[0] not in ALONE):
    @copied(suite, f'{" ".join(verb[:2])}: lines for people')
    def for_people(data, verb=verb):
        said = data.verb(*verb)
        check(not said.startswith(('{', '[')), said)
        lines = said.splitlines()
        # An empty line parts the tables of `show` from the lines before them.
        parts = {index for index, line in enumerate(lines) if not line and verb[1] == 'show'}
        check(all(lines[index + 1].endswith(':') for index in parts), repr(said))
        lines = [line for index, line in enumerate(lines) if index not in parts]
        check(all(line.strip() for line in lines) and lines, repr(said))
        check(all(line[0] != ' ' for line in lines), repr(said))
        if verb[1] == 'list':
            check(len(lines) > 1, repr(said))
            # A column begins under its name.
            start = lines[0].index(lines[0].split()[1])
            check(all(line[start - 1] == ' ' and line[start] != ' ' for line in lines), repr(said))


@copied(suite, 'an empty list, both ways')
def empty(data):
    equal(data.json('service-user', 'list', '--site', 'south'), [], 'the list')
    equal(data.verb('service-user', 'list', '--site', 'south'), '', 'the table')


@copied(suite, '--password-out: the password alone, 0600, and not on stdout')
def password_out(data):
    for number, (verb, prefix) in enumerate((
            (['service-user', 'add', '--site', 'north', '--role', 'read'], 'adsu_'),
            (['service-user', 'rotate', 'bob'], 'adsu_'),
            (['client', 'add', 'c', '--type', 'confidential'], 'adcs_'),
            (['client', 'rotate-secret', 'c'], 'adcs_'))):
        for form in ('--json', None):
            path = os.path.join(os.path.dirname(data.path), f'out{number}{form}')
            if form is None and verb[1] == 'add':
                continue
            again = ['--overlap', '0'] if form is None else []
            said = data.verb(*verb, *again, '--password-out', path, *([form] if form else []))
            with open(path, encoding='ascii') as file:
                text = file.read()
            check(SECRET.fullmatch(text) and text.startswith(prefix), repr(text))
            check(text not in said and 'ad' + prefix[2:] not in said, said)
            equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, 'mode')


@copied(suite, 'a password-out file of an addition that fails is taken back')
def password_taken_back(data):
    path = os.path.join(os.path.dirname(data.path), 'out')
    done = data.attempt('service-user', 'add', 'bob', '--site', 'north', '--role', 'read',
                        '--password-out', path)
    one_line(done, 2, 'bob')
    check(not os.path.exists(path), 'the file is there')


@copied(suite, 'a password is of use even where --password-out is a name with spaces')
def password_works(data):
    path = os.path.join(os.path.dirname(data.path), 'a b')
    user = data.json('service-user', 'add', '--site', 'north', '--role', 'read',
                     '--password-out', path)
    with open(path, encoding='ascii') as file:
        user['password'] = file.read()
    server = data.serve()
    try:
        served(server.password(user))
    finally:
        server.stop()


@copied(suite, 'stdout that can not be written: exit 1, one line')
def full_stdout(data):
    for verb in (['site', 'list'], ['site', 'show', 'north', '--json'], ['key', 'list']):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([ADITD, *verb, '--data', data.path], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        equal(done.returncode, 1, 'exit code')
        equal(done.stderr.count(b'\n'), 1, 'lines')


@copied(suite, 'no room: for a key, in the store')
def no_room(data):
    for _ in range(63):
        data.verb('key', 'rotate', '--purpose', 'pepper')
    one_line(data.attempt('key', 'rotate', '--purpose', 'pepper'), 5, '64 pepper keys')
    done = data.attempt('site', 'list', environment={'CREDENTIALS_DIRECTORY': '/' + 'x' * 5000})
    one_line(done, 2, 'CREDENTIALS_DIRECTORY')
    done = data.attempt('service-user', 'rotate', 'bob', restore_signals=False,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)))
    one_line(done, 5, data.path)


@copied(suite, '--password-out on a full disk: exit 5, and nothing is changed')
def no_room_for_a_password(data):
    # A file system of its own, where that is allowed.
    full = os.path.join(os.path.dirname(data.path), 'full')
    os.mkdir(full)
    before = snapshot(data.path)
    done = subprocess.run(
        ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c',
         'mount -t tmpfs -o size=4k none "$0" || exit 99; head -c 4096 /dev/zero > "$0/x"; "$@"; '
         'code=$?; ls "$0" >&2; exit $code', full, ADITD, 'service-user', 'rotate', 'bob', '--data',
         data.path, '--password-out', full + '/out'],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
    if done.returncode == 99 or done.stderr.startswith('unshare:'):
        return 'no namespaces to mount in'
    equal((done.returncode, done.stdout), (5, ''), f'exit code and stdout, {done.stderr}')
    lines = done.stderr.splitlines()
    check(len(lines) == 2 and full + '/out' in lines[0], lines)
    check('nothing was changed' in lines[0], lines)
    equal(lines[1], 'x', 'what is there')
    check(snapshot(data.path) == before, 'a file has changed')
    return None


@copied(suite, 'stdout that can not be written: what was done is said, and where the secret is')
def full_stdout_after_a_change(data):
    out = os.path.join(os.path.dirname(data.path), 'out')
    for verb, *words in (
            (['site', 'disable', 'north'], 'it was done'),
            (['service-user', 'disable', 'bob'], 'it was done'),
            (['client', 'disable', 'partner'], 'it was done'),
            (['key', 'rotate'], 'it was done'),
            (['client', 'add', 'public', '--type', 'public'], 'it was done'),
            (['service-user', 'add', '--site', 'south', '--role', 'read'], '"su-south-', 'lost',
             'service-user rotate'),
            (['service-user', 'rotate', 'bob'], '"bob"', 'lost', 'service-user rotate'),
            (['client', 'rotate-secret', 'partner'], '"partner"', 'lost', 'client rotate-secret'),
            (['client', 'add', 'new', '--type', 'confidential', '--password-out', out], '"new"',
             out)):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([ADITD, *verb, '--data', data.path], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        line = done.stderr.decode()
        equal(done.returncode, 1, 'exit code')
        check(line.count('\n') == 1 and 'nothing was changed' not in line, line)
        for word in words:
            check(word in line, f'{word!r} is not in {line!r}')
    equal(data.json('site', 'show', 'north')['state'], 'disabled', 'the site')
    equal(data.json('client', 'show', 'partner')['state'], 'disabled', 'the client')
    with open(out, encoding='ascii') as file:
        check(SECRET.fullmatch(file.read()), 'the secret')


@copied(suite, 'verbs beside a server count there, and passwords are never arguments')
def beside(data):
    server = data.serve()
    try:
        user = data.user('north')
        _, added = until(lambda: server.password(user).status == 200, 'adding', 10)
        data.verb('service-user', 'disable', user['username'])
        _, disabled = until(lambda: server.password(user).status == 400, 'disabling', 10)
        data.verb('service-user', 'enable', user['username'])
        _, enabled = until(lambda: server.password(user).status == 200, 'enabling', 10)
        data.verb('client', 'disable', 'external.customer')
        _, client = until(lambda: server.password(user).json.get('error') == 'invalid_client',
                          'disabling the client', 10)
        suite.note(f'counted after: adding {added:.2f} s, disabling {disabled:.2f} s, enabling '
                   f'{enabled:.2f} s, disabling a client {client:.2f} s')
        with open(f'/proc/{server.pid}/cmdline', 'rb') as file:
            check(user['password'].encode() not in file.read(), 'a password among arguments')
    finally:
        server.stop()


@copied(suite, 'a new password and an enabled user are let in at once')
def at_once(data):
    """A client that is refused once does not try the same password again."""
    server = data.serve()
    try:
        user = data.user('north')
        equal(server.password(user).status, 200, 'the first password')
        for _ in range(5):
            made = data.json('service-user', 'rotate', user['username'], '--overlap', '0')
            user = {**user, 'password': made['password']}
            equal(server.password(user).status, 200, 'a new password, at once')
            data.verb('service-user', 'disable', user['username'])
            until(lambda: server.password(user).status == 400, 'disabling', 10)
            data.verb('service-user', 'enable', user['username'])
            equal(server.password(user).status, 200, 'enabled, at once')
    finally:
        server.stop()


for verb, _ in VERBS:
    @copied(suite, f'{" ".join(verb[:2])}: no core file, whatever the limit')
    def no_core(data, verb=verb):
        # Each reads its configuration first, and the queue holds it there.
        queue = os.path.join(os.path.dirname(data.path), 'queue')
        os.mkfifo(queue)
        process = subprocess.Popen(
            [ADITD, *verb, '--config', queue], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_CORE, (4096, 4096)))
        try:
            writer = os.open(queue, os.O_WRONLY)
            with open(f'/proc/{process.pid}/limits', encoding='ascii') as file:
                limit = re.search(r'Max core file size +(\S+) +(\S+)', file.read())
            equal(limit.groups(), ('0', '0'), 'the limits')
            os.close(writer)
        finally:
            process.kill()
            process.wait()


# Requirement 80.
@copied(suite, 'names that look like options or patterns are names, and sign in')
def odd_names(data):
    users = []
    for name in ('--json', '-', '%', "o'brien", '"', 'a b', '\u540d', '\\', 'x' * 256, 'a+b&c=d;e',
                 '\U0001f600', 'e\u0301', '\u00e9', ' '):
        done = run('service-user', 'add', '--data', data.path, '--site', 'north', '--role', 'read',
                   '--json', '--', name)
        equal(done.complained, '', 'stderr')
        users.append(json.loads(done.said))
        equal(users[-1]['username'], name, 'username')
    equal(len(data.json('service-user', 'list')), 1 + len(users), 'how many')
    server = data.serve()
    try:
        subs = {claims_of(server.sign_in(user)['access_token'])['sub'] for user in users}
        equal(subs, {user['sub'] for user in users}, 'subs')
    finally:
        server.stop()


@suite.case('everything as long as it may be: tokens are issued and refreshed')
def longest():
    with Folder() as folder:
        issuer = 'https://' + 'h' * 60 + '.example/' + '/'.join(['p' * 60] * 7)
        issuer += 'q' * (512 - len(issuer))
        data = Data(folder, issuer)
        data.verb('site', 'add', 's' * 64)
        user = data.json('service-user', 'add', 'u' * 256, '--site', 's' * 64, '--role', 'write',
                         '--label', 'l' * 256)
        client = data.json('client', 'add', 'c' * 128, '--type', 'confidential', '--scope',
                           'cosmos',
                           '--scope', 'openid', '--scope', 'offline_access')
        own = {'client_id': client['client_id'], 'client_secret': client['client_secret']}
        server = data.serve()
        try:
            for scope in (None, 'openid offline_access', 'cosmos openid offline_access ' +
                          ' '.join(['openid'] * 38)):
                answer = server.sign_in(user, scope=scope, **own)
                for _ in range(3):
                    check(len(answer['refresh_token']) <= 2048, 'the refresh token is too long')
                    answer = served(server.refresh(answer['refresh_token'], **own)).json
                equal(claims_of(answer['access_token'])['iss'], issuer, 'iss')
            document = server.get(server.path + '/.well-known/openid-configuration').json
            equal(document['token_endpoint'], issuer + '/connect/token', 'token_endpoint')
        finally:
            server.stop()


suite.main(workers=8)
