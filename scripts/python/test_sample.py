# Tests of check_sample.py. `nscp unit --language python --script test_sample` runs them, with settings of their own.
import unittest

from nscp_unit import query, unit_script


class CheckSample(unittest.TestCase):
    def test_counts_its_arguments(self):
        self.assertEqual(query("check_python", "a", "b"), (0, "I was given 2 arguments", "'arguments'=2;5"))

    def test_warns_about_more_than_five(self):
        code, message, _ = query("check_python", *"abcdef")
        self.assertEqual((code, message), (1, "I was given 6 arguments"))


def test_does_without_arguments():
    assert query("check_python")[1] == "I was given 0 arguments"


init, __main__ = unit_script(globals(), scripts=["check_sample.py"])
