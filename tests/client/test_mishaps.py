#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the middle: answers that are lost and then refused, disks that are full for a
while, APIs that refuse every token, authorities that move. Counted at the authority."""
import os
import resource

from client_harness import (CREDENTIALS, DENIED, INVALID, PASSWORD, PERSON, PROTOCOL, STORAGE, TIMEOUT, UNAVAILABLE,
                            WAIT, Driver, check, counts, equal, hostile, lives, make_key, requests)
from harness import Suite

suite = Suite()
DAY_S = 24 * 3600


def place_in(folder):
    place = os.path.join(folder, 'state')
    make_key(place)
    return place


def ahead(driver, seconds):
    driver.well('clock', seconds * 1000, seconds * 1000)


def signed_in(name, folder, **settings):
    """An authority, and a storage with a token of an hour."""
    instance = hostile.instance(name)
    instance.settings |= settings
    place = place_in(folder)
    with Driver() as driver:
        driver.open(hostile.url(name), place)
        driver.sign_in()
    return instance, place


def answers(instance, endpoint, *faults):
    """That endpoint answers so, one after the other, and well after that."""
    left, take = list(faults), instance.take_fault

    def next_fault(asked):
        if asked == endpoint:
            instance.fail(endpoint, left.pop(0) if left else None)
        return take(asked)
    instance.take_fault = next_fault


def limit_files(driver, bytes_):
    """Its files can't grow beyond that: a disk that is full."""
    resource.prlimit(driver.process.pid, resource.RLIMIT_FSIZE,
                     (bytes_, resource.RLIM_INFINITY))


def driver_that_sees_full_disks():
    return Driver('env', '--ignore-signal=XFSZ')


@suite.in_folder('a refresh token in doubt stays so where asking again was refused for the moment')
def in_doubt(folder):
    for fault in ('503', '429'):
        part = os.path.join(folder, fault)
        os.mkdir(part)
        instance, place = signed_in(f'good.doubt-{fault}', part, grace_s=60)
        answers(instance, 'token', 'lost-after', fault)
        with Driver() as driver:
            driver.open(hostile.url(instance.name), place)
            ahead(driver, 4000)
            driver.fails(UNAVAILABLE if fault == '503' else WAIT, 'token', 0)
            equal(requests(instance, 'refresh_token'), 2, 'refreshes')
            # The window is over: what is presented then is taken for stolen.
            instance.settings['grace_s'] = 0
            ahead(driver, 4000 + 120)
            check(lives(instance, driver.well('token', 0)['token']), 'the token is none')
        equal(requests(instance, 'refresh_token'), 2, f'refreshes after {fault}')
        with instance.lock:
            equal(len(instance.ended), 0, 'families ended')


@suite.in_folder('a refresh token in doubt may be asked for again after such a refusal, in the window')
def still_in_the_window(folder):
    instance, place = signed_in('good.window', folder, grace_s=60)
    answers(instance, 'token', 'lost-after', '503')
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000)
        driver.fails(UNAVAILABLE, 'token', 0)
        ahead(driver, 4000 + 10)
        check(lives(instance, driver.well('token', 0)['token']), 'the token is none')
    equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (3, 1),
          'requests')


@suite.in_folder('a client that the authority does not know is not tried at every call')
def unknown_client(folder):
    instance = hostile.instance('good.unknown-client')
    place = place_in(folder)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        driver.send('login', 'device')
        equal(driver.line()['event'], 'show_code', 'event')
        equal(driver.line()['code'], 0, 'the result of login')
        ahead(driver, 4000)
        instance.fail('token', '401-basic')
        driver.fails(DENIED, 'token', 0)
        for _ in range(5):
            driver.fails(WAIT, 'token', 0)
    equal(requests(instance, 'refresh_token'), 1, 'refreshes')


@suite.in_folder('an API that refuses every token does not make the authority give one after the other')
def api_refuses(folder):
    instance, place = signed_in('good.refusing-api', folder)
    before = counts(instance)['token']
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        waited = 0
        for _ in range(30):
            answer = driver.ask('token', 0)
            check(answer['code'] in (0, WAIT), f'{answer}')
            if answer['code'] == WAIT:
                waited += 1
                check(0 < answer['retry_after_s'] <= 300, f'{answer}')
            else:
                driver.well('reject')
        check(waited > 20, f'waited {waited} times')
        check(counts(instance)['token'] - before < 8, f'requests {counts(instance)}')
    # It is so for other processes too, and ends.
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        driver.fails(WAIT, 'token', 0)
        ahead(driver, 300)
        driver.well('token', 0)
        # What lived on is no part of it.
        ahead(driver, 300 + 3000)
        driver.well('reject')
        driver.well('token', 0)


@suite.in_folder('an authority whose tokens are dead when they come is not asked at every call')
def dead_tokens(folder):
    instance = hostile.instance('good.dead')
    instance.settings['expires_in'] = 0
    place = place_in(folder)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        driver.well('set', 'plans', PASSWORD)
        driver.fails(PROTOCOL, 'token', 0)
        for _ in range(5):
            driver.fails(WAIT, 'token', 0)
    equal(counts(instance)['token'], 1, 'token requests')


