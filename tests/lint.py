#!/usr/bin/env python3
"""clang-format and clang-tidy over the sources; both must be clean.

    packaging/install-depends build test fuzz && cmake --preset fuzz && ninja -C build/fuzz config
    tests/lint.py [--jobs 2] [FILE ...]

clang-tidy takes its flags from the fuzz preset, the one that is built with clang; of that build it needs the generated sources and the
precompiled header only.
"""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build/fuzz"


def tidy(path):
    done = subprocess.run(["clang-tidy-19", "--quiet", "-p", BUILD, path], capture_output=True, text=True, cwd=TOP)
    return path, done.returncode, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    listed = subprocess.run(["git", "ls-files", "src/*.cpp", "src/*.h", "tests/*.cpp", "tests/*.h"], cwd=TOP, check=True,
                            capture_output=True, text=True).stdout.split()
    chosen = options.files or listed
    failed = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *chosen], cwd=TOP).returncode != 0
    known = {entry["file"] for entry in json.loads((BUILD / "compile_commands.json").read_text())}
    sources = [str(TOP / path) for path in chosen if path.startswith("src/") and str(TOP / path) in known]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for path, status, output in pool.map(tidy, sources):
            if status != 0:
                failed = True
                print(f"{path}\n{output}")
    print(f"{len(chosen)} files formatted, {len(sources)} analysed: {'not clean' if failed else 'clean'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
