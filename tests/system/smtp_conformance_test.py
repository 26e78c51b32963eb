#!/usr/bin/env python3
"""The same dialogues with Debian's smtpd and with ours: replies, log lines, queue files and what policy servers are asked must be the
same. The dialogues are those of tests/conformance/smtp/*.dialogues; each counts as a test."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance" / "smtp"))
import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run.main())
