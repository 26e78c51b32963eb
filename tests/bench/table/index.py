#!/usr/bin/env python3
"""Times postmap's builds and look-ups of indexed tables against Debian's, in turns, and prints the ratios.

    tests/bench/table/index.py --oracle DIR [--entries 1000000] [--rounds 3] [--build build/release] [TYPE ...]

DIR is an unpacked Debian `postfix` package (tests/conformance/run.py --fetch makes one in build/oracle/root). A ratio over 1 means that
ours is faster. Of each figure the best of the rounds counts: user and system time together, which other load on the machine does not
lengthen as it does the time on the clock; that is printed, too.
"""
import argparse
import os
import pathlib
import pwd
import random
import resource
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent.parent


def write_source(folder, entries):
    """Addresses in no order, and the same addresses in another one as the keys to ask for."""
    dice = random.Random(1)
    keys = [f"user{dice.randrange(10 ** 9):07d}@example{i % 1000}.com" for i in range(entries)]
    with open(folder / "table", "w", encoding="ascii") as out:
        for i, key in enumerate(keys):
            out.write(f"{key} dest{i}@internal.example.org\n")
    dice.shuffle(keys)
    with open(folder / "keys", "w", encoding="ascii") as out:
        out.writelines(key + "\n" for key in keys)


class Side:
    def __init__(self, name, program, environment):
        self.name = name
        self.program = program
        self.environment = {"PATH": "/usr/bin:/bin", **environment}

    def run(self, folder, *arguments, stdin=None):
        """(CPU seconds, seconds, output) of one postmap."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        with open(stdin or os.devnull, "rb") as source:
            # Duplicates are random and the same for both; their warnings would only measure standard error.
            done = subprocess.run([self.program, "-c", folder, *arguments], cwd=folder, stdin=source, env=self.environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        clock = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise SystemExit(f"{self.name}: postmap {' '.join(arguments)}: {done.stderr.decode()[:500]}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return cpu, clock, done.stdout


def compare(what, rounds, oracle, ours, measure):
    """Runs `measure(side)` in turns; it returns (CPU seconds, seconds, output)."""
    best = {}
    for _ in range(rounds):
        outputs = []
        for side in (oracle, ours):
            cpu, clock, output = measure(side)
            outputs.append(output)
            old = best.get(side, (cpu, clock))
            best[side] = (min(cpu, old[0]), min(clock, old[1]))
        if outputs[0] != outputs[1]:
            raise SystemExit(f"{what}: the two print different things")
    theirs, mine = best[oracle], best[ours]
    print(f"{what:16} Debian {theirs[0]:6.2f} s CPU {theirs[1]:6.2f} s   ours {mine[0]:6.2f} s CPU {mine[1]:6.2f} s   "
          f"ratio {theirs[0] / mine[0]:5.2f} CPU {theirs[1] / mine[1]:5.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build/release")
    parser.add_argument("--entries", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("types", nargs="*", default=["hash", "btree", "lmdb", "cdb"])
    options = parser.parse_args()
    root = options.oracle.resolve()
    plugins = root / "usr/lib/postfix"
    oracle = Side("Debian", root / "usr/sbin/postmap", {"LD_LIBRARY_PATH": f"{plugins}:{root}/usr/lib/x86_64-linux-gnu"})
    ours = Side("ours", (options.build / "sbin/postmap").resolve(), {})
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "dynamicmaps.cf").write_text("".join(
            f"{kind}\t{plugins}/postfix-{kind}.so\tdict_{kind}_open\tmkmap_{kind}_open\n" for kind in ("lmdb", "cdb")))
        user = "daemon" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        (folder / "main.cf").write_text(f"meta_directory = {folder}\nshlib_directory = {plugins}\n"
                                        f"mail_owner = {user}\nsetgid_group = mail\ncompatibility_level = 3.6\n")
        write_source(folder, options.entries)
        print(f"{options.entries} entries, {(folder / 'table').stat().st_size / 1e6:.0f} MB of source, best of {options.rounds}")
        for kind in options.types:
            table = f"{kind}:table"
            compare(f"build {kind}", options.rounds, oracle, ours,
                    lambda side, table=table: side.run(folder, "-w", table))
            compare(f"look up {kind}", options.rounds, oracle, ours,
                    lambda side, table=table: side.run(folder, "-q", "-", table, stdin=folder / "keys"))


if __name__ == "__main__":
    main()
