#!/usr/bin/env python3
"""Started by a parent that ignores or blocks signals, as cron, nohup and some supervisors do: nothing of that is handed on."""
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

ORDINARY = [number for number in range(1, 32) if number not in (signal.SIGKILL, signal.SIGSTOP)]


def ignoring(*numbers):
    def prepare():
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
    return prepare


def run(mail, prepare, *words):
    done = subprocess.run(mail.arguments(words[0], words[1:]), capture_output=True, check=False, timeout=mta.LIMIT, cwd="/",
                          env=mail.command_environment(), preexec_fn=prepare, **mail.account.passing)
    return mta.Result(done)


def signals(pid, what):
    """The set of ordinary signals that a process ignores (SigIgn) or blocks (SigBlk)."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    mask = int(next(line for line in text.splitlines() if line.startswith(what)).split()[1], 16)
    return {number for number in ORDINARY if mask >> (number - 1) & 1}


def test_a_parent_that_ignores_the_ends_of_children_keeps_nobody_from_seeing_them(options):
    with mta.Postrider(options.build, {"service_throttle_time": "1s"}) as mail:  # it may be killed before it has served anybody
        started = run(mail, ignoring(signal.SIGCHLD), "postfix", "start")
        assert started.status == 0 and "fatal" not in started.error, started
        mta.wait(mail.running)
        mta.wait(lambda: mail.pids("qmgr"))
        before = mail.pids("qmgr")
        os.kill(before[0], signal.SIGKILL)
        mail.wait_log(f"qmgr pid {before[0]} killed by signal 9")
        assert mail.sendmail("ann@example.test").status == 0
        mail.wait_idle()
        mail.stop()


def test_daemons_ignore_and_block_what_they_chose_to(options):
    def prepare():
        ignoring(*ORDINARY)()
        signal.pthread_sigmask(signal.SIG_BLOCK, ORDINARY)
    with mta.Postrider(options.build) as mail:
        assert run(mail, prepare, "postfix", "start").status == 0
        mta.wait(mail.running)
        pid = mta.wait(lambda: mail.pids("qmgr"))[0]
        mta.wait(lambda: signals(pid, "SigIgn") & {signal.SIGPIPE}, what="qmgr to have begun")
        ignored = signals(pid, "SigIgn")
        assert ignored <= {signal.SIGPIPE, signal.SIGHUP, signal.SIGXFSZ}, ignored
        assert signal.SIGTERM not in signals(pid, "SigBlk")
        os.kill(pid, signal.SIGTERM)
        mail.wait_log(f"qmgr pid {pid} killed by signal 15")
        mail.stop()


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
