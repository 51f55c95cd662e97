#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/tally counts what meson's own logs say: a small project with one program of each kind
is really run by `meson test`."""
import os
import subprocess
import sys
import tempfile

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))

# Name, protocol, script, what it adds to passed, failed, skipped.
PROGRAMS = [
    ('all well', 'tap', 'echo 1..2; echo ok 1 - a; echo ok 2 - b', (2, 0, 0)),
    ('one fails', 'tap', 'echo 1..2; echo not ok 1 - bad; echo ok 2 - b; exit 1', (1, 1, 0)),
    ('one skips', 'tap', 'echo 1..1; echo "ok 1 - a # SKIP no vectors"', (0, 0, 1)),
    ('skips as cmocka', 'tap', 'echo 1..1; echo "# skipped: no folder here"; echo "not ok 1 # SKIP a"',
     (0, 0, 1)),
    ('skips whole', 'tap', 'echo "1..0 # SKIP no server"', (0, 0, 1)),
    ('dies at its end', 'tap', 'echo 1..1; echo ok 1 - a; exit 3', (1, 1, 0)),
    ('stops short', 'tap', 'echo 1..3; echo ok 1 - a', (1, 1, 0)),
    ('control bytes', 'tap', "echo 1..1; printf '# \\001\\033\\n'; echo ok 1 - a", (1, 0, 0)),
    ('plain good', 'exitcode', 'exit 0', (1, 0, 0)),
    ('plain bad', 'exitcode', 'exit 1', (0, 1, 0)),
    ('plain skip', 'exitcode', 'echo not here; exit 77', (0, 0, 1)),
    ('too slow', 'exitcode', 'sleep 60', (0, 1, 0)),
]


def run_meson(folder):
    with open(os.path.join(folder, 'meson.build'), 'w', encoding='utf-8') as file:
        wrapper = os.path.join(SOURCE, 'tests/tools/tap-skip')
        file.write("project('p')\nsh = find_program('/bin/sh')\n"
                   f"add_test_setup('d', is_default: true, exe_wrapper: ['{wrapper}'])\n")
        for number, (name, protocol, script, _) in enumerate(PROGRAMS):
            with open(os.path.join(folder, f'{number}.sh'), 'w', encoding='utf-8') as body:
                body.write(script + '\n')
            timeout = 1 if name == 'too slow' else 30
            suite = "'unit'" if number % 2 else ''
            file.write(f"test('{name}', sh, args: files('{number}.sh'), protocol: '{protocol}', "
                       f'timeout: {timeout}, suite: [{suite}])\n')
    quiet = {'cwd': folder, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    subprocess.run(['meson', 'setup', 'b'], check=True, **quiet)
    environment = {key: value for key, value in os.environ.items() if key != 'MESON_TESTTHREADS'}
    subprocess.run(['meson', 'test', '-C', 'b', '--no-rebuild'], check=False, env=environment,
                   **quiet)
    return os.path.join(folder, 'b/meson-logs/testlog')


def tally(folder, steps, *logs):
    path = os.path.join(folder, 'steps')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(steps)
    done = subprocess.run([os.path.join(SOURCE, 'tools/tally'), path, *logs], text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        log = run_meson(folder)
        sums = [sum(program[3][column] for program in PROGRAMS) for column in range(3)]
        status, output = tally(folder, '', f'all={log}')
        last = output.splitlines()[-1]
        tap.case(last == f'{sums[0]} passed, {sums[1]} failed, {sums[2]} skipped', 'the sums',
                 output)
        tap.case(status == 1, 'a failure gives status 1', output)
        for name, _, _, (_, failed, _) in PROGRAMS:
            tap.case((f'FAILED: all: {name}' in output) == bool(failed),
                     f"{name}: {'named' if failed else 'not named'} as failed", output)
        for reason in ('no vectors', 'no folder here', 'no server', 'not here'):
            tap.case(f': {reason}\n' in output, f'reason printed: {reason}', output)
        status, output = tally(folder, 'passed\tone\t\nskipped\ttwo\tnot built\n')
        tap.case(status == 0 and output.endswith('1 passed, 0 failed, 1 skipped\n') and
                 'skipped: two: not built' in output, 'steps alone', output)
        status, output = tally(folder, 'failed\tone\tgone\n')
        tap.case(status == 1 and 'FAILED: one: gone' in output, 'a failed step', output)
        status, output = tally(folder, '')
        tap.case(status == 1, 'nothing at all is no success', output)
        status, output = tally(folder, 'passed\tone\t\n', 'plain=/nowhere/testlog')
        tap.case(status == 1 and '1 passed, 1 failed, 0 skipped' in output,
                 'a suite without a log has failed', output)
    tap.finish()


if __name__ == '__main__':
    sys.exit(main())
