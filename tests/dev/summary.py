#!/usr/bin/python3
"""The summary of ./check: what ran, what failed, what was skipped and why, what was not run.

usage: summary.py RESULTS_DIR ALLOWED_SKIPS

RESULTS_DIR/steps has a line for each step, its fields separated by tabs:
  step     NAME  ok|failed  SECONDS  LOG           a build or a static check; counts as one
  ctest    NAME  EXIT_CODE  SECONDS  JUNIT_FILE    a run of ctest; each of its tests counts
  not-run  NAME  REASON                            what this run left out

ALLOWED_SKIPS has a regular expression and a reason on each line. A test that was skipped must
match one in full, by its name or by STEP/name; any other skip is a failure.

Exits 0 when nothing failed. The last line is "N passed, N failed, N skipped".
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

# What ctest writes when a test said itself that it skips. Its other reasons for not running a test
# (no executable, a required file or fixture is missing) are mistakes.
SKIPPED_ITSELF = re.compile(r"SKIP_RETURN_CODE=\d+|SKIP_REGULAR_EXPRESSION_MATCHED")
OUTPUT_LINES = 25


class Test(NamedTuple):
    name: str
    outcome: str  # passed, failed, skipped
    reason: str  # why it failed or was skipped, in a line
    output: str = ""


class Allowed(NamedTuple):
    pattern: re.Pattern
    reason: str


def skip_reason(output):
    """The line of a skipped test's output that says why."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for i, line in enumerate(lines):
        if re.match(r"skip(ped|ping)?\b\s*:?\s*\S", line, re.IGNORECASE):
            return line
        if re.search(r"\.\w+:\d+: Skipped$", line) and i + 1 < len(lines):  # GoogleTest
            return lines[i + 1]
    return lines[-1] if lines else "it gave no reason"


def read_test(case):
    name, status = case.get("name"), case.get("status")
    output = case.findtext("system-out") or ""
    if status == "run":
        return Test(name, "passed", "")
    if status == "disabled":
        return Test(name, "skipped", "disabled")
    if status == "notrun":
        skipped = case.find("skipped")
        message = skipped.get("message") if skipped is not None else "no reason"
        if not SKIPPED_ITSELF.fullmatch(message):
            return Test(name, "failed", f"not run: {message}", output)
        if "[  FAILED  ]" in output:  # ctest lets a skip hide the exit code
            return Test(name, "failed", "failed and skipped", output)
        return Test(name, "skipped", skip_reason(output))
    failure = case.find("failure")
    message = failure.get("message") if failure is not None else status
    return Test(name, "failed", message or "failed", output)


def read_ctest(junit_file, exit_code):
    """The tests of one run of ctest; what is wrong with the run itself is one more, failed."""
    try:
        tests = [read_test(case) for case in ElementTree.parse(junit_file).iter("testcase")]
    except (OSError, ElementTree.ParseError) as error:
        return [Test("ctest", "failed", f"no results ({error}); its exit code was {exit_code}")]
    if not tests:
        return [Test("ctest", "failed", "there are no tests")]
    if exit_code != 0 and not any(test.outcome == "failed" for test in tests):
        tests.append(Test("ctest", "failed", f"exit code {exit_code} though no test failed"))
    return tests


def read_allowed(file):
    allowed = []
    for number, line in enumerate(pathlib.Path(file).read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        pattern, *reason = line.split(maxsplit=1)
        if not reason:
            raise SystemExit(f"{file}:{number}: a skip is allowed with a reason only")
        allowed.append(Allowed(re.compile(pattern), reason[0]))
    return allowed


def allowed_reason(step, name, allowed):
    for entry in allowed:
        if entry.pattern.fullmatch(name) or entry.pattern.fullmatch(f"{step}/{name}"):
            return entry.reason
    return None


def judge(step, test, allowed):
    """The test; a skip that is not allowed has become a failure."""
    if test.outcome != "skipped":
        return test
    if reason := allowed_reason(step, test.name, allowed):
        return test._replace(reason=f"{test.reason} (allowed: {reason})", output="")
    return test._replace(outcome="failed", reason=f"skip that is not allowed: {test.reason}")


def tail(text):
    return "".join(f"      {line}\n" for line in text.splitlines()[-OUTPUT_LINES:])


def summarise(results, allowed, out):
    """Writes the summary; returns how many failed."""
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    rows, failures, skips, not_run = [], [], [], []
    for line in (results / "steps").read_text().splitlines():
        kind, name, *fields = line.split("\t")
        if kind == "not-run":
            not_run.append((name, fields[0]))
            continue
        verdict, seconds, file = fields
        if kind == "step":
            tests = [Test(name, "passed" if verdict == "ok" else "failed", f"see {file}")]
            rows.append((name, verdict, seconds))
        else:
            tests = [judge(name, test, allowed) for test in read_ctest(file, int(verdict))]
            count = {outcome: sum(t.outcome == outcome for t in tests) for outcome in totals}
            rows.append((name, ", ".join(f"{n} {outcome}" for outcome, n in count.items()), seconds))
        for test in tests:
            totals[test.outcome] += 1
            if test.outcome == "failed":
                failures.append((name, test))
            if test.outcome == "skipped":
                skips.append((name, test))

    out.write("\nSummary\n")
    for name, verdict, seconds in rows:
        out.write(f"  {name:<22} {verdict:<38} {seconds:>5} s\n")
    for title, tests in (("Failed", failures), ("Skipped", skips)):
        if tests:
            out.write(f"{title}:\n")
        for step, test in tests:
            name = step if test.name == step else f"{step}: {test.name}"
            out.write(f"  {name}: {test.reason}\n{tail(test.output)}")
    for name, reason in not_run:
        out.write(f"Not run: {name}: {reason}\n")
    out.write(", ".join(f"{n} {outcome}" for outcome, n in totals.items()) + "\n")
    return totals["failed"]


def main():
    results, allowed_file = sys.argv[1:]
    return 1 if summarise(pathlib.Path(results), read_allowed(allowed_file), sys.stdout) else 0


if __name__ == "__main__":
    sys.exit(main())
