#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command line: each mistake's one line, exit code and lack of trace."""
import os

from command_line import VERBS, Copy, one_line, snapshot
from harness import Folder, Suite, check, equal, run

suite = Suite()


def mistake(arguments, *words, code=2, before=None):
    """A case: these arguments are refused with one line that has the words; nothing changes."""
    def refuses():
        with Folder() as folder:
            data = Copy(folder)
            if before:
                before(folder)
            there = snapshot(folder)
            given = [argument.replace('FOLDER', folder) for argument in arguments]
            if not any(word.startswith('--data') for word in given) and given[0] != 'dev':
                place = given.index('--') if '--' in given else len(given)
                given[place:place] = ['--data', data.path]
            one_line(run(*given), code, *words)
            now = snapshot(folder)
            now.pop('data/lock', None)
            there.pop('data/lock', None)
            equal(sorted(now), sorted(there), 'the files')
            check(now == there, 'a file has changed')
    shown = ' '.join(arguments)
    suite.case(f'refused: {shown[:90]!r}')(refuses)


def write(name, text):
    def before(folder):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)
    return before


for verb, has_json in VERBS:
    mistake([*verb, '--nonsense'], '--nonsense')
    mistake([*verb, '--nonsense=x'], '--nonsense')
    mistake([*verb, '-x'], '-x')
    mistake([*verb, '--data'], '--data')
    mistake([*verb, '--data', '', '--config', 'x'], '--data')
    mistake([*verb, '--data=x', '--data', 'y'], '--data')
    mistake([*verb, '--help=x'], '--help')
    mistake([*verb, '--', 'a', 'b', 'c', 'd', 'e'], 'one argument too many')
    mistake([*verb, 'a', 'b', 'c', 'd', 'e'], 'one argument too many')
    mistake([*verb, '--config', 'FOLDER/none'], '/none')
    mistake([*verb, '--config', 'FOLDER'], 'can\'t be read')
    mistake([*verb, '--clock', 'FOLDER/none'], '/none')
    mistake([*verb, '--clock', 'FOLDER/clock'], '/clock', before=write('clock', '123'))
    mistake([*verb, '--clock', 'FOLDER/clock'], '/clock', before=write('clock', 'x' * 20))
    if verb[0] not in ('init', 'restore'):
        mistake([*verb, '--data', 'FOLDER/none'], '/none')
        mistake([*verb, '--data', 'FOLDER/file'], '/file', before=write('file', 'x'))
    if has_json:
        mistake([*verb, '--json', '--json'], '--json')
        mistake([*verb, '--json=yes'], '--json')

for arguments, word in ((['site', 'add'], 'ID'), (['site', 'show'], 'ID'),
                        (['site', 'enable'], 'ID'), (['site', 'disable'], 'ID'),
                        (['service-user', 'show'], 'USERNAME'),
                        (['service-user', 'enable'], 'USERNAME'),
                        (['service-user', 'disable'], 'USERNAME'),
                        (['service-user', 'rotate'], 'USERNAME'),
                        (['client', 'add', '--type', 'public'], 'ID'), (['client', 'show'], 'ID'),
                        (['client', 'rotate-secret'], 'ID'), (['client', 'set-keys'], 'ID'), (['key', 'show'], 'KID')):
    mistake(arguments, 'needs', word)

for noun in ('site', 'service-user', 'client'):
    for verb in ('show', 'enable', 'disable', 'rotate' if noun == 'service-user' else 'show'):
        for name in ('nobody', '', "x'; DROP TABLE site; --", 'a\nb\x1b[31m', 'x' * 5000, '*'):
            mistake([noun, verb, name], noun, code=2)
mistake(['key', 'show', 'nobody'], 'key', 'nobody')
mistake(['client', 'rotate-secret', 'nobody'], 'nobody')
mistake(['client', 'set-keys', 'partner'], '--jwks-file')
mistake(['client', 'rotate-secret', 'external.customer'], 'external.customer', 'public')
mistake(['client', 'rotate-secret', 'partner', '--expires', '2020-01-01'], 'past')

for verb in ('site', 'service-user', 'client', 'key', 'nonsense', 'site nonsense', 'init serve',
             '\x1b[31m', 'x' * 9000, '--nonsense', '-h', ''):
    mistake(verb.split(' '), '')


