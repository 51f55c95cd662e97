# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: the verbs, and a copy of the same data for each."""
import atexit
import os
import re
import shutil

from harness import Data, Folder, check, equal

# Each verb, what it is called on, and whether it prints JSON.
VERBS = [(['init', '--issuer', 'https://localhost/other'], False), (['serve'], False),
         (['site', 'add', 'east'], True), (['site', 'list'], True),
         (['site', 'show', 'north'], True),
         (['site', 'enable', 'north'], True), (['site', 'disable', 'north'], True),
         (['service-user', 'add', 'new', '--site', 'north', '--role', 'read'], True),
         (['service-user', 'list'], True), (['service-user', 'show', 'bob'], True),
         (['service-user', 'enable', 'bob'], True), (['service-user', 'disable', 'bob'], True),
         (['service-user', 'rotate', 'bob'], True),
         (['client', 'add', 'new', '--type', 'public'], True), (['client', 'list'], True),
         (['client', 'show', 'partner'], True), (['client', 'enable', 'partner'], True),
         (['client', 'disable', 'partner'], True), (['client', 'rotate-secret', 'partner'], True),
         (['key', 'list'], True), (['key', 'rotate'], True),
         (['backup', '/dev/null/backup'], False), (['restore', '/dev/null/backup'], False)]
# Those that are one word.
ALONE = ('init', 'serve', 'dev', 'backup', 'restore')
SECRET = re.compile(r'ad(su|cs)_[A-Za-z0-9]{32}\Z')


def snapshot(folder):
    """Every file's mode and bytes."""
    found = {}
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            where = os.path.join(path, name)
            content = None
            if name in files:
                with open(where, 'rb') as file:
                    content = file.read()
            found[os.path.relpath(where, folder)] = (os.stat(where).st_mode, content)
    return found


template = Folder()
made_in = template.__enter__()
atexit.register(template.__exit__)
origin = Data(made_in)
origin.verb('site', 'add', 'north', '--name', 'North Pit')
origin.verb('site', 'add', 'south')
BOB = origin.json('service-user', 'add', 'bob', '--site', 'north', '--role', 'read')
origin.verb('client', 'add', 'partner', '--type', 'confidential')


class Copy(Data):
    """A copy of the data that was made once."""

    def __init__(self, folder, clock=None):
        self.path = os.path.join(folder, 'data')
        shutil.copytree(origin.path, self.path)
        self.clock, self.issuer, self.issuer_path = clock, origin.issuer, origin.issuer_path


def copied(suite, name):
    """Decorates a case of `suite` that gets a copy."""
    def add(body):
        def in_copy():
            with Folder() as folder:
                return body(Copy(folder))
        return suite.case(name)(in_copy)
    return add


def one_line(done, code, *words):
    equal(done.returncode, code, f'exit code of {done.args[1:]}, {done.complained!r}')
    equal(done.said, '', 'stdout')
    check(re.fullmatch(r'aditd: [^\n]{5,}\n', done.complained), f'no one line: {done.complained!r}')
    check(done.complained[:-1].isprintable(), repr(done.complained))
    for word in words:
        check(word in done.complained, f'{word!r} is not in {done.complained!r}')
