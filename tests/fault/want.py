"""What a program asks the system for is refused: memory, mappings for stacks, threads, descriptors of sockets and the like. Once, or
everything for a second.

A program may turn a client away, or end in good order (master starts another); none may crash, none may live on and do nothing: mail that
was accepted arrives, and new mail goes, without a hand."""
import contextlib
import os
import random
import signal
import threading
import time

import kill
import mta
import rig
from shim import Action, Kind

WANTED = {Kind.MEMORY: "ENOMEM", Kind.MAP: "ENOMEM", Kind.THREAD: "EAGAIN", Kind.OBJECT: "ENFILE"}
FLOWS = {"smtp": ("smtpd", "cleanup", "qmgr", "virtual", "postlogd"), "maildir": ("pickup",), "bounce": ("bounce", "qmgr")}
SPELL = 1.0  # seconds for which nothing is to be had
BACK = 20    # from a point to the delivery of its message


def crashes(text):
    """Log lines that tell of a death that was not in good order; signal 9 is a test's own."""
    return [line for line in text.splitlines() if "killed by signal" in line and "signal 9" not in line]


def renew(mail, program, kind):
    """Most of what is no memory is asked for by a process that starts."""
    if kind == Kind.MEMORY:
        return
    for pid in mail.pids(program):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def asked(mail, ledger, flow, program, kind):
    """How often the program asks for it on one message's way."""
    renew(mail, program, kind)
    mail.shim.arm(Action.COUNT, program, kinds=[kind])
    kill.deliver(mail, ledger, flow)
    count = mail.shim.count()
    mail.shim.disarm()
    return count


def run_point(mail, ledger, flow, program, kind, number, spell):
    """What is wrong with it."""
    problems = []
    renew(mail, program, kind)
    mail.log_mark()
    mail.shim.arm(Action.FAIL, program, number, WANTED[kind], spell, kinds=[kind])
    end = threading.Timer(SPELL, mail.shim.disarm)
    if spell:
        end.start()
    token = kill.submit(ledger, flow)
    if spell:
        end.join()
    try:
        if ledger.entries[token][0]:
            mta.wait(lambda: ledger.complete(token), BACK, "the delivery")
        mail.shim.disarm()
        after = kill.submit(ledger, flow)
        if not ledger.entries[after][0]:
            problems.append("new mail is refused afterwards")
        else:
            mta.wait(lambda: ledger.complete(after), BACK, "new mail")
        rig.settle(mail, BACK)
    except mta.Late as late:
        problems.append(f"stuck: {late}")
    finally:
        mail.shim.disarm()
    problems += [what for _, what in ledger.judge([token]) if not what.startswith("queued twice")]
    problems += crashes(mail.new_log())
    return problems


def run_program(options, report, flow, program, kind, most):
    name = f"want {kind.name.lower()} {program} ({flow})"
    bad, done, reached = [], 0, 0
    chance = random.Random(options.seed)
    with rig.system(options, smtp=flow in kill.SMTP) as mail:
        mail.start()
        ledger = rig.Ledger(mail)
        for _ in range(2):
            kill.deliver(mail, ledger, flow)
        numbers = list(range(1, asked(mail, ledger, flow, program, kind) + 1))
        for number in sorted(chance.sample(numbers, min(most, len(numbers)))):
            for spell in (False, True):
                began = time.monotonic()
                problems = run_point(mail, ledger, flow, program, kind, number, spell)
                done += 1
                reached += mail.shim.fired() > 0
                if problems or options.verbose:
                    print(f"  {name} {'from' if spell else 'at'} {number}: {time.monotonic() - began:.1f} s {problems}", flush=True)
                if problems:
                    bad.append(f"{'from' if spell else 'at'} {number}: {problems}")
                    kill.restart(mail)
                    rig.settle(mail)
                ledger.forget()
    if bad:
        report.failed(name, "\n    ".join(bad))
    elif numbers and not reached:
        report.failed(name, "no point was reached, so nothing is proved")
    else:
        report.passed(name, f"{done} points, {reached} reached")


def run(options, report):
    if options.quick:
        run_program(options, report, "smtp", "qmgr", Kind.MEMORY, 3)
        run_program(options, report, "smtp", "cleanup", Kind.OBJECT, 4)
        return
    for kind in WANTED:
        for flow, programs in FLOWS.items():
            for program in programs:
                run_program(options, report, flow, program, kind, 40)


def control(_, report):
    """Postfix ends a process that finds no memory, in good order; there is nothing that this rig must see there."""
    report.skipped("want control", "Postfix loses nothing here either")
