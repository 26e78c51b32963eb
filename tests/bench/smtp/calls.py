#!/usr/bin/env python3
"""System calls a message, by program: `tests/bench/smtp/calls.py [--only Debian] [--dir DIR] [SCENARIO]`, where SCENARIO is one of
run.py's that send mail. Needs strace; a program that starts while it is watched is not seen."""
import argparse
import collections
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent / "lib"))
import measure  # noqa: E402
import mta  # noqa: E402
import run  # noqa: E402


def watched(mail, count, work, folder):
    """{program: {call: number a message}}"""
    tracers = []
    for pid, program in mail.processes().items():
        out = pathlib.Path(folder, f"{program}.{pid}")
        tracers.append((program, out, subprocess.Popen(["strace", "-f", "-c", "-U", "name,calls", "-o", out, "-p", str(pid)],
                                                       stderr=subprocess.PIPE, text=True)))
    for _, _, tracer in tracers:
        tracer.stderr.readline()  # "attached"
    work()
    found = collections.defaultdict(collections.Counter)
    for program, out, tracer in tracers:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=30)
        for line in out.read_text().splitlines():
            words = line.split()
            if len(words) >= 2 and words[-1].isdigit() and words[0] != "total":
                found[program][words[0]] += int(words[1]) / count
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=mta.TOP / "build/release")
    parser.add_argument("--dir", default=tempfile.gettempdir())
    parser.add_argument("--only", choices=run.SIDES, default="Postrider")
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("scenario", nargs="?", default="inbound-10")
    options = parser.parse_args()
    options.scale = 1
    with tempfile.TemporaryDirectory(prefix="mta-bench.", dir=options.dir) as folder:
        os.chmod(folder, 0o755)

        def load(mail, _count, sessions, *more, **words):
            def send(count=options.messages):
                run.smtp_source(mail, count, sessions, *more, **words)
                mail.wait_empty(limit=120)
            send()
            before = measure.cpu_by_program(mail)
            send(options.messages * 4)
            used = {program: (time - before.get(program, 0)) / options.messages / 4 * 1e3
                    for program, time in measure.cpu_by_program(mail).items()}
            found = watched(mail, options.messages, send, folder)
            print(f"{options.scenario}, {options.only}: {sum(sum(calls.values()) for calls in found.values()):.0f} calls a message, "
                  f"{sum(used.values()):.2f} ms of processor time untraced")
            for program in sorted(used, key=used.get, reverse=True):
                most = ", ".join(f"{call} {number:.1f}" for call, number in found[program].most_common(16))
                print(f"  {program:10} {used[program]:5.3f} ms, {sum(found[program].values()):6.1f}: {most}")
            return {}
        run.load = load
        with contextlib.suppress(AssertionError):  # of a count that is not ours
            run.scenarios()[options.scenario](options.only, options, folder)


if __name__ == "__main__":
    main()
