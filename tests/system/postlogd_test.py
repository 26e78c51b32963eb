#!/usr/bin/env python3
"""postlogd(8): what it makes of datagrams, and who leaves the log file to it."""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases
import mta

SERVICES = {name: mta.SERVICES[name] for name in ("postlog", "showq")}


def system(options, parameters=None, **more):
    return mta.Postrider(options.build, parameters, services=more.pop("services", SERVICES), **more)


class Sender:
    def __init__(self, mail):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(mta.LIMIT)
        self.socket.connect(str(mail.queue / "public" / "postlog"))

    def send(self, data):
        self.socket.send(data.encode() if isinstance(data, str) else data)


def lines_of(mail):
    return mail.log_file.read_bytes().split(b"\n")[:-1]


def test_a_datagram_is_a_line(options):
    with system(options) as mail:
        mail.start()
        Sender(mail).send("Nov 21 10:54:53 mx postfix/qmgr[123]: ABC: removed")
        mail.wait_log(r"^Nov 21 10:54:53 mx postfix/qmgr\[123\]: ABC: removed$")
        assert len(mail.pids("postlogd")) == 1


def test_hostile_datagrams_do_no_harm(options):
    with system(options) as mail:
        mail.start()
        sender = Sender(mail)
        hostile = [b"", b"\0", b"a\0b", b"two\nlines", b"bell\a esc\x1b[31m del\x7f", b"\xff\xfe", "\u202eturned".encode(), b"x" * 60000,
                   b"{" * 5000, b"\n\n\n", b"%s%n%x", b"\r"] + [os.urandom(3000) for _ in range(50)]
        for each in hostile:
            sender.send(each)
        try:
            sender.send(b"y" * 150000)
        except OSError:
            pass  # the kernel's limit is smaller
        sender.send("the last one")
        mail.wait_log("^the last one$")
        lines = lines_of(mail)
        assert b"a?b" in lines and b"two?lines" in lines and b"bell? esc?[31m del?" in lines and b"%s%n%x" in lines, lines[:15]
        for line in lines:
            line.decode("utf-8")
            assert not re.search(rb"[\x00-\x1f\x7f]", line), line
            assert len(line) <= 65536
        assert len(mail.pids("postlogd")) == 1


def test_commands_and_daemons_leave_the_file_to_postlogd(options):
    """Who sees each write: the process that holds the file."""
    with system(options) as mail:
        mail.start()
        mail.check("postlog", "-t", "me", "hello there")
        mail.wait_log(r"^... .. ..:..:.. mail me\[\d+\]: hello there$")
        # postlogd can be made to hold its breath: then nothing arrives.
        pid, = mail.pids("postlogd")
        os.kill(pid, 19)
        mail.check("postlog", "while it sleeps")
        assert "while it sleeps" not in mail.log()
        os.kill(pid, 18)
        mail.wait_log("while it sleeps")


def test_who_cannot_reach_postlogd_writes_the_file(options):
    with system(options) as mail:
        mail.log_file.unlink(missing_ok=True)
        mail.check("postlog", "nobody is there")
        assert re.search(r"mail postfix/postlog\[\d+\]: nobody is there\n", mail.log())
        assert os.stat(mail.log_file).st_mode & 0o777 == 0o600


def test_a_full_socket_is_no_reason_to_wait_or_to_lose(options):
    with system(options) as mail:
        mail.start()
        mail.check("postlog", "first")
        mail.wait_log("first")
        pid, = mail.pids("postlogd")
        os.kill(pid, 19)
        count = 700  # more than net.unix.max_dgram_qlen
        mail.check("postlog", stdin="".join(f"line {i} end\n" for i in range(count)))
        os.kill(pid, 18)
        mail.wait_log(f"line {count - 1} end")
        mta.wait(lambda: all(f"line {i} end" in mail.log() for i in range(count)))
        assert mail.log().count(" end\n") == count


