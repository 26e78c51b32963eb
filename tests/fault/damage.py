"""Damaged files in every folder of the queue, beside good mail: no process may die of one, and the good mail goes on.

A damaged file is a good one that was truncated, has bits flipped or bytes replaced, or is complete but has a mode, type, name or time
that no message has."""
import os
import pathlib
import random
import socket
import stat
import tempfile
import time

import mta
import queuefile
import rig

MESSAGE_FOLDERS = ["maildrop", "incoming", "deferred", "hold", "active"]
LOG_FOLDERS = ["bounce", "defer", "trace", "flush"]
STATUS = b"""
<ann@example.test>: it did not work
recipient=ann@example.test
offset=285
dsn_orig_rcpt=rfc822;ann@example.test
status=4.3.0
action=delayed
reason=it did not work

"""


def base_files():
    """Complete messages to damage: (for the queue, for maildrop)."""
    people = ["ann@example.test", "nobody-here@example.test", "u3@example.test"]
    queue = [
        queuefile.queue_file(["ann@example.test"], sender=""),
        queuefile.queue_file(people, done=(0,), sender="", warn=int(time.time()) + 9999),
        queuefile.queue_file(["u4@example.test"], attributes=["encoding=8bit", "envelope_id=an id", "ret_flags=1", "notify_flags=6"],
                             text=b"Subject: 8 bits\n\n\xe9\xff\x00 line\n" + b"long " * 1000 + b"\nno end"),
        queuefile.queue_file(["nobody-here@example.test"], sender="nobody-either@example.test", attributes=["trace_flags=1024"]),
        queuefile.queue_file(["ann@elsewhere.test"], sender="", attributes=["log_client_name=unknown", "sasl_username=x"]),
        queuefile.queue_file(people, sender="").replace(queuefile.record("M"), queuefile.record("p", f"{0:15d}") + queuefile.record("M")),
    ]
    maildrop = [
        queuefile.maildrop_file(["ann@example.test"], sender=""),
        queuefile.maildrop_file(people, sender="sender@example.test"),
        queuefile.maildrop_file(["u5@example.test"], sender="", text=b"\xff\xfe\x00\nx: y\n\nlast"),
    ]
    return queue, maildrop


class Damaged:
    """One file that is no good: how it is to be made."""

    def __init__(self, what, content, mode=None, kind="file", name=None, mtime=None):
        self.what, self.content, self.mode, self.kind, self.name, self.mtime = what, content, mode, kind, name, mtime


def damage(content, number, chance):
    """The number-th way to damage it; every truncation and every bit comes by when numbers go on long enough."""
    way = number % 8
    turn = number // 8
    size = len(content)
    if way in (0, 1):
        return Damaged(f"cut at {turn % size}", content[:turn % size])
    if way in (2, 3, 4):
        bit = (turn * 3 + way - 2) % (size * 8)
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        return Damaged(f"bit {bit} flipped", bytes(flipped))
    if way == 5:
        at, length = chance.randrange(size), chance.choice([1, 2, 4, 16, 64])
        return Damaged(f"{length} random bytes at {at}", content[:at] + chance.randbytes(length) + content[at + length:])
    if way == 6:
        return damage_whole(content, turn, chance)
    return damage_around(content, turn, chance)


def damage_whole(content, turn, chance):
    """Records that lie, and files that are none."""
    return [
        lambda: Damaged("random bytes", chance.randbytes(chance.randrange(1, 4096))),
        lambda: Damaged("twice", content + content),
        lambda: Damaged("no size record", content[97:]),
        lambda: Damaged("a record of 4 GiB", content[:97] + b"T\xff\xff\xff\xff\x0f" + content[97:]),
        lambda: Damaged("a length without end", content[:97] + b"T" + b"\x80" * 64 + content[97:]),
        lambda: Damaged("sizes that are no numbers", queuefile.record("C", b"x" * 95) + content[97:]),
        lambda: Damaged("huge sizes", queuefile.record("C", (b"9" * 15 + b" ") * 5 + b"9" * 15) + content[97:]),
        lambda: Damaged("negative sizes", queuefile.size_record(-5, -7, -1, 0, -3) + content[97:]),
        lambda: Damaged("unknown hints", queuefile.size_record(100, 200, 1, 1 << 20, 100) + content[97:]),
        lambda: Damaged("a pointer to itself", content[:97] + queuefile.record("p", f"{97:15d}") + content[97:]),
        lambda: Damaged("a pointer to nowhere", content[:97] + queuefile.record("p", f"{chance.randrange(1 << 40):15d}") + content[97:]),
        lambda: Damaged("a pointer that is no number", content[:97] + queuefile.record("p", "-" * 15) + content[97:]),
        lambda: Damaged("records of all types", content[:97] + b"".join(bytes([c, 1, 65]) for c in range(256)) + content[97:]),
        lambda: Damaged("many attributes", content[:97] + b"".join(queuefile.record("A", f"n{i}=v") for i in range(5000)) + content[97:]),
        lambda: Damaged("an attribute without a value", content[:97] + queuefile.record("A", "=") +
                        queuefile.record("A", "x") + content[97:]),
        lambda: Damaged("no recipient", content.replace(b"R", b"D")),
        lambda: Damaged("a long address", content.replace(b"M\0", queuefile.record("R", "x" * 70000) + b"M\0", 1)),
        lambda: Damaged("a recipient with line ends", content.replace(
            b"M\0", queuefile.record("R", "a\nb\r\0c@example.test") + b"M\0", 1)),
        lambda: Damaged("a time far away", content.replace(b"12345", b"99999999999999999999", 1)),
        lambda: Damaged("a time before time", content[:97] + queuefile.record("T", "-1 -1") + content[97:]),
        lambda: Damaged("zeros", bytes(len(content))),
        lambda: Damaged("an end first", content[:97] + queuefile.record("E") + content[97:]),
        lambda: Damaged("empty", b""),
    ][turn % 23]()


