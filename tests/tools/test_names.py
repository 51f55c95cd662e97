#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Files and functions that the documents name are there, and links lead somewhere."""
import glob
import os
import re

from tap import Tap

SOURCE = os.environ.get('ADIT_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../..'))
FOLDER = (r'(?:docs|include|src|samples|tests|tools|fuzz|bench|authority|libadit|guard|issuer|'
          r'store|net|jose|codec|oauth|base)/')
# In backticks; or with an ending, as in a diagram.
PATH = re.compile(rf'`(?:\./)?({FOLDER}[\w./-]*)`|(?<![\w/.])({FOLDER}[\w./-]*\.[a-z0-9]+)\b')
FUNCTION = re.compile(r'\b([a-z]\w*)\(\)')
LINK = re.compile(r'\]\((?!https?:)([^)#]+)\)')


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def path_exists(name):
    """As it stands, below src/, or a module (`store/access`) of there."""
    places = [os.path.join(SOURCE, name), os.path.join(SOURCE, 'src', name)]
    return any(os.path.exists(place) or os.path.exists(place + '.h') for place in places)


def check(document, code):
    text = read(document)
    wrong = [name for pair in PATH.findall(text) for name in pair
             if name and not path_exists(name)]
    wrong += [f'{name}()' for name in FUNCTION.findall(text)
              if not re.search(rf'\b{name}\(', code)]
    wrong += [link for link in LINK.findall(text)
              if not os.path.exists(os.path.join(os.path.dirname(document), link))]
    assert not wrong, f'named and not there: {", ".join(sorted(set(wrong)))}'


def main():
    tap = Tap()
    code = '\n'.join(read(path) for folder in ('src', 'include', 'samples')
                     for path in glob.glob(os.path.join(SOURCE, folder, '**/*.[ch]'),
                                           recursive=True))
    documents = [path for pattern in ('*.md', 'docs/*.md', 'docs/adr/*.md')
                 for path in sorted(glob.glob(os.path.join(SOURCE, pattern)))]
    for document in documents:
        tap.run(os.path.relpath(document, SOURCE), check, document, code)
    tap.finish()


main()
