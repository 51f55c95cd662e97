#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client and Glewlwyd, Debian's: an authority of somebody else, of whom the client knows the
URL alone. Its own ways: a public client gets no password grant, a wrong password is 403 with
nothing, discovery does not list the grants, and a used refresh token is 400 with nothing."""
import json
import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import glewlwyd
from client_harness import CREDENTIALS, Driver, check, equal, hostile, make_key
from harness import Suite
from hostile_authority import encode

suite = Suite()


class Place:
    def __init__(self, folder):
        key = ec.generate_private_key(ec.SECP256R1())
        self.pem = os.path.join(folder, 'key.pem')
        with open(os.open(self.pem, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
            file.write(key.private_bytes(serialization.Encoding.PEM,
                                         serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
        point = key.public_key().public_numbers()
        jwk = {'kty': 'EC', 'crv': 'P-256', 'kid': 'one', 'alg': 'ES256', 'use': 'sig',
               'x': encode(point.x.to_bytes(32, 'big')), 'y': encode(point.y.to_bytes(32, 'big'))}
        self.state = os.path.join(folder, 'state')
        make_key(self.state)
        self.server = glewlwyd.Glewlwyd(folder, {'keys': [jwk]})

    def open(self, driver):
        driver.open(self.server.issuer, self.state, client_id='keyed', scope='cosmos',
                    assertion_key_file=self.pem, assertion_kid='one',
                    assertion_audience=f'{self.server.issuer}/token')

    def granted(self):
        return self.server.said().count('Access token generated for client')


def placed(name):
    def add(body):
        def run(folder):
            reason = glewlwyd.why_not()
            if reason:
                return reason
            place = Place(folder)
            try:
                body(place)
            finally:
                place.server.stop()
            return None
        return suite.in_folder(name)(run)
    return add


@placed('Glewlwyd: the password grant, and refreshes with rotation, in one process after another')
def password_and_refresh(place):
    tokens = []
    for turn in range(3):
        with Driver() as driver:
            place.open(driver)
            if turn == 0:
                driver.well('set', glewlwyd.USER, glewlwyd.PASSWORD)
            answer = driver.well('token', 600)
            equal(answer['type'].lower(), 'bearer', 'token_type')
            equal(answer['scope'], 'cosmos', 'scope')
            tokens.append(answer['token'])
            diagnosis = driver.well('diagnose')['diagnosis']
            check(diagnosis['token']['refresh_token'], f'no refresh token: {diagnosis}')
            # So that the next process needs another.
            driver.well('reject')
    equal(len(set(tokens)), 3, 'tokens')
    said = place.server.said()
    check('Token invalid' not in said and 'Authorization invalid' not in said, said)


@placed('Glewlwyd: a wrong password is not tried again and again')
def wrong_password(place):
    for _ in range(6):
        with Driver() as driver:
            place.open(driver)
            driver.well('set', glewlwyd.USER, 'not the password')
            answer = driver.ask('token', 0)
            check(answer['code'] not in (0,), f'{answer}')
            check(answer['action'], f'{answer}')
    equal(place.server.said().count('Authorization invalid for username'), 1, 'tries')


@placed('Glewlwyd: client_credentials by a secret')
def client_credentials(place):
    with Driver() as driver:
        driver.open(place.server.issuer, client_id='program', scope='cosmos')
        driver.well('set', '-', place.server.secret)
        driver.well('token', 600)
    with Driver() as driver:
        driver.open(place.server.issuer, client_id='program', scope='cosmos')
        driver.well('set', '-', 'not the secret')
        answer = driver.ask('token', 600)
        check(answer['code'] != 0, json.dumps(answer))


suite.main(workers=3)
hostile.stop()
