"""What the fault rigs share: a system that recovers within seconds, and the ledger that says what was lost or doubled."""
import collections
import itertools
import os
import pathlib
import re
import smtplib
import stat
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import mta  # noqa: E402
from shim import Shim  # noqa: E402

# Waiting is what an MTA does after a fault; these make it seconds instead of minutes.
FAST = {
    "queue_run_delay": "1s", "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "transport_retry_time": "1s",
    "service_throttle_time": "1s", "stale_lock_time": "2s", "deliver_lock_attempts": "2", "deliver_lock_delay": "1s",
    "in_flow_delay": "0s", "queue_spare_rate": "0", "max_use": "1000000", "retry_jitter": "0", "bounce_queue_lifetime": "1h",
    "notify_classes": "", "error_notice_recipient": "postmaster@example.test",
    "double_bounce_sender": "double-bounce@example.test",
}
PEOPLE = 50  # u0 ... u49, for the message to many


def mailboxes():
    boxes = {"ann": "ann/", "bob": "bob", "sender": "sender/", "postmaster": "postmaster/", "double-bounce": "double-bounce/",
             "full-folder": "full-folder/", "full-file": "full-file"}
    boxes.update({f"u{i}": f"u{i}/" for i in range(PEOPLE)})
    return "inline:{" + ", ".join(f"{name}@example.test={path}" for name, path in boxes.items()) + "}"


def services():
    found = dict(mta.SERVICES)
    found["pickup"] = "unix n - n 1 1 pickup"
    found["qmgr"] = "unix n - n 1 1 qmgr"
    return found


def system(options, parameters=None, shim=True, smtp=False, **more):
    """A system with the shim (mail.shim) and the mailboxes above; not started. `smtp`: with an SMTP server, at mail.port."""
    port = mta.free_port() if smtp else None
    if smtp:
        more["inet"] = [f"127.0.0.1:{port} inet n - n - - smtpd"]
    values = {**FAST, "virtual_mailbox_maps": mailboxes(), **(parameters or {})}
    values = {name: value for name, value in values.items() if value is not None}
    if options.system == "debian":
        values.pop("retry_jitter", None)
        make = lambda **rest: mta.Debian(values, **rest)  # noqa: E731
        library = pathlib.Path(options.build).resolve() / "tests/fault_shim.so"
    else:
        make = lambda **rest: mta.Postrider(options.build, values, mode=options.mode, **rest)  # noqa: E731
        library = None
    mail = make(services=more.pop("services", services()), **more)
    mail.port = port
    if shim:
        mail.shim = Shim(library or mail.build / "tests/fault_shim.so", mail.base / "fault", mail.log_file)
        mail.environment.update(mail.shim.environment)
        mail.write_configuration()
    return mail


def pending(mail):
    """Messages that are complete and not at rest: what is half written is nobody's message. Nothing is looked for twice: a message may
    have moved from a folder that was not yet read to one that was."""
    def look():
        return [path for path, status in mail.files("maildrop", "incoming", "active", "deferred").items() if status.st_mode & stat.S_IXUSR]
    return look() or look()


def pending_now(mail):
    """As pending(), without what waits for a time: in incoming and maildrop a file of the future is not yet a message."""
    def look():
        now = time.time() + 1
        return [path for path, status in mail.files("maildrop", "incoming", "active").items()
                if status.st_mode & 0o700 == 0o700 and status.st_nlink == 1 and status.st_mtime <= now and status.st_size
                and os.path.basename(path).isalnum()]
    return look() or look()


def debris(mail):
    """Files of messages that were never complete."""
    return [path for path, status in mail.files().items() if not status.st_mode & stat.S_IXUSR]


def settle(mail, limit=mta.LIMIT):
    try:
        mta.wait(lambda: not pending(mail), limit, "the queue to drain")
    except mta.Late as late:
        raise mta.Late(f"{late}: {pending(mail)}\n{mail.log_tail(40)}") from None


def offer(port, by, sender, recipients, text, limit):
    """Sends a message over SMTP and says whether the last reply was 250."""
    try:
        with smtplib.SMTP("127.0.0.1", port, "client.test", timeout=limit) as client:
            if by == "DATA":
                client.sendmail(sender, recipients, text)  # raises unless everything was accepted
                return True
            client.ehlo()
            replies = [client.docmd(f"MAIL FROM:<{sender}>")[0]] + [client.docmd(f"RCPT TO:<{each}>")[0] for each in recipients]
            data = text.replace("\n", "\r\n").encode()
            half = len(data) // 2
            client.send(b"BDAT %d\r\n" % half + data[:half])
            replies.append(client.getreply()[0])
            client.send(b"BDAT %d LAST\r\n" % (len(data) - half) + data[half:])
            replies.append(client.getreply()[0])
            return set(replies) == {250}
    except (OSError, smtplib.SMTPException):
        return False


