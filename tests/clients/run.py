#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real clients against a real authority and the sample API: a case for each client and step.

Starts `aditd dev` and `external-api` from the build ($ADIT_BUILD) on free ports of loopback, runs
every client of CLIENTS, and stops them. Each client knows only what session.py says. Then the same
with `aditd serve` and Service Users whose names and imported passwords a careless encoding would
change.
"""
import base64
import itertools
import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../tools'))

from tap import Tap

STEPS = ['discovery', 'password grant', 'own site', 'other site', 'refresh',
         'own site after refresh', 'wrong password']
# What a library has calls of its own for.
MORE = ['revocation', 'client credentials']
VERIFY = ['discovery', 'password grant', 'token verifies', 'changed token refused',
          'other audience refused']
PYTHON = '/usr/bin/python3'
# A client's name, its command, the steps it must report, in this order.
CLIENTS = [
    ('curl', ['bash', 'curl.sh'], STEPS),
    ('newman', ['node', 'newman.mjs'], STEPS),
    ('Authlib none', [PYTHON, 'authlib_client.py', 'none'], STEPS + MORE),
    ('Authlib basic', [PYTHON, 'authlib_client.py', 'client_secret_basic'], STEPS + MORE),
    ('Authlib post', [PYTHON, 'authlib_client.py', 'client_secret_post'], STEPS + MORE),
    ('requests-oauthlib', [PYTHON, 'requests_oauthlib_client.py'], STEPS + MORE),
    ('openid-client', ['node', 'openid_client.mjs'], STEPS + ['userinfo'] + MORE),
    ('simple-oauth2', ['node', 'simple_oauth2.mjs'], STEPS + MORE),
    ('oauth4webapi', ['node', 'oauth4webapi.mjs'],
     ['discovery', 'discovery of RFC 8414', 'password grant', 'token verifies'] + STEPS[2:]),
    ('IdentityModel', [PYTHON, 'identitymodel.py'], ['discovery', 'keys'] + STEPS[1:]),
    ('Go oauth2', [PYTHON, 'go_oauth2.py'],
     STEPS + ['right password after it', 'client credentials']),
    ('oidc-agent', [PYTHON, 'oidc_agent.py'], STEPS[1:]),
    ('iddawc', [PYTHON, 'iddawc_client.py'],
     STEPS[:2] + ['token verifies'] + STEPS[2:] + ['revocation']),
    ('jose', ['node', 'verify_jose.mjs'], VERIFY),
    ('PyJWT', [PYTHON, 'verify_pyjwt.py'], VERIFY),
]
# Those that encode a user name and a password each in its own way.
ENCODERS = {'curl', 'newman', 'Authlib none', 'Authlib basic', 'requests-oauthlib',
            'openid-client', 'simple-oauth2', 'oauth4webapi', 'IdentityModel', 'Go oauth2',
            'iddawc'}
# Those that show who they are by a key.
ALGS = ('ES256', 'RS256')
KEYED = [
    ('openid-client, private_key_jwt', ['node', 'private_key_jwt.mjs'],
     ['discovery'] + [f'{alg}: {what}' for alg in ALGS for what in (
         'client credentials', 'one site and no other', 'once more', 'revocation',
         "another's key")]),
    ('Authlib, private_key_jwt', [PYTHON, 'authlib_private_key_jwt.py'],
     [f'{alg}: {what}' for alg in ALGS for what in ('client credentials', "another's key")]),
]
# Service Users' names, labels, sites and imported passwords.
NAMES = [
    ('a name of marks', 'a b+c%d%20&e=f "g" \'h\' i:j;k/l?m#n\\o', '50% + "x" & y=\'z\'',
     'north-pit', ' a+b %2B%&c=d;"e" \'f\' \\g\\n{{h}}$i`j`:k/l?m#n@o!~*()[]<>|^ '),
    ('a name of letters', 'Grün & Ελλάδα 日本+Я %é 🚜', 'Земля + 土 = 100%', 'south-pit',
     'Größe+Ελλάδα %é & 日本=Я "ñ" 🚜 e\u0301'),
]
CONFIDENTIAL = 'confidential.example'
# What was seeded, where that was never said.
NOTHING = {'service_users': [], 'clients': []}
# Bounds that a slow machine never meets; they only end what hangs.
START_S = 120
CLIENT_S = 240


class Server:
    """A program that says on its first line that it is up."""

    def __init__(self, name, command, log):
        self.name = name
        self.log = log
        self.errors = open(log, 'wb')
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.errors)

    def listens(self):
        """Whether it says in its log that it is up, and not that it can't be."""
        end = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < end:
            if '"event":"listening"' in self.logged():
                return True
            time.sleep(0.05)
        return False

    def first_line(self):
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        line = b''
        end = time.monotonic() + START_S
        while not line.endswith(b'\n') and selector.select(max(0, end - time.monotonic())):
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                break
            line += part
        if b'\n' not in line:
            raise RuntimeError(f'{self.name} did not start: {line!r} {self.logged()[-4000:]}')
        return line.split(b'\n')[0].decode()

    def logged(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()

    def stop(self):
        """Asks it to end, and gives its exit status."""
        self.process.terminate()
        try:
            status = self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        return status


def environment(folder, number, seeded, api):
    """One client's own: the Service Users take turns, so that no rate limit is met."""
    users = seeded['service_users']
    turn = number % len(users)
    path = os.path.join(folder, f'credentials-{number}.json')
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w',
              encoding='utf-8') as file:
        json.dump({**seeded, 'service_users': users[turn:] + users[:turn]}, file)
    quiet = {'NO_UPDATE_NOTIFIER': '1', 'PYTHONDONTWRITEBYTECODE': '1', 'NO_COLOR': '1'}
    # A proxy of the machine's has no part in what happens on loopback.
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith('_proxy')}
    return {**kept, **quiet, 'ADIT_AUTHORITY': seeded['authority'], 'ADIT_API': api,
            'ADIT_CREDENTIALS': path}


