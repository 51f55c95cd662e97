#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ending well, and living long."""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

from harness import (ADITD, FAILURE_S, FORM, PATIENCE_S, PUBLIC, Data, Dev, Folder, Suite, check,
                     compose, connect, equal, exchange, form, receive, refused, served,
                     side_by_side, until)

suite = Suite()
WRONG = {'grant_type': 'password', 'client_id': PUBLIC, 'username': 'x', 'password': 'x'}
REQUESTS = 20_000
THREADS = 16
GROWTH_MIB = 64


for number in (signal.SIGTERM, signal.SIGINT):
    @suite.case(f'what is under way at {number.name} is answered', number)
    def drained(number):
        dev = Dev()
        peers = []
        for _ in range(16):
            peer = connect(dev.address)
            sent_at = time.monotonic()
            peer.sendall(compose('POST', '/identity/connect/token', [('Content-Type', FORM)],
                                 form(WRONG)))
            peers.append((peer, sent_at))
        # A failure waits for its time, so these are still under way. The server has read
        # them when it has answered what came after them.
        equal(dev.get('/healthz').status, 200, 'health')
        os.kill(dev.pid, number)
        for peer, sent_at in peers:
            with peer:
                reply = receive(peer, sent_at)
            refused(reply, 'invalid_grant')
            check(reply.took_s >= FAILURE_S, f'it left after {reply.took_s} s')
        dev.stop()


@suite.case('a request of which half has come at SIGTERM is taken and answered')
def half():
    dev = Dev()
    whole = compose('POST', '/identity/connect/token', [('Content-Type', FORM)], form({
        'grant_type': 'password', 'client_id': PUBLIC, 'username': dev.users[0]['username'],
        'password': dev.users[0]['password']}))
    for cut in (20, len(whole) - 20):
        with connect(dev.address) as peer:
            peer.sendall(whole[:cut])
            equal(dev.get('/healthz').status, 200, 'health')
            if cut > 20:
                os.kill(dev.pid, signal.SIGTERM)
                until(lambda: closed(dev.address), 'no more connections')
            peer.sendall(whole[cut:])
            served(receive(peer, time.monotonic()))
    dev.stop()


def closed(address):
    try:
        connect(address).close()
    except OSError:
        return True
    return False


@suite.case('idle connections do not hold the end up for ever')
def idle():
    dev = Dev()
    peers = [connect(dev.address) for _ in range(32)]
    for peer in peers[:16]:
        peer.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
        receive(peer, time.monotonic())
    peers[-1].sendall(b'POST /identity/connect/token HTTP/1.1\r\nHo')
    began = time.monotonic()
    dev.stop()
    suite.note(f'ended {time.monotonic() - began:.2f} s after SIGTERM, with idle connections')
    for peer in peers:
        peer.close()


@suite.case('after the end nobody listens, and all is gone from a development authority')
def gone():
    first = Dev()
    token = first.sign_in(first.users[0])
    first.stop()
    check(closed(first.address), 'somebody listens')
    second = Dev()
    refused(second.password(first.users[0]), 'invalid_grant')
    refused(second.refresh(token['refresh_token']), 'invalid_grant')
    second.stop()


@suite.case('SIGHUP, SIGPIPE and SIGUSR1 as a shell may send them')
def signals():
    dev = Dev()
    os.kill(dev.pid, signal.SIGPIPE)
    for _ in range(8):
        peer = connect(dev.address)
        peer.sendall(compose('POST', '/identity/connect/token', [('Content-Type', FORM)],
                             form(WRONG)))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        peer.close()
    time.sleep(FAILURE_S)
    served(dev.password(dev.users[0]))
    dev.stop()


@suite.case('a reader of the log that has gone does not end it')
def closed_log():
    own, its = os.pipe()
    process = subprocess.Popen([ADITD, 'dev', '--json', '--listen', '127.0.0.1:0', '--log-level',
                                'debug'], stdout=subprocess.PIPE, stderr=its)
    os.close(its)
    address = json.loads(process.stdout.readline())['authority'].split('/')[2]
    os.close(own)
    for _ in range(3):
        refused(exchange(address, compose('POST', '/identity/connect/token', [
            ('Content-Type', FORM)], form(WRONG))), 'invalid_grant')
    process.terminate()
    equal(process.wait(PATIENCE_S), 0, 'status')
    process.stdout.close()


