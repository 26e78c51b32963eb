"""Queue files and status logs, written byte by byte: what a queue may hold without any program having been asked to put it there."""
import os

CREATED = 1795258613  # Sat Nov 21 10:56:53 2026 UTC


def record(kind, data=b""):
    data = data.encode() if isinstance(data, str) else data
    length, head = len(data), kind.encode()
    while length >= 0x80:
        head += bytes([(length & 0x7F) | 0x80])
        length >>= 7
    return head + bytes([length]) + data


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
        start = len(record("C", " " * 95)) + len(envelope)
        first = f"{len(content):15d} {start:15d} {count:15d} {0:15d} {len(content):15d} {0:15d}" if size is None else size
        path = f"{self.queue}/new.{self.count}"
        with open(path, "wb") as file:
            if folder != "maildrop":
                file.write(record("C", first))
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
