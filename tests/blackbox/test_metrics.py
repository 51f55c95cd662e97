#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""/metrics for Prometheus: what it counts, where it is served, and what a scraper can't do."""
import collections
import os
import re
import shutil
import subprocess
import time

from prometheus_client.parser import text_string_to_metric_families

from harness import (PATIENCE_S, PUBLIC, SANITIZER, Clock, Data, Folder, Suite, basic, check,
                     compose, connect, equal, exchange, refused, served, side_by_side,
                     until)

suite = Suite()
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs/metrics.md')


class Place:
    """An authority of its own that serves metrics."""

    def __init__(self, folder, *arguments, **more):
        self.clock = Clock(folder)
        self.data = Data(folder, clock=self.clock)
        self.user = self.data.user()
        self.server = self.data.serve('--metrics', '127.0.0.1:0', *arguments, **more)
        self.address = metrics_address(self.server)

    def page(self):
        return page_of(self.address)

    def values(self, name, wanted, **labels):
        """Waits until that sample has that value: what follows an answer may come after it."""
        until(lambda: self.page().get(key(name, **labels)) == wanted,
              f'{name} {labels} is {wanted}')


def metrics_address(server):
    def found(line):
        match = re.search(r'"event":"metrics_listening".*"address":"([^"]+)"', line)
        return match and match[1]
    return server.line(server.log, found)


def key(name, **labels):
    return (name, frozenset(labels.items()))