def test_a_burst_is_few_writes(options):
    with system(options) as mail:
        mail.start()
        mail.check("postlog", "first")
        mail.wait_log("first")
        pid, = mail.pids("postlogd")
        before = int(re.search(r"syscw: (\d+)", open(f"/proc/{pid}/io").read()).group(1)) if mta.is_root() else None
        os.kill(pid, 19)
        sender = Sender(mail)
        for i in range(10):
            sender.send(f"burst {i}")
        os.kill(pid, 18)
        mail.wait_log("burst 9")
        if before is not None:
            after = int(re.search(r"syscw: (\d+)", open(f"/proc/{pid}/io").read()).group(1))
            assert after - before <= 2, f"{after - before} writes"


def test_a_rotated_file_is_left_alone(options):
    with system(options) as mail:
        mail.start()
        mail.check("postlog", "before")
        mail.wait_log("before")
        old = mail.log_file.with_name("old.log")
        os.rename(mail.log_file, old)

        def arrived():
            mail.run("postlog", "after")
            return mail.log_file.exists() and "after" in mail.log()
        mta.wait(arrived)
        text = old.read_text()
        mail.check("postlog", "much later")
        mail.wait_log("much later")
        assert old.read_text() == text


def test_a_reload_opens_the_file_anew(options):
    with system(options) as mail:
        mail.start()
        mail.check("postlog", "before")
        mail.wait_log("before")
        first = mail.pids("postlogd")
        os.kill(mail.master_pid(), 1)
        mta.wait(lambda: mail.pids("postlogd") != first)
        mail.check("postlog", "after")
        mail.wait_log("after")
        assert mail.pids("postlogd") != first


def test_json_records_stay_what_they_are(options):
    with system(options, {"maillog_file_form": "json"}) as mail:
        mail.start()
        mail.check("postlog", 'he said "hi"')
        Sender(mail).send("Nov 21 10:54:53 mx old/program[1]: plain text\n")
        mail.wait_log("plain text")
        records = [json.loads(line) for line in mail.log().splitlines()]
        texts = [record["text"] for record in records]
        assert 'he said "hi"' in texts and "Nov 21 10:54:53 mx old/program[1]: plain text" in texts, texts


def test_a_full_disk_loses_lines_and_says_so(options):
    """/dev/full stands for it; a file takes its place."""
    with system(options) as mail:
        mail.log_file.parent.joinpath("mail.log").unlink(missing_ok=True)
        mail.log_file.symlink_to("/dev/full")
        mail.start()
        sender = Sender(mail)
        for i in range(3):
            sender.send(f"lost {i}")
        sender.send("still there")
        pid = mta.wait(lambda: mail.pids("postlogd"))
        mail.log_file.unlink()
        mta.wait(lambda: (sender.send("now"), mail.log_file.exists() and "now" in mail.log())[1])
        assert mail.pids("postlogd") and pid


def test_standard_output_is_a_log_file(options):
    with system(options, {"maillog_file": "/dev/stdout", "maillog_file_prefixes": "/dev/stdout"}) as mail:
        log = open(mail.base / "out", "wb")
        master = subprocess.Popen([mail.libexec / "master", "-s"], stdout=log, stderr=log, cwd="/", env=mail.command_environment(),
                                  **mail.account.passing)
        try:
            mta.wait(lambda: mail.running() and (mail.queue / "public" / "postlog").exists())
            Sender(mail).send("Nov 21 10:54:53 mx a/b[1]: to standard output")
            mta.wait(lambda: b"to standard output\n" in (mail.base / "out").read_bytes())
        finally:
            master.terminate()
            master.wait(mta.LIMIT)


def test_root_opens_what_mail_owner_may_not(options):
    if not mta.is_root():
        raise cases.Skipped("for root")
    with system(options, mode="root") as mail:
        os.chown(mail.log_file.parent, 0, 0)
        os.chmod(mail.log_file.parent, 0o700)
        mail.start()
        mail.check("postlog", "hello")
        mail.wait_log("hello")
        pid, = mail.pids("postlogd")
        status = open(f"/proc/{pid}/status").read()
        assert re.search(rf"^Uid:\s+{mail.owner.uid}\s+{mail.owner.uid}\s+{mail.owner.uid}\s", status, re.MULTILINE), status
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
