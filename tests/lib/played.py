"""Programs of the mail system, played by a test: delivery agents and bounce(8) that do what the test says, and queue files made by hand.

An agent is a function from a request (a dictionary) to a report; it is called in a thread of its own for each request.
"""
import os
import pathlib
import socket
import struct
import threading
import time

KIND_ARRIVED, KIND_REQUEST, KIND_REPORT, KIND_NOTICE, KIND_RESULT = 10, 20, 21, 30, 32
NOTICES = ("failure", "verp", "delay", "trace")


# --- frames: a mark, a version, the kind, the length; then the fields in order


def text(value):
    data = value.encode("utf-8", "surrogateescape")
    return struct.pack("<I", len(data)) + data


def frame(kind, payload):
    return struct.pack("<BBHI", 1, 1, kind, len(payload)) + payload


class Fields:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        value = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += struct.calcsize("<" + form)
        return value

    def text(self):
        size = self.number("I")
        self.at += size
        return self.data[self.at - size:self.at].decode("utf-8", "surrogateescape")

    def end(self):
        assert self.at == len(self.data), "bytes are left over"


def read_frame(connection):
    """(kind, payload), or None at the end."""
    def exactly(size):
        data = b""
        while len(data) < size:
            part = connection.recv(size - len(data))
            if not part:
                return None
            data += part
        return data
    header = exactly(8)
    if header is None:
        return None
    _, _, kind, length = struct.unpack("<BBHI", header)
    return kind, exactly(length) if length else b""


def parse_request(payload):
    fields = Fields(payload)
    request = {"trace_flags": fields.number("i"), "queue_name": fields.text(), "queue_id": fields.text(),
               "data_offset": fields.number("q"), "size": fields.number("q"), "nexthop": fields.text(),
               "encoding": fields.text(), "smtputf8": fields.number("i"), "require_tls": bool(fields.number("B")),
               "sender": fields.text(), "envelope_id": fields.text(), "return_flags": fields.number("i")}
    request["times"] = [fields.number("q") for _ in range(5)]
    request["fresh"] = bool(fields.number("B"))
    names = ("name", "address", "port", "protocol", "helo", "sasl_method", "sasl_username", "sasl_sender", "log_ident", "rewrite_context")
    request["client"] = {name: fields.text() for name in names}
    request["recipients"] = [{"address": fields.text(), "original": fields.text(), "dsn_original": fields.text(),
                              "notify": fields.number("i"), "offset": fields.number("q")} for _ in range(fields.number("I"))]
    fields.end()
    return request


def report(deferred=False, corrupt=False, failure=None):
    """`failure`: (code, reason) of the whole destination."""
    payload = struct.pack("<??", deferred, corrupt)
    if failure is None:
        return payload + b"\0"
    return payload + b"\1" + b"".join(text(part) for part in (*failure, "", "", "", ""))


def parse_notice(payload):
    fields = Fields(payload)
    notice = {"notice": NOTICES[fields.number("i")], "flags": fields.number("i"), "queue_name": fields.text(),
              "queue_id": fields.text(), "encoding": fields.text(), "smtputf8": fields.number("i"), "sender": fields.text(),
              "envelope_id": fields.text(), "return_flags": fields.number("i"), "verp_delimiters": fields.text()}
    fields.end()
    return notice


class Server:
    """A service on a socket below the queue directory. `answer` gets (kind, payload) and returns a frame, or None to hang up."""

    def __init__(self, path, answer):
        self.answer = answer
        self.path = pathlib.Path(path)
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        os.chmod(path, 0o666)
        self.listener.listen(1000)
        self.connections = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                while (got := read_frame(connection)) is not None:
                    reply = self.answer(*got)
                    if reply is None:
                        return
                    connection.sendall(reply)
            except OSError:
                pass  # the other end went away

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.path.unlink(missing_ok=True)


