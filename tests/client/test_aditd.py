#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client and our own authority: each grant, a user who is disabled, renewed or locked out,
many processes at the end of a token, an answer that is lost on its way, and the guard's verdict
on what the client got."""
import base64
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from client_harness import CREDENTIALS, Driver, check, equal, hostile, make_key
from harness import ADITD, PATIENCE_S, Clock, Data, Suite, claims_of, side_by_side, until

suite = Suite()
PROCESSES = 16
API = os.path.join(os.path.dirname(ADITD), '../../samples/external-api/external-api')


class Road:
    """What lies between a client and the authority, which knows itself by its address: it hands
    everything on, until it is told to lose an answer."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(64)
        self.address = f'127.0.0.1:{self.listener.getsockname()[1]}'
        self.behind = None
        self.loses = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(peer,), daemon=True).start()

    def carry(self, peer):
        host, port = self.behind.rsplit(':', 1)
        with peer, socket.create_connection((host, int(port)), PATIENCE_S) as server:
            threading.Thread(target=self.hand_on, args=(peer, server), daemon=True).start()
            while True:
                try:
                    part = server.recv(65536)
                except OSError:
                    return
                if not part:
                    return
                if self.loses and b'access_token' in part:
                    self.loses -= 1
                    return
                peer.sendall(part)

    @staticmethod
    def hand_on(peer, server):
        try:
            while part := peer.recv(65536):
                server.sendall(part)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Place:
    """An authority behind a road, its clock, and a client's storage."""

    def __init__(self, folder, **more):
        self.folder = folder
        # Now: an answer's Date does not come from this clock.
        self.clock = Clock(folder, int(time.time()))
        self.began = self.clock.seconds
        self.road = Road()
        self.data = Data(folder, issuer=f'http://{self.road.address}/identity', clock=self.clock)
        self.user = self.data.user('north-pit')
        self.server = self.data.serve(**more)
        self.road.behind = self.server.address
        self.state = os.path.join(folder, 'state')
        make_key(self.state)

    def open(self, driver, **options):
        driver.open(self.data.issuer, self.state, **options)
        self.tell_time(driver)

    def tell_time(self, driver):
        ahead = int((self.clock.seconds - self.began) * 1000)
        driver.well('clock', ahead, ahead)

    def sign_in(self, driver):
        return driver.sign_in(self.user['username'], self.user['password'])

    def issued(self, grant):
        return len([event for event in self.server.events('token_issued')
                    if event['grant_type'] == grant])

    def refused(self):
        return len(self.server.events('token_refused'))


def placed(name, **more):
    return suite.placed(lambda folder: Place(folder, **more), name)


def api_status(api, site, header):
    request = urllib.request.Request(f'{api}/api/v1/sites/{site}/plans',
                                     headers={'Authorization': header})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@placed('the password grant and refreshes, and what the guard says of these tokens')
def passes_the_guard(place):
    api = subprocess.Popen([API, '--authority', place.data.issuer, '--listen', '127.0.0.1:0',
                            '--clock', place.clock.path, '--data',
                            os.path.join(place.folder, 'api.db')], stdout=subprocess.PIPE)
    url = re.search(r'https?://\S+', api.stdout.readline().decode())[0].rstrip('"}')
    try:
        seen = set()
        for turn in range(4):
            with Driver() as driver:
                place.open(driver)
                answer = place.sign_in(driver) if turn == 0 else driver.well('token', 600)
                seen.add(answer['token'])
                equal(api_status(url, 'north-pit', answer['header']), 200, 'own site')
                equal(api_status(url, 'south-pit', answer['header']), 404, 'another site')
                equal(claims_of(answer['token'])['sub'],
                      driver.well('claim', 'sub')['claim'], 'sub')
            place.clock.advance(3500)
        equal(len(seen), 4, 'tokens')
        equal((place.issued('password'), place.issued('refresh_token'), place.refused()),
              (1, 3, 0), 'grants')
    finally:
        api.terminate()
        api.wait(PATIENCE_S)
        api.stdout.close()


@placed('16 processes at the end of a token: one refresh')
def one_refresh(place):
    with Driver() as driver:
        place.open(driver)
        place.sign_in(driver)
    place.clock.advance(4000)

    def attempt(_):
        with Driver() as driver:
            place.open(driver)
            storm = driver.well('storm', 8, 60)['storm']
            equal({result for result, _ in storm}, {0}, 'results')
            return {token for _, token in storm}
    tokens = set().union(*side_by_side(PROCESSES, attempt))
    equal(len(tokens), 1, 'tokens')
    equal((place.issued('password'), place.issued('refresh_token'), place.refused()),
          (1, 1, 0), 'grants')


@placed('an answer that is lost on its way is asked for again, and no family ends')
def lost_answer(place):
    with Driver() as driver:
        place.open(driver)
        place.sign_in(driver)
    for _ in range(2):
        place.clock.advance(4000)
        place.road.loses = 1
        with Driver() as driver:
            place.open(driver)
            driver.well('token', 600)
        equal(place.road.loses, 0, 'answers still to lose')
    equal((place.issued('password'), place.issued('refresh_token'), place.refused()),
          (1, 4, 0), 'grants')


