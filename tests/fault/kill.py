"""Every program on a message's way is killed before and after each call that changes a file system.

The count of calls is taken in a run without a fault. After each point nothing is done by hand: master restarts what died, and the
message must arrive. Every tenth point the whole system is killed and started again. At the end of a flow the system is stopped and
started, and the ledger is closed."""
import collections
import os
import time

import mta
import rig
from shim import Action, CHANGING, TELLING

FLOWS = {
    "maildir": (["ann@example.test"], None),
    "mbox": (["bob@example.test"], None),
    "bounce": (["nobody-here@example.test"], ["sender"]),
    "fifty": ([f"u{i}@example.test" for i in range(rig.PEOPLE)], None),
    "smtp": (["ann@example.test"], None),
    "bdat": (["ann@example.test"], None),
}
# Flows that begin with an SMTP client, which tries again until it hears 250, and the programs that are new on their way.
SMTP = {"smtp": "DATA", "bdat": "BDAT"}
SMTP_PROGRAMS = ("smtpd", "cleanup", "qmgr")
# Where a message may arrive twice: (program that died, what the ledger says, in which flows, why).
WINDOWS = [
    ("pickup", "queued twice", FLOWS, "cleanup has the message, the maildrop file is not yet removed"),
    ("cleanup", "queued twice", FLOWS, "the message is complete, but nobody was told yet: whoever sent it sends it again"),
    ("smtpd", "queued twice", SMTP, "cleanup has the message, the client has not heard 250"),
    ("virtual", "doubled", ["mbox"], "appended, but the recipient is not yet marked done"),
    ("bounce", "queued twice", ["bounce"], "the notice is sent, its log is not yet removed"),
    ("qmgr", "queued twice", ["bounce"], "the notice is sent, the message not yet removed"),
    ("virtual", "queued twice", ["bounce"], "in the bounce log, but not yet marked done"),
]
# Postfix has one more, in Maildirs: the name of the file is new at each attempt.
DEBIAN_WINDOWS = [("virtual", "doubled", ["maildir", "fifty", "bounce"], "linked to new/, but the recipient is not yet marked done")]


def windows(options):
    return WINDOWS + (DEBIAN_WINDOWS if options.system == "debian" else [])


def allowed(options, flow, program, what):
    return any(program == who and what.startswith(kind) and flow in flows for who, kind, flows, _ in windows(options))


def deaths(text, program):
    """Log lines that tell of the end of a process that was not the one to be killed. Signal 9 is ours."""
    return [line for line in text.splitlines()
            if (("killed by signal" in line and "signal 9" not in line) or "exit status" in line or "panic:" in line)
            and f"/{program} " not in line and f" {program}" not in line]


def submit(ledger, flow, **more):
    recipients, expect = FLOWS[flow]
    if flow in SMTP:
        more = {"by": SMTP[flow], "tries": 20, **more}
    return ledger.submit(*recipients, expect=expect, **more)


def kinds_of(flow):
    return TELLING if flow in SMTP else CHANGING


def deliver(mail, ledger, flow):
    """One message without a fault."""
    token = submit(ledger, flow)
    assert ledger.entries[token][0], f"{flow}: not accepted without a fault\n{mail.log_tail()}"
    mta.wait(lambda: ledger.complete(token), 20, f"{flow} without a fault\n{mail.log_tail()}")
    rig.settle(mail)


def calls_of(mail, ledger, flow):
    """{program: [call, ...]} of one message's way."""
    mail.shim.arm(Action.COUNT, kinds=kinds_of(flow), logging=True)
    deliver(mail, ledger, flow)
    mail.shim.disarm()
    found = collections.defaultdict(list)
    for call in mail.shim.calls():
        found[call.program].append(call)
    return found


class Point:
    """One kill and what came of it."""

    def __init__(self, flow, program, number, action, call):
        self.flow, self.program, self.number, self.action, self.call = flow, program, number, action, call
        self.fired = self.accepted = False
        self.problems, self.remarks = [], []
        self.seconds = 0.0

    def __str__(self):
        when = "before" if self.action == Action.KILL_BEFORE else "after"
        return f"{self.flow}: {self.program} {when} call {self.number} ({self.call.kind.name.lower()} {os.path.basename(self.call.path)})"


def run_point(options, mail, ledger, point):
    began = time.monotonic()
    mail.log_mark()
    mail.shim.arm(point.action, point.program, point.number, kinds=kinds_of(point.flow))
    token = submit(ledger, point.flow)
    point.accepted = ledger.entries[token][0]
    if point.flow in SMTP and not point.accepted:
        point.problems.append("the client tried in vain")
    try:
        if point.accepted:
            mta.wait(lambda: ledger.complete(token), 20, "the delivery")
        rig.settle(mail, 20)
    except mta.Late as late:
        point.problems.append(f"stuck: {late}")
    point.fired = mail.shim.fired() > 0
    mail.shim.disarm()
    for _, what in ledger.judge([token]):
        (point.remarks if allowed(options, point.flow, point.program, what) else point.problems).append(what)
    (point.remarks if options.system == "debian" else point.problems).extend(
        f"also died: {line}" for line in deaths(mail.new_log(), point.program))
    if not point.problems:
        ledger.forget()
    point.seconds = time.monotonic() - began


def restart(mail):
    mail.kill_all()
    mail.start()


