#!/usr/bin/env python3
"""postlogd(8): what it makes of datagrams and of what is in the log pipe, and who leaves the log file to it."""
import collections
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases
import mta

SERVICES = {name: mta.SERVICES[name] for name in ("postlog", "showq")}
WITH_CLEANUP = {name: mta.SERVICES[name] for name in ("postlog", "cleanup", "tlsmgr", "anvil")}


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
        assert "while it sleeps" not in mail.log_so_far()
        os.kill(pid, 18)
        mail.wait_log("while it sleeps")


def test_who_cannot_reach_postlogd_writes_the_file(options):
    with system(options) as mail:
        mail.log_file.unlink(missing_ok=True)
        mail.check("postlog", "nobody is there")
        assert re.search(r"mail postfix/postlog\[\d+\]: nobody is there\n", mail.log_so_far())
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
        mta.wait(lambda: all(f"line {i} end" in mail.log_so_far() for i in range(count)))
        assert mail.log_so_far().count(" end\n") == count


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
            return mail.log_file.exists() and "after" in mail.log_so_far()
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
        records = [json.loads(line) for line in mail.log_so_far().splitlines()]
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
        mta.wait(lambda: (sender.send("now"), mail.log_file.exists() and "now" in mail.log_so_far())[1])
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


# --- the log pipe

def serving(options, parameters=None, services=None, **more):
    """A system with an SMTP server: each client makes it write lines."""
    port = mta.free_port()
    values = {"service_throttle_time": "1s", "maillog_file_compressor": "true", **(parameters or {})}
    mail = system(options, values, services=services or WITH_CLEANUP, inet=[f"127.0.0.1:{port} inet n - n - - smtpd"], **more)
    mail.port = port
    return mail


class Client:
    """Its connection, its helo and its end: two lines at least, with its port."""

    def __init__(self, mail):
        self.socket = socket.create_connection(("127.0.0.1", mail.port), mta.LIMIT)
        self.replies = self.socket.makefile("rb")
        assert self.replies.readline().startswith(b"220 ")

    def quit(self):
        self.socket.sendall(b"QUIT\r\n")
        assert self.replies.readline().startswith(b"221 ")
        self.socket.close()


class PipeEnd:
    """The write end of the log pipe as smtpd has it."""

    def __init__(self, mail):
        self.client = Client(mail)
        self.fd = mta.wait(lambda: next(filter(None, map(self.of, mail.pids("smtpd"))), None), what="smtpd to close its end on exec")

    @staticmethod
    def of(pid):
        """None when what it runs would have it, too, as at the very start of a process."""
        environment = dict(entry.partition(b"=")[::2] for entry in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
        number = int(environment[b"POSTRIDER_LOG_PIPE"])
        flags = re.search(r"flags:\s*(\d+)", pathlib.Path(f"/proc/{pid}/fdinfo/{number}").read_text()).group(1)
        return os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK) if int(flags, 8) & os.O_CLOEXEC else None

    def write(self, line):
        data = line.encode() + b"\n"
        while True:
            try:
                assert os.write(self.fd, data) == len(data)
                return
            except BlockingIOError:
                assert select.select([], [self.fd], [], mta.LIMIT)[1]

    def close(self):
        os.close(self.fd)


class Flood:
    """Threads that write numbered lines until stop()."""

    def __init__(self, pipe, threads=3):
        self.pipe, self.over, self.written = pipe, False, [0] * threads
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, who):
        while not self.over:
            for _ in range(20):
                number = self.written[who]
                self.pipe.write(f"flood {who} {number} {'x' * (number % 300)}.")
                self.written[who] += 1
            time.sleep(0.002)  # a few thousand lines a second, so that the rest of the machine lives

    def count(self):
        return sum(self.written)

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()

    def lines(self):
        return [f"flood {who} {number} {'x' * (number % 300)}." for who, count in enumerate(self.written) for number in range(count)]


def flooded(*paths):
    return [line for path in paths if path.exists() for line in path.read_text().splitlines() if "flood" in line]


def held_postlogd(mail):
    """The system has served a client, and then its postlogd was stopped."""
    mail.start()
    Client(mail).quit()
    mail.wait_log("disconnect from")
    pid, = mail.pids("postlogd")
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_lines_of_daemons_come_by_the_pipe(options):
    """It is a line in it that starts postlogd; when that holds its breath, daemons go on, and nothing is lost or twice there."""
    with serving(options) as mail:
        pid = held_postlogd(mail)
        for _ in range(20):
            Client(mail).quit()
        assert mail.log_so_far().count(": connect from") == 1
        os.kill(pid, signal.SIGCONT)
        mta.wait(lambda: mail.log_so_far().count("disconnect from") == 21)
        assert mail.log_so_far().count(": connect from") == 21


