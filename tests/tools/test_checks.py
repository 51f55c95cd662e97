#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The static checks find what they are for: each kind of breach is planted in a copy of the
sources, and the check must fail and name its file and line."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
HEAD = '/* SPDX-License-Identifier: Apache-2.0 */\n'

# What is wrong, the file it is planted in, and the line.
LAYERS = [
    ('a higher level', 'src/codec/planted.c', '#include "jose/jwk.h"'),
    ('a level far above', 'src/base/planted.h', '#include "store/store.h"'),
    ('a neighbour of one level', 'src/jose/planted.c', '#include "net/http_client.h"'),
    ('oauth sees net', 'src/oauth/planted.c', '#include "net/http_client.h"'),
    ('store sees issuer', 'src/store/planted.c', '#include "issuer/discovery.h"'),
    ('guard sees store', 'src/guard/planted.c', '#include "store/store.h"'),
    ('guard sees authority', 'src/guard/planted.c', '#include "authority/context.h"'),
    ('authority sees guard', 'src/authority/planted.c', '#include "guard/verify.h"'),
    ('client sees store', 'src/client/planted.c', '#include "store/store.h"'),
    ('cli sees net', 'src/cli/planted.c', '#include "net/http_client.h"'),
    ('cli sees client', 'src/cli/planted.c', '#include "client/context.h"'),
    ('the sample sees guard', 'samples/external-api/planted.c', '#include "guard/verify.h"'),
    ('siblings in endpoint', 'src/authority/endpoint/planted.c',
     '#include "authority/endpoint/token.h"'),
    ('siblings in grant', 'src/authority/grant/planted.c',
     '#include "authority/grant/password.h"'),
    ('siblings in admin', 'src/authority/admin/planted.c', '#include "authority/admin/site.h"'),
    ('a name without its folder', 'src/base/planted.c', '#include "buf.h"'),
    ('a way through ..', 'src/base/planted.c', '#include "base/../codec/form.h"'),
    ('the public header in quotes', 'src/guard/planted.c', '#include "adit/guard.h"'),
    ('the public header from below', 'src/net/planted.c', '#include <adit/guard.h>'),
    ('an own header in angles', 'src/codec/planted.c', '#include <base/error.h>'),
    ('OpenSSL outside crypto', 'src/jose/planted.c', '#include <openssl/evp.h>'),
    ('OpenSSL in a header', 'src/jose/planted.h', '#include <openssl/evp.h>'),
    ('libsodium in the store', 'src/store/planted.c', '#include <sodium.h>'),
    ('SQLite outside its engine', 'src/store/planted.c', '#include <sqlite3.h>'),
    ('jansson outside json', 'src/codec/planted.c', '#include <jansson.h>'),
    ('curl outside http_client', 'src/issuer/planted.c', '#include <curl/curl.h>'),
    ('inih outside authority', 'src/net/planted.c', '#include <ini.h>'),
    ('zlib in codec', 'src/codec/planted.c', '#include <zlib.h>'),
    ('a library nobody listed', 'src/base/planted.c', '#include <glib.h>'),
    ('spaces in the directive', 'src/base/planted.c', '  #  include  "codec/form.h"'),
    ('a computed include', 'src/base/planted.c', '#include HEADER'),
    ('a folder nobody listed', 'src/helpers/planted.c', '#include <stdio.h>'),
]
ALLOWED = [
    ('the own folder', 'src/codec/planted.c', '#include "codec/form.h"'),
    ('a lower level', 'src/issuer/planted.c', '#include "net/http_client.h"'),
    ('oauth sees jose', 'src/oauth/planted.c', '#include "jose/jwt.h"'),
    ('authority sees store', 'src/authority/planted.c', '#include "store/store.h"'),
    ('endpoint sees authority', 'src/authority/endpoint/planted.c',
     '#include "authority/context.h"'),
    ('endpoint sees its own header', 'src/authority/endpoint/planted.c',
     '#include "authority/endpoint/planted.h"'),
    ('selftest sees net', 'src/cli/selftest.c', '#include "net/http_client.h"'),
    ('the sample sees the public header', 'samples/external-api/planted.c',
     '#include <adit/guard.h>'),
    ('a system header', 'src/base/planted.c', '#include <sys/stat.h>'),
]


def copy(folder):
    for name in ('src', 'samples', 'tools'):
        shutil.copytree(os.path.join(SOURCE, name), os.path.join(folder, name), dirs_exist_ok=True)


