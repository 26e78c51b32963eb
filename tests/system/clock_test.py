#!/usr/bin/env python3
"""The time of day jumps while the system runs (tests/fault/clock.c): mail goes on, nothing is returned or warned of for a jump that is taken
back, and nothing waits for a time that only the wrong clock knew."""
import os
import pathlib
import shutil
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

HOUR, DAY = 3600, 86400
WAITS = {"default_transport": "retry:4.0.0 not now", "minimal_backoff_time": "2s", "maximal_backoff_time": "2s", "queue_run_delay": "1s",
         "retry_jitter": "0", "delay_warning_time": "1h", "transport_retry_time": "1s"}


def system(options, folder, parameters=None):
    """A system (not started) with `jump(seconds)`: the time of day is so far from the true one, at once and in all programs."""
    os.chmod(folder, 0o755)
    shutil.copy(options.build / "tests/fault_clock.so", folder / "clock.so")
    clock = folder / "clock"

    def jump(seconds):
        with open(clock, "r+b") as out:
            out.write(struct.pack("=q", seconds))
    clock.write_bytes(bytes(8))
    environment = {"LD_PRELOAD": folder / "clock.so", "CLOCK": clock}
    services = {**mta.SERVICES, "pickup": "unix n - n 1 1 pickup", "qmgr": "unix n - n 1 1 qmgr"}
    mail = mta.Postrider(options.build, {"virtual_mailbox_maps": "inline:{ann@example.test=ann/}", **(parameters or {})},
                         environment=environment, services=services)
    mail.jump = jump
    return mail


def arrived(mail):
    return len(mail.maildir("ann"))


def test_new_mail_arrives_whatever_the_clock_says(options, folder):
    with system(options, folder) as mail:
        mail.start()
        for number, seconds in enumerate((0, HOUR, 0, -HOUR, 400 * DAY, -400 * DAY, 0), 1):
            mail.jump(seconds)
            assert mail.sendmail("ann@example.test").status == 0
            mta.wait(lambda n=number: arrived(mail) == n, what=f"mail after a jump to {seconds}\n{mail.log_tail()}")
        assert "delay=-" not in mail.log() and "/-" not in mail.log().replace("//", "")


def test_deferred_mail_survives_a_jump_that_is_taken_back(options, folder):
    with system(options, folder, {**WAITS, "minimal_backoff_time": "20s", "maximal_backoff_time": "20s"}) as mail:
        mail.start()
        assert mail.sendmail("x@elsewhere.test", sender="ann@example.test").status == 0
        mail.wait_log("status=deferred")
        mail.log_mark()
        mail.jump(6 * DAY)
        mail.wait_log("status=deferred")
        mta.wait(lambda: list(mail.queued().values()) == ["deferred"], what="the message in deferred again")
        mail.log_mark()
        mail.jump(0)
        mail.wait_log("the clock was set back by 518... seconds")
        mail.wait_log("status=deferred")
        assert arrived(mail) == 0, mail.maildir("ann")


def test_a_jump_before_the_first_message_ends_is_one(options, folder):
    with system(options, folder, {**WAITS, "minimal_backoff_time": "600s", "maximal_backoff_time": "600s"}) as mail:
        mail.start()
        assert mail.sendmail("x@elsewhere.test", sender="ann@example.test").status == 0
        mail.wait_log("status=deferred")
        mail.stop()
        mail.start()
        mail.check("postqueue", "-p")
        mta.wait(lambda: mail.pids("qmgr"))
        mail.wait_idle()
        mail.log_mark()
        mail.jump(6 * DAY)
        mail.wait_log("status=deferred")
        mail.wait_log("the clock has jumped ahead")
        assert "status=expired" not in mail.new_log()
        assert arrived(mail) == 0


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
