#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every system call of an exchange, in turn: the next process has a working token, and
what it needs to get the one after that. In ./check a sample of the calls, with $ADIT_ALL each one.
"""
import collections
import concurrent.futures
import os
import random
import re
import subprocess
import sys

from client_harness import (CLIENT, DRIVER, ENVIRONMENT, PASSWORD, PERSON, Driver,
                            check, equal, hostile, lives, make_key, requests)
from harness import PATIENCE_S, Folder, Suite

suite = Suite()
TRACER = os.path.abspath(sys.argv[3])
# A process under a tracer can't look for its leaks.
TRACED = {**ENVIRONMENT, 'ASAN_OPTIONS': 'detect_leaks=0'}
SAMPLE = 40
WORKERS = 8
NEVER = 10 ** 9
# After which a token has expired.
LATER_MS = 4_000_000


class Trial:
    """An authority and a storage of their own, for one death."""

    def __init__(self, name, folder, prepare, **settings):
        self.instance = hostile.instance(name)
        self.instance.settings |= settings
        self.place = os.path.join(folder, name)
        make_key(self.place)
        self.words = ['open', hostile.url(name), CLIENT, 'storage=files',
                      f'directory={self.place}', f'key=file:{self.place}.key']
        prepare(self)

    def driver(self):
        driver = Driver()
        driver.well(*self.words)
        driver.well('clock', LATER_MS, LATER_MS)
        return driver

    def run(self, number, lines):
        """Runs the lines, and kills what runs them at that call: ("killed", its number) or
        ("ended", how many there were)."""
        script = [self.words, ['clock', str(LATER_MS), str(LATER_MS)], ['mark'], *lines, ['mark', 'end']]
        done = subprocess.run(
            [TRACER, str(number), DRIVER], env=TRACED, capture_output=True, check=False,
            timeout=PATIENCE_S, input=''.join('\t'.join(line) + '\n' for line in script).encode())
        said = done.stderr.decode().split()
        check(done.returncode == 0 and said and said[0] in ('killed', 'ended'),
              f'the tracer: {done.returncode} {done.stderr.decode()[-2000:]}')
        return said[0], int(said[-1])


def with_token(trial):
    """Credentials, and a token."""
    with trial.driver() as driver:
        driver.well('clock', 0, 0)
        driver.well('set', 'plans', PASSWORD)
        driver.well('token', 0)


def with_person(trial):
    """The same of somebody who signed in, without credentials."""
    with trial.driver() as driver:
        driver.well('clock', 0, 0)
        driver.send('login', 'device')
        equal(driver.line()['event'], 'show_code', 'event')
        equal(driver.line()['code'], 0, 'the result of login')


def empty(_):
    """Nothing yet."""


def works(trial, driver):
    """A token, and after that expired another one."""
    for ahead in (LATER_MS, 2 * LATER_MS):
        driver.well('clock', ahead, ahead)
        answer = driver.well('token', 600)
        check(lives(trial.instance, answer['token']), 'the token is none')


def check_refreshed(trial):
    with trial.driver() as driver:
        works(trial, driver)


def check_first(trial):
    """Either nothing is kept yet, or all that is needed."""
    with trial.driver() as driver:
        if driver.ask('token', 600)['code'] == PERSON:
            driver.well('set', 'plans', PASSWORD)
        works(trial, driver)


def check_rotated(trial):
    """Each of the two passwords is right: one of them is there."""
    with trial.driver() as driver:
        works(trial, driver)
    # And the password is used, not only kept.
    with trial.instance.lock:
        trial.instance.refresh.clear()
    with trial.driver() as driver:
        driver.well('clock', 3 * LATER_MS, 3 * LATER_MS)
        check(lives(trial.instance, driver.well('token', 600)['token']), 'the token is none')


def check_forgotten(trial):
    """All or nothing, and it can be finished."""
    with trial.driver() as driver:
        driver.well('forget')
        driver.fails(PERSON, 'token', 0)


REFRESH = [['token', '600']]
FIRST = [['set', 'plans', PASSWORD], ['token', '600']]
ROTATE = [['set', 'plans', PASSWORD], ['verify']]
FORGET = [['forget']]
KINDS = [
    ('a refresh, where the authority repeats', with_token, REFRESH, check_refreshed,
     {'grace_s': 60}),
    ('a refresh, where it does not', with_token, REFRESH, check_refreshed, {}),
    ('a refresh with nothing beside it, where the authority repeats', with_person, REFRESH,
     check_refreshed, {'grace_s': 60}),
    ('the first token', empty, FIRST, check_first, {}),
    ('credentials that are verified anew', with_token, ROTATE, check_rotated, {}),
    ('forgetting', with_token, FORGET, check_forgotten, {}),
]


def deaths(count):
    """At which calls: each, or a sample of which nobody knows before."""
    if os.environ.get('ADIT_ALL') or count <= SAMPLE:
        return range(1, count + 1)
    step = count // SAMPLE
    return range(1 + random.randrange(step), count + 1, step)


def die_once(number, kind, prepare, lines, look, settings):
    """Killed at that call; how it ended, and how many password grants it took to go on."""
    with Folder() as folder:
        trial = Trial(f'good.{kind}-{number}', folder, prepare, **settings)
        how, _ = trial.run(number, lines)
        before = requests(trial.instance, 'password')
        try:
            look(trial)
        except Exception as error:
            raise RuntimeError(f'killed at call {number}: {error}') from error
        after = requests(trial.instance, 'password') - before
        check(after <= 2, f'{after} password grants after call {number}')
        return how, after


def die(kind, *case):
    name = re.sub('[ ,]+', '-', kind)
    prepare, lines, _, settings = case
    with Folder() as folder:
        count = Trial(f'good.{name}', folder, prepare, **settings).run(NEVER, lines)[1]
    check(count > 20, f'only {count} calls')
    numbers = deaths(count)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        ends = pool.map(lambda number: die_once(number, name, *case), numbers)
        seen = collections.Counter(ends)
    suite.note(f'{kind}: {count} calls, {len(numbers)} deaths from {numbers[0]} on; '
               + ', '.join(f'{how} {times} times, then {after} password grants'
                           for (how, after), times in sorted(seen.items())))


for KIND in KINDS:
    suite.case(f'kill -9 during {KIND[0]}', *KIND)(die)
suite.main(workers=1)
hostile.stop()
