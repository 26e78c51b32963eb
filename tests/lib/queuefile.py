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
