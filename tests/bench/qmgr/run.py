#!/usr/bin/env python3
"""What the queue manager costs, alone between played agents: memory of active messages, of a large deferred queue, the retry of all of it,
and how soon new mail is delivered after a start with a full queue. Figures, no verdict; Debian's are in the last column where they
were measured in the same way on the same kind of machine.

    tests/bench/qmgr/run.py --build build/release --messages 100000
"""
import os
import pathlib
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "lib"), str(TOP / "system")]
import cases  # noqa: E402
import mta  # noqa: E402
import played  # noqa: E402
from qmgr_test import Queue  # noqa: E402


def memory(pid):
    """KiB: proportional and private."""
    figures = dict(line.split(":") for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    number = {name: int(value.split()[0]) for name, value in figures.items()}
    return number["Pss"], number["Private_Clean"] + number["Private_Dirty"]


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(what, figure, debian=""):
    print(f"{what:64} {figure:>24}  {debian}", flush=True)


def lines(queue, text):
    """How often the log has it; the log is read once, piece by piece."""
    state = queue.__dict__.setdefault("counted", {"at": 0, "count": 0})
    with open(queue.system.log_file, "rb") as log:
        log.seek(state["at"])
        data = log.read()
    end = data.rfind(b"\n") + 1
    state["at"] += end
    state["count"] += data[:end].count(text)
    return state["count"]


def active(options, count):
    with Queue(options, {"qmgr_message_active_limit": count}) as queue:
        gate = threading.Event()

        def silent(_):
            gate.wait(600)
            return played.report(deferred=True)

        queue.agent.deliver = silent
        for number in range(count):
            queue.put("incoming", f"somebody{number}@silent.example", sender="somebody@sender.example")
        queue.start()
        mta.wait(lambda: queue.agent.running > 0)
        before = memory(queue.process.pid)[1]  # a few hundred messages at most are there by now
        mta.wait(lambda: not os.listdir(queue.queue / "incoming"), 120)
        after = memory(queue.process.pid)[1]
        show(f"{count} active messages, bytes private a message", (after - before) * 1024 // count, "1990")
        queue.kill()
        began = time.monotonic()
        queue.start()
        name = queue.new("new@other.example")
        mta.wait(lambda: queue.where(name) == "active", 60)
        show(f"restart with {count} in active: new mail taken in after, s", f"{time.monotonic() - began:.2f}")
        mta.wait(lambda: len(os.listdir(queue.queue / "active")) >= count, 120)
        show(f"restart with {count} in active: all active again after, s", f"{time.monotonic() - began:.2f}", "1.93")
        queue.kill()
        gate.set()


def retry(options, count, what, parameters, deliver, letters):
    with Queue(options, parameters) as queue:
        for number in range(count):
            queue.put("deferred", f"u{number}@{'refused.example' if deliver else 'gone.test'}")
        if deliver:
            queue.agent.deliver = deliver
        queue.start()
        # What the agent was asked about, the agent would have logged.
        enough = count - 20
        mta.wait(lambda: lines(queue, b"status=deferred") >= enough, 600)  # the first scan finds all of them due
        pid = queue.process.pid
        show(f"{count} deferred: PSS KiB", memory(pid)[0], "4746 (20000), 26033 (100000)")
        queue.counted["count"] = 0
        began, used = time.monotonic(), cpu(pid)
        queue.say(letters)
        mta.wait(lambda: lines(queue, b"status=deferred") >= enough, 600)
        show(f"{what}: retry of {count}, s (CPU of qmgr)", f"{time.monotonic() - began:.1f} ({cpu(pid) - used:.1f})", "8.8 (20000), 56.9 (100000)")
        show(f"{count} deferred after that: PSS KiB", memory(pid)[0])


def main():
    options = cases.arguments((("--messages", {"type": int, "default": 100000}),))
    if "active".startswith(options.only):
        active(options, 20000)
    refuse = lambda request: played.report(deferred=True, failure=("4.4.1", "connect to refused.example: Connection refused"))  # noqa: E731
    retry(options, options.messages, "a destination that refuses", {"initial_destination_concurrency": 1}, refuse, b"FADI\0")
    if not options.only:
        retry(options, options.messages, "defer_transports", {"defer_transports": "gone"}, None, b"AD\0")


main()
