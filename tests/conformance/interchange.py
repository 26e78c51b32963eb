#!/usr/bin/env python3
"""A spool that Debian's Postfix has filled is taken over by ours, and the other way round; and each side's postcat, postqueue and
postsuper do the same with the other's spool.

    tests/conformance/interchange.py --build build/release [--only NAME]

What a spool holds is made by the system itself: maildrop files with the system stopped, incoming files without a queue manager, active
files as a crash leaves them, deferred ones with their logs, some partly delivered or partly bounced, held ones. The system that takes
over gets the folder as it is; the one it is compared with gets a copy. Compared is what lies in the mailboxes (messages and
notices, byte by byte but for names and times that differ by nature) and what is left in the queue. Needs root."""
import collections
import concurrent.futures
import difflib
import hashlib
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

BOXES = ["ann", "bob", "carol", "sender", "dave", "postmaster"]
MAPS = ", ".join(f"{box}@{domain}={box}/" for box in BOXES for domain in ("example.test", "later.test"))
COMMON = {
    "virtual_mailbox_domains": "example.test, later.test",
    "virtual_mailbox_maps": "inline:{" + MAPS + "}",
    "recipient_delimiter": "+", "delay_warning_time": "1h", "bounce_template_file": "", "message_size_limit": "30000000",
    "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s", "transport_retry_time": "1s",
    "virtual_mailbox_limit": "0", "notify_classes": "", "in_flow_delay": "0",
}
FILLING = {"transport_maps": "inline:{{later.test=retry:4.0.1 come back later}}", "minimal_backoff_time": "1000s",
           "maximal_backoff_time": "1000s", "queue_run_delay": "300s"}
VARIANTS = {
    "short ids": {},
    "long ids, two levels": {"enable_long_queue_ids": "yes", "hash_queue_depth": "2",
                             "hash_queue_names": "deferred, defer, incoming, active, hold"},
}


def need_root():
    if not mta.Debian.available():
        raise cases.Skipped("Debian's Postfix needs root, and to be unpacked")


def make(side, options, parameters, **more):
    values = {**COMMON, **parameters}
    if side == "Debian":
        return mta.Debian(values, **more)
    return mta.Postrider(options.build, {**values, "retry_jitter": "0"}, mode="root", **more)


# --- filling

def text(token, *lines, headers="", end="\n"):
    header = f"Subject: {token}!\nFrom: sender@example.test\nTo: list:;\nMessage-Id: <{token}@example.test>\n{headers}\n"
    return header + "\n".join(lines or (token,)) + end


def submit(mail, token, *recipients, options=(), sender="sender@example.test", body=None):
    result = mail.sendmail(*recipients, sender=sender, options=options, text=body if body is not None else text(token))
    assert result.status == 0, f"{token}: {result}\n{mail.log_tail()}"


def submit_kinds(mail, prefix, domain):
    """Messages of all kinds. Those to later.test stay in the queue while it is being filled."""
    at = f"@{domain}"
    submit(mail, prefix + "plain", "ann" + at)
    submit(mail, prefix + "three", "ann" + at, "bob" + at, "carol+ext" + at)
    submit(mail, prefix + "null", "ann" + at, sender="<>")
    submit(mail, prefix + "dsn", "ann" + at, "bob" + at, options=("-N", "success,delay,failure", "-V", "id+of=envelope", "-R", "hdrs"))
    submit(mail, prefix + "never", "nobody-here" + at, options=("-N", "never"))
    submit(mail, prefix + "report", "ann" + at, "nobody-here" + at, options=("-v",))
    mail.check("sendmail", "-bv", "-f", "sender@example.test", "ann" + at)
    submit(mail, prefix + "verp", "ann" + at, "nobody-here" + at, options=("-XV",))
    submit(mail, prefix + "eight", "bob" + at, options=("-B8BITMIME",),
           body=text(prefix + "eight", "gr\u00fc\u00dfe \u4f60\u597d").encode("utf-8") + b"\xff\xfe\n")
    submit(mail, prefix + "unterminated", "bob" + at, body=text(prefix + "unterminated", "no line end", end=""))
    submit(mail, prefix + "lines", "bob" + at, options=("-i",),
           body=text(prefix + "lines", "x" * 5000, "From here", ".", "..", "", "\ttab", " end ", headers="X-Long: " + "y " * 2000 + "\n"))
    submit(mail, prefix + "big", "carol" + at, body=text(prefix + "big", *["0123456789" * 7] * 15000))
    submit(mail, prefix + "empty", "carol" + at, body=text(prefix + "empty", "", end=""))
    submit(mail, prefix + "bounces", "nobody-here" + at, "nor-here" + at)
    submit(mail, prefix + "fullname", "dave" + at, options=("-F", "Dave, the Sender"), body=f"Subject: {prefix}fullname!\n\nno From\n")
    submit(mail, prefix + "headers", options=("-t",),
           body=f"Subject: {prefix}headers!\nTo: ann{at},\n (comment) bob{at}\nBcc: carol{at}\n\nfrom headers\n")


