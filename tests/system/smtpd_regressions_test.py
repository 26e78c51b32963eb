#!/usr/bin/env python3
"""Defects that Postfix's SMTP server once had, shown on the running system; the name has the day on which Postfix's was mended."""
import contextlib
import pathlib
import re
import ssl
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import smtp_peers  # noqa: E402

BOXES = {"virtual_mailbox_maps": "inline:{bob@example.test=bob/}"}
MORE = 16 * 1024  # kilobytes that a hostile client may cost


def system(options, **parameters):
    return smtp_peers.Server(options.build, {"smtp": parameters.pop("service", "")}, BOXES | parameters)


def alive(mail):
    """The same process still serves: nothing has ended."""
    with mail.connect() as talk:
        assert talk.begin(b"bob@example.test") == b"250 2.1.5 Ok\r\n"
    assert "warning: process" not in mail.log() and "fatal" not in mail.log() and "panic" not in mail.log(), mail.log_tail()


@contextlib.contextmanager
def costing_little(mail):
    """What happens within costs no memory to speak of."""
    with mail.connect() as talk:
        talk.ask(b"NOOP\r\n")
        before = mail.resident()
        assert before > 0
        yield
        after = mail.resident()
        assert after - before < MORE, f"{before} KB before, {after} KB after"


def test_0310_a_status_code_without_text_is_an_answer(options):
    actions = ["554 5.7.77", "REJECT 5.7.77", "450 4.7.1", "554 5.7.77 ", "DEFER 4.1.1", "5.7.1"]
    table = ", ".join(f"{{a{number}@client.example = {action}}}" for number, action in enumerate(actions))
    with system(options, service=f"-o {{smtpd_sender_restrictions=check_sender_access inline:{{{table}}}}}") as mail:
        mail.start()
        for number in range(len(actions)):
            with mail.connect() as talk:
                answer = talk.begin(b"bob@example.test", sender=b"a%d@client.example" % number)
                assert re.match(rb"[45]\d\d [45]\.\d+\.\d+ ", answer), (actions[number], answer)
        alive(mail)


def test_0529_a_command_line_without_end_costs_nothing(options):
    with system(options) as mail:
        mail.start()
        with costing_little(mail), mail.connect() as talk:
            with contextlib.suppress(OSError):
                for _ in range(64):
                    talk.socket.sendall(b"x" * (1 << 20))
                talk.socket.sendall(b"\r\n")
                talk.reply()
        alive(mail)


def test_0529_a_discarded_chunk_costs_nothing(options):
    with system(options, message_size_limit="1000") as mail:
        mail.start()
        with costing_little(mail), mail.connect() as talk:
            talk.begin(b"bob@example.test")
            with contextlib.suppress(OSError):
                talk.socket.sendall(b"BDAT %d LAST\r\n" % (64 << 20))
                for _ in range(64):
                    talk.socket.sendall(b"x" * (1 << 20))
            answer = talk.reply()
            assert answer.startswith(b"552 5.3.4") or answer == b"", answer
        alive(mail)


def test_0529_a_header_without_end_costs_nothing(options):
    with system(options, message_size_limit="100000000", virtual_mailbox_limit="0") as mail:
        mail.start()
        with costing_little(mail), mail.connect() as talk:
            talk.begin(b"bob@example.test")
            talk.ask(b"DATA\r\n")
            talk.socket.sendall(b"Subject: ")
            for _ in range(64):
                talk.socket.sendall(b"x" * (1 << 20))
            assert talk.ask(b"\r\n\r\n.\r\n")[:3] in (b"250", b"552")
        alive(mail)


def test_0602_a_nul_in_xtext_is_refused(options):
    with system(options) as mail:
        mail.start()
        with mail.connect() as talk:
            talk.ask(b"EHLO client.example\r\n")
            assert talk.ask(b"MAIL FROM:<ann@client.example> ENVID=a+00b\r\n").startswith(b"501 5.5.4 ")
            assert talk.ask(b"MAIL FROM:<ann@client.example>\r\n").startswith(b"250 ")
            assert talk.ask(b"RCPT TO:<bob@example.test> ORCPT=rfc822;a+00b@c.example\r\n").startswith(b"501 5.5.4 ")
        alive(mail)


def test_0625_a_long_from_line_is_a_line_as_others(options):
    with system(options, message_size_limit="100000") as mail:
        mail.start()
        for start in (b"From ", b">From ", b"From  "):
            for size, good in ((5000, True), (200000, False)):
                with mail.connect() as talk:
                    talk.begin(b"bob@example.test")
                    talk.ask(b"DATA\r\n")
                    answer = talk.ask(start + b"x" * size + b"\r\nSubject: y\r\n\r\n.\r\n")
                    assert answer.startswith(b"250 " if good else b"552 5.3.4"), (start, size, answer)
        alive(mail)
        mail.wait_empty()
        assert len(mail.maildir("bob")) == 3


def test_0724_an_error_in_bdat_and_then_data_is_no_message(options):
    with system(options) as mail:
        mail.start()
        with mail.connect() as talk:
            talk.begin(b"bob@example.test")
            assert talk.ask(b"BDAT 0\r\n").startswith(b"551 ")
            assert talk.ask(b"DATA\r\n").startswith(b"503 5.5.1 ")
            assert talk.ask(b"BDAT 4 LAST\r\nabcd").startswith(b"551 ")
            assert talk.ask(b"RSET\r\n").startswith(b"250 ")
        alive(mail)
        mail.wait_empty()
        assert mail.maildir("bob") == []


