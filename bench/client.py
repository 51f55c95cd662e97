#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What getting a token costs a program: libadit and `adit` beside Debian's oidc-agent and
libiddawc, in one run, each against the same `aditd dev`, in turns, in an order that changes.

    bench/client.py BUILD [TIMES]     TIMES of each row (200)

Ends with status 1 where a bound is missed that a loaded machine keeps: the first flow's.
"""
import http.server
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BUILD = os.path.abspath(sys.argv[1])
TIMES = int(sys.argv[2]) if len(sys.argv) > 2 else 200
ADITD, ADIT, BENCH, IDDAWC = (os.path.join(BUILD, path) for path in (
    'src/authority/aditd', 'src/cli/adit', 'bench/bench-client', 'bench/bench-iddawc'))
KEPT = {key: value for key, value in os.environ.items() if not key.lower().endswith('_proxy')}


def run(command, environment=None, given=None):
    """Its output, and how long it took, from before its start to after its end, in ms."""
    began = time.perf_counter_ns()
    done = subprocess.run(command, env=environment or KEPT, input=given, capture_output=True,
                          check=False)
    took = (time.perf_counter_ns() - began) / 1e6
    if done.returncode:
        sys.exit(f'{command[0]}: {done.returncode} {done.stderr.decode()} {done.stdout.decode()}')
    return done.stdout.decode(), took


def wall_ms(command, environment):
    """Of a process alone: posix_spawn() and wait, nothing read."""
    with open(os.devnull, 'wb') as null:
        actions = [(os.POSIX_SPAWN_DUP2, null.fileno(), 1)]
        began = time.perf_counter_ns()
        pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
        status = os.waitpid(pid, 0)[1]
        took = (time.perf_counter_ns() - began) / 1e6
    if status:
        sys.exit(f'{command}: {status}')
    return took


def row(name, values, unit):
    print(f'| {name} | {min(values):.2f} | {statistics.median(values):.2f} | '
          f'{max(values):.2f} | {unit} |')


class Document(http.server.BaseHTTPRequestHandler):
    """The authority's discovery document with an authorization_endpoint, without which libiddawc
    takes none."""
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        # libiddawc compares the tokens' issuer with the document's, libadit its own URL.
        body = self.server.bodies[self.path.split('/')[1]]
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


def serve_document(authority):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            authority + '/.well-known/openid-configuration') as answer:
        document = json.load(answer)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Document)
    url = f'http://127.0.0.1:{server.server_port}'
    document['authorization_endpoint'] = authority + '/connect/authorize'
    server.bodies = {name: json.dumps({**document, 'issuer': issuer}).encode() for name, issuer in
                     (('own', url + '/own'), ('same', authority))}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return url


def start_agent(folder, seeded, user):
    """oidc-agent with the same account; its environment, or None where it is not installed."""
    home = os.path.join(folder, 'agent')
    os.mkdir(home, 0o700)
    environment = {**KEPT, 'HOME': home, 'TMPDIR': home, 'OIDC_CONFIG_DIR': home,
                   'OIDC_ENCRYPTION_PW': os.urandom(16).hex()}
    try:
        said = run(['/usr/bin/oidc-agent'], environment)[0]
    except FileNotFoundError:
        return None
    for name in ('OIDC_SOCK', 'OIDCD_PID'):
        environment[name] = re.search(rf'\b{name}=([^;]+);', said)[1]
    path = os.path.join(home, 'account.json')
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
        json.dump({'name': 'adit', 'issuer_url': seeded['authority'], 'client_id':
                   seeded['client_id'], 'client_secret': '', 'username': user['username'],
                   'password': user['password'], 'scope': 'cosmos', 'redirect_uris': [],
                   'cert_path': '/etc/ssl/certs/ca-certificates.crt'}, file)
    run(['/usr/bin/oidc-gen', '--manual', 'adit', '--file', path, '--client-secret=',
         '--flow=password', '--pw-env', '--prompt=none', '--confirm-yes'], environment)
    return environment


def set_up_adit(folder, seeded, user, *options):
    state = os.path.join(folder, 'state' + str(len(options)))
    secret = os.path.join(folder, 'password')
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w',
              encoding='utf-8') as file:
        file.write(user['password'])
    environment = {**KEPT, 'XDG_STATE_HOME': state, 'HOME': folder}
    environment.pop('DBUS_SESSION_BUS_ADDRESS', None)
    run([ADIT, 'service', 'set', seeded['authority'], '--username', user['username'],
         '--password-file', secret, *options], environment)
    return environment


def measure_warm(folder, seeded, user):
    sealed = set_up_adit(folder, seeded, user)
    agent = start_agent(folder, seeded, user)
    kinds = [('`adit token`, sealed files', [ADIT, 'token', seeded['authority']], sealed),
             ('`/bin/true`', ['/bin/true'], KEPT)]
    if agent:
        kinds.append(('`oidc-token`, with its agent', ['/usr/bin/oidc-token', 'adit'], agent))
    seen = {name: [] for name, _, _ in kinds}
    try:
        for _ in range(TIMES):
            for name, command, environment in random.sample(kinds, len(kinds)):
                seen[name].append(wall_ms(command, environment))
    finally:
        if agent:
            run(['/usr/bin/oidc-agent', '--kill'], agent)
    for name, values in seen.items():
        row(name, values, 'ms')


def measure_first(seeded, user):
    document = serve_document(seeded['authority'])
    given = (user['password'] + '\n').encode()
    kinds = [('libadit', BENCH, seeded['authority']),
             ('libadit, the document from elsewhere', BENCH, document + '/own'),
             ('libiddawc, likewise', IDDAWC, document + '/same')]
    inside, whole = ({name: [] for name, _, _ in kinds} for _ in range(2))
    memory = {}
    for _ in range(TIMES):
        for name, program, authority in random.sample(kinds, len(kinds)):
            said, took = run([program, 'first', authority, user['username']], given=given)
            memory[name] = json.loads(said)
            inside[name].append(memory[name]['us'] / 1000)
            whole[name].append(took)
    for what, seen in (('first flow', inside), ('the same, with the program\'s start and end',
                                                whole)):
        for name, values in seen.items():
            row(f'{what}: {name}', values, 'ms')
    for name, told in memory.items():
        print(f'| memory after it: {name} | | {told["rss_kib"]:,} | | KiB, '
              f'{told["private_dirty_kib"]:,} of them its own |')
    many = json.loads(run([BENCH, 'many', seeded['authority'], user['username']], given=given)[0])
    one = (many['private_dirty_kib'] - memory['libadit']['private_dirty_kib']) / 99
    print(f'| memory of one more client with a token | | {one:.1f} | | KiB |')
    return {name: statistics.median(values) for name, values in whole.items()}


def main():
    dev = subprocess.Popen([ADITD, 'dev', '--json', '--listen', '127.0.0.1:0'],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    try:
        seeded = json.loads(dev.stdout.readline())
        user = seeded['service_users'][0]
        print('| what | least | median | most | |\n| --- | ---: | ---: | ---: | --- |')
        fresh = json.loads(run([BENCH, 'fresh', seeded['authority'], user['username']],
                               given=(user['password'] + '\n').encode())[0])
        row('`adit_token_get()` on a fresh token', [fresh['least_ns'], fresh['median_ns'],
                                                    fresh['most_ns']], 'ns')
        with tempfile.TemporaryDirectory() as folder:
            measure_warm(folder, seeded, user)
        first = measure_first(seeded, user)
    finally:
        dev.terminate()
        dev.wait()
    sys.exit(first['libadit, the document from elsewhere'] > first['libiddawc, likewise'])


main()
