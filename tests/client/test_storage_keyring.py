#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The desktop's keyring as the place of a storage's key: a real one, gnome-keyring, on a session
bus of the test's own. It answers, is locked, has lost the key, hangs, or is not there.

test_storage_keyring.py PROBE      (PROBE is storage_probe.c)
"""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ['ADIT_SOURCE'], 'tests', 'tools'))
import tap  # noqa: E402

PROBE = sys.argv[1]
TEXT = 'kept'
UNAVAILABLE = -9
REFUSED = -8
LIMIT_S = 3
# What a probe may take beyond its limit on a machine that does much else.
SLACK_S = 10
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Desktop:
    """A bus of its own, on which nothing is started by itself, and a home."""

    def __init__(self, folder):
        self.folder = folder
        self.keyring = None
        config = os.path.join(folder, 'bus.conf')
        with open(config, 'w', encoding='ascii') as file:
            file.write(BUS.format(folder=folder))
        self.bus = subprocess.Popen(
            ['dbus-daemon', f'--config-file={config}', '--print-address', '--nofork'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        address = self.bus.stdout.readline().strip()
        assert address, 'the bus did not start'
        self.environment = {
            'PATH': os.environ['PATH'], 'HOME': folder, 'XDG_RUNTIME_DIR': folder,
            'DBUS_SESSION_BUS_ADDRESS': address}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS', 'TSAN_OPTIONS'):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def start_keyring(self, password):
        """With a password it is unlocked, and made where there is none."""
        arguments = ['gnome-keyring-daemon', '--foreground', '--components=secrets',
                     f'--control-directory={self.folder}/control']
        self.keyring = subprocess.Popen(
            arguments + (['--unlock'] if password else []), env=self.environment,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if password:
            self.keyring.stdin.write(password.encode())
        self.keyring.stdin.close()
        for _ in range(600):
            if self.owns('org.freedesktop.secrets'):
                return
            time.sleep(0.05)
        raise AssertionError('the keyring did not start')

    def owns(self, name):
        answer = subprocess.run(
            ['dbus-send', '--session', '--print-reply', '--dest=org.freedesktop.DBus', '/',
             'org.freedesktop.DBus.NameHasOwner', f'string:{name}'],
            env=self.environment, capture_output=True, text=True, check=False)
        return 'boolean true' in answer.stdout

    def stop_keyring(self):
        if self.keyring:
            self.keyring.send_signal(signal.SIGCONT)
            self.keyring.kill()
            self.keyring.wait()
        self.keyring = None

    def close(self):
        self.stop_keyring()
        self.bus.send_signal(signal.SIGCONT)
        self.bus.kill()
        self.bus.wait()
        self.bus.stdout.close()

    def probe(self, key, *verb, environment=None):
        """The error, what was said, and how long it took."""
        began = time.monotonic()
        answer = subprocess.run(
            [PROBE, os.path.join(self.folder, 'storage'), key, *verb],
            env=environment or self.environment, capture_output=True, text=True, check=False,
            timeout=60)
        took = time.monotonic() - began
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert not answer.stderr, answer.stderr
        number, _, text = answer.stdout.strip().partition(' ')
        return int(number), text, took


@contextlib.contextmanager
def desktop(password='pass'):
    folder = tempfile.mkdtemp(prefix='adit-keyring-')
    scene = Desktop(folder)
    try:
        if password is not None:
            scene.start_keyring(password)
        yield scene
    finally:
        scene.close()
        shutil.rmtree(folder)


def check(result, number, words):
    assert result[0] == number and words in result[1], result


def has_key_file(scene):
    return os.path.exists(os.path.join(scene.folder, 'storage', 'key'))


def test_answers():
    with desktop() as scene:
        check(scene.probe('keyring', 'put', TEXT), 0, f'keyring {TEXT}')
        assert not has_key_file(scene)
        check(scene.probe('-', 'get'), 0, f'keyring {TEXT}')
        with open(os.path.join(scene.folder, 'storage', 'format'), encoding='ascii') as file:
            assert '"key":"keyring"' in file.read()


def test_standard():
    with desktop() as scene:
        check(scene.probe('-', 'put', TEXT), 0, f'keyring {TEXT}')
        assert not has_key_file(scene)


def test_restart():
    """The key is on disk, and opens again with the password."""
    with desktop() as scene:
        check(scene.probe('-', 'put', TEXT), 0, f'keyring {TEXT}')
        scene.stop_keyring()
        scene.start_keyring('pass')
        check(scene.probe('-', 'get'), 0, f'keyring {TEXT}')


def test_two_directories():
    with desktop() as scene:
        check(scene.probe('keyring', 'put', TEXT), 0, f'keyring {TEXT}')
        first = os.path.join(scene.folder, 'storage')
        os.rename(first, first + '.first')
        check(scene.probe('keyring', 'put', 'other'), 0, 'keyring other')
        check(scene.probe('-', 'get'), 0, 'keyring other')
        os.rename(first, first + '.second')
        os.rename(first + '.first', first)
        check(scene.probe('-', 'get'), 0, f'keyring {TEXT}')


def test_locked():
    """Nobody is asked to unlock it, and nothing waits for that."""
    with desktop() as scene:
        check(scene.probe('keyring', 'put', TEXT), 0, f'keyring {TEXT}')
        scene.stop_keyring()
        scene.start_keyring(None)
        result = scene.probe('-', 'get')
        check(result, UNAVAILABLE, "keyring is locked: unlock it")
        check(scene.probe('-', 'put', 'x'), UNAVAILABLE, "keyring is locked: unlock it")


def test_locked_at_first():
    """A new directory gets a key in a file then, and none where the keyring was asked for."""
    with desktop() as scene:
        scene.stop_keyring()
        scene.start_keyring(None)
        check(scene.probe('keyring', 'put', TEXT), UNAVAILABLE, 'keyring')
        check(scene.probe('-', 'put', TEXT), 0, f'file:key {TEXT}')
        assert has_key_file(scene)


def test_lost():
    with desktop() as scene:
        check(scene.probe('keyring', 'put', TEXT), 0, f'keyring {TEXT}')
        scene.stop_keyring()
        shutil.rmtree(os.path.join(scene.folder, '.local', 'share', 'keyrings'))
        scene.start_keyring('pass')
        check(scene.probe('-', 'get'), REFUSED, "keyring has no key for")


def test_hangs():
    with desktop() as scene:
        check(scene.probe('keyring', 'put', TEXT), 0, f'keyring {TEXT}')
        scene.keyring.send_signal(signal.SIGSTOP)
        result = scene.probe('-', 'get')
        check(result, UNAVAILABLE, f'did not answer within {LIMIT_S} s')
        assert LIMIT_S <= result[2] < LIMIT_S + SLACK_S, result
        scene.keyring.send_signal(signal.SIGCONT)
        check(scene.probe('-', 'get'), 0, f'keyring {TEXT}')


def test_hangs_at_first():
    with desktop() as scene:
        scene.keyring.send_signal(signal.SIGSTOP)
        result = scene.probe('-', 'put', TEXT)
        check(result, 0, f'file:key {TEXT}')
        assert LIMIT_S <= result[2] < LIMIT_S + SLACK_S, result


def test_bus_hangs():
    with desktop() as scene:
        check(scene.probe('keyring', 'put', TEXT), 0, f'keyring {TEXT}')
        scene.bus.send_signal(signal.SIGSTOP)
        result = scene.probe('-', 'get')
        check(result, UNAVAILABLE, f'did not answer within {LIMIT_S} s')
        assert LIMIT_S <= result[2] < LIMIT_S + SLACK_S, result


def test_no_service():
    with desktop(password=None) as scene:
        result = scene.probe('keyring', 'put', TEXT)
        check(result, UNAVAILABLE, "keyring does not work")
        assert result[2] < LIMIT_S, result
        check(scene.probe('-', 'put', TEXT), 0, f'file:key {TEXT}')


def test_no_bus():
    with desktop(password=None) as scene:
        environment = dict(scene.environment)
        environment['DBUS_SESSION_BUS_ADDRESS'] = f'unix:path={scene.folder}/nobody'
        result = scene.probe('keyring', 'put', TEXT, environment=environment)
        check(result, UNAVAILABLE, "keyring does not work")
        del environment['DBUS_SESSION_BUS_ADDRESS']
        check(scene.probe('keyring', 'put', TEXT, environment=environment),
              UNAVAILABLE, 'no session bus')
        check(scene.probe('-', 'put', TEXT, environment=environment), 0, f'file:key {TEXT}')


def main():
    results = tap.Tap()
    names = ('dbus-daemon', 'dbus-send', 'gnome-keyring-daemon')
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        print(f'1..0 # SKIP {", ".join(missing)} missing')
        sys.exit(0)
    results.run('the keyring keeps the key', test_answers)
    results.run('a new directory\'s key goes there by itself', test_standard)
    results.run('the key is there after the keyring was started anew', test_restart)
    results.run('two directories have two keys', test_two_directories)
    results.run('a locked keyring is said, and nobody is asked', test_locked)
    results.run('a keyring that is locked at first is passed over', test_locked_at_first)
    results.run('a key that was lost is said', test_lost)
    results.run('a keyring that hangs is given up after 3 s', test_hangs)
    results.run('a keyring that hangs at first is passed over', test_hangs_at_first)
    results.run('a bus that hangs is given up after 3 s', test_bus_hangs)
    results.run('a bus without a keyring is said at once', test_no_service)
    results.run('no bus is said at once', test_no_bus)
    results.finish()


main()
