#!/usr/bin/env python3
"""Local submission and a large deferred queue: ours against Debian's Postfix, in turns, with the same configuration on the same disk.

    tests/bench/spine/run.py [--build build/release] [--dir DIR] [--runs 3] [--messages 100000] [SCENARIO ...]

Scenarios: submit-1 submit-4 start deferred. Root only. Prints the median of each figure for both and their ratio (over 1: ours is
better). Nothing here passes or fails; README.md says what the figures are and what they were."""
import argparse
import collections
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "lib"))
import measure  # noqa: E402
import mta  # noqa: E402
import queuefile  # noqa: E402

SIDES = ("Postrider", "Debian")
SCENARIOS = ("submit-1", "submit-4", "start", "deferred")


def system(side, options, folder, parameters):
    values = {"default_transport": "discard:", "in_flow_delay": "0", **parameters}
    base = pathlib.Path(tempfile.mkdtemp(prefix=f"{side}.", dir=folder))
    if side == "Debian":
        mail = mta.Debian(values, base=base)
    else:
        mail = mta.Postrider(options.build, values, mode="root", base=base)
    mail.own_base = True  # ours to remove
    return mail


def submit(side, options, folder, parallel):
    count = options.submissions // parallel * parallel
    with system(side, options, folder, {}) as mail:
        mail.start()
        message = mail.base / "message"
        message.write_text("From: sender@client.test\nTo: user@remote.test\nSubject: test\n\n" + ("x" * 71 + "\n") * 69)
        loop = (f'i=0; while [ $i -lt {count // parallel} ]; do "{mail.sbin}/sendmail" -f sender@client.test -t < "{message}" || exit 1; '
                "i=$((i+1)); done")
        mail.sendmail("user@remote.test")
        mail.wait_empty()
        daemons, mine, began = sum(measure.tree_cpu(mail)), measure.children_cpu(), time.monotonic()
        loops = [subprocess.Popen(["sh", "-c", loop], env=mail.command_environment(), cwd="/") for _ in range(parallel)]
        try:
            for process in loops:
                assert process.wait(300) == 0, mail.log_tail()
        finally:
            for process in loops:
                if process.poll() is None:
                    process.kill()
        accepted = time.monotonic() - began
        mail.wait_empty(limit=120)
        took = time.monotonic() - began
        figures = {f"submit-{parallel} accepted /s": count / accepted, f"submit-{parallel} end to end /s": count / took,
                   f"submit-{parallel} sendmail CPU ms": (measure.children_cpu() - mine) / count * 1e3,
                   f"submit-{parallel} daemon CPU ms": (sum(measure.tree_cpu(mail)) - daemons) / count * 1e3}
        mail.stop()
        return figures


def start(side, options, folder):
    figures = collections.defaultdict(list)
    with system(side, options, folder, {}) as mail:
        for _ in range(3):
            began = time.monotonic()
            mail.start("postfix")
            figures["postfix start ms"].append((time.monotonic() - began) * 1e3)
            began = time.monotonic()
            mail.check("postfix", "stop")
            figures["postfix stop ms"].append((time.monotonic() - began) * 1e3)
            mta.wait(lambda: not mail.processes())
    return {name: statistics.median(values) for name, values in figures.items()}


def fill(mail, count):
    """Deferred messages, one recipient each, 1000 destinations, due in an hour."""
    now = int(time.time())
    text = "Subject: test\n\n" + ("x" * 71 + "\n") * 12
    for number in range(count):
        recipient = f"user{number}@dest{number % 1000}.test"
        content = queuefile.queue_file([recipient], sender="sender@client.test", text=text, arrival=now - 600)
        queuefile.place(mail.queue, "deferred", content, owner=mail.owner, mtime=now + 3600)


class Count(threading.Thread):
    """Counts the log lines that tell of a deferral, as they are written."""

    def __init__(self, path, wanted):
        super().__init__(daemon=True)
        self.path, self.wanted, self.seen, self.end = path, wanted, 0, threading.Event()
        self.offset = os.stat(path).st_size

    def run(self):
        with open(self.path, "rb") as log:
            log.seek(self.offset)
            rest = b""
            while self.seen < self.wanted and not self.end.is_set():
                chunk = log.read(1 << 20)
                if not chunk:
                    time.sleep(0.02)
                    continue
                lines, _, rest = (rest + chunk).rpartition(b"\n")
                self.seen += lines.count(b"status=deferred")


def timed(figures, name, work):
    began = time.monotonic()
    result = work()
    figures[name] = time.monotonic() - began
    return result