def run_flow(options, report, flow, programs=None, most=None):
    points = []
    if flow in SMTP:
        programs = programs or SMTP_PROGRAMS
    with rig.system(options, smtp=flow in SMTP) as mail:
        mail.start()
        ledger = rig.Ledger(mail)
        for _ in range(2):
            deliver(mail, ledger, flow)
        calls = calls_of(mail, ledger, flow)
        ledger.forget()
        for program, made in sorted(calls.items()):
            if programs and program not in programs:
                continue
            step = max(1, -(-len(made) // most)) if most else 1
            for index in range(0, len(made), step):
                for action in (Action.KILL_BEFORE, Action.KILL_AFTER):
                    point = Point(flow, program, index + 1, action, made[index])
                    run_point(options, mail, ledger, point)
                    points.append(point)
                    if options.verbose or point.problems:
                        print(f"  {point}: {'fired' if point.fired else 'not reached'}, "
                              f"{'accepted' if point.accepted else 'refused'}, {point.seconds:.1f} s "
                              f"{point.problems} {point.remarks}", flush=True)
                    if len(points) % 10 == 0 or any(text.startswith("stuck") for text in point.problems):
                        restart(mail)
                        rig.settle(mail)
        mail.stop()
        mail.start()
        rig.settle(mail)
        for token, what in ledger.judge():
            if not any(what in point.problems for point in points):
                report.failed(f"kill {flow}", f"at the end, {token}: {what}")
        deliver(mail, ledger, flow)
        report.note(f"kill {flow}: {len(rig.debris(mail))} files left over that were never complete")
    summarize(report, flow, points)
    return points


def summarize(report, flow, points):
    by_program = collections.defaultdict(list)
    for point in points:
        by_program[point.program].append(point)
    for program, some in by_program.items():
        fired = sum(point.fired for point in some)
        remarks = collections.Counter(remark.split()[0] for point in some for remark in point.remarks)
        bad = [point for point in some if point.problems]
        text = f"{len(some)} points, {fired} reached, {sum(p.accepted for p in some)} accepted"
        text += "".join(f", {count} {what} in a known window" for what, count in remarks.items())
        if bad:
            report.failed(f"kill {flow} {program}", text + "".join(f"\n    {point}: {point.problems}" for point in bad))
        elif not fired:
            report.failed(f"kill {flow} {program}", text + ": no point was reached, so nothing is proved")
        else:
            report.passed(f"kill {flow} {program}", text)


def run_start(options, report):
    """Kills whoever changes files while the system starts on a queue with work in it; the next start must work with no hand."""
    name, bad, reached = "kill at start", [], 0
    how = "master" if options.system == "debian" else "postfix"
    with rig.system(options, {"defer_transports": "virtual"}) as mail:
        ledger = rig.Ledger(mail)
        mail.start(how)
        submit(ledger, "maildir")
        mta.wait(lambda: mail.files("deferred"), 20, "a deferred message")
        mail.set(defer_transports=None)
        mail.kill_all()
        mail.shim.arm(Action.COUNT, logging=True)
        submit(ledger, "maildir")  # is in maildrop when the system starts
        mail.shim.arm(Action.COUNT, logging=True)
        mail.start(how)
        rig.settle(mail)
        calls = collections.Counter(call.program for call in mail.shim.calls())
        for program, count in sorted(calls.items()):
            if program not in ("master", "postfix", "postsuper", "pickup", "qmgr"):
                continue
            for number in range(1, min(count, 15) + 1):
                for action in (Action.KILL_BEFORE, Action.KILL_AFTER):
                    mail.kill_all()
                    mail.shim.disarm()
                    submit(ledger, "maildir")
                    mail.shim.arm(action, program, number)
                    try:
                        mail.start(how, 10)
                    except AssertionError:
                        pass  # it was killed; the next start counts
                    except mta.subprocess.TimeoutExpired:
                        bad.append(f"{program} {action.name} {number}: start hangs")
                    mta.wait(lambda: mail.shim.fired() or not rig.pending(mail), 10, "the kill or the delivery")
                    reached += mail.shim.fired() > 0
                    mail.kill_all()
                    mail.shim.disarm()
                    try:
                        mail.start(how)
                        rig.settle(mail, 20)
                    except AssertionError as error:
                        bad.append(f"{program} {action.name} {number}: {error}")
                    bad += [f"{program} {action.name} {number}: {what}" for _, what in ledger.judge()
                            if not allowed(options, "maildir", program, what)]
                    ledger.forget()
    if bad:
        report.failed(name, "\n    ".join(bad))
    else:
        report.passed(name, f"{reached} kills during {dict(calls)} calls")


def run(options, report):
    if options.quick:
        run_flow(options, report, "maildir")
        run_flow(options, report, "smtp", most=8)
        return
    for flow in FLOWS:
        run_flow(options, report, flow, most=40 if flow == "fifty" else None)
    run_start(options, report)


def control(options, report):
    """What the rig must see on Debian's Postfix: Maildir messages doubled, none lost."""
    points = run_flow(options, report, "maildir", programs=["virtual"])
    doubled = sum(1 for point in points if point.remarks)
    if doubled:
        report.passed("kill control", f"{doubled} doubled in Debian's Maildirs were seen")
    else:
        report.failed("kill control", "Debian's Postfix doubles messages when virtual dies after link(); the rig does not see it")
