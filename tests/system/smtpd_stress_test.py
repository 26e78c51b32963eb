#!/usr/bin/env python3
"""The SMTP server under stress: when all places for clients are taken, `stress` is set for clients that are there and that come. It lasts
a thousand seconds, so the way back is a unit test's (tests/unit/smtpd/stress_test.cpp)."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import smtp_peers  # noqa: E402

BOXES = {"virtual_mailbox_maps": "inline:{bob@example.test=bob/}"}


class Narrow(smtp_peers.Server):
    """Two processes with room for one client each."""

    def __init__(self, options, **parameters):
        self.port = mta.free_port()
        super().__init__(options.build, {}, BOXES | {"smtpd_client_limit": "1", "smtpd_error_sleep_time": "0"} | parameters,
                         inet=[f"127.0.0.1:{self.port} inet n - n - 2 smtpd"])
        self.ports["smtp"] = self.port


def ends_after_one_error(talk):
    reply = talk.ask(b"FROB\r\n")
    if not reply.startswith(b"500 5.5.2 "):
        return False
    last = talk.ask(b"NOOP\r\n")
    assert last.startswith((b"250 ", b"421 4.7.0 ")), last
    return last.startswith(b"421 ")


def test_limits_of_stress_hold_for_who_is_there_and_for_who_comes(options):
    with Narrow(options, smtpd_hard_error_limit="${stress?{1}:{20}}") as mail:
        mail.start()
        with mail.connect() as first:
            assert not ends_after_one_error(first)
            # The last process that may run is started for the second client.
            with mail.connect() as second:
                assert ends_after_one_error(second)
            # Of the first one's process only a byte tells.
            mta.wait(lambda: first.ask(b"FROB\r\n").startswith(b"421 4.7.0 "), what="the end of a session with too many errors")
        with mail.connect() as third:
            assert ends_after_one_error(third), "it lasts"
        mail.stop()


def test_restrictions_of_stress_hold(options):
    with Narrow(options, smtpd_recipient_restrictions="${stress?{check_recipient_access static:{DEFER times are hard}}:{}} permit") as mail:
        mail.start()
        with mail.connect() as first:
            assert first.begin(b"bob@example.test") == b"250 2.1.5 Ok\r\n"
            with mail.connect() as second:
                assert b"times are hard" in second.begin(b"bob@example.test")
            first.asks(b"RSET", b"MAIL FROM:<>")
            mta.wait(lambda: b"times are hard" in first.ask(b"RCPT TO:<bob@example.test>\r\n"), what="restrictions of stress")
        mail.stop()


def test_master_tells_of_it_once(options):
    with Narrow(options) as mail:
        mail.start()
        with mail.connect(), mail.connect():
            mail.wait_log(r'warning: service "[^"]+" \(\S+\) has reached its process limit "2"')
        with mail.connect(), mail.connect():
            pass
        mail.stop()
        assert len(re.findall("has reached its process limit", mail.log())) == 1, mail.log_tail()


def test_what_is_wrong_with_a_table_is_told_once(options):
    with Narrow(options, smtpd_command_filter="regexp:$config_directory/strange", smtpd_reject_filter_maps="regexp:$config_directory/strange",
                smtpd_hard_error_limit="${stress?{1}:{20}}",
                smtpd_sender_restrictions="check_sender_access regexp:$config_directory/strange") as mail:
        path = mail.etc / "strange"
        path.write_text("/^FROB$/\n")
        mail.own(path, mail.owner)
        mail.start()
        with mail.connect() as first, mail.connect() as second:
            for talk in (first, second):
                talk.ask(b"NOOP\r\n")
        mail.stop()
        told = re.findall(r"smtpd\[(\d+)\]: warning: regexp map \S+strange, line 1: no replacement text", mail.log())
        assert len(told) == len(set(told)) == 2, mail.log_tail()


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