def run_client(tap, client, variables):
    name, command, steps = client
    try:
        done = subprocess.run(command, cwd=HERE, env=variables, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=CLIENT_S)
        output, status = done.stdout.decode(errors='replace'), done.returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        output, status = str(error), 1
    said = re.findall(r'^ok (.+)$', output, re.MULTILINE)
    for step in steps:
        tap.case(step in said, f'{name}: {step}')
    if status or said != steps:
        tap.case(False, f'{name}: all of its steps, and no other', f'status {status}\n{output}')


def why_not(client):
    """Why a client cannot run here, or None."""
    if client[1][0] == 'node' and not os.path.isdir(os.path.join(HERE, 'node_modules')):
        return 'no tests/clients/node_modules; ./check installs them, or `npm ci` there'
    return None


def run_clients(tap, clients, seeded, folder, api):
    for number, client in enumerate(clients):
        reason = why_not(client)
        if reason:
            tap.skip(client[0], reason)
            continue
        run_client(tap, client, environment(folder, number, seeded, api))


def run_encoders(tap, seeded, folder, api):
    """Each of ENCODERS as each of NAMES."""
    clients = [client for client in CLIENTS if client[0] in ENCODERS]
    for number, (client, (kind, *_)) in enumerate(itertools.product(clients, NAMES)):
        client = f'{client[0]}, {kind}', *client[1:]
        reason = why_not(client)
        if reason:
            tap.skip(client[0], reason)
            continue
        # Its Service Users take turns, as NAMES do.
        run_client(tap, client, environment(folder, number, seeded, api))


def secrets_in(text, seeded):
    """What stands in a log and must not: passwords, client secrets, tokens of either kind."""
    seeded_secrets = {user['username'] + "'s password": user['password']
                      for user in seeded['service_users']}
    for client in seeded['clients']:
        name, secret = client['client_id'], client['client_secret']
        pair = base64.b64encode(f'{name}:{secret}'.encode()).decode()
        seeded_secrets |= {name + "'s secret": secret, name + "'s Authorization": pair}
    told = [name for name, secret in seeded_secrets.items()
            if secret in text or json.dumps(secret, ensure_ascii=False)[1:-1] in text]
    # None of these is known here: each client gets its own.
    kinds = {'a password': 'adsu_', 'a client secret': 'adcs_', 'a refresh token': 'adr_',
             'an access token': 'eyJ'}
    return told + [name for name, beginning in kinds.items()
                   if re.search(rf'(?<![A-Za-z0-9_-]){beginning}[A-Za-z0-9_-]{{16}}', text)]


def stop(tap, servers, seeded):
    """Ends the servers, the last one first, and looks through what they logged."""
    statuses = [(server, server.stop()) for server in reversed(servers)]
    for server, status in statuses:
        tap.case(status == 0, f'{server.name} ends well when told to',
                 f'status {status}\n{server.logged()[-4000:]}')
        told = secrets_in(server.logged(), seeded)
        tap.case(not told, f'{server.name} logged no secret', ', '.join(told))
    # Or the case before would have nothing to look at.
    log = servers[0].logged()
    tap.case('"token_issued"' in log and '"token_refused"' in log,
             f'{servers[0].name} logged the requests')


def start_api(folder, external_api, servers, authority):
    """Adds the sample API to the servers, and gives its URL."""
    servers.append(Server('external-api', [external_api, '--listen', '127.0.0.1:0',
                                           '--authority', authority],
                          os.path.join(folder, 'external-api.log')))
    return re.search(r'https?://[^\s"/]+', servers[-1].first_line())[0]