def retry_all(mail, figures, count, limit, name, command):
    counter = Count(mail.log_file, count)
    counter.start()
    cpu, began = sum(measure.tree_cpu(mail)), time.monotonic()
    mail.run(*command)  # a kick may end by SIGPIPE and have worked
    counter.join(limit)
    counter.end.set()
    assert counter.seen >= count, f"{mail.name}: {counter.seen} of {count} were tried within {limit} s\n{mail.log_tail()}"
    mail.wait_empty("active", "incoming", limit=300)
    figures[f"retry of all, {name} s"] = time.monotonic() - began
    figures[f"retry of all, {name}, CPU s"] = sum(measure.tree_cpu(mail)) - cpu


def deferred(side, options, folder, figures):
    count = options.messages
    parameters = {"default_transport": "smtp:", "defer_transports": "smtp", "minimal_backoff_time": "3600s",
                  "maximal_backoff_time": "4000s"}
    with system(side, options, folder, parameters) as mail:
        fill(mail, count)
        os.sync()
        timed(figures, "postfix start, full queue s", lambda: mail.start("postfix", 120))
        mta.wait(lambda: mail.pids("qmgr"), 30)
        for option in ("-p", "-j"):
            listing = timed(figures, f"postqueue {option} s", lambda option=option: mail.check("postqueue", option, limit=120))
            lines = listing.out.count(b"user") if option == "-p" else listing.out.count(b"\n")
            assert lines >= count, f"{side}: postqueue {option} lists {lines} of {count}"
        retry_all(mail, figures, count, options.limit, "transport deferred", ("postkick", "public", "qmgr", "AD"))
        figures["qmgr memory KiB"] = measure.pss(mail.pids("qmgr")[0])
        # `postqueue -f` means: even where defer_transports says no. So the refusal is the transport's own now.
        mail.set(default_transport="retry:4.4.1 come back later", defer_transports="")
        mail.stop()
        mail.start()
        retry_all(mail, figures, count, options.limit, "refused", ("postqueue", "-f"))
        mail.log_mark()
        began = time.monotonic()
        mail.sendmail("someone@elsewhere.test")
        mail.wait_log("to=<someone@elsewhere.test>", 60)
        figures["new mail beside it ms"] = (time.monotonic() - began) * 1e3
        timed(figures, "postsuper -d ALL s", lambda: mail.check("postsuper", "-d", "ALL", limit=300))
        assert len(mail.files("deferred")) <= 1, "postsuper -d ALL left something"
        mail.stop()


def measured(scenario, *words):
    """The figures of a scenario; those it had when something went wrong, which is told."""
    figures = {}
    try:
        scenario(*words, figures)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        print(f"{words[0]}: {str(error)[:2000]}", flush=True)
    return figures


def show(results):
    print(f"{'':34} {'ours':>12} {'Debian':>12} {'ratio':>7}")
    names = list(dict.fromkeys(name for figures in results.values() for runs in figures for name in runs))
    for name in names:
        medians = []
        for side in SIDES:
            values = [runs[name] for runs in results[side] if name in runs]
            medians.append(statistics.median(values) if values else float("nan"))
        mine, theirs = medians
        ratio = mine / theirs if name.endswith("/s") else theirs / mine if mine else float("nan")
        print(f"{name:34} {mine:12.2f} {theirs:12.2f} {ratio:7.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=mta.TOP / "build/release")
    parser.add_argument("--dir", default=tempfile.gettempdir(), help="where the queues lie: the disk that is measured")
    parser.add_argument("--runs", type=int, default=3, help="turns of each scenario; `deferred` has one")
    parser.add_argument("--messages", type=int, default=100000)
    parser.add_argument("--submissions", type=int, default=400)
    parser.add_argument("--limit", type=int, default=300, help="seconds for one retry of all")
    parser.add_argument("--only", choices=SIDES, help="one side, without ratios")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=" ".join(SCENARIOS))
    options = parser.parse_args()
    if not mta.Debian.available():
        parser.error("root, and Debian's Postfix, are needed")
    mta.end_cleanly_on_sigterm()
    results = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory(prefix="mta-bench.", dir=options.dir) as folder:
        os.chmod(folder, 0o755)
        for scenario in options.scenarios or SCENARIOS:
            work = {"submit-1": lambda side: submit(side, options, folder, 1),
                    "submit-4": lambda side: submit(side, options, folder, 4),
                    "start": lambda side: start(side, options, folder),
                    "deferred": lambda side: measured(deferred, side, options, folder)}[scenario]
            for turn in range(1 if scenario == "deferred" else options.runs):
                for side in SIDES if turn % 2 == 0 else reversed(SIDES):
                    if options.only in (None, side):
                        results[side].append(work(side))
    show(results)


if __name__ == "__main__":
    main()