def fill(side, options, parameters, folder):
    """A stopped system with a spool that holds something in every place."""
    base = pathlib.Path(folder)
    mail = make(side, options, {**parameters, **FILLING}, base=base)
    # Partly delivered, partly bounced, wholly deferred: everything is tried once.
    mail.start()
    submit_kinds(mail, "deferred", "later.test")
    submit(mail, "partly", "ann@example.test", "bob@later.test", "carol@later.test")
    submit(mail, "partlybounced", "nobody-here@example.test", "bob@later.test")
    for number in range(3):
        submit(mail, f"held{number}", "ann@later.test", "bob@later.test")
    submit(mail, "expired", "ann@later.test")
    mail.wait_idle()
    names = by_token(mail)
    for number in range(3):
        mail.check("postsuper", "-h", names[f"held{number}"])
    mail.check("postsuper", "-H", names["held2"])
    mail.check("postsuper", "-e", names["expired"])
    mail.stop()
    # Received, but no queue manager is there.
    mail.services = {name: fields for name, fields in mail.services.items() if name != "qmgr"}
    mail.services["pickup"] = "unix n - n 1 1 pickup"
    mail.write_configuration()
    submit_kinds(mail, "incoming", "example.test")
    submit(mail, "active1", "ann@example.test")
    submit(mail, "active2", "ann@example.test", "nobody-here@example.test")
    mail.start()
    mail.wait_empty("maildrop")
    mail.stop()
    names = by_token(mail)
    for token in ("active1", "active2"):
        path = next(path for path in mail.files("incoming") if path.endswith("/" + names[token]))
        target = mail.queue / path.replace("incoming/", "active/")
        for parent in reversed(target.relative_to(mail.queue / "active").parents):
            folder = mail.queue / "active" / parent
            if not folder.exists():
                folder.mkdir()
                mail.own(folder, mail.owner, 0o700)
        os.rename(mail.queue / path, target)
    # Submitted, but nothing runs.
    submit_kinds(mail, "maildrop", "example.test")
    for name in ("private", "public"):
        for path in (mail.queue / name).iterdir():
            path.unlink()
    return mail


def content_token(content):
    found = re.search(rb"Subject: (\w+)!", content)
    return found.group(1).decode() if found else "none"


def by_token(mail):
    return {content_token((mail.queue / path).read_bytes()): os.path.basename(path) for path in mail.files()}


# --- delivering and comparing

def take_over(side, options, parameters, base):
    """Starts a system on the folder and lets it deliver everything that can be delivered."""
    mail = make(side, options, parameters, base=base)
    mail.check("postsuper", "-s")
    mail.start()
    mail.run("postqueue", "-f")
    mta.wait(lambda: not mail.files("maildrop", "incoming", "active", "deferred"), 60,
             f"{side} to deliver all:\n{list(mail.files('maildrop', 'incoming', 'active', 'deferred'))}\n{mail.log_tail(40)}")
    mail.stop()
    return mail


def normal(content):
    """The text without what is another one at each delivery: ids, times, process numbers."""
    content = re.sub(rb"\b[0-9A-F]{5}[0-9A-F]{4,12}\b(?![0-9A-Fa-f])", b"ID", content)
    content = re.sub(rb"\b[0-9B-Zb-z]{10}z[0-9B-Zb-z]{3,12}\b", b"ID", content)
    content = re.sub(rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [ \d]\d? \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4} \(\w+\)", b"DATE", content)
    content = re.sub(rb"ID\.\d+/mail", b"ID.TIME/mail", content)
    content = re.sub(rb"Message-Id: <\d{14}\.ID@", b"Message-Id: <TIME.ID@", content)
    content = re.sub(rb"delay=[\d.]+, delays=[\d./]+", b"delay=D", content)
    # The words of a notice are each system's own; what programs read (its headers, the delivery status, the original) is not.
    content = re.sub(rb"(Content-Description: Notification\n.*?\n\n).*?(\n--ID)", rb"\1WORDS\2", content, flags=re.DOTALL)
    return re.sub(rb"from userid \d+", b"from userid N", content)


