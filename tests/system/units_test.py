#!/usr/bin/env python3
"""The systemd units name real directories and leave the mail system no more than it needs."""
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402


def unit(options, name):
    path = options.build / "packaging" / f"{name}.service"
    assert path.is_file(), path
    return path


def exposure(path):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", path], capture_output=True, text=True, timeout=60)
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)[1])


def test_directories_are_filled_in(options):
    for name in ("postfix", "postfix-strict"):
        text = unit(options, name).read_text()
        assert "POSTRIDER" not in text, name
        assert "ExecStart=/usr/sbin/postfix start-fg\n" in text, name


def test_systemd_understands_every_line(options):
    if not shutil.which("systemd-analyze"):
        return
    for name in ("postfix", "postfix-strict"):
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit(options, name)], capture_output=True, text=True, timeout=60)
        problems = [line for line in done.stderr.splitlines() if f"{name}.service" in line and "is not executable" not in line]
        assert problems == [], problems


def test_exposure_stays_low(options):
    if not shutil.which("systemd-analyze"):
        return
    assert exposure(unit(options, "postfix")) <= 3.5
    assert exposure(unit(options, "postfix-strict")) <= 2.5


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
