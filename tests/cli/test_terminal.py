#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""adit on a terminal: a password is typed and not seen, the terminal is left as it was, and there
is colour where nobody refused it."""
import re
import signal
import termios

from command import ADIT, Home, Terminal, check, equal

from hostile_authority import PASSWORD, Hostile
from harness import Folder, Suite

suite = Suite()
hostile = Hostile()


def modes(terminal):
    """The local modes, of which echo is one."""
    return termios.tcgetattr(terminal)[3]


def entering(home, name, *more):
    """adit that asks for a password, and the terminal's modes of before it."""
    terminal = Terminal(home, 'service', 'set', hostile.url(name), '-u', 'anyone', *more)
    terminal.until(b'assword')
    check(not modes(terminal.terminal) & termios.ECHO, 'it echoes')
    return terminal


@suite.in_folder('a password that is typed')
def typed(folder):
    home = Home(folder)
    terminal = entering(home, 'good.typed')
    terminal.type(PASSWORD.encode() + b'\n')
    seen = terminal.until(b'verified')
    check(PASSWORD.encode() not in seen, repr(seen))
    code, rest = terminal.end()
    equal(code, 0, repr(rest))
    home.good('token', hostile.url('good.typed'))


class Shell(Terminal):
    """A shell that runs adit, so that the terminal can be looked at after adit has ended."""

    program = '/bin/bash'

    def __init__(self, home, name):
        super().__init__(home, '--norc', '-c', 'trap : INT QUIT; "$@"; echo "code=$?"; stty -a',
                         'bash', ADIT, 'service', 'set', hostile.url(name), '-u', 'anyone')


@suite.case('Ctrl-C', b'\x03', 130)
@suite.case('Ctrl-\\', b'\x1c', 131)
def interrupted(key, wanted):
    with Folder() as folder:
        home = Home(folder)
        shell = Shell(home, f'good.key-{wanted}')
        shell.until(b'assword')
        shell.type(b'half' + key)
        shell.until(b'code=')
        code, rest = shell.end()
        equal(rest.split()[0].decode(), str(wanted), repr(rest))
        check(re.search(rb'[ ;]echo\b', rest) and not re.search(rb'-echo\b', rest), repr(rest))
        check(b'half' not in rest, repr(rest))
        equal(code, 0, 'the shell')
        equal(hostile.instance(f'good.key-{wanted}').counts['token'], 0, 'requests')


@suite.case('SIGINT', signal.SIGINT, 130)
@suite.case('SIGTERM', signal.SIGTERM, 143)
@suite.case('SIGHUP', signal.SIGHUP, 129)
def signalled(number, wanted):
    with Folder() as folder:
        home = Home(folder)
        terminal = entering(home, f'good.signal-{wanted}')
        terminal.type(b'half')
        terminal.signal(number)
        code, rest = terminal.end()
        equal(code, wanted, repr(rest))
        check(b'half' not in rest, repr(rest))


@suite.in_folder('colour on a terminal, but where it is refused')
def colour(folder):
    home = Home(folder)
    home.good('service', 'set', hostile.url('good.colour'), '-u', 'anyone', '--password-fd', '0',
              given=PASSWORD.encode())
    check('\033' not in home.good('status'), 'colour without a terminal')
    for environment, wanted in (({}, True), ({'NO_COLOR': '1'}, False), ({'NO_COLOR': ''}, True),
                                ({'TERM': 'dumb'}, False)):
        code, seen = Terminal(home, 'status', **environment).end()
        equal((code, b'\033[' in seen), (0, wanted), f'{environment} {seen!r}')
        check(b'authority' in seen and b'good.colour' in seen, repr(seen))


suite.run(4)
hostile.stop()
suite.tap.finish()
