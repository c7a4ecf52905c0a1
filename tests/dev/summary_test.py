#!/usr/bin/python3
"""Tests of summary.py: what ctest reports, and what ./check makes of it."""

import io
import pathlib
import re
import tempfile
import unittest

import summary

PASSED = '<testcase name="p" status="run"><system-out>fine</system-out></testcase>'
FAILED = '<testcase name="f" status="fail"><failure message=""/><system-out>x</system-out></testcase>'
SKIPPED = ('<testcase name="s" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
           "<system-out>SKIP: no /dev/fuse</system-out></testcase>")
GTEST_SKIPPED = ('<testcase name="g" status="notrun">'
                 '<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'
                 "<system-out>[ RUN      ] A.b\na.cpp:7: Skipped\nno VAES\n\n"
                 "[  SKIPPED ] A.b (0 ms)</system-out></testcase>")
NO_PROGRAM = ('<testcase name="n" status="notrun"><skipped message="Unable to find executable"/>'
              "<system-out/></testcase>")
DISABLED = '<testcase name="d" status="disabled"><system-out>Disabled</system-out></testcase>'


class Summary(unittest.TestCase):
    def summarise(self, *cases, exit_code=0, allowed=()):
        """How many failed, and the text."""
        with tempfile.TemporaryDirectory() as folder:
            results = pathlib.Path(folder)
            junit = results / "junit.xml"
            junit.write_text(f"<testsuite>{''.join(cases)}</testsuite>")
            (results / "steps").write_text(f"ctest\ttests\t{exit_code}\t1\t{junit}\n")
            out = io.StringIO()
            entries = [summary.Allowed(re.compile(pattern), "why") for pattern in allowed]
            failed = summary.summarise(results, entries, out)
            return failed, out.getvalue()

    def assert_totals(self, text, totals):
        self.assertEqual(text.splitlines()[-1], totals)

    def test_last_line_is_the_totals(self):
        failed, text = self.summarise(PASSED, FAILED, SKIPPED, exit_code=8, allowed=["s"])
        self.assertEqual(failed, 1)
        self.assert_totals(text, "1 passed, 1 failed, 1 skipped")

    def test_skip_that_is_not_allowed_fails(self):
        failed, text = self.summarise(SKIPPED, allowed=["other"])
        self.assertEqual(failed, 1)
        self.assertIn("skip that is not allowed: SKIP: no /dev/fuse", text)

    def test_allowed_skip_is_named_with_its_reasons(self):
        for pattern in ("s", "tests/s", ".*"):
            failed, text = self.summarise(SKIPPED, allowed=[pattern])
            self.assertEqual(failed, 0)
            self.assertIn("tests: s: SKIP: no /dev/fuse (allowed: why)", text)

    def test_allowed_skip_matches_the_whole_name(self):
        self.assertEqual(self.summarise(GTEST_SKIPPED.replace('"g"', '"gg"'), allowed=["g"])[0], 1)

    def test_googletest_reason(self):
        self.assertIn("tests: g: no VAES", self.summarise(GTEST_SKIPPED, allowed=["g"])[1])

    def test_googletest_that_failed_and_skipped_fails(self):
        case = GTEST_SKIPPED.replace("no VAES", "[  FAILED  ] A.b")
        self.assertEqual(self.summarise(case, allowed=["g"])[0], 1)

    def test_what_could_not_run_fails_even_when_its_skip_is_allowed(self):
        failed, text = self.summarise(NO_PROGRAM, exit_code=8, allowed=[".*"])
        self.assertEqual(failed, 1)
        self.assertIn("not run: Unable to find executable", text)

    def test_disabled_is_a_skip(self):
        self.assertEqual(self.summarise(DISABLED)[0], 1)
        self.assertEqual(self.summarise(DISABLED, allowed=["d"])[0], 0)

    def test_no_tests_fails(self):
        failed, text = self.summarise()
        self.assertEqual(failed, 1)
        self.assertIn("there are no tests", text)

    def test_ctest_that_fails_by_itself_fails(self):
        self.assertEqual(self.summarise(PASSED, exit_code=1)[0], 1)

    def test_no_results_fails(self):
        tests = summary.read_ctest("/nonexistent/junit.xml", 1)
        self.assertEqual([test.outcome for test in tests], ["failed"])

    def test_failed_step_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            results = pathlib.Path(folder)
            (results / "steps").write_text(
                "step\tformat\tfailed\t1\tlog\nstep\tlint\tok\t1\tlog\nnot-run\tslow\t--all\n")
            out = io.StringIO()
            self.assertEqual(summary.summarise(results, [], out), 1)
            self.assertIn("Not run: slow: --all", out.getvalue())
            self.assert_totals(out.getvalue(), "1 passed, 1 failed, 0 skipped")

    def test_allowed_skip_needs_a_reason(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("# comment\n\nname with a reason\nbare\n")
            file.flush()
            with self.assertRaisesRegex(SystemExit, ":4: "):
                summary.read_allowed(file.name)


if __name__ == "__main__":
    unittest.main()
