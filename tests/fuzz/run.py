#!/usr/bin/env python3
"""Runs every fuzz target of the fuzz preset for some seconds, from its seed corpus, and says how many inputs each has seen.

    cmake --preset fuzz && ninja -C build/fuzz
    tests/fuzz/run.py [--seconds 60] [--build build/fuzz] [TARGET ...]

What a target finds stands in build/fuzz/found/; reduce it, put it into the corpus with a unit test, and mend the code. What it learns is
kept in build/fuzz/learnt/, so that the next run starts from there.
"""
import argparse
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build/fuzz")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    failed = 0
    for program in sorted((options.build / "tests").glob("fuzz_*")):
        name = program.name.removeprefix("fuzz_")
        if options.targets and name not in options.targets:
            continue
        learnt = options.build / "learnt" / name
        found = options.build / "found"
        learnt.mkdir(parents=True, exist_ok=True)
        found.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([program, f"-max_total_time={options.seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=8192",
                               f"-artifact_prefix={found}/{name}-", "-print_final_stats=1", learnt,
                               TOP / "tests/fuzz/corpus" / name], capture_output=True, text=True, errors="replace")
        runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name}: {runs.group(1) if runs else '?'} inputs", flush=True)
        if done.returncode != 0:
            failed += 1
            print(done.stderr[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