@suite.case('aditd dev prints its first line whole, as JSON and for people')
def announced():
    dev = Dev()
    equal(set(dev.seeded), {'authority', 'client_id', 'service_users', 'clients'}, 'members')
    equal([set(user) for user in dev.users], [{'username', 'password', 'site', 'role'}] * 4,
          'users')
    equal(set(dev.confidential), {'client_id', 'client_secret'}, 'the client')
    equal(dev.seeded['client_id'], PUBLIC, 'client_id')
    dev.stop()


# --- living long -----------------------------------------------------------------------------

def resident_kib(server):
    with open(f'/proc/{server.pid}/status', encoding='utf-8') as file:
        return int(next(line for line in file if line.startswith('VmRSS')).split()[1])


def descriptors(server):
    return len(os.listdir(f'/proc/{server.pid}/fd'))


def load(server, users, count):
    """Password and refresh grants, discovery and refusals, on connections that stay."""
    host, port = server.address.split(':')
    path = server.path + '/connect/token'
    done = [0] * THREADS

    def ask(connection, method, target, parameters=None):
        connection.request(method, target, form(parameters) if parameters else None,
                           {'Content-Type': FORM} if parameters else {})
        reply = connection.getresponse()
        return reply.status, reply.read()

    def part(turn):
        connection = http.client.HTTPConnection(host, int(port), PATIENCE_S)
        user = users[turn % len(users)]
        good = {'grant_type': 'password', 'client_id': PUBLIC, 'username': user['username'],
                'password': user['password']}
        token = None
        while done[turn] < count // THREADS:
            kind = done[turn] % 8
            if kind < 4:
                status, body = ask(connection, 'POST', path, good)
                token = body.split(b'"refresh_token":"')[1].split(b'"')[0].decode()
            elif kind < 6:
                status, body = ask(connection, 'POST', path, {
                    'grant_type': 'refresh_token', 'client_id': PUBLIC, 'refresh_token': token})
            elif done[turn] % 64 != 63:
                status, body = ask(connection, 'GET', server.path +
                                   '/.well-known/openid-configuration')
            else:  # seldom: equal refusals wait for the end of their second
                status, body = ask(connection, 'POST', path, {**good, 'scope': f'x{done[turn]}'})
                status -= 200
            equal(status, 200, f'status of request {done[turn]}, {body[:200]}')
            done[turn] += 1
        connection.close()
    side_by_side(THREADS, part)


def strangers(server, count):
    """As many user names, client ids and refresh tokens that nobody knows."""
    def part(turn):
        for number in range(count // 128):
            name = f'{turn}-{number}'
            kind = number % 3
            server.post([{**WRONG, 'username': name}, {**WRONG, 'client_id': name},
                         {'grant_type': 'refresh_token', 'client_id': PUBLIC,
                          'refresh_token': 'adr_' + name}][kind])
    side_by_side(128, part)


for place in ('memory', 'file'):
    @suite.case(f'{REQUESTS} requests leave memory and descriptors as they were ({place})', place)
    def bounded(place):
        with Folder() as folder:
            if place == 'memory':
                server = Dev()
                users = server.users
            else:
                data = Data(folder)
                users = [data.user() for _ in range(4)]
                server = data.serve()
            load(server, users, REQUESTS // 20)
            before, open_before = resident_kib(server), descriptors(server)
            began = time.monotonic()
            load(server, users, REQUESTS)
            rate = REQUESTS / (time.monotonic() - began)
            strangers(server, 1280)
            grown = (resident_kib(server) - before) / 1024
            suite.note(f'{place}: {before / 1024:.1f} MiB resident, {grown:+.1f} MiB after '
                       f'{REQUESTS} requests ({rate:.0f}/s through Python)')
            check(server.is_sanitized() or grown < GROWTH_MIB, f'it grew by {grown:.1f} MiB')
            check(descriptors(server) <= open_before + 8, f'descriptors: {open_before} before, '
                  f'{descriptors(server)} after')
            server.stop()


suite.main(workers=8)
