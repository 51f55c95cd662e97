#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Grants: which client has tokens of which Service User, and a client that is kept from one."""
import functools

from harness import (PUBLIC, Data, Suite, basic, check, compose, equal, exchange, refused, served,
                     until)

suite = Suite()


class Place:
    """Two Service Users, and a client beside the public one that may sign in with both."""

    def __init__(self, folder):
        self.data = Data(folder)
        self.one, self.two = self.data.user(), self.data.user()
        self.secret = self.data.json('client', 'add', 'partner', '--type', 'confidential',
                                     '--grant', 'password', '--grant', 'refresh_token',
                                     '--scope', 'cosmos', '--scope', 'openid', '--scope',
                                     'offline_access')['client_secret']
        self.server = self.data.serve()
        self.clock = self

    def close(self):
        """It has no clock of its own."""

    def partner(self, parameters):
        return self.server.post(parameters, [basic('partner', self.secret)])

    def sign_in(self, user):
        return self.partner({'grant_type': 'password', 'username': user['username'],
                             'password': user['password']})

    def refresh(self, token):
        return self.partner({'grant_type': 'refresh_token', 'refresh_token': token})

    def disable(self, user):
        return self.data.json('grant', 'disable', user['username'], 'partner')

    def shut_out(self, user):
        until(lambda: self.sign_in(user).status == 400, 'the end')
        return self.sign_in(user)


case = functools.partial(suite.placed, Place)


@case('the list names who uses what')
def listed(at):
    equal(at.data.json('grant', 'list'), [], 'before the first token')
    served(at.sign_in(at.one))
    at.server.sign_in(at.one)
    at.server.sign_in(at.two)
    rows = at.data.json('grant', 'list')
    equal(sorted((row['username'], row['client_id'], row['site'], row['state']) for row in rows),
          sorted([(at.one['username'], PUBLIC, 'north', 'enabled'),
                  (at.one['username'], 'partner', 'north', 'enabled'),
                  (at.two['username'], PUBLIC, 'north', 'enabled')]), 'the list')
    equal(len(at.data.json('grant', 'list', '--client', PUBLIC)), 2, 'of the client')
    equal(len(at.data.json('grant', 'list', '--service-user', at.one['username'])), 2, 'of one')
    equal(at.data.json('grant', 'list', '--client', 'nobody'), [], 'of nobody')


@case('disabling keeps one client from one Service User, and nothing else')
def disabled(at):
    partner, public = (served(at.sign_in(at.one)).json,
                       at.server.sign_in(at.one))
    other = served(at.sign_in(at.two)).json
    row = at.disable(at.one)
    equal((row['state'], row['client_id']), ('disabled', 'partner'), 'what it printed')
    refused(at.shut_out(at.one), 'invalid_grant')
    equal(at.sign_in(at.one).json['error_description'], 'invalid_username_or_password', 'the words')
    refused(at.refresh(partner['refresh_token']), 'invalid_grant')
    served(at.server.refresh(public['refresh_token']))
    served(at.server.password(at.one))
    served(at.refresh(other['refresh_token']))
    until(lambda: any(event['reason'] == 'grant_disabled'
                      for event in at.server.events('token_refused')), 'the reason in the log')


@case('disabling before the first token')
def before(at):
    served(at.sign_in(at.two))
    at.disable(at.one)
    refused(at.shut_out(at.one), 'invalid_grant')
    equal([row['state'] for row in at.data.json('grant', 'list', '--service-user',
                                                at.one['username'])], ['disabled'], 'the row')
    # A second time changes nothing that shows.
    equal(at.disable(at.one)['state'], 'disabled', 'again')


@case('enabling lets in by the password, and revives no refresh token')
def enabled(at):
    token = served(at.sign_in(at.one)).json['refresh_token']
    at.disable(at.one)
    at.shut_out(at.one)
    equal(at.data.json('grant', 'enable', at.one['username'], 'partner')['state'], 'enabled',
          'what it printed')
    until(lambda: at.sign_in(at.one).status == 200, 'it is let in again')
    refused(at.refresh(token), 'invalid_grant')
    served(at.refresh(served(at.sign_in(at.one)).json['refresh_token']))


@case('an access token of before is told to be over, by UserInfo')
def access_token(at):
    token = served(at.partner({'grant_type': 'password', 'username': at.one['username'],
                               'password': at.one['password'],
                               'scope': 'openid'})).json['access_token']

    def status():
        return exchange(at.server.address, compose(
            'GET', '/identity/connect/userinfo', [('Authorization', 'Bearer ' + token)])).status
    equal(status(), 200, 'the status before')
    at.disable(at.one)
    until(lambda: status() == 401, 'the end')


@case('names that are not there')
def unknown(at):
    for verb in ('disable', 'enable'):
        for user, client, what in (('nobody', 'partner', 'service-user'),
                                   (at.one['username'], 'nobody', 'client')):
            done = at.data.attempt('grant', verb, user, client)
            check(done.returncode == 2 and f'no {what}' in done.complained, done.complained)
    done = at.data.attempt('grant', 'enable', at.one['username'], 'partner')
    check(done.returncode == 2 and 'aditd grant list' in done.complained, done.complained)
    check(at.data.attempt('grant', 'disable', at.one['username']).returncode == 2, 'one name')


suite.main(workers=4)
