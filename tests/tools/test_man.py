#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages say of every verb of aditd and every command of adit what `--help` says, of the
configuration file which keys there are, and of the library what its headers show: both ways."""
import glob
import json
import os
import re
import subprocess
import tempfile

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
BUILD = os.environ.get('ADIT_BUILD', os.path.join(SOURCE, 'build/gcc'))
ADITD = os.path.join(BUILD, 'src/authority/aditd')
ADIT = os.path.join(BUILD, 'src/cli/adit')
MAN = os.path.join(SOURCE, 'docs/man')


def aditd(*arguments):
    return subprocess.run([ADITD, *arguments], text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def verbs():
    """Each verb with its arguments, as `aditd --help` lists them: 'site add' -> 'ID'."""
    lines = re.findall(r'^  aditd ((?:[a-z-]+ ?)+)(.*?)  +\S.*$', aditd('--help').stdout, re.M)
    return {verb.strip(): arguments.strip() for verb, arguments in lines}


def help_options(verb):
    """{option: the name of its value or '', and whether it may be given again}."""
    found = re.findall(r'^  --([a-z-]+)( \S+)?  *\S.*?(; repeatable)?$',
                       aditd(*verb.split(), '--help').stdout, re.M)
    return {name: (value.strip(), bool(again)) for name, value, again in found}


def section(page, title):
    with open(os.path.join(MAN, page), encoding='utf-8') as file:
        found = re.search(rf'^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)', file.read(), re.M | re.S)
    assert found, f'{page} has no section {title}'
    return found[1]


def items(page, title):
    """The options that a list in that section describes."""
    found = re.findall(r'^\.It Fl -([a-z-]+)(?: Ar (\S+))?', section(page, title), re.M)
    return dict(found)


def synopses():
    """{verb: (page, arguments, options as help_options() has them, common options too)}."""
    result = {}
    common = {name: (value, False) for name, value in items('aditd.8', 'COMMON OPTIONS').items()}
    for path in glob.glob(os.path.join(MAN, 'aditd-*.8')):
        page = os.path.basename(path)
        for form in section(page, 'SYNOPSIS').split('.Nm aditd ')[1:]:
            verb, _, rest = form.partition('\n')
            options = dict(common) if '.Op Ar common options' in rest else {}
            arguments = re.findall(r'^\.(Op )?Ar ([A-Z]+)$', rest, re.M)
            for name, value, again in re.findall(
                    r'^\.(?:Op )?Fl -([a-z-]+)(?: Ar (\S+))?( \.\.\.)?$', rest, re.M):
                options[name] = (value, bool(again))
            shown = ' '.join(f'[{name}]' if optional else name for optional, name in arguments)
            result[verb] = (page, shown, options)
    return result


def check_verb(verb, arguments, synopsis):
    page, shown, options = synopsis
    assert shown == arguments, f'{page}: arguments "{shown}", --help "{arguments}"'
    expected = help_options(verb)
    assert expected, f'aditd {verb} --help shows no option'
    assert options == expected, (
        f'{page}: only there {dict(options.items() - expected.items())}, '
        f'only in --help {dict(expected.items() - options.items())}')
    described = {**items('aditd.8', 'COMMON OPTIONS'), **items(page, 'OPTIONS')}
    for name, (value, _) in expected.items():
        assert described.get(name) == value, f'{page} does not describe --{name} {value}'


def check_nothing_else(page, synopsis_options):
    described = set(items(page, 'OPTIONS'))
    assert described <= synopsis_options, (
        f'{page} describes options that its verbs do not have: {described - synopsis_options}')


def file_knows(key):
    """Whether the configuration file may hold that key: asked of aditd."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'aditd.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'{key} = true\n')
        done = aditd('site', 'list', '--config', path, '--data', os.path.join(folder, 'none'))
    assert done.returncode == 2, done.stdout
    return 'there is no key' not in done.stdout


def check_configuration():
    described = set(re.findall(r'^\.It Li (\S+)$', section(r'aditd.conf.5', 'KEYS'), re.M))
    taken = {name for name in help_options('serve') if file_knows(name)}
    assert described == taken, f'aditd.conf.5 {described}, aditd {taken}'
    assert not file_knows('nonsense')


