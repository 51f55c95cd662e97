#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No secret gets out: every command of adit, as verbose as it can be, at an authority that notes
each password, token, code and verifier that it saw or gave. At each request, which the command
then waits for, the test notes arguments, environment and files of every process that it started.

test_canary.py ADITD ADIT [NAME=EXAMPLE…]
"""
import base64
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse

from command import ADIT, Home, check, equal
from harness import PATIENCE_S, SANITIZER, until
import hostile_authority
from person import Person
from tap import Tap

EXAMPLES = dict(argument.split('=', 1) for argument in sys.argv[3:])
PASSWORD = 'kanarie-pw-Kn4rq8ZtVb2x'
NEW_PASSWORD = 'kanarie-pw-Wd7mh3LsYc9e'
WRONG_PASSWORD = 'kanarie-pw-Tf5gj1RpXa6u'
# A checksum that does not fit.
MISTYPED = 'adsu_' + 'k4nar1e' * 4 + 'abcd'
NAMES = ('access_token', 'refresh_token', 'id_token', 'device_code', 'code', 'code_verifier',
         'password', 'client_secret', 'client_assertion', 'token')


class Watch:
    """What was secret, and all that others could have seen."""

    def __init__(self):
        self.lock = threading.Lock()
        self.secrets = {PASSWORD: 'password', NEW_PASSWORD: 'new password',
                        WRONG_PASSWORD: 'wrong password', MISTYPED: 'mistyped password'}
        self.seen = []      # (where, bytes)
        self.folders = []
        self.processes = 0

    def learn(self, given):
        for name in NAMES:
            value = given.get(name)
            if isinstance(value, str) and len(value) >= 16:
                with self.lock:
                    self.secrets[value] = name

    def note(self, where, content):
        with self.lock:
            self.seen.append((where, content))

    def note_processes(self):
        for pid in descendants(os.getpid()):
            for part in ('cmdline', 'environ'):
                try:
                    with open(f'/proc/{pid}/{part}', 'rb') as file:
                        self.note(f'{part} of a process', file.read())
                except OSError:
                    continue
                self.processes += part == 'cmdline'

    def note_files(self):
        for folder in self.folders:
            for at, _, names in os.walk(folder):
                for name in names:
                    path = os.path.join(at, name)
                    if not os.path.isfile(path):
                        continue
                    try:
                        with open(path, 'rb') as file:
                            self.note(path, file.read())
                    except OSError:
                        continue

    def forms(self):
        """Each secret as it is, and as a form, a URL or Basic would have it."""
        for secret, name in self.secrets.items():
            raw = secret.encode()
            texts = {raw, urllib.parse.quote_plus(secret).encode(), raw.hex().encode()}
            # In base64 at any of its three offsets: what does not depend on the neighbours.
            for offset in range(3):
                coded = base64.b64encode(b'\0' * offset + raw)
                texts.add(coded[4 if offset else 0:(len(raw) + offset) // 3 * 4])
            for text in texts:
                yield name, text

    def leaks(self):
        forms = list(self.forms())
        return sorted({f'{name} in {where}' for where, content in self.seen
                       for name, text in forms if text in content})


def descendants(root):
    parents = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
                parents[int(pid)] = int(file.read().rpartition(')')[2].split()[1])
        except OSError:
            continue
    found, last = set(), {root}
    while last:
        last = {pid for pid, parent in parents.items() if parent in last} - found
        found |= last
    return found


watch = Watch()


class Exchange(hostile_authority.Exchange):
    """Learns what is secret in a request and its answer, and looks around in between."""

    def compose(self, status, document, *arguments, **more):
        request = self.request
        watch.learn(request.form)
        watch.learn({'client_secret': request.secret})
        if isinstance(document, dict):
            watch.learn(document)
        if self.instance.name.startswith('good.echo') and self.endpoint == 'token':
            said = next((request.form[name] for name in ('password', 'refresh_token')
                         if name in request.form), '')
            status, document = 400, {'error': 'invalid_grant', 'correlation_id': said,
                                     'error_description': f'"{said}" is wrong'}
        location = (more.get('fields') or {}).get('Location', '')
        watch.learn(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query)))
        watch.note_processes()
        watch.note_files()
        return super().compose(status, document, *arguments, **more)


hostile_authority.Exchange = Exchange
hostile = hostile_authority.Hostile()


class Stage:
    """adit on a home of its own; what it prints is noted, but where that is the token."""

    def __init__(self, folder, name):
        self.url = hostile.url(name)
        self.instance = hostile.instance(name)
        self.instance.settings['password'] = PASSWORD
        self.home = Home(folder, LANG='C.UTF-8')
        watch.folders.append(folder)

    def run(self, *arguments, code=0, given=b'', prints_token=False, **more):
        end = arguments.index('--') if '--' in arguments else len(arguments)
        done = self.home.run(*arguments[:end], '--verbose', *arguments[end:], given=given, **more)
        equal(done.returncode, code, f'adit {arguments[0]}: {done.complained}')
        watch.note(f'stderr of adit {arguments[0]}', done.stderr)
        if not prints_token:
            watch.note(f'stdout of adit {arguments[0]}', done.stdout)
        watch.note_files()
        return done

    def set(self, password, *more, verb='set', **how):
        name = ['--username', 'plans'] if verb == 'set' else []
        return self.run('service', verb, self.url, *name, '--password-fd', '0', *more,
                        given=password.encode(), **how)


def check_service(folder):
    stage = Stage(folder, 'good.canary')
    stage.set(WRONG_PASSWORD, code=3)
    stage.set(WRONG_PASSWORD, '--json', code=3)
    stage.set(MISTYPED, code=3)
    stage.set(PASSWORD)
    stage.run('service', 'verify', stage.url)
    token = stage.run('token', stage.url, prints_token=True).said.strip()
    check(token in watch.secrets, 'the token was not learnt')
    stage.run('token', stage.url, '--json', prints_token=True)
    stage.run('token', stage.url, '--header', prints_token=True)
    stage.run('status', '--json')
    stage.run('status')
    # Its environment and its arguments are looked at during the request that it makes.
    stage.run('run', stage.url, '--', ADIT, 'call', stage.url, stage.url + '/api',
              prints_token=True)
    stage.run('run', stage.url, '--', 'env')
    stage.instance.access.clear()
    stage.run('call', stage.url, stage.url + '/api', prints_token=True)
    check(watch_has('refresh_token'), 'nothing was refreshed')
    stage.instance.settings['password'] = NEW_PASSWORD
    stage.set(NEW_PASSWORD, verb='rotate')
    stage.run('logout', stage.url)
    stage.run('service', 'forget', stage.url)


def watch_has(name):
    return name in watch.secrets.values()


def check_people(folder):
    stage = Stage(folder, 'good.people')
    stage.run('login', stage.url, '--device')
    check(watch_has('device_code'), 'no device code was learnt')
    with subprocess.Popen([ADIT, 'login', stage.url, '--no-browser', '--verbose'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, cwd=folder,
                          env=stage.home.environment) as login:
        said = ''
        while not (found := re.search(r'http\S+connect/authorize\S+', said)):
            line = login.stdout.readline()
            check(line, f'adit login ended: {said}')
            said += line
        page = Person().sign_in(found[0])
        said += login.communicate(timeout=PATIENCE_S)[0]
        equal((login.returncode, page['status']), (0, 200), said)
    watch.note('what adit login prints', said.encode())
    watch.note('the page that ends a login', page['text'].encode())
    check(watch_has('code') and watch_has('code_verifier'), 'no code was learnt')
    identity = [secret for secret, name in watch.secrets.items() if name == 'id_token'][-1]
    stage.run('decode', given=identity.encode())
    stage.run('decode', '--verify', stage.url, given=identity.encode())
    stage.run('logout', stage.url)


def check_failures(folder):
    """What is said of an answer that is wrong, and holds tokens all the same."""
    for fault in ('400-controls', '400-denied', '401-basic', '500-empty', 'array', 'binary', 'cut',
                  'duplicate', 'html', 'not-utf-8', 'redirect', 'reset', 'text',
                  'token-letters', 'token-newline', 'token-space', 'trailing', 'truncated',
                  'type-mac', 'type-text'):
        stage = Stage(folder, f'good.{fault}')
        stage.instance.fail('token', fault)
        done = stage.home.run('service', 'set', stage.url, '--username', 'plans',
                              '--password-fd', '0', '--verbose', given=PASSWORD.encode())
        watch.note(f'stderr at {fault}', done.stderr)
        watch.note(f'stdout at {fault}', done.stdout)
    watch.note_files()


def check_echo(folder):
    """An authority that says in its error what was wrong."""
    stage = Stage(folder, 'good.echo')
    for more in ([], ['--json']):
        done = stage.set(PASSWORD, *more, code=3)
        check('invalid_grant' in done.complained, done.complained)
    stage.run('status', '--json')


def core_limit():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def check_cores(folder):
    """With a password in its memory, ended by what makes cores elsewhere."""
    stage = Stage(folder, 'token-silent.core')
    with subprocess.Popen(['sleep', '1000'], cwd=folder, preexec_fn=core_limit) as other:
        other.send_signal(signal.SIGABRT)
        _, status = os.waitpid(other.pid, 0)
        other.returncode = 1
    with subprocess.Popen([ADIT, 'service', 'set', stage.url, '--username', 'plans',
                           '--password-fd', '0'], cwd=folder, stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=stage.home.environment, preexec_fn=core_limit) as running:
        running.stdin.write(PASSWORD.encode())
        running.stdin.close()
        until(lambda: stage.instance.counts['token'], 'a request')
        running.send_signal(signal.SIGABRT)
        _, ended = os.waitpid(running.pid, 0)
        running.returncode = 1
    check(os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGABRT, f'its end: {ended}')
    check(not os.WCOREDUMP(ended), 'adit left a core')
    watch.note_files()
    if not os.WCOREDUMP(status):
        print('# this machine makes no cores at all', flush=True)


def check_examples(folder):
    stage = Stage(folder, 'good.examples')
    path = os.path.join(tempfile.mkdtemp(prefix='adit-canary-'), 'secret')
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
        file.write(PASSWORD + '\n')
    arguments = [stage.url, 'plans', 'file:' + path]
    state = os.path.join(folder, 'state')
    for name, more, ends in (('token', [], True), ('event_loop', [], True),
                             ('feed', [stage.url + '/api', '1000', state], False)):
        with subprocess.Popen([EXAMPLES[name], *arguments, *more], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=stage.home.environment) as running:
            if not ends:
                check(running.stdout.readline().startswith(b'200 '), 'the feed fails')
                running.terminate()
            said, complained = running.communicate(timeout=PATIENCE_S)
        equal((running.returncode, complained), (0, b''), name)
        check(not SANITIZER.search(complained.decode()), complained)
        if name != 'token':
            watch.note(f'stdout of example {name}', said)
    check(os.listdir(state), 'nothing was stored')
    watch.note_files()
    os.unlink(path)
    os.rmdir(os.path.dirname(path))


def finds_what_leaks():
    """The test itself: a secret in any of its forms is found."""
    for form in (PASSWORD.encode(), base64.b64encode(b'plans:' + PASSWORD.encode()),
                 base64.b64encode(b'plan:' + PASSWORD.encode()),
                 base64.b64encode(b'pla:' + PASSWORD.encode()), PASSWORD.encode().hex().encode()):
        other = Watch()
        other.note('there', b'before ' + form + b' after')
        equal(other.leaks(), ['password in there'], form)
    check(json.dumps(watch.leaks()) == '[]', watch.leaks())


def main():
    tap = Tap()
    tap.run('what leaks is found', finds_what_leaks)
    for name, body in (('services, tokens, calls', check_service), ('people', check_people),
                       ('failures', check_failures), ('echo', check_echo), ('cores', check_cores),
                       *([('examples', check_examples)] if EXAMPLES else [])):
        with tempfile.TemporaryDirectory() as folder:
            tap.run(name, body, folder)
            watch.folders.clear()
            leaks = watch.leaks()
            tap.case(not leaks, f'{name}: no secret but where it belongs', '\n'.join(leaks))
    tap.case(watch.processes > 20 and len(watch.secrets) > 15,
             f'{watch.processes} looks at a process, {len(watch.secrets)} secrets')
    hostile.stop()
    tap.finish()


main()