def scrape(address):
    reply = exchange(address, compose('GET', '/metrics'))
    equal(reply.status, 200, f'the status of {reply!r}')
    equal(reply.field('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8', 'Content-Type')
    equal(reply.field('Cache-Control'), 'no-store', 'Cache-Control')
    return reply.body.decode()


def page_of(address):
    """{(name, labels): value} of a scrape."""
    samples = {}
    for family in text_string_to_metric_families(scrape(address)):
        for sample in family.samples:
            place = key(sample.name, **sample.labels)
            check(place not in samples, f'{place} is there twice')
            samples[place] = sample.value
    return samples


def documented():
    with open(PAGE, encoding='utf-8') as file:
        rows = re.findall(r'^\| `(\w+)` \| (\w+) \| ([^|]*)\|', file.read(), re.M)
    return {name: (kind, set(re.findall(r'`(\w+)`', labels))) for name, kind, labels in rows}


@suite.placed(Place, 'every documented metric is there, with its type and labels, and no other')
def documented_ones(place):
    place.clock.advance(1)
    place.data.verb('key', 'rotate', '--purpose', 'sealing')
    served(place.server.password(place.user))
    until(lambda: key('adit_key_next_change_seconds', purpose='sealing', alg='', state='retired')
          in place.page(), 'the rotated key')
    found = {}
    for family in text_string_to_metric_families(scrape(place.address)):
        # The parser takes a counter's suffix away.
        name = family.name + ('_total' if family.type == 'counter' else '')
        check(family.documentation, f'{name} has no HELP')
        check(family.samples, f'{name} has no sample')
        for sample in family.samples:
            labels = set(sample.labels) - ({'le'} if family.type == 'histogram' else set())
            equal(found.setdefault(name, (family.type, labels)), (family.type, labels), name)
    wanted = documented()
    del wanted['adit_tls_certificate_remaining_seconds']  # it speaks plain HTTP
    equal(found, wanted, 'the metrics')


@suite.placed(Place, 'promtool finds nothing to complain of')
def promtool(place):
    if not shutil.which('promtool'):
        return
    served(place.server.password(place.user))
    done = subprocess.run(['promtool', 'check', 'metrics'], input=scrape(place.address).encode(),
                          capture_output=True, timeout=PATIENCE_S, check=False)
    equal((done.returncode, done.stdout + done.stderr), (0, b''), 'promtool')


@suite.placed(Place, 'counts are exact after a known sequence')
def exact(place):
    server, user = place.server, place.user
    secret = place.data.json('client', 'add', 'machine', '--type', 'confidential',
                             '--service-user', user['username'],
                             '--grant', 'client_credentials')['client_secret']
    until(lambda: server.post({'grant_type': 'client_credentials'}, [basic('machine', secret)])
          .status == 200, 'the new client')
    # A request's end is counted after its answer has gone, and before its connection has.
    place.values('adit_http_connections', 0)
    before = place.page()
    token = None
    for _ in range(5):
        token = server.sign_in(user)['refresh_token']
    for _ in range(3):
        token = served(server.refresh(token)).json['refresh_token']
    for _ in range(2):
        served(server.post({'grant_type': 'client_credentials'}, [basic('machine', secret)]))
    for _ in range(4):
        refused(server.password({**user, 'password': 'wrong'}), 'invalid_grant')
    refused(server.refresh('nonsense'), 'invalid_grant')
    refused(server.post({'grant_type': 'password', 'client_id': 'nobody'}), 'invalid_client')
    refused(server.post({'client_id': PUBLIC, 'grant_type': 'x'}), 'unsupported_grant_type')
    for path in ('/.well-known/openid-configuration', '/.well-known/openid-configuration/jwks'):
        for _ in range(2):
            equal(server.get(server.path + path).status, 200, path)
    equal(server.get('/.well-known/oauth-authorization-server' + server.path).status, 200, '8414')
    equal(server.get('/healthz').status, 200, 'healthz')
    equal(server.get('/readyz').status, 200, 'readyz')
    equal(server.get('/nowhere').status, 404, 'nowhere')
    equal(server.get('/healthz', method='DELETE').status, 405, 'DELETE')
    equal(server.get(server.path + '/connect/userinfo').status, 401, 'userinfo')
    equal(server.post({'client_id': PUBLIC, 'token': token},
                      target=server.path + '/connect/revocation').status, 200, 'revocation')
    refused(server.post({'client_id': PUBLIC, 'token': token},
                        target=server.path + '/connect/introspect'), 'unauthorized_client')
    equal(exchange(server.address, b'GET\r\n\r\n').status, 400, 'nonsense')
    place.values('adit_http_requests_total', 1, endpoint='none', code='400')
    place.values('adit_http_connections', 0)
    after = place.page()
    wanted = {
        ('adit_tokens_issued_total', 'grant_type', 'password'): 5,
        ('adit_tokens_issued_total', 'grant_type', 'refresh_token'): 3,
        ('adit_tokens_issued_total', 'grant_type', 'client_credentials'): 2,
        ('adit_token_denials_total', 'reason', 'wrong_password'): 4,
        ('adit_token_denials_total', 'reason', 'not_sealed_here'): 1,
        ('adit_token_denials_total', 'reason', 'unknown_client'): 1,
        ('adit_token_denials_total', 'reason', 'grant_type'): 1,
        ('adit_token_denials_total', 'reason', 'no_resource'): 1,
    }
    seen = {}
    for (name, labels), value in after.items():
        more = value - before.get((name, labels), 0)
        if name in ('adit_tokens_issued_total', 'adit_token_denials_total') and more:
            (label, text), = labels
            seen[name, label, text] = more
    equal(seen, wanted, 'tokens and denials')
    requests = {}
    for (name, labels), value in after.items():
        if name == 'adit_http_requests_total' and value - before.get((name, labels), 0):
            requests[dict(labels)['endpoint'], dict(labels)['code']] = (
                value - before.get((name, labels), 0))
    equal(requests, {('token', '200'): 10, ('token', '400'): 7, ('discovery', '200'): 3,
                     ('jwks', '200'): 2, ('healthz', '200'): 1, ('healthz', '405'): 1,
                     ('readyz', '200'): 1, ('other', '404'): 1, ('userinfo', '401'): 1,
                     ('revocation', '200'): 1, ('introspection', '400'): 1,
                     ('none', '400'): 1}, 'requests')

    def durations(outcome):
        return [after[place] - before[place] for place in (key(
            'adit_http_request_duration_seconds' + part, endpoint='token', outcome=outcome)
            for part in ('_count', '_sum'))]
    equal(durations('granted')[0], 10, 'granted')
    count, seconds = durations('refused')
    equal(count, 7, 'refused')
    # Six of the seven wait for their fixed time; grant_type does not.
    check(seconds >= 6 * 0.249, f'{seconds} s of refusals')
    early = key('adit_http_request_duration_seconds_bucket', endpoint='token', outcome='refused',
                le='0.1')
    check(after[early] - before[early] <= 1, 'a failure left before its time')


@suite.placed(Place, 'denials are the log\'s reasons')
def reasons(place):
    server, user = place.server, place.user
    place.data.verb('site', 'add', 'closed')
    other = place.data.user('closed')
    gone = place.data.user()
    place.data.verb('site', 'disable', 'closed')
    place.data.verb('service-user', 'disable', gone['username'])
    time.sleep(0.6)
    requests = [{}, {'client_id': PUBLIC}, {'client_id': 'nobody', 'grant_type': 'password'},
                {'client_id': PUBLIC, 'grant_type': 'refresh_token'},
                {'client_id': PUBLIC, 'grant_type': 'client_credentials'},
                {'client_id': PUBLIC, 'grant_type': 'password', 'scope': 'nothing'}]
    side_by_side(len(requests), lambda index: server.post(requests[index]))
    side_by_side(5, lambda index: server.password([
        user, other, gone, {**user, 'password': user['password'][:-1]},
        {**user, 'username': 'nobody'}][index]))
    token = server.sign_in(user)['refresh_token']
    for _ in range(2):
        token, old = served(server.refresh(token)).json['refresh_token'], token
    place.clock.advance(61)
    refused(server.refresh(old), 'invalid_grant')
    refused(server.refresh(token), 'invalid_grant')
    logged = collections.Counter(event['reason'] for event in server.events('token_refused'))
    counted = {dict(labels)['reason']: value for (name, labels), value in place.page().items()
               if name == 'adit_token_denials_total' and value}
    equal(counted, dict(logged), 'the reasons')
    check({'replay', 'revoked_before', 'site_disabled', 'user_disabled', 'unknown_user', 'scope',
           'wrong_password'} <= set(counted), f'{counted}')


@suite.placed(Place, 'nothing but /metrics is there, and /metrics is nowhere else')
def apart(place):
    for path in ('/', '/metricsx', '/metrics/x', '/healthz', '/readyz',
                 '/.well-known/openid-configuration', place.server.path + '/connect/token',
                 place.server.path + '/metrics'):
        equal(exchange(place.address, compose('GET', path)).status, 404, path)
    reply = exchange(place.address, compose('POST', '/metrics', body=b'x'))
    equal((reply.status, reply.field('Allow')), (405, 'GET, HEAD'), 'POST')
    equal(exchange(place.address, compose('POST', '/metrics', body=b'x' * 2000)).status, 413,
          'a large body')
    head = exchange(place.address, compose('HEAD', '/metrics'), head_only=True)
    equal((head.status, head.body), (200, b''), 'HEAD')
    check(int(head.field('Content-Length')) > 1000, 'its length')
    equal(exchange(place.address, b'GET /metrics\r\n\r\n').status, 400, 'HTTP/0.9')
    for path in ('/metrics', place.server.path + '/metrics'):
        equal(place.server.get(path).status, 404, path)


@suite.case('without the option nothing listens')
def off():
    with Folder() as folder:
        data = Data(folder)
        server = data.serve()
        equal(server.get('/metrics').status, 404, 'the status')
        check(not server.events('metrics_listening'), 'it listens')
        server.stop()


@suite.case('addresses')
def addresses():
    with Folder() as folder:
        data = Data(folder)
        for wrong in ('9480', 'localhost:9480', '127.0.0.1', '127.0.0.1:99999', 'unix:', ''):
            done = data.attempt('serve', '--listen', '127.0.0.1:0', '--metrics', wrong)
            equal(done.returncode, 2, f'--metrics {wrong!r}: {done.complained}')
            check('--metrics' in done.complained, done.complained)
        path = os.path.join(folder, 'metrics')
        for address, warned in ((f'unix:{path}', False), ('[::1]:0', False), ('0.0.0.0:0', True)):
            server = data.serve('--metrics', address)
            where = metrics_address(server).replace('0.0.0.0', '127.0.0.1')
            check('adit_build_info{version="' in scrape(where), where)
            server.stop()
            equal(bool(server.events('metrics_beyond_loopback')), warned, address)
        check(not os.path.exists(path), 'the socket is left')
        server = data.serve('--metrics', '127.0.0.1:0')
        taken = metrics_address(server)
        with Folder() as other:
            done = Data(other).attempt('serve', '--listen', '127.0.0.1:0', '--metrics', taken)
            equal(done.returncode, 1, f'a taken port: {done.complained}')
            check(taken in done.complained, done.complained)
        server.stop()


@suite.placed(Place, 'scrapes during load: nothing goes backwards, nothing is lost')
def load(place):
    scrapes = []

    def work(index):
        if index:
            for _ in range(40):
                served(place.server.password(place.user))
        else:
            for _ in range(20):
                scrapes.append(page_of(place.address))
    side_by_side(7, work)
    place.values('adit_http_requests_total', 240, endpoint='token', code='200')
    equal(place.page()[key('adit_tokens_issued_total', grant_type='password')], 240, 'tokens')
    for earlier, later in zip(scrapes, scrapes[1:]):
        for name, labels in earlier:
            if name.endswith(('_total', '_bucket', '_count')):
                check(later[name, labels] >= earlier[name, labels], f'{name} {labels} fell')


@suite.placed(Place, 'a slow scraper hurts nobody, and is ended')
def slow(place):
    half = [connect(place.address) for _ in range(40)]
    for peer in half:
        peer.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\n')
    unread = [connect(place.address) for _ in range(4)]
    for peer in unread:
        peer.sendall(compose('GET', '/metrics'))
    served(place.server.password(place.user))
    equal(place.page()[key('adit_tokens_issued_total', grant_type='password')], 1, 'tokens')
    # 408 where its time was over, or closed for another's sake.
    for peer in half:
        try:
            while peer.recv(65536):
                pass
        except ConnectionResetError:
            pass
        peer.close()
    for peer in unread:
        peer.close()


@suite.placed(Place, 'who goes before the answer is counted as such')
def unanswered(place):
    with connect(place.server.address) as peer:
        body = b'grant_type=password&client_id=external.customer&username=x&password=y'
        peer.sendall(compose('POST', place.server.path + '/connect/token', [
            ('Content-Type', 'application/x-www-form-urlencoded')], body))
        place.values('adit_token_denials_total', 1, reason='unknown_user')
    # Where the machine was slow the answer may have been on its way by then.
    until(lambda: place.page()[key('adit_http_requests_unanswered_total', endpoint='token')]
          + place.page().get(key('adit_http_requests_total', endpoint='token', code='400'), 0) == 1,
          'the request\'s end')


@suite.placed(lambda folder: Place(folder, flood='5'), 'the flood limit\'s refusals are counted')
def flood(place):
    statuses = [place.server.get(place.server.path + '/connect/userinfo').status
                for _ in range(80)]
    check(429 in statuses, f'{set(statuses)}')
    place.values('adit_http_requests_total', statuses.count(429), endpoint='userinfo', code='429')
    place.values('adit_http_requests_total', statuses.count(401), endpoint='userinfo', code='401')


@suite.placed(Place, 'keys go by the authority\'s clock')
def keys(place):
    label = {'purpose': 'signing', 'alg': 'ES256', 'state': 'active'}
    began = place.page()[key('adit_key_age_seconds', **label)]
    place.clock.advance(1000)
    equal(place.page()[key('adit_key_age_seconds', **label)], began + 1000, 'the age')
    place.data.verb('key', 'rotate')
    place.values('adit_keys', 1, **{**label, 'state': 'next'})
    page = place.page()
    equal(page[key('adit_key_next_change_seconds', **{**label, 'state': 'next'})], 360, 'next')
    equal(page[key('adit_key_next_change_seconds', **label)], 360, 'active')
    place.clock.advance(360)
    page = place.page()
    equal(page[key('adit_keys', **{**label, 'state': 'retired'})], 1, 'retired')
    equal(page[key('adit_key_age_seconds', **label)], 360, 'the new one\'s age')


@suite.placed(Place, 'the cache and the store')
def parts(place):
    served(place.server.password(place.user))
    before = place.page()
    for _ in range(10):
        served(place.server.password(place.user))
    after = place.page()
    check(after[key('adit_cache_hits_total')] >= before[key('adit_cache_hits_total')] + 10, 'hits')
    check(after[key('adit_cache_records')] >= 1, 'records')
    token = place.server.sign_in(place.user)['refresh_token']
    before = place.page()[key('adit_store_writes_total')]
    served(place.server.refresh(token))
    place.values('adit_store_writes_waiting', 0)
    until(lambda: place.page()[key('adit_store_writes_total')] >= before + 1, 'the write')
    check(place.page()[key('adit_store_transaction_duration_seconds_count')] >= 2, 'transactions')
    emptied = place.page()[key('adit_cache_invalidations_total')]
    place.data.user()
    until(lambda: place.page()[key('adit_cache_invalidations_total')] > emptied, 'emptied')
    database = os.path.join(place.data.path, 'adit.db')
    equal(place.page()[key('adit_store_up')], 1, 'up')
    os.rename(database, database + '.away')
    place.values('adit_store_up', 0)
    os.rename(database + '.away', database)
    place.values('adit_store_up', 1)


@suite.case('the certificate\'s end, where the authority speaks TLS')
def certificate():
    with Folder() as folder:
        data = Data(folder)
        files = [os.path.join(folder, name) for name in ('key.pem', 'certificate.pem')]
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost', '-days',
                        '30', '-keyout', files[0], '-out', files[1]], check=True,
                       capture_output=True, timeout=PATIENCE_S)
        server = data.serve('--metrics', '127.0.0.1:0', '--tls-key', files[0],
                            '--tls-cert', files[1])
        left = page_of(metrics_address(server))[key('adit_tls_certificate_remaining_seconds')]
        check(abs(left - 30 * 86400) < 2 * PATIENCE_S, f'{left} s')
        server.stop()


