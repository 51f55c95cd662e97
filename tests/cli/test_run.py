#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""adit run: the token's file, which stays fresh, and the command's signals and end."""
import os
import re
import signal
import stat
import subprocess
import time

from command import ADIT, PATIENCE_S, Home, Terminal, check, equal, waits

from hostile_authority import PASSWORD, Hostile
from harness import Suite, until

suite = Suite()
hostile = Hostile()
GOOD = {'username': 'anyone', 'password': PASSWORD}
SHM = '/dev/shm'


def ready(folder, name):
    """A home that has a password at that authority."""
    home = Home(folder)
    runtime = os.path.join(folder, 'runtime')
    os.mkdir(runtime, 0o700)
    home.environment['XDG_RUNTIME_DIR'] = runtime
    home.runtime = runtime
    home.url = hostile.url(name)
    home.set(home.url, GOOD)
    return home


def script(home, text, *more, **popen):
    return subprocess.Popen([ADIT, 'run', home.url, *more, '--', 'sh', '-c', text],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=home.environment, cwd=home.folder, **popen)


@suite.in_folder('the file is the command\'s alone')
def file(folder):
    home = ready(folder, 'good.file')
    token = home.good('token', home.url).strip()
    said = home.good('run', home.url, '--', 'sh', '-c',
                     'cat "$ADIT_TOKEN_FILE"; echo; echo "$ADIT_TOKEN_FILE"; stat -c "%a %U" '
                     '"$ADIT_TOKEN_FILE" "$(dirname "$ADIT_TOKEN_FILE")"; env; '
                     'tr "\\0" " " </proc/$PPID/cmdline')
    lines = said.split('\n')
    equal(lines[0], token, 'the file')
    path = lines[1]
    check(path.startswith(home.runtime + '/'), path)
    equal([line.split()[0] for line in lines[2:4]], ['600', '700'], 'modes')
    check(token not in '\n'.join(lines[1:]), 'the token is in the environment or an argument')
    check(not os.listdir(home.runtime), 'it is left behind')


@suite.in_folder('without XDG_RUNTIME_DIR')
def shared_memory(folder):
    home = ready(folder, 'good.shm')
    for wrong in (None, 'relative', os.path.join(folder, 'none'), folder):
        home.environment.pop('XDG_RUNTIME_DIR')
        if wrong:
            home.environment['XDG_RUNTIME_DIR'] = wrong
        os.chmod(folder, 0o755)
        path = home.good('run', home.url, '--', 'sh', '-c', 'echo "$ADIT_TOKEN_FILE"').strip()
        check(re.fullmatch(rf'{SHM}/adit-run-\w+/token', path), path)
        check(not os.path.exists(os.path.dirname(path)), 'it is left behind')
        home.environment['XDG_RUNTIME_DIR'] = ''


@suite.in_folder('the command\'s end is adit\'s')
def ends(folder):
    home = ready(folder, 'good.ends')
    for code in (0, 1, 8, 77, 255):
        equal(home.run('run', home.url, '--', 'sh', '-c', f'exit {code}').returncode, code, 'code')
    for number in (9, 11, 15):
        equal(home.run('run', home.url, '--', 'sh', '-c', f'kill -{number} $$').returncode,
              128 + number, 'signal')
    home.fails(127, 'run', home.url, '--', 'no-such-command', words=['no-such-command'])
    home.fails(126, 'run', home.url, '--', folder, words=[folder])
    equal(home.good('run', home.url, 'echo', '--json', '-v'), '--json -v\n', 'without --')
    equal(home.good('run', home.url, '--', 'cat', given=b'stdin'), 'stdin', 'stdin')
    check(not os.listdir(home.runtime), 'it is left behind')


@suite.in_folder('the limit of core files and SIGPIPE are the command\'s own again')
def restored(folder):
    home = ready(folder, 'good.restored')
    look = ['sh', '-c', 'ulimit -c; exec grep -E "Sig(Ign|Blk)" /proc/self/status']
    before = subprocess.run(look, stdout=subprocess.PIPE, check=True).stdout.decode()
    equal(home.good('run', home.url, '--', *look), before, 'limits and signals')


@suite.in_folder('the file is fresh before the token ends, and whole whenever it is read')
def fresh(folder):
    home = ready(folder, 'good.fresh')
    hostile.instance('good.fresh').settings |= {'expires_in': 3}
    home.good('service', 'verify', home.url)
    with script(home, 'n=0; last=; while [ $n -lt 3 ]; do token=$(cat "$ADIT_TOKEN_FILE") || exit 9; '
                '[ "$token" = "$last" ] || { n=$((n + 1)); echo "$token"; }; last=$token; '
                'sleep 0.05; done') as running:
        seen = running.stdout.read().split()
        equal((waits(running), running.stderr.read()), (0, ''), 'its end')
    equal(len(set(seen)), 3, f'tokens {seen}')
    access = hostile.instance('good.fresh').access
    check(all(token in access for token in seen), 'whole ones')
    ends_at = [access[token][1] for token in seen]
    check(ends_at == sorted(ends_at), 'in order')


