#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever an authority answers, the client says what happened and what to do, in bounded time
and memory, and has lost nothing: a token that lives, the refresh token, the credentials."""
import itertools
import os

from client_harness import (CREDENTIALS, DENIED, PASSWORD, PROTOCOL, TIMEOUT, TRUST, UNAVAILABLE, WAIT,
                            Driver, check, check_error, counts, equal, hostile, lives, make_key)
from harness import Folder, Suite
from hostile_faults import FAULTS

suite = Suite()
# Of one request and of a whole call; what a call takes is below twice that.
LIMITS = {'connect_timeout_ms': 1500, 'request_timeout_ms': 1500, 'call_timeout_ms': 4000}
BOUND_MS = 8000
# All of a process that does a flow: 11 MiB, sanitizers apart.
MEMORY_KIB = 32 * 1024
GOOD = 0

# What is no answer of an authority, at any endpoint that has to answer with JSON.
ANYWHERE = {
    **dict.fromkeys(('html', 'html-404', 'html-as-json', '200-empty', '204', '400-empty',
                     '400-number', '400-controls', '403-empty', 'array', 'text', 'truncated',
                     'deep', 'nul', 'not-utf-8', 'redirect', 'redirect-307', 'redirect-out',
                     'redirect-file', 'type-text', 'type-none', 'duplicate', 'trailing', 'huge',
                     'huge-chunked', 'huge-head', 'huge-line', 'continue', 'length-negative',
                     'length-two', 'status-garbage', 'version', 'http-09', 'binary'), PROTOCOL),
    **dict.fromkeys(('html-500', '500-empty', '503', '503-retry', 'lost', 'lost-after', 'reset',
                     'cut', 'switching', 'chunked-garbage', 'chunked-negative'), UNAVAILABLE),
    **dict.fromkeys(('429', '429-date', '429-bare', '429-garbage', '429-years'), WAIT),
    **dict.fromkeys(('silent', 'silent-after', 'half', 'slow', 'late', 'late-lost'), TIMEOUT),
    **dict.fromkeys(('type-charset', 'date-ahead', 'date-behind', 'date-years', 'date-missing',
                     'date-garbage', 'closed-between'), GOOD),
    '400-unknown': DENIED,
}
DISCOVERY = {
    **ANYWHERE,
    # Nobody has shown credentials there.
    '200-error': PROTOCOL, '401-basic': PROTOCOL, '400-unknown': PROTOCOL,
    **dict.fromkeys(('issuer-other', 'issuer-slash', 'issuer-case', 'issuer-localhost',
                     'issuer-path', 'issuer-scheme'), TRUST),
    **dict.fromkeys(('issuer-number', 'issuer-missing', 'endpoint-http', 'endpoint-file',
                     'endpoint-number', 'endpoint-relative', 'endpoint-user',
                     'endpoint-missing'), PROTOCOL),
}
TOKEN = {
    **ANYWHERE,
    # It says that the client is refused, not the password.
    '200-error': CREDENTIALS, '401-basic': DENIED,
    **dict.fromkeys(('token-number', 'token-null', 'token-object', 'token-empty',
                     'token-newline', 'token-space', 'token-nul', 'token-letters', 'token-huge',
                     'token-long', 'refresh-number', 'refresh-huge', 'type-mac', 'type-number',
                     'type-newline', 'type-missing', 'expires-zero', 'expires-negative',
                     'expires-overflow', 'expires-words', 'scope-array', 'scope-number',
                     'no-token'), PROTOCOL),
    **dict.fromkeys(('refresh-empty', 'type-lower', 'expires-huge', 'expires-digits',
                     'expires-fraction', 'expires-null', 'expires-missing'), GOOD),
}
# Those that a person's login meets: tests of the flows have them.
ELSEWHERE = ('id-token-', 'keys-', 'state-', 'iss-', 'code-', 'denied', 'uri-', 'user-code-',
             'interval-', 'device-code-', 'no-iss', '400-slow-down', '400-denied', '400-expired',
             'type-escapes', '400-echo', '200-pending', 'scope-narrow', 'scope-missing')


def peak_kib(driver):
    with open(f'/proc/{driver.process.pid}/status', encoding='utf-8') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmHWM:'))


def is_sanitized(driver):
    with open(f'/proc/{driver.process.pid}/maps', encoding='utf-8') as file:
        return any(name in file.read() for name in ('libasan', 'libtsan'))


def bounded(driver, answer):
    check(answer['took_ms'] < BOUND_MS, f'it took {answer["took_ms"]} ms')
    check(is_sanitized(driver) or peak_kib(driver) < MEMORY_KIB, f'{peak_kib(driver)} KiB')
    return answer


def after(driver, seconds):
    """Both clocks go so much on."""
    driver.well('clock', seconds * 1000, seconds * 1000)


def first_token(endpoint, fault, code):
    """Of a client that has nothing but credentials; and again when the authority is well."""
    instance = hostile.instance(f'{endpoint}-{fault}.first')
    with Driver() as driver:
        driver.open(hostile.url(instance.name), **LIMITS)
        driver.well('set', 'plans', PASSWORD)
        answer = bounded(driver, driver.ask('token', 0))
        if fault == 'closed-between' and answer['code'] == UNAVAILABLE:
            # Whether it is noticed before a POST has gone is a race; it is never sent again.
            code = UNAVAILABLE
        equal(answer['code'], code, f'the result: {answer}')
        # As often as it takes to know, and no more.
        check(max(counts(instance).values()) <= 2, f'{counts(instance)}')
        if code == GOOD:
            check(0 < answer['ttl'] <= 31_536_000, f'it lives {answer["ttl"]} s')
            return
        check_error(answer)
        instance.fail(endpoint, None)
        after(driver, 7200)
        answer = driver.ask('token', 0)
        if code == CREDENTIALS:
            # They were refused, and that stays.
            equal(answer['code'], CREDENTIALS, f'the result afterwards: {answer}')
            driver.well('set', 'plans', PASSWORD)
            return
        equal(answer['code'], 0, f'the result when the authority is well again: {answer}')
        check(lives(instance, answer['token']), 'the token is none')


def later_token(folder, endpoint, fault, code):
    """Of a client whose token lives for ten minutes more and is wanted for longer: that one is
    served on, in this process and the next, and whatever the authority said, what was kept
    leads to a token when it is well again."""
    instance = hostile.instance(f'good.{endpoint}-{fault}')
    place = os.path.join(folder, f'{endpoint}-{fault}')
    make_key(place)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place, **LIMITS)
        before = driver.sign_in()['token']
        instance.fail(endpoint, fault)
        after(driver, 3000)
        answer = bounded(driver, driver.ask('token', 1200))
        if code in (UNAVAILABLE, TIMEOUT, WAIT, PROTOCOL):
            equal((answer['code'], answer.get('token')), (0, before), f'{answer}')
        elif code != GOOD:
            check(answer['code'] in (0, code), f'{answer}')
        equal(driver.ask('token', 0)['code'], 0, 'the result for a token that just lives')
    instance.fail(endpoint, None)
    with Driver() as driver:
        driver.open(hostile.url(instance.name), place, **LIMITS)
        after(driver, 3000 + 7200)
        answer = driver.ask('token', 1200)
        if code == CREDENTIALS:
            check(answer['code'] in (0, CREDENTIALS), f'{answer}')
            return
        equal(answer['code'], 0, f'the result when the authority is well again: {answer}')
        check(lives(instance, answer['token']), 'the token is none')


@suite.case('every fault is expected somewhere')
def every_fault():
    rest = {fault for fault in FAULTS if not fault.startswith(ELSEWHERE)}
    equal(rest - set(DISCOVERY) - set(TOKEN), set(), 'faults that nothing tests')
    equal(set(DISCOVERY) | set(TOKEN), rest, 'faults that there are not')


for ENDPOINT, EXPECTED in (('discovery', DISCOVERY), ('token', TOKEN)):
    for FAULT, CODE in EXPECTED.items():
        suite.case(f'{ENDPOINT}, {FAULT}: the first token', ENDPOINT, FAULT, CODE)(first_token)
for FAULT, CODE in TOKEN.items():
    suite.in_folder(f'token, {FAULT}: the next token', 'token', FAULT, CODE)(later_token)


@suite.case('an issuer that differs is shown, and where')
def differing_issuer():
    for name, place in (('discovery-issuer-case.shown', 'N'), ('discovery-issuer-slash.shown', '/')):
        with Driver() as driver:
            driver.open(hostile.url(name))
            answer = driver.fails(TRUST, 'discover')
            check(hostile.url(name) in answer['text'], answer['text'])
            issuer = hostile.url(name) + '/' if place == '/' else hostile.url(name)[:-1] + place
            check(f'"{issuer}"' in answer['text'], answer['text'])
            position = len(hostile.url(name)) + (place == '/')
            check(f'character {position}' in answer['text'], answer['text'])


@suite.case('an issuer that ends in a slash is the configured one with that slash')
def slash():
    with Driver() as driver:
        driver.open(hostile.url('discovery-issuer-slash.taken') + '/')
        driver.sign_in()
    with Driver() as driver:
        driver.open(hostile.url('good.slash') + '/')
        driver.sign_in()


@suite.case('a certificate that is not the authority\'s')
def certificates():
    for (name, url), given in itertools.product(hostile.tls.items(), (True, False)):
        more = {'ca_file': hostile.ca_file} if given else {}
        with Driver() as driver:
            driver.open(f'{url}/good.tls', **LIMITS, **more)
            good = name == 'good' and given
            answer = driver.ask('discover')
            if good:
                equal(answer['code'], 0, f'the result: {answer}')
                continue
            # What speaks no TLS is no authority either; and what wants a client's certificate
            # may hang up before its alert has been read.
            check(answer['code'] == TRUST or given and name in ('plain', 'client') or
                  name == 'plain', f'{name}, {given}: {answer}')
            check_error(answer)


@suite.case('a client\'s own certificate')
def own_certificate():
    with Driver() as driver:
        driver.open(f'{hostile.tls["client"]}/good.own', ca_file=hostile.ca_file,
                    certificate_file=hostile.certificate_file,
                    certificate_key_file=hostile.certificate_key_file)
        driver.sign_in()


@suite.case('nobody listens, and nobody accepts')
def nobody():
    for url, codes in ((hostile.refused, (UNAVAILABLE,)), (hostile.unaccepted, (TIMEOUT,))):
        with Driver() as driver:
            driver.open(f'{url}/good', **LIMITS)
            driver.well('set', 'plans', PASSWORD)
            answer = bounded(driver, driver.ask('token', 0))
            check(answer['code'] in codes, f'{answer}')
            check_error(answer)


suite.main(workers=6)
hostile.stop()
