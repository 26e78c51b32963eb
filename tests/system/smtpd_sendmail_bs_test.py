#!/usr/bin/env python3
"""sendmail -bs: a mail client that speaks SMTP to a command; also while the mail system is down."""
import pathlib
import re
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import smtp_peers  # noqa: E402

BOXES = {"virtual_mailbox_maps": "inline:{bob@example.test=bob/}"}


def spoken(mail, text):
    """What sendmail -bs replies to all this."""
    result = mail.run("sendmail", "-bs", stdin=text.replace("\n", "\r\n"))
    assert result.status == 0, result
    return result.text.replace("\r\n", "\n").splitlines()


def test_a_message_goes_the_whole_way(options):
    with mta.Postrider(options.build, BOXES) as mail:
        mail.start()
        replies = spoken(mail, "EHLO client.example\nMAIL FROM:<ann@client.example>\nRCPT TO:<bob@example.test>\nDATA\nSubject: by a pipe\n\ntext\n.\nQUIT\n")
        assert replies[0] == "220 mail.example.test ESMTP Postfix" and replies[-1] == "221 2.0.0 Bye", replies
        assert any(re.fullmatch(r"250 2\.0\.0 Ok: queued as \w+", reply) for reply in replies), replies
        mail.wait_empty()
        (message,) = mail.maildir("bob")
        assert re.search(rb"^Received: from client\.example \(localhost \[127\.0\.0\.1\]\)\n\tby mail\.example\.test \(Postfix\) with ESMTP id \w+$", message, re.M), message
        assert re.search(rb"^Received: by mail\.example\.test \(Postfix, from userid \d+\)$", message, re.M), message
        mail.stop()


def test_a_message_is_taken_while_the_mail_system_is_down(options):
    with mta.Postrider(options.build, BOXES) as mail:
        replies = spoken(mail, "HELO client.example\nMAIL FROM:<ann@client.example>\nRCPT TO:<bob@example.test>\nDATA\nSubject: early\n\n.\nQUIT\n")
        assert any(reply.startswith("250 2.0.0 Ok: queued as") for reply in replies), replies
        assert list(mail.queued().values()) == ["maildrop"]
        mail.start()
        mail.wait_empty()
        assert len(mail.maildir("bob")) == 1
        mail.stop()


def test_policies_do_not_hold_for_it(options):
    with mta.Postrider(options.build, BOXES | {"smtpd_recipient_restrictions": "reject", "smtpd_relay_restrictions": "reject"}) as mail:
        mail.start()
        replies = spoken(mail, "EHLO client.example\nMAIL FROM:<ann@client.example>\nRCPT TO:<bob@example.test>\nRCPT TO:<x@elsewhere.example>\nQUIT\n")
        assert replies[-4:] == ["250 2.1.0 Ok", "250 2.1.5 Ok", "250 2.1.5 Ok", "221 2.0.0 Bye"], replies
        mail.stop()


def test_what_is_not_finished_is_not_taken(options):
    with mta.Postrider(options.build, BOXES) as mail:
        text = "EHLO client.example\nMAIL FROM:<ann@client.example>\nRCPT TO:<bob@example.test>\nDATA\nSubject: half\n\nhalf a mess"
        mail.run("sendmail", "-bs", stdin=text.replace("\n", "\r\n"))
        assert mail.queued() == {}, mail.queued()


def test_what_postdrop_refuses_is_refused(options):
    with mta.Postrider(options.build, BOXES | {"local_login_sender_maps": "static:somebody@example.test"}) as mail:
        text = "EHLO client.example\nMAIL FROM:<ann@client.example>\nRCPT TO:<bob@example.test>\nDATA\nSubject: x\n\n" + "x" * 70 + "\n"
        for size in (1, 20000):  # more than pipes hold: postdrop is gone before the end
            replies = spoken(mail, text + ("y" * 70 + "\n") * size + ".\nQUIT\n")
            assert replies[-2:] == ["550 5.7.1 Error: service denied", "221 2.0.0 Bye"], replies
        assert mail.queued() == {}, mail.queued()


def test_a_caller_that_ignores_its_children_is_told_what_is_so(options):
    with mta.Postrider(options.build, BOXES) as mail:
        mail.start()
        text = "EHLO client.example\nMAIL FROM:<ann@client.example>\nRCPT TO:<bob@example.test>\nDATA\nSubject: x\n\nx\n.\nQUIT\n"
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            said = mail.run("sendmail", "-bs", stdin=text.replace("\n", "\r\n")).text
        finally:
            signal.signal(signal.SIGCHLD, before)
        assert "250 2.0.0 Ok: queued as" in said, said
        mail.stop()


def test_python_and_swaks_speak_to_it_by_a_pipe(options):
    swaks = smtp_peers.need("swaks")
    with mta.Postrider(options.build, BOXES) as mail:
        mail.start()
        command = " ".join(mail.arguments("sendmail", ["-bs"]))
        done = subprocess.run([swaks, "--pipe", command, "--ehlo", "client.example", "--from", "ann@client.example", "--to", "bob@example.test", "--header", "Subject: by swaks"],
                              capture_output=True, text=True, check=False, timeout=60, cwd="/", stdin=subprocess.DEVNULL, env=mail.command_environment(), **mail.account.passing)
        assert done.returncode == 0, (done.stdout, done.stderr)
        mail.wait_empty()
        (message,) = mail.maildir("bob")
        assert b"Subject: by swaks" in message
        mail.stop()


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
