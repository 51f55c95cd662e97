#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/logging.md has every event, field and reason that the sources write, and no other."""
import glob
import os
import re

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
# Where the reasons of token_refused come from.
DECIDING = ['client_assertion.c', 'client_auth.c', 'context.c', 'token_attempt.c', 'token_call.c',
            'endpoint/token.c', 'endpoint/introspection.c', 'endpoint/revocation.c', 'grant/*.c']


def read(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as file:
        return file.read()


def sources(*patterns):
    paths = [path for pattern in patterns
             for path in glob.glob(os.path.join(SOURCE, pattern), recursive=True)]
    assert paths, f'no source matches {patterns}'
    return {os.path.relpath(path, SOURCE): read(path) for path in sorted(paths)}


def written_events():
    """{event: (level, fields)} of every LOG_EVENT in the sources."""
    events = {}
    for path, text in sources('src/**/*.c', 'samples/**/*.c').items():
        for call in re.findall(r'\bLOG_EVENT\((.*?)\);', text, re.S):
            found = re.search(r'LOG_LEVEL_([A-Z]+),\s*"([a-z_]+)"', call)
            assert found, f'{path}: the event of "{call}" is not to be seen'
            fields = set(re.findall(r'\blog_(?:text|number)\(\s*"([a-z_]+)"', call))
            level, known = events.get(found[2], (found[1].lower(), set()))
            assert level == found[1].lower(), f'{path}: {found[2]} has two levels'
            events[found[2]] = (level, known | fields)
        assert path == 'src/base/log.c' or 'log_write(' not in text, f'{path}: use LOG_EVENT'
    return events


def documented_events(page):
    part = page.split('\n## Events\n')[1].split('\n## ')[0]
    events = {}
    for section in part.split('\n### ')[1:]:
        title = re.match(r'([a-z_]+) \(([a-z]+)\)\n', section)
        assert title, f'"{section[:40]}": no "event (level)"'
        events[title[1]] = (title[2], set(re.findall(r'^\| `([a-z_]+)` \|', section, re.M)))
    return events


def written_reasons():
    """Literals where a reason stands, in the files that decide."""
    reasons = set()
    place = (r'(?:\.reason = |return |[?:] |fail_(?:invalid_client|saying|subject)\(\s*call, |'
             r'refuse\(\s*problem, |'
             r'wrong_credentials\(\s*call, |wrong_refresh_token\(\s*call, )"([a-z_]+)"')
    for text in sources(*(f'src/authority/{name}' for name in DECIDING)).values():
        reasons |= set(re.findall(place, text))
    # The store's verdicts on a refresh token are reasons too.
    schema = read('src/store/sql/0001_first_token.sql')
    verdicts = set(re.findall(r"'(\w+)'", re.search(r'reason IN \((.*?)\)', schema)[1]))
    # A client's own revocation is no verdict: what comes later is revoked_before.
    return reasons | (verdicts - {'revoked'})


def documented_reasons(page):
    part = page.split('\n## Reasons of token_refused\n')[1].split('\n## ')[0]
    return set(re.findall(r'^\| `([a-z_]+)` \| `', part, re.M))


def check_events(page):
    written, documented = written_events(), documented_events(page)
    assert written, 'no event is found in the sources'
    assert written == documented, (
        f'only in the sources: { {k: v for k, v in written.items() if documented.get(k) != v} }\n'
        f'only on the page: { {k: v for k, v in documented.items() if written.get(k) != v} }')


def check_reasons(page):
    written, documented = written_reasons(), documented_reasons(page)
    assert written == documented, (
        f'only in the sources: {sorted(written - documented)}\n'
        f'only on the page: {sorted(documented - written)}')


def main():
    tap = Tap()
    page = read('docs/logging.md')
    tap.run('events, their levels and fields', check_events, page)
    tap.run('reasons of token_refused', check_reasons, page)
    tap.finish()


main()
