# SPDX-License-Identifier: Apache-2.0
"""What a client of the tests is given, and how it tells what it did; session.mjs is its twin.

ADIT_AUTHORITY     the authority's URL: the whole configuration of a client
ADIT_API           the sample API's URL
ADIT_CREDENTIALS   a file with the first line of `aditd dev --json`; its first Service User is
                   the one to sign in as. A password is never an argument.

A client prints `ok STEP` or `not ok STEP: why`, and stops at the first step that fails.
"""
import json
import os
import sys


class Session:
    def __init__(self):
        self.authority = os.environ['ADIT_AUTHORITY']
        self.api = os.environ['ADIT_API']
        with open(os.environ['ADIT_CREDENTIALS'], encoding='utf-8') as file:
            seeded = json.load(file)
        users = seeded['service_users']
        self.client_id = seeded['client_id']
        # It acts as a user of one of the two sites by client_credentials.
        self.confidential = seeded['clients'][0]
        # Clients with private keys, where there are such; they act as another user likewise.
        self.keyed = seeded.get('keyed')
        self.username = users[0]['username']
        self.password = users[0]['password']
        self.site = users[0]['site']
        self.other_site = next(u['site'] for u in users if u['site'] != self.site)

    def plans(self, site):
        return f'{self.api}/api/v1/sites/{site}/plans'


def step(name, body, *arguments):
    """Runs one step and says how it went; gives what body returns."""
    try:
        result = body(*arguments)
    except Exception as error:  # whatever a library raises is the step's failure
        print(f'not ok {name}: {type(error).__name__}: {error}'.replace('\n', ' '), flush=True)
        sys.exit(1)
    print(f'ok {name}', flush=True)
    return result


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f'{what} is {found!r}, not {wanted!r}')
