"""A master with daemons of the test's own: small programs that follow the contract between master and its children, and note what
happens to them."""
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

LIMIT = 20  # seconds, for anything that is waited for

# Started as `actor MODE`, it follows the contract: descriptors, status messages, the sign to finish.
ACTOR = r'''#!/usr/bin/python3 -SE
import os, select, signal, socket, struct, sys, time
mode = sys.argv[-1]
folder = os.environ["TEST_FOLDER"]
generation = int(os.environ["GENERATION"], 8)
def note(text):
    fd = os.open(folder + "/notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(fd, (mode + " " + text + " " + str(os.getpid()) + "\n").encode())
    os.close(fd)
def status(state):
    os.write(5, struct.pack("=iIi", os.getpid(), generation, state))
if mode == "dump":
    with open(folder + "/dump", "w") as out:
        for word in sys.argv: out.write("arg " + word + "\n")
        for name in sorted(os.environ): out.write("env " + name + "=" + os.environ[name] + "\n")
        for fd in range(64):
            try: out.write("fd %d %s\n" % (fd, os.readlink("/proc/self/fd/%d" % fd)))
            except OSError: pass
        out.write("cwd " + os.getcwd() + "\n")
        out.write("pgrp same\n" if os.getpgrp() == os.getpgid(os.getppid()) else "pgrp other\n")
    os.rename(folder + "/dump", folder + "/dumped")
note("started")
if mode == "dies": sys.exit(3)
if mode == "killed": os.kill(os.getpid(), signal.SIGSEGV)
if mode == "stubborn": signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "liar": os.write(5, struct.pack("=iIi", 1, generation, 0))
count = int(sys.argv[sys.argv.index("-s") + 1]) if "-s" in sys.argv else 1
kind = sys.argv[sys.argv.index("-t") + 1]
if kind == "fifo":
    note("read " + repr(os.read(6, 100)))
    time.sleep(1000)
listeners = [socket.socket(fileno=fd) for fd in range(6, 6 + count)]
if kind == "unix-dgram":
    while True:
        select.select(listeners, [], [])
        note("got " + listeners[0].recv(1000).decode())
for listener in listeners: listener.setblocking(False)
if mode == "mute":
    os.close(5); os.close(3); os.close(4)
    listeners[0].setblocking(True)
    client, _ = listeners[0].accept()
    client.sendall(b"mute\n")
    time.sleep(1000)
link = socket.socket(fileno=os.dup(5))
client = None
finishing = False
while True:
    watched = ([] if finishing else [link]) + ([client] if client else listeners)
    if not watched: sys.exit(0)
    ready, _, _ = select.select(watched, [], [])
    if link in ready:
        sign = link.recv(10)
        note("told " + sign.decode() if sign else "orphaned")
        finishing = True
        for listener in listeners: listener.close()
        listeners = []
        if not client: sys.exit(0)
    for one in ready:
        if one is client:
            data = client.recv(1000)
            if mode == "echo" and data.strip() == b"pid": client.sendall(b"%d\n" % os.getpid())
            elif data == b"": pass
            elif mode == "crash-later": client.sendall(b"ok")
            elif data == b"W\0": note("woken")
            if data == b"":
                client.close(); client = None
                if mode == "crash-later": status(1); sys.exit(1)
                if finishing: sys.exit(0)
                status(1)
        elif one in listeners and client is None:
            try: client, _ = one.accept()
            except OSError: continue
            note("accepted")
            status(0)
'''


def eventually(check, what=""):
    """What the check returns once it is true."""
    end = time.monotonic() + LIMIT
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < end, f"not within {LIMIT} s: {what or check}"
        time.sleep(0.01)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class System:
    """A master with a queue directory, a configuration and daemons of its own."""

    def __init__(self, options, folder, services="", settings=()):
        self.folder = folder
        self.master = options.build.resolve() / "libexec/postfix/master"
        for name in ("etc", "sbin", "data", "queue/pid", "queue/public", "queue/private"):
            (folder / name).mkdir(parents=True)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        self.owner = "daemon" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            for name in ("data", "queue/public", "queue/private"):
                shutil.chown(folder / name, self.owner)
        actor = folder / "sbin/actor"
        actor.write_text(ACTOR)
        actor.chmod(0o755)
        (folder / "sbin/smtpd").symlink_to("actor")
        self.configure(services, settings)

    def configure(self, services=None, settings=None):
        if settings is not None:
            lines = ["compatibility_level = 3.11", "myhostname = mx.example.com", f"mail_owner = {self.owner}",
                     f"queue_directory = {self.folder}/queue", f"data_directory = {self.folder}/data",
                     f"daemon_directory = {self.folder}/sbin", f"maillog_file = {self.folder}/log",
                     f"maillog_file_prefixes = {self.folder}/", "inet_interfaces = loopback-only", "inet_protocols = ipv4",
                     f"import_environment = MAIL_CONFIG TZ TEST_FOLDER={self.folder}", "service_throttle_time = 1s"]
            (self.folder / "etc/main.cf").write_text("\n".join([*lines, *settings]) + "\n")
        if services is not None:
            (self.folder / "etc/master.cf").write_text(services)

    def run(self, *words, **more):
        return subprocess.run([self.master, "-c", self.folder / "etc", *words], capture_output=True, text=True, timeout=LIMIT + 100,
                              **more)

    def start(self, *words, **more):
        done = self.run("-w", *words, **more)
        assert done.returncode == 0, (done.returncode, done.stderr, self.log())
        return self

    def pid(self):
        return int((self.folder / "queue/pid/master.pid").read_text())

    def send(self, number):
        os.kill(self.pid(), number)

    def log(self):
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def notes(self, *start):
        path = self.folder / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(" ".join(start))]

    def logged(self, text, times=1):
        return eventually(lambda: self.log().count(text) >= times, f"in the log: {text}\n")

    def connect(self, place):
        if isinstance(place, int):
            return socket.create_connection(("127.0.0.1", place), timeout=LIMIT)
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(LIMIT)
        # The path may be longer than what a socket address holds.
        fd = os.open(self.folder / "queue", os.O_RDONLY)
        try:
            client.connect(f"/proc/self/fd/{fd}/{place}")
        finally:
            os.close(fd)
        return client

    def ask_pid(self, place):
        """A client that stays, and the process that serves it."""
        client = self.connect(place)
        client.sendall(b"pid\n")
        return client, int(client.recv(100))

    def reload(self):
        before = self.log().count("reload -- version")
        self.send(signal.SIGHUP)
        self.logged("reload -- version", before + 1)

    def is_running(self):
        return self.run("-t").returncode == 1

    def stop(self):
        if self.is_running():
            with contextlib.suppress(ProcessLookupError, ValueError):
                self.send(signal.SIGTERM)
            eventually(lambda: not self.is_running(), "master goes")


@contextlib.contextmanager
def system(options, folder, services="", settings=(), start=True):
    made = System(options, folder, services, settings)
    try:
        yield made.start() if start else made
    finally:
        made.stop()


def gone(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):  # it may also go between two of these
        return True
