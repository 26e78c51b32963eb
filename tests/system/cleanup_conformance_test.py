#!/usr/bin/env python3
"""The same record streams to Debian's cleanup and ours: the queue files must be the same, record for record, but for ids and times.
The messages are those of tests/conformance/cleanup/messages.py; each counts as a test."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "conformance" / "cleanup")]
import cases  # noqa: E402
import messages  # noqa: E402
import sides  # noqa: E402


def differences(ours, theirs, records, flags):
    return ours.feed(records, flags).differences(theirs.feed(records, flags))


if __name__ == "__main__":
    sys.exit(sides.compare(cases.arguments(), messages.groups(), differences))
