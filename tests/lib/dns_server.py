"""A small authoritative DNS server for tests, told by a dictionary what it knows; everything else does not exist.

    with dns_server.Server({"example.test": {"A": "192.0.2.1", "MX": ["10 mx1.example.test", "20 mx2.example.test"]},
                            "192.0.2.1": {"PTR": "example.test"}}) as dns:
        dns.port                  # of 127.0.0.1, UDP and TCP
        dns.asked                 # [("example.test", "MX", "udp"), ...] so far, names in lower case
        dns.set("example.test", {"A": "192.0.2.9"})
        dns.resolv_conf(folder)   # a resolv.conf for those who can be told the port: see there

An address stands for its name under in-addr.arpa or ip6.arpa. "*.zone" answers for what is below the zone and not there itself.
Records, by type: A AAAA MX ("10 host", null: "0 .") NS CNAME PTR TXT (a list within the list: several strings) SRV ("1 2 25 host") SOA
TLSA ("3 1 1 hex"), ANY other as ("TYPE65280", bytes); one, or a list. A name with {} is there without records. Beside them, how the name
(or a type, as {"MX": {"data": [...], "delay": 2}}) behaves:
    ttl         of its records (default 300)
    negative    the TTL that "no such name" and "no such record" carry below this name (default 60; None: no SOA comes with them)
    delay       seconds until the answer comes
    drop        no answer: True, or how often before the first
    rcode       "SERVFAIL", "REFUSED", ..., with fail_times: how often before it heals
    truncate    UDP says that TCP has more
    raw         bytes in place of the answer; the question's id is put in front where they are a function of (question bytes, transport)
    wrong_id    True: the answer first comes with another id; wrong_question: for another name; wrong_port: from another port
    chase       False: an alias is answered without what it points to
    extra       [(section, owner, type, data), ...] further records; section 1 answer, 2 authority, 3 additional

On port 53, for programs that read /etc/resolv.conf (Debian's Postfix), a network of the test's own is needed:

    dns = dns_server.own_network(zones, hosts="192.0.2.7 known.example\\n")

moves this process, and what it starts from now on, to a network namespace in which all of 127/8, 10/8, 192.0.2/24, 198.51.100/24,
203.0.113/24 and 2001:db8::/32 are this machine, the server answers on 127.0.0.1:53, and /etc/resolv.conf, hosts and nsswitch.conf are the
test's. Needs root; raises cases.Skipped. The process stays there.

As a program: dns_server.py [--address A] [--port N] ZONES.json prints "ready PORT" and serves until its standard input ends.
"""
import argparse
import atexit
import contextlib
import ctypes
import fcntl
import ipaddress
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "OPT": 41, "TLSA": 52, "ANY": 255}
NAMES = {number: name for name, number in TYPES.items()}
CODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
BEHAVIOURS = {"ttl", "negative", "delay", "drop", "rcode", "fail_times", "truncate", "raw", "wrong_id", "wrong_question", "wrong_port",
              "chase", "extra", "data"}
OWN_NETWORKS = ("10.0.0.1/8", "192.0.2.1/24", "198.51.100.1/24", "203.0.113.1/24")
OWN_NETWORKS_V6 = ("2001:db8::/32",)


def plain(name):
    """A key of the zones, as it is asked for: lower case, no last dot, addresses as their names."""
    try:
        return ipaddress.ip_address(name).reverse_pointer
    except ValueError:
        return name.rstrip(".").lower()


def wire_name(name):
    if isinstance(name, bytes):
        return name
    out = b""
    for label in name.rstrip(".").split(".") if name.rstrip(".") else ():
        raw = label.encode("utf-8", "surrogateescape")
        out += bytes([len(raw)]) + raw
    return out + b"\0"


def read_name(message, at):
    """(name, where it ends) of a question, which is not compressed."""
    labels = []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("utf-8", "surrogateescape"))
        at += message[at] + 1
    return ".".join(labels), at + 1


