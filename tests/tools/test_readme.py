#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of README.md, typed as they stand there: an authority, a token, a refresh."""
import json
import os
import random
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
BUILD = os.environ.get('ADIT_BUILD', os.path.join(SOURCE, 'build/gcc'))
PROXIES = ('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY')


def commands():
    """The indented lines of that section, a command each, from `aditd init` on."""
    with open(os.path.join(SOURCE, 'README.md'), encoding='utf-8') as file:
        section = file.read().split('\n## Your own authority\n')[1].split('\n## ')[0]
    lines = '\n'.join(line[4:] for line in section.split('\n') if line.startswith('    '))
    found = re.sub(r'\\\n\s*', '', lines).split('\n')
    return found[[line.startswith('aditd init') for line in found].index(True):]


def free_port():
    """Below those that the kernel gives to whoever asks for any."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)):
                return port


def wait_ready(port):
    for _ in range(600):
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                    f'http://127.0.0.1:{port}/readyz', timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError('aditd serve does not become ready')


def type_in(tap, folder, port):
    environment = {name: value for name, value in os.environ.items() if name not in PROXIES}
    environment['PATH'] = f'{BUILD}/src/authority:{environment["PATH"]}'
    environment['HOME'] = folder
    serving = None
    try:
        for command in commands():
            typed = command.replace(':8480', f':{port}')
            if typed.startswith('aditd serve'):
                serving = subprocess.Popen([*typed.split(), '--listen', f'127.0.0.1:{port}'],
                                           cwd=folder, env=environment,
                                           stderr=subprocess.DEVNULL)
                wait_ready(port)
                continue
            done = subprocess.run(['bash', '-c', typed], cwd=folder, env=environment, text=True,
                                  check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            good = done.returncode == 0
            if '-o token.json' in typed:
                with open(os.path.join(folder, 'token.json'), encoding='utf-8') as file:
                    answer = json.load(file)
                good = good and {'access_token', 'refresh_token'} <= set(answer)
            tap.case(good, command[:70], done.stdout)
    finally:
        if serving:
            serving.terminate()
            tap.case(serving.wait() == 0, 'aditd serve ended well')
    assert serving, 'README.md never serves'


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        tap.run('the section to its end', type_in, tap, folder, free_port())
    tap.finish()


main()
