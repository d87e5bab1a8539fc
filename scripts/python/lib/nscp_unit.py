"""
Tests for scripts, run by `nscp unit --language python --script <file>`.

Tests are those of `unittest`: classes of test cases, and functions whose names begin with `test`.

    class CheckSample(unittest.TestCase):
        def test_counts_its_arguments(self):
            self.assertEqual(query("check_python", "a"), (0, "I was given 1 arguments", "'arguments'=1;5"))

    init, __main__ = unit_script(globals(), scripts=["check_sample.py"])
"""

import inspect
import os
import unittest
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from NSCP import Core, Registry, Settings, status

Answer = Tuple[status, str]
Init = Callable[[int, str, str], None]
Main = Callable[[List[str]], None]


def query(command: str, *arguments: str) -> Tuple[status, str, str]:
    """Runs a check: its state, message and performance data."""
    return Core.get(0).simple_query(command, list(arguments))


def unit_script(
    script: Dict[str, Any],
    scripts: Sequence[str] = (),
    settings: Optional[Mapping[str, Mapping[str, str]]] = None,
) -> Tuple[Init, Main]:
    """
    Makes a script one that `nscp unit` can run. What it returns belongs into `init`, which registers the checks that run
    the tests, and `__main__`, which configures what they need.

    :param script: the script's `globals()`
    :param scripts: the scripts under test, as the settings would name them
    :param settings: other settings that the tests need: section, key, value
    """

    def init(plugin_id: int, plugin_alias: str, script_alias: str) -> None:
        run = _UnitRun(script)
        registry = Registry.get(plugin_id)
        registry.simple_function("py_unittest_show_ok", run.show_succeeded, "Names tests that succeed too")
        registry.simple_function("py_unittest_add_case", run.choose, "Runs only the tests named")
        registry.simple_function("py_unittest", run.all, "Runs the tests")

    def main(arguments: List[str]) -> None:
        if arguments != ["install"]:
            raise ValueError("The only argument that there is is install.")
        store = Settings.get(0)
        store.set_string("/modules", "PythonScript", "enabled")
        for file in [*scripts, os.path.abspath(script["__file__"])]:
            name = os.path.splitext(os.path.basename(file))[0]
            store.set_string("/settings/python/scripts", name, file)
        for section, keys in (settings or {}).items():
            for key, value in keys.items():
                store.set_string(section, key, value)
        store.save()

    return init, main


class _UnitRun:
    """The tests that were chosen, and what became of them."""

    def __init__(self, script: Dict[str, Any]) -> None:
        self._script = script
        self._chosen: Set[str] = set()
        self._names_succeeded = False

    def show_succeeded(self, arguments: List[str]) -> Answer:
        self._names_succeeded = True
        return status.OK, "Tests that succeed are named too"

    def choose(self, names: List[str]) -> Answer:
        """A test is named in full, by its class, or by its method."""
        tests = list(self._tests())
        unknown = [name for name in names if not any(name in _names_of(test) for test in tests)]
        if unknown:
            there = ", ".join(_name(test) for test in tests)
            return status.UNKNOWN, "There is no test called %s (there are %s)" % (", ".join(unknown), there)
        self._chosen.update(names)
        return status.OK, "Tests: %s" % ", ".join(sorted(self._chosen))

    def all(self, arguments: List[str]) -> Answer:
        wanted = [test for test in self._tests() if not self._chosen or self._chosen & _names_of(test)]
        if not wanted:
            return status.UNKNOWN, "There are no tests"
        result = _UnitResult(self._names_succeeded)
        # A suite, and not each test by itself, runs what is set up once for a class.
        unittest.TestSuite(wanted).run(result)
        failed = len(result.failed)
        if failed > 0:
            return status.CRITICAL, "\n".join(["ERROR: %d/%d test(s) failed" % (failed, len(wanted)), *result.lines])
        skipped = len(result.skipped)
        summary = "OK: %d test(s) successful" % (len(wanted) - skipped)
        if skipped > 0:
            summary += ", %d skipped" % skipped
        return status.OK, "\n".join([summary, *result.lines])

    def _tests(self) -> Iterator[unittest.TestCase]:
        """Looked for when they are needed, so that it does not matter where in the script `unit_script` is called."""
        for name, value in list(self._script.items()):
            if inspect.isclass(value):
                if issubclass(value, unittest.TestCase) and not value.__module__.startswith("unittest"):
                    yield from unittest.defaultTestLoader.loadTestsFromTestCase(value)
            elif name.startswith("test") and inspect.isfunction(value):
                yield unittest.FunctionTestCase(value)


class _UnitResult(unittest.TestResult):
    """Keeps a line for each test that is to be named, in the order in which they ran."""

    def __init__(self, names_succeeded: bool) -> None:
        super().__init__()
        self._names_succeeded = names_succeeded
        self.failed: Set[str] = set()
        self.lines: List[str] = []

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        if self._names_succeeded:
            self.lines.append("[OK] %s" % _name(test))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        if self._names_succeeded:
            self.lines.append("[SKIPPED] %s: %s" % (_name(test), reason))

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addExpectedFailure(test, err)
        if self._names_succeeded:
            self.lines.append("[OK] %s: failed as expected" % _name(test))

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self._add_failed(test, test, "it succeeded unexpectedly")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self._add_failed(test, test, self.failures[-1][1])

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self._add_failed(test, test, self.errors[-1][1])

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            entries = self.failures if issubclass(err[0], test.failureException) else self.errors
            self._add_failed(test, subtest, entries[-1][1])

    def _add_failed(self, test: unittest.TestCase, part: unittest.TestCase, reason: str) -> None:
        self.failed.add(_name(test))
        self.lines.append("[FAILED] %s: %s" % (_name(part), reason.rstrip()))


def _name(test: unittest.TestCase) -> str:
    """`Class.method`, or the name of the function. A part of a test knows which test that is."""
    prefix = "%s." % type(getattr(test, "test_case", test)).__module__
    name = test.id()
    return name[len(prefix) :] if name.startswith(prefix) else name


def _names_of(test: unittest.TestCase) -> Set[str]:
    """What a test can be chosen by."""
    name = _name(test)
    return {name, *name.rsplit(".", 1)}
