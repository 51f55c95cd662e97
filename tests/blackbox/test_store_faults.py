#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A store that can not read or write is never a wrong password, and comes back by itself;
what was answered outlives kill -9."""
import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

from harness import (ADITD, PUBLIC, Data, Folder, Suite, basic, check, equal, refused, served,
                     until)

suite = Suite()


@contextlib.contextmanager
def serving(**more):
    with Folder() as folder:
        data = Data(folder)
        users = [data.user() for _ in range(3)]
        server = data.serve(**more)
        try:
            yield data, server, users
        finally:
            server.stop()


def fault(reply):
    refused(reply, 'server_error', 503)
    check(int(reply.field('Retry-After')) >= 1, 'Retry-After')


def revoke(server, token):
    return server.post({'client_id': PUBLIC, 'token': token},
                       target=server.path + '/connect/revocation')


def database(data):
    return sqlite3.connect(data.path + '/adit.db', isolation_level=None, timeout=60)


@suite.case('another writer that does not end: 503 where a write is needed, and nothing is spent')
def locked():
    with serving() as (data, server, users):
        token, kept = (server.sign_in(users[0])['refresh_token'] for _ in range(2))
        other = database(data)
        other.execute('BEGIN IMMEDIATE')
        waiting = []
        threads = [threading.Thread(target=lambda ask=ask: waiting.append(ask())) for ask in (
            lambda: server.refresh(token), lambda: server.password(users[1]),
            lambda: server.refresh(token, client_id=None), lambda: revoke(server, kept))]
        for thread in threads:
            thread.start()
        # What needs no write goes on meanwhile.
        for _ in range(20):
            served(server.password(users[0]))
            equal(server.get('/healthz').status, 200, 'healthz')
            refused(server.password({**users[0], 'password': 'x'}), 'invalid_grant')
        for thread in threads:
            thread.join()
        for reply in waiting:
            fault(reply)
        other.execute('ROLLBACK')
        other.close()
        served(server.refresh(token))
        served(server.refresh(kept))
        served(server.password(users[1]))


@suite.case('a disk without room: 503 where a write is needed, and all is well with room again')
def full():
    with serving(restore_signals=False) as (data, server, users):
        token, kept = (server.sign_in(users[0])['refresh_token'] for _ in range(2))
        successor = served(server.refresh(token)).json['refresh_token']
        for room in (0, 100, os.path.getsize(data.path + '/adit.db')):
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            for _ in range(3):
                reply = server.refresh(successor)
                if reply.status == 200 and room:
                    successor = reply.json['refresh_token']
                    continue
                fault(reply)
                fault(server.password(users[1])) if not room else None
                fault(revoke(server, kept)) if not room else None
            equal(server.get('/healthz').status, 200, 'healthz')
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE,
                             (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            # The audit could not be written either, and is tried again four times a second.
            until(lambda: server.password(users[0]).status == 200, 'the audit')
            successor = served(server.refresh(successor)).json['refresh_token']
        served(server.password(users[1]))
        served(server.refresh(kept))
        data.verb('site', 'add', 'later')


# Requirement 79.
@suite.case('a database that can not be read: not ready, 503 to all, then back by itself')
def unreadable():
    with serving() as (data, server, users):
        token = server.sign_in(users[0])['refresh_token']
        access = server.sign_in(users[0], scope='openid')['access_token']
        api = data.json('client', 'add', 'plans', '--type', 'confidential', '--resource',
                        'external-api')
        path = data.path + '/adit.db'
        # The server must forget its pages, so it is stopped while another writes.
        os.kill(server.pid, signal.SIGSTOP)
        other = database(data)
        other.execute('UPDATE site SET name = name')
        busy, _, _ = other.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()
        if busy:
            os.kill(server.pid, signal.SIGCONT)
            other.close()
            return 'the server was stopped while it read'
        with open(path, 'r+b') as file:
            whole = file.read()
            file.seek(0)
            file.write(bytes(value ^ 0xa5 for value in whole))
        os.kill(server.pid, signal.SIGCONT)
        until(lambda: server.get('/readyz').status == 503, 'not ready')
        # Where the client is still known from before, and the user is not.
        for _ in range(3):
            fault(server.password({'username': 'nobody', 'password': 'x'}))
        # The cache lives for five seconds more.
        until(lambda: server.password(users[0]).status == 503, 'the cache')
        for _ in range(3):
            fault(server.password(users[0]))
            fault(server.password({**users[0], 'password': 'x'}))
            fault(server.password({'username': 'nobody', 'password': 'x'}))
            fault(server.password(users[0], client_id='nobody'))
            fault(server.refresh(token))
            fault(revoke(server, token))
            fault(server.post({'token': access}, [basic('plans', api['client_secret'])],
                              target=server.path + '/connect/introspect'))
            fault(server.get(server.path + '/connect/userinfo',
                             [('Authorization', 'Bearer ' + access)]))
            equal(server.get('/healthz').status, 200, 'healthz')
            equal(server.get('/readyz').status, 503, 'readyz')
            equal(server.get('/identity/.well-known/openid-configuration').status, 200, 'discovery')
        check(server.events('tick_failed'), 'nothing in the log')
        os.kill(server.pid, signal.SIGSTOP)
        with open(path, 'r+b') as file:
            file.write(whole)
        os.kill(server.pid, signal.SIGCONT)
        _, took = until(lambda: server.get('/readyz').status == 200, 'ready again')
        suite.note(f'ready again after {took:.2f} s')
        until(lambda: server.password(users[0]).status == 200, 'the password')
        served(server.refresh(token))
        served(server.password(users[1]))
        other.close()
    return None


@suite.case('the data directory is moved away and back under a server')
def moved():
    with serving() as (data, server, users):
        token = server.sign_in(users[0])['refresh_token']
        os.rename(data.path, data.path + '-away')
        for _ in range(3):
            reply = server.refresh(token)
            check(reply.status in (200, 503), repr(reply))
        os.rename(data.path + '-away', data.path)
        served(server.refresh(token))


# --- kill -9 ---------------------------------------------------------------------------------

def chain(server, user, answered, stop):
    """Refreshes for ever; `answered` gets each token that was answered."""
    token = server.sign_in(user)['refresh_token']
    answered.append(token)
    while not stop.is_set():
        try:
            reply = server.refresh(token)
        except Exception:  # the server has gone, perhaps amid its answer
            return
        token = served(reply).json['refresh_token']
        answered.append(token)


for part in range(4):
    @suite.case(f'kill -9 amid refreshes: what was answered is good after a restart, part {part}',
                part)
    def killed(part):
        chance = random.Random(part)
        with Folder() as folder:
            data = Data(folder)
            users = [data.user() for _ in range(8)]
            total = 0
            for _ in range(5):
                server = data.serve()
                answered = [[] for _ in users]
                stop = threading.Event()
                threads = [threading.Thread(target=chain, args=(server, user, tokens, stop))
                           for user, tokens in zip(users, answered)]
                for thread in threads:
                    thread.start()
                until(lambda: all(answered), 'signing in')
                time.sleep(chance.uniform(0, 0.3))
                server.kill()
                stop.set()
                for thread in threads:
                    thread.join()
                total += sum(map(len, answered))
                server = data.serve()
                for tokens in answered:
                    # The last answered: unspent, or spent by a request whose answer was lost.
                    successor = served(server.refresh(tokens[-1])).json['refresh_token']
                    served(server.refresh(successor))
                    if len(tokens) > 2:
                        refused(server.refresh(tokens[0]), 'invalid_grant')
                for user in users:
                    server.sign_in(user)
                server.stop()
            suite.note(f'{total} tokens were answered before kill -9')


@suite.case('kill -9 right after the first token of a user: it can be refreshed')
def first_tokens():
    with Folder() as folder:
        data = Data(folder)
        for _ in range(5):
            user = data.user()
            server = data.serve()
            token = server.sign_in(user)['refresh_token']
            server.kill()
            server = data.serve()
            served(server.refresh(token))
            server.stop()


@suite.case('kill -9 amid verbs: each counts wholly or not at all')
def killed_verbs():
    chance = random.Random(7)
    with Folder() as folder:
        data = Data(folder)
        data.verb('site', 'add', 'north')
        for number in range(30):
            process = subprocess.Popen([ADITD, *data.arguments(
                'service-user', 'add', f'u{number}', '--site', 'north', '--role', 'read',
                '--json')],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
            said = process.communicate()[0]
            shown = data.attempt('service-user', 'show', f'u{number}', '--json')
            check(shown.returncode == 0 or not said, f'it was printed and is not there: {said}')
            check(shown.returncode in (0, 2), shown.complained)
        server = data.serve()
        server.sign_in(data.user())
        server.stop()


@suite.case('SIGTERM amid refreshes: all under way are answered, and good after a restart')
def terminated():
    with Folder() as folder:
        data = Data(folder)
        users = [data.user() for _ in range(8)]
        server = data.serve()
        answered = [[] for _ in users]
        stop = threading.Event()
        threads = [threading.Thread(target=chain, args=(server, user, tokens, stop))
                   for user, tokens in zip(users, answered)]
        for thread in threads:
            thread.start()
        until(lambda: all(len(tokens) > 3 for tokens in answered), 'refreshing')
        server.stop()
        for thread in threads:
            thread.join()
        server = data.serve()
        for tokens in answered:
            served(server.refresh(tokens[-1]))
        server.stop()


@suite.case('a copy of the data taken while it is served, with its log, is whole')
def copied():
    with Folder() as folder:
        data = Data(folder)
        user = data.user()
        server = data.serve()
        token = server.sign_in(user)['refresh_token']
        os.kill(server.pid, signal.SIGSTOP)
        shutil.copytree(data.path, folder + '/copy')
        os.kill(server.pid, signal.SIGCONT)
        server.stop()
        data.path = folder + '/copy'
        server = data.serve()
        served(server.refresh(token))
        server.stop()


suite.main(workers=6)
