#!/usr/bin/env python3
"""Runs every test of the named builds (build/<preset>) and counts them.

    tests/run.py release asan

Unit tests and replays of fuzz corpora run in each build; the tests that start programs (tests/system, tests/conformance) run with
the release build, or with the only build named. The last line is `N passed, N failed`; the exit status says the same.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 600  # seconds for one test program


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, what, passed, failed, seconds):
        self.passed += passed
        self.failed += failed
        print(f"{'ok  ' if not failed else 'FAIL'} {what}: {passed} passed, {failed} failed ({seconds:.1f} s)", flush=True)


def run(command, env=None, limit=LIMIT):
    """(status, output); a program that does not end in time is ended and has failed."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, timeout=limit,
                              stdin=subprocess.DEVNULL, cwd=TOP)
        return done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as late:
        return -1, (late.output or b"").decode("utf-8", "replace") + f"\nnot done after {limit} s\n"


def sanitizer_environment():
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = "detect_leaks=1:detect_stack_use_after_return=0:abort_on_error=0"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1"
    return env


def unit(program, count, label):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.json")
        start = time.monotonic()
        status, output = run([program, f"--gtest_output=json:{report}", "--gtest_brief=1"], sanitizer_environment())
        passed = failed = 0
        if report.exists():
            summary = json.loads(report.read_text())
            failed = summary["failures"] + summary.get("errors", 0)
            passed = summary["tests"] - failed - summary.get("disabled", 0)
        if status != 0 and failed == 0:
            failed = 1
        if status == 0 and passed == 0:
            failed, output = 1, output + "\nno test ran\n"
        if failed:
            print(output)
        count.add(f"{label} {program.name}", passed, failed, time.monotonic() - start)


def replay(program, count, label):
    start = time.monotonic()
    corpus = TOP / "tests" / "fuzz" / "corpus" / program.name.removeprefix("fuzz_")
    status, output = run([program, corpus], sanitizer_environment())
    found = re.search(r"(\d+) inputs replayed", output)
    if status != 0:
        print(output)
    count.add(f"{label} {program.name} ({found.group(1) if found else 0} inputs)", int(status == 0), int(status != 0),
              time.monotonic() - start)


def script(command, count, label):
    """A test program of ours in Python: its last line says `N passed, N failed`."""
    start = time.monotonic()
    status, output = run([sys.executable, *command], limit=1200)
    lines = output.strip().splitlines()
    found = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1]) if lines else None
    passed, failed = (int(found.group(1)), int(found.group(2))) if found else (0, 1)
    skipped = any(re.fullmatch(r"\d+ skipped", line) for line in lines)
    if (status != 0 or (passed == 0 and not skipped)) and failed == 0:
        failed = 1
    if failed:
        print(output)
    elif skipped:
        print("\n".join(line for line in lines if line.startswith("SKIP ")))
    count.add(label, passed, failed, time.monotonic() - start)


def main():
    presets = sys.argv[1:] or ["release"]
    count = Count()
    for preset in presets:
        build = TOP / "build" / preset
        for program in sorted((build / "tests").glob("unit_*")):
            unit(program, count, preset)
        for program in sorted((build / "tests").glob("fuzz_*")):
            replay(program, count, preset)
    first = TOP / "build" / presets[0]
    for test in sorted((TOP / "tests" / "system").glob("*_test.py")):
        script([test, "--build", first], count, f"system {test.stem}")
    conformance = TOP / "tests" / "conformance" / "run.py"
    if conformance.exists():
        script([conformance, "--ours", first / "sbin", "--fetch"], count, "conformance")
    script([TOP / "tests/conformance/interchange.py", "--build", first], count, "interchange")
    script([TOP / "tests/fault/run.py", "--build", first], count, "fault")
    script([TOP / "tests/load/run.py", "--build", first], count, "load")
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
