#!/usr/bin/env python3
"""Who says half of something to a socket of the mail system, and then nothing, is not listened to for ever: the connection is closed when
ipc_timeout is over (qmgr_ipc_timeout with qmgr; 10 s at most where letters are expected)."""
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

SECONDS = 2
# Whoever speaks in frames; a frame is a mark, a version, a kind, a length, a message.
TALKERS = ("public/qmgr", "public/cleanup", "public/flush", "private/anvil", "private/bounce", "private/defer", "private/trace", "private/tlsmgr",
           "private/virtual", "private/local", "private/error", "private/discard")
HALVES = (b"\1", b"\1\1\x32\0", b"\1\1\x32\0\xff\0\0\0abc")
LETTERS = ("public/qmgr", "public/pickup", "public/flush")


def connected(mail, path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(mta.LIMIT)
    peer.connect(str(mail.queue / path))
    return peer


def test_half_a_request_is_given_up(options):
    limits = {"ipc_timeout": f"{SECONDS}s", "qmgr_ipc_timeout": f"{SECONDS}s"}
    with mta.Postrider(options.build, limits) as mail:
        mail.start()
        begun = time.monotonic()
        waiting = [(path, half, connected(mail, path)) for path in TALKERS for half in HALVES]
        waiting += [(path, b"", connected(mail, path)) for path in LETTERS] + [(path, b"X", connected(mail, path)) for path in LETTERS]
        for _, half, peer in waiting:
            peer.sendall(half)
        for path, half, peer in waiting:
            try:
                assert peer.recv(1) == b"", (path, half)
            except ConnectionResetError:
                pass
            except TimeoutError as late:
                raise AssertionError(f"{path} still waits for the rest of {half}") from late
        assert SECONDS - 0.5 < time.monotonic() - begun < mta.LIMIT
        # It is as alive as before.
        assert mail.sendmail("nobody@example.test").status == 0
        mail.wait_empty()
        mail.stop()


def test_who_has_asked_may_be_silent_for_as_long_as_he_likes(options):
    """anvil counts for as long as a server's connection stands."""
    with mta.Postrider(options.build, {"ipc_timeout": "1s"}) as mail:
        mail.start()
        peer = connected(mail, "private/anvil")
        peer.settimeout(3)
        try:
            assert peer.recv(1) != b"", "closed"
        except TimeoutError:
            pass
        mail.stop()


def test_who_has_asked_nothing_makes_way(options):
    """More silent connections than there are places: they hold up mail for a moment, and not a reload."""
    services = {**mta.SERVICES, "virtual": "unix - n n - 2 virtual"}
    with mta.Postrider(options.build, {"ipc_timeout": f"{SECONDS}s", "virtual_mailbox_maps": "inline:{ann@example.test=ann/}"},
                       services=services) as mail:
        mail.start()
        assert mail.sendmail("ann@example.test").status == 0
        mail.wait_empty()
        silent = [connected(mail, "private/virtual") for _ in range(20)]
        assert mail.sendmail("ann@example.test").status == 0
        mail.wait_empty()
        assert len(mail.maildir("ann")) == 2
        mail.stop(limit=3 * SECONDS)
        assert len(silent) == 20


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