def wire_data(kind, data):
    if isinstance(data, bytes):
        return data
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(data).packed
    if kind in ("NS", "CNAME", "PTR"):
        return wire_name(data)
    if kind == "MX":
        preference, host = data.split()
        return struct.pack("!H", int(preference)) + wire_name(host)
    if kind == "SRV":
        *numbers, host = data.split()
        return struct.pack("!HHH", *map(int, numbers)) + wire_name(host)
    if kind == "TXT":
        strings = data if isinstance(data, (list, tuple)) else [data]
        return b"".join(bytes([len(raw)]) + raw for raw in (text.encode() if isinstance(text, str) else text for text in strings))
    if kind == "SOA":
        first, second, *numbers = data.split()
        return wire_name(first) + wire_name(second) + struct.pack("!5I", *map(int, numbers))
    if kind == "TLSA":
        *numbers, digest = data.split()
        return bytes(map(int, numbers)) + bytes.fromhex(digest)
    raise ValueError(f"records of type {kind} are given as bytes")


def type_number(kind):
    return TYPES[kind] if kind in TYPES else int(kind.removeprefix("TYPE"))


def wire_record(owner, kind, ttl, data):
    raw = wire_data(kind, data)
    return wire_name(owner) + struct.pack("!HHIH", type_number(kind), 1, ttl, len(raw)) + raw


