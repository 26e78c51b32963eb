#!/usr/bin/env python3
"""The same maildrop files to Debian's pickup and cleanup and to ours: what becomes of the files, and the queue files, must be the same.
The files are those of tests/conformance/cleanup/submissions.py; each counts as a test."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "conformance" / "cleanup")]
import cases  # noqa: E402
import mta  # noqa: E402
import sides  # noqa: E402
import submissions  # noqa: E402


def compare(ours, theirs, data, mode, who, age):
    found = []
    answers = []
    for side in (ours, theirs):
        owner = side.system.owner.uid if who == "us" else 1000
        answers.append(side.pick_up(data, mode, owner, age))
    (one, mine), (two, other) = answers
    if mine != other:
        found.append(f"the file: {mine} / {other}")
    if bool(one) != bool(two):
        found.append(f"a message: {bool(one)} / {bool(two)}")
    elif one:
        found += one.differences(two)
    return found


def main():
    options = cases.arguments()
    if not mta.Debian.available():
        print("SKIP: Debian's Postfix is not to be had\n1 skipped\n0 passed, 0 failed")
        return 0
    passed = failed = 0
    for parameters, group in submissions.groups():
        group = [case for case in group if options.only in case[0]]
        if not group:
            continue
        with sides.Debian(parameters) as theirs, sides.Ours(options.build, parameters, with_pickup=True) as ours:
            for name, data, mode, who, age, reason in group:
                good = sides.as_meant(name, lambda: compare(ours, theirs, data, mode, who, age), reason)
                passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
