#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`meson install` puts everything in its place, and what it installed can be used."""
import glob
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
BUILD = os.environ['ADIT_BUILD']
# What systemd-analyze counts against the unit, in tenths: 0 is all closed. The network is
# open, and so is what an authority is for.
EXPOSURE_MAX = 2.0
PROGRAM = '''
#include <adit/guard.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	struct adit_guard_options options = {.size = sizeof(options)};
	struct adit_guard_error error;
	struct adit_guard *guard;

	if (adit_guard_open(&options, &guard, &error) != ADIT_ERROR_INVALID)
		return 1;
	return puts(adit_version()) < 0;
}
'''


def run(*command, **more):
    """A command that must go well, and what it printed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=240, **more)
    assert done.returncode == 0, f'{command}: {done.returncode}\n{done.stdout}{done.stderr}'
    return done.stdout


def described(name):
    with open(os.path.join(BUILD, 'meson-info', f'intro-{name}.json'), encoding='utf-8') as file:
        return json.load(file)


OPTIONS = {option['name']: option['value'] for option in described('buildoptions')}
VERSION = described('projectinfo')['version']
PREFIX = OPTIONS['prefix']


class Installed:
    def __init__(self, destination):
        # Meson writes its list of files into the build folder and nothing else.
        run('meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet',
            '--destdir', destination, env={**os.environ, 'PATH': '/usr/bin:' + os.environ['PATH']})
        self.destination = destination
        self.prefix = destination + PREFIX
        self.libdir = os.path.join(self.prefix, OPTIONS['libdir'])
        self.unit = os.path.join(self.prefix, 'lib/systemd/system/aditd.service')

    def path(self, option, name):
        return os.path.join(self.prefix, OPTIONS[option], name)

    def files(self):
        libdir = self.libdir
        wanted = [self.path('sbindir', 'aditd'), self.path('bindir', 'adit'), self.unit,
                  self.path('datadir', 'bash-completion/completions/adit'),
                  self.path('datadir', 'zsh/site-functions/_adit'),
                  self.path('datadir', 'fish/vendor_completions.d/adit.fish'),
                  self.path('includedir', 'adit/guard.h'), f'{libdir}/libadit.a',
                  f'{libdir}/libadit.so', f'{libdir}/libadit.so.0',
                  f'{libdir}/libadit.so.{VERSION}', f'{libdir}/pkgconfig/libadit.pc',
                  os.path.join(os.path.dirname(self.unit), 'aditd.socket'),
                  f'{self.prefix}/lib/sysusers.d/adit.conf',
                  f'{self.prefix}/lib/tmpfiles.d/adit.conf',
                  self.path('datadir', 'doc/adit/examples/adit.conf'),
                  self.path('datadir', 'doc/adit/examples/Caddyfile')]
        missing = [path for path in wanted if not os.path.isfile(path)]
        assert not missing, missing

    def pages(self):
        """Every page but that of a program that is not installed, and names that lead to them."""
        wanted = {os.path.basename(path) for path in glob.glob(f'{SOURCE}/docs/man/*.[0-9]')}
        wanted -= {'external-api.1'}
        paths = glob.glob(self.path('mandir', 'man*/*'))
        found = {re.sub(r'\.gz\Z', '', os.path.basename(path))
                 for path in paths if not os.path.islink(path)}
        assert wanted and found == wanted, (wanted ^ found)
        nowhere = [path for path in paths if not os.path.exists(path)]
        assert not nowhere, nowhere

    def nothing_else(self):
        """Nothing outside the prefix, nothing of the tests, no modes that are too wide."""
        for path, _, files in os.walk(self.destination):
            for name in files:
                where = os.path.join(path, name)
                assert where.startswith(self.prefix + '/'), where
                assert 'test' not in name and 'external' not in name, where
                assert os.path.islink(where) or not os.stat(where).st_mode & 0o022, where

    def version(self):
        for option, name in (('sbindir', 'aditd'), ('bindir', 'adit')):
            said = run(self.path(option, name), '--version',
                       env={**os.environ, 'LD_LIBRARY_PATH': self.libdir})
            assert VERSION in said, said

    def configure(self, *arguments):
        said = run('pkg-config', f'--define-variable=prefix={self.prefix}', *arguments, 'libadit',
                   env={**os.environ, 'PKG_CONFIG_PATH': f'{self.libdir}/pkgconfig'})
        return said.split()

    def compile(self, folder, *arguments):
        """A program against what is installed, and what it prints."""
        with open(os.path.join(BUILD, 'compile_commands.json'), encoding='utf-8') as file:
            compiler = json.load(file)[0]['command'].split()
        words = compiler[:next(i for i, word in enumerate(compiler) if word.startswith('-'))]
        source, program = os.path.join(folder, 'program.c'), os.path.join(folder, 'program')
        with open(source, 'w', encoding='utf-8') as file:
            file.write(PROGRAM)
        if OPTIONS['b_sanitize'] != 'none':
            words.append('-fsanitize=' + OPTIONS['b_sanitize'])
        run(*words, '-std=c17', '-Wall', '-Werror', '-o', program, source, *arguments)
        return run(program, env={**os.environ, 'LD_LIBRARY_PATH': self.libdir}).strip()

    def links(self, folder):
        said = self.compile(folder, *self.configure('--cflags', '--libs'))
        assert said == VERSION, said
        needed = run('readelf', '-d', os.path.join(folder, 'program'))
        assert '[libadit.so.0]' in needed, needed

    def links_static(self, folder):
        words = self.configure('--cflags', '--libs', '--static')
        words = [f'{self.libdir}/libadit.a' if word == '-ladit' else word for word in words]
        assert self.compile(folder, *words) == VERSION
        needed = run('readelf', '-d', os.path.join(folder, 'program'))
        assert 'libadit' not in needed, needed

    def unit_names_program(self):
        with open(self.unit, encoding='utf-8') as file:
            text = file.read()
        program = os.path.join(PREFIX, OPTIONS['sbindir'], 'aditd')
        assert f'\nExecStart={program} serve\n' in text, text
        assert '@' not in re.sub(r'@(system-service|privileged)\b', '', text), text

    def root(self, folder):
        """The unit alone, in a root whose program is at its place."""
        root = os.path.join(folder, 'root')
        program = os.path.join(PREFIX, OPTIONS['sbindir'], 'aditd')
        for source, target in ((self.unit, '/etc/systemd/system/aditd.service'),
                               (self.path('sbindir', 'aditd'), program)):
            os.makedirs(os.path.dirname(root + target), exist_ok=True)
            shutil.copy(source, root + target)
        return root

    def unit_is_tight(self, folder):
        said = run('systemd-analyze', 'security', '--offline=yes', '--no-pager',
                   f'--root={self.root(folder)}', f'--threshold={int(EXPOSURE_MAX * 10)}',
                   'aditd.service')
        assert 'Overall exposure level' in said, said

    def unit_is_understood(self, folder):
        """An unknown key or value is a warning only, so the words count."""
        place = os.path.join(folder, 'aditd.service')
        with open(self.unit, encoding='utf-8') as file:
            text = file.read()
        # verify looks for the program, which lies elsewhere here.
        installed = self.path('sbindir', 'aditd')
        with open(place, 'w', encoding='utf-8') as file:
            file.write(re.sub('ExecStart=.*/aditd', f'ExecStart={installed}', text))
        sockets = shutil.copy(self.unit.replace('.service', '.socket'), folder)
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', place, sockets],
                              capture_output=True, text=True, check=False, timeout=120)
        said = [line for line in (done.stdout + done.stderr).split('\n') if 'aditd' in line]
        assert not said, said


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='adit-install-') as folder:
        installed = Installed(os.path.join(folder, 'destination'))
        tap.run('every file is at its place', installed.files)
        tap.run('every man page', installed.pages)
        tap.run('nothing else', installed.nothing_else)
        tap.run('the programs say their version', installed.version)
        tap.run('a program links with the library', installed.links, folder)
        tap.run('a program links with the static library', installed.links_static, folder)
        tap.run('the unit names the program', installed.unit_names_program)
        for name, body in (('the unit is understood', installed.unit_is_understood),
                           ('the unit is tight', installed.unit_is_tight)):
            if shutil.which('systemd-analyze'):
                tap.run(name, body, folder)
            else:
                tap.skip(name, 'systemd-analyze is not installed')
    tap.finish()


main()
