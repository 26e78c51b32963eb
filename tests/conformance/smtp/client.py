"""Plays a dialogue to a running server and notes every reply."""
import base64
import contextlib
import hashlib
import hmac
import re
import socket
import ssl
import struct
import subprocess

LIMIT = 6  # seconds for one reply


class Line:
    """A connection to a service, or the pipes of a command."""

    def __init__(self, sock=None, child=None):
        self.socket, self.child = sock, child
        self.buffer, self.over = b"", ""

    def send(self, data):
        if self.over:
            return
        try:
            if self.child:
                self.child.stdin.write(data)
                self.child.stdin.flush()
            else:
                self.socket.sendall(data)
        except (OSError, ValueError):
            pass  # what has come before is still to be read

    def receive(self):
        """False when there is no more to come."""
        if self.over:
            return False
        try:
            data = self.child.stdout.read1(65536) if self.child else self.socket.recv(65536)
        except TimeoutError:
            self.over = f"(nothing within {LIMIT} s)"
            return False
        except (ConnectionResetError, BrokenPipeError):
            self.over = "(closed)"
            return False
        except OSError as problem:  # of TLS, too
            self.over = f"({type(problem).__name__})"
            return False
        if not data:
            self.over = "(closed)"
            return False
        self.buffer += data
        return True

    def reply(self):
        """The lines of one reply; or why there is none."""
        lines = []
        while True:
            end = self.buffer.find(b"\n")
            if end < 0:
                if not self.receive():
                    rest, self.buffer = self.buffer, b""
                    if rest:
                        lines.append(f"{shown(rest)} (no line end)")
                    return lines + [self.over]
                continue
            line, self.buffer = self.buffer[:end], self.buffer[end + 1:]
            lines.append(shown(line[:-1]) if line.endswith(b"\r") else f"{shown(line)} (bare newline)")
            if not re.match(rb"\d\d\d-", line):
                return lines

    def start_tls(self, context, name):
        self.buffer = b""
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except OSError as problem:
            self.over = "(no handshake)"
            reason = getattr(problem, "reason", None) or type(problem).__name__
            return [f"TLS failed: {reason}"]
        name = dict(pair[0] for pair in (self.socket.getpeercert() or {}).get("subject", ())).get("commonName", "")
        return [f"TLS {self.socket.version()} {self.socket.cipher()[0]} {name}".rstrip()]

    def close(self):
        if self.child:
            with contextlib.suppress(BrokenPipeError):
                self.child.stdin.close()
            self.child.stdout.close()
            self.child.wait(LIMIT)
        else:
            self.socket.close()


def shown(data):
    text = data.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


