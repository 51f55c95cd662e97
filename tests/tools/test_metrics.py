#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/metrics.md has every metric that the sources write, with its type and labels, and no other;
the alerts name no other either, and every documented reason is counted from the start."""
import glob
import os
import re
import shutil
import subprocess

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
EXAMPLES = 'packaging/prometheus'


def read(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as file:
        return file.read()


def written():
    """{name: (type, labels)} of every family in the sources."""
    families = {}
    for path in glob.glob(os.path.join(SOURCE, 'src/authority/**/*.c'), recursive=True):
        text = read(path)
        for name, kind, labels in re.findall(
                r'\{\s*"((?:adit|process)_\w+)",\s*"(counter|gauge|histogram)",[^{}]*'
                r'\{((?:"\w+",\s*)*)NULL\}', text):
            assert name not in families, f'{name} is there twice'
            families[name] = (kind, tuple(re.findall(r'"(\w+)"', labels)))
        assert len(re.findall(r'"(?:counter|gauge|histogram)",', text)) == len(
            re.findall(r'\{\s*"(?:adit|process)_\w+",\s*"(?:counter|gauge|histogram)",', text)), (
                f'{path}: a family that this test does not see')
    return families


def documented():
    families = {}
    for name, kind, labels in re.findall(
            r'^\| `(\w+)` \| (\w+) \| ([^|]*)\|', read('docs/metrics.md'), re.M):
        assert name not in families, f'{name} is on the page twice'
        families[name] = (kind, tuple(re.findall(r'`(\w+)`', labels)))
    return families


def check_page():
    source, page = written(), documented()
    assert source, 'no metric is found in the sources'
    assert source == page, (
        f'only in the sources: { {k: v for k, v in source.items() if page.get(k) != v} }\n'
        f'only on the page: { {k: v for k, v in page.items() if source.get(k) != v} }')


def check_names():
    for name, (kind, _) in documented().items():
        assert (kind == 'counter') == name.endswith('_total'), f'{name} is a {kind}'
        assert kind != 'histogram' or name.endswith('_seconds'), f'{name} is a {kind}'


def check_reasons():
    listed = re.search(r'\breasons\[\] = \{(.*?)NULL\}', read('src/authority/metrics.c'), re.S)
    counted = set(re.findall(r'"(\w+)"', listed[1]))
    page = read('docs/logging.md').split('\n## Reasons of token_refused\n')[1].split('\n## ')[0]
    reasons = set(re.findall(r'^\| `([a-z_]+)` \| `', page, re.M))
    assert counted == reasons, (
        f'reasons[] of src/authority/metrics.c lacks {sorted(reasons - counted)}, '
        f'and has {sorted(counted - reasons)} that docs/logging.md has not')


def check_alerts():
    known = {'up'}
    for name, (kind, _) in documented().items():
        known |= {name + part for part in ('_bucket', '_sum', '_count')} if kind == 'histogram' \
            else {name}
    expressions = re.findall(r'expr: (.*(?:\n {10,}.*)*)', read(f'{EXAMPLES}/adit.rules.yml'))
    assert expressions, 'there is no alert'
    used = set(re.findall(r'\b(?:adit|process)_\w+', ' '.join(expressions)))
    assert used <= known, f'there is no {sorted(used - known)}'


def promtool(*arguments):
    done = subprocess.run(['promtool', *arguments], cwd=os.path.join(SOURCE, EXAMPLES),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def main():
    tap = Tap()
    tap.run('metrics, their types and labels', check_page)
    tap.run('names by the conventions', check_names)
    tap.run('reasons that are counted from the start', check_reasons)
    tap.run('alerts name what there is', check_alerts)
    if shutil.which('promtool'):
        tap.run('promtool: the rules', promtool, 'check', 'rules', 'adit.rules.yml')
        tap.run('promtool: the configuration', promtool, 'check', 'config', '--syntax-only',
                'prometheus.yml')
    else:
        tap.skip('promtool: the rules and the configuration', 'promtool is not installed')
    tap.finish()


main()
