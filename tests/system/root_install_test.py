#!/usr/bin/env python3
"""Root installs the system as README.md says, on a machine of its own, and does with it what administrators do."""
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
from machine import Machine  # noqa: E402

# Debian's stock master.cf chroots all but these.
NOT_CHROOTED = ("local", "virtual", "proxymap", "proxywrite", "postlog")


def mode_and_owner(host, path):
    return host.check(f"stat -c '%a %U %G' {path}").text.strip()


def test_from_installation_to_mail_in_a_mailbox(options):
    with Machine(options) as host:
        checked = host.run("postfix check")
        assert checked.status == 0 and not re.search(r"error|fatal|set-permissions", checked.error), checked
        host.start()
        host.check("echo 'from root' | sendmail ben")
        sent = host.check("echo 'from ann' | sendmail ben", user="ann")
        assert sent.error == "", sent  # postdrop has its group
        mailbox = host.path("/var/mail/ben")
        mta.wait(lambda: mailbox.exists() and mailbox.read_text().count("From ") >= 2 and "from ann" in mailbox.read_text(), 10,
                 "mail of both")  # and is woken: pickup by itself looks once a minute
        host.wait_empty(5)
        assert mode_and_owner(host, "/var/mail/ben") == "600 ben mail"
        host.check("postconf home_mailbox=Maildir/; postfix reload; echo hello | sendmail ann")
        folder = host.path("/home/ann/Maildir/new")
        (message,) = mta.wait(lambda: folder.exists() and list(folder.iterdir()), 10, "a message in ~/Maildir")
        assert mode_and_owner(host, f"/home/ann/Maildir/new/{message.name}") == "600 ann ann"
        assert mode_and_owner(host, "/home/ann/Maildir/new") == "700 ann ann"
        host.check("postfix stop")
        mta.wait(lambda: not host.processes(), 10, "all processes to end")
        assert host.run("postfix status").status == 1


def test_what_ordinary_users_may_do(options):
    with Machine(options, ["default_transport=error:later", "defer_transports=local"]) as host:
        host.start()
        host.check("echo hello | sendmail ben", user="ann")
        mta.wait(lambda: re.search(r"^[0-9A-F]{8,}\*? .* ann@", host.check("mailq", user="ben").text, re.M), 10, "the message in mailq")
        for line in ("postsuper -d ALL", "postfix status", "postcat -q X", "ls /var/spool/postfix/maildrop", "postfix reload"):
            assert host.run(line, user="ben").status != 0, line
        done = host.check("postsuper -d ALL")
        assert "Deleted: 1 message" in done.error, done
        host.wait_empty(10)
        assert host.check("postqueue -f", user="ben").error == ""
        host.check("postconf 'authorized_submit_users=!ben, static:all' 'authorized_mailq_users=!ben, static:all' "
                   "'authorized_flush_users=!ben, static:all'")
        for line, verb in (("echo hello | sendmail ann", "submit mail"), ("mailq", "view the mail queue"),
                           ("postqueue -f", "flush the mail queue")):
            done = host.run(line, user="ben")
            assert done.status != 0 and re.search(rf"fatal: User ben\(\d+\) is not allowed to {verb}", done.error), done
            assert host.run(line, user="ann").status == 0, line
        # Who takes away the descriptors with which he would be looked up does not become somebody else.
        for line in ("postdrop", "mailq", "postqueue -f"):
            done = host.run(f"ulimit -n 4; {line}", user="ben")
            assert done.status != 0 and re.search(r"fatal: cannot look up user id \d+: Too many open files", done.error), (line, done)


def test_services_in_the_chroot_deliver_and_log(options):
    syslogd = ("import os, socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('/dev/log'); os.chmod('/dev/log', 0o666)\n"
               "print('ready', flush=True)\nwhile (text := s.recv(9000).decode(errors='replace')) != 'end': print(text, flush=True)")
    with Machine(options) as host:
        host.check("postconf -F '*/unix/chroot=y' " + " ".join(
            f"{name}/unix{'-dgram' if name == 'postlog' else ''}/chroot=n" for name in NOT_CHROOTED))
        host.start()
        host.check("echo first | sendmail ben nosuch", user="ann")
        mta.wait(lambda: "status=sent" in host.log() and "status=bounced" in host.log(), 10, "deliveries in the log")
        host.wait_empty(10)
        assert os.readlink(f"/proc/{host.pids('qmgr')[0]}/root").endswith("/var/spool/postfix")
        host.check("postfix stop")
        # The same with a syslog socket, which is not inside of the chroot.
        with host.popen(f'exec {sys.executable} -c "{syslogd}"', stdout=subprocess.PIPE, text=True) as logger:
            assert logger.stdout.readline() == "ready\n"
            host.check("postconf -X maillog_file; postfix start; echo second | sendmail ben")
            mta.wait(lambda: "second" in host.path("/var/mail/ben").read_text(), 10, "the second message")
            host.wait_empty(10)
            host.check("postfix stop")
            host.check(f'{sys.executable} -c "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b\'end\', \'/dev/log\')"')
            text = logger.stdout.read()
        for program in ("master", "pickup", "cleanup", "qmgr", "local"):
            assert re.search(rf"postfix/{program}\[\d+\]: ", text), (program, text)
        assert "status=sent (delivered to mailbox)" in text, text


def test_master_as_process_1_of_a_container(options):
    with Machine(options, ["maillog_file=/dev/stdout"]) as host:
        with host.popen("exec unshare --pid --fork --mount-proc --kill-child postfix start-fg", stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, text=True) as container:
            try:
                mta.wait(lambda: host.path("/var/spool/postfix/public/pickup").exists(), 10, "the mail system")
                host.check("echo hello | sendmail ben", user="ann")
                mailbox = host.path("/var/mail/ben")
                mta.wait(lambda: mailbox.exists() and "hello" in mailbox.read_text(), 10, "the message")
                host.wait_empty(10)
                inner = container.pid  # nsenter, unshare, master
                while (name := pathlib.Path(f"/proc/{inner}/comm").read_text().strip()) in ("nsenter", "unshare"):
                    (inner,) = children_of(inner)
                assert name == "master", name
                # A process whose parent has gone is process 1's to wait for.
                subprocess.run(["nsenter", "-t", str(inner), "--pid", "--mount", "sh", "-c", "(sleep 0.1 &) ; exit 0"], check=True)
                mta.wait(lambda: not zombies_of(inner), 5, "zombies to be waited for")
                os.kill(inner, signal.SIGTERM)
                output, _ = container.communicate(timeout=8)
            finally:
                container.kill()
        assert "daemon started" in output and "status=sent" in output and "terminating on signal 15" in output, output
        assert container.returncode == 0, (container.returncode, output)


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def zombies_of(pid):
    states = {}
    for child in children_of(pid):
        try:
            states[child] = pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
    return [child for child, state in states.items() if state == "Z"]


if __name__ == "__main__":
    mta.end_cleanly_on_sigterm()
    cases.main(__name__, cases.arguments())