def example_options(path):
    """{member: value} of the guard's options in the first example of that file."""
    with open(os.path.join(SOURCE, path), encoding='utf-8') as file:
        example = re.search(r'struct adit_guard_options options = \{(.*?)\};', file.read(), re.S)
    assert example, f'{path} has no example'
    return dict(re.findall(r'\.(\w+) = (.*),$', example[1], re.M))


def check_examples():
    header = example_options('include/adit/guard.h')
    page = example_options('docs/man/adit_guard_open.3')
    assert header == page, f'guard.h {header}, adit_guard_open.3 {page}'
    assert int(page['leeway_s']) > 0, 'a clock a second behind refuses the newest tokens'


# --- adit --------------------------------------------------------------------------------------

def shape(options):
    """{name: (letter or '', value or '')}."""
    return {option['name']: (option.get('letter', ''), option.get('value', ''))
            for option in options}


def tagged(page, title):
    """The same of what a section's list describes."""
    found = re.findall(r'^\.It (?:Fl (\w) , )?Fl -([a-z-]+)(?: Ar (\S+))?$', section(page, title),
                       re.M)
    return {name: (letter, value) for letter, name, value in found}


def adit_synopses(page):
    """{command: (arguments in order, {option: value}, whether client options too)}."""
    result = {}
    name = page.removesuffix('.1').replace('-', ' ')
    for form in re.split(rf'^\.Nm (?={name}\b)', section(page, 'SYNOPSIS'), flags=re.M)[1:]:
        command, _, rest = form.partition('\n')
        options = dict(re.findall(r'^\.Op Fl -([a-z-]+)(?: Ar (\S+))?$', rest, re.M))
        shown = ' '.join(f'[{word}]' if optional else word for optional, word in re.findall(
            r'^\.(Op )?Ar ([A-Z-]+)(?: \.\.\.)?$', rest, re.M))
        result[command.removeprefix('adit ')] = (
            shown, options, '.Op Ar client options' in rest)
    return result


def check_adit(said, command):
    words = ' '.join(filter(None, (command.get('noun'), command['name'])))
    page = command['page'] + '.1'
    shown, options, client = adit_synopses(page)[words]
    arguments = command['arguments'].replace('-- ', '').replace('...', '')
    assert shown == arguments, f'{page}: "{shown}", --help "{arguments}"'
    assert client == command['uses_client'], f'{page}: client options'
    wanted = shape(command['options'])
    assert options == {name: value for name, (_, value) in wanted.items()}, (
        f'{page}: {options}, --help {wanted}')
    together = shape(option for other in said['commands'] if other['page'] == command['page']
                     for option in other['options'])
    described = tagged(page, 'OPTIONS') if together else {}
    assert described == together, f'{page}: {described}, --help {together}'


def check_adit_pages(said):
    pages = {os.path.basename(path) for path in glob.glob(os.path.join(MAN, 'adit-*.1'))}
    assert pages == {command['page'] + '.1' for command in said['commands']}, pages
    listed = set(re.findall(r'^\.It Cm adit (\S+)$', section('adit.1', 'DESCRIPTION'), re.M))
    assert listed == {command.get('noun', command['name']) for command in said['commands']}, listed
    for title, options in (('CLIENT OPTIONS', 'client_options'),
                           ('COMMON OPTIONS', 'plain_options')):
        described = tagged('adit.1', title)
        assert described == shape(said[options]), f'{title}: {described}, {shape(said[options])}'


def check_adit_codes():
    """The header's exit codes, and the page's."""
    with open(os.path.join(SOURCE, 'src/cli/command.h'), encoding='utf-8') as file:
        codes = re.findall(r'^\tEXIT_\w+ = (\d+)', file.read(), re.M)
    described = re.findall(r'^\.It (\d+)$', section('adit.1', 'EXIT STATUS'), re.M)
    assert described == [code for code in codes if int(code) < 128], (described, codes)


def check_commands_of_adit(tap):
    said = json.loads(subprocess.run([ADIT, 'help', '--json'], check=True, timeout=60,
                                     stdout=subprocess.PIPE).stdout)
    for command in said['commands']:
        tap.run(f'adit {command.get("noun", "")} {command["name"]}', check_adit, said, command)
    tap.run('the pages of adit', check_adit_pages, said)
    tap.run('the exit codes of adit', check_adit_codes)


