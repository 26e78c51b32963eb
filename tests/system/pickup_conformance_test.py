#!/usr/bin/env python3
"""The same maildrop files to Debian's pickup and cleanup and to ours: what becomes of the files, and the queue files, must be the same.
The files are those of tests/conformance/cleanup/submissions.py; each counts as a test."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "conformance" / "cleanup")]
import cases  # noqa: E402
import sides  # noqa: E402
import submissions  # noqa: E402


def differences(ours, theirs, data, mode, who, age):
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


if __name__ == "__main__":
    sys.exit(sides.compare(cases.arguments(), submissions.groups(), differences, with_pickup=True))
