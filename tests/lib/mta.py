"""A mail system of its own in a temporary folder: ours (`Postrider`) or Debian's Postfix (`Debian`), with one interface.

    with mta.Postrider(options.build, {"virtual_mailbox_domains": "example.test"}) as mail:
        mail.start()
        mail.sendmail("ann@example.test", sender="bob@example.org", text="Subject: hello\\n\\nhello\\n")
        mail.wait_empty()

What is where: `base` has etc/ (main.cf, master.cf), queue/, data/, log/mail.log and mail/ (for mailboxes; the delivering user may write
there). Leaving the `with` stops the system, ends what is left of its processes (only those: a process belongs to the system when its
MAIL_CONFIG or its working directory is ours) and removes the folder; with KEEP=1 in the environment the folder stays.

Ours runs rootless (`mode="user"`) unless asked for otherwise; a test that runs as root changes to an unprivileged user for that.
`mode="root"` is the classic way, with mail_owner = daemon. Debian's Postfix always needs root: `Debian.available()` says whether
it can be run here. No inet service is configured by default; free_port() finds ports for those that a test adds.
"""
import contextlib
import grp
import importlib.util
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
USER = "nobody"  # who runs ours rootless when the test is root
LIMIT = 30  # seconds: what a wait or a command may take unless told otherwise

# A line that is sent to the log daemon to learn that those before it have been stored, and in a log file.
MARK = "everything before this has been stored"
MARK_LINE = re.compile(f"^.*{MARK}.*\n", re.MULTILINE)

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
LOGS = ("bounce", "defer", "trace")
# name: (type, private, unprivileged, chroot, wakeup, limit, command). Stock master.cf without its inet services.
SERVICES = {
    "pickup": "unix n - n 60 1 pickup",
    "cleanup": "unix n - n - 0 cleanup",
    "qmgr": "unix n - n 300 1 qmgr",
    "tlsmgr": "unix - - n 1000? 1 tlsmgr",
    "rewrite": "unix - - n - - trivial-rewrite",
    "bounce": "unix - - n - 0 bounce",
    "defer": "unix - - n - 0 bounce",
    "trace": "unix - - n - 0 bounce",
    "verify": "unix - - n - 1 verify",
    "flush": "unix n - n 1000? 0 flush",
    "proxymap": "unix - - n - - proxymap",
    "proxywrite": "unix - - n - 1 proxymap",
    "smtp": "unix - - n - - smtp",
    "relay": "unix - - n - - smtp",
    "showq": "unix n - n - - showq",
    "error": "unix - - n - - error",
    "retry": "unix - - n - - error",
    "discard": "unix - - n - - discard",
    "local": "unix - n n - - local",
    "virtual": "unix - n n - - virtual",
    "lmtp": "unix - - n - - lmtp",
    "anvil": "unix - - n - 1 anvil",
    "scache": "unix - - n - 1 scache",
    "postlog": "unix-dgram n - n - 1 postlogd",
}


class Late(AssertionError):
    """A condition did not come true in time."""


def wait(condition, limit=LIMIT, what="a condition"):
    """The first true value of condition(). `what` is waited for: words, or a function that finds them in the end."""
    deadline = time.monotonic() + limit
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Late(f"waited {limit} s for {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def end_cleanly_on_sigterm():
    """Lets an end by SIGTERM unwind, so that what was started is ended and what was mounted is unmounted."""
    def leave(number, _):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, leave)


def end_peer(child, patience=5):
    """Ends a program that is not ours (saslauthd is known to sleep through SIGTERM), and all of its process group if it leads one."""
    leads = os.getpgid(child.pid) == child.pid
    child.terminate()
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(LIMIT)
    if leads:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def free_port():
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Result:
    """What a command did. `text` and `error` are its output; bytes that are no UTF-8 are kept as \\xNN."""

    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.text = done.stdout.decode("utf-8", "backslashreplace")
        self.error = done.stderr.decode("utf-8", "backslashreplace")

    def __repr__(self):
        return f"[{self.status}] {self.text[-2000:]}{self.error[-2000:]}"