for noun, verbs in (('site', 'add, list, show, enable, disable'),
                    ('service-user', 'add, import, list, show, enable, disable, unlock, rotate'),
                    ('client', 'add, list, show, enable, disable, rotate-secret, set-keys'),
                    ('key', 'list, show, rotate, revoke')):
    @suite.case(f'{noun} without a verb, or with none of its own', noun, verbs)
    def no_verb_of(noun, verbs):
        for more in ([], ['nonsense'], ['--help'], ['--data', 'x']):
            one_line(run(noun, *more), 2, f'aditd {noun} ', f': {verbs}\n')


# A long value does not push what to do off the line's end.
LONG = 'x' * 600
for arguments, advice in (
        (['site', 'show', LONG], 'aditd site list'), (['site', 'add', LONG], 'use 1 to 64'),
        (['service-user', 'rotate', LONG], 'aditd service-user list'),
        ([*'service-user add new --site north --role'.split(), LONG], 'use read or write'),
        (['client', 'add', '--type', 'public', LONG], 'use 1 to 128'),
        (['client', 'add', 'new', '--type', LONG], 'use public'),
        ([*'client add new --type public --scope'.split(), LONG], 'aditd resource list'),
        ([*'client add new --type public --grant'.split(), LONG], 'use password'),
        ([*'client add new --type web --redirect-uri'.split(), 'http://' + LONG], 'use https'),
        ([*'client add new --type web'.split(),
          *(f'--redirect-uri=https://a.example/{i}{LONG[:400]}' for i in range(20))], 'at most'),
        (['key', 'rotate', '--purpose', LONG], 'use signing'),
        (['key', 'rotate', '--alg', LONG], 'use ES256'), (['key', 'list', LONG], '--help'),
        (['serve', '--log-level', LONG], 'use debug'),
        (['serve', '--threads', LONG], 'give a whole'),
        (['serve', '--listen', LONG], 'such as'),
        (['serve', '--issuer', 'https://' + LONG], 'leave'),
        (['dev', '--listen', LONG], 'aditd serve'), (['dev', '--log-level', LONG], 'use debug'),
        (['dev', LONG], '--help'),
        (['dev', '--' + LONG], '--help'), (['dev', '-' + LONG], 'dashes'),
        (['service-user', 'rotate', 'bob', '--expires', LONG], 'give a date'),
        (['service-user', 'rotate', 'bob', '--overlap', LONG], 'give a time'),
        (['client', 'rotate-secret', 'external.customer'], 'only confidential and web'),
        ([LONG], '--help'), ([LONG, LONG], '--help'), (['site', LONG], 'list')):
    mistake(arguments, advice)


@suite.case('no verb at all')
def no_verb():
    one_line(run(), 2, '--help')


for name in ('North', '-north', 'n_rth', '', 'x' * 65, 'n\u00f6rth', 'north ', 'no/rth', '.', '..'):
    mistake(['site', 'add', '--', name], 'site id')
mistake(['site', 'add', 'north'], 'north', 'already')
mistake(['site', 'add', 'x', '--name', 'x' * 257], 'name', 'long')
mistake(['site', 'add', 'x', '--name', 'a\nb'], 'name', 'control')
mistake(['site', 'add', 'x', '--name', 'a\u202eb'], 'name', 'control')
mistake(['site', 'add', 'x', '--name', ''], '--name')

ADD = ['service-user', 'add', 'new']
mistake([*ADD, '--role', 'read'], '--site')
mistake([*ADD, '--site', 'north'], '--role')
mistake([*ADD, '--site', 'none', '--role', 'read'], 'none')
for role in ('admin', 'Read', 'owner', 'read write', 'x' * 100):
    mistake([*ADD, '--site', 'north', '--role', role], 'role')
mistake(['service-user', 'add', 'bob', '--site', 'north', '--role', 'read'], 'bob', 'already')
mistake(['service-user', 'add', 'bob', '--site', 'south', '--role', 'read'], 'bob', 'already')
for name in ('', 'x' * 257, 'a\nb', '\x7f', '\x9b2J', 'a\u2028b', 'a\u2066b'):
    mistake(['service-user', 'add', name, '--site', 'north', '--role', 'read'], 'user name')
