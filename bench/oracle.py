#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whether the causes of invalid_grant can be told apart by time (requirement 65).

    bench/oracle.py ADITD [TIMES]    TIMES of each cause (500), generated and imported passwords

Each cause has many accounts, each asked about from an address of its own, so that no limit is
reached. Requests of all causes are sent interleaved, in a random order, a few at a time. The
distributions are compared by their ranks (Kruskal-Wallis: chi-square with one degree of freedom
less than there are causes). To show what the test would see, it also prints the least delay that,
added to one cause alone, is told apart. Exit status 1: an answer differs in its bytes, or the
times in their distribution."""
import concurrent.futures
import json
import math
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../tests/blackbox'))
# pylint: disable=wrong-import-position
from harness import PUBLIC, Clock, Data, Folder, equal, refused, until  # noqa: E402

TIMES = int(sys.argv[2]) if len(sys.argv) > 2 else 500
PER_ACCOUNT = 4  # fewer than any limit
# A chosen password costs its hash whoever is named: more at a time would wait for the queue.
AT_ONCE = {'generated': 8, 'imported': 3}
TOLD_APART = 0.001
CAUSES = ('unknown user', 'wrong password', 'user disabled', 'site disabled',
          'credential expired', 'grant disabled')


class Account:
    def __init__(self, cause, number, username, password):
        self.cause, self.username, self.password = cause, username, password
        self.source = f'127.{1 + CAUSES.index(cause)}.{1 + number // 250}.{1 + number % 250}'


def names(cause, count):
    return [f'{cause.replace(" ", "-")}-{number}' for number in range(count)]


def make_users(data, kind, count):
    """Accounts of every cause: {cause: [Account]}."""
    found = {}
    for site in ('open', 'closed'):
        data.verb('site', 'add', site)
    for cause in CAUSES:
        site = 'closed' if cause == 'site disabled' else 'open'
        expires = ['--expires', '2027-02-01'] if cause == 'credential expired' else []
        if kind == 'generated':
            passwords = {name: data.json('service-user', 'add', name, '--site', site, '--role',
                                         'read', *expires)['password']
                         for name in names(cause, count)}
        else:
            passwords = {name: f'{name} chose this & that' for name in names(cause, count)}
            lines = [json.dumps({'username': name, 'site': site, 'role': 'read',
                                 'password': password,
                                 **({'expires': expires[1]} if expires else {})})
                     for name, password in passwords.items()]
            data.verb('service-user', 'import', given=('\n'.join(lines) + '\n').encode())
        found[cause] = [Account(cause, number, name, password)
                        for number, (name, password) in enumerate(passwords.items())]
    return found


def spoil(data, clock, accounts):
    """Makes each account wrong in its way."""
    for account in accounts['unknown user']:
        account.username += '-not'
    for account, other in zip(accounts['wrong password'], accounts['unknown user']):
        account.password = other.password
    for account in accounts['user disabled']:
        data.verb('service-user', 'disable', account.username)
    data.verb('site', 'disable', 'closed')
    for account in accounts['grant disabled']:
        data.verb('grant', 'disable', account.username, PUBLIC)
    clock.set(1_801_600_000)  # 2027-02-01 is over


def ask(server, account):
    reply = server.post({'grant_type': 'password', 'client_id': PUBLIC,
                         'username': account.username, 'password': account.password},
                        source=account.source)
    refused(reply, 'invalid_grant')
    body = reply.body.replace(reply.json['correlation_id'].encode(), b'')
    fields = [pair for pair in reply.fields if pair[0] != 'Date']
    return account.cause, reply.took_s * 1000, (reply.status, reply.reason, fields, body)


def measure(server, accounts, kind):
    """The times of each cause, in ms; all answers the same."""
    turns = [account for cause in CAUSES for account in
             (accounts[cause] * PER_ACCOUNT)[:TIMES]]
    random.shuffle(turns)
    times = {cause: [] for cause in CAUSES}
    shape = None
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE[kind]) as pool:
        for cause, took_ms, answer in pool.map(lambda turn: ask(server, turn), turns):
            shape = shape or answer
            equal(answer, shape, f'the answer to {cause}')
            times[cause].append(took_ms)
    return times


def chance(times):
    """Kruskal-Wallis: how likely ranks as unequal as these are by chance."""
    pooled = sorted((value, cause) for cause, values in times.items() for value in values)
    total = len(pooled)
    ranks = {cause: 0.0 for cause in times}
    for rank, (_, cause) in enumerate(pooled, start=1):
        ranks[cause] += rank
    statistic = 12 / (total * (total + 1)) * sum(
        ranks[cause] ** 2 / len(times[cause]) for cause in times) - 3 * (total + 1)
    # The upper tail of chi-square with five degrees of freedom.
    half = max(statistic, 0) / 2
    return math.erfc(math.sqrt(half)) + 2 * math.sqrt(half / math.pi) * math.exp(-half) * (
        1 + 2 * half / 3)


def least_seen(times):
    """The least delay of one cause, in ms, that would be told apart."""
    low, high = 0.0, 64.0
    for _ in range(20):
        middle = (low + high) / 2
        moved = {**times, CAUSES[1]: [value + middle for value in times[CAUSES[1]]]}
        low, high = (low, middle) if chance(moved) < TOLD_APART else (middle, high)
    return high


def quantile(values, part):
    return sorted(values)[int(part * (len(values) - 1))]


def report(kind, times):
    print(f'\n{kind} passwords, {TIMES} of each cause, ms:\n')
    print('| cause              |   10 % | median |   90 % |\n| --- | ---: | ---: | ---: |')
    for cause, values in times.items():
        print(f'| {cause:18} | ' + ' | '.join(
            f'{quantile(values, part):6.2f}' for part in (0.1, 0.5, 0.9)) + ' |')
    found = chance(times)
    print(f'\nby chance in {found:.3f} of such runs; one cause later by {least_seen(times):.2f} ms '
          'would be told apart')
    return found >= TOLD_APART


def bench(kind):
    with Folder() as folder:
        clock = Clock(folder)
        data = Data(folder, clock=clock)
        accounts = make_users(data, kind, -(-TIMES // PER_ACCOUNT))
        server = data.serve()
        try:
            spoil(data, clock, accounts)
            until(lambda: all(server.password(
                {'username': accounts[cause][-1].username,
                 'password': accounts[cause][-1].password}).status == 400
                              for cause in CAUSES[2:]), 'the disabling', 10)
            return report(kind, measure(server, accounts, kind))
        finally:
            server.stop()


kinds = sys.argv[3:] or list(AT_ONCE)
if not all([bench(kind) for kind in kinds]):
    sys.exit('told apart')