@placed('a user who is disabled is asked for once, and works again with a new password')
def disabled(place):
    with Driver() as driver:
        place.open(driver)
        place.sign_in(driver)
    place.data.verb('service-user', 'disable', place.user['username'])
    place.clock.advance(4000)
    for _ in range(3):
        with Driver() as driver:
            place.open(driver)
            answer = driver.fails(CREDENTIALS, 'token', 60)
            equal(answer['oauth_error'], 'invalid_grant', 'error')
    # The refresh token, and the password.
    equal(place.refused(), 2, 'refusals')
    place.data.verb('service-user', 'enable', place.user['username'])
    renewed = place.data.json('service-user', 'rotate', place.user['username'])
    # A change beside a running server counts within a second.
    until(lambda: place.server.password({**place.user, **renewed}).status == 200, 'a token')
    refused = place.refused()
    with Driver() as driver:
        place.open(driver)
        driver.fails(CREDENTIALS, 'token', 60)
        driver.well('set', place.user['username'], renewed['password'])
        driver.well('verify')
    with Driver() as driver:
        place.open(driver)
        driver.well('token', 60)
    equal(place.refused(), refused, 'refusals')


@placed('a password with a typing error never reaches the authority')
def typing_error(place):
    password = place.user['password']
    for wrong in (password[:-1] + ('x' if password[-1] != 'x' else 'y'), password[:-1],
                  password[:10] + password[11] + password[10] + password[12:]):
        if wrong == password:
            continue
        with Driver() as driver:
            place.open(driver)
            driver.fails(CREDENTIALS, 'set', place.user['username'], wrong)
    equal(place.refused(), 0, 'refusals')


def private_key(folder):
    """A key's PEM file, and its public half as a JWK Set in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = os.path.join(folder, 'key.pem')
    with open(os.open(pem, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
        file.write(key.private_bytes(serialization.Encoding.PEM,
                                     serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()))
    point = key.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(part.to_bytes(32, 'big')).rstrip(b'=').decode()
            for part in (point.x, point.y))
    jwks = os.path.join(folder, 'jwks.json')
    with open(jwks, 'w', encoding='utf-8') as file:
        json.dump({'keys': [{'kty': 'EC', 'crv': 'P-256', 'x': x, 'y': y, 'kid': 'one',
                             'alg': 'ES256', 'use': 'sig'}]}, file)
    return pem, jwks


@placed('client_credentials by a secret and by a key')
def client_credentials(place):
    pem, jwks = private_key(place.folder)
    common = ('--type', 'confidential', '--grant', 'client_credentials', '--service-user',
              place.user['username'])
    secret = place.data.json('client', 'add', 'program', *common)['client_secret']
    place.data.verb('client', 'add', 'keyed', *common, '--jwks-file', jwks)
    for client, given, more in (('program', secret, {}),
                                ('keyed', '-', {'assertion_key_file': pem,
                                                'assertion_kid': 'one'})):
        for _ in range(2):
            with Driver() as driver:
                place.open(driver, client_id=client, **more)
                driver.well('set', '-', given)
                answer = driver.well('token', 60)
                equal(claims_of(answer['token'])['client_id'], client, 'client_id')
                # So that the next one needs another.
                driver.well('reject')
    with Driver() as driver:
        place.open(driver, client_id='program', account='other')
        driver.fails(CREDENTIALS, 'set', '-', secret[:-4] + 'xxxx')
    check(place.issued('client_credentials') >= 4, 'tokens')


@placed('a wall clock that jumps neither ends a token nor keeps one alive')
def jumping_clock(place):
    with Driver() as driver:
        place.open(driver)
        token = place.sign_in(driver)['token']
        for jump_s in (86400 * 365, -86400 * 365, 7200, -7200):
            driver.well('clock', jump_s * 1000, 0)
            answer = driver.well('token', 60)
            equal(answer['token'], token, f'the token after a jump of {jump_s} s')
            check(3500 <= answer['ttl'] <= 3600, f'it lives {answer["ttl"]} s')
        # The time that has really passed counts, whatever the wall clock says.
        place.clock.advance(3590)
        for jump_s in (-86400, 0, 86400):
            driver.well('clock', jump_s * 1000, 3_590_000)
            answer = driver.well('token', 60)
            check(answer['token'] != token, f'a token that ends is served at {jump_s} s')
        # And in the next process, which reads it from the storage.
    for jump_s in (-86400, 86400):
        with Driver() as driver:
            driver.open(place.data.issuer, place.state)
            driver.well('clock', jump_s * 1000, 3_590_000)
            after = driver.well('token', 60)
            equal(after['token'], answer['token'], f'the token at {jump_s} s')
    equal((place.issued('password'), place.issued('refresh_token')), (1, 1), 'grants')


suite.main(workers=4)
hostile.stop()
