#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/nginx and packaging/caddy in front of `aditd serve`: what clients see through TLS is
what aditd says. Only names, ports and certificates of the files are changed."""
import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../blackbox'))

from harness import (PATIENCE_S, PUBLIC, Data, Folder, Suite, check, claims_of, compose, equal,
                     exchange, form, until)

PACKAGING = os.path.join(os.environ['ADIT_SOURCE'], 'packaging')
KIB_64 = 65536
HSTS = 'strict-transport-security: max-age=31536000'
STRANGE = 'p+%25 %%&=;"\'\\/?#é~' * 50  # of 20 bytes
ENVIRONMENT = {key: value for key, value in os.environ.items()
               if key.lower() not in ('http_proxy', 'https_proxy', 'all_proxy')}


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


def replaced(text, *pairs):
    """Each must be there once: the file is tested as it stands."""
    for old, new in pairs:
        equal(text.count(old), 1, f'how often {old!r} is in the file')
        text = text.replace(old, new)
    return text


def shipped(name):
    with open(os.path.join(PACKAGING, name), encoding='utf-8') as file:
        return file.read()


def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path


def certificate(folder):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                    '-addext', 'subjectAltName=DNS:localhost', '-keyout', f'{folder}/key.pem',
                    '-out', f'{folder}/certificate.pem'], check=True, capture_output=True)


# --- proxies ---------------------------------------------------------------------------------

class Proxy:
    """A proxy of its own folder that runs until stop(), at `url`."""

    def __init__(self, base, name, upstream):
        self.folder = os.path.join(base, name)
        os.makedirs(self.folder)
        self.log = os.path.join(self.folder, 'log')
        # Somebody may take the port before the proxy does.
        for _ in range(5):
            self.port = free_port()
            command = self.configure(base, upstream)
            with open(self.log, 'w', encoding='utf-8') as log:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=self.folder, env={**ENVIRONMENT, 'HOME': self.folder,
                                          'XDG_DATA_HOME': self.folder,
                                          'XDG_CONFIG_HOME': self.folder})
            atexit.register(self.process.kill)
            if self.is_up():
                break
        else:
            check(False, f'{command} does not start: {self.said()}')
        self.authority = f'https://localhost:{self.port}'
        self.trust = os.path.join(base, 'certificate.pem')

    def is_up(self):
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(('127.0.0.1', self.port), 5).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def said(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()[-3000:]

    def stop(self):
        alive = self.process.poll() is None
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        check(alive, f'it ended: {self.said()}')


class Nginx(Proxy):
    program = 'nginx'

    def configure(self, base, upstream):
        folder = self.folder
        site = replaced(
            shipped('nginx/adit.conf'), ('\tserver unix:/run/adit/http;', f'\tserver {upstream};'),
            ('listen 443 ', f'listen 127.0.0.1:{self.port} '),
            ('\tlisten [::]:443 ssl http2;\n', ''), ('www.example.com', 'localhost'),
            ('/etc/ssl/adit/certificate.pem', f'{base}/certificate.pem'),
            ('/etc/ssl/adit/key.pem', f'{base}/key.pem'),
            ('/var/log/nginx/adit.log', f'{folder}/access.log'))
        places = ''.join(f'{kind}_temp_path {folder}/{kind};\n' for kind in (
            'client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        # Its workers would be another user than aditd's otherwise.
        user = 'user root;\n' if os.geteuid() == 0 else ''
        write(f'{folder}/nginx.conf',
              f'{user}daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log stderr;\n'
              f'events {{}}\nhttp {{\n{places}{site}}}\n')
        return [self.path, '-p', folder, '-e', 'stderr', '-c', f'{folder}/nginx.conf']


class Caddy(Proxy):
    program = 'caddy'

    def configure(self, base, upstream):
        upstream = upstream.replace('unix:', 'unix/')
        write(f'{self.folder}/Caddyfile', replaced(
            shipped('caddy/Caddyfile'), ('unix//run/adit/http', upstream),
            ('\nwww.example.com {', f'\nhttps://localhost:{self.port} {{\n\tbind 127.0.0.1'),
            ('\t#tls /etc/ssl/adit/certificate.pem /etc/ssl/adit/key.pem',
             f'\ttls {base}/certificate.pem {base}/key.pem')))
        return [self.path, 'run', '--adapter', 'caddyfile', '--config',
                f'{self.folder}/Caddyfile']


# --- requests --------------------------------------------------------------------------------

class Answer:
    def __init__(self, head, body, more):
        # Of several heads, as after 100 Continue, the last.
        blocks = [block for block in head.replace('\r', '').split('\n\n') if block]
        self.interim = blocks[:-1]
        lines = blocks[-1].split('\n')
        self.status = int(lines[0].split(' ')[1])
        self.fields = [line.split(': ', 1)[0].lower() + ': ' + line.split(': ', 1)[1]
                       for line in lines[1:]]
        self.body = body
        self.more = more

    def has(self, field):
        return field in self.fields

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f'<{self.status} {self.fields} {self.body[:300]!r}>'


def curl(proxy, target, *arguments, body=None, trust=True):
    """A request by curl; the body goes by stdin."""
    with Folder() as folder:
        command = ['curl', '-sS', '--http1.1', '--path-as-is', '--max-time', str(PATIENCE_S),
                   '-D', f'{folder}/head', '-o', f'{folder}/body', '-w', '%{num_redirects}',
                   '--resolve', f'localhost:{proxy.port}:127.0.0.1', *arguments]
        if trust:
            command += ['--cacert', proxy.trust]
        if body is not None:
            command += ['--data-binary', '@-']
        done = subprocess.run([*command, proxy.authority + target], input=body or b'',
                              capture_output=True, check=False, timeout=PATIENCE_S * 2,
                              env=ENVIRONMENT)
        check(done.returncode == 0, f'{target}: {done.returncode} {done.stderr.decode()}')
        equal(done.stdout, b'0', 'redirects')
        with open(f'{folder}/head', encoding='latin-1') as head, \
                open(f'{folder}/body', 'rb') as content:
            answer = Answer(head.read(), content.read(), done)
    check(not 300 <= answer.status < 400, f'redirected: {answer!r}')
    check(answer.has(HSTS), f'no HSTS: {answer!r}')
    return answer


def grant(user, **more):
    return form({'grant_type': 'password', 'client_id': PUBLIC, 'username': user['username'],
                 'password': user['password'], **more})


TOKEN = '/identity/connect/token'
OPENID = '/identity/.well-known/openid-configuration'


def granted(answer, data):
    equal(answer.status, 200, f'the status of {answer!r}')
    check(answer.has('cache-control: no-store') and answer.has('pragma: no-cache') and
          answer.has('content-type: application/json'), repr(answer))
    equal(claims_of(answer.json['access_token'])['iss'], data.issuer, 'iss')
    return answer


# --- cases -----------------------------------------------------------------------------------

def add_cases(suite, proxy, label, data, user, direct):
    def case(name):
        return suite.case(f'{label}: {name}')

    @case('discovery, its issuer the one that init fixed')
    def _():
        for target in (OPENID, '/.well-known/oauth-authorization-server/identity'):
            answer = curl(proxy, target)
            equal((answer.status, answer.json['issuer']), (200, data.issuer), target)
            equal(answer.json['token_endpoint'], data.issuer + '/connect/token', target)
            equal(answer.body, direct.get(target).body, 'the body')

    @case('HTTP/2')
    def _():
        equal(curl(proxy, OPENID, '--http2').status, 200, 'status')
        granted(curl(proxy, TOKEN, '--http2', body=grant(user)), data)

    @case('TLS 1.1 is refused, 1.2 and 1.3 are not')
    def _():
        for version in ('1.2', '1.3'):
            curl(proxy, OPENID, f'--tlsv{version}', '--tls-max', version)
        # The client must be willing, which Debian's own level is not.
        done = subprocess.run(
            ['openssl', 's_client', '-connect', f'127.0.0.1:{proxy.port}', '-tls1_1',
             '-cipher', 'DEFAULT@SECLEVEL=0'], stdin=subprocess.DEVNULL, capture_output=True,
            check=False, timeout=PATIENCE_S)
        said = (done.stdout + done.stderr).decode(errors='replace')
        check(done.returncode != 0 and 'alert protocol version' in said, said)

    @case('a password grant, and the refresh after it')
    def _():
        first = granted(curl(proxy, TOKEN, body=grant(user)), data)
        again = {'grant_type': 'refresh_token', 'client_id': PUBLIC,
                 'refresh_token': first.json['refresh_token']}
        granted(curl(proxy, TOKEN, body=form(again)), data)

    @case('doubled slashes and one at the end')
    def _():
        for target in ('/identity//connect/token', '//identity/connect//token', TOKEN + '/',
                       '//identity//connect//token//'):
            granted(curl(proxy, target, body=grant(user)), data)

    @case('a path is not rewritten')
    def _():
        for target in ('/identity/x/../connect/token', '/identity/./connect/token',
                       '/identity/connect%2Ftoken', '/identity/connect/token%00', '/identity',
                       '/identity/', '/', '/Identity/connect/token'):
            body = grant(user)
            answer = curl(proxy, target, body=body)
            wanted = exchange(direct.address, compose(
                'POST', target, [('Content-Type', 'application/x-www-form-urlencoded')], body))
            equal(answer.status, wanted.status, f'the status of {target}')

    @case('Expect: 100-continue')
    def _():
        answer = granted(curl(proxy, TOKEN, '-H', 'Expect: 100-continue', body=grant(user)), data)
        check(len(answer.interim) == 1 and ' 100' in answer.interim[0], repr(answer.interim))

    @case('chunks')
    def _():
        granted(curl(proxy, TOKEN, '-H', 'Transfer-Encoding: chunked', body=grant(user)), data)

    @case('a body of 64 KiB passes, one byte more gets 413')
    def _():
        body = grant(user) + b'&pad='
        body += b'x' * (KIB_64 - len(body))
        granted(curl(proxy, TOKEN, body=body), data)
        for size in (KIB_64 + 1, 2 * KIB_64, 8 * KIB_64):
            answer = curl(proxy, TOKEN, body=body.ljust(size, b'x'))
            equal((answer.status, answer.json['error']), (413, 'invalid_request'), str(size))
            check(answer.has('content-type: application/json'), repr(answer))

    @case('a wrong password: the answer is that of aditd')
    def _():
        for password in ('wrong', STRANGE, user['password'] + ' '):
            body = grant(user, password=password)
            wanted = direct.post(body)
            answer = curl(proxy, TOKEN, body=body)
            equal((answer.status, wanted.status), (400, 400), f'status of {password!r}')
            known = wanted.json
            check(re.fullmatch('[A-Za-z0-9]{16}', answer.json['correlation_id']), repr(answer))
            equal({**answer.json, 'correlation_id': None}, {**known, 'correlation_id': None},
                  'the body')
            equal(answer.json['error'], 'invalid_grant', 'error')
            for name in ('Content-Type', 'Cache-Control', 'Pragma'):
                check(answer.has(f'{name.lower()}: {wanted.field(name)}'), repr(answer))

    @case('the client is who the proxy says, whatever the client says itself')
    def _():
        for forged in ((), ('X-Forwarded-For: 192.0.2.1',), ('Forwarded: for=192.0.2.1',),
                       ('X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 192.0.2.2'),
                       ('X-Forwarded-For: nonsense',), ('X-Real-IP: 192.0.2.1',)):
            arguments = [word for field in forged for word in ('-H', field)]
            answer = curl(proxy, TOKEN, *arguments, body=grant(user, password='wrong'))
            equal(answer.status, 400, f'the status of {answer!r}')
            line, _ = until(lambda wanted=answer.json['correlation_id']: [
                event for event in direct.events('token_refused')
                if event['correlation_id'] == wanted], 'the line in the log')
            equal(line[0]['source'], '127.0.0.1', f'the source with {forged}')

    @case('a password of 1,000 bytes with + and % arrives as it was sent')
    def _():
        equal(len(STRANGE.encode()), 1000, 'its bytes')
        answer = curl(proxy, TOKEN, body=grant(user, password=STRANGE))
        equal((answer.status, answer.json['error']), (400, 'invalid_grant'), repr(answer))
        # aditd takes 1,024 bytes: where it begins to refuse shows that none came or went.
        for size, error in ((1024, 'invalid_grant'), (1025, 'invalid_request')):
            password = STRANGE + '+' * (size - 1000)
            answer = curl(proxy, TOKEN, body=grant(user, password=password))
            equal((answer.status, answer.json['error']), (400, error), f'{size} bytes')
        # The right one is so with every byte escaped, too.
        escaped = ''.join(f'%{byte:02x}' for byte in user['password'].encode())
        body = grant(user, password=None).decode() + '&password=' + escaped
        granted(curl(proxy, TOKEN, body=body.encode()), data)

    @case('an error of HTTP has the status of aditd')
    def _():
        for arguments in (['-X', 'GET'], ['-X', 'PUT'], ['-X', 'DELETE'], ['-X', 'OPTIONS']):
            method = arguments[1]
            wanted = exchange(direct.address, compose(method, TOKEN))
            equal(curl(proxy, TOKEN, *arguments).status, wanted.status, method)

    @case('one connection serves many requests')
    def _():
        with Folder() as folder:
            body = write(f'{folder}/body', grant(user).decode())
            done = subprocess.run(
                ['curl', '-sS', '--http1.1', '--cacert', proxy.trust, '--data-binary', f'@{body}',
                 '--max-time', str(PATIENCE_S), '--resolve',
                 f'localhost:{proxy.port}:127.0.0.1', '-w', '%{http_code} %{num_connects}\n',
                 *[word for _ in range(10) for word in ('-o', '/dev/null')],
                 *[proxy.authority + TOKEN] * 10], capture_output=True, text=True, check=False,
                timeout=PATIENCE_S * 2, env=ENVIRONMENT)
        equal(done.stdout.split('\n')[:-1], ['200 1'] + ['200 0'] * 9, done.stderr)

    @case('nothing is answered in the clear')
    def _():
        with socket.create_connection(('127.0.0.1', proxy.port), PATIENCE_S) as peer:
            peer.sendall(compose('POST', TOKEN, [], b'x'))
            said = peer.recv(65536).decode('latin-1')
        check(re.match(r'HTTP/1\.[01] 400 ', said) and 'location:' not in said.lower(), said)


def add_outage(suite, proxy, label):
    @suite.case(f'{label}: without aditd clients read temporarily_unavailable')
    def _():
        answer = curl(proxy, TOKEN, body=b'grant_type=password')
        equal((answer.status, answer.json), (503, {'error': 'temporarily_unavailable'}),
              repr(answer))
        check(answer.has('content-type: application/json'), repr(answer))


def add_log(suite, proxy, label, user):
    @suite.case(f'{label}: no password and no query in what it logs')
    def _():
        curl(proxy, OPENID + '?password=visible')
        said = ''
        for name in ('log', 'access.log'):
            path = os.path.join(proxy.folder, name)
            if os.path.exists(path):
                with open(path, encoding='utf-8', errors='replace') as file:
                    said += file.read()
        check('visible' not in said and user['password'] not in said, said[-2000:])


def tcp_address(line):
    match = re.search(r'"event":"listening".*"address":"(127[^"]+)"', line)
    return match and match[1]


def find(kind):
    """As a user who is not root finds them too."""
    return shutil.which(kind.program, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')


def main():
    running, outage, ends = Suite(), Suite(), Suite()
    outage.tap = ends.tap = running.tap
    with Folder() as folder:
        certificate(folder)
        data = Data(folder, 'https://localhost/identity')
        user = data.user()
        server = data.serve('--listen', '127.0.0.1:0', '--trusted-proxy', 'unix',
                            '--trusted-proxy', '127.0.0.1', listen=f'unix:{folder}/http')
        atexit.register(server.process.kill)
        outage.case('aditd ends well')(server.stop)
        tcp = server.line(server.log, tcp_address)
        for kind in (Nginx, Caddy):
            kind.path = find(kind)
            if not kind.path:
                running.tap.skip(kind.program, 'not installed')
                continue
            for where, upstream in (('Unix socket', f'unix:{folder}/http'), ('loopback', tcp)):
                label = f'{kind.program}, {where}'
                proxy = kind(folder, label.replace(', ', '-').replace(' ', '-'), upstream)
                add_cases(running, proxy, label, data, user, server)
                add_log(running, proxy, label, user)
                add_outage(outage, proxy, label)
                ends.case(f'{label}: it ends well')(proxy.stop)
        running.run(8)
        outage.run(1)
        ends.run(1)
    running.tap.finish()


main()
