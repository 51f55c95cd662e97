#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""People who sign in, in a browser and with a code on another device: what comes back is the
account's only if it is this authority's answer to this client, now, about the person who was
signed in before."""
import os
import re
import socket
import urllib.error
import urllib.parse

from client_harness import (DENIED, HERE, INVALID, PASSWORD, PERSON, PROTOCOL, TRUST, UNAVAILABLE,
                            Driver, check, check_error, counts, equal, hostile, lives, make_key,
                            requests)
from harness import Suite, read, until
from person import Person

suite = Suite()
APP = 'app'
# What nobody answers ends after so long; a person of these tests is there at once.
SOON_MS = 600


def open_app(driver, name, folder=None, **options):
    driver.open(hostile.url(name), folder, client_id=APP, **options)
    return hostile.instance(name)


def visit(url):
    """The last page of a browser that is sent there."""
    page = Person().fetch(url)
    page['text'] = re.sub(r'<style.*?</style>', '', page['text'], flags=re.S)
    return page


def begin(driver, flow):
    driver.send('login', flow)
    told = driver.line()
    check('event' in told, f'nothing was shown: {told}')
    return told


def in_browser(driver):
    """(the result of a login, the page that the browser ends at)"""
    page = visit(begin(driver, 'browser')['url'])
    return driver.line(), page


def with_code(driver):
    begin(driver, 'device')
    return driver.line(), None


FLOWS = {'browser': in_browser, 'device': with_code}


def signed_in(driver, answer, instance):
    equal(answer['code'], 0, f'the login: {answer}')
    token = driver.well('token', 0)
    check(lives(instance, token['token']), f'the token is none: {token}')
    equal(driver.well('claim', 'sub')['claim'], 'anna', 'sub')
    return token


def nobody_is_signed_in(driver):
    driver.fails(PERSON, 'token', 0)


# --- in the browser -----------------------------------------------------------------------------

@suite.case('a sign-in in the browser, and what it asks for (requirements 9, 10)')
def browser():
    with Driver() as driver:
        instance = open_app(driver, 'good.browser')
        url = begin(driver, 'browser')['url']
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        equal(set(asked), {'response_type', 'client_id', 'redirect_uri', 'scope', 'state',
                           'nonce', 'code_challenge', 'code_challenge_method', 'prompt'},
              'parameters')
        equal((asked['response_type'], asked['client_id'], asked['scope'],
               asked['code_challenge_method'], asked['prompt']),
              ('code', APP, 'openid offline_access', 'S256', 'consent'), 'parameters')
        for name in ('state', 'nonce', 'code_challenge'):
            check(re.fullmatch(r'[\w-]{43}', asked[name]), f'{name}: {asked[name]}')
        check(re.fullmatch(r'http://127\.0\.0\.1:\d+/callback', asked['redirect_uri']),
              asked['redirect_uri'])
        page = visit(url)
        check('You are signed in' in page['text'], page['text'])
        check('close this window' in page['text'], page['text'])
        signed_in(driver, driver.line(), instance)
        equal(driver.well('claim', 'name')['claim'], 'Anna', 'name')
        equal(counts(instance), {'discovery': 1, 'authorize': 1, 'token': 1, 'jwks': 1},
              'requests')


@suite.case('each sign-in has secrets of its own')
def own_secrets():
    seen = set()
    for _ in range(2):
        with Driver() as driver:
            open_app(driver, 'good.secrets', person_timeout_ms=SOON_MS)
            query = urllib.parse.urlsplit(begin(driver, 'browser')['url']).query
            asked = dict(urllib.parse.parse_qsl(query))
            seen |= {asked[name] for name in ('state', 'nonce', 'code_challenge')}
            equal(driver.line()['code'], PERSON, 'the login that nobody goes on with')
    equal(len(seen), 6, 'secrets')


@suite.case('scope, resource, port and path as the options say')
def options():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    with Driver() as driver:
        instance = open_app(driver, 'good.options', scope='openid cosmos', redirect_port=port,
                            redirect_path='/back/here', resource='urn:api')
        url = begin(driver, 'browser')['url']
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        equal((asked['scope'], asked['redirect_uri'], asked['resource']),
              ('openid cosmos', f'http://127.0.0.1:{port}/back/here', 'urn:api'), 'parameters')
        check('prompt' not in asked, 'prompt without offline_access')
        visit(url)
        signed_in(driver, driver.line(), instance)


@suite.case('without openid there is no nonce and no ID token')
def no_identity():
    with Driver() as driver:
        open_app(driver, 'good.oauth', scope='cosmos')
        url = begin(driver, 'browser')['url']
        check('nonce' not in url, url)
        visit(url)
        equal(driver.line()['code'], 0, 'the login')
        driver.well('token', 0)


@suite.case('a port that another program has')
def busy_port():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        with Driver() as driver:
            open_app(driver, 'good.busy', redirect_port=taken.getsockname()[1])
            driver.fails(UNAVAILABLE, 'login', 'browser')


def passed_over(fault):
    """What does not answer this login changes nothing: the right answer may still come."""
    with Driver() as driver:
        instance = open_app(driver, f'good.{fault}')
        instance.fail('authorize', fault, 1)
        url = begin(driver, 'browser')['url']
        page = visit(url)
        check('You are signed in' not in page['text'], page['text'])
        equal(counts(instance).get('token'), None, 'codes that were redeemed')
        check('You are signed in' in visit(url)['text'], 'the second answer is not taken')
        signed_in(driver, driver.line(), instance)


for FAULT in ('state-wrong', 'state-missing', 'code-missing', 'code-controls', 'code-and-error'):
    suite.case(f'a redirect that is passed over: {FAULT}', FAULT)(passed_over)


def refused(fault, code, words):
    with Driver() as driver:
        instance = open_app(driver, f'authorize-{fault}')
        answer, page = in_browser(driver)
        equal(answer['code'], code, f'the login: {answer}')
        check_error(answer)
        check(words in answer['text'], answer['text'])
        check('You are not signed in' in page['text'] and words.split('"')[0] in page['text'],
              page['text'])
        check('\x1b' not in page['text'], 'a control character on the page')
        equal(counts(instance).get('token'), None, 'codes that were redeemed')
        nobody_is_signed_in(driver)


for FAULT, CODE, WORDS in (('iss-wrong', TRUST, 'iss is "https://other.example"'),
                           ('iss-missing', TRUST, 'no iss'), ('denied', DENIED, 'access_denied')):
    suite.case(f'a redirect that ends it: {FAULT} (requirement 7)', FAULT, CODE, WORDS)(refused)


@suite.case('an authority without iss in its redirects need not send it')
def no_iss():
    with Driver() as driver:
        instance = open_app(driver, 'discovery-no-iss')
        instance.fail('authorize', 'iss-missing')
        signed_in(driver, in_browser(driver)[0], instance)


@suite.case('a code that is brought twice')
def twice():
    with Driver() as driver:
        instance = open_app(driver, 'good.twice')
        url = begin(driver, 'browser')['url']
        page = visit(url)
        signed_in(driver, driver.line(), instance)
        try:
            visit(page['url'])
            check(False, 'somebody listens still')
        except urllib.error.URLError:
            pass
        equal(requests(instance, 'authorization_code'), 1, 'codes that were redeemed')


def on_desktop(folder, script, **more):
    """A client that opens the browser itself: by this xdg-open, which gets $URL."""
    path = os.path.join(folder, 'xdg-open')
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o755), 'w', encoding='utf-8') as file:
        file.write(f'#!/bin/sh\nURL=$1\n{script}\n')
    return Driver(environment={'PATH': f'{folder}:/usr/bin:/bin', 'DISPLAY': ':0', **more})


@suite.in_folder('the library opens the browser itself')
def desktop(folder):
    page = os.path.join(folder, 'page')
    person = os.path.join(HERE, 'person.py')
    with on_desktop(folder, f'exec /usr/bin/python3 {person} "$URL" >{page}') as driver:
        instance = open_app(driver, 'good.desktop', desktop=1)
        signed_in(driver, driver.ask('login', 'browser'), instance)
    until(lambda: b'You are signed in' in read(page), 'the page')


@suite.in_folder('there is no browser')
def no_desktop(folder):
    for script, more, words in (('exit 3', {}, 'xdg-open'), ('exit 0', {'DISPLAY': ''}, 'desktop')):
        with on_desktop(folder, script, **more) as driver:
            open_app(driver, f'good.{script[-1]}', desktop=1)
            answer = driver.fails(PERSON, 'login', 'browser')
            check(words in answer['text'], answer['text'])


@suite.case('nobody signs in')
def nobody():
    with Driver() as driver:
        open_app(driver, 'good.nobody', person_timeout_ms=SOON_MS)
        driver.send('login', 'browser')
        driver.line()
        answer = driver.line()
        equal(answer['code'], PERSON, f'the login: {answer}')
        check_error(answer)


@suite.case('a person takes longer than a call may')
def slow_person():
    with Driver() as driver:
        instance = open_app(driver, 'good.slow', call_timeout_ms=4000, person_timeout_ms=60_000)
        instance.settings['slow_s'] = 5
        instance.fail('authorize', 'late')
        signed_in(driver, in_browser(driver)[0], instance)


# --- what comes ------------------------------------------------------------------------------------

DISTRUSTED = {
    **dict.fromkeys(('id-token-alg-none', 'id-token-hs256', 'id-token-signature', 'id-token-kid',
                     'id-token-issuer', 'id-token-audience', 'id-token-audiences',
                     'id-token-party', 'id-token-expired', 'id-token-future', 'id-token-at-hash',
                     'id-token-no-subject', 'id-token-missing', 'id-token-garbage'), TRUST),
    'id-token-number': PROTOCOL,
}
OF_THE_BROWSER = dict.fromkeys(('id-token-nonce', 'id-token-no-nonce'), TRUST)
KEYS = {'keys-none': TRUST, 'keys-number': PROTOCOL, 'keys-missing': PROTOCOL}


def distrusted(flow, endpoint, fault, code):
    with Driver() as driver:
        instance = open_app(driver, f'good.{flow}-{endpoint}-{fault}')
        instance.fail(endpoint, fault)
        answer, page = FLOWS[flow](driver)
        equal(answer['code'], code, f'the login: {answer}')
        check_error(answer)
        check(not page or 'You are not signed in' in page['text'], page)
        driver.well('clock', 7_200_000, 7_200_000)
        nobody_is_signed_in(driver)
        equal(requests(instance, 'refresh_token'), 0, 'refreshes')


for FLOW, FAULTS in (('browser', DISTRUSTED | OF_THE_BROWSER), ('device', DISTRUSTED)):
    for FAULT, CODE in FAULTS.items():
        suite.case(f'{FLOW}: {FAULT} (requirement 50)', FLOW, 'token', FAULT, CODE)(distrusted)
for FAULT, CODE in KEYS.items():
    suite.case(f'browser: {FAULT}', 'browser', 'jwks', FAULT, CODE)(distrusted)


@suite.in_folder('another person does not take an account over')
def another_person(folder):
    place = os.path.join(folder, 'place')
    make_key(place)
    with Driver() as driver:
        instance = open_app(driver, 'good.another', place)
        token = signed_in(driver, in_browser(driver)[0], instance)
        instance.fail('token', 'id-token-subject')
        for flow in FLOWS.values():
            answer, _ = flow(driver)
            equal(answer['code'], DENIED, f'the login of another: {answer}')
            check('"bert"' in answer['text'] and '"anna"' in answer['text'], answer['text'])
            check_error(answer)
        equal(driver.well('token', 0)['token'], token['token'], 'the token')
    with Driver() as driver:
        open_app(driver, 'good.another', place)
        equal(driver.well('token', 0)['token'], token['token'], 'the token that is kept')
        driver.well('logout')
        equal(in_browser(driver)[0]['code'], 0, 'the login after signing out')
        driver.well('token', 0)
        equal(driver.well('claim', 'sub')['claim'], 'bert', 'sub')


@suite.case('a refresh that says another person')
def refreshed_for_another():
    with Driver() as driver:
        instance = open_app(driver, 'good.swapped')
        signed_in(driver, in_browser(driver)[0], instance)
        instance.fail('token', 'id-token-subject')
        driver.well('reject')
        answer = driver.fails(TRUST, 'token', 0)
        check('another than at the login' in answer['text'], answer['text'])
        instance.fail('token', None)
        nobody_is_signed_in(driver)


@suite.case('a refresh with the nonce of another sign-in')
def refreshed_with_another_nonce():
    with Driver() as driver:
        instance = open_app(driver, 'good.swapped-nonce')
        signed_in(driver, in_browser(driver)[0], instance)
        instance.fail('token', 'id-token-nonce')
        driver.well('reject')
        answer = driver.fails(TRUST, 'token', 0)
        check('nonce' in answer['text'], answer['text'])


@suite.case('an ID token beside a password\'s tokens says nothing, nor does it when they are refreshed')
def nobody_to_identify():
    with Driver() as driver:
        instance = open_app(driver, 'good.no-person', scope='openid cosmos')
        instance.fail('token', 'id-token-hs256')
        driver.sign_in()
        driver.well('reject')
        driver.well('token', 0)
        equal(requests(instance, 'refresh_token'), 1, 'refreshes')


@suite.case('less than was asked for stays less')
def narrowed():
    with Driver() as driver:
        instance = open_app(driver, 'good.narrowed', scope='openid cosmos')
        instance.fail('token', 'scope-narrow')
        equal(signed_in(driver, in_browser(driver)[0], instance)['scope'], 'openid', 'the scope')
        # A refresh asks for no other, and so need not name it (RFC 6749, 5.1).
        instance.fail('token', 'scope-missing')
        driver.well('reject')
        equal(driver.well('token', 0)['scope'], 'openid', 'the scope after a refresh')


@suite.in_folder('signed in once, for every process and for long')
def kept(folder):
    place = os.path.join(folder, 'place')
    make_key(place)
    with Driver() as driver:
        instance = open_app(driver, 'good.kept', place)
        token = signed_in(driver, in_browser(driver)[0], instance)
    with Driver() as driver:
        open_app(driver, 'good.kept', place)
        equal(driver.well('token', 0)['token'], token['token'], 'the token of the next process')
        driver.well('reject')
        fresh = driver.well('token', 0)
        check(fresh['token'] != token['token'] and lives(instance, fresh['token']), f'{fresh}')
        equal(driver.well('claim', 'sub')['claim'], 'anna', 'sub after a refresh')
    equal(requests(instance, 'refresh_token'), 1, 'refreshes')
    equal(requests(instance, 'authorization_code'), 1, 'sign-ins')


@suite.case('an account with a password is nobody else\'s')
def with_password():
    with Driver() as driver:
        instance = open_app(driver, 'good.password')
        driver.sign_in()
        for flow in FLOWS:
            driver.fails(INVALID, 'login', flow)
        driver.well('token', 0)
        equal(counts(instance).get('authorize'), None, 'sign-ins')


@suite.case('a client with a secret has a person sign in')
def with_secret():
    with Driver() as driver:
        instance = open_app(driver, 'good.secret')
        driver.well('set', '-', PASSWORD)
        signed_in(driver, in_browser(driver)[0], instance)
        driver.well('reject')
        driver.well('token', 0)
        with instance.lock:
            shown = {entry['by'] for entry in instance.log if entry['endpoint'] == 'token'}
        equal(shown, {'basic'}, 'how it showed who it is')
        instance.fail('token', '200-error')
        driver.well('reject')
        driver.fails(PERSON, 'token', 0)
        instance.fail('token', None)
        # What the application may get for itself is not this person's.
        driver.fails(PERSON, 'token', 0)
        equal(requests(instance, 'client_credentials'), 0, 'tokens of the application\'s own')
        driver.well('logout')
        driver.well('token', 0)
        equal(requests(instance, 'client_credentials'), 1, 'tokens after signing out')


@suite.case('a person where nothing else is left')
def allowed():
    with Driver() as driver:
        instance = open_app(driver, 'good.allowed', allow_browser=1)
        driver.send('token', 0)
        visit(driver.line()['url'])
        answer = driver.line()
        equal(answer['code'], 0, f'the token: {answer}')
        check(lives(instance, answer['token']), 'the token is none')


@suite.case('a step at a time')
def stepped():
    with Driver() as driver:
        instance = open_app(driver, 'good.stepped')
        for flow in (1, 2):
            driver.send('steps', 2, flow)
            told = driver.line()
            if flow == 1:
                check('You are signed in' in visit(told['url'])['text'], 'the page')
            signed_in(driver, driver.line(), instance)


# --- with a code -----------------------------------------------------------------------------------

@suite.case('a sign-in with a code')
def device():
    with Driver() as driver:
        instance = open_app(driver, 'good.device')
        instance.settings['pending'] = 2
        told = begin(driver, 'device')
        equal((told['user_code'], told['expires_in_s']), ('WDJB-MJHT', 600), 'what is shown')
        signed_in(driver, driver.line(), instance)
        equal(counts(instance)['token'], 3, 'polls')
        with instance.lock:
            asked = [entry for entry in instance.log if entry['endpoint'] == 'device']
            polls = [entry['at'] for entry in instance.log if entry['endpoint'] == 'token']
        equal(asked[0]['scope'], 'openid offline_access', 'scope')
        check(all(after - before > 0.9 for before, after in zip(polls, polls[1:])),
              f'polls too near: {polls}')


@suite.case('told to slow down, five seconds more')
def slower():
    with Driver() as driver:
        instance = open_app(driver, 'good.slower')
        instance.fail('token', '400-slow-down', 1)
        signed_in(driver, with_code(driver)[0], instance)
        with instance.lock:
            first, second = (e['at'] for e in instance.log if e['endpoint'] == 'token')
        check(5.9 < second - first < 30, f'{second - first} s between polls')


@suite.case('an authority that is away for a moment')
def away():
    with Driver() as driver:
        instance = open_app(driver, 'good.away')
        instance.fail('token', 'lost', 1)
        signed_in(driver, with_code(driver)[0], instance)


@suite.case('an authority that says "not yet" with a 200')
def pending_in_a_200():
    with Driver() as driver:
        instance = open_app(driver, 'good.pending-200')
        instance.fail('token', '200-pending', 1)
        signed_in(driver, with_code(driver)[0], instance)


@suite.case('no poll before the time that the authority named')
def poll_when_told():
    with Driver() as driver:
        instance = open_app(driver, 'good.poll-when-told')
        instance.settings['retry_after_s'] = 5
        instance.fail('token', '503-retry', 1)
        signed_in(driver, with_code(driver)[0], instance)
        with instance.lock:
            first, second = (e['at'] for e in instance.log if e['endpoint'] == 'token')
        check(4.9 < second - first < 30, f'{second - first} s between polls')


def not_with_code(endpoint, fault, code):
    with Driver() as driver:
        instance = open_app(driver, f'good.code-{endpoint}-{fault}')
        instance.fail(endpoint, fault)
        if endpoint == 'device':
            driver.send('login', 'device')
        else:
            begin(driver, 'device')
        answer = driver.line()
        equal(answer.get('code'), code, f'the login: {answer}')
        check_error(answer)
        check(counts(instance).get('token', 0) <= 1, f'{counts(instance)}')


for ENDPOINT, FAULT, CODE in (
        ('token', '400-expired', PERSON), ('token', '400-denied', DENIED),
        ('token', '400-unknown', DENIED), ('device', 'uri-script', PROTOCOL),
        ('device', 'user-code-controls', PROTOCOL), ('device', 'user-code-number', PROTOCOL),
        ('device', 'interval-negative', PROTOCOL), ('device', 'device-code-missing', PROTOCOL),
        ('device', 'html', PROTOCOL), ('device', '400-denied', DENIED),
        ('device', '500-empty', UNAVAILABLE)):
    suite.case(f'{ENDPOINT}: {FAULT}', ENDPOINT, FAULT, CODE)(not_with_code)


def no_code_in_time(fault):
    with Driver() as driver:
        instance = open_app(driver, f'good.late-{fault}', person_timeout_ms=SOON_MS)
        instance.settings['pending'] = 1000
        if fault:
            instance.fail('device', fault)
        begin(driver, 'device')
        answer = driver.line()
        equal(answer['code'], PERSON, f'the login: {answer}')
        check(SOON_MS <= answer['took_ms'] < 30_000, f'it took {answer["took_ms"]} ms')


for FAULT in (None, 'interval-huge'):
    suite.case(f'nobody enters the code: {FAULT or "good"}', FAULT)(no_code_in_time)


# --- signing out -----------------------------------------------------------------------------------

@suite.in_folder('signing out revokes')
def revoked(folder):
    place = os.path.join(folder, 'place')
    make_key(place)
    with Driver() as driver:
        instance = open_app(driver, 'good.revoked', place)
        token = signed_in(driver, in_browser(driver)[0], instance)
        driver.well('logout')
        check(not lives(instance, token['token']), 'the token lives on')
        with instance.lock:
            asked = [entry for entry in instance.log if entry['endpoint'] == 'revocation']
        equal([entry['token_type_hint'] for entry in asked], ['refresh_token'], 'what is revoked')
        nobody_is_signed_in(driver)
    with Driver() as driver:
        open_app(driver, 'good.revoked', place)
        nobody_is_signed_in(driver)


@suite.case('signing out without a refresh token revokes the access token')
def revoked_access():
    with Driver() as driver:
        instance = open_app(driver, 'good.access')
        instance.settings['refresh'] = False
        signed_in(driver, in_browser(driver)[0], instance)
        driver.well('logout')
        with instance.lock:
            asked = [entry for entry in instance.log if entry['endpoint'] == 'revocation']
        equal([entry['token_type_hint'] for entry in asked], ['access_token'], 'what is revoked')


def unrevoked(fault, code):
    """That it fails is told, and nothing is kept all the same."""
    with Driver() as driver:
        instance = open_app(driver, f'revocation-{fault}')
        signed_in(driver, in_browser(driver)[0], instance)
        driver.fails(code, 'logout')
        nobody_is_signed_in(driver)


for FAULT, CODE in (('500-empty', UNAVAILABLE), ('400-denied', DENIED), ('lost', UNAVAILABLE),
                    ('html-404', PROTOCOL)):
    suite.case(f'signing out, where it can\'t be revoked: {FAULT}', FAULT, CODE)(unrevoked)


suite.main(workers=6)
hostile.stop()