class Agent(Server):
    """Counts what it is asked; `deliver(request)` returns report(...) or None to die."""

    def __init__(self, queue, name, deliver=None):
        self.queue = pathlib.Path(queue)
        self.requests = []
        self.running = self.most = 0
        self.times = []
        self.lock = threading.Lock()
        self.deliver = deliver or self.sent
        super().__init__(self.queue / "private" / name, self.on_request)

    def on_request(self, kind, payload):
        assert kind == KIND_REQUEST
        request = parse_request(payload)
        with self.lock:
            self.requests.append(request)
            self.times.append(time.monotonic())
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            answer = self.deliver(request)
        finally:
            with self.lock:
                self.running -= 1
        return None if answer is None else frame(KIND_REPORT, answer)

    def mark(self, request):
        with open(self.queue / "active" / request["queue_id"], "r+b") as file:
            for recipient in request["recipients"]:
                file.seek(recipient["offset"])
                file.write(b"D")

    def sent(self, request):
        try:
            self.mark(request)
        except FileNotFoundError:  # another queue manager has taken the message back
            return report(deferred=True)
        return report()

    def recipients(self):
        return [recipient["address"] for request in self.requests for recipient in request["recipients"]]


class Bounce(Server):
    """private/bounce, defer or trace: notes what it is asked for, and removes the log but for delay warnings."""

    def __init__(self, queue, name, done=True):
        self.queue, self.done = pathlib.Path(queue), done
        self.notices, self.logs = [], []
        super().__init__(self.queue / "private" / name, self.on_notice)

    def on_notice(self, kind, payload):
        assert kind == KIND_NOTICE
        notice = parse_notice(payload)
        self.notices.append(notice)
        folder = "trace" if notice["notice"] == "trace" else "bounce"
        log = self.queue / folder / notice["queue_id"]
        if log.exists():
            self.logs.append(log.read_text())
            if self.done:
                log.unlink()
        return frame(KIND_RESULT, struct.pack("<?", self.done) + text("" if self.done else "not today"))


# --- queue files


def record(kind, data=b""):
    data = data.encode() if isinstance(data, str) else data
    length, size = b"", len(data)
    while size >= 128:
        length += bytes([size & 127 | 128])
        size >>= 7
    return kind.encode() + length + bytes([size]) + data


def message(recipients, sender="s@sender.test", age=0, more=(), body="Subject: test", warning=None):
    """The bytes of a queue file. `more`: records before the recipients; `warning`: seconds from now until the delay warning."""
    created = int(time.time()) - age
    head = record("T", f"{created} 0") + record("A", f"create_time={created}") + record("S", sender) + b"".join(more)
    if warning is not None:
        head += record("W", f"{int(time.time()) + warning:15d}")
    groups = b"".join(record("A", f"dsn_orig_rcpt=rfc822;{to}") + record("O", to) + record("R", to) for to in recipients)
    content = record("N", body)
    offset = 97 + len(head) + len(groups) + len(record("M"))
    size = " ".join(f"{number:15d}" for number in (len(content), offset, len(recipients), 0, len(content), 0))
    return record("C", size) + head + groups + record("M") + content + record("X") + record("E")


_made = 0


def put(queue, folder, data, owner=None, mode=0o700, mtime=None):
    """Makes a queue file that is complete, and returns its id."""
    global _made
    _made += 1
    temporary = pathlib.Path(queue, folder, f"{os.getpid()}.{_made}")
    temporary.write_bytes(data)
    name = f"{_made % 0x100000:05X}{temporary.stat().st_ino:X}"
    if owner is not None:
        os.chown(temporary, owner.uid, owner.gid)
    if mtime is not None:
        os.utime(temporary, (mtime, mtime))
    os.chmod(temporary, mode)
    hashed = folder in ("deferred", "defer")
    target = pathlib.Path(queue, folder, name[0] if hashed else "", name)
    if not target.parent.exists():
        target.parent.mkdir(mode=0o700)
        if owner is not None:
            os.chown(target.parent, owner.uid, owner.gid)
    temporary.rename(target)
    return name