class Server:
    def __init__(self, zones, port=0, address="127.0.0.1"):
        self.lock = threading.Lock()
        self.zones = {}
        self.counts = {}
        self.asked = []
        for name, entry in zones.items():
            self.set(name, entry)
        self.address, self.port = address, port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for attempt in range(20):  # the port must be free for both
            self.udp = socket.socket(family, socket.SOCK_DGRAM)
            self.tcp = socket.socket(family, socket.SOCK_STREAM)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.udp.bind((address, port))
                self.port = self.udp.getsockname()[1]
                self.tcp.bind((address, self.port))
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
                if port or attempt == 19:
                    raise
        self.tcp.listen(64)
        self.ending = False
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.ending = True
        for listener in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def set(self, name, entry):
        """Sets a name's records and behaviour anew; None takes it away."""
        if entry is not None and not isinstance(entry, dict):
            raise ValueError(f"{name}: a dictionary is wanted")
        for kind in entry or ():
            if kind not in BEHAVIOURS and kind not in TYPES and not kind.startswith("TYPE"):
                raise ValueError(f"{name}: unknown type or behaviour {kind}")
        with self.lock:
            self.counts = {key: count for key, count in self.counts.items() if key[0] != plain(name)}
            if entry is None:
                self.zones.pop(plain(name), None)
            else:
                self.zones[plain(name)] = entry

    def forget(self):
        """Empties `asked`."""
        with self.lock:
            self.asked = []

    def times_asked(self, name, kind=None):
        with self.lock:
            return sum(1 for one, other, _ in self.asked if one == plain(name) and kind in (None, other))

    def resolv_conf(self, folder, options=""):
        """The path of a resolv.conf with this server; a port other than 53 stands behind the address, as Postrider's tests read it
        ("nameserver 127.0.0.1:5353")."""
        path = pathlib.Path(folder) / "resolv.conf"
        host = self.address if self.port == 53 else f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"
        path.write_text(f"nameserver {host}\n" + (f"options {options}\n" if options else ""))
        return path

    # --- answering

    def serve_udp(self):
        while not self.ending:
            try:
                message, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            self.later(self.reply(message, "udp"), lambda answer, aside, peer=peer: self.send_udp(answer, aside, peer))

    def send_udp(self, answer, aside, peer):
        with contextlib.suppress(OSError):
            if aside:
                with socket.socket(self.udp.family, socket.SOCK_DGRAM) as other:
                    other.sendto(answer, peer)
            else:
                self.udp.sendto(answer, peer)

    def serve_tcp(self):
        while not self.ending:
            try:
                peer, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(peer,), daemon=True).start()

    def converse(self, peer):
        with peer, contextlib.suppress(OSError, struct.error):
            stream = peer.makefile("rb")
            while True:
                head = stream.read(2)
                if len(head) < 2:
                    return
                message = stream.read(struct.unpack("!H", head)[0])
                done = threading.Event()

                def send(answer, aside, done=done):
                    if not aside:
                        with contextlib.suppress(OSError):
                            peer.sendall(struct.pack("!H", len(answer)) + answer)
                    done.set()
                reply = self.reply(message, "tcp")
                self.later(reply, send)
                if not reply[1]:
                    return
                done.wait(60)

    @staticmethod
    def later(reply, send):
        delay, answers = reply
        for answer, aside in answers:
            if delay:
                timer = threading.Timer(delay, send, (answer, aside))
                timer.daemon = True
                timer.start()
            else:
                send(answer, aside)

    def reply(self, message, transport):
        """(delay, [(bytes, whether from another port), ...]) for a question."""
        try:
            ident, flags, questions, _, _, additional = struct.unpack_from("!6H", message)
            name, end = read_name(message, 12)
            number, _ = struct.unpack_from("!HH", message, end)
        except (struct.error, IndexError):
            return 0, []
        end += 4
        if flags & 0x8000 or questions != 1:
            return 0, []
        size = 512
        if additional and message[end:end + 3] == b"\0\0\x29":
            size = max(512, struct.unpack_from("!H", message, end + 3)[0])
        kind = NAMES.get(number, f"TYPE{number}")
        key = plain(name)
        with self.lock:
            self.asked.append((key, kind, transport))
            entry = self.find(key)
            how = dict(entry or {})
            if isinstance(how.get(kind), dict):
                how.update(how[kind])
            drop, fails = self.turn(key, kind, "drop", how.get("drop")), self.turn(key, kind, "rcode", how.get("fail_times", "rcode" in how))
        if drop:
            return 0, []
        delay = how.get("delay", 0)
        if "raw" in how:
            raw = how["raw"]
            return delay, [(raw(message, transport) if callable(raw) else message[:2] + raw, False)]
        question = message[12:end]
        code = CODES[how["rcode"]] if "rcode" in how and fails else None
        if code is not None:
            sections = [[], [], []]
        else:
            code, sections = self.look_up(key, name, kind)
        for section, owner, extra_kind, data in how.get("extra", ()):
            sections[section - 1].append(wire_record(owner, extra_kind, how.get("ttl", 300), data))
        option = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0) if additional else b""
        answer = self.message(ident, flags, code, question, sections, option)
        if transport == "udp" and (how.get("truncate") or len(answer) > size):
            answer = self.message(ident, flags | 0x0200, code, question, [[], [], []], option)
        answers = [(answer, False)]
        if how.get("wrong_id"):
            answers.insert(0, (self.message(ident ^ 1, flags, 3, question, [[], [], []], option), False))
        if how.get("wrong_question"):
            answers.insert(0, (self.message(ident, flags, 3, b"\5wrong\4test\0" + question[-4:], [[], [], []], option), False))
        if how.get("wrong_port"):
            answers.insert(0, (self.message(ident, flags, 3, question, [[], [], []], option), True))
        return delay, answers

    @staticmethod
    def message(ident, flags, code, question, sections, option):
        counts = [len(section) for section in sections]
        counts[2] += bool(option)
        head = struct.pack("!6H", ident, 0x8480 | (flags & 0x0300) | code, 1, *counts)
        return head + question + b"".join(record for section in sections for record in section) + option

    def turn(self, key, kind, what, setting):
        """Whether it is still to happen: always, or so many times."""
        if isinstance(setting, bool) or setting is None:
            return bool(setting)
        count = self.counts[key, kind, what] = self.counts.get((key, kind, what), 0) + 1
        return count <= setting

    def find(self, key):
        """The entry of a name; a name above another one is there, too; a wildcard stands for what is not."""
        if key in self.zones:
            return self.zones[key]
        if any(other.endswith("." + key) for other in self.zones):
            return {}
        parent = key
        while "." in parent:
            parent = parent.partition(".")[2]
            if "*." + parent in self.zones:
                return self.zones["*." + parent]
            if parent in self.zones:
                return None
        return None

    def look_up(self, key, name, kind):
        """(code, sections) of the records of a name and of its aliases' ends."""
        answers = []
        entry = None
        for _ in range(30):
            with self.lock:
                entry = self.find(key)
            if entry is None:
                return 3, [answers, self.authority(key), []]
            found = self.records(entry, kind) if kind != "ANY" else []
            ttl = self.ttl(entry, kind)
            answers += [wire_record(name, kind, ttl, data) for data in found]
            aliases = self.records(entry, "CNAME")
            if found or not aliases or kind == "CNAME":
                break
            answers += [wire_record(name, "CNAME", self.ttl(entry, "CNAME"), data) for data in aliases]
            if entry.get("chase") is False:
                return 0, [answers, [], []]
            name = aliases[0] if isinstance(aliases[0], str) else ""
            key = plain(name)
        return 0, [answers, [] if found else self.authority(key), []]

    @staticmethod
    def records(entry, kind):
        data = entry.get(kind, [])
        if isinstance(data, dict):
            data = data.get("data", [])
        return data if isinstance(data, list) else [data]

    @staticmethod
    def ttl(entry, kind):
        data = entry.get(kind)
        return (data if isinstance(data, dict) else {}).get("ttl", entry.get("ttl", 300))

    def authority(self, key):
        negative, owner = 60, ""
        parent = key
        with self.lock:
            while parent:
                entry = self.zones.get(parent, {})
                if "negative" in entry:
                    negative, owner = entry["negative"], parent
                    break
                parent = parent.partition(".")[2]
        return [] if negative is None else [wire_record(owner, "SOA", negative, f"ns.test. root.test. 1 3600 600 86400 {negative}")]