class Player:
    """`world`: where the services are: ports, addresses, certificates, the policy server and how commands are run."""

    def __init__(self, world, dialogue):
        self.world, self.dialogue = world, dialogue
        self.lines, self.line = [], None
        self.replies = []          # (place, input, reply's lines, step)
        self.pending = b""
        self.waiting = []          # steps whose replies are still to be read
        self.content = []
        self.secret = ("", "")
        self.connections, self.services = 0, set()

    def play(self):
        steps = list(self.dialogue.steps)
        if not steps or steps[0].kind != "connect":
            self.connect("")
        for step in steps:
            getattr(self, f"do_{step.kind}")(step)
        self.flush()
        for line in reversed(self.lines):
            self.line = line
            if not line.over:
                line.send(b"QUIT\r\n")
                while not line.over:
                    got = line.reply()
                    if got != ["(closed)"]:
                        self.note("QUIT at the end", got)
            line.close()
        return self.replies

    def note(self, what, reply, step=None):
        if step is not None and step.kind in ("line", "ahead") and re.match(rb"AUTH |\w+=*$", step.text.encode()):
            what = step.text
        self.replies.append((step.where if step else "", what, reply, step))

    def connect(self, text, step=None):
        words = text.split()
        service, address = words[0] if words and words[0] != "from" else "", None
        quiet = "quiet" in words
        if "from" in words:
            address = words[words.index("from") + 1]
        name = service or next(iter({**self.world.ports, **self.world.commands}))
        self.services.add(name)
        if name in self.world.commands:
            child = self.world.popen(self.world.commands[name])
            self.connections += 1
            self.line = Line(child=child)
        else:
            address = address or self.world.address
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            sock.settimeout(LIMIT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.bind((address, 0))
            if name in self.world.dead:  # it has cost us enough time
                self.line = Line(sock)
                self.line.over = "(still nothing)"
                self.lines.append(self.line)
                self.note("the greeting", [self.line.over], step)
                return
            sock.connect((self.world.server6 if ":" in address else self.world.server, self.world.ports[name]))
            self.connections += 1
            self.line = Line(sock)
        self.lines.append(self.line)
        if not quiet:
            self.note("the greeting", self.line.reply(), step)
            if self.line.over.startswith("(nothing") and name in self.world.ports:
                self.world.dead.add(name)
                self.connections -= 1

    def flush(self):
        if self.line is None:
            return
        self.line.send(self.pending)
        self.pending = b""
        waiting, self.waiting = self.waiting, []
        for step in waiting:
            if self.line.over:
                return
            self.note(str(step), self.line.reply(), step)

    def last(self):
        return self.replies[-1][2][-1] if self.replies else ""

    # --- the directives

    def do_line(self, step):
        if self.content and step.text == ".":
            text, self.content = self.content, []
            if not self.last().startswith("354"):
                return
            self.pending += "".join(f"{line}\r\n" for line in text).encode("utf-8", "surrogateescape")
        self.pending += step.text.encode() + b"\r\n"
        self.waiting.append(step)
        self.flush()

    def do_ahead(self, step):
        self.pending += step.text.encode() + b"\r\n"
        self.waiting.append(step)

    def do_content(self, step):
        self.content.append(step.text)

    def do_connect(self, step):
        self.flush()
        self.connect(step.text, step)

    def do_on(self, step):
        """Goes on with the Nth connection."""
        self.line = self.lines[int(step.text) - 1]

    def do_send(self, step):
        self.pending += step.text
        self.flush()

    def do_ask(self, step):
        self.pending += step.text
        self.waiting.append(step)
        self.flush()

    def do_read(self, step):
        self.flush()
        for _ in range(int(step.text or 1)):
            self.note("(read)", self.line.reply(), step)

    def do_times(self, step):
        """N TEXT: the same line so often, in one go; the replies are noted once for a run of equal ones. %d is the number."""
        count, _, text = step.text.partition(" ")
        self.flush()
        self.line.send("".join(text.replace("%d", str(number)) + "\r\n" for number in range(int(count))).encode())
        last, same = None, 0
        replies = []
        for number in range(int(count)):
            got = self.line.reply()
            shape = [line.replace(text.replace("%d", str(number)).partition(":")[2], "@") for line in got]
            if shape == last:
                same += 1
            else:
                if last is not None:
                    replies += [f"{same} times: {line}" for line in last]
                last, same = shape, 1
            if self.line.over:
                break
        self.note(str(step), replies + [f"{same} times: {line}" for line in last or []], step)

    def do_eof(self, step):
        """Reads until the server closes."""
        self.flush()
        while not self.line.over:
            got = self.line.reply()
            self.note("(until it closes)", got, step)

    def do_close(self, _):
        self.flush()
        self.line.over = self.line.over or "(closed by us)"
        self.line.close()
        self.lines.remove(self.line)
        self.line = self.lines[-1] if self.lines else None

    def do_reset(self, _):
        self.flush()
        self.line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.do_close(_)

    def do_shutdown(self, step):
        self.flush()
        if self.line.child:
            self.line.child.stdin.close()
        else:
            self.line.socket.shutdown(socket.SHUT_WR)
        self.do_eof(step)

    def do_tls(self, step):
        """[cert=NAME] [sni=NAME] [max=1.2] [min=1.3] [ciphers=..]: the handshake; the certificate is looked at, not judged."""
        self.flush()
        if self.line.over:
            return
        options = dict(word.partition("=")[::2] for word in step.text.split())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if "trusted" in options else ssl.CERT_NONE
        context.load_verify_locations(self.world.certificates / "ca.pem")
        if "cert" in options:
            context.load_cert_chain(self.world.certificates / f"{options['cert']}.pem", self.world.certificates / f"{options['cert']}.key")
        versions = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
        if "max" in options:
            context.maximum_version = versions[options["max"]]
        if "min" in options:
            context.minimum_version = versions[options["min"]]
        if "ciphers" in options:
            context.set_ciphers(options["ciphers"])
        self.note("(TLS)", self.line.start_tls(context, options.get("sni")), step)
        if "greeting" in options and not self.line.over:
            self.note("the greeting", self.line.reply(), step)

    def do_policy(self, step):
        """What the policy server answers from here on."""
        self.flush()
        self.world.policy.answer = step.text

    def do_cram(self, step):
        """USER PASSWORD: the answer to the CRAM-MD5 challenge that has just come."""
        self.flush()
        user, password = step.text.split()
        challenge = self.last()
        if not challenge.startswith("334 "):
            return
        self.replies[-1] = (*self.replies[-1][:2], ["334 @CHALLENGE@"], self.replies[-1][3])
        digest = hmac.new(password.encode(), base64.b64decode(challenge[4:]), hashlib.md5).hexdigest()
        self.pending += base64.b64encode(f"{user} {digest}".encode()) + b"\r\n"
        self.waiting.append(step)
        self.flush()


def popen(words, **more):
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more)
