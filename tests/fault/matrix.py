"""Each call on a message's way fails, once or from then on, with each error that it can have in life.

While the fault lasts nothing may be promised that is not kept, and sendmail must answer within 10 seconds; when it is over, what was
accepted must arrive, and new mail must go, within 10 seconds and without a hand. Nobody may die of it."""
import collections
import os
import time

import kill
import mta
import rig
from shim import Action, CHANGING, Kind

ERRORS = {
    Kind.CREATE: ["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EMFILE", "EIO"],
    Kind.OPEN: ["EACCES", "EMFILE", "EIO"],
    Kind.WRITE: ["ENOSPC", "EDQUOT", "EIO", "EFBIG"],
    Kind.RENAME: ["ENOSPC", "EIO", "EROFS", "EACCES"],
    Kind.LINK: ["ENOSPC", "EDQUOT", "EIO", "EACCES"],
    Kind.UNLINK: ["EIO", "EROFS", "EACCES"],
    Kind.CHMOD: ["EIO", "EROFS"],
    Kind.FSYNC: ["EIO", "ENOSPC", "EDQUOT"],
    Kind.TRUNCATE: ["EIO"],
    Kind.UTIME: ["EIO", "EROFS"],
    Kind.MKDIR: ["ENOSPC", "EDQUOT", "EIO"],
    Kind.RMDIR: ["EIO"],
    Kind.CHOWN: ["EIO", "EROFS"],
    Kind.CLOSE: ["EIO", "EDQUOT"],
    Kind.SEND: ["EPIPE", "ECONNRESET"],
}
# A mailbox that may not grow: the message may also go back to its sender, as Postfix does it.
RETURNS = {"EDQUOT", "EFBIG"}
ANSWER = RECOVERY = 10  # seconds
FOLDERS = ["socket/unix", "socket/inet", "maildrop", "incoming", "active", "deferred", "bounce", "defer", "trace", "mail/ann", "mail/bob", "mail/sender"]


class Cell:
    def __init__(self, flow, call, number, error, always, path=""):
        self.flow, self.call, self.number, self.error, self.always, self.path = flow, call, number, error, always, path
        self.problems, self.remarks = [], []
        self.fired = self.accepted = False
        self.answered = self.recovered = 0.0

    def __str__(self):
        what = f"{os.path.basename(os.path.dirname(self.call.path))}/{os.path.basename(self.call.path)}"
        return (f"{self.flow}: {self.call.program} {self.call.kind.name.lower()} {self.number} ({what}) fails with {self.error} "
                f"{'from then on' if self.always else 'once'}")


def cells_of(mail, ledger, flow):
    """Every (call, error, once or always) of the flow."""
    mail.shim.arm(Action.COUNT, kinds=kill.kinds_of(flow) + [Kind.CLOSE, Kind.OPEN], logging=True)
    kill.deliver(mail, ledger, flow)
    mail.shim.disarm()
    counts = collections.Counter()
    for call in mail.shim.calls():
        if flow in kill.SMTP and call.program not in kill.SMTP_PROGRAMS:
            continue  # the others' faults are in the other flows
        # A fault is that of one folder: what a full mailbox returns must find its way to another one.
        path = next((name for name in FOLDERS if name in call.path), "")
        counts[call.program, call.kind, path] += 1
        if call.kind == Kind.OPEN and (not path or counts[call.program, call.kind, path] > 1):
            continue  # programs open much that is not mail
        number = counts[call.program, call.kind, path]
        for error in ERRORS[call.kind]:
            if path == "mail/sender" and error in RETURNS:
                continue  # a notice that cannot be delivered goes nowhere
            for always in (False, True):
                yield Cell(flow, call, number, error, always, path)


def run_cell(options, mail, ledger, cell):
    mail.log_mark()
    mail.shim.arm(Action.FAIL, cell.call.program, cell.number, cell.error, cell.always, [cell.call.kind], cell.path)
    token = kill.submit(ledger, cell.flow, limit=2 * ANSWER, **({"tries": 1} if cell.flow in kill.SMTP else {}))
    cell.answered, cell.accepted = ledger.seconds, ledger.entries[token][0]
    if cell.answered > ANSWER:
        cell.problems.append(f"no answer within {ANSWER} s")
    if cell.accepted:
        try:
            mta.wait(lambda: mail.shim.fired() or ledger.complete(token), 3, "the fault")
        except mta.Late:
            pass
        if cell.always:
            end = time.monotonic() + 1.2
            mta.wait(lambda: time.monotonic() > end or (not rig.pending(mail) and ledger.complete(token)), 5)
    cell.fired = mail.shim.fired() > 0
    mail.shim.disarm()
    began = time.monotonic()
    after = kill.submit(ledger, cell.flow) if cell.always or not cell.accepted else None
    try:
        rig.settle(mail, 2 * RECOVERY)
        for each in (token if cell.accepted else None, after):
            if each and not ledger.complete(each):
                mta.wait(lambda: ledger.complete(each) or returned(options, mail, ledger, each, cell), 3, "the delivery")
    except mta.Late as late:
        cell.problems.append(f"stuck: {str(late)[:300]}")
    cell.recovered = time.monotonic() - began
    if cell.recovered > RECOVERY:
        cell.problems.append(f"back after {cell.recovered:.0f} s")
    if after and not ledger.entries[after][0]:
        cell.problems.append("the next message is refused although the fault is over")
    judge(options, mail, ledger, cell)
    if not cell.problems:
        ledger.forget()


