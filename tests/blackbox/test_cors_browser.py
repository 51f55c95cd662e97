#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cross-origin requests by a real browser, where there is one: Debian's chromium, without a
window. Pages of two origins ask the authority, one of a registered web client and a stranger's."""
import datetime
import http.server
import json
import os
import queue
import shutil
import ssl
import subprocess
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness import PATIENCE_S, PUBLIC, Data, Folder, Suite, basic, check, equal

suite = Suite()
BROWSER = shutil.which('chromium')
APP, STRANGER = 'app.example', 'stranger.example'
PAGE = '''<!doctype html><script>
const given = %s;
const form = (members) => ({method: 'POST', body: new URLSearchParams(members)});
const user = {grant_type: 'password', client_id: given.client_id, username: given.username,
  password: given.password, scope: 'openid cosmos'};
const told = {};
async function ask(name, path, options) {
  try {
    const answer = await fetch(given.authority + path, options);
    const text = await answer.text();
    told[name] = {status: answer.status, challenge: answer.headers.get('WWW-Authenticate'),
      body: text ? JSON.parse(text) : null};
  } catch (error) {
    told[name] = {error: error.name};
  }
  return told[name].body || {};
}
(async () => {
  await ask('discovery', '/.well-known/openid-configuration');
  await ask('keys', '/.well-known/openid-configuration/jwks');
  const {access_token: token} = await ask('token', '/connect/token', form(user));
  await ask('wrong password', '/connect/token', form({...user, password: 'x'}));
  // A field that is asked about first.
  await ask('wrong secret', '/connect/token', {...form({grant_type: 'client_credentials'}),
    headers: {Authorization: given.basic}});
  await ask('userinfo', '/connect/userinfo', {headers: {Authorization: 'Bearer ' + token}});
  await ask('revocation', '/connect/revocation', form({client_id: given.client_id, token: 'x'}));
  await ask('introspection', '/connect/introspect', form({client_id: given.client_id, token: 'x'}));
  await ask('method', '/connect/token', {method: 'DELETE'});
  await ask('field', '/.well-known/openid-configuration', {headers: {'X-Other': '1'}});
  await ask('credentials', '/.well-known/openid-configuration', {credentials: 'include'});
  await fetch('/told', {method: 'POST', body: JSON.stringify(told)});
})();
</script>'''


def make_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, APP)])
    now = datetime.datetime.utcnow()
    certificate = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(
        key.public_key()).serial_number(x509.random_serial_number()).not_valid_before(
        now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1)).sign(
        key, hashes.SHA256())
    path = os.path.join(folder, 'page.pem')
    with open(path, 'wb') as file:
        file.write(key.private_bytes(serialization.Encoding.PEM,
                                     serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()))
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    return path


class Pages(http.server.ThreadingHTTPServer):
    """One page over TLS, under any name, and what its script tells."""

    def __init__(self, folder):
        super().__init__(('127.0.0.1', 0), Page)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(make_certificate(folder))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.text, self.told = '', queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Browsers open connections that they do not use."""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200 if self.path == '/' else 404, self.server.text.encode())

    def do_POST(self):
        told = self.rfile.read(int(self.headers['Content-Length']))
        self.answer(204, b'')
        self.server.told.put(json.loads(told))

    def answer(self, status, body):
        self.send_response(status)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def browse(pages, folder, host):
    """What the page's script could do under that name."""
    port = pages.server_address[1]
    arguments = [
        BROWSER, '--headless', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
        '--ignore-certificate-errors', f'--user-data-dir={os.path.join(folder, host)}',
        f'--host-resolver-rules=MAP {APP} 127.0.0.1,MAP {STRANGER} 127.0.0.1',
        *(['--no-sandbox'] if os.geteuid() == 0 else []), '--remote-debugging-port=0',
        f'https://{host}:{port}/']
    with open(os.path.join(folder, 'browser.log'), 'wb') as log:
        browser = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        return pages.told.get(timeout=PATIENCE_S)
    except queue.Empty:
        with open(log.name, encoding='utf-8', errors='replace') as said:
            check(False, f'the page told nothing: {said.read()[-2000:]}')
    finally:
        browser.terminate()
        browser.wait(PATIENCE_S)


def check_registered(told, user):
    statuses = {name: answer.get('status') for name, answer in told.items()}
    equal(statuses, {'discovery': 200, 'keys': 200, 'token': 200, 'wrong password': 400,
                     'wrong secret': 401, 'userinfo': 200, 'revocation': 200,
                     # May be asked, as any form may be sent, and not be read.
                     'introspection': None, 'method': None, 'field': None, 'credentials': None},
          'what the registered page was answered')
    equal(told['userinfo']['body'], {'sub': user['sub']}, 'userinfo')
    equal(told['wrong password']['body']['error'], 'invalid_grant', 'error')
    check(told['wrong secret']['challenge'].startswith('Basic '), 'the challenge is not seen')


@suite.case('pages of a registered origin can, and a stranger\'s can not')
def pages_ask():
    if not BROWSER:
        return 'there is no chromium (apt-get install chromium)'
    with Folder() as folder:
        pages = Pages(folder)
        data = Data(folder)
        user = data.user()
        data.verb('client', 'add', 'app', '--type', 'web', '--redirect-uri',
                  f'https://{APP}:{pages.server_address[1]}/cb')
        server = data.serve()
        pages.text = PAGE % json.dumps({
            'authority': f'http://{server.address}{server.path}', 'client_id': PUBLIC,
            'username': user['username'], 'password': user['password'],
            'basic': basic('app', 'x')[1]})
        try:
            check_registered(browse(pages, folder, APP), user)
            told = browse(pages, folder, STRANGER)
            equal(told, {name: {'error': 'TypeError'} for name in told}, 'what the stranger got')
        finally:
            pages.shutdown()
            pages.server_close()
        server.stop()
    return None


suite.main(workers=1)
