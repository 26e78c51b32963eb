#!/usr/bin/env python3
"""Times `postqueue -p` and `-j` over one queue of deferred messages, ours against Debian's, in turns, and prints the ratios. For root.

    tests/bench/queue/listing.py [--messages 100000] [--rounds 3] [--build build/release]

Both systems run, with a showq each, over the same queue files (Debian's over ours, by a link). A ratio over 1 means that ours is faster.
Of each figure the best of the rounds counts. CPU is user and system time of the listing command and of showq together, which other load
on the machine does not lengthen as it does the time on the clock.
"""
import argparse
import os
import pathlib
import resource
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(TOP / "tests/lib"))
import mta
from queuefile import QueueFiles

SERVICES = {name: mta.SERVICES[name] for name in ("showq", "postlog")}
TICK = os.sysconf("SC_CLK_TCK")


def fill(mail, count):
    files = QueueFiles(mail.queue, (mail.owner.uid, mail.owner.gid))
    reason = "connect to mx.example.com[192.0.2.1]:25: Connection timed out"
    for i in range(count):
        name = files.message(sender=f"sender{i}@example.org", recipients=(f"user{i}@example.com",), lines=["Subject: x", ""] + ["x" * 70] * 14)
        files.log(name, [(f"user{i}@example.com", reason)])


def showq_time(mail):
    total = 0
    for pid in mail.pids("showq"):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def measure(mail, option):
    mail.check("postqueue", option, limit=600)  # showq runs, and what is read lies in memory
    before = showq_time(mail) + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    start = time.monotonic()
    size = len(mail.check("postqueue", option, limit=600).out)
    elapsed = time.monotonic() - start
    return elapsed, showq_time(mail) + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before, size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build/release")
    options = parser.parse_args()
    if not mta.Debian.available():
        sys.exit("for root, and with Debian's Postfix")
    with mta.Postrider(options.build, mode="root", services=SERVICES) as ours, mta.Debian(services=SERVICES) as debian:
        fill(ours, options.messages)
        for folder in ("deferred", "defer"):
            (debian.queue / folder).rmdir()
            os.symlink(ours.queue / folder, debian.queue / folder)
        systems = {"ours": ours, "Debian's": debian}
        for mail in systems.values():
            mail.start()
        for option in ("-p", "-j"):
            best = {}
            for _ in range(options.rounds):
                for name, mail in systems.items():
                    elapsed, cpu, size = measure(mail, option)
                    known = best.get(name, (elapsed, cpu, size))
                    best[name] = (min(known[0], elapsed), min(known[1], cpu), size)
            for name, (elapsed, cpu, size) in best.items():
                print(f"postqueue {option}, {options.messages} messages, {name}: {elapsed:.2f} s, CPU {cpu:.2f} s, {size} bytes")
            theirs = best["Debian's"]
            print(f"  {theirs[0] / best['ours'][0]:.1f} times faster on the clock, "
                  f"{theirs[1] / best['ours'][1]:.1f} times less CPU")


if __name__ == "__main__":
    main()
