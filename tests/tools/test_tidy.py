#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy as .clang-tidy sets it refuses what the conventions forbid, and lets plain C pass."""
import os
import subprocess
import sys
import tempfile

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))


def lines(count):
    return 'int f(int x)\n{\n' + '\tx += x * 3;\n' * (count - 3) + '\treturn x;\n}\n'


def nested(depth):
    head = ''.join('\t' * (level + 1) + 'for (int i = x; i < 9; i++) {\n' for level in range(depth))
    tail = ''.join('\t' * (level + 1) + '}\n' for level in reversed(range(depth)))
    return f'int f(int x)\n{{\n{head}x++;\n{tail}\treturn x;\n}}\n'


# What it is, the code, the check that must name it (None: it passes).
CASES = [
    ('a function of 70 lines', lines(70), None),
    ('a function of 73 lines', lines(73), 'readability-function-size'),
    ('three levels', nested(3), None),
    ('four levels', nested(4), 'readability-function-size'),
    ('a null pointer read', 'int f(int x)\n{\n\tint *p = 0;\n\treturn x ? *p : 1;\n}\n',
     'clang-analyzer-core.NullDereference'),
    ('a leak', '#include <stdlib.h>\nint f(void)\n{\n\tchar *p = malloc(3);\n\treturn p ? 1 : 0;\n}'
     '\n', 'clang-analyzer-unix.Malloc'),
    ('a character where zero is meant', '#include <string.h>\nvoid f(int *p)\n{\n'
     "\tmemset(p, '0', 3);\n}\n", 'bugprone-suspicious-memset-usage'),
]


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'planted.c')
        for name, code, check in CASES:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(code)
            done = subprocess.run(
                ['clang-tidy', '--quiet', f'--config-file={SOURCE}/.clang-tidy', path, '--',
                 '-std=c17'], text=True, check=False, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT)
            if check:
                tap.case(done.returncode != 0 and check in done.stdout, f'refused: {name}',
                         done.stdout)
            else:
                tap.case(done.returncode == 0, f'allowed: {name}', done.stdout)
    tap.finish()


if __name__ == '__main__':
    sys.exit(main())
