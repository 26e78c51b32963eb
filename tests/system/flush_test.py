#!/usr/bin/env python3
"""flush(8) by way of postqueue, and of its own messages: lists of waiting mail, and what becomes of the mail when someone asks for it. The
queue manager is played by the test, which notes the letters that come."""
import os
import pathlib
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases
import mta
from queuefile import QueueFiles

SERVICES = {"flush": "unix n - n 0 0 flush", "postlog": mta.SERVICES["postlog"]}
ADD, SEND_SITE, SEND_FILE, REFRESH, PURGE = range(5)
OK, FAILED, BAD, NOT_CONFIGURED = 0, -1, 3, 4


class Player:
    """Takes triggers at a public socket."""

    def __init__(self, mail, name="qmgr"):
        self.letters, self.path = [], mail.queue / "public" / name
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self.socket.listen(50)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                link, _ = self.socket.accept()
            except OSError:
                return
            with link:
                self.letters.append(link.recv(1024).rstrip(b"\0").decode())

    def wait(self, *letters):
        mta.wait(lambda: self.letters[-len(letters):] == list(letters), what=f"{letters} among {self.letters}")
        self.letters.clear()


def ask(mail, action, site="", queue_id=""):
    """One request in the form of our programs."""
    def text(value):
        value = value if isinstance(value, bytes) else value.encode()
        return struct.pack("=I", len(value)) + value
    payload = bytes([action]) + text(site) + text(queue_id)
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(mta.LIMIT)
        link.connect(str(mail.queue / "public" / "flush"))
        link.sendall(struct.pack("=BBHI", 1, 1, 40, len(payload)) + payload)
        reply = link.recv(100)
    if not reply:
        return None
    assert struct.unpack("=BBHI", reply[:8]) == (1, 1, 41, 4), reply
    return struct.unpack("=i", reply[8:])[0]


def system(options, **parameters):
    return mta.Postrider(options.build, {"relay_domains": "example.com, [192.0.2.1]", **parameters}, services=SERVICES)


def files_of(mail):
    return QueueFiles(mail.queue, (mail.owner.uid, mail.owner.gid))


def log_of(mail, name):
    path = mail.queue / "flush" / name
    return path.read_text().split() if path.exists() else None


def make_late(mail, path):
    """As qmgr leaves a deferred message: its time has not come."""
    os.utime(mail.queue / path, (time.time() + 3600,) * 2)


def test_a_site_is_flushed(options):
    with system(options) as mail:
        mail.start()
        qmgr, files = Player(mail), files_of(mail)
        ids = [files.message() for _ in range(3)]
        other = files.message()
        for each in (*ids, ids[0]):
            make_late(mail, f"deferred/{each[0]}/{each}")
            assert ask(mail, ADD, "example.com", each) == OK
        assert log_of(mail, "example_com") == [*ids, ids[0]]
        assert os.stat(mail.queue / "flush/example_com").st_mode & 0o777 == 0o600
        mail.check("postqueue", "-s", "example.com")
        qmgr.wait("F", "I")
        assert mail.queued("incoming") == {each: "incoming" for each in ids}
        assert mail.queued("deferred") == {other: "deferred"}
        assert all(status.st_mtime <= time.time() for status in mail.files("incoming").values())
        assert log_of(mail, "example_com") == []


def test_sites_that_are_not_configured(options):
    with system(options) as mail:
        mail.start()
        assert ask(mail, ADD, "other.example", "ABC") == NOT_CONFIGURED
        assert ask(mail, SEND_SITE, "other.example") == NOT_CONFIGURED
        assert mail.files("flush") == {}
        refused = mail.run("postqueue", "-s", "other.example")
        assert (refused.status, refused.error) == (
            69, 'postqueue: fatal: Flush service is not configured for destination "other.example"\n')


def test_subdomains_and_literals_and_upper_case(options):
    with system(options, parent_domain_matches_subdomains="fast_flush_domains") as mail:
        mail.start()
        Player(mail)
        assert ask(mail, ADD, "Sub.EXAMPLE.com", "ABC") == OK
        assert log_of(mail, "sub_example_com") == ["ABC"]
        assert ask(mail, ADD, "[192.0.2.1]", "DEF") == OK
        assert log_of(mail, "_192_0_2_1_") == ["DEF"]
        mail.check("postqueue", "-s", "[192.0.2.1]")