def plant(folder, path, text):
    """Writes a file, gives back what undoes it."""
    full = os.path.join(folder, path)
    before = None
    if os.path.exists(full):
        with open(full, encoding='utf-8') as file:
            before = file.read()
    made = not os.path.isdir(os.path.dirname(full))
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'w', encoding='utf-8') as file:
        file.write(text)

    def undo():
        os.unlink(full)
        if before is not None:
            plant(folder, path, before)
        elif made:
            shutil.rmtree(os.path.dirname(full))
    return undo


def run(tool, folder):
    done = subprocess.run([os.path.join(SOURCE, 'tools', tool), folder], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def expect(tap, tool, folder, planted, place):
    """The check fails and names the place, or passes where place is None."""
    name, path, text = planted
    undo = plant(folder, path, text)
    status, output = run(tool, folder)
    undo()
    if place is None:
        tap.case(status == 0, f'{tool}: allowed: {name}', output)
    else:
        tap.case(status == 1 and f'{place}: ' in output, f'{tool}: refused: {name}', output)


def check_layers(tap, folder):
    for name, path, line in LAYERS:
        number = 1 if path.startswith('src/helpers') else 3
        expect(tap, 'check-layers', folder, (name, path, f'{HEAD}\n{line}\n'), f'{path}:{number}')
    for name, path, line in ALLOWED:
        expect(tap, 'check-layers', folder, (name, path, f'{HEAD}\n{line}\n'), None)
    include = f'{HEAD}#include <ini.h>\n'
    undo = plant(folder, 'src/authority/a_planted.c', include)
    expect(tap, 'check-layers', folder,
           ('a second file with one library', 'src/authority/b_planted.c', include),
           'src/authority/b_planted.c:2')
    undo()


def check_spdx(tap, folder):
    expect(tap, 'check-spdx', folder, ('C without it', 'src/base/planted.c', 'int x;\n'),
           'src/base/planted.c:1')
    expect(tap, 'check-spdx', folder, ('too late', 'src/base/planted.c', '\n' + HEAD),
           'src/base/planted.c:1')
    expect(tap, 'check-spdx', folder, ('a script without it', 'tools/planted', '#!/bin/sh\n'),
           'tools/planted:2')
    expect(tap, 'check-spdx', folder, ('another licence', 'src/base/planted.h',
           HEAD.replace('Apache-2.0', 'MIT')), 'src/base/planted.h:1')
    expect(tap, 'check-spdx', folder, ('an empty file', 'src/base/planted.h', ''),
           'src/base/planted.h:1')
    expect(tap, 'check-spdx', folder, ('prose', 'src/base/planted.md', 'Words.\n'), None)


def check_length(tap, folder):
    expect(tap, 'check-length', folder, ('601 lines', 'src/base/planted.c', '\n' * 601),
           'src/base/planted.c:601')
    expect(tap, 'check-length', folder, ('600 lines', 'src/base/planted.c', '\n' * 600), None)


def check_arguments(tap):
    for tool in ('check-layers', 'check-spdx', 'check-length'):
        status, output = run(tool, '/nowhere')
        tap.case(status != 0 and output.count('\n') == 1, f'{tool}: a folder that is not there',
                 output)
    with tempfile.TemporaryDirectory() as empty:
        for tool in ('check-layers', 'check-spdx', 'check-length'):
            status, output = run(tool, empty)
            tap.case(status == 1, f'{tool}: nothing to check is no success', output)
    done = subprocess.run([os.path.join(SOURCE, 'check'), '--al'], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tap.case(done.returncode == 2 and not done.stdout and done.stderr.count('\n') == 1 and
             '--al' in done.stderr, 'check: an unknown argument', done.stdout + done.stderr)


def check_lock(tap):
    """npm's lock file pins versions and hashes, and names no place to fetch them from."""
    with open(os.path.join(SOURCE, 'tests/clients/package-lock.json'), encoding='utf-8') as file:
        packages = json.load(file)['packages']
    installed = {name: package for name, package in packages.items() if name}
    tap.case(bool(installed) and not any('resolved' in p for p in installed.values()),
             'package-lock.json: no place to fetch from')
    tap.case(all('integrity' in package for package in installed.values()),
             'package-lock.json: a hash for each package')


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        copy(folder)
        for tool in ('check-layers', 'check-spdx', 'check-length'):
            status, output = run(tool, folder)
            tap.case(status == 0, f'{tool}: the sources as they are', output)
        check_layers(tap, folder)
        check_spdx(tap, folder)
        check_length(tap, folder)
    check_arguments(tap)
    check_lock(tap)
    tap.finish()


if __name__ == '__main__':
    sys.exit(main())