def damage_around(content, turn, chance):
    """Good content under a name, mode, type or time that no message has."""
    now = int(time.time())
    return [
        *(lambda mode=mode: Damaged(f"mode {mode:o}", content, mode=mode)
          for mode in (0o600, 0o400, 0o000, 0o644, 0o777, 0o755, 0o4755, 0o710, 0o740)),
        *(lambda kind=kind: Damaged(f"is a {kind}", content, kind=kind)
          for kind in ("directory", "symlink", "dangling symlink", "hard link", "fifo", "socket")),
        *(lambda name=name: Damaged(f"name {name!r}", content, name=name)
          for name in (f"{turn}.x", f"9999.{turn}", f"-{turn:X}", f"x{turn}" + "y" * 240, f"{turn} 1", f"{turn}\n1", f"{turn}\udcff1",
                       f"..{turn}", f"core.{turn}", f"{turn:05X}", f"{turn:X}z", f"{turn:06d}0000z1", f"FFFFF{turn:X}FFFFFFFFFFFFFFFFFFFFF")),
        *(lambda mtime=mtime: Damaged(f"time {mtime}", content, mtime=mtime)
          for mtime in (0, 1, now + 86400 * 3650, 2**31, 2**33, now + 7201)),
    ][turn % 34]()


def put(mail, folder, item):
    """Makes the damaged file; returns its path, or None when the file system has no such name."""
    good_mode = {"maildrop": 0o744}.get(folder, 0o600 if folder in LOG_FOLDERS else 0o700)
    owner, hashed = mail.owner, ("deferred", "defer")
    if item.kind == "file":
        name = queuefile.place(mail.queue, folder, item.content, owner=owner, mode=good_mode if item.mode is None else item.mode,
                               mtime=item.mtime, name=item.name, hashed=hashed)
    else:
        name = f"{next(queuefile.counter) % 0xFFFFF:05X}{random.randrange(1 << 20):X}"
    path = mail.queue / folder / (name[0] if folder in hashed else "") / name
    if item.kind == "file":
        return path
    path.parent.mkdir(exist_ok=True)
    mail.own(path.parent, owner, 0o700 if folder in hashed else None)
    if item.kind == "directory":
        path.mkdir()
    elif item.kind.endswith("symlink"):
        path.symlink_to(mail.etc / ("main.cf" if item.kind == "symlink" else "missing"))
    elif item.kind == "hard link":
        original = path.with_name("linked")
        original.write_bytes(item.content)
        mail.own(original, owner, good_mode)
        os.link(original, path)
        original.unlink() if random.random() < 0.5 else None
    elif item.kind == "fifo":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    if item.kind in ("directory", "fifo", "socket", "hard link"):
        mail.own(path, owner, good_mode)
    return path


def clear(mail):
    """Empties the message and log folders, whatever is in them."""
    for folder in mta.QUEUES + mta.LOGS + ("flush",):
        for where, folders, files in os.walk(mail.queue / folder, topdown=False):
            for name in files + [name for name in folders if len(name) > 1]:
                path = os.path.join(where, name)
                try:
                    if stat.S_ISDIR(os.lstat(path).st_mode):
                        os.rmdir(path)
                    else:
                        os.unlink(path)
                except FileNotFoundError:
                    pass


def complaints(mail):
    return [line for line in mail.new_log().splitlines()
            if any(text in line for text in ("killed by signal", "exit status", "panic:", "fatal:", "terminate called"))]


def commands(mail, paths):
    """What an administrator's commands do with them: end, in time, and not by a signal."""
    bad = []
    lines = [("postqueue", "-p"), ("postqueue", "-j"), ("postsuper", "-s"), ("postsuper", "-p")]
    lines += [("postcat", path) for path in paths]
    for words in lines:
        result = mail.run(*words, limit=60)
        if result.status < 0 or result.status > 127:
            bad.append(f"{' '.join(map(str, words))}: ended by signal {-result.status}: {result}")
    return bad