mistake([*ADD, '--site', 'north', '--role', 'read', '--label', 'x' * 257], 'label')
mistake([*ADD, '--site', 'north', '--role', 'read', '--label', 'a\tb'], 'label')
for verb in ([*ADD, '--site', 'north', '--role', 'read'], ['service-user', 'rotate', 'bob']):
    for date in ('tomorrow', '2027-13-01', '2027-02-30', '2027-2', '31.03.2027',
                 '2027-03-31T25:00:00Z',
                 '2027-03-31T12:00:00', '2027-03-31 ', '0000-00-00', '1969-12-31', '-1', ''):
        mistake([*verb, '--expires', date], '--expires')
    mistake([*verb, '--expires', '2020-01-01'], 'past')
mistake([*ADD, '--site', 'north', '--role', 'read', '--expires', 'never'], '--expires')
for verb in ([*ADD, '--site', 'north', '--role', 'read'], ['service-user', 'rotate', 'bob']):
    mistake([*verb, '--password-out', 'FOLDER/there'], '/there', before=write('there', 'mine'))
    mistake([*verb, '--password-out', 'FOLDER/none/file'], '/none/file')
    mistake([*verb, '--password-out', 'FOLDER'], '--password-out')
    mistake([*verb, '--password', 'x'], '--password')
mistake(['service-user', 'list', '--site', 'none'], 'none')
mistake(['service-user', 'list', '--site', 'No Such'], 'No Such')

for overlap in ('x', '-1', '7w', '7 d', '1.5h', '99999999999999999999', '4000d', '0x10', '', 'd'):
    mistake(['service-user', 'rotate', 'bob', '--overlap', overlap], '--overlap')
    mistake(['client', 'rotate-secret', 'partner', '--overlap', overlap], '--overlap')

for name in ('', 'a b', 'a:b', 'a/b', 'x' * 129, 'su_x', 'p_x', 'c_x', '\u00e9', 'a\nb', 'a%20b'):
    mistake(['client', 'add', '--type', 'public', '--', name], 'client id')
mistake(['client', 'add', 'new'], '--type')
for kind in ('Public', 'x', 'confidential '):
    mistake(['client', 'add', 'new', '--type', kind], 'type', kind)
mistake(['client', 'add', 'partner', '--type', 'public'], 'partner', 'already')
mistake(['client', 'add', 'external.customer', '--type', 'public'], 'external.customer')
for option, value in (('scope', 'unknown'), ('scope', 'cosmos openid'), ('scope', 'x' * 200),
                      ('grant', 'implicit'), ('grant', 'Password'), ('grant', 'x' * 300),
                      ('access-ttl', '59'), ('access-ttl', '86401'), ('access-ttl', 'x'),
                      ('access-ttl', '1h'), ('access-ttl', '-1'), ('access-ttl', '1e3')):
    mistake(['client', 'add', 'new', '--type', 'public', f'--{option}', value], option, value[:20])
for uri in ('http://example.com/cb', 'javascript:alert(1)', 'https://example.com/#x', '/cb',
            'https://', 'data:text/html,x', 'https://u:p@example.com/',
            'http://127.0.0.1.evil.com/',
            'com.example:/a b', 'x:y', 'HTTPS://example.com\n'):
    mistake(['client', 'add', 'new', '--type', 'web', '--redirect-uri', uri], 'redirect URI')
for uri in ('com.example:/a\ncom.example:/b', 'com.example:/\t', 'com.example:/\x7f',
            'com.example:/\u00fc', 'https://example.com/\u00fc'):
    mistake(['client', 'add', 'new', '--type', 'native', '--redirect-uri', uri], 'redirect URI')
mistake(['client', 'add', 'new', '--type', 'web', '--redirect-uri', 'http://127.0.0.1/cb'],
        'redirect')
mistake(['client', 'add', 'new', '--type', 'public', '--redirect-uri', 'https://a.example/'],
        'redirect')
mistake(['client', 'add', 'new', '--type', 'confidential', '--grant', 'client_credentials'],
        '--service-user')
