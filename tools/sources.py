# SPDX-License-Identifier: Apache-2.0
"""The project's own files, for the checks: without git, so that a plain copy is checked too."""
import os

SKIPPED = {'.git', 'node_modules', '__pycache__'}  # .git is a file in a work tree


def files(root):
    """Every file below root, relative to it, sorted; build folders and what is installed apart."""
    found = []
    for folder, folders, names in os.walk(root):
        if folder == root:
            folders[:] = [name for name in folders if not name.startswith('build')]
        folders[:] = sorted(set(folders) - SKIPPED)
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in found if path != '.git' and not os.path.islink(os.path.join(root, path)))


def lines(root, path):
    with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
        return file.read().splitlines()


def root_of(arguments):
    """The project's root: the only argument, else the folder above this one."""
    if len(arguments) > 2 or (len(arguments) == 2 and not os.path.isdir(arguments[1])):
        raise SystemExit(f'{os.path.basename(arguments[0])}: usage: {arguments[0]} [FOLDER]')
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.abspath(arguments[1] if len(arguments) == 2 else here)


def report(name, breaches, checked):
    """Prints a breach a line, `file:line: what`; gives the exit status."""
    for breach in breaches:
        print(breach)
    print(f'{name}: {checked} files, {len(breaches)} breaches')
    return 1 if breaches or not checked else 0
