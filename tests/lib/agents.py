"""Speaks to delivery agents as a queue manager does: to ours in frames, to Debian's in attribute lists; about the same queue files.

    message = agents.Message(["jane@example.test"], lines=["Subject: hi", "", "text"])
    answer = agents.deliver(mail, "virtual", message)          # mail: an mta.System without qmgr among its services
    assert answer.done and answer.marks == "D"
"""
import base64
import os
import shutil
import socket
import struct
import time

import mta

# The services that a test of agents needs: no qmgr, which would take the message out of active/.
SERVICES = ("cleanup", "bounce", "defer", "trace", "flush", "error", "retry", "discard", "local", "virtual", "postlog")

REQUEST, REPORT = 20, 21


def record(letter, data=b""):
    if isinstance(data, str):
        data = data.encode()
    length, head = len(data), letter.encode()
    while length > 0x7F:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    return head + bytes([length]) + data


class Recipient:
    def __init__(self, address, original="", notify=0, dsn_original=""):
        self.address, self.original, self.notify, self.dsn_original = address, original, notify, dsn_original
        self.offset = 0


class Message:
    """A queue file. `lines`: of the message, as text; or (letter, text) for other records. `end`: what follows the content."""
    counter = 0

    def __init__(self, recipients, lines=("Received: by x", "Subject: hi", "", "body"), sender="sender@a.example", end=None,
                 arrival=None):
        self.recipients = [r if isinstance(r, Recipient) else Recipient(r) for r in recipients]
        self.sender = sender
        self.arrival = arrival or int(time.time()) - 0.75  # microseconds take the same room in each
        Message.counter += 1
        self.id = f"{Message.counter:05X}{0xABC000 + Message.counter:X}"
        seconds, micros = int(self.arrival), int(self.arrival % 1 * 1e6)
        envelope = record("T", f"{seconds} {micros}") + record("A", f"create_time={seconds}") + \
            record("A", "rewrite_context=local") + record("S", sender)
        for recipient in self.recipients:
            if recipient.original:
                envelope += record("O", recipient.original)
            recipient.offset = 97 + len(envelope)
            envelope += record("R", recipient.address)
        envelope += record("M")
        content = b"".join(record(*line) if isinstance(line, tuple) else record("N", line) for line in lines)
        self.size, self.data_offset = len(content), 97 + len(envelope)
        size = "%15d %15d %15d %15d %15d %15d" % (self.size, self.data_offset, len(self.recipients), 0, self.size, 0)
        self.bytes = record("C", size) + envelope + content + (record("X") + record("E") if end is None else end)

    def put(self, system):
        path = system.queue / "active" / self.id
        path.write_bytes(self.bytes)
        system.own(path, system.owner, 0o700)
        return path


class Answer:
    """What became of a request: `done` (no recipient waits), `marks` (R or D for each), `log` (lines), `status_logs`."""

    def __init__(self, done, corrupt=None, failure=None):
        self.done, self.corrupt, self.failure = done, corrupt, failure
        self.marks, self.log, self.status_logs, self.mode = "", [], {}, 0

    def __repr__(self):
        return f"Answer(done={self.done}, corrupt={self.corrupt}, marks={self.marks}, log={self.log}, status_logs={self.status_logs})"


# --- ours

def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("=I", len(value)) + value


def frame(kind, payload):
    return b"\x01\x01" + struct.pack("=HI", kind, len(payload)) + payload


def encode_request(message, recipients, nexthop, flags, queue_name="active", fresh=False, sender=None, client=None, times=None):
    micros = int(message.arrival * 1e6)
    client = client or {}
    names = "name address port protocol helo sasl_method sasl_username sasl_sender log_ident rewrite_context".split()
    times = times or (micros, micros + 10_000, 0, 0, 0)
    return b"".join([
        struct.pack("=i", flags), text(queue_name), text(message.id), struct.pack("=qq", message.data_offset, message.size),
        text(nexthop), text("7bit"), struct.pack("=i?", 0, False), text(message.sender if sender is None else sender), text(""),
        struct.pack("=i", 0), struct.pack("=5q", *times), struct.pack("=?", fresh), *(text(client.get(name, "")) for name in names),
        struct.pack("=I", len(recipients)),
        *(text(r.address) + text(r.original) + text(r.dsn_original) + struct.pack("=iq", r.notify, r.offset) for r in recipients)])