def test_lines_outlive_who_wrote_them(options):
    with serving(options) as mail:
        logger = held_postlogd(mail)
        client = Client(mail)
        for pid in mail.pids("smtpd"):
            os.kill(pid, signal.SIGKILL)
        assert client.replies.readline() == b""
        os.kill(logger, signal.SIGKILL)
        mta.wait(lambda: mail.log_so_far().count(": connect from") == 2)


def test_a_killed_postlogd_loses_nothing(options):
    with serving(options) as mail:
        mail.start()
        pipe = PipeEnd(mail)
        flood = Flood(pipe)
        killed = set()
        while len(killed) < 6:
            before = flood.count()
            pid = mta.wait(lambda: set(mail.pids("postlogd")) - killed).pop()
            mta.wait(lambda: flood.count() > before + 500)
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        flood.stop()
        wanted = set(flood.lines())
        try:
            mta.wait(lambda: wanted <= set(flooded(mail.log_file)))
        except mta.Late as late:
            raise AssertionError(f"not in the log: {sorted(wanted - set(flooded(mail.log_file)))[:10]}") from late
        # A write that ends in its middle leaves the beginning of a line, which stands again in full and spoils no other one.
        torn = set(flooded(mail.log_file)) - wanted
        assert len(torn) <= len(killed) and all(any(line.startswith(each) for line in wanted) for each in torn), torn
        assert flood.count() > 3000


def test_half_a_line_spoils_no_other(options):
    with serving(options) as mail:
        mail.start()
        Client(mail).quit()
        mail.wait_log("disconnect from")
        with open(mail.log_file, "a") as log:
            log.write("flood of")
        pid, = mail.pids("postlogd")
        os.kill(pid, signal.SIGKILL)
        mail.wait_log(rf"^flood of\n... .. ..:..:.. mail postfix/master\[\d+\]: warning: process .*postlogd pid {pid} killed by signal 9$")
        with open(mail.log_file, "a") as log:
            log.write("second flood")
        Client(mail).quit()
        mail.wait_log(r"^second flood\n.*: connect from")


def test_the_last_lines_are_written(options):
    """Whether postlogd can still write them, or only master is left to do it."""
    for is_stopped in (False, True):
        with serving(options) as mail:
            mail.start()
            pipe = PipeEnd(mail)
            mail.wait_log(": connect from")
            if is_stopped:
                os.kill(mail.pids("postlogd")[0], signal.SIGSTOP)
            for i in range(2000):
                pipe.write(f"last {i}.")
            mail.stop()
            counts = collections.Counter(line for line in mail.log_so_far().splitlines() if line.startswith("last"))
            assert counts == {f"last {i}.": 1 for i in range(2000)}, (len(counts), counts.most_common(3))
            assert "terminating on signal 15" in mail.log_so_far()


def test_every_line_is_in_one_file_when_it_is_rotated_under_load(options):
    with serving(options) as mail:
        mail.start()
        pipe = PipeEnd(mail)
        flood = Flood(pipe)
        for _ in range(3):
            before = flood.count()
            mta.wait(lambda: flood.count() > before + 1000)
            mail.check("postfix", "logrotate")
            old = [path for path in mail.log_file.parent.iterdir() if path != mail.log_file]
            sizes = {path: path.stat().st_size for path in old}
            mta.wait(lambda: mail.log_file.exists() and flooded(mail.log_file))
            assert sizes == {path: path.stat().st_size for path in old}, "the old files are left alone by now"
        flood.stop()
        files = list(mail.log_file.parent.iterdir())
        assert len(files) == 4, files
        mta.wait(lambda: len(flooded(*files)) >= flood.count())
        assert collections.Counter(flooded(*files)) == collections.Counter(flood.lines())


def test_lines_wait_for_a_postlogd_that_cannot_start(options):
    """And master does not busy itself with them meanwhile."""
    with serving(options) as mail:
        mail.start()
        pipe = PipeEnd(mail)
        mail.wait_log(": connect from")
        mail.set(service_throttle_time="1000s")
        mail.reload()
        mail.log_file.rename(mail.log_file.with_name("old.log"))
        mail.log_file.mkdir()
        for pid in mail.pids("postlogd"):
            os.kill(pid, signal.SIGKILL)
        pipe.write("it waits")
        seen = set()
        mta.wait(lambda: seen.update(mail.pids("postlogd")) or seen and not mail.pids("postlogd"))

        def work():
            fields = pathlib.Path(f"/proc/{mail.master_pid()}/stat").read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])
        before = work()
        time.sleep(1)  # in which nothing happens
        assert work() - before < 20 and not mail.pids("postlogd")
        mail.log_file.rmdir()
        mail.reload()
        mail.wait_log("^it waits$")


