#!/usr/bin/env python3
"""cleanup and pickup as running daemons, with nobody before or behind them but this test and bounce."""
import os
import pathlib
import socket
import struct
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "conformance" / "cleanup")]
import cases  # noqa: E402
import mta  # noqa: E402
import sides  # noqa: E402
from messages import BASE, message  # noqa: E402
from submissions import submission  # noqa: E402


def ours(options, parameters=None, **more):
    if not mta.is_root():
        raise cases.Skipped("needs root, to own files as others")
    return sides.Ours(options.build, {**BASE, **(parameters or {})}, **more)


def drop(side, data, owner=1000, name=None):
    path = side.system.queue / "maildrop" / (name or f"D{os.urandom(6).hex().upper()}")
    path.write_bytes(data)
    os.chown(path, owner, side.group)
    os.chmod(path, 0o744)
    return path


def messages_in(side, *folders):
    return {os.path.basename(path): sides.parse((side.system.queue / path).read_bytes())
            for path, status in side.system.files(*folders or ("incoming", "hold")).items() if status.st_mode & 0o100}


def returned(records):
    """The address that a notice goes to."""
    assert ("S", b"") in records
    return [data.decode() for kind, data in records if kind == "R"]


def returns(options, parameters, data, code, text):
    with ours(options, parameters, with_pickup=True, with_bounce=True) as side:
        path = drop(side, data)
        side.trigger("pickup")
        mta.wait(lambda: not path.exists(), what="pickup to be done with the file")
        found = mta.wait(lambda: messages_in(side), what="the notice")
        assert len(found) == 1, found
        [(notice, records)] = found.items()
        assert returned(records) == ["s@fmt.test"], records
        body = b"\n".join(value for kind, value in records if kind == "N")
        assert text.encode() in body and code.encode() in body, body
        side.system.wait_log(rf"cleanup\[\d+\]: (\w+): to=<r@fmt.test>, orig_to=<r>, relay=none, .*dsn={code}, status=bounced \({text}\)")
        assert not side.system.files("maildrop", "bounce", "corrupt")
        assert set(side.system.queued("incoming")) == {notice}


def test_mail_that_is_too_large_is_returned_to_its_sender(options):
    returns(options, {"message_size_limit": "20000", "bounce_size_limit": "1000"}, submission(body=["Subject: x", ""] + ["x" * 1000] * 40), "5.3.4", "message file too big")


def test_mail_that_loops_is_returned_to_its_sender(options):
    returns(options, {"hopcount_limit": "5"}, submission(body=["Received: a"] * 4 + ["", "x"]), "5.4.0", "too many hops")


def test_mail_with_forbidden_characters_is_returned_to_its_sender(options):
    returns(options, {"message_reject_characters": "^"}, submission(body=["Subject: x", "", "a^b"]), "5.7.1", "disallowed character")


def test_mail_that_cannot_be_returned_stays_in_maildrop(options):
    with ours(options, {"hopcount_limit": "5"}, with_pickup=True) as side:
        path = drop(side, submission(body=["Received: a"] * 4 + ["", "x"]))
        side.trigger("pickup")
        side.system.wait_log("cannot return the message to its sender")
        side.system.wait_log("error writing")
        assert path.exists()
        mta.wait(lambda: not side.system.files("incoming", "bounce"), what="nothing to be left in the queue")


def test_soft_bounce_leaves_it_in_maildrop(options):
    with ours(options, {"hopcount_limit": "5", "soft_bounce": "yes"}, with_pickup=True, with_bounce=True) as side:
        path = drop(side, submission(body=["Received: a"] * 4 + ["", "x"]))
        side.trigger("pickup")
        side.system.wait_log("error writing")
        assert path.exists() and not side.system.files("incoming", "bounce", "defer")


def test_hundreds_of_submissions_are_each_taken_once(options):
    with ours(options, {}, with_pickup=True) as side:
        names = [drop(side, submission(body=[f"Message-Id: <{i}@x>", "", "x"])) for i in range(400)]
        start = time.monotonic()
        side.trigger("pickup")
        mta.wait(lambda: not side.system.files("maildrop"), what="an empty maildrop")
        took = time.monotonic() - start
        found = messages_in(side)
        ids = sorted(data for records in found.values() for kind, data in records if data.startswith(b"Message-Id:"))
        assert len(found) == len(names) and len(set(ids)) == len(names)
        print(f"     {len(names) / took:.0f} submissions a second")


def test_pickup_waits_for_cleanup_to_come_back(options):
    with ours(options, {}, with_pickup=True) as side:
        side.kill("cleanup")
        path = drop(side, submission())
        side.trigger("pickup")
        side.system.wait_log("public/cleanup")
        assert path.exists()
        side.start("cleanup", "-z")
        side.trigger("pickup")
        mta.wait(lambda: not path.exists(), what="the file to be picked up")
        assert len(messages_in(side)) == 1


def test_one_file_that_cannot_be_read_does_not_stop_the_others(options):
    with ours(options, {}, with_pickup=True) as side:
        bad = [drop(side, submission(), name=f"A{i}") for i in range(3)]
        for path in bad:
            os.chmod(path, 0o700)
        os.link(drop(side, submission(), name="LINK1"), side.system.queue / "maildrop" / "LINK2")
        good = [drop(side, submission()) for _ in range(20)]
        side.trigger("pickup")
        mta.wait(lambda: not any(path.exists() for path in good), what="the good files to be picked up")
        assert all(path.exists() for path in bad)
        assert len(messages_in(side)) == 20


def test_a_client_that_goes_away_leaves_nothing(options):
    with ours(options) as side:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(side.system.queue / "public" / "cleanup"))
            client.sendall(side.frame(1, struct.pack("<i", sides.SMTPD)))
            queue_id = side.text(side.receive(client.makefile("rb"), 2))[0]
            assert queue_id in side.system.queued("incoming")
        side.system.wait_log(rf"{queue_id}: removed \(canceled\)")
        side.system.wait_empty("incoming")


def test_many_clients_are_served_at_once_and_a_slow_one_holds_up_nobody(options):
    with ours(options) as side:
        with socket.socket(socket.AF_UNIX) as slow:
            slow.connect(str(side.system.queue / "public" / "cleanup"))
            slow.sendall(side.frame(1, struct.pack("<i", sides.SMTPD)))
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(side.feed(message(), sides.SMTPD))) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [answer.status for answer in answers] == [0] * 20
            assert len({answer.queue_id for answer in answers}) == 20


def test_frames_of_any_size_make_the_same_file(options):
    with ours(options) as side:
        data = message(head=["To: a, b"], body=["x" * 500] * 50, ext=[("R", "late")])
        whole = side.feed(data, sides.SMTPD)
        for largest in (1, 100, 5000):
            assert side.feed(data, sides.SMTPD, largest).records == whole.records, largest


def test_garbage_on_the_socket_ends_one_connection_only(options):
    with ours(options) as side:
        for junk in (b"x" * 100, b"\x01\x01\x01\x00\xff\xff\xff\x7f", side.frame(3, b"\0\0\0\0"), side.frame(1, b""), side.frame(1, b"\0" * 9), b"\x01\x02"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(side.system.queue / "public" / "cleanup"))
                client.sendall(junk)
                client.shutdown(socket.SHUT_WR)
                client.settimeout(10)
                while client.recv(1000):
                    pass
        assert side.feed(message(), sides.SMTPD).status == 0
        assert len(side.system.files("incoming")) == 1


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