def prototypes():
    """{function: its type and arguments}, of all public headers."""
    result = {}
    for path in glob.glob(os.path.join(SOURCE, 'include/adit/*.h')):
        with open(path, encoding='utf-8') as file:
            found = re.findall(r'^ADIT_PUBLIC ([^;(]*?)(\w+)\(([^;]*)\);', file.read(), re.M)
        for kind, name, arguments in found:
            result[name] = (kind.strip(), tuple(re.split(r',\s*', arguments.strip())))
    return result


def described_functions():
    """{function: (page, type, arguments)}, of all pages of section 3."""
    result = {}
    for path in glob.glob(os.path.join(MAN, '*.3')):
        text = section(os.path.basename(path), 'SYNOPSIS')
        forms = r'^\.Ft (.*)\n((?:\.Fo .*\n(?:\.Fa .*\n)*\.Fc|\.Fn .*))$'
        for kind, form in re.findall(forms, text, re.M):
            name = form.split()[1]
            arguments = re.findall(r'"([^"]*)"', form) or form.split()[2:]
            result[name] = (os.path.basename(path), kind, tuple(arguments))
    return result


def check_functions():
    """Each function that the library exports, as its header has it, and found by its name."""
    with open(os.path.join(SOURCE, 'src/libadit/symbols.txt'), encoding='utf-8') as file:
        exported = {line.strip() for line in file if line.strip() and line[0] != '#'}
    pages, headers = described_functions(), prototypes()
    assert set(pages) == exported, f'pages {set(pages) ^ exported} exported'
    with open(os.path.join(SOURCE, 'docs/meson.build'), encoding='utf-8') as file:
        installed = file.read()
    for name, (page, kind, arguments) in pages.items():
        assert (kind, arguments) == headers[name], f'{page}: {kind, arguments}, {headers[name]}'
        at = f"'man/{name}.3'" if page == f'{name}.3' else f"'{name}': '{page[:-2]}'"
        assert at in installed, f'docs/meson.build has no {at}'


def check_members():
    """Each member of the structures that a caller fills in or reads."""
    pages = {'adit_client_options': 'adit_client_set_options', 'adit_client_hooks':
             'adit_client_set_hooks', 'adit_client_error': 'adit_client_last_error',
             'adit_device_code': 'adit_client_set_hooks', 'adit_call': 'adit_client_call',
             'adit_answer': 'adit_client_call', 'adit_wait': 'adit_client_start'}
    with open(os.path.join(SOURCE, 'include/adit/client.h'), encoding='utf-8') as file:
        header = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)
    for structure, page in pages.items():
        body = re.search(rf'^struct {structure} \{{$(.*?)^\}};$', header, re.M | re.S)[1]
        members = re.findall(r'(\w+)(?:\[\d+\])?;|\(\*(\w+)\)', body)
        assert members, structure
        text = section(page + '.3', 'DESCRIPTION')
        # Of every structure adit_client_open.3 says what `size` and `context` are for.
        for name in {one or other for one, other in members} - {'size', 'expires_in_s'}:
            assert re.search(rf'\b{name}\b', text), f'{page}.3 does not say what {name} is'


def main():
    tap = Tap()
    check_commands_of_adit(tap)
    known = verbs()
    written = synopses()
    tap.case(known and set(known) == set(written), 'the pages have every verb, and no other',
             f'without a page: {set(known) - set(written)}; no verb: {set(written) - set(known)}')
    for verb in sorted(set(known) & set(written)):
        tap.run(f'aditd {verb}', check_verb, verb, known[verb], written[verb])
    for page in sorted({page for page, _, _ in written.values()}):
        options = set().union(*(options for at, _, options in written.values() if at == page))
        tap.run(f'{page} describes nothing else', check_nothing_else, page, options)
    tap.run('aditd.conf.5 has the keys that aditd takes', check_configuration)
    tap.run('the examples of the guard set the same options', check_examples)
    tap.run('every exported function has its page', check_functions)
    tap.run('the pages say what every member is', check_members)
    tap.finish()


main()
