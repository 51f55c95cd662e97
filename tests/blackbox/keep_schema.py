#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps a data directory of the released aditd, for the tests of later upgrades:
keep_schema.py ADITD >schema_N.sql

The database is SQL text; what a test must know besides, the secret key and the secrets of those who
use it, is JSON in the first comment. None of it is of use anywhere else."""
import contextlib
import json
import os
import shutil
import sqlite3

from harness import PUBLIC, Clock, Data, Folder, basic, served


def fill(data, clock):
    """What an authority has after a while."""
    kept = {'issuer': data.issuer, 'site': 'north', 'clock': clock.seconds}
    kept['reader'] = data.user()
    kept['writer'] = data.user('north', 'write', '--label', 'Größe 4 % + more')
    kept['disabled'] = data.user('south')
    kept['client'] = data.json('client', 'add', 'service', '--type', 'confidential',
                               '--service-user', kept['writer']['username'],
                               '--grant', 'client_credentials')
    data.verb('resource', 'add', 'archive', '--scope', 'archive', '--alg', 'RS256')
    server = data.serve()
    kept['fresh'] = server.sign_in(kept['reader'])['refresh_token']
    first = server.sign_in(kept['writer'])
    kept['access_token'] = first['access_token']
    kept['redeemed'] = first['refresh_token']
    kept['successor'] = served(server.refresh(first['refresh_token'])).json['refresh_token']
    kept['revoked'] = server.sign_in(kept['reader'])['refresh_token']
    server.post({'token': kept['revoked'], 'client_id': PUBLIC},
                target=server.path + '/connect/revocation')
    served(server.post({'grant_type': 'client_credentials'},
                       [basic('service', kept['client']['client_secret'])]))
    for purpose in ('sealing', 'pepper', 'signing'):
        data.verb('key', 'rotate', '--purpose', purpose)
    kept['sealed_after'] = server.sign_in(kept['reader'])['refresh_token']
    server.stop()
    data.verb('site', 'disable', 'south')
    return kept


def main():
    with Folder() as folder:
        clock = Clock(folder, 1_700_000_000)
        data = Data(folder, clock=clock)
        kept = fill(data, clock)
        with open(data.path + '/secret.key', encoding='ascii') as file:
            kept['secret_key'] = file.read().strip()
        with contextlib.closing(sqlite3.connect(data.path + '/adit.db')) as database:
            lines = list(database.iterdump())
            numbers = {name: database.execute(f'PRAGMA {name}').fetchone()[0]
                       for name in ('application_id', 'user_version')}
        shutil.rmtree(data.path)
    print('-- SPDX-License-Identifier: Apache-2.0')
    print('--', json.dumps(kept, sort_keys=True))
    for name, number in numbers.items():
        print(f'PRAGMA {name} = {number};')
    print('\n'.join(lines))


if __name__ == '__main__':
    os.umask(0o077)
    main()
