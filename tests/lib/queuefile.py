"""Messages as they lie in a queue, made byte by byte: for spools too large to be filled by submitting, and for damage.

This knows the format on its own, so that a mistake in our programs does not hide itself."""
import itertools
import os
import pathlib
import time


def record(kind, data=b""):
    if isinstance(data, str):
        data = data.encode()
    length, left = bytearray(), len(data)
    while left > 127:
        length.append(left & 127 | 128)
        left >>= 7
    length.append(left)
    return kind.encode() + bytes(length) + data


def size_record(message, data_offset, recipients, hints, content, utf8=0):
    return record("C", " ".join(f"{number:15d}" for number in (message, data_offset, recipients, hints, content, utf8)))


def text_records(text):
    if isinstance(text, str):
        text = text.encode()
    lines = text.split(b"\n")
    last = lines.pop()
    out = b""
    for line in lines:
        while len(line) > 2048:
            out, line = out + record("L", line[:2048]), line[2048:]
        out += record("N", line)
    return out + (record("L", last) if last else b"")


def queue_file(recipients, sender="sender@example.test", text="Subject: test\n\ntest\n", arrival=None, done=(), attributes=(), warn=None):
    """A complete message as cleanup writes it. `done`: the numbers of the recipients that are done already."""
    arrival = int(time.time()) if arrival is None else arrival
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(arrival))
    lines = f"Received: by mail.example.test (Postfix)\n\tid 0; {date}\n".encode()
    content = text_records(lines + (text.encode() if isinstance(text, str) else text))
    envelope = record("T", f"{arrival} 12345") + record("A", f"create_time={arrival}") + record("A", "rewrite_context=local")
    envelope += record("S", sender)
    for attribute in attributes:
        envelope += record("A", attribute)
    if warn is not None:
        envelope += record("W", f"{warn:15d}")
    for number, recipient in enumerate(recipients):
        envelope += record("A", f"dsn_orig_rcpt=rfc822;{recipient}") + record("O", recipient)
        envelope += record("D" if number in done else "R", recipient)
    envelope += record("M")
    data_offset = 97 + len(envelope)
    return size_record(len(content), data_offset, len(recipients), 0, len(content)) + envelope + content + record("X") + record("E")


def maildrop_file(recipients, sender="sender@example.test", text="Subject: test\n\ntest\n", arrival=None):
    """A complete message as postdrop writes it."""
    arrival = int(time.time()) if arrival is None else arrival
    out = record("T", f"{arrival} 12345") + record("A", "rewrite_context=local") + record("S", sender)
    out += b"".join(record("R", recipient) for recipient in recipients)
    return out + record("M") + text_records(text) + record("X") + record("E")


counter = itertools.count()


def name_for(inode):
    """A short queue id that no other call has returned for the inode in this process."""
    return f"{next(counter) * 0x9E375 & 0xFFFFF:05X}{inode:X}"


def place(queue, folder, content, *, owner, mode=0o700, mtime=None, name=None, hashed=("deferred", "defer")):
    """Puts a file into a queue folder under a name that fits its inode (or the name given); returns the name."""
    queue = pathlib.Path(queue)
    temporary = queue / folder / f"{next(counter)}.{os.getpid()}"
    fd = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(fd, content) if content else None
        if name is None:
            name = name_for(os.fstat(fd).st_ino)
        if os.geteuid() == 0:
            os.fchown(fd, owner.uid, owner.gid)
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
    target = queue / folder
    if folder in hashed:
        target /= name[0]
        if not target.is_dir():
            target.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(target, owner.uid, owner.gid)
    if mtime is not None:
        os.utime(temporary, (mtime, mtime))
    os.rename(temporary, target / name)
    return name


CREATED = 1795258613  # Sat Nov 21 10:56:53 2026 UTC


class QueueFiles:
    """Writes into `queue`, a queue directory; files belong to `owner` (uid, gid) when we are root."""

    def __init__(self, queue, owner=None):
        self.queue, self.owner, self.count = str(queue), owner, 0

    def give(self, path, mode):
        os.chmod(path, mode)
        if self.owner and os.geteuid() == 0:
            os.chown(path, *self.owner)

    def folder(self, path):
        where = self.queue
        for part in path.split("/"):
            where += "/" + part
            if not os.path.isdir(where):
                os.mkdir(where)
                self.give(where, 0o700)
        return where

    def message(self, folder="deferred", sender="sender@example.org", recipients=("user@example.com",), *, done=(), extracted=(),
                hashed=None, mode=0o700, created=CREATED, size=None, lines=("Subject: test", "", "hello"), extra=b"", long_id=None):
        """Writes a message and returns its id. `recipients`: addresses, or pairs of the original and the final one; `done` ones are
        marked; `extracted` ones stand behind the content."""
        self.count += 1
        microseconds = (self.count * 7919) % 1000000
        envelope = record("T", f"{created} {microseconds}") + record("A", f"create_time={created}") + record("A", "rewrite_context=local")
        envelope += record("S", sender) + extra
        addressed = []
        for kind, group in (("R", recipients), ("D", done)):
            for each in group:
                original, address = each if isinstance(each, tuple) else (each, each)
                addressed.append(record("O", original) + record(kind, address))
        count = len(addressed)
        envelope += b"".join(addressed)
        behind = b"".join(record("O", each) + record("R", each) for each in extracted)
        count += len(extracted)
        envelope += record("M")
        content = b"".join(record("N", line) for line in lines)
        start = 97 + len(envelope)
        first = size_record(len(content), start, count, 0, len(content)) if size is None else record("C", size)
        path = f"{self.queue}/new.{self.count}"
        with open(path, "wb") as file:
            if folder != "maildrop":
                file.write(first)
            file.write(envelope + content + record("X") + behind + record("E"))
        name = long_id or f"{microseconds:05X}{os.stat(path).st_ino:X}"
        self.give(path, mode)
        if hashed if hashed is not None else folder == "deferred":
            folder = f"{folder}/{name[0]}"
        os.rename(path, self.folder(folder) + "/" + name)
        return name

    def log(self, name, entries, folder="defer", hashed=None, compatible=True, raw=None):
        """Writes defer/ID or its like: `entries` are (recipient, reason) or (recipient, reason, original)."""
        if hashed if hashed is not None else folder == "defer":
            folder = f"{folder}/{name[0]}"
        path = self.folder(folder) + "/" + name
        with open(path, "wb") as file:
            for entry in entries:
                recipient, reason = entry[:2]
                text = "\n"
                if compatible:
                    text += f"<{recipient}>: {reason}\n"
                text += f"recipient={recipient or '<>'}\n"
                if len(entry) > 2:
                    text += f"original_recipient={entry[2]}\n"
                text += f"status=4.4.1\naction=delayed\nreason={reason}\n\n"
                file.write(text.encode())
            if raw:
                file.write(raw)
        self.give(path, 0o600)
