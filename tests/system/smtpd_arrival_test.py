#!/usr/bin/env python3
"""Mail arrives by SMTP and lies in a Maildir: the whole way, as an ordinary user and in the classic way as root."""
import pathlib
import re
import smtplib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import smtp_peers  # noqa: E402

BOXES = {"virtual_mailbox_maps": "inline:{bob@example.test=bob/, carl@example.test=carl/}"}


def deliver(mail):
    with mail.smtp() as client:
        assert client.sendmail("ann@client.example", ["bob@example.test", "carl@example.test"], "Subject: hello\r\n\r\n.dots\r\ngr\xfc\xdfe\r\n".encode(), ["BODY=8BITMIME"]) == {}
    mail.wait_empty()
    for name in ("bob", "carl"):
        (message,) = mail.maildir(name)
        assert b"\nSubject: hello\n" in message and message.endswith(b"\n\n.dots\ngr\xc3\xbc\xc3\x9fe\n"), message
        assert re.search(rb"^Received: from client\.example \(unknown \[127\.0\.0\.1\]\)\n\tby mail\.example\.test \(Postfix\) with ESMTP id \w+;\n", message, re.M), message
        assert b"\nReturn-Path: <ann@client.example>\n" in b"\n" + message, message


def test_mail_arrives_with_the_system_of_an_ordinary_user(options):
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES) as mail:
        mail.start()
        deliver(mail)
        mail.stop()


def test_mail_arrives_with_the_system_of_root(options):
    if not mta.is_root():
        raise cases.Skipped("this needs root")
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES, mode="root") as mail:
        mail.start()
        deliver(mail)
        assert all(pathlib.Path(f"/proc/{pid}").stat().st_uid != 0 for pid in mail.pids("smtpd"))
        mail.stop()


def test_the_reply_names_the_message(options):
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES) as mail:
        mail.start()
        with mail.connect() as talk:
            assert talk.begin(b"bob@example.test") == b"250 2.1.5 Ok\r\n"
            assert talk.ask(b"DATA\r\n").startswith(b"354 ")
            queue_id = re.fullmatch(rb"250 2\.0\.0 Ok: queued as (\w+)\r\n", talk.ask(b"Subject: x\r\n\r\n.\r\n")).group(1).decode()
            mail.wait_log(rf"{queue_id}: removed")
            for line in (rf"{queue_id}: client=unknown\[127\.0\.0\.1\]$", rf"{queue_id}: message-id=<\d+\.{queue_id}@mail\.example\.test>$", rf"{queue_id}: from=<ann@client\.example>, size=\d+, nrcpt=1 \(queue active\)$",
                         rf"{queue_id}: to=<bob@example\.test>, relay=virtual, delay=[\d.]+, delays=[\d./]+, dsn=2\.0\.0, status=sent \(delivered to maildir\)$"):
                assert re.search(line, mail.log(), re.M), line


def test_a_large_message_arrives_by_data_and_by_chunks(options):
    body = b"".join(b"%06d %s\r\n" % (number, b"x" * 60) for number in range(40000))  # 2.7 MB
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES | {"virtual_mailbox_limit": "0"}) as mail:
        mail.start()
        with mail.connect() as talk:
            talk.begin(b"bob@example.test")
            talk.ask(b"DATA\r\n")
            assert talk.ask(b"Subject: by data\r\n\r\n" + body + b".\r\n").startswith(b"250 ")
            talk.asks(b"MAIL FROM:<ann@client.example>", b"RCPT TO:<carl@example.test>")
            content = b"Subject: by chunks\r\n\r\n" + body
            for at in range(0, len(content), 300007):
                part = content[at:at + 300007]
                last = b" LAST" if at + 300007 >= len(content) else b""
                assert talk.ask(b"BDAT %d%s\r\n" % (len(part), last) + part).startswith(b"250 ")
        mail.wait_empty()
        for name in ("bob", "carl"):
            (message,) = mail.maildir(name)
            assert message.endswith(body.replace(b"\r\n", b"\n")), message[:500]