def batch(mail, ledger, folder, items, stopped, chance):
    """[problem] of one batch in one folder. `stopped`: the files are there when the system starts."""
    bad = []
    mail.log_mark()
    if stopped:
        mail.stop()
    placed = []
    for item in items:
        try:
            path = put(mail, folder, item)
            placed.append((path, item))
        except OSError:
            pass  # a name that is there already
    if stopped:
        mail.start()
    watched = {pid: name for pid, name in mail.processes().items() if name in ("master", "qmgr", "pickup")}
    token = ledger.submit("ann@example.test", "bob@example.test")
    began = time.monotonic()
    mail.run("postqueue", "-f")
    try:
        mta.wait(lambda: ledger.complete(token), 10, "good mail")
    except mta.Late as late:
        bad.append(f"good mail beside damaged files in {folder} is stuck: {late}")
    seconds = time.monotonic() - began
    try:
        mta.wait(lambda: not rig.pending_now(mail), 30, "the damaged files to be dealt with")
    except mta.Late:
        bad.append(f"{folder}: complete files that nobody takes: {rig.pending_now(mail)[:5]}")
    gone = [name for pid, name in watched.items() if not mail.owns(pid)]
    if gone:
        bad.append(f"{folder}: {', '.join(gone)} ended")
    bad += [f"{folder}: {line}" for line in complaints(mail)[:5]]
    left = [path for path, _ in placed if path.is_file() and not path.is_symlink()]
    bad += commands(mail, chance.sample(left, min(3, len(left))))
    return bad, seconds, len(placed)


def find_culprits(mail, ledger, folder, items, chance, until):
    """The files that do it alone (at most three, and no longer than `until`), by halves."""
    if len(items) == 1:
        return items
    found = []
    middle = len(items) // 2
    for half in (items[:middle], items[middle:]):
        clear(mail)
        if not mail.running():
            mail.start()
        if len(found) < 3 and time.monotonic() < until and batch(mail, ledger, folder, half, False, chance)[0]:
            found += find_culprits(mail, ledger, folder, half, chance, until)
    return found


def keep(items):
    """Puts the culprits where they can be looked at after the run; returns what they are called."""
    place = pathlib.Path(tempfile.gettempdir(), f"damage-{os.getpid()}")
    place.mkdir(exist_ok=True)
    named = []
    for item in items:
        path = place / str(next(queuefile.counter))
        path.write_bytes(item.content)
        named.append(f"{item.what} (a {item.kind}, kept as {path})")
    return named


def run_folder(options, report, mail, ledger, folder, count, chance, most_bad=3, search=True):
    queue, maildrop = base_files()
    bases = maildrop if folder == "maildrop" else [STATUS] if folder in LOG_FOLDERS else queue
    bad, slowest, made, corrupt = [], 0.0, 0, 0
    size = min(250, count)
    start = chance.randrange(1 << 20) if options.quick else 0
    for first in range(start, start + count, size):
        items = [damage(bases[number % len(bases)], number // len(bases), chance) for number in range(first, first + size)]
        problems, seconds, placed = batch(mail, ledger, folder, items, folder == "active", chance)
        made += placed
        slowest = max(slowest, seconds)
        corrupt += len(mail.files("corrupt"))
        if problems:
            culprits = []
            if folder != "active" and search:
                culprits = keep(find_culprits(mail, ledger, folder, items, chance, time.monotonic() + 60))
            bad.append(f"files {first} to {first + size}: {problems}; it takes only: {culprits}")
            clear(mail)
            if not mail.running():
                mail.start()
        clear(mail)
        ledger.forget()
        if len(bad) >= most_bad:
            break
    if not mail.running():
        mail.start()
    text = f"{made} damaged files, {corrupt} of them put into corrupt/, good mail beside them took at most {slowest:.1f} s"
    if folder in ("incoming", "deferred", "active") and not corrupt:
        bad.append("none was recognised as damaged, so nothing is proved")
    if bad:
        report.failed(f"damage {folder}", text + "".join(f"\n    {line}" for line in bad))
    elif slowest > 10:
        report.failed(f"damage {folder}", text)
    else:
        report.passed(f"damage {folder}", text)
    return bad


def run(options, report):
    chance = random.Random(options.seed)
    with rig.system(options, shim=False) as mail:
        mail.start()
        ledger = rig.Ledger(mail)
        for folder in MESSAGE_FOLDERS + LOG_FOLDERS:
            count = 125 if options.quick else 4000 if folder in ("maildrop", "incoming", "deferred") else 1700
            run_folder(options, report, mail, ledger, folder, count, chance)


def control(options, report):
    """Postfix's queue manager dies of some files; the rig must see that."""
    options.quick = False
    with rig.system(options, shim=False) as mail:
        mail.start()
        silent = type(report)()
        silent.passed = silent.failed = lambda *words: None
        bad = run_folder(options, silent, mail, rig.Ledger(mail), "incoming", 2000, random.Random(1), 1, False)
    if bad:
        report.passed("damage control", f"the rig sees what Debian's Postfix does with damaged files: {bad[0][:400]}")
    else:
        report.failed("damage control", "Debian's queue manager dies of some damaged files; the rig did not see it")
