#!/usr/bin/env python3
"""The same record streams to Debian's cleanup and ours: the queue files must be the same, record for record, but for ids and times.
The messages are those of tests/conformance/cleanup/messages.py; each counts as a test."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "conformance" / "cleanup")]
import cases  # noqa: E402
import messages  # noqa: E402
import mta  # noqa: E402
import sides  # noqa: E402


def main():
    options = cases.arguments()
    if not mta.Debian.available():
        print("SKIP: Debian's Postfix is not to be had\n1 skipped\n0 passed, 0 failed")
        return 0
    passed = failed = 0
    for parameters, group in messages.groups():
        group = [case for case in group if options.only in case[0]]
        if not group:
            continue
        with sides.Debian(parameters) as theirs, sides.Ours(options.build, parameters) as ours:
            for name, records, flags, reason in group:
                good = sides.as_meant(name, lambda: ours.feed(records, flags).differences(theirs.feed(records, flags)), reason)
                passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