class Account:
    """An account by name; `passing` are the arguments with which subprocess becomes it (none for the one we are)."""

    def __init__(self, name):
        entry = pwd.getpwnam(name)
        self.name, self.uid, self.gid = name, entry.pw_uid, entry.pw_gid
        self.group = grp.getgrgid(entry.pw_gid).gr_name
        self.home = entry.pw_dir
        ours = self.uid == os.geteuid()
        self.passing = {} if ours else {"user": self.uid, "group": self.gid, "extra_groups": []}


def me():
    return Account(pwd.getpwuid(os.geteuid()).pw_name)


def is_root():
    return os.geteuid() == 0


def reachable(path, account):
    """Whether the account may run the program."""
    return subprocess.run(["test", "-x", path], check=False, cwd="/", **account.passing).returncode == 0


class System:
    """What both systems share. Not made by itself."""

    name = ""
    defaults = {}

    def __init__(self, parameters=None, *, account, delivers_as, owner, group, sbin, libexec, base=None, mail=None, log=None,
                 services=None, inet=(), environment=None, master_cf=None):
        """`parameters` go to main.cf over the defaults here (None leaves one out). `services`: the names of the stock services to have,
        all of them by default; or a dictionary as SERVICES. `inet` and `master_cf`: further lines of master.cf. `environment`: what
        daemons and commands get, through import_environment. `base`: a folder that is there already is used as it is, and is not
        removed in the end. `mail` and `log`: the mailboxes' folder (made when it is not there) and the log file, elsewhere."""
        self.account, self.delivers_as, self.owner, self.group = account, delivers_as, owner, group
        self.sbin, self.libexec = pathlib.Path(sbin), pathlib.Path(libexec)
        self.own_base = base is None
        self.base = pathlib.Path(base or tempfile.mkdtemp(prefix="mta.")).resolve()
        self.etc, self.queue, self.data = (self.base / name for name in ("etc", "queue", "data"))
        self.mail = pathlib.Path(mail) if mail else self.base / "mail"
        self.log_file = pathlib.Path(log) if log else self.base / "log" / "mail.log"
        self.environment = dict(environment or {})
        if not isinstance(services, dict):
            services = {name: SERVICES[name] for name in (SERVICES if services is None else services)}
        self.services = services
        self.extra_services = list(inet) + list(master_cf or [])
        self.parameters = {
            "compatibility_level": "3.6",
            "mail_owner": owner.name, "setgid_group": group,
            "command_directory": self.sbin, "daemon_directory": self.libexec,
            "queue_directory": self.queue, "data_directory": self.data,
            "myhostname": "mail.example.test", "mydestination": "localhost.example.test", "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "biff": "no",
            "alias_maps": "", "alias_database": "", "local_recipient_maps": "",
            "virtual_mailbox_domains": "example.test", "virtual_mailbox_base": self.mail,
            "virtual_uid_maps": f"static:{delivers_as.uid}", "virtual_gid_maps": f"static:{delivers_as.gid}",
            "virtual_minimum_uid": min(100, delivers_as.uid),
            "maillog_file": self.log_file, "maillog_file_prefixes": f"{self.base}, {self.log_file.parent}",
            "default_transport": "error:5.1.2 there is no network here",
        }
        self.parameters.update(self.defaults)
        self.parameters.update(parameters or {})
        self.offset = self.marks = 0
        self.make_folders()
        self.write_configuration()

    # --- the folder

    def own(self, path, account=None, mode=None):
        """Gives a path to an account (the one that runs the system by default)."""
        account = account or self.account
        if is_root():
            os.chown(path, account.uid, account.gid)
        if mode is not None:
            os.chmod(path, mode)
        return path

    def make_folders(self):
        os.chmod(self.base, 0o755)
        for path, account, mode in ((self.etc, self.account, 0o755), (self.log_file.parent, self.owner, 0o755),
                                    (self.data, self.owner, 0o700), (self.queue, self.account, 0o755),
                                    (self.mail, self.delivers_as, 0o755)):
            if not path.exists():
                path.mkdir()
                self.own(path, account, mode)
        if not self.log_file.exists():
            self.log_file.touch()
            self.own(self.log_file, self.owner, 0o644)
        group = grp.getgrnam(self.group).gr_gid
        for name in QUEUES + LOGS + ("flush", "saved", "spare", "private", "public", "pid"):
            path = self.queue / name
            if not path.exists():
                path.mkdir()
                self.own(path, self.account if name == "pid" else self.owner,
                         {"pid": 0o755, "maildrop": 0o730, "public": 0o710}.get(name, 0o700))
                if is_root() and self.account.uid == 0 and name in ("maildrop", "public"):
                    os.chown(path, self.owner.uid, group)
                    os.chmod(path, {"maildrop": 0o730, "public": 0o710}[name])

    def write_configuration(self):
        """Writes main.cf and master.cf anew."""
        values = {name: value for name, value in self.parameters.items() if value is not None}
        if self.environment and "import_environment" not in values:
            usual = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME"
            values["import_environment"] = " ".join([usual] + [f"{name}={value}" for name, value in self.environment.items()])
        for name, text in (("main.cf", "".join(f"{name} = {value}\n" for name, value in values.items())),
                           ("master.cf", "".join(f"{name} {fields}\n" for name, fields in self.services.items()) +
                            "".join(line.rstrip("\n") + "\n" for line in self.extra_services))):
            (self.etc / name).write_text(text, encoding="utf-8")
            self.own(self.etc / name)

    def set(self, **parameters):
        """Changes main.cf (None takes a parameter out). Running daemons see it after reload()."""
        self.parameters.update(parameters)
        self.write_configuration()

    # --- commands

    def command_environment(self):
        return {"PATH": f"{self.sbin}:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "MAIL_CONFIG": str(self.etc), **self.environment}

    def arguments(self, name, words):
        path = self.sbin / name
        return [str(path if path.exists() else self.libexec / name), *map(str, words)]

    def run(self, name, *words, stdin=b"", limit=LIMIT, account=None, environment=None):
        """Runs a command of the system (MAIL_CONFIG says which system) and returns its Result, whatever its status."""
        account = account or self.account
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run(self.arguments(name, words), input=stdin, capture_output=True, check=False, timeout=limit, cwd="/",
                              env={**self.command_environment(), **(environment or {})}, **account.passing)
        return Result(done)

    def check(self, name, *words, **options):
        """As run(), and the status must be 0."""
        result = self.run(name, *words, **options)
        assert result.status == 0, f"{name} {' '.join(map(str, words))}: {result}\n{self.log_tail()}"
        return result

    def sendmail(self, *recipients, sender="sender@example.test", text="Subject: test\n\ntest\n", options=(), **more):
        """Submits a message; the Result's status 0 is the promise that it is not lost."""
        return self.run("sendmail", "-f", sender, *options, *(["--"] if recipients else []), *recipients, stdin=text, **more)

    # --- running

    def start(self, how="master", limit=LIMIT):
        """`how`: "master" starts master alone, "postfix" the way an administrator does."""
        if how == "postfix":
            self.check("postfix", "start", limit=limit)
        else:
            self.check("master", "-w", limit=limit)
        wait(self.running, limit, "master's lock file")

    def reload(self, limit=LIMIT):
        """Reloads, and waits until master says that the new configuration is in force: a client that comes sooner meets the old one."""
        def reloads():
            return self.log_so_far().count(": reload -- version ")
        before = reloads()
        self.check("postfix", "reload") if self.name != "Debian" else os.kill(self.master_pid(), signal.SIGHUP)
        wait(lambda: reloads() > before, limit, "the reload to be logged")

    def stop(self, limit=LIMIT):
        """Ends master as `postfix stop` does, and waits until no process is left; what is left at the limit is killed and is an error."""
        with contextlib.suppress(ProcessLookupError, TypeError):
            os.kill(self.master_pid(), signal.SIGTERM)
        try:
            wait(lambda: not self.processes(), limit, "the processes to end")
        except Late as late:
            left = self.processes()
            self.kill_all()
            raise Late(f"{late}; still there: {left}\n{self.log_tail()}") from None

    def kill_all(self):
        """SIGKILL to every process of this system, master first. What a crash of the machine does to processes."""
        deadline = time.monotonic() + 10
        while True:
            found = self.processes()
            if not found:
                return
            if time.monotonic() > deadline:
                raise Late(f"processes that cannot be killed: {found}")
            for pid in sorted(found, key=lambda pid: found[pid] != "master"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)

    def freeze(self):
        """SIGSTOP to every process: none does anything any more. kill_all() ends them."""
        stopped = set()
        while not stopped >= set(self.processes()):
            for pid in set(self.processes()) - stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                stopped.add(pid)

    def master_pid(self):
        """Of the running master; None when there is none."""
        try:
            pid = int((self.queue / "pid" / "master.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if self.owns(pid) else None

    def running(self):
        return self.master_pid() is not None

    def owns(self, pid):
        """Whether a process belongs to this system."""
        try:
            if os.path.realpath(os.readlink(f"/proc/{pid}/cwd")) == str(self.queue):
                return True
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            return f"MAIL_CONFIG={self.etc}".encode() in environment.split(b"\0")
        except OSError:
            return False

    def processes(self):
        """{pid: program} of this system, commands included; those that have ended but were not waited for are left out."""
        found = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid() and self.owns(entry):
                with contextlib.suppress(OSError):
                    fields = pathlib.Path(f"/proc/{entry}/stat").read_text()
                    if fields.rpartition(")")[2].split()[0] not in "ZX":
                        found[int(entry)] = fields.partition("(")[2].rpartition(")")[0]
        return found

    def pids(self, program):
        return sorted(pid for pid, name in self.processes().items() if name == program)

    def remove(self):
        self.kill_all()
        if self.own_base and not os.environ.get("KEEP"):
            shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and not isinstance(value, KeyboardInterrupt):
            print(f"--- {self.name}, end of the log ---\n{self.log_tail()}")
        self.remove()

    # --- looking

    def log(self):
        """All lines that were written before this call, on their way to the file or not."""
        self.settle_log()
        return self.log_so_far()

    def log_so_far(self):
        """The whole lines in the file: one that is just being written is not there yet."""
        try:
            data = self.log_file.read_bytes()
        except FileNotFoundError:
            return ""
        text = data[:data.rfind(b"\n") + 1].decode("utf-8", "backslashreplace")
        return MARK_LINE.sub("", text)

    def settle_log(self, limit=5):
        """Waits until the log daemon, if there is one that listens, has stored what it was sent before: it keeps the order, and so a
        line of ours comes last."""
        self.marks += 1
        mark = f"{MARK} {self.marks}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(limit)
            try:
                sender.sendto(mark.encode(), str(self.queue / "public" / "postlog"))
            except OSError:  # nobody listens
                return
        with contextlib.suppress(Late):
            wait(lambda: mark.encode() in self.log_file.read_bytes(), limit)

    def log_tail(self, lines=25):
        return "\n".join(self.log().splitlines()[-lines:])

    def log_mark(self):
        """From here on: wait_log() and new_log() look at what comes after this call only."""
        self.offset = len(self.log())

    def new_log(self):
        return self.log()[self.offset:]

    def wait_log(self, pattern, limit=LIMIT):
        """The match of the first line (after log_mark()) in which the expression is found."""
        return wait(lambda: re.search(pattern, self.log_so_far()[self.offset:], re.MULTILINE), limit,
                    lambda: f"/{pattern}/ in the log:\n{self.log_tail()}")

    def files(self, *folders):
        """{path below the queue directory: os.stat_result} of the files of these queue folders, hashed or not (default: all of
        QUEUES)."""
        return dict(self.each_file(*folders))

    def each_file(self, *folders):
        for folder in folders or QUEUES:
            for where, _, names in os.walk(self.queue / folder):
                for name in names:
                    path = pathlib.Path(where, name)
                    with contextlib.suppress(FileNotFoundError):
                        status = os.lstat(path)
                        if stat.S_ISREG(status.st_mode):
                            yield str(path.relative_to(self.queue)), status

    def queued(self, *folders):
        """{queue id: folder} of the messages that are there."""
        return {os.path.basename(path): path.split("/")[0] for path in self.files(*folders)}

    def wait_empty(self, *folders, limit=LIMIT):
        """Waits until no message is left in these folders (all message folders by default)."""
        folders = folders or QUEUES
        try:
            # Twice: a message may go from a folder not yet looked at to one already seen.
            wait(lambda: not any(self.each_file(*folders)) and not any(self.each_file(*folders)), limit, "an empty queue")
        except Late as late:
            raise Late(f"{late}: {list(self.files(*folders))}\n{self.log_tail()}") from None

    def wait_idle(self, limit=LIMIT):
        """Waits until nothing is being picked up or delivered; deferred and held messages may be left."""
        self.wait_empty("maildrop", "incoming", "active", limit=limit)

    def listing(self):
        """postqueue -j, one dictionary a message, by queue id."""
        found = (json.loads(line) for line in self.check("postqueue", "-j").text.splitlines())
        return {message["queue_id"]: message for message in found}

    def maildir(self, name, *parts):
        """The contents of a Maildir's messages (new and cur) below mail/, in order of name."""
        found = []
        for folder in parts or ("new", "cur"):
            path = self.mail / name / folder
            if path.is_dir():
                found += [entry.read_bytes() for entry in sorted(path.iterdir())]
        return found


class Programs:
    """Our build's programs, at a place where `account` may run them: a build in a folder that only root may enter is linked (or
    copied) to a temporary one."""

    kept = {}

    @classmethod
    def of(cls, build, account):
        build = pathlib.Path(build).resolve()
        key = (build, account.uid)
        if key not in cls.kept:
            some = next(iter(sorted((build / "sbin").iterdir())))
            cls.kept[key] = build if reachable(some, account) else cls.linked(build)
        return cls.kept[key]

    @staticmethod
    def linked(build):
        place = tempfile.TemporaryDirectory(prefix="mta-programs.")
        Programs.kept[str(build)] = place  # lives as long as we do
        os.chmod(place.name, 0o755)
        for folder in ("sbin", "libexec/postfix", "tests"):
            target = pathlib.Path(place.name, folder)
            target.mkdir(parents=True)
            for source in (build / folder).glob("*"):
                if source.is_symlink():
                    os.symlink(os.readlink(source), target / source.name)
                elif source.is_file() and (folder != "tests" or source.suffix == ".so"):
                    try:
                        os.link(source, target / source.name)
                    except OSError:
                        shutil.copy2(source, target / source.name)
        return pathlib.Path(place.name)


class Postrider(System):
    """Ours, from a build folder. With PAUSES in the environment its programs pause at random, to find races (tests/fault/pauses.c)."""

    name = "Postrider"

    def __init__(self, build="build/release", parameters=None, *, mode="user", **more):
        self.mode = mode
        if mode == "root":
            if not is_root():
                raise RuntimeError("mode root needs root")
            account, owner = me(), Account("daemon")
            delivers_as, group = Account(USER), other_group(owner)
        else:
            account = Account(USER) if is_root() else me()
            owner = delivers_as = account
            group = account.group
        place = Programs.of(build, account)
        self.build = place
        if os.environ.get("PAUSES"):
            more["environment"] = {"LD_PRELOAD": pathlib.Path(build).resolve() / "tests/fault_pauses.so", **(more.get("environment") or {})}
        super().__init__(parameters, account=account, owner=owner, delivers_as=delivers_as, group=group, sbin=place / "sbin",
                         libexec=place / "libexec/postfix", **more)


class Debian(System):
    """Debian's Postfix, from an unpacked package. Same folders, same configuration."""

    name = "Debian"

    def __init__(self, parameters=None, *, root=None, **more):
        if not is_root():
            raise RuntimeError("Debian's Postfix needs root")
        root = pathlib.Path(root or oracle())
        owner = Account("daemon")
        self.libraries = f"{root}/usr/lib/postfix:{root}/usr/lib/x86_64-linux-gnu"
        more["environment"] = {"LD_LIBRARY_PATH": self.libraries, **(more.get("environment") or {})}
        self.defaults = {"meta_directory": root / "etc/postfix", "shlib_directory": root / "usr/lib/postfix",
                         "sendmail_path": root / "usr/sbin/sendmail", "mailq_path": root / "usr/bin/mailq",
                         "newaliases_path": root / "usr/bin/newaliases"}
        super().__init__(parameters, account=me(), owner=owner, delivers_as=Account(USER), group=other_group(owner),
                         sbin=root / "usr/sbin", libexec=root / "usr/lib/postfix/sbin", **more)

    def write_configuration(self):
        # sendmail starts postdrop with an environment that is nearly empty, so what it needs is named on the way.
        wrappers = self.base / "bin"
        wrappers.mkdir(exist_ok=True)
        for program in self.sbin.iterdir():
            if not (wrappers / program.name).is_symlink() and program.name != "postdrop":
                (wrappers / program.name).symlink_to(program)
        postdrop = wrappers / "postdrop"
        postdrop.unlink(missing_ok=True)
        if len(self.environment) == 1 and self.libraries_are_known():
            postdrop.symlink_to(self.sbin / "postdrop")
        else:
            settings = " ".join(f"{name}='{value}'" for name, value in self.environment.items())
            postdrop.write_text(f'#!/bin/sh\n{settings} exec {self.sbin}/postdrop "$@"\n', encoding="utf-8")
            os.chmod(postdrop, 0o755)
        self.parameters["command_directory"] = wrappers
        super().write_configuration()

    known = {}

    def libraries_are_known(self):
        """Whether the linker finds Debian's libraries by itself."""
        if self.sbin not in self.known:
            done = subprocess.run([self.sbin / "postdrop", "-?"], env={}, capture_output=True, check=False, timeout=LIMIT)
            self.known[self.sbin] = done.returncode != 127
        return self.known[self.sbin]

    @staticmethod
    def available():
        return is_root() and bool(oracle(required=False))


def other_group(owner):
    """A group that may be setgid_group: not the owner's own."""
    return next(group.gr_name for group in [grp.getgrnam(name) for name in ("mail", "nogroup", "users") if has_group(name)]
                if group.gr_gid != owner.gid)


def has_group(name):
    try:
        return bool(grp.getgrnam(name))
    except KeyError:
        return False


def oracle(required=True):
    """The folder with Debian's unpacked Postfix; fetched into build/oracle when it is not there yet."""
    for root in (os.environ.get("ORACLE", ""), TOP / "build/oracle/root"):
        if root and os.path.exists(os.path.join(root, "usr/sbin/postconf")):
            return pathlib.Path(root)
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        spec = importlib.util.spec_from_file_location("conformance", TOP / "tests/conformance/run.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return pathlib.Path(module.fetch(str(TOP / "build/oracle")))
    if required:
        raise RuntimeError("Debian's Postfix is not to be had")
    return None
