#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each allocation of the library fails once, in turn, in every flow: it says that there was no
memory, and when there is some again the same flow goes well with what was kept. A client that was
short of memory is used on, then closed: a sanitizer's driver tells of what it lost."""
import http.client
import itertools
import os

from client_harness import (CLIENT, MEMORY, PASSWORD, Driver, check, check_error, equal, hostile,
                            lives, make_key)
from harness import Folder, Suite
from person import Person

suite = Suite()
# None has so many.
MOST = 5000
LATER_MS = 4_000_000
SET = ('set', 'plans', PASSWORD)


def nothing(_):
    """Nothing before it."""


def with_credentials(driver):
    driver.well(*SET)


def with_token(driver):
    driver.well(*SET)
    driver.well('token', 0)
    driver.well('clock', LATER_MS, LATER_MS)


def with_person(driver):
    finish_login(driver, 'device')
    driver.well('clock', LATER_MS, LATER_MS)


def finish_login(driver, flow):
    answer = login(driver, flow)
    equal(answer['code'], 0, f'the login: {answer}')


def visit(url):
    """What is shown at the end needs memory too: a person who gets no page goes there again."""
    for _ in range(2):
        try:
            if Person().fetch(url)['status'] == 200:
                return
        except (OSError, http.client.HTTPException):
            continue


def login(driver, flow):
    """As a person does it, where it comes to that."""
    driver.send('login', flow)
    answer = driver.line()
    if 'event' in answer:
        if answer['event'] == 'open_url':
            visit(answer['url'])
        answer = driver.line()
    return answer


def line(*words):
    return lambda driver: driver.ask(*words)


def flow_login(flow):
    return lambda driver: login(driver, flow)


FLOWS = [
    ('setting credentials', nothing, line(*SET)),
    ('the first token', with_credentials, line('token', 600)),
    ('a refresh', with_token, line('token', 600)),
    ('a refresh with nothing beside it', with_person, line('token', 600)),
    ('verifying', with_token, line('verify')),
    ('discovery', nothing, line('discover')),
    ('rejecting', with_token, line('reject')),
    ('diagnosing', with_token, line('diagnose')),
    ('logging out', with_token, line('logout')),
    ('a login in a browser', nothing, flow_login('browser')),
    ('a login with a code', nothing, flow_login('device')),
]


def fail_at(number, kind, folder, prepare, flow):
    """Whether there was such an allocation."""
    instance = hostile.instance(f'good.{kind}-{number}'.replace(' ', '-'))
    instance.settings |= {'grace_s': 60, 'interval': 1}
    place = os.path.join(folder, str(number))
    make_key(place)
    opening = ('open', hostile.url(instance.name), CLIENT, 'storage=files', f'directory={place}',
               f'key=file:{place}.key')
    with Driver() as driver:
        driver.well(*opening)
        prepare(driver)
        driver.well('fail', number)
        answer = flow(driver)
        failed = driver.well('failed')['failed']
        what = f'{kind}, allocation {number}'
        if not failed:
            equal(answer['code'], 0, f'{what}, which there is not: {answer}')
            return False
        check(answer['code'] in (0, MEMORY), f'{what}: {answer}')
        if answer['code'] and 'error_code' in answer:
            check_error(answer)
        # With memory again, in the same process and in the next one.
        driver.ask(*SET)
        token = driver.well('token', 600)['token']
        check(lives(instance, token), f'{what}: the token is none')
        ahead = driver.well('diagnose')['diagnosis']
        check(ahead['token'], f'{what}: {ahead}')
    return True


def in_turn(kind, prepare, flow):
    with Folder() as folder:
        for number in itertools.count():
            check(number < MOST, 'there is no end')
            if not fail_at(number, kind, folder, prepare, flow):
                break
    # What there is nothing of can't have been tried.
    check(number > 2, f'only {number} allocations')
    suite.note(f'{kind}: {number} allocations')


for FLOW in FLOWS:
    suite.case(f'{FLOW[0]}: each allocation fails', *FLOW)(in_turn)
suite.main(workers=6)
hostile.stop()
