#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/requirements.md is true: each requirement is there once, and so is all that it names.
What must be refused is planted into it."""
import functools
import os
import re

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
LEDGER = 'docs/requirements.md'
LAST = 82
TABLES = {'Built': ['No', 'Requirement', 'Code', 'Tests', 'Missing'],
          'Not built yet': ['No', 'Requirement', 'Comes with'],
          'Incidents in the field': ['Where', 'Kind', 'Tests', 'Missing']}
TOPICS = {'abuse', 'attended flow', 'chosen passwords', 'where enabled'}
REFERENCE = re.compile(r'`([\w./-]+\.(?:c|py)):([^`]+)`')


@functools.lru_cache(maxsize=None)
def read(path):
    """The text of a file below the tree's root; None where there is none."""
    if not os.path.isfile(os.path.join(SOURCE, path)):
        return None
    with open(os.path.join(SOURCE, path), encoding='utf-8') as file:
        return file.read()


def rows(text, title):
    """The rows of the table below a heading, each a dictionary by the columns' names."""
    part = re.search(rf'^## {title}\n(.*?)(?=^## |\Z)', text, re.DOTALL | re.MULTILINE)
    lines = re.findall(r'^\|(.*)\|$', part[1] if part else '', re.MULTILINE)
    cells = [[cell.strip() for cell in line.split('|')] for line in lines]
    assert cells and cells[0] == TABLES[title], f'{title}: no table of {TABLES[title]}'
    for row in cells[2:]:
        assert len(row) == len(cells[0]), f'{title}: {len(row)} cells in {row[:2]}'
    return [dict(zip(cells[0], row)) for row in cells[2:]]


def numbers(text):
    """Every number, as often as it is there."""
    return [row['No'] for title in ('Built', 'Not built yet') for row in rows(text, title)]


def check_numbers(text):
    found = numbers(text)
    wanted = [str(number) for number in range(1, LAST + 1)]
    wrong = [number for number in wanted if found.count(number) != 1]
    wrong += [number for number in found if number not in wanted]
    assert not wrong, f'not there exactly once: {", ".join(wrong)}'


def defines(code, name):
    """Whether a function's body begins there: a call or a declaration is none."""
    return re.search(rf'^(?:[a-z]\w*[ *]+)+{re.escape(name)}\([^;{{}}]*\)\n\{{', code, re.MULTILINE)


def is_case(path, name):
    """A cmocka test that is also listed, a fuzz target, or the text of a case in Python."""
    code = read(path)
    if code is None:
        return False
    if path.endswith('.py'):
        return f"'{name}'" in code.replace("\\'", "'")
    listed = path.startswith('fuzz/') or re.search(rf'^\t\t\w+\({re.escape(name)}[,)]', code,
                                                   re.MULTILINE)
    return defines(code, name) and listed


def line_of(code, path, name):
    """Where a case begins: the decorator with its text, or the function's first line."""
    where = code.replace("\\'", "'").find(f"'{name}'") if path.endswith('.py') else \
        defines(code, name).start()
    return code.count('\n', 0, where)


def named_by(path, name):
    """The requirements that a case names: in the comment above it, or itself, as test_36_x does."""
    lines = read(path).split('\n')
    first = line = line_of(read(path), path, name)
    while first and re.match(r'\s*(#|/\*|\* )', lines[first - 1]):
        first -= 1
    comment = ' '.join(part.strip(' */#') for part in lines[first:line])
    said = re.findall(r'[Rr]equirements? (\d[\d, and]*)', f'{comment} {name}')
    return set(re.findall(r'\d+', ' '.join(said))) | set(re.findall(r'^test_(\d+)_', name))


def references(row, column):
    """What a cell names, each a file and a name; a cell of anything else is refused."""
    found = REFERENCE.findall(row[column])
    rest = REFERENCE.sub('', row[column]).strip()
    first = next(iter(row.values()))
    assert found and not rest, f'{first}: {column} is {row[column] or "empty"!r}'
    return found