for kind in ('public', 'native', 'device'):
    mistake(['client', 'add', 'new', '--type', kind, '--grant', 'client_credentials',
             '--service-user', 'bob'], kind, 'client_credentials', 'secret')
for kind in ('public', 'confidential', 'device'):
    mistake(['client', 'add', 'new', '--type', kind, '--grant', 'authorization_code'], kind,
            'authorization_code', 'redirect URI')
mistake(['client', 'add', 'new', '--type', 'confidential', '--service-user', 'nobody'], 'nobody')
mistake(['client', 'add', 'new', '--type', 'confidential', '--password-out', 'FOLDER/there'],
        '/there', before=write('there', 'mine'))
mistake(['client', 'add', 'new', '--type', 'public', '--password-out', 'FOLDER/new'],
        '--password-out')
mistake(['client', 'rotate-secret', 'partner', '--password-out', 'FOLDER/there'], '/there',
        before=write('there', 'mine'))

mistake(['client', 'add', 'new', '--type', 'web', '--redirect-uri', 'https://a/' + 'x' * 4100],
        'redirect')
mistake(['client', 'add', 'new', '--type', 'web', *['--redirect-uri', 'https://a.example/'] * 64],
        '--redirect-uri')
mistake(['client', 'add', 'new', '--type', 'public', *['--scope', 'cosmos'] * 70], '--scope')
mistake(['client', 'add', 'new', '--type', 'public', *['--scope', 'cosmos'] * 200], 'too many')

mistake(['key', 'rotate', '--purpose', 'x'], 'purpose', '"x"')
mistake(['key', 'rotate', '--alg', 'HS256'], 'HS256')
mistake(['key', 'rotate', '--alg', 'none'], 'none')
mistake(['key', 'rotate', '--purpose', 'sealing', '--alg', 'ES256'], '--alg')

for option, value in (('flood-limit', 'x'), ('flood-limit', '-1'), ('flood-limit', '1000001'),
                      ('threads', '0'), ('threads', 'many'), ('threads', '99999'),
                      ('log-level', 'loud'), ('log-level', 'INFO '),
                      ('issuer', 'https://localhost/other')):
    mistake(['serve', f'--{option}', value], f'--{option}', value)
for address in ('127.0.0.1', '127.0.0.1:x', '127.0.0.1:65536', '127.0.0.1:1:2', 'unix:',
                'localhost:1',
                ':1', '[::1]', '[::1]:', '::1:1', '127.evil.example:1', 'unix:' + 'x' * 200, ' ',
                'localhost:9999', '8480', 'example.com:0', '*:0', '[127.0.0.1]:1', '[]:1', '[:1',
                '127.0.0.1:+1', '127.0.0.1:000001', '127.1:1', '[::1:1', '::1]:1'):
    for more in ([], ['--behind-proxy']):
        mistake(['serve', '--listen', address, *more], address[:60], '--listen',
                'such as 127.0.0.1:8480')
for address in ('0.0.0.0:0', '[::]:0', '192.0.2.1:0', '[::ffff:192.0.2.1]:0', '10.0.0.1:0'):
    mistake(['serve', '--listen', address], address, '--behind-proxy')
    mistake(['serve', '--listen', '127.0.0.1:0', '--listen', address], address, '--behind-proxy')
mistake(['serve', '--listen', 'unix:FOLDER/none/socket'], '/none/socket', code=1)

for address in ('0.0.0.0:0', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '127.0.0.1:x',
                '[::1]:0', 'localhost:0', 'unix:/x', '127.0.0.2:0', '127.0.0.1:-1'):
    mistake(['dev', '--listen', address], '--listen', address)
for option, value in (('access-ttl', '0'), ('access-ttl', 'x'), ('log-level', 'x'), ('data', 'x'),
                      ('config', 'x'), ('clock', 'FOLDER/none')):
    mistake(['dev', f'--{option}', value], option)


@suite.case('not UTF-8, in an option and in an argument')
def not_utf8():
    with Folder() as folder:
        data = Copy(folder)
        for arguments in ([b'site', b'add', b'\xff'], [b'site', b'add', b'x', b'--name', b'\xff']):
            one_line(run(*arguments, '--data', data.path), 2, 'UTF-8')


suite.main(workers=8)
