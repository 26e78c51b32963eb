"""Debian's cleanup and pickup, and ours, each in a queue directory of its own, fed with the same records. No queue manager runs, so
what they write stays in incoming (or hold), where it is read back.

Ours is started with the descriptors that master would give it; Debian's is started by its master."""
import fcntl
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))
import mta  # noqa: E402

BOUNCE, FILTER, HOLD, DISCARD, BCC, MAP, MILTER, UTF8, AUTO_UTF8 = 1, 2, 4, 8, 16, 32, 64, 256, 512
SMTPD, PICKUP = 178, 627  # what these programs ask for


# --- records

def record(kind, data=b""):
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
    length, size = b"", len(data)
    while True:
        size, low = size >> 7, size & 127
        if not size:
            return kind.encode() + length + bytes([low]) + data
        length += bytes([low | 128])


def parse(data):
    found, at = [], 0
    while at < len(data):
        kind, size, shift = chr(data[at]), 0, 0
        while True:
            at += 1
            size |= (data[at] & 127) << shift
            shift += 7
            if not data[at] & 128:
                break
        found.append((kind, data[at + 1:at + 1 + size]))
        at += 1 + size
    return found


def pack(*records):
    return b"".join(record(*one) if isinstance(one, tuple) else record(one) for one in records)


# --- what was made of them, with all that is meant to differ taken out

class Answer:
    def __init__(self, queue_id, status, reason, records, folder, read_log):
        self.queue_id, self.status, self.reason, self.folder, self.read_log = queue_id, status, reason, folder, read_log
        self.records = None if records is None else [(kind, self.plain(kind, data)) for kind, data in records]

    @property
    def log(self):
        """As it is now: what a program says reaches the file a little later."""
        return [line for line in map(self.plain_line, self.read_log()) if line]

    def plain(self, kind, data):
        data = data.replace(self.queue_id.encode(), b"@ID@")
        if kind == "A":
            data = re.sub(rb"^create_time=\d+$", b"create_time=@NOW@", data)
        if kind == "N":
            data = re.sub(rb"<\d{14}\.@ID@@", b"<@NOW@.@ID@@", data)
            data = re.sub(rb"^(\tid @ID@; ).*$", rb"\1@DATE@", data)
        if kind == "T":
            data = re.sub(rb"^1[78]\d{8}( \d+)?$", b"@TIME@", data) if time.time() - 600 < float(data.split()[0]) else data
        return data

    def plain_line(self, line):
        line = re.sub(r"^.*?\[\d+\]: ", "", line).replace(self.queue_id, "@ID@")
        line = re.sub(r"<\d{14}\.@ID@@", "<@NOW@.@ID@@", line)
        return line if line.startswith(("@ID@: message-id=", "@ID@: resent-message-id=", "@ID@: reject: ", "@ID@: uid=")) or (
            line.startswith(("warning: @ID@: ", "warning: stripping too many comments")) and "error writing" not in line) else None

    def same_as(self, other):
        return not self.differences(other)

    def differences(self, other):
        """What a person wants to see: one line for each thing that differs."""
        found = []
        try:
            mta.wait(lambda: self.log == other.log, limit=0.5)
        except mta.Late:
            found.append(f"log: {self.log!r} / {other.log!r}")
        for name in ("status", "reason", "folder"):
            if getattr(self, name) != getattr(other, name):
                found.append(f"{name}: {getattr(self, name)!r} / {getattr(other, name)!r}")
        if self.records != other.records:
            mine, theirs = self.records or [], other.records or []
            for at in range(max(len(mine), len(theirs))):
                one = mine[at] if at < len(mine) else None
                two = theirs[at] if at < len(theirs) else None
                if one != two:
                    found.append(f"record {at}: {one!r} / {two!r}")
                    if len(found) > 8:
                        break
        return found


def as_meant(name, compare, reason):
    """Whether ours and Debian's agree, or differ for the `reason` that the case gives. `compare` returns the differences."""
    try:
        found = compare()
    except Exception as problem:  # one case that ends the conversation must not end the test
        found = [f"{type(problem).__name__}: {problem}"]
    if bool(found) == bool(reason):
        return True
    print(f"FAIL {name}: {'as Debian, but was meant to differ: ' + reason if reason else 'ours / Debian'}")
    for line in found:
        print(f"     {line}")
    return False


def compare(options, groups, differences, **more):
    """Plays each case (name, ..., reason) to both sides; `differences(ours, theirs, ...)` says what they disagree on. The exit status."""
    if not mta.Debian.available():
        print("SKIP: Debian's Postfix is not to be had\n1 skipped\n0 passed, 0 failed")
        return 0
    passed = failed = 0
    for parameters, group in groups:
        group = [case for case in group if options.only in case[0]]
        if not group:
            continue
        with Debian(parameters) as theirs, Ours(options.build, parameters, **more) as ours:
            for name, *words, reason in group:
                good = as_meant(name, lambda: differences(ours, theirs, *words), reason)
                passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


