#!/usr/bin/env python3
"""Runs the fuzz targets of the fuzz preset, from their seed corpora, and says how many inputs each has seen and how fast.

    cmake --preset fuzz && ninja -C build/fuzz
    tests/fuzz/run.py [--seconds 60 | --runs N] [--build build/fuzz] [TARGET ...]

Each target runs for some seconds; with --runs for that many inputs, however long that takes, and with both for whichever is
over first. Without a TARGET it is all of them.

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
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--timeout", type=int, default=10, help="seconds for one input; more, where fuzzers are paused meanwhile")
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build/fuzz")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    if options.seconds is None and options.runs is None:
        options.seconds = 60
    limits = []
    if options.seconds is not None:
        limits.append(f"-max_total_time={options.seconds}")
    if options.runs is not None:
        limits.append(f"-runs={options.runs}")
    failed = 0
    for program in sorted((options.build / "tests").glob("fuzz_*")):
        name = program.name.removeprefix("fuzz_")
        if options.targets and name not in options.targets:
            continue
        learnt = options.build / "learnt" / name
        found = options.build / "found"
        learnt.mkdir(parents=True, exist_ok=True)
        found.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([program, *limits, f"-timeout={options.timeout}", "-rss_limit_mb=2048", "-max_len=8192",
                               f"-artifact_prefix={found}/{name}-", "-print_final_stats=1", learnt,
                               TOP / "tests/fuzz/corpus" / name], capture_output=True, text=True, errors="replace")
        runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        rate = re.search(r"average_exec_per_sec: +(\d+)", done.stderr)
        print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name}: {runs.group(1) if runs else '?'} inputs, "
              f"{rate.group(1) if rate else '?'} per second", flush=True)
        if done.returncode != 0:
            failed += 1
            print(done.stderr[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