def test_what_keeps_a_daemon_from_starting_is_in_the_log_file(options):
    """Without main.cf a daemon does not know of the log file, and nobody may be there who reads syslog."""
    with serving(options, services={**WITH_CLEANUP, "showq": mta.SERVICES["showq"]}) as mail:
        mail.start()
        Client(mail).quit()
        mail.wait_log("disconnect from")
        main_cf = mail.etc / "main.cf"
        good = main_cf.read_text()
        for line, reason in (("just words", r"\S+/main.cf, line \d+: missing '=' after attribute name: \"just words\""),
                             ("queue_directory = /nonexistent", "chdir /nonexistent: No such file or directory"),
                             ("syslog_facility = nosuch", r"file \S+/main.cf: parameter syslog_facility: unrecognized value: nosuch"),
                             ("max_use = many", r"\S+/main.cf, line \d+: max_use = many: must be a number.*")):
            main_cf.write_text(good + line + "\n")
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(mail.queue / "public/showq"))
                mail.wait_log(rf"^\w+ +\d+ [\d:]+ mail postfix/showq\[\d+\]: fatal: {reason}$")


def test_what_keeps_postlogd_from_starting_is_in_the_log_file(options):
    with serving(options) as mail:
        mail.start()
        Client(mail).quit()
        mail.wait_log("disconnect from")
        with (mail.etc / "main.cf").open("a") as main_cf:
            main_cf.write("just words\n")
        (pid,) = mail.pids("postlogd")
        os.kill(pid, signal.SIGKILL)
        reason = re.compile(r"^\w+ +\d+ [\d:]+ mail postfix/postlogd\[\d+\]: fatal: \S+/etc/main.cf, line \d+: missing '='", re.M)

        def served():
            Client(mail).quit()
            time.sleep(0.1)
            return reason.search(mail.log_so_far())
        mta.wait(served)
        # master stores what postlogd cannot.
        lines = mail.log_so_far().count("disconnect from")
        Client(mail).quit()
        mta.wait(lambda: mail.log_so_far().count("disconnect from") > lines)


def write_ends(pid):
    """The descriptors by which postlogd could write into the pipe that it reads."""
    number = dict(entry.partition(b"=")[::2] for entry in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))[b"POSTRIDER_LOG_READ"]
    pipe = os.readlink(f"/proc/{pid}/fd/{int(number)}")
    return [fd for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) != int(number) and os.readlink(f"/proc/{pid}/fd/{fd}") == pipe]


def test_postlogd_stays_for_those_who_complete_what_they_have(options):
    """master has left (`postfix drain`): the last line of the last process is written, and then nobody is there any more."""
    with serving(options) as mail:
        mail.start()
        client = Client(mail)
        mail.wait_log(": connect from")
        assert not write_ends(mail.pids("postlogd")[0]), "postlogd would wait for itself"
        os.kill(mail.master_pid(), signal.SIGUSR1)
        mta.wait(lambda: not mail.pids("master"))
        client.quit()
        mta.wait(lambda: not mail.processes())
        assert mail.log_so_far().count("disconnect from") == 1


def test_the_pipe_has_a_reader_when_postlogd_is_no_service_any_more(options):
    with serving(options) as mail:
        mail.start()
        client = Client(mail)
        mail.wait_log(": connect from")
        del mail.services["postlog"]
        mail.write_configuration()
        mail.reload()
        mta.wait(lambda: not mail.pids("postlogd"))
        client.quit()
        mail.wait_log("disconnect from")
        Client(mail).quit()
        mta.wait(lambda: mail.log_so_far().count("disconnect from") == 2)
        mail.services["postlog"] = mta.SERVICES["postlog"]
        mail.write_configuration()
        mail.reload()
        Client(mail).quit()
        mta.wait(lambda: mail.log_so_far().count("disconnect from") == 3)
        assert len(mail.pids("postlogd")) == 1


def test_a_flood_of_lines_keeps_nobody_waiting(options):
    """master's word, a datagram and a rotated file are heeded while the pipe is never empty."""
    with serving(options) as mail:
        mail.start()
        pipe = PipeEnd(mail)
        mail.wait_log(": connect from")
        flood = Flood(pipe)
        try:
            Sender(mail).send("a datagram")
            mail.wait_log("^a datagram$", limit=5)
            first = mail.pids("postlogd")
            mail.reload()
            mta.wait(lambda: mail.pids("postlogd") and mail.pids("postlogd") != first, limit=10)
        finally:
            flood.stop()
        mta.wait(lambda: len(flooded(mail.log_file)) >= flood.count())
        assert collections.Counter(flooded(mail.log_file)) == collections.Counter(flood.lines())


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
