"""Counts checks, and prints `N passed, N failed` as the last line of the run."""

import atexit
import unittest


class Tally:
    passed = 0
    failed = 0

    @classmethod
    def print_line(cls):
        print(f"{cls.passed} passed, {cls.failed} failed", flush=True)


atexit.register(Tally.print_line)


class CountedTest(unittest.TestCase):
    """A test case each of whose tests is one check."""

    maxDiff = None

    def run(self, result=None):
        result = result if result is not None else self.defaultTestResult()
        before = troubles(result)
        super().run(result)
        if troubles(result) > before:
            Tally.failed += 1
        else:
            Tally.passed += 1
        return result


def troubles(result):
    return len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses) + len(result.skipped)