def dev(tap, folder, aditd, external_api):
    servers = [Server('aditd dev', [aditd, 'dev', '--json', '--listen', '127.0.0.1:0',
                                    '--log-level', 'debug'], os.path.join(folder, 'aditd.log'))]
    seeded = None
    try:
        seeded = json.loads(servers[0].first_line())
        run_clients(tap, CLIENTS, seeded, folder,
                    start_api(folder, external_api, servers, seeded['authority']))
    finally:
        stop(tap, servers, seeded or NOTHING)


def add_keyed(verb, folder, alg):
    """A client with a key of that algorithm, whose private part is for the client alone."""
    from authlib.jose import JsonWebKey
    kind, size = {'ES256': ('EC', 'P-256'), 'RS256': ('RSA', 2048)}[alg]
    key = JsonWebKey.generate_key(kind, size, {'kid': f'{alg}-1', 'alg': alg, 'use': 'sig'}, True)
    path = os.path.join(folder, f'{alg}.jwks')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'keys': [key.as_dict(is_private=False)]}, file)
    client = json.loads(verb('client', 'add', f'keyed.{alg}', '--type', 'confidential', '--grant',
                             'client_credentials', '--service-user', NAMES[0][1], '--jwks-file',
                             path, '--json'))
    return {'client_id': client['client_id'], 'jwk': key.as_dict(is_private=True)}


def seed(aditd, data, authority):
    """A data directory with the Service Users of NAMES; what session.py is given of it."""
    def verb(*arguments):
        return subprocess.run([aditd, *arguments, '--data', data], check=True, timeout=START_S,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout

    verb('init', '--issuer', authority)
    users = [{'username': name, 'label': label, 'site': site, 'role': 'read',
              'password': password} for _, name, label, site, password in NAMES]
    for user in users:
        verb('site', 'add', user['site'])
    subprocess.run([aditd, 'service-user', 'import', '--data', data], check=True, timeout=START_S,
                   input='\n'.join(map(json.dumps, users)).encode(), stdout=subprocess.PIPE)
    client = json.loads(verb('client', 'add', CONFIDENTIAL, '--type', 'confidential', '--grant',
                             'client_credentials', '--service-user', NAMES[0][1], '--json'))
    listed = {(user['username'], user['label'], user['site'])
              for user in json.loads(verb('service-user', 'list', '--json'))}
    return listed, {
        'authority': authority, 'client_id': 'external.customer', 'service_users': users,
        'keyed': [add_keyed(verb, os.path.dirname(data), alg) for alg in ALGS],
        'clients': [{key: client[key] for key in ('client_id', 'client_secret')}]}


def start_named(folder, aditd):
    """`aditd serve`, whose issuer names its port before it listens: another where one is taken."""
    data = os.path.join(folder, 'data')
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            address = f'127.0.0.1:{probe.getsockname()[1]}'
        listed, seeded = seed(aditd, data, f'http://{address}/identity')
        server = Server('aditd serve', [aditd, 'serve', '--data', data, '--listen', address,
                                        '--log-level', 'debug'],
                        os.path.join(folder, 'aditd.log'))
        if server.listens():
            return server, listed, seeded
        server.stop()
        shutil.rmtree(data)
    raise RuntimeError(f'{server.name} did not start: {server.logged()[-4000:]}')


def named(tap, folder, aditd, external_api):
    server, listed, seeded = start_named(folder, aditd)
    servers = [server]
    try:
        tap.case(listed == {name[1:4] for name in NAMES},
                 'names and labels are listed as they were given', repr(listed))
        api = start_api(folder, external_api, servers, seeded['authority'])
        run_encoders(tap, seeded, folder, api)
        with tempfile.TemporaryDirectory() as keyed:
            run_clients(tap, KEYED, seeded, keyed, api)
    finally:
        stop(tap, servers, seeded)


def main():
    tap = Tap()
    build = os.environ.get('ADIT_BUILD', os.path.join(HERE, '../../build'))
    programs = [os.path.join(build, path) for path in
                ('src/authority/aditd', 'samples/external-api/external-api')]
    absent = [path for path in programs if not os.access(path, os.X_OK)]
    if absent:
        print('1..0 # SKIP not built: ' + ', '.join(os.path.basename(path) for path in absent))
        return
    with tempfile.TemporaryDirectory() as folder:
        tap.run('the servers start and stop', dev, tap, folder, *programs)
    with tempfile.TemporaryDirectory() as folder:
        tap.run('the servers start and stop, with names of all kinds', named, tap, folder,
                *programs)
    tap.finish()


if __name__ == '__main__':
    main()