def test_bad_requests(options):
    with system(options) as mail:
        mail.start()
        for site, queue_id in (("example.com", ""), ("example.com", "../../etc"), ("example.com", "A" * 300)):
            assert ask(mail, ADD, site, queue_id) == BAD
        assert ask(mail, SEND_FILE, "", "a/b") == BAD
        assert ask(mail, 99) == BAD
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(mail.queue / "public" / "flush"))
            link.sendall(struct.pack("=BBHI", 1, 1, 40, 3) + b"\0\0\0")
            assert link.recv(10) == b""
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(mail.queue / "public" / "flush"))
            link.sendall(struct.pack("=BBHI", 1, 1, 40, 0xFFFFFFF0))
            assert link.recv(10) == b""
        assert ask(mail, ADD, "example.com", "ABC") == OK


def test_one_message_is_flushed(options):
    with system(options) as mail:
        mail.start()
        qmgr, files = Player(mail), files_of(mail)
        one, other = files.message(), files.message()
        make_late(mail, f"deferred/{one[0]}/{one}")
        mail.check("postqueue", "-i", one)
        qmgr.wait("I")
        assert mail.queued() == {one: "incoming", other: "deferred"}
        status = mail.files("incoming")[f"incoming/{one}"]
        assert status.st_mode & 0o777 == 0o740, "group read: forget that the destination is dead"
        assert status.st_mtime <= time.time()
        mail.check("postqueue", "-i", one)  # it is on its way already


def test_what_waits_long_is_refreshed_and_what_is_empty_long_is_purged(options):
    with system(options, fast_flush_refresh_time="1h", fast_flush_purge_time="2h") as mail:
        mail.start()
        qmgr, files = Player(mail), files_of(mail)
        one, two = files.message(), files.message()
        assert ask(mail, ADD, "example.com", one) == OK
        assert ask(mail, ADD, "[192.0.2.1]", two) == OK
        for name, age in (("example_com", 3700), ("empty", 3700), ("forgotten", 7300)):
            path = mail.own(mail.queue / "flush" / name) if (mail.queue / "flush" / name).exists() else mail.queue / "flush" / name
            path.touch()
            mail.own(path)
            os.utime(path, (time.time() - age,) * 2)
        with socket.socket(socket.AF_UNIX) as link:  # what master's timer sends
            link.connect(str(mail.queue / "public" / "flush"))
            link.sendall(b"W\0")
        qmgr.wait("I")
        assert mail.queued() == {one: "incoming", two: "deferred"}
        mta.wait(lambda: not (mail.queue / "flush/forgotten").exists())
        assert (mail.queue / "flush/empty").exists()
        assert ask(mail, PURGE) == OK
        qmgr.wait("I")
        assert mail.queued() == {one: "incoming", two: "incoming"}


def test_many_messages_and_a_log_full_of_rubbish(options):
    with system(options) as mail:
        mail.start()
        qmgr, files = Player(mail), files_of(mail)
        ids = [files.message() for _ in range(500)]
        lines = [each for each in ids for _ in range(20)] + ["../etc/passwd", "", "x" * 5000, "NOSUCHID", "\0\1"]
        path = mail.queue / "flush" / "example_com"
        path.write_text("\n".join(lines) + "\nunfinished")
        mail.own(path, mode=0o600)
        mail.check("postqueue", "-s", "example.com")
        qmgr.wait("F", "I")
        assert sorted(mail.queued("incoming")) == sorted(ids)


def test_without_a_queue_manager_nothing_is_lost(options):
    with system(options) as mail:
        mail.start()
        one = files_of(mail).message()
        assert ask(mail, ADD, "example.com", one) == OK
        mail.check("postqueue", "-s", "example.com")
        assert mail.queued() == {one: "incoming"}
        mail.wait_log("warning: connect to public/qmgr: No such file or directory")


def test_flush_queue_tells_qmgr_and_pickup(options):
    with mta.Postrider(options.build, services=()) as mail:
        down = mail.run("postqueue", "-f")
        assert (down.status, down.error) == (69, "postqueue: warning: unable to look up public/qmgr: No such file or directory\n"
                                                 "postqueue: fatal: Cannot flush mail queue - mail system is down\n")
        qmgr, pickup = Player(mail), Player(mail, "pickup")
        done = mail.run("postqueue", "-f")
        assert (done.status, done.text, done.error) == (0, "", "")
        qmgr.wait("FADI")
        pickup.wait("W")


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
