"""The power is cut while mail comes in and goes out, on ext4 and XFS, with spool and mailboxes on one file system or on two.

At a cut, everything that no fsync (or commit of the journal) has put on disk is gone: the file systems are shut down without writing
their journals. Then all processes are killed, the file systems mounted again, the system started. What sendmail had acknowledged
must be there."""
import contextlib
import pathlib
import random
import tempfile
import threading
import time

import cases
import rig
from disks import Disk

FLOWS = [(["ann@example.test"], None), (["bob@example.test"], None), (["nobody-here@example.test"], ["sender"]),
         (["u1@example.test", "u2@example.test", "bob@example.test"], None)]


@contextlib.contextmanager
def machine(options, kind, split):
    """(system, its disks): the spool on a disk, the mailboxes on the same or on another, the log on neither."""
    with contextlib.ExitStack() as stack:
        disks = [stack.enter_context(Disk(kind))]
        if split:
            disks.append(stack.enter_context(Disk(kind)))
        log = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mta-log.")), "mail.log")
        log.parent.chmod(0o777)
        base = disks[0].root / "mta"
        base.mkdir()
        mail = stack.enter_context(rig.system(options, shim=False, base=base, mail=disks[-1].root / "mail", log=log))
        yield mail, disks


def again(mail, disks):
    mail.kill_all()
    for disk in disks:
        disk.again()
    mail.start()
    rig.settle(mail)


def allowed(options, what):
    """A message may be queued twice when its submission was not yet over; an mbox may have it twice; a Maildir not."""
    kind, name = what.split()[0], what.split()[-1]
    return kind == "queued" or (kind == "doubled" and (name == "bob" or options.system == "debian"))


def cut_at_random(options, report, kind, split, count, chance):
    name = f"power {kind} {'two file systems' if split else 'one file system'}"
    bad, accepted, remarks = [], 0, 0
    with machine(options, kind, split) as (mail, disks):
        mail.start()
        for disk in disks:
            disk.sync()  # the configuration, and the folders themselves
        ledger = rig.Ledger(mail)
        for number in range(count):
            stop = threading.Event()

            def submit():
                while not stop.is_set():
                    recipients, expect = random.Random(time.monotonic_ns()).choice(FLOWS)
                    ledger.submit(*recipients, expect=expect, lines=30)

            senders = [threading.Thread(target=submit) for _ in range(2)]
            for sender in senders:
                sender.start()
            time.sleep(chance.uniform(0.02, 0.6))
            order = disks[:]
            chance.shuffle(order)
            for disk in order:
                disk.cut()
            stop.set()
            mail.kill_all()
            for sender in senders:
                sender.join()
            try:
                again(mail, disks)
            except (AssertionError, OSError) as error:
                bad.append(f"cut {number}: no start afterwards: {error}")
                break
            found = ledger.judge()
            accepted += ledger.accepted
            wrong = [f"cut {number}: {token} {what}" for token, what in found if not allowed(options, what)]
            remarks += len(found) - len(wrong)
            bad += wrong
            if wrong:
                report.note(f"{name}: {wrong[:5]}\n{mail.log_tail(40)}")
            ledger.forget()
    text = f"{count} cuts, {accepted} messages accepted, {remarks} doubled in known windows"
    if bad:
        report.failed(name, text + "".join(f"\n    {line}" for line in bad))
    elif accepted < count:
        report.failed(name, text + ": too few messages to prove anything")
    else:
        report.passed(name, text)


def lost_in_forced_case(options, kind, rounds):
    """The worst instant of two file systems: the spool's removal of the message is durable, the mailboxes' power is cut right then.
    Returns what was lost of `rounds` messages."""
    lost = []
    with machine(options, kind, split=True) as (mail, disks):
        spool, mailboxes = disks
        mail.start()
        ledger = rig.Ledger(mail)
        ledger.submit("ann@example.test")  # makes the Maildir
        rig.settle(mail)
        mailboxes.sync()
        for _ in range(rounds):
            ledger.submit("ann@example.test")
            rig.settle(mail)
            spool.sync()
            mailboxes.cut()
            again(mail, disks)
            lost += [what for _, what in ledger.judge() if what.startswith("lost")]
            ledger.forget()
    return lost


def kinds(options, report):
    for kind in ("ext4", "xfs"):
        try:
            with Disk(kind):
                pass
            yield kind
        except cases.Skipped as why:
            report.skipped(f"power {kind}", why)


def run(options, report):
    chance = random.Random(options.seed)
    for kind in kinds(options, report):
        for split in (False, True):
            cut_at_random(options, report, kind, split, 3 if options.quick else 30, chance)
        rounds = 1 if options.quick else 5
        lost = lost_in_forced_case(options, kind, rounds)
        tell = report.failed if lost else report.passed
        tell(f"power {kind} forced",
             f"{len(lost)} of {rounds} lost when the mailboxes' disk is cut right after the message has left the spool for good")


def control(options, report):
    for kind in kinds(options, report):
        lost = lost_in_forced_case(options, kind, 2)
        (report.passed if lost else report.failed)(f"power control {kind}", f"Debian's Postfix lost {len(lost)} of 2, and the rig saw it")