def offer_again(port, by, sender, recipients, text, limit, tries):
    """0 as soon as the message was accepted."""
    deadline = time.monotonic() + limit
    for _ in range(tries):
        if offer(port, by, sender, recipients, text, max(1, deadline - time.monotonic())):
            return 0
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
    return 1


class Ledger:
    """Who was promised what, against what lies in the mailboxes."""

    numbers = itertools.count(1)

    def __init__(self, mail):
        self.mail = mail
        self.entries = {}  # token: (accepted, [mailbox name, ...])
        self.rejected = self.accepted = 0
        self.seconds = 0.0

    def submit(self, *recipients, expect=None, sender="sender@example.test", lines=3, limit=20, by=None, tries=1):
        """Sends one message; `expect` are the mailboxes that must get it, or the notice (those of the recipients by default). `by`: DATA
        or BDAT, over SMTP; such a client tries again, so often, and 250 at the end is the promise."""
        token = f"tok{os.getpid()}x{next(self.numbers)}q"
        text = f"Subject: {token}\nMessage-Id: <{token}@example.test>\n\n" + f"{token} says hello\n" * lines
        began = time.monotonic()
        try:
            if by is None:
                status = self.mail.sendmail(*recipients, sender=sender, text=text, limit=limit).status
            else:
                status = offer_again(self.mail.port, by, sender, recipients, text, limit, tries)
        except mta.subprocess.TimeoutExpired:
            status = None
        self.seconds = time.monotonic() - began
        accepted = status == 0
        self.accepted += accepted
        self.rejected += not accepted
        names = expect if expect is not None else [recipient.partition("@")[0] for recipient in recipients]
        self.entries[token] = (accepted, list(names), status)
        return token

    def copies(self):
        """{token: {mailbox: [queue id under which that copy came, ...]}} over all mailboxes."""
        found = collections.defaultdict(lambda: collections.defaultdict(list))
        for path in sorted(path for path in self.mail.mail.iterdir() if path.suffix != ".lock"):
            if path.is_dir():
                texts = self.mail.maildir(path.name)
            else:
                texts = re.split(rb"^From ", path.read_bytes(), flags=re.MULTILINE)[1:]
            for text in texts:
                head = text.partition(b"\n\n")[0]
                token = re.search(rb"^Subject: (tok\w+)$", head, re.MULTILINE) or re.search(rb"^(?:> ?)?Subject: (tok\w+)$|<(tok\w+)@",
                                                                                           text, re.MULTILINE)
                identity = re.search(rb"^Received:(?:[^\n]|\n[ \t])*?\bid (\w+)", head, re.MULTILINE)
                if token:
                    name = next(group for group in token.groups() if group).decode()
                    found[name][path.name].append(identity.group(1).decode() if identity else "?")
        return found

    def complete(self, token):
        accepted, names, _ = self.entries[token]
        found = self.copies()[token]
        return all(found.get(name) for name in names)

    def judge(self, only=None):
        """[(token, what)] where what is `lost NAME`, `doubled NAME` (one queued message delivered twice), `queued twice NAME` (two queued
        messages of one submission) or `astray NAME` (a mailbox that should have nothing)."""
        problems = []
        copies = self.copies()
        for token, (accepted, names, _) in self.entries.items():
            if only is not None and token not in only:
                continue
            found = copies.get(token, {})
            for name in sorted(set(names) | set(found)):
                ids = found.get(name, [])
                if name not in names:
                    problems.append((token, f"astray {name}"))
                elif not ids:
                    if accepted:
                        problems.append((token, f"lost {name}"))
                elif len(ids) > 1:
                    problems.append((token, f"{'doubled' if len(set(ids)) < len(ids) else 'queued twice'} {name}"))
        return problems

    def forget(self):
        """Starts with empty mailboxes and nothing promised."""
        for path in list(self.mail.mail.iterdir()):
            if path.is_dir():
                for entry in [*path.glob("new/*"), *path.glob("cur/*"), *path.glob("tmp/*")]:
                    entry.unlink()
            else:
                path.write_bytes(b"")
        self.entries.clear()
        self.accepted = self.rejected = 0
