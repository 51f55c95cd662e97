#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/check-symbols finds a program that exports, and a library that exports too much or too
little: small ones of each kind are built for it."""
import os
import subprocess
import sys
import tempfile

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
PROGRAM = 'int seen(void);\nint seen(void)\n{\n\treturn 0;\n}\nint main(void)\n{\n\treturn seen();\n}\n'
LIBRARY = ('int hidden(void);\n__attribute__((visibility("default"))) int shown(void);\n'
           'int hidden(void)\n{\n\treturn 0;\n}\nint shown(void)\n{\n\treturn hidden();\n}\n')


def build(folder, name, declaration, code):
    """A project whose target is declared in src/, as ours are; gives its build folder."""
    source = os.path.join(folder, name)
    os.makedirs(os.path.join(source, 'src'))
    for path, text in (('meson.build', "project('p', 'c')\nsubdir('src')\n"),
                       ('src/meson.build', declaration), ('src/a.c', code)):
        with open(os.path.join(source, path), 'w', encoding='utf-8') as file:
            file.write(text)
    for command in (['meson', 'setup', 'b'], ['ninja', '-C', 'b']):
        subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL)
    return os.path.join(source, 'b')


def check(folder, where, names):
    listing = os.path.join(folder, 'symbols.txt')
    with open(listing, 'w', encoding='utf-8') as file:
        file.write('# the public functions\n' + ''.join(f'{name}\n' for name in names))
    done = subprocess.run([os.path.join(SOURCE, 'tools/check-symbols'), where, listing], text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def main():
    tap = Tap()
    hide = "c_args: '-fvisibility=hidden'"
    with tempfile.TemporaryDirectory() as folder:
        plain = build(folder, 'plain', f"executable('p', 'a.c', {hide})\n", PROGRAM)
        status, output = check(folder, plain, [])
        tap.case(status == 0, 'a program that exports nothing', output)
        loud = build(folder, 'loud', "executable('p', 'a.c', export_dynamic: true)\n", PROGRAM)
        status, output = check(folder, loud, ['seen', 'main'])
        tap.case(status == 1 and 'p: exports seen' in output, 'a program that exports', output)
        library = build(folder, 'library', f"shared_library('l', 'a.c', {hide})\n", LIBRARY)
        status, output = check(folder, library, ['shown'])
        tap.case(status == 0, 'a library that exports what is listed', output)
        status, output = check(folder, library, [])
        tap.case(status == 1 and 'exports shown' in output, 'a symbol that is not listed', output)
        status, output = check(folder, library, ['shown', 'hidden'])
        tap.case(status == 1 and 'does not export hidden' in output, 'a listed symbol is missing',
                 output)
        none = build(folder, 'none', '', '')
        status, output = check(folder, none, [])
        tap.case(status == 77, 'nothing built is no success', output)
    tap.finish()


if __name__ == '__main__':
    sys.exit(main())
