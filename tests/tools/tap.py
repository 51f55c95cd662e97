# SPDX-License-Identifier: Apache-2.0
"""Test Anything Protocol for the tests in Python: a case a line, the plan last."""
import sys
import traceback


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def case(self, good, name, detail=''):
        """One case; detail is printed where it is not good."""
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        if not good and detail:
            # Of a TAP program meson shows what went to stderr.
            print(f'{name}:\n{detail}', file=sys.stderr, flush=True)
        return good

    def skip(self, name, reason):
        self.count += 1
        print(f'ok {self.count} - {name} # SKIP {reason}', flush=True)

    def run(self, name, body, *arguments):
        """A case that passes where body returns and fails with what it raises."""
        try:
            body(*arguments)
        except Exception:  # a test's own fault is a failed case, not the end of all
            return self.case(False, name, traceback.format_exc())
        return self.case(True, name)

    def finish(self):
        print(f'1..{self.count}', flush=True)
        sys.exit(1 if self.failed or not self.count else 0)