def test_an_unknown_user_is_told_so_and_the_others_are_served(options):
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES) as mail:
        mail.start()
        with mail.smtp() as client:
            refused = client.sendmail("ann@client.example", ["bob@example.test", "nobody@example.test", "x@elsewhere.example"], "Subject: x\r\n\r\n")
        assert refused == {"nobody@example.test": (550, b"5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in virtual mailbox table"),
                           "x@elsewhere.example": (454, b"4.7.1 <x@elsewhere.example>: Relay access denied")}, refused
        mail.wait_empty()
        assert len(mail.maildir("bob")) == 1


def test_what_was_not_finished_is_not_delivered(options):
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES) as mail:
        mail.start()
        with mail.connect() as talk:
            talk.begin(b"bob@example.test")
            talk.ask(b"DATA\r\n")
            talk.socket.sendall(b"Subject: half\r\n\r\nhalf a mess")
        mail.wait_log("lost connection after DATA")
        mail.wait_empty()
        assert mail.maildir("bob") == []


def test_a_restart_keeps_what_was_accepted(options):
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES | {"defer_transports": "virtual"}) as mail:
        mail.start()
        with mail.smtp() as client:
            client.sendmail("ann@client.example", ["bob@example.test"], "Subject: x\r\n\r\n")
        mail.wait_idle()
        mail.kill_all()
        mail.set(defer_transports="")
        mail.start()
        mail.check("postqueue", "-f")
        mail.wait_empty()
        assert len(mail.maildir("bob")) == 1


def test_a_reload_takes_new_settings_and_ends_nobody(options):
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES) as mail:
        mail.start()
        with mail.connect() as old:
            old.ask(b"EHLO client.example\r\n")
            mail.set(smtpd_banner="$myhostname ESMTP anew")
            mail.reload()
            assert old.ask(b"NOOP\r\n") == b"250 2.0.0 Ok\r\n"

            def greeted_anew():
                with mail.connect() as fresh:
                    return fresh.greeting == b"220 mail.example.test ESMTP anew\r\n"
            mta.wait(greeted_anew, what="the new greeting")
            assert old.ask(b"QUIT\r\n") == b"221 2.0.0 Bye\r\n"


def test_a_stop_does_not_wait_for_silent_clients(options):
    with smtp_peers.Server(options.build, {"smtp": ""}, BOXES) as mail:
        mail.start()
        with mail.connect() as talk:
            talk.ask(b"EHLO client.example\r\n")
            mail.stop(limit=20)
            assert b"250" not in talk.rest()


def test_a_hundred_clients_at_once_are_all_served(options):
    with smtp_peers.Server(options.build, {"smtp": "-o smtpd_client_connection_count_limit=0"}, BOXES) as mail:
        mail.start()
        talks = [mail.connect() for _ in range(100)]
        for talk in talks:
            assert talk.begin(b"bob@example.test") == b"250 2.1.5 Ok\r\n"
        for talk in talks:
            talk.socket.sendall(b"DATA\r\n")
        for talk in talks:
            assert talk.reply().startswith(b"354 ")
            talk.socket.sendall(b"Subject: x\r\n\r\n.\r\n")
        for talk in talks:
            assert talk.reply().startswith(b"250 ")
            talk.close()
        mail.wait_empty()
        assert len(mail.maildir("bob")) == 100


def test_smtputf8_mail_arrives(options):
    with smtp_peers.Server(options.build, {"smtp": ""}, {"virtual_mailbox_maps": "inline:{böb@example.test=bob/}"}) as mail:
        mail.start()
        with mail.smtp() as client:
            client.ehlo()
            client.sendmail("änn@client.example", ["böb@example.test"], "Subject: grüße\r\n\r\n".encode(), ["SMTPUTF8"])
        mail.wait_empty()
        (message,) = mail.maildir("bob")
        assert "with UTF8SMTP id".encode() in message and "Subject: grüße".encode() in message, message


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
