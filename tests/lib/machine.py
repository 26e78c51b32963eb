"""A machine of its own to install on, for tests that run as root: /etc, /usr, /var, /home and /dev are layers over this machine's that
vanish with it, and processes and the network are its own. What Postfix this machine has is not seen there.

    with machine.Machine(options) as host:
        host.run("postfix start")
        host.run("echo hi | sendmail ben", user="ann")
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import cases
import mta

# Process 1 of the machine: makes it, says so, and waits for the processes that nobody else waits for.
INIT = r"""
import fcntl, os, pathlib, shutil, socket, struct, subprocess, sys, time
base = pathlib.Path(sys.argv[1])
def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
run("mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", base)
for name in ("etc", "usr", "var", "home"):
    (base / name).mkdir()
    (base / ("work." + name)).mkdir()
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/{name},upperdir={base / name},workdir={base / ('work.' + name)}", "/" + name)
(base / "dev").mkdir()
for name in ("null", "zero", "full", "random", "urandom", "tty"):
    (base / "dev" / name).touch()
    run("mount", "--bind", "/dev/" + name, base / "dev" / name)
for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
    (base / "dev" / name).symlink_to(target)
run("mount", "--rbind", base / "dev", "/dev")
for path in ("/etc/postfix", "/var/spool/postfix", "/var/lib/postfix", "/etc/aliases", "/etc/aliases.db", "/var/mail"):
    shutil.rmtree(path, ignore_errors=True)
    pathlib.Path(path).unlink(missing_ok=True)
os.makedirs("/var/mail")
os.chmod("/var/mail", 0o2775)
shutil.chown("/var/mail", "root", "mail")
with socket.socket() as probe:
    flags = struct.pack("16sh14x", b"lo", 1)
    fcntl.ioctl(probe, 0x8914, flags)
print("ready", flush=True)
os.setsid()
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.02)
"""
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    """With the accounts of Debian's package, the users ann and ben, and our system installed as README.md says (not yet started)."""

    def __init__(self, options, settings=()):
        if not mta.is_root() or not shutil.which("unshare") or not shutil.which("nsenter"):
            raise cases.Skipped("needs root, unshare(1) and nsenter(1)")
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="machine."))
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--mount-proc", "--kill-child", sys.executable, "-c", INIT,
             str(self.base)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            why = self.holder.stderr.read()
            self.close()
            raise cases.Skipped(f"cannot make a machine here: {why.strip().splitlines()[-1:]}")
        children = pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text()
        self.pid = int(children.split()[0])
        try:
            self.install(options.build.resolve(), settings)
        except BaseException:
            self.close()
            raise

    def install(self, build, settings):
        for line in ("groupadd -f -r postfix", "groupadd -f -r postdrop",
                     "id postfix || useradd -r -g postfix -d /var/spool/postfix -s /usr/sbin/nologin postfix",
                     "useradd -m -s /bin/sh ann", "useradd -m -s /bin/sh ben", f"cmake --install {build} --prefix /usr --strip",
                     "postconf myhostname=mail.example.test 'mydestination=$myhostname, localhost' inet_interfaces=loopback-only "
                     "inet_protocols=ipv4 biff=no maillog_file=/var/log/test/mail.log maillog_file_prefixes=/var,/dev/stdout "
                     "'local_recipient_maps=' 'alias_maps=' 'alias_database=' ",
                     *(f"postconf '{setting}'" for setting in settings),
                     "mkdir -p /var/log/test", "postfix set-permissions"):
            self.check(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.holder.kill()  # and so process 1, and so all others
        self.holder.communicate()
        shutil.rmtree(self.base, ignore_errors=True)

    def words(self, line, user):
        become = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] if user else []
        home = f"/home/{user}" if user else "/root"
        return ["nsenter", "-t", str(self.pid), "--mount", "--pid", "--net", "--ipc", "env", "-i", f"PATH={PATH}", f"HOME={home}", "LANG=C",
                *become, "sh", "-c", f"cd / && {line}"]

    def run(self, line, user=None, stdin="", limit=mta.LIMIT):
        """A line of shell. Its Result."""
        return mta.Result(subprocess.run(self.words(line, user), input=stdin.encode(), capture_output=True, check=False, timeout=limit))

    def popen(self, line, user=None, **more):
        return subprocess.Popen(self.words(line, user), **more)

    def check(self, line, **more):
        result = self.run(line, **more)
        assert result.status == 0, f"{line}: {result}\n{self.log()[-3000:]}"
        return result

    def path(self, name):
        """A path of the machine, as seen from here."""
        return pathlib.Path(f"/proc/{self.pid}/root{name}")

    def log(self):
        try:
            return self.path("/var/log/test/mail.log").read_text()
        except OSError:
            return ""

    def start(self):
        self.check("postfix start")

    def wait_empty(self, limit=mta.LIMIT):
        mta.wait(lambda: "Mail queue is empty" in self.run("mailq").text, limit, f"an empty queue\n{self.run('mailq')}\n{self.log()[-3000:]}")

    def processes(self):
        """{pid as seen from here: name} of the children of our master."""
        try:
            inner = self.path("/var/spool/postfix/pid/master.pid").read_text().strip()
        except OSError:
            return {}
        found = {}
        namespace = os.readlink(f"/proc/{self.pid}/ns/pid")
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{entry}/ns/pid") != namespace:
                    continue
                status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{entry}/status").read_text().splitlines() if ":" in line)
                if status["State"].strip()[0] in "ZX":
                    continue
                if status["NSpid"].split()[-1] == inner or os.readlink(f"/proc/{entry}/cwd").endswith("/var/spool/postfix") \
                        or status["Name"].strip() in ("pickup", "qmgr", "cleanup", "local", "bounce", "showq", "postlogd"):
                    found[int(entry)] = status["Name"].strip()
            except (OSError, KeyError):
                continue
        return found

    def pids(self, name):
        return sorted(pid for pid, program in self.processes().items() if program == name)

    def kill(self, name, number=signal.SIGKILL):
        for pid in self.pids(name):
            os.kill(pid, number)