def receive(connection, size):
    got = b""
    while len(got) < size:
        some = connection.recv(size - len(got))
        if not some:
            raise EOFError(f"the agent closed after {len(got)} of {size} bytes")
        got += some
    return got


class Connection:
    """One kept connection to an agent of ours."""

    def __init__(self, system, service):
        path = system.queue / "private" / service
        mta.wait(path.exists, what=f"{path}")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(mta.LIMIT)
        self.socket.connect(str(path))

    def ask(self, payload):
        self.socket.sendall(frame(REQUEST, payload))
        mark, version, kind, length = struct.unpack("=BBHI", receive(self.socket, 8))
        assert (mark, version, kind) == (1, 1, REPORT), (mark, version, kind)
        report = receive(self.socket, length)
        deferred, corrupt, failed = report[0], report[1], report[2]
        return Answer(not deferred, bool(corrupt), bool(failed))

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- Debian's

def ask_debian(system, service, message, recipients, nexthop, flags):
    def attributes(pairs):
        return b"".join(f"{name}\0{value}\0".encode() for name, value in pairs) + b"\0"

    seconds, micros = int(message.arrival), int(message.arrival % 1 * 1e6)
    times = base64.b64encode(struct.pack("<10qi4x", seconds, micros, seconds, micros + 10_000, *[0] * 6, 0)).decode()
    path = system.queue / "private" / service
    mta.wait(path.exists, what=f"{path}")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(mta.LIMIT)
        connection.connect(str(path))
        connection.recv(1000)
        names = "log_client_name log_client_address log_client_port log_protocol_name log_helo_name sasl_method sasl_username " \
            "sasl_sender log_ident".split()
        connection.sendall(attributes([
            ("flags", flags | 3), ("queue_name", "active"), ("queue_id", message.id), ("offset", message.data_offset),
            ("size", message.size), ("nexthop", nexthop), ("encoding", "7bit"), ("smtputf8", 0), ("sender", message.sender),
            ("envelope_id", ""), ("ret_flags", 0), ("time", times), *((name, "") for name in names), ("rewrite_context", "local"),
            ("recipient_count", len(recipients))]))
        for r in recipients:
            connection.sendall(attributes([("original_recipient", r.original), ("recipient", r.address), ("offset", r.offset),
                                           ("dsn_orig_rcpt", r.dsn_original), ("notify_flags", r.notify)]))
        got = b""
        while not got.endswith((b"status\x000\0\0", b"status\x004294967295\0\0")):
            some = connection.recv(4096)
            if not some:
                raise EOFError(f"the agent closed after {got}")
            got += some
    return Answer(got.endswith(b"status\x000\0\0"))


# --- both

def look(system, message, answer, recipients, log_lines=None):
    """Fills in what the request left behind, and removes it."""
    path = system.queue / "active" / message.id
    content = path.read_bytes()
    answer.marks = "".join(chr(content[recipient.offset]) for recipient in recipients)
    answer.mode = path.stat().st_mode & 0o777
    path.unlink()
    wanted = len(recipients) if log_lines is None else log_lines
    # Debian's log goes through a daemon of its own.
    mta.wait(lambda: sum(f"{message.id}: to=" in line for line in system.log().splitlines()) >= wanted, what="the log lines")
    answer.log = [line.split("]: ", 1)[1] for line in system.log().splitlines() if f"{message.id}: " in line]
    for folder in ("bounce", "defer", "trace"):
        for status_log in list((system.queue / folder).rglob(message.id)):
            answer.status_logs[folder] = status_log.read_text()
            status_log.unlink()
    return answer


def deliver(system, service, message, nexthop="example.test", flags=0, connection=None, log_lines=None, **more):
    """Puts the message into active/, has it delivered, and tells all that came of it."""
    message.put(system)
    if system.name == "Debian":
        answer = ask_debian(system, service, message, message.recipients, nexthop, flags)
    else:
        payload = encode_request(message, message.recipients, nexthop, flags, **more)
        if connection:
            answer = connection.ask(payload)
        else:
            with Connection(system, service) as connection:
                answer = connection.ask(payload)
    return look(system, message, answer, message.recipients, log_lines)
