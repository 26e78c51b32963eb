#!/usr/bin/env python3
"""What happens to mail when programs are killed, calls fail, the power goes, disks fill up and queue files are damaged.

    tests/fault/run.py                     a selection of all rigs on our release build, 3 minutes (what tests/run.py runs)
    tests/fault/run.py --full [RIG ...]    all of them, or the named ones: kill matrix power damage space want
    tests/fault/run.py --control [RIG ...] on Debian's Postfix: each rig must see there what Postfix is known to lose
    tests/fault/run.py --system debian --full [RIG ...]

What needs root (power, parts of space, all of Debian's) is skipped otherwise. README.md says what each rig proves. The last line is
`N passed, N failed`; each count is one program, rig or fault of many points.
"""
import argparse
import importlib
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]
import cases  # noqa: E402
import mta  # noqa: E402

RIGS = ["kill", "matrix", "power", "damage", "space", "want"]


class Report:
    def __init__(self):
        self.good = self.bad = self.skips = 0

    def passed(self, name, text=""):
        self.good += 1
        print(f"ok   {name}: {text}", flush=True)

    def failed(self, name, text=""):
        self.bad += 1
        lines = text.splitlines()
        if len(lines) > 40:
            lines[40:] = [f"    ... and {len(lines) - 40} lines more"]
        print(f"FAIL {name}: " + "\n".join(line[:1000] for line in lines), flush=True)

    def skipped(self, name, why):
        self.skips += 1
        print(f"SKIP {name}: {why}", flush=True)

    def note(self, text):
        print(f"     {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=mta.TOP / "build/release")
    parser.add_argument("--system", choices=["ours", "debian"], default="ours")
    parser.add_argument("--mode", choices=["user", "root"], default="user", help="how ours runs: rootless, or as root")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="print every point")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is random; 0 is another one at each run")
    parser.add_argument("rigs", nargs="*", metavar="RIG", help=" ".join(RIGS))
    options = parser.parse_args()
    options.quick = not options.full
    options.seed = options.seed or time.time_ns() % 1000000
    if options.control:
        options.system = "debian"
    mta.end_cleanly_on_sigterm()
    report = Report()
    for name in options.rigs or RIGS:
        module = importlib.import_module(name)
        began = time.monotonic()
        try:
            if options.system == "debian" and not mta.Debian.available():
                report.skipped(name, "Debian's Postfix needs root, and to be unpacked")
            else:
                (module.control if options.control else module.run)(options, report)
        except cases.Skipped as why:
            report.skipped(name, why)
        except Exception:  # a rig may break in any way; the others still run
            report.failed(name, traceback.format_exc())
        print(f"     {name}: {time.monotonic() - began:.0f} s (seed {options.seed})", flush=True)
    if report.skips:
        print(f"{report.skips} skipped")
    print(f"{report.good} passed, {report.bad} failed")
    return 1 if report.bad or not (report.good or report.skips) else 0


if __name__ == "__main__":
    sys.exit(main())
