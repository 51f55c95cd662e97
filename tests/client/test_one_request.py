#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many ask, one request is made: threads of a client, processes that share a storage. Counted at
the authority."""
import json
import os

from client_harness import (CREDENTIALS, PASSWORD, PERSON, UNAVAILABLE, WAIT, Driver, check, counts, equal,
                            hostile, lives, make_key, requests)
from harness import Suite, side_by_side

suite = Suite()
PROCESSES, THREADS, WORKERS = 16, 64, 50


def place_in(folder):
    os.makedirs(folder, exist_ok=True)
    place = os.path.join(folder, 'state')
    make_key(place)
    return place


def ahead(driver, seconds):
    driver.well('clock', seconds * 1000, seconds * 1000)


def expired(name, folder=None, **settings):
    """An authority, and a storage whose token has expired 400 s after."""
    instance = hostile.instance(name)
    instance.settings |= settings
    place = folder and place_in(folder)
    if place:
        with Driver() as driver:
            driver.open(hostile.url(name), place)
            driver.sign_in()
    return instance, place


@suite.case('64 threads with no token: one password grant')
def threads_first():
    instance, _ = expired('good.threads-first')
    with Driver() as driver:
        driver.open(hostile.url(instance.name))
        driver.well('set', 'plans', PASSWORD)
        storm = driver.well('storm', THREADS, 60)['storm']
        equal({result for result, _ in storm}, {0}, 'results')
        equal(len({token for _, token in storm}), 1, 'tokens')
    equal(counts(instance), {'discovery': 1, 'token': 1}, 'requests')


@suite.case('64 threads with an expired token: one refresh')
def threads_refresh():
    instance, _ = expired('good.threads')
    with Driver() as driver:
        driver.open(hostile.url(instance.name))
        first = driver.sign_in()['token']
        ahead(driver, 4000)
        storm = driver.well('storm', THREADS, 60)['storm']
        equal({result for result, _ in storm}, {0}, 'results')
        tokens = {token for _, token in storm}
        check(len(tokens) == 1 and first not in tokens, f'tokens {tokens}')
    equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (1, 1),
          'requests')


@suite.in_folder('16 processes of 64 threads with one expired token: one refresh')
def processes_refresh(folder):
    instance, place = expired('good.processes', folder)
    drivers = [Driver() for _ in range(PROCESSES)]
    try:
        for driver in drivers:
            driver.open(hostile.url(instance.name), place)
            ahead(driver, 4000)
        storms = side_by_side(PROCESSES, lambda index: drivers[index].well(
            'storm', THREADS, 60)['storm'])
        results = [pair for storm in storms for pair in storm]
        equal({result for result, _ in results}, {0}, 'results')
        tokens = {token for _, token in results}
        equal(len(tokens), 1, f'tokens: {tokens}')
        check(lives(instance, tokens.pop()), 'the token is none')
    finally:
        for driver in drivers:
            driver.end()
    equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (1, 1),
          'requests')


@suite.in_folder('a wrong password is tried once, by 16 processes and after restarts')
def wrong_password(folder):
    instance, place = expired('good.wrong', folder)
    instance.settings['password'] = 'changed'
    instance.refresh.clear()

    def attempt(_):
        with Driver() as driver:
            driver.open(hostile.url(instance.name), place)
            ahead(driver, 4000)
            return driver.fails(CREDENTIALS, 'token', 0)
    for _ in range(2):
        side_by_side(PROCESSES, attempt)
    # The first token, and the one that was refused.
    equal(requests(instance, 'password'), 2, 'password grants')
    # The same again is no other credential.
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000)
        driver.well('set', 'plans', PASSWORD)
        driver.fails(CREDENTIALS, 'token', 0)
        driver.fails(CREDENTIALS, 'verify')
    equal(requests(instance, 'password'), 2, 'password grants')
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000)
        driver.well('set', 'plans', 'changed')
        driver.well('token', 0)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000)
        driver.well('token', 0)
    equal(requests(instance, 'password'), 3, 'password grants')


@suite.in_folder('a new password that is wrong leaves the old one and its token')
def wrong_rotation(folder):
    instance, place = expired('good.rotation', folder)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        driver.well('set', 'plans', 'not it')
        driver.fails(CREDENTIALS, 'verify')
        driver.fails(CREDENTIALS, 'verify')
    equal(requests(instance, 'password'), 2, 'password grants')
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        driver.well('token', 60)
        ahead(driver, 4000)
        instance.refresh.clear()
        driver.well('token', 60)


@suite.in_folder('told to wait, 50 workers do not ask 50 times')
def told_to_wait(folder):
    instance, place = expired('good.wait', folder)
    instance.settings['retry_after_s'] = 600
    instance.fail('token', '429')

    def attempt(_):
        with Driver() as driver:
            driver.open(hostile.url(instance.name), place)
            ahead(driver, 4000)
            return driver.fails(WAIT, 'token', 0)
    answers = side_by_side(WORKERS, attempt)
    check(all(580 < answer['retry_after_s'] <= 600 for answer in answers),
          f'{[answer["retry_after_s"] for answer in answers]}')
    equal(counts(instance)['token'], 2, 'token requests')
    instance.fail('token', None)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000 + 300)
        driver.fails(WAIT, 'token', 0)
        ahead(driver, 4000 + 601)
        driver.well('token', 0)
    equal(counts(instance)['token'], 3, 'token requests')


@suite.in_folder('a token that lives is served while the authority is down, and it is left alone')
def served_while_down(folder):
    instance, place = expired('good.down', folder)
    instance.fail('token', '503')
    instance.fail('discovery', 'lost')

    def attempt(_):
        with Driver() as driver:
            driver.open(hostile.url(instance.name), place)
            ahead(driver, 3000)
            return driver.well('token', 1200)
    answers = side_by_side(WORKERS, attempt)
    equal(len({answer['token'] for answer in answers}), 1, 'tokens')
    check(all(500 < answer['ttl'] <= 600 for answer in answers), f'{answers[0]}')
    asked = counts(instance)
    # Once, and again as its back-off ends, which doubles; not once by each.
    check(asked['token'] <= 10 and asked['discovery'] <= 10, f'requests {asked}')
    # Dead is dead.
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 3700)
        check(driver.ask('token', 0)['code'] in (UNAVAILABLE, WAIT), 'a dead token is served')


@suite.in_folder('a token that the API refused is not given again, and one process renews it')
def rejected(folder):
    instance, place = expired('good.rejected', folder)
    with Driver() as one, Driver() as other:
        for driver in (one, other):
            driver.open(hostile.url(instance.name), place)
        token = one.well('token', 0)['token']
        equal(other.well('token', 0)['token'], token, 'token')
        one.well('reject')
        other.well('reject')
        fresh = one.well('token', 0)['token']
        check(fresh != token, 'the same token is given again')
        equal(other.well('token', 0)['token'], fresh, 'token')
        # Late news of a token that is not in use any more.
        other.well('reject')
    equal(requests(instance, 'refresh_token'), 1, 'refreshes')


@suite.in_folder('a lost answer: where the authority repeats, it is asked once more')
def lost_with_grace(folder):
    for fault in ('lost-after', 'reset', 'cut'):
        instance, place = expired(f'good.grace-{fault}', os.path.join(folder, fault), grace_s=60)
        instance.fail('token', fault, 1)
        with Driver() as driver:
            driver.open(hostile.url(instance.name), place)
            ahead(driver, 4000)
            answer = driver.well('token', 0)
            check(lives(instance, answer['token']), f'{fault}: the token is none')
        equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (2, 1),
              f'requests after {fault}')
        with instance.lock:
            equal(len(instance.ended), 0, 'families ended')


@suite.in_folder('a lost answer: where it does not, the next rung is taken, with one request')
def lost_without_grace(folder):
    instance, place = expired('good.no-grace', folder)
    instance.fail('token', 'lost-after', 1)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000)
        answer = driver.well('token', 0)
        check(lives(instance, answer['token']), 'the token is none')
    equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (1, 2),
          'requests')


@suite.in_folder('an answer that is lost twice is not asked for a third time')
def lost_twice(folder):
    instance, place = expired('good.twice', folder, grace_s=60)
    instance.fail('token', 'lost-after', 2)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000)
        answer = driver.well('token', 0)
        check(lives(instance, answer['token']), 'the token is none')
    equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (2, 2),
          'requests')


@suite.in_folder('a refresh token that was taken back leads to the password')
def ended_family(folder):
    instance, place = expired('good.ended', folder)
    with instance.lock:
        instance.ended |= {held['family'] for held in instance.refresh.values()}
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place)
        ahead(driver, 4000)
        check(lives(instance, driver.well('token', 0)['token']), 'the token is none')
    equal((requests(instance, 'refresh_token'), requests(instance, 'password')), (1, 2),
          'requests')


@suite.case('with nothing at all, a person is needed')
def nothing():
    with Driver() as driver:
        driver.open(hostile.url('good.nothing'))
        driver.fails(PERSON, 'token', 0)
    equal(requests(hostile.instance('good.nothing'), 'password'), 0, 'password grants')


@suite.in_folder('several accounts, clients, scopes and authorities side by side')
def side_by_side_accounts(folder):
    place = place_in(folder)
    tokens = {}
    kinds = [(name, client, more) for name in ('good.one', 'good.other')
             for client in ('first', 'second')
             for more in ({'account': 'a'}, {'account': 'a', 'scope': 'cosmos'},
                          {'account': 'b'})]
    for turn in range(2):
        for name, client, more in kinds:
            with Driver() as driver:
                driver.open(hostile.url(name), place, client_id=client, **more)
                if turn == 0 and 'scope' not in more:
                    driver.well('set', f'plans-{more["account"]}', PASSWORD)
                answer = driver.well('token', 60)
                key = name, client, json.dumps(more)
                if turn:
                    equal(answer['token'], tokens[key], f'token of {key}')
                tokens[key] = answer['token']
    equal(len(set(tokens.values())), len(kinds), 'tokens')


@suite.in_folder('an account that was only refused is not in the way of the only one')
def refused_beside(folder):
    place, url = place_in(folder), hostile.url('good.beside')
    for name, password in (('wrong', 'wrong'), ('plans', PASSWORD), ('last', 'wrong')):
        with Driver() as driver:
            driver.open(url, place)
            driver.well('set', name, password)
            if password == PASSWORD:
                token = driver.well('token', 0)['token']
            else:
                driver.fails(CREDENTIALS, 'token', 0)
    with Driver() as driver:
        driver.open(url, place)
        equal(driver.well('token', 0)['token'], token, 'the token')


@suite.case('a step at a time, one request as well')
def stepped():
    instance = hostile.instance('good.steps')
    with Driver() as driver:
        driver.open(hostile.url(instance.name))
        driver.well('set', 'plans', PASSWORD)
        driver.well('steps', 1, 60)
        driver.well('token', 60)
    equal(counts(instance), {'discovery': 1, 'token': 1}, 'requests')


suite.main(workers=4)
hostile.stop()