# --- a network of the test's own

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000


def own_network(zones, hosts="", resolv_conf="", networks=OWN_NETWORKS, networks_v6=OWN_NETWORKS_V6):
    """See the top. `hosts` is added to the line of localhost, `resolv_conf` to that of the server. A second call in the same process
    replaces zones, hosts and resolv.conf and returns the same server."""
    import cases  # pylint: disable=import-outside-toplevel
    if own_network.server is None:
        if os.geteuid() != 0 or not shutil.which("ip"):
            raise cases.Skipped("needs root and ip(8)")
        own_network.folder = tempfile.mkdtemp(prefix="dns.")
        atexit.register(shutil.rmtree, own_network.folder, ignore_errors=True)
        os.chmod(own_network.folder, 0o755)
        for name in ("resolv.conf", "hosts", "nsswitch.conf"):
            (pathlib.Path(own_network.folder) / name).touch()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
            raise cases.Skipped(f"cannot make a network of its own: {os.strerror(ctypes.get_errno())}")
        run("mount", "--make-rprivate", "/")
        bring_up_loopback()
        for network in networks:
            run("ip", "address", "add", network, "dev", "lo")
        for network in networks_v6:
            run("ip", "-6", "route", "add", "local", network, "dev", "lo")
        if networks_v6:
            pathlib.Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1")
        for name in ("resolv.conf", "hosts", "nsswitch.conf"):
            run("mount", "--bind", os.path.join(own_network.folder, name), "/etc/" + name)
        own_network.server = Server({}, port=53)
    server = own_network.server
    for name, text in (("resolv.conf", f"nameserver 127.0.0.1\noptions timeout:2 attempts:2\n{resolv_conf}"),
                       ("hosts", f"127.0.0.1 localhost\n::1 localhost\n{hosts}"),
                       ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n")):
        path = pathlib.Path(own_network.folder) / name
        path.write_text(text)  # in place: the file is mounted
        path.chmod(0o644)
    with server.lock:
        server.zones, server.counts, server.asked = {}, {}, []
    for name, entry in zones.items():
        server.set(name, entry)
    return server


own_network.server = None
own_network.folder = None


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def bring_up_loopback():
    with socket.socket() as probe:
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh14x", b"lo", 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("zones", type=pathlib.Path)
    options = parser.parse_args()
    with Server(json.loads(options.zones.read_text()), options.port, options.address) as server:
        print(f"ready {server.port}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