def check_code(text):
    wrong = [f'{path}:{name}' for row in rows(text, 'Built')
             for path, name in references(row, 'Code')
             if not path.startswith('src/') or not defines(read(path) or '', name)]
    assert not wrong, f'no such function: {", ".join(wrong)}'


def check_tests(text):
    wrong = [f'{path}:{name}' for title in ('Built', 'Incidents in the field')
             for row in rows(text, title) for path, name in references(row, 'Tests')
             if not path.startswith(('tests/', 'fuzz/')) or not is_case(path, name)]
    assert not wrong, f'no such test: {", ".join(wrong)}'


def check_names(text):
    """At least one of a requirement's cases names it too."""
    wrong = [row['No'] for row in rows(text, 'Built')
             if not any(row['No'] in named_by(path, name)
                        for path, name in references(row, 'Tests'))]
    assert not wrong, f'no case of its own names it: {", ".join(wrong)}'


def check_topics(text):
    wrong = [f'{row["No"]}: {row["Comes with"]}' for row in rows(text, 'Not built yet')
             if row['Comes with'] not in TOPICS or not row['Requirement']]
    assert not wrong, f'comes with nothing known: {", ".join(wrong)}'


CHECKS = (check_numbers, check_code, check_tests, check_names, check_topics)


def fails(text):
    for body in CHECKS:
        try:
            body(text)
        except AssertionError:
            return True
    return False


def check_refusals(tap, text):
    """Each breach, planted into the ledger as it is."""
    function, case = 'src/jose/jws.c:jws_verify', 'tests/jose/test_attacks.c:test_jwe'
    for name, old, new in (
            ('a number that is missing', r'^\| 9 \|.*\n', ''),
            ('a number that is there twice', r'^(\| 9 \|.*\n)', r'\1\1'),
            ('a number in both tables', r'^\| 9 \|', '| 33 |'),
            ('a number beyond the last', r'^\| 9 \|', f'| {LAST + 1} |'),
            ('a file that is not there', function, 'src/jose/jwz.c:jws_verify'),
            ('a function that is not there', function, 'src/jose/jws.c:jws_verifies'),
            ('a function that is only called there', function, 'src/jose/jws.c:crypto_verify'),
            ('a test file that is not there', case, 'tests/jose/test_attack.c:test_jwe'),
            ('a case that is not there', case, 'tests/jose/test_attacks.c:test_jw'),
            ('a function of a test file that is no case', case, 'tests/jose/test_attacks.c:judge'),
            ('a case in Python that is there in part', 'both kinds of framing at once are refused',
             'both kinds of framing at once'),
            ('a line whose tests name others', r'`tests/blackbox/test_resource_verbs.py:scopes.*` ',
             f'`{case}` '),
            ('a line without a test', r'^(\| 44 \|.*\| )`tests.*` ', r'\1'),
            ('a line with words for a test', r'^(\| 44 \|.*\| )`tests.*` ', r'\1later '),
            ('an incident without a test', r'^(\| Java .*\| )`tests.*` ', r'\1'),
            ('a topic that is none', r'^(\| 8 \|.*\|) attended flow \|', r'\1 some day |'),
            ('a table that is not there', '^## Not built yet', '## Later')):
        planted = re.sub(old, new, text, count=1, flags=re.MULTILINE)
        tap.case(planted != text and fails(planted), f'refused: {name}')


def main():
    tap = Tap()
    text = read(LEDGER)
    tap.case(text is not None, f'{LEDGER} is there')
    tap.run(f'the requirements 1 to {LAST} are there, each once', check_numbers, text)
    tap.run('every function that is named is there', check_code, text)
    tap.run('every test that is named is there', check_tests, text)
    tap.run('every requirement is named by one of its tests', check_names, text)
    tap.run('what is not built comes with something known', check_topics, text)
    check_refusals(tap, text)
    tap.finish()


main()