def returned(options, mail, ledger, token, cell):
    """Whether the message went back to its sender, where that is no loss."""
    return (options.system == "debian" or cell.error in RETURNS) and "sender" in ledger.copies()[token]


def judge(options, mail, ledger, cell):
    found = collections.defaultdict(list)
    for token, what in ledger.judge():
        found[token].append(what)
    for token, whats in found.items():
        if any(what == "astray sender" for what in whats) and returned(options, mail, ledger, token, cell):
            cell.remarks.append("returned")
            whats = [what for what in whats if not what.startswith(("astray sender", "lost"))]
        for what in whats:
            known = kill.allowed(options, cell.flow, cell.call.program, what)
            (cell.remarks if known else cell.problems).append(what)
    died = kill.deaths(mail.new_log(), "nobody")
    if died:
        (cell.remarks if options.system == "debian" else cell.problems).append(f"died: {died[0]}")


def run_flow(options, report, flow, most=None):
    done = []
    with rig.system(options, smtp=flow in kill.SMTP) as mail:
        mail.start()
        ledger = rig.Ledger(mail)
        for _ in range(2):
            kill.deliver(mail, ledger, flow)
        cells = list(cells_of(mail, ledger, flow))
        ledger.forget()
        if most and len(cells) > most:
            step = len(cells) / most
            cells = [cells[(int(i * step) + options.seed) % len(cells)] for i in range(most)]
        for cell in cells:
            run_cell(options, mail, ledger, cell)
            done.append(cell)
            if cell.problems or options.verbose:
                print(f"  {cell}: {'fired' if cell.fired else 'not reached'}, {'accepted' if cell.accepted else 'refused'} after "
                      f"{cell.answered:.1f} s, back after {cell.recovered:.1f} s {cell.problems} {cell.remarks}", flush=True)
            if cell.problems:
                kill.restart(mail)
                rig.settle(mail)
                ledger.forget()
    by_program = collections.defaultdict(list)
    for cell in done:
        by_program[cell.call.program].append(cell)
    for program, some in sorted(by_program.items()):
        bad = [cell for cell in some if cell.problems]
        remarks = collections.Counter(remark.split()[0].rstrip(":") for cell in some for remark in cell.remarks)
        text = (f"{len(some)} faults, {sum(cell.fired for cell in some)} reached, {sum(not cell.accepted for cell in some)} refused, "
                f"answers within {max(cell.answered for cell in some):.1f} s, "
                f"recovery within {max(cell.recovered for cell in some):.1f} s")
        text += "".join(f", {count} {what}" for what, count in remarks.items())
        name = f"matrix {flow} {program}"
        if bad:
            report.failed(name, text + "".join(f"\n    {cell}: {cell.problems}" for cell in bad))
        else:
            report.passed(name, text)
    return done


def run(options, report):
    if options.quick:
        run_flow(options, report, "maildir", most=24)
        run_flow(options, report, "smtp", most=16)
        return
    for flow in ("maildir", "mbox", "bounce", "smtp", "bdat"):
        run_flow(options, report, flow)


def control(options, report):
    """Debian's Postfix returns mail when fsync of a mailbox fails with EIO; that is what the rig must see."""
    seen = []
    with rig.system(options) as mail:
        mail.start()
        ledger = rig.Ledger(mail)
        kill.deliver(mail, ledger, "maildir")
        for cell in cells_of(mail, ledger, "maildir"):
            if cell.call.program == "virtual" and cell.error == "EIO" and cell.call.kind in (Kind.FSYNC, Kind.LINK) and not cell.always:
                run_cell(options, mail, ledger, cell)
                seen.append(f"{cell.call.kind.name.lower()}: {cell.remarks + cell.problems}")
    if any(line.startswith("fsync") and "returned" in line for line in seen):
        report.passed("matrix control", f"Debian's Postfix returns mail for a passing error, and the rig saw it: {seen}")
    else:
        report.failed("matrix control", f"the rig does not see that Debian's Postfix returns mail after EIO: {seen}")