def test_0803_a_refusal_at_the_end_of_data_leaves_the_session_in_step(options):
    with system(options, service="-o {smtpd_end_of_data_restrictions=check_sender_access inline:{evil@client.example=REJECT}}") as mail:
        mail.start()
        with mail.connect() as talk:
            talk.begin(b"bob@example.test", sender=b"evil@client.example")
            talk.ask(b"DATA\r\n")
            talk.socket.sendall(b"Subject: x\r\n\r\n.\r\nMAIL FROM:<ann@client.example>\r\nRCPT TO:<bob@example.test>\r\n")
            assert talk.reply().startswith(b"554 5.7.1 <evil@client.example>: Sender address rejected: Access denied")
            assert (talk.reply(), talk.reply()) == (b"250 2.1.0 Ok\r\n", b"250 2.1.5 Ok\r\n")
            talk.ask(b"DATA\r\n")
            assert talk.ask(b"Subject: y\r\n\r\n.\r\n").startswith(b"250 2.0.0 Ok: queued as")
        mail.wait_empty()
        (message,) = mail.maildir("bob")
        assert b"Subject: y" in message


def test_0805_a_million_chunks_leave_no_history(options):
    with system(options) as mail:
        mail.start()
        with costing_little(mail), mail.connect() as talk:
            talk.begin(b"bob@example.test")
            for _ in range(20):
                talk.socket.sendall(b"BDAT 1\r\nx" * 5000)
                for _ in range(5000):
                    assert talk.file.readline().startswith(b"250 2.0.0 Ok: 1 bytes")
            assert re.match(rb"250 2\.0\.0 Ok: \d+ bytes queued as ", talk.ask(b"BDAT 0 LAST\r\n"))
        alive(mail)


def test_0805_a_ticket_is_good_for_its_own_service_only(options, folder):
    folder.chmod(0o755)
    openssl = smtp_peers.need("openssl")
    services = {"one": "-o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt", "two": "-o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt"}
    with smtp_peers.Server(options.build, services, BOXES) as mail:
        chain, _ = smtp_peers.make_certificate(folder, mail.owner)
        mail.set(smtpd_tls_chain_files=chain, smtpd_forbid_unauth_pipelining="no")
        mail.start()

        def session(name, *words):
            done = subprocess.run([openssl, "s_client", "-connect", f"127.0.0.1:{mail.ports[name]}", "-tls1_2", "-crlf", "-ign_eof", *map(str, words)], input=b"EHLO x\nQUIT\n",
                                  capture_output=True, check=False, timeout=60)
            return re.search(rb"^(New|Reused), ", done.stdout, re.M).group(1)
        saved = folder / "session"
        assert session("one", "-sess_out", saved) == b"New"
        assert session("one", "-sess_in", saved) == b"Reused"
        assert session("two", "-sess_in", saved) == b"New"


def test_0812_vrfy_in_utf8_is_answered(options):
    with system(options) as mail:
        mail.start()
        with mail.connect() as talk:
            talk.ask(b"EHLO client.example\r\n")
            for line in ("VRFY bób@example.test", "VRFY bób@example.test SMTPUTF8", "VRFY ü SMTPUTF8", "VRFY <ü@ü.example> SMTPUTF8", "VRFY ü@\xad SMTPUTF8"):
                assert talk.ask(line.encode() + b"\r\n")[:1] in b"245", line
            assert talk.ask(b"VRFY \xff@example.test SMTPUTF8\r\n").startswith(b"500 5.5.2 ")
        alive(mail)


def test_0817_no_combination_of_line_ends_makes_two_messages_of_one(options):
    ends = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\0\r\n", b"\r\0\n"]
    smuggled = b"MAIL FROM:<evil@client.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\n.\r\n"
    with system(options, service="-o smtpd_forbid_unauth_pipelining=no") as mail:
        mail.start()
        count = 0
        for before in ends:
            for after in ends:
                if before.endswith(b"\r\n") and after == b"\r\n":
                    continue  # that is the end
                with mail.connect() as talk:
                    talk.begin(b"bob@example.test")
                    talk.ask(b"DATA\r\n")
                    answer = talk.ask(b"Subject: honest\r\n\r\ntext" + before + b"." + after + smuggled)
                    assert answer.startswith(b"250 2.0.0 Ok: queued as"), (before, after, answer)
                    assert talk.ask(b"NOOP\r\n") == b"250 2.0.0 Ok\r\n", (before, after)
                    count += 1
        mail.wait_empty()
        messages = mail.maildir("bob")
        assert len(messages) == count and all(b"Return-Path: <ann@client.example>" in message for message in messages), (count, len(messages))
        assert all(b"\r" not in message for message in messages)


def test_bytes_after_starttls_are_never_executed(options, folder):
    folder.chmod(0o755)
    with system(options, service="-o smtpd_tls_security_level=may -o smtpd_forbid_unauth_pipelining=no") as mail:
        chain, _ = smtp_peers.make_certificate(folder, mail.owner)
        mail.set(smtpd_tls_chain_files=chain)
        mail.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for injected in (b"RSET\r\n", b"MAIL FROM:<evil@client.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n", b"MAIL FROM:<evil@", b"\r\n"):
            with mail.connect() as talk:
                talk.ask(b"EHLO client.example\r\n")
                assert talk.ask(b"STARTTLS\r\n" + injected) == b"220 2.0.0 Ready to start TLS\r\n"
                secure = smtp_peers.Talk(context.wrap_socket(talk.socket), greeting=False)
                assert secure.ask(b"RCPT TO:<bob@example.test>\r\n") == b"503 5.5.1 Error: need MAIL command\r\n", injected
                assert secure.ask(b"NOOP\r\n") == b"250 2.0.0 Ok\r\n"
                secure.close()


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