class Side:
    """A system with cleanup alone, or with pickup. `parameters` go to main.cf."""

    def __init__(self, system):
        self.system = system

    def folder_of(self, queue_id):
        for folder in ("incoming", "hold"):
            path = self.system.queue / folder / queue_id
            if path.exists():
                return folder, path
        return None, None

    def answer(self, queue_id, status, reason, mark):
        folder, path = self.folder_of(queue_id)
        records = parse(path.read_bytes()) if path else None
        return Answer(queue_id, status, reason, records, folder, lambda: self.log_since(mark))

    def log_since(self, mark):
        return self.system.log()[mark:].splitlines()

    def pick_up(self, data, mode=0o744, owner=1000, age=0):
        """Puts a file into maildrop and triggers pickup. ((queue file's Answer, or None), whether the file is still in maildrop)."""
        mark = len(self.system.log())
        before = self.ready()
        path = self.system.queue / "maildrop" / f"D{os.urandom(6).hex().upper()}"
        path.write_bytes(data)
        os.chown(path, owner, self.group)
        os.utime(path, (time.time() - age,) * 2)
        os.chmod(path, mode)
        self.trigger("pickup")
        with_file = True
        try:
            mta.wait(lambda: not path.exists(), limit=5)
            with_file = False
        except mta.Late:
            path.unlink()
        new = self.ready() - before
        corrupt = (self.system.queue / "corrupt" / path.name).exists()
        answer = None
        if new:
            queue_id = new.pop()
            answer = self.answer(queue_id, 0, "", mark)
            answer.read_log = lambda: [line.replace(path.name, "@OLD@") for line in self.log_since(mark)]
        return answer, "kept" if with_file else "corrupt" if corrupt else "gone"

    def ready(self):
        """Queue ids of the messages that are complete."""
        return {os.path.basename(path) for path, status in self.system.files("incoming", "hold").items() if status.st_mode & 0o100}

    def trigger(self, service):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.system.queue / "public" / service))
            client.sendall(b"W\0")
            client.settimeout(5)
            try:
                client.recv(1)
            except OSError:
                pass

    @property
    def group(self):
        return os.stat(self.system.queue / "maildrop").st_gid

    def __enter__(self):
        return self

    def __exit__(self, *how):
        self.stop()
        self.system.__exit__(*how)


class Debian(Side):
    def __init__(self, parameters, **more):
        super().__init__(mta.Debian(parameters, services=["cleanup", "pickup", "rewrite", "bounce", "defer", "trace", "postlog"], **more))
        self.system.start()

    def stop(self):
        self.system.stop()

    def feed(self, data, flags):
        mark = len(self.system.log())
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(self.system.queue / "public" / "cleanup"))
            stream = client.makefile("rb")
            queue_id = self.attributes(stream)["queue_id"]
            client.sendall(b"flags\0%d\0\0" % flags + data)
            end = self.attributes(stream)
        return self.answer(queue_id, int(end["status"]), end["reason"], mark)

    @staticmethod
    def attributes(stream):
        def text():
            found = b""
            while (byte := stream.read(1)) not in (b"\0", b""):
                found += byte
            return found.decode("utf-8", "surrogateescape")
        found = {}
        while name := text():
            found[name] = text()
        return found


class Ours(Side):
    """Our daemons, as children of this test."""

    def __init__(self, build, parameters, with_pickup=False, with_bounce=False, **more):
        # There is no master that would start another process.
        super().__init__(mta.Postrider(build, {**parameters, "max_use": "1000000", "max_idle": "1h"}, mode="root", services=["cleanup"], **more))
        self.children = []
        self.start("cleanup", "-z")
        if with_pickup:
            self.start("pickup", "-l")
        if with_bounce:
            self.start("bounce", "-z", "private")

    def start(self, name, limit, folder="public"):
        path = self.system.queue / folder / name
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        os.chmod(path, 0o666)
        listener.listen(100)
        status, far = socket.socketpair()
        numbers = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 20) for one in (far, listener)]
        child = subprocess.Popen(
            ["bash", "-c", 'exec 5<&"$0" 6<&"$1"; exec "${@:2}"', *map(str, numbers), str(self.system.libexec / name), limit, "-t", "unix",
             "-u"],
            cwd=self.system.queue, env={**self.system.command_environment(), "GENERATION": "1"}, pass_fds=numbers,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(self.system.base / f"{name}.err").open("wb"))
        for number in numbers:
            os.close(number)
        listener.close()
        far.close()
        child.args = [name]
        self.children.append((child, status))

    def kill(self, name):
        """SIGKILL to a daemon; nobody listens afterwards."""
        for child, status in [one for one in self.children if name in one[0].args]:
            child.kill()
            child.wait()
            status.close()
            self.children.remove((child, status))

    def stop(self):
        for child, status in self.children:
            status.close()  # master is gone
        for child, _ in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def feed(self, data, flags, largest=65536):
        mark = len(self.system.log())
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(self.system.queue / "public" / "cleanup"))
            stream = client.makefile("rb")
            client.sendall(self.frame(1, struct.pack("<i", flags)))
            queue_id = self.text(self.receive(stream, 2))[0]
            for part in self.frames(data, largest):
                client.sendall(self.frame(3, struct.pack("<I", len(part)) + part))
            payload = self.receive(stream, 4)
        return self.answer(queue_id, struct.unpack("<i", payload[:4])[0], self.text(payload[4:])[0], mark)

    @staticmethod
    def frames(data, largest):
        """The same records, so many bytes at a time: whole records only."""
        part = b""
        for one in parse(data):
            encoded = record(*one)
            if part and len(part) + len(encoded) > largest:
                yield part
                part = b""
            part += encoded
        yield part

    @staticmethod
    def frame(kind, payload):
        return struct.pack("<BBHI", 1, 1, kind, len(payload)) + payload

    @staticmethod
    def receive(stream, kind):
        header = stream.read(8)
        assert len(header) == 8, "cleanup closed the connection"
        mark, version, got, size = struct.unpack("<BBHI", header)
        assert (mark, version, got) == (1, 1, kind), header
        return stream.read(size)

    @staticmethod
    def text(payload):
        size = struct.unpack("<I", payload[:4])[0]
        return payload[4:4 + size].decode("utf-8", "surrogateescape"), payload[4 + size:]
