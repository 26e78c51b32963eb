#!/usr/bin/env python3
"""The postmaster gets the transcripts of sessions in which something of the classes in notify_classes went wrong."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import smtp_peers  # noqa: E402

BOXES = {"virtual_mailbox_maps": "inline:{bob@example.test=bob/, watcher@example.test=watcher/}", "error_notice_recipient": "watcher@example.test"}


def system(options, **parameters):
    return smtp_peers.Server(options.build, {"smtp": "", "lost": "-o cleanup_service_name=nobody"}, BOXES | parameters)


def notices(mail, count):
    mta.wait(lambda: len(mail.maildir("watcher")) >= count, what=f"{count} notices")
    mail.wait_idle()
    found = [text.decode() for text in mail.maildir("watcher")]
    assert len(found) == count, found
    return found


def test_a_transcript_reaches_the_postmaster(options):
    with system(options, notify_classes="policy, protocol") as mail:
        mail.start()
        with mail.connect() as talk:
            talk.begin(b"bob@elsewhere.example")
            talk.ask(b"QUIT\r\n")
        text, = notices(mail, 1)
        assert "\nReturn-Path: <double-bounce@mail.example.test>\n" in "\n" + text, text
        assert "\nTo: Postmaster <watcher@example.test>\nSubject: Postfix SMTP server: errors from unknown[127.0.0.1]\n" in text, text
        assert "\n\nTranscript of session follows.\n\n Out: 220 " in text, text
        assert "\n In:  RCPT TO:<bob@elsewhere.example>\n Out: 454 4.7.1 <bob@elsewhere.example>: Relay access denied\n In:  QUIT\n" in text, text
        assert text.rstrip("\n").endswith("For other details, see the local mail logfile"), text


def test_a_transcript_of_mail_that_bounces_goes_where_bounces_go(options):
    with system(options, notify_classes="protocol", bounce_notice_recipient="watcher@example.test", error_notice_recipient="bob@example.test") as mail:
        mail.start()
        for commands in ((b"FOO\r\n",), (b"FOO\r\n", b"RCPT TO:<nobody@example.test>\r\n")):
            with mail.connect() as talk:
                talk.ask(b"MAIL FROM:<a@example.test>\r\n")
                for command in commands:
                    talk.ask(command)
                talk.ask(b"QUIT\r\n")
        text, = notices(mail, 1)
        assert "RCPT TO:<nobody@example.test>" in text and "\nTo: Postmaster <bob@example.test>\n" in text, text
        mta.wait(lambda: len(mail.maildir("bob")) == 1, what="the other notice")


def test_the_form_of_from_headers_is_as_header_from_format_says(options):
    with system(options, notify_classes="policy", header_from_format="obsolete", virtual_mailbox_domains="example.test") as mail:
        mail.start()
        mail.sendmail("nobody@example.test", sender="bob@example.test")
        with mail.connect() as talk:
            talk.begin(b"bob@elsewhere.example")
            talk.ask(b"QUIT\r\n")
        mta.wait(lambda: len(mail.maildir("bob")) == 1, what="the bounce")
        for text in (*notices(mail, 1), mail.maildir("bob")[0].decode()):
            assert "\nFrom: MAILER-DAEMON@mail.example.test (Mail Delivery System)\n" in text, text


def test_by_default_what_clients_do_wrong_is_no_concern_of_the_postmaster(options):
    with system(options) as mail:
        mail.start()
        with mail.connect() as talk:
            talk.ask(b"FOO\r\n")
            talk.begin(b"bob@elsewhere.example")
            talk.ask(b"QUIT\r\n")
        mail.wait_log("disconnect from")
        with mail.connect() as talk:
            talk.begin(b"bob@example.test")
            talk.ask(b"DATA\r\n")
            talk.ask(b"Subject: x\r\n\r\nx\r\n.\r\n")
        mta.wait(lambda: mail.maildir("bob"), what="the mail")
        mail.wait_idle()
        assert not mail.maildir("watcher")


def test_a_notice_that_cannot_be_posted_is_a_warning_and_no_more(options):
    with system(options) as mail:
        mail.start()
        with mail.connect("lost") as talk:
            assert talk.begin(b"bob@example.test").startswith(b"451 4.3.0 "), "there is no cleanup"
            talk.ask(b"QUIT\r\n")
        mail.wait_log("warning: postmaster notify: ")
        mail.wait_log("disconnect from")
        with mail.connect() as talk:
            assert talk.begin(b"bob@example.test") == b"250 2.1.5 Ok\r\n"
        assert "fatal" not in mail.log() and "panic" not in mail.log(), mail.log_tail()


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
