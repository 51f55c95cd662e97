#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./demo comes to its end, leaves nothing behind, and fails where a step does."""
import os
import re
import signal
import subprocess
import tempfile
import time

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
DEMO = os.path.join(SOURCE, 'demo')
PASSWORD = re.compile(r'adsu_[A-Za-z0-9]{32}')


def demo(folder, *arguments, path=None):
    environment = {**os.environ, 'TMPDIR': folder}
    if path:
        environment['PATH'] = f'{path}:{os.environ["PATH"]}'
    return subprocess.run([DEMO, *arguments], text=True, check=False, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def check_clean(folder):
    assert not os.listdir(folder), f'left behind: {os.listdir(folder)}'
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            where = os.readlink(f'/proc/{entry}/cwd')
        except OSError:
            continue
        assert not where.startswith(folder), f'process {entry} still runs in {where}'


def check_whole(folder):
    done = demo(folder, '--once')
    assert done.returncode == 0, done.stdout
    steps = [int(number) for number in re.findall(r'^(\d+)\. ', done.stdout, re.M)]
    assert steps and steps == list(range(1, len(steps) + 1)), done.stdout
    assert f'Done: {len(steps)} steps' in done.stdout, done.stdout
    assert not PASSWORD.search(done.stdout), 'a password was shown'
    check_clean(folder)


def check_failing_step(folder):
    """A curl that says 200 where it is 404, as an API would that does not keep sites apart."""
    curl = subprocess.run(['which', 'curl'], text=True, check=True,
                          stdout=subprocess.PIPE).stdout.strip()
    with tempfile.TemporaryDirectory() as path:
        with open(os.path.join(path, 'curl'), 'w', encoding='utf-8') as file:
            file.write(f'#!/bin/sh\n{curl} "$@" | sed "s/^404$/200/"\n')
        os.chmod(os.path.join(path, 'curl'), 0o755)
        done = demo(folder, '--once', path=path)
    assert done.returncode == 1, (done.returncode, done.stdout)
    assert 'this should be so and is not: 404' in done.stdout, done.stdout
    check_clean(folder)


def check_interrupted(folder):
    """SIGTERM on the way."""
    with subprocess.Popen([DEMO, '--once'], env={**os.environ, 'TMPDIR': folder},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as running:
        seen = ''
        for line in running.stdout:
            seen += line
            if line.startswith('4. '):
                running.send_signal(signal.SIGTERM)
        status = running.wait()
    assert status == 143, (status, seen)
    check_clean(folder)


def check_stays_on_a_terminal(folder):
    master, terminal = os.openpty()
    with subprocess.Popen([DEMO], env={**os.environ, 'TMPDIR': folder}, stdin=terminal,
                          stdout=terminal, stderr=terminal, start_new_session=True) as running:
        os.close(terminal)
        seen = b''
        while b'files ' not in seen and running.poll() is None:
            seen += os.read(master, 65536)
        time.sleep(0.5)
        assert running.poll() is None, seen.decode()
        assert PASSWORD.search(seen.decode()), seen.decode()
        os.killpg(running.pid, signal.SIGINT)
        status = running.wait()
    os.close(master)
    assert status == 0, (status, seen.decode())
    check_clean(folder)


def check_usage(folder):
    done = demo(folder, '--help')
    assert done.returncode == 0 and '--once' in done.stdout, done.stdout
    done = demo(folder, '--twice')
    assert done.returncode == 2 and '--twice' in done.stdout, done.stdout
    assert done.stdout.count('\n') == 1, done.stdout


def main():
    tap = Tap()
    for name, body in [('usage', check_usage), ('the whole way', check_whole),
                       ('a step that fails', check_failing_step),
                       ('ended on the way', check_interrupted),
                       ('stays up on a terminal until Ctrl-C', check_stays_on_a_terminal)]:
        with tempfile.TemporaryDirectory() as folder:
            tap.run(name, body, folder)
    tap.finish()


main()