def mailboxes(mail):
    """{(mailbox, what it is): [normalised text, ...]}"""
    found = collections.defaultdict(list)
    for box in BOXES:
        for content in mail.maildir(box):
            subject = re.search(rb"^Subject: (.*)", content, re.MULTILINE)
            about = re.search(rb"^(?:X-)?Subject: (\w+(?:plain|three|null|dsn|never|report|verp|eight|unterminated|lines|big|empty|"
                              rb"bounces|fullname|headers)|"
                              rb"partly\w*|held\d|expired|active\d)!$", content, re.MULTILINE)
            key = box, (subject.group(1) if subject else b"").decode(), (about.group(1) if about else b"").decode()
            found[key].append(normal(content))
    return {key: sorted(texts) for key, texts in found.items()}


def difference(one, other, first, second):
    lines = [text.decode("utf-8", "backslashreplace").splitlines(keepends=True) for text in (one, other)]
    return "".join(difflib.unified_diff(*lines, first, second, n=1))[:3000]


def compare_deliveries(taken, reference):
    mine, theirs = mailboxes(taken), mailboxes(reference)
    problems = []
    for key in sorted(set(mine) | set(theirs)):
        one, other = mine.get(key, []), theirs.get(key, [])
        if len(one) != len(other):
            problems.append(f"{key}: {taken.name} delivered {len(one)}, {reference.name} {len(other)}")
        elif one != other:
            problems += [f"{key}:\n{difference(b, a, reference.name, taken.name)}" for a, b in zip(one, other) if a != b]
    left = [sorted((content_token((mail.queue / path).read_bytes()), path.split("/")[0], status.st_mode & 0o7777)
                   for path, status in mail.files().items()) for mail in (taken, reference)]
    if left[0] != left[1]:
        problems.append(f"left in the queue: {taken.name} {left[0]}, {reference.name} {left[1]}")
    logs = [path for path in taken.files("bounce", "defer", "trace") if os.path.basename(path) not in taken.queued()]
    if logs:
        problems.append(f"logs without a message: {logs}")
    assert mine, "nothing was delivered"
    assert not problems, f"{len(problems)} differences:\n" + "\n".join(problems)


def exchange(options, filler, taker, parameters):
    with tempfile.TemporaryDirectory(prefix="mta.") as folder:
        base, copy = pathlib.Path(folder, "one"), pathlib.Path(folder, "two")
        os.chmod(folder, 0o755)
        base.mkdir()
        systems = [fill(filler, options, parameters, base)]
        try:
            subprocess.run(["cp", "-a", base, copy], check=True)
            systems.append(take_over(taker, options, parameters, base))
            systems.append(take_over(filler, options, parameters, copy))
            compare_deliveries(systems[1], systems[2])
        finally:
            for mail in systems:
                mail.kill_all()


def test_ours_takes_over_from_debian(options):
    need_root()
    exchange(options, "Debian", "Postrider", VARIANTS["short ids"])


def test_ours_takes_over_from_debian_long_ids(options):
    need_root()
    exchange(options, "Debian", "Postrider", VARIANTS["long ids, two levels"])


def test_debian_takes_over_from_ours(options):
    need_root()
    exchange(options, "Postrider", "Debian", VARIANTS["short ids"])


def test_debian_takes_over_from_ours_long_ids(options):
    need_root()
    exchange(options, "Postrider", "Debian", VARIANTS["long ids, two levels"])


# --- the commands

def tree(mail):
    """What the queue holds: (folder, depth, content, mode, owner) of each message, and of each log of a message that is there. Debian's
    postsuper leaves the logs of messages behind when it is told one queue (-d ALL deferred); ours does not."""
    found = []
    there = mail.queued()
    for path, status in mail.files(*mta.QUEUES, *mta.LOGS).items():
        if path.split("/")[0] in mta.LOGS and os.path.basename(path) not in there:
            continue
        content = (mail.queue / path).read_bytes()
        found.append((path.split("/")[0], len(path.split("/")), content_token(content), hashlib.sha256(content).hexdigest()[:12],
                      stat.filemode(status.st_mode), status.st_uid))
    return sorted(found)


def ids(text_):
    text_ = re.sub(r"\b[0-9A-F]{9,17}\b", "ID", text_)
    return re.sub(r"\b[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10}z\w{3,12}\b", "ID", text_)


def lines_of(result):
    out = ids(result.text).splitlines()
    errors = [re.sub(r"^.*?(postsuper|postcat|postqueue): ", r"\1: ", line) for line in ids(result.error).splitlines()]
    return sorted(out), sorted(errors), result.status


