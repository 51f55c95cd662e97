#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The shells' completions are those of the options that adit has, and the shells take them."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../tools'))

from tap import Tap

SOURCE = os.environ['ADIT_SOURCE']
ADIT = os.path.abspath(sys.argv[2])
FOLDER = os.path.join(SOURCE, 'packaging/completion')
BASH = '''
source %s/adit.bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_adit
printf '%%s\\n' "${COMPREPLY[@]}"
'''


def run(*command):
    return subprocess.run(command, check=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE).stdout


def said():
    return json.loads(run(ADIT, 'help', '--json'))


def words_of(command):
    return [word for word in (command.get('noun'), command['name']) if word]


def options_of(command):
    everything = said()
    options = command['options'] + everything['plain_options']
    options += everything['client_options'] if command['uses_client'] else []
    return {f'--{option["name"]}' for option in options}


def check_written():
    """Whoever changes an option runs packaging/completion/generate."""
    with tempfile.TemporaryDirectory() as folder:
        run(os.path.join(FOLDER, 'generate'), ADIT, folder)
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding='utf-8') as new, \
                    open(os.path.join(FOLDER, name), encoding='utf-8') as old:
                assert new.read() == old.read(), f'{name} is not what generate writes'
        assert set(os.listdir(folder)) | {'generate'} == set(os.listdir(FOLDER))


def bash(*words):
    return set(run('bash', '--norc', '-c', BASH % FOLDER, 'bash', *words).split('\n')) - {''}


def check_bash():
    firsts = {words_of(command)[0] for command in said()['commands']}
    assert bash('adit', '') >= firsts | {'help'}, bash('adit', '')
    assert bash('adit', 'to') == {'token'}
    assert bash('adit', 'service', '') == {'set', 'verify', 'rotate', 'forget'}
    for command in said()['commands']:
        found = bash('adit', *words_of(command), '--')
        assert found == options_of(command), (words_of(command), found)
    assert bash('adit', 'token', 'URL', '--ca-file', '/etc/passw') >= {'/etc/passwd'}
    assert bash('adit', 'token', '--state-dir', '/et') == {'/etc'}
    assert bash('adit', 'token', '--scope', '-') == set()
    assert 'printf' in bash('adit', 'run', 'URL', '--', 'print')


def fish(line):
    text = run('fish', '--no-config', '-c', f'source {FOLDER}/adit.fish; complete -C "{line}"')
    return {found.split('\t')[0] for found in text.split('\n')} - {''}


def check_fish():
    assert fish('adit ') >= {words_of(command)[0] for command in said()['commands']}
    assert fish('adit service ') == {'set', 'verify', 'rotate', 'forget'}
    for command in said()['commands']:
        found = fish(f'adit {" ".join(words_of(command))} --')
        assert found == options_of(command), (words_of(command), found ^ options_of(command))


# The shell's own functions need a terminal: these say what they would get.
ZSH = """
_describe() { print -rl -- "${(@P)2}" }
_arguments() {
	[[ $1 == -C ]] || { print -rl -- "$@"; return }
	state=argument words=("${words[@]:1}")
}
words=(%s)
source %s/_adit
"""


def check_zsh():
    run('zsh', '-n', os.path.join(FOLDER, '_adit'))
    for command in said()['commands']:
        found = run('zsh', '-f', '-c', ZSH % (' '.join(['adit', *words_of(command)]), FOLDER))
        found = {match for match in re.findall(r'^(?:\([^)]*\))?(--[a-z-]+)=?\[', found, re.M)}
        assert found == options_of(command), (words_of(command), found ^ options_of(command))


def main():
    tap = Tap()
    tap.run('they are as generate writes them', check_written)
    for shell, body in (('bash', check_bash), ('fish', check_fish), ('zsh', check_zsh)):
        if shutil.which(shell):
            tap.run(f'{shell} proposes commands and options', body)
        else:
            tap.skip(f'{shell} proposes commands and options', f'{shell} is not installed')
    tap.finish()


main()