@suite.placed(Place, 'what ends soon')
def expiring(place):
    equal(place.page()[key('adit_credentials_expiring', owner='service_user')], 0, 'none')
    place.data.user('north', 'read', '--expires', '2027-01-20')  # it is the 15th
    place.data.verb('client', 'add', 'ending', '--type', 'confidential')
    place.data.verb('client', 'rotate-secret', 'ending', '--overlap', '0', '--expires',
                    '2027-01-21')
    page = place.page()
    equal([page[key('adit_credentials_expiring', owner=owner)]
           for owner in ('service_user', 'client')], [1, 1], 'both')
    place.clock.advance(30 * 86400)
    equal(place.page()[key('adit_credentials_expiring', owner='service_user')], 0, 'ended')


@suite.placed(Place, 'the process')
def process(place):
    page = place.page()
    check(0 < page[key('process_cpu_seconds_total')] < 1000, 'CPU time')
    check(page[key('process_resident_memory_bytes')] > 1 << 20, 'memory')
    check(abs(page[key('process_start_time_seconds')] - time.time()) < 2 * PATIENCE_S, 'the start')
    before = page[key('process_open_fds')]
    peers = [connect(place.server.address) for _ in range(10)]
    until(lambda: place.page()[key('adit_http_connections')] == 10, 'ten connections')
    check(place.page()[key('process_open_fds')] >= before + 9, 'descriptors')
    for peer in peers:
        peer.close()
    check(not SANITIZER.search(place.server.text()), place.server.text())


suite.main()