@suite.in_folder('an authority that is away: the file stays, it is told once, and it goes on')
def away(folder):
    home = ready(folder, 'good.away')
    instance = hostile.instance('good.away')
    instance.settings |= {'expires_in': 2}
    home.good('service', 'verify', home.url)
    with script(home, 'first=$(cat "$ADIT_TOKEN_FILE"); while [ "$(cat "$ADIT_TOKEN_FILE")" = '
                '"$first" ]; do sleep 0.05; done; echo renewed') as running:
        instance.fail('token', '503-retry')
        before = instance.counts['token']
        until(lambda: instance.counts['token'] > before + 1, 'it asks, and asks again')
        check(running.poll() is None, 'it goes on')
        instance.fail('token', None)
        equal(running.stdout.read(), 'renewed\n', 'stdout')
        told = running.stderr.read()
        equal(waits(running), 0, told)
    check(told.count('503') <= 1 and told.count('\n') <= 2, told)


@suite.in_folder('a file that can not be written is told once')
def unwritable(folder):
    home = ready(folder, 'good.unwritable')
    instance = hostile.instance('good.unwritable')
    instance.settings |= {'expires_in': 4}
    home.good('service', 'verify', home.url)
    with script(home, 'rm -r "$(dirname "$ADIT_TOKEN_FILE")"; sleep 7') as running:
        told = running.stderr.read()
        equal(waits(running), 0, told)
    check(told.count('token can\'t be written') == 1, told)


@suite.in_folder('a container\'s first process ends those that are left to it')
def first_process(folder):
    if os.geteuid() or subprocess.run(['unshare', '--pid', '--fork', '--mount-proc', 'true'],
                                      stderr=subprocess.DEVNULL, check=False).returncode:
        print('# skipped: a namespace of processes needs root')
        return
    home = ready(folder, 'good.first')
    command = ['unshare', '--pid', '--fork', '--mount-proc', ADIT, 'run', home.url, '--', 'sh', '-c',
               '(sleep 0.1 & echo $!) >left; read left <left; n=0; '
               'while [ -e /proc/$left ] && [ $n -lt 200 ]; do sleep 0.05; n=$((n + 1)); done; '
               '[ ! -e /proc/$left ]']
    done = subprocess.run(command, env=home.environment, cwd=folder, capture_output=True,
                          check=False, timeout=PATIENCE_S)
    equal((done.returncode, done.stderr), (0, b''), 'it is gone')


@suite.in_folder('signals are passed on')
def signals(folder):
    home = ready(folder, 'good.signals')
    for name in ('INT', 'TERM', 'HUP', 'QUIT', 'USR1', 'USR2'):
        with script(home, f'trap "echo got; exit 5" {name}; echo ready; while :; do sleep 0.05; '
                    'done') as running:
            equal(running.stdout.readline(), 'ready\n', 'it runs')
            running.send_signal(getattr(signal, f'SIG{name}'))
            equal(running.stdout.read(), 'got\n', name)
            equal(waits(running), 5, name)
    with script(home, 'echo ready; exec sleep 1000') as running:
        equal(running.stdout.readline(), 'ready\n', 'it runs')
        running.terminate()
        equal(waits(running), 143, 'SIGTERM')
    check(not os.listdir(home.runtime), 'it is left behind')


COUNTS = """
import signal, time
seen = []
signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
print("rea" + "dy", flush=True)
while not seen:
    time.sleep(0.01)
print("fir" + "st", flush=True)
time.sleep(1)
print("got", len(seen), flush=True)
"""


@suite.in_folder('Ctrl-C comes once')
def once(folder):
    home = ready(folder, 'good.once')
    terminal = Terminal(home, 'run', home.url, '--', '/usr/bin/python3', '-c', COUNTS)
    terminal.until(b'ready')
    # Two that are pending at once would be one.
    terminal.signal(signal.SIGSTOP)
    terminal.type(b'\x03')
    terminal.until(b'first')
    terminal.signal(signal.SIGCONT)
    code, rest = terminal.end()
    equal((code, b'got 1\r\n' in rest), (0, True), repr(rest))


@suite.in_folder('no token: nothing runs')
def no_token(folder):
    home = ready(folder, 'good.none')
    hostile.instance('good.none').settings |= {'password': 'changed', 'refresh': False}
    home.fails(3, 'service', 'verify', home.url)
    home.good('logout', home.url)
    home.fails(3, 'run', home.url, '--', 'touch', 'ran')
    check(not os.path.exists(os.path.join(folder, 'ran')), 'it ran')
    check(not os.listdir(home.runtime), 'it is left behind')


suite.run(4)
hostile.stop()
suite.tap.finish()