@suite.in_folder('a program that runs finds an account that was entered later, and one that took its place')
def entered_later(folder):
    instance = hostile.instance('good.later')
    place = place_in(folder)
    with Driver() as runs:
        runs.open(hostile.url(instance.name), place)
        runs.fails(PERSON, 'token', 0)
        with Driver() as driver:
            driver.open(hostile.url(instance.name), place)
            driver.sign_in('plans')
        runs.well('token', 60)
        with Driver() as driver:
            driver.open(hostile.url(instance.name), place)
            driver.well('forget')
            driver.sign_in('orders')
        ahead(runs, 4000)
        runs.well('token', 60)


@suite.in_folder('a program that was given a user name never goes on as another, who is there alone')
def never_another(folder):
    instance = hostile.instance('good.another')
    place = place_in(folder)
    with Driver() as runs, Driver() as driver:
        runs.open(hostile.url(instance.name), place)
        runs.sign_in('plans')
        # What is given and stored already is nothing new.
        runs.well('set', 'plans', PASSWORD)
        runs.well('token', 60)
        driver.open(hostile.url(instance.name), place, account='plans')
        driver.well('forget')
        driver.well('close')
        driver.open(hostile.url(instance.name), place)
        driver.sign_in('orders')
        ahead(runs, 4000)
        runs.fails(PERSON, 'token', 0)
        equal([entry.get('username') for entry in instance.log if entry['endpoint'] == 'token'],
              ['plans', 'orders'], 'users')


@suite.in_folder('what could never be kept is refused before anybody is asked')
def never_kept(folder):
    instance = hostile.instance('good.never-kept')
    place = place_in(folder)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        driver.fails(INVALID, 'set', os.fsdecode(b'pl\xffans'), PASSWORD)
        driver.fails(INVALID, 'set', 'p' * 1025, PASSWORD)
        driver.well('close')
        for name in ('a' * 1025, os.fsdecode(b'\xff')):
            equal(driver.ask('open', hostile.url(instance.name), 'client', f'account={name}')['code'],
                  INVALID, 'the result of open')
            driver.well('close')
        # All that can be.
        driver.open(hostile.url(instance.name), place, account='a' * 1024)
        driver.well('set', 'Zo\u00eb' + 'p' * 1020, PASSWORD)
        driver.well('token', 0)
    equal(counts(instance)['token'], 1, 'token requests')


@suite.in_folder('a call that has less time than a request waits as others do, and a token that lives serves')
def short_calls(folder):
    instance, place = signed_in('good.short', folder)
    instance.fail('token', 'silent')
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place, call_timeout_ms=700)
        ahead(driver, 3400)
        answer = driver.well('token', 600)
        check(100 < answer['ttl'] <= 200 and answer['took_ms'] < 5000, f'{answer}')
        asked = counts(instance)['token']
        check(driver.well('token', 600)['took_ms'] < 500, 'it was asked for again')
        equal(counts(instance)['token'], asked, 'token requests')
        # Dead is dead, and nobody asks before it is time.
        ahead(driver, 3700)
        check(driver.ask('token', 0)['code'] in (TIMEOUT, WAIT), 'a dead token is served')
        driver.fails(WAIT, 'token', 0)


@suite.in_folder('a call that ends before anything was sent costs no refresh token')
def nothing_sent(folder):
    instance, place = signed_in('good.nothing-sent', folder)
    instance.discovery = lambda exchange: (200, {
        'issuer': exchange.issuer, 'jwks_uri': exchange.issuer + '/jwks', 'token_endpoint':
        'https' + hostile.unaccepted[4:] + '/token'}, {})
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place, call_timeout_ms=700)
        ahead(driver, DAY_S + 4000)
        driver.fails(TIMEOUT, 'token', 0)
        del instance.discovery
        ahead(driver, 2 * DAY_S + 4000)
        driver.well('token', 0)
    equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (1, 1),
          'requests')


@suite.in_folder('an endpoint that has moved is looked for anew')
def moved(folder):
    instance, place = signed_in('good.moved', folder)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000)
        real = instance.discovery
        instance.discovery = lambda exchange: (200, {**real(exchange)[1], 'token_endpoint':
                                                     exchange.issuer + '/moved/token'}, {})
        driver.well('discover')
        driver.fails(PROTOCOL, 'token', 0)
        instance.discovery = real
        ahead(driver, 4000 + 60)
        driver.well('token', 0)


@suite.in_folder('a program that runs for days reads what the authority says of itself once a day')
def read_anew(folder):
    instance, place = signed_in('good.days', folder)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        for hours in range(2, 50, 2):
            ahead(driver, hours * 3600)
            driver.well('token', 0)
        equal(counts(instance)['discovery'], 3, 'discoveries')
        # Where it can't be read, what it said before still serves.
        instance.fail('discovery', '503')
        ahead(driver, 80 * 3600)
        driver.well('token', 0)


