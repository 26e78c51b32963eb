#!/usr/bin/env python3
"""The same main.cf and the same submissions through Debian's Postfix and through ours: mailboxes, notices, log lines, listings, queue
files and exit codes must be the same. The scenarios are those of tests/conformance/flow/scenarios.py; each counts as a test.

    tests/system/flow_conformance_test.py --build build/release [--only NAME] [--group NAME] [--show]
"""
import concurrent.futures
import difflib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FLOW = HERE.parent / "conformance" / "flow"
sys.path[:0] = [str(HERE.parent / "lib"), str(FLOW)]
import cases  # noqa: E402
import mta  # noqa: E402
import scenarios  # noqa: E402

ISOLATED = ("unshare", "-m", "-p", "--fork", "--kill-child", "--mount-proc")
LIMIT = 120


def can_isolate():
    return subprocess.run([*ISOLATED, "true"], capture_output=True, check=False).returncode == 0


def play(side, options, folder, group):
    done = subprocess.run([*ISOLATED, sys.executable, str(FLOW / "side.py"), side, str(options.build.resolve()), str(folder), group, "--only",
                           options.only], capture_output=True, check=False, timeout=LIMIT)
    if done.returncode:
        raise RuntimeError(f"{side} with group {group}: {done.stderr.decode('utf-8', 'replace')[-4000:]}")
    return json.loads(done.stdout)


def flat(findings):
    return {(kind, key): values for kind, keys in findings.items() for key, values in keys.items()}


def differences(ours, theirs):
    """[(kind, what a person wants to see)]"""
    mine, others = flat(ours), flat(theirs)
    found = []
    for place in sorted(set(mine) | set(others)):
        one, two = mine.get(place, []), others.get(place, [])
        if one != two:
            lines = [[line for value in values for line in value.splitlines()] for values in (two, one)]
            shown = "\n".join(difflib.unified_diff(*lines, "Debian", "ours", n=1, lineterm="")) or f"only the ends of lines: {two!r} / {one!r}"
            found.append((place[0], f"{place[0]}: {place[1]}\n{shown}"))
    return found


def main():
    options = cases.arguments([("--group", {"default": ""}), ("--show", {"action": "store_true", "help": "print what both do alike, too"})])
    reason = "Debian's Postfix is not to be had" if not mta.Debian.available() else "" if can_isolate() else "no namespaces of our own"
    if reason:
        print(f"SKIP: {reason}\n1 skipped\n0 passed, 0 failed")
        return 0
    mta.end_cleanly_on_sigterm()
    groups = [name for name in scenarios.GROUPS if options.group in name and
              any(options.only in scenario for scenario in scenarios.GROUPS[name].scenarios)]
    passed = failed = 0
    folder = tempfile.mkdtemp(prefix="flow.")
    pathlib.Path(folder).chmod(0o755)
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            work = {(group, side): pool.submit(play, side, options, folder, group) for group in groups for side in ("Debian", "Postrider")}
        for group in groups:
            try:
                theirs, ours = (work[group, side].result() for side in ("Debian", "Postrider"))
            except Exception as problem:  # the other groups are to be tried nevertheless
                print(f"FAIL group {group}: {problem}")
                failed += 1
                continue
            for name in [*(name for name in scenarios.GROUPS[group].scenarios if options.only in name), "group"]:
                found = differences(ours.get(name, {}), theirs.get(name, {}))
                known = scenarios.KNOWN.get((group, name) if name == "group" else name)
                if options.show:
                    print(f"==== {group} {name}\n{json.dumps(ours.get(name, {}), indent=1)}")
                if name != "group" and not ours.get(name, {}).get("log") and not ours.get(name, {}).get("command"):
                    found.append(("nothing", "nothing was seen of this scenario"))
                if bool(found) == bool(known) and all(kind in known[0] for kind, _ in found):
                    passed += 1
                    continue
                failed += 1
                print(f"FAIL {group} {name}{': as Debian, but was meant to differ: ' + known[1] if known and not found else ''}")
                for _, line in found:
                    print("     " + line.replace("\n", "\n     "))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