def on_a_copy(side, options, parameters, base, folder, words):
    """What `postsuper words` prints, and what it leaves of a copy of the spool."""
    copy = pathlib.Path(tempfile.mkdtemp(prefix="copy.", dir=folder))
    subprocess.run(["cp", "-a", f"{base}/.", copy], check=True)
    mail = make(side, options, parameters, base=copy)
    try:
        return lines_of(mail.run("postsuper", *words)), tree(mail)
    finally:
        shutil.rmtree(copy)


def commands_agree(options, filler, parameters):
    problems = []
    with tempfile.TemporaryDirectory(prefix="mta.") as folder:
        os.chmod(folder, 0o755)
        base = pathlib.Path(folder, "one")
        base.mkdir()
        mail = fill(filler, options, parameters, base)
        mail.kill_all()
        names = by_token(mail)
        debian, ours = (make(side, options, parameters, base=base) for side in ("Debian", "Postrider"))

        def compare(*words, form=lambda result: (result.out, result.status), only_status=False):
            theirs, mine = debian.run(*words), ours.run(*words)
            if (form(theirs) if not only_status else theirs.status) != (form(mine) if not only_status else mine.status):
                shown = difference(theirs.out, mine.out, "Debian", "Postrider") or f"{theirs!r} / {mine!r}"
                problems.append(f"{' '.join(map(str, words))}:\n{shown}")

        for path in sorted(mail.files(*mta.QUEUES)):
            compare("postcat", mail.queue / path)
        # Debian's postcat takes what follows the first 2048 bytes of a header line for the body: not for us to repeat.
        for name in [name for token, name in sorted(names.items()) if not token.endswith("lines")][::4]:
            for flags in ("-q", "-eq", "-bq", "-hq", "-bhq", "-oq", "-eoq"):
                compare("postcat", *(f"-{flag}" for flag in flags[1:]), name)
        compare("postqueue", "-p", form=lambda result: (sorted(result.text.split("\n\n")), result.status))
        compare("postqueue", "-j", form=lambda result: (sorted(result.text.splitlines()), result.status))

        deferred, held, incoming = names["deferredplain"], names["held0"], names["incomingplain"]
        lines = [line.split() for line in (
            "-s", "-p", f"-d {deferred}", f"-d {held}", f"-d {incoming}", f"-d {names['active1']}", f"-d {names['maildropplain']}",
            "-d ALL", "-d ALL deferred", "-d ALL hold", "-d ALL no-such-queue", "-d 0123456789", "-h ALL", f"-h {names['deferreddsn']}",
            "-h ../etc/passwd", "-H ALL", f"-H {held}", "-r ALL", "-r ALL deferred", f"-r {held}", "-r ALL -h ALL", f"-e {deferred}",
            "-e ALL", f"-f {deferred}", f"-f {incoming}")] + [["-d", ""]]
        # Debian's postsuper sleeps a second before it ends on an error, so several run at once.
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            def both(words):
                return [on_a_copy(side, options, parameters, base, folder, words) for side in ("Debian", "Postrider")]
            for words, (theirs, mine) in zip(lines, pool.map(both, lines)):
                if theirs[0] != mine[0]:
                    problems.append(f"postsuper {' '.join(words)}: Debian {theirs[0]}, ours {mine[0]}")
                if theirs[1] != mine[1]:
                    problems.append(f"postsuper {' '.join(words)}: files: Debian only {sorted(set(theirs[1]) - set(mine[1]))[:5]}, "
                                    f"ours only {sorted(set(mine[1]) - set(theirs[1]))[:5]}")
    assert not problems, f"{len(problems)} differences:\n" + "\n".join(problems)


def test_commands_agree_about_debians_spool(options):
    need_root()
    commands_agree(options, "Debian", VARIANTS["short ids"])


def test_commands_agree_about_debians_spool_long_ids(options):
    need_root()
    commands_agree(options, "Debian", VARIANTS["long ids, two levels"])


def test_commands_agree_about_our_spool(options):
    need_root()
    commands_agree(options, "Postrider", VARIANTS["short ids"])


def test_the_comparison_sees_nothing_between_debian_and_debian(options):
    """The positive control: with Debian's Postfix on both sides nothing differs, so what differs elsewhere is ours."""
    need_root()
    exchange(options, "Debian", "Debian", VARIANTS["short ids"])


if __name__ == "__main__":
    mta.end_cleanly_on_sigterm()
    cases.main(__name__, cases.arguments())