@suite.in_folder('what another process got is not overwritten by what the disk had no room for')
def not_overwritten(folder):
    instance, place = signed_in('good.overwritten', folder)
    with driver_that_sees_full_disks() as driver, Driver() as other:
        for each in (driver, other):
            each.open(hostile.url(instance.name), place)
        driver.well('token', 0)
        limit_files(driver, 0)
        driver.fails(STORAGE, 'reject')
        limit_files(driver, resource.RLIM_INFINITY)
        ahead(other, 4000)
        fresh = other.well('token', 0)['token']
        ahead(driver, 4000)
        equal(driver.well('token', 0)['token'], fresh, 'token')
    equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (1, 1),
          'requests')


@suite.in_folder('credentials that the disk had no room for are not forgotten')
def not_forgotten(folder):
    instance = hostile.instance('good.forgotten')
    place = place_in(folder)
    issue = instance.issue
    with driver_that_sees_full_disks() as driver:
        def fill_disk(*arguments):
            limit_files(driver, 0)
            return issue(*arguments)
        instance.issue = fill_disk
        driver.open(hostile.url(instance.name), place)
        driver.well('set', 'plans', PASSWORD)
        driver.fails(STORAGE, 'token', 0)
        limit_files(driver, resource.RLIM_INFINITY)
        instance.issue = issue
        driver.well('token', 0)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        driver.well('token', 0)
    equal(requests(instance, 'password'), 2, 'password grants')


@suite.in_folder('tokens that the disk had no room for serve, and are not verified credentials')
def tokens_unwritten(folder):
    instance, place = signed_in('good.unwritten', folder, refresh=False)
    issue = instance.issue
    with driver_that_sees_full_disks() as driver:
        def fill_disk(*arguments):
            limit_files(driver, 0)
            return issue(*arguments)
        instance.issue = fill_disk
        driver.open(hostile.url(instance.name), place)
        driver.fails(STORAGE, 'verify')
        limit_files(driver, resource.RLIM_INFINITY)
        ahead(driver, 4000)
        token = driver.well('token', 0)['token']
        equal(driver.well('token', 0)['token'], token, 'token')
    equal(requests(instance, 'password'), 3, 'password grants')


@suite.in_folder('a new key in the place of one that was refused is another credential')
def other_key(folder):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    instance = hostile.instance('good.key')
    real = instance.discovery
    instance.discovery = lambda exchange: (200, {**real(exchange)[1], **{
        'token_endpoint_auth_methods_supported': ['private_key_jwt'],
        'token_endpoint_auth_signing_alg_values_supported': ['ES256']}}, {})
    place, path = place_in(folder), os.path.join(folder, 'own.pem')

    def write_key():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb') as file:
            file.write(ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))

    write_key()
    instance.fail('token', '401-basic', 1)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place, assertion_key_file=path, assertion_kid='a')
        driver.well('set', '-', '-')
        driver.fails(CREDENTIALS, 'token', 0)
        driver.well('set', '-', '-')
        driver.fails(CREDENTIALS, 'token', 0)
        equal(requests(instance, 'client_credentials'), 1, 'requests')
        write_key()
        driver.well('set', '-', '-')
        driver.well('token', 0)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place, assertion_key_file=path, assertion_kid='a')
        driver.well('set', '-', '-')
        driver.well('token', 0)
    equal(requests(instance, 'client_credentials'), 2, 'requests')


def echoed(fault, password, left):
    """What is shown of it has been cleaned and cut."""
    with Driver() as driver:
        instance = hostile.instance(f'good.{fault}-{len(password)}')
        driver.open(hostile.url(instance.name))
        instance.fail('token', fault)
        driver.well('set', 'plans', password)
        answer = driver.fails(CREDENTIALS, 'token', 0)
        check(left not in str(answer), f'a part of the password is shown: {answer}')
        equal(answer['oauth_error'], 'invalid_grant', f'{answer}')


for ECHO, SECRET, LEFT in (('400-echo', PASSWORD, PASSWORD[:8]), ('400-echo-late', PASSWORD, PASSWORD[:8]),
                           ('400-echo', 'sésame-öffne-dich', 'ffne-dich')):
    suite.case(f'an error that repeats the password: {ECHO} {LEFT}', ECHO, SECRET, LEFT)(echoed)


@suite.case('nothing that a terminal would obey in a line of the log')
def clean_log():
    driver = Driver()
    instance = hostile.instance('good.escapes')
    driver.well('log')
    driver.open(hostile.url(instance.name))
    instance.fail('discovery', 'type-escapes')
    driver.fails(PROTOCOL, 'discover')
    said = driver.end()
    check('text/?[31mplain???' in said and not set('\x07\x1b\x9b') & set(said), repr(said))


suite.main(workers=4)
hostile.stop()
