#!/usr/bin/env python3
"""TLS of the SMTP server with real clients: the openssl command and python's ssl, against real daemons."""
import contextlib
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases
import certificates
import mta

CERTS = None
HOST = "mail.example.test"
BODY = b"Subject: over TLS\r\n\r\none\r\n..two\r\n"


class Mail(mta.Postrider):
    """Ours with an SMTP server on `port` (and another on `wrapped`, in wrapper mode)."""

    def __init__(self, options, parameters=None, *, smtpd_options="", **more):
        self.port, self.wrapped = mta.free_port(), mta.free_port()
        inet = [f"127.0.0.1:{self.port} inet n - n - - smtpd {smtpd_options}",
                f"127.0.0.1:{self.wrapped} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {smtpd_options}"]
        settings = {"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": CERTS.chain(HOST), "smtpd_tls_loglevel": "1",
                    "smtpd_peername_lookup": "no", "virtual_mailbox_maps": "static:u/"}
        super().__init__(options.build, {**settings, **(parameters or {})}, inet=inet, **more)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
                panics = re.findall(r".*\]: (?:panic|fatal):.*", self.log())
                assert not panics, panics
        finally:
            super().__exit__(kind, value, trace)

    def connect(self, **more):
        return Client(self.port, **more)


class Client:
    """A client that says what it is told to say."""

    def __init__(self, port, context=None, session=None, name=HOST):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=mta.LIMIT)
        self.context, self.session, self.name = context or trusting(), session, name
        self.rest = b""

    def line(self):
        while b"\n" not in self.rest:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(self.rest)
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode().rstrip("\r")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def say(self, text):
        self.socket.sendall((text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        return self.reply()

    def shake_hands(self):
        self.socket = self.context.wrap_socket(self.socket, server_hostname=self.name, session=self.session)
        return self

    def starttls(self):
        assert self.reply().startswith("220 ")
        self.say("EHLO client.example.test")
        reply = self.say("STARTTLS")
        assert reply == "220 2.0.0 Ready to start TLS", reply
        return self.shake_hands()

    def expect(self, text, start):
        reply = self.say(text)
        assert reply.startswith(start), (text, reply)
        return reply

    def begin_message(self):
        self.expect("EHLO client.example.test", "250")
        self.expect("MAIL FROM:<a@example.org>", "250")
        self.expect("RCPT TO:<u@example.test>", "250")

    def is_closed(self):
        try:
            return self.socket.recv(1) == b""
        except (ssl.SSLEOFError, ConnectionError):
            return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def trusting(version=None):
    context = ssl.create_default_context(cafile=CERTS.ca)
    context.check_hostname = False
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def s_client(port, *words, stdin=b"QUIT\r\n"):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", CERTS.ca, "-no_ign_eof", *map(str, words)],
                          input=stdin, capture_output=True, timeout=mta.LIMIT, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def only_message(mail):
    return mta.wait(lambda: mail.maildir("u"), what=f"a message\n{mail.log_tail()}")[0].decode()


def test_a_message_that_comes_over_tls_says_so(options):
    with Mail(options, {"smtpd_tls_received_header": "yes", "smtpd_tls_chain_files": CERTS.chain(HOST, "2048")}) as mail:
        with mail.connect().starttls() as client:
            client.begin_message()
            client.expect("DATA", "354")
            assert client.say(BODY + b".").startswith("250 2.0.0 Ok: queued as ")
            assert client.say("QUIT") == "221 2.0.0 Bye"
            assert client.is_closed()
        text = only_message(mail)
        assert re.search(r"Received: from client\.example\.test \(.*\[127\.0\.0\.1\]\)\n"
                         r"\t\(using TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 \(256/256 bits\)\n"
                         r"\t key-exchange X25519 server-signature RSA-PSS \(2048 bits\) server-digest SHA256\)\n"
                         r"\t\(No client certificate requested\)\n"
                         r"\tby mail\.example\.test \(Postfix\) with ESMTPS id \w+\n\tfor <u@example\.test>; ", text), text
        mail.wait_log(r"Anonymous TLS connection established from \S+\[127\.0\.0\.1\]: TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 "
                      r"\(256/256 bits\) key-exchange X25519 server-signature RSA-PSS \(2048 bits\) server-digest SHA256$")
        mail.wait_log(r"disconnect from \S+ ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7$")


def test_the_openssl_command_is_served(options):
    with Mail(options) as mail:
        for version in ("-tls1_2", "-tls1_3"):
            text = s_client(mail.port, "-starttls", "smtp", version, stdin=b"NOOP\r\nQUIT\r\n")
            assert "Verify return code: 0 (ok)" in text and f"CN = {HOST}" in text, text
        text = s_client(mail.wrapped, "-quiet", stdin=b"QUIT\r\n")
        assert "220 mail.example.test ESMTP Postfix" in text, text


def test_wrapper_mode_greets_inside_tls(options):
    with Mail(options) as mail:
        with Client(mail.wrapped).shake_hands() as client:
            assert client.reply() == "220 mail.example.test ESMTP Postfix"
            assert "STARTTLS" not in client.say("EHLO x")
            assert client.say("STARTTLS") == "554 5.5.1 Error: TLS already active"
            assert client.say("QUIT") == "221 2.0.0 Bye"
        with Client(mail.wrapped) as client:
            client.socket.sendall(b"EHLO x\r\n")
            assert client.is_closed()
        mail.wait_log(r"SSL_accept error from \S+\[127\.0\.0\.1\]: -1$")
        mail.wait_log(r"warning: TLS library problem: error:0A00010B:SSL routines::wrong version number:")
        mail.wait_log(r"lost connection after CONNECT from ")


def test_starttls_says_what_is_wrong(options):
    with Mail(options) as mail, mail.connect() as client:
        client.reply()
        assert client.say("STARTTLS now") == "501 5.5.4 Syntax: STARTTLS"
        assert client.say("STARTTLS") == "220 2.0.0 Ready to start TLS"
        client.shake_hands()
        assert client.say("STARTTLS") == "554 5.5.1 Error: TLS already active"
        assert client.say("STARTTLS x") == "501 5.5.4 Syntax: STARTTLS"
    with Mail(options, {"smtpd_tls_security_level": "none"}) as mail, mail.connect() as client:
        client.reply()
        assert "STARTTLS" not in client.say("EHLO x")
        assert client.say("STARTTLS") == "502 5.5.1 Error: command not implemented"
    with Mail(options, {"smtpd_discard_ehlo_keywords": "starttls"}) as mail, mail.connect() as client:
        client.reply()
        assert "STARTTLS" not in client.say("EHLO x")
        assert client.say("STARTTLS") == "502 5.5.1 Error: command not implemented"


def test_without_a_certificate_there_is_a_temporary_error(options):
    with Mail(options, {"smtpd_tls_chain_files": "/nonexistent/chain.pem"}) as mail:
        with mail.connect() as client:
            client.reply()
            assert "250-STARTTLS" in client.say("EHLO x")
            assert client.say("STARTTLS") == "454 4.7.0 TLS not available due to local problem"
            assert client.say("NOOP") == "250 2.0.0 Ok"
        mail.wait_log(r"warning: error opening chain file: open /nonexistent/chain.pem: No such file or directory: disabling TLS support")
        with Client(mail.wrapped) as client:
            assert client.is_closed()
        mail.wait_log(rf"warning: Wrapper-mode request dropped from \S+ for service \S+{mail.wrapped}\. "
                      r"TLS context initialization failed\.")


def test_compulsory_tls_comes_first(options):
    with Mail(options, {"smtpd_tls_security_level": "encrypt"}) as mail, mail.connect() as client:
        client.reply()
        client.expect("EHLO x", "250")
        for command in ("MAIL FROM:<a@example.org>", "RSET", "VRFY u", "AUTH PLAIN"):
            assert client.say(command) == "530 5.7.0 Must issue a STARTTLS command first", command
        assert client.say("NOOP") == "250 2.0.0 Ok"
        client.expect("STARTTLS", "220")
        client.shake_hands().begin_message()


def test_nothing_of_before_counts_afterwards(options):
    with Mail(options, {"smtpd_helo_required": "yes"}) as mail, mail.connect() as client:
        client.reply()
        client.expect("EHLO before.example.test", "250")
        client.expect("MAIL FROM:<a@example.org>", "250")
        client.expect("STARTTLS", "220")
        client.shake_hands()
        assert client.say("RCPT TO:<u@example.test>") == "503 5.5.1 Error: need MAIL command"
        assert client.say("MAIL FROM:<a@example.org>") == "503 5.5.1 Error: send HELO/EHLO first"


def test_what_comes_in_the_clear_is_never_executed(options):
    """24 bytes, parted at each of them; the second part before or after the server's word."""
    sent = b"STARTTLS\r\nRSET\r\nVRFY u\r\n"
    assert len(sent) == 24
    outcomes = set()
    with Mail(options, {"smtpd_forbid_unauth_pipelining": "no"}) as mail:
        for at in range(1, 25):
            for early in (True, False):
                mail.log_mark()
                with mail.connect() as client:
                    client.reply()
                    client.socket.sendall(sent[:at])
                    if early or at < 10:
                        client.socket.sendall(sent[at:])
                    assert client.reply() == "220 2.0.0 Ready to start TLS"
                    if not early and at >= 10:
                        client.socket.sendall(sent[at:])
                    assert client.rest == b"", client.rest
                    try:
                        client.shake_hands()
                        assert client.say("NOOP") == "250 2.0.0 Ok"
                        assert client.say("QUIT") == "221 2.0.0 Bye"
                        outcomes.add("dropped")
                    except (ssl.SSLError, ConnectionError):
                        outcomes.add("broken")
                line = mail.wait_log(r"disconnect from .*").group(0)
                assert "rset" not in line and "vrfy" not in line, (at, early, line)
    assert outcomes == {"dropped", "broken"}, outcomes


def nothing_was_taken(mail):
    mta.wait(lambda: not mail.files("incoming", "active", "deferred"), what="cleanup to drop what was begun")
    assert "queued as" not in mail.log() and not mail.maildir("u")


def leave(client, clean):
    """The end of a TLS session with its closing words, or without."""
    with contextlib.suppress(OSError, ssl.SSLError):
        if clean:
            client.socket.unwrap()
        else:
            raw = socket.socket(fileno=client.socket.detach())
            raw.close()
    client.close()


def test_data_that_ends_early_is_no_message(options):
    whole = BODY + b".\r\n"
    with Mail(options, {"smtpd_forbid_bare_newline": "no"}) as mail:
        for clean in (True, False):
            for at in range(len(whole)):
                client = mail.connect().starttls()
                client.begin_message()
                client.expect("DATA", "354")
                client.socket.sendall(whole[:at])
                leave(client, clean)
        mta.wait(lambda: mail.log().count("lost connection after DATA") == 2 * len(whole), what="the ends of all sessions")
        nothing_was_taken(mail)
        with mail.connect().starttls() as client:
            client.begin_message()
            client.expect("DATA", "354")
            client.socket.sendall(whole)
            assert client.reply().startswith("250 ")
        only_message(mail)


def test_chunks_that_end_early_are_no_message(options):
    size = len(BODY)
    with Mail(options) as mail:
        for clean in (True, False):
            for at in range(size):
                client = mail.connect().starttls()
                client.begin_message()
                client.socket.sendall(f"BDAT {size} LAST\r\n".encode() + BODY[:at])
                leave(client, clean)
        mta.wait(lambda: mail.log().count("lost connection after BDAT") == 2 * size, what="the ends of all sessions")
        # All chunks but the word LAST.
        client = mail.connect().starttls()
        client.begin_message()
        client.socket.sendall(f"BDAT {size}\r\n".encode() + BODY)
        assert client.reply().startswith("250 ")
        leave(client, True)
        mta.wait(lambda: mail.log().count("lost connection after BDAT") == 2 * size + 1, what="the end of the session")
        nothing_was_taken(mail)
        with mail.connect().starttls() as client:
            client.begin_message()
            client.socket.sendall(f"BDAT {size} LAST\r\n".encode() + BODY)
            assert client.reply().startswith("250 ")
        only_message(mail)


def test_large_messages_come_through_whole(options):
    lines = b"".join(b"%07d %s\r\n" % (i, b"x" * 60) for i in range(30000))
    with Mail(options) as mail:
        with mail.connect().starttls() as client:
            client.begin_message()
            client.expect("DATA", "354")
            client.socket.sendall(b"Subject: large\r\n\r\n" + lines + b".\r\n")
            assert client.reply().startswith("250 ")
            client.begin_message()
            client.socket.sendall(f"BDAT {len(lines)} LAST\r\n".encode() + lines)
            assert client.reply().startswith("250 ")
        mta.wait(lambda: len(mail.maildir("u")) == 2, what="two messages")
        for text in mail.maildir("u"):
            assert text.endswith(lines.replace(b"\r\n", b"\n")), len(text)


def test_a_handshake_has_its_own_time(options):
    with Mail(options, {"smtpd_starttls_timeout": "1s"}) as mail:
        with mail.connect() as client:
            client.reply()
            client.expect("STARTTLS", "220")
            client.socket.sendall(b"\x16\x03")
            assert client.is_closed()
        mail.wait_log(r"SSL_accept error from \S+: Connection timed out$")
        mail.wait_log(r"lost connection after STARTTLS from ")
        mail.wait_log(r"disconnect from \S+ starttls=0/1 commands=0/1$")
        with mail.connect() as client:
            client.reply()
            client.expect("STARTTLS", "220")
        mail.wait_log(r"SSL_accept error from \S+: lost connection$")


def test_sessions_are_resumed_by_every_process(options):
    """With a process for each client."""
    with Mail(options, {"smtpd_client_limit": "1"}) as mail:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting(version)
            mail.log_mark()
            with mail.connect(context=context).starttls() as first:
                first.expect("NOOP", "250")
                assert not first.socket.session_reused
                with mail.connect(context=context, session=first.socket.session).starttls() as second:
                    second.expect("NOOP", "250")
                    assert second.socket.session_reused, version
            mta.wait(lambda: len(set(re.findall(r"smtpd\[(\d+)\]: Anonymous TLS", mail.new_log()))) == 2, what="two processes")
        assert len(mail.pids("tlsmgr")) == 1


def test_tickets_are_no_good_at_another_service(options):
    with Mail(options) as mail:
        context = trusting(ssl.TLSVersion.TLSv1_2)
        with mail.connect(context=context).starttls() as client:
            client.expect("NOOP", "250")
            session = client.socket.session
        for port, reused in ((mail.wrapped, False), (mail.port, True)):
            with Client(port, context=context, session=session) as client:
                client.shake_hands() if port == mail.wrapped else client.starttls()
                assert client.socket.session_reused == reused, port


def test_tls_goes_on_without_tlsmgr(options):
    services = {name: line for name, line in mta.SERVICES.items() if name != "tlsmgr"}
    with Mail(options, services=services) as mail:
        context = trusting()
        with mail.connect(context=context).starttls() as client:
            client.expect("NOOP", "250")
            session = client.socket.session
        with mail.connect(context=context, session=session).starttls() as client:
            client.expect("NOOP", "250")
            assert not client.socket.session_reused
        mail.wait_log(r"warning: connect to private/tlsmgr: .*: TLS sessions are not resumed$")


def test_tickets_can_be_turned_off(options):
    for setting in ({"tls_ssl_options": "NO_TICKET"}, {"smtpd_tls_session_cache_timeout": "0"}, {"tls_session_ticket_cipher": ""}):
        with Mail(options, setting) as mail:
            context = trusting(ssl.TLSVersion.TLSv1_2)
            with mail.connect(context=context).starttls() as client:
                assert not client.socket.session.has_ticket, setting


def test_client_certificates_are_told_to_the_log_and_the_message(options):
    CERTS.chain("client.example.test")
    context = trusting()
    context.load_cert_chain(CERTS.chain("client.example.test"))
    with Mail(options, {"smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": CERTS.ca, "smtpd_tls_received_header": "yes",
                        "smtpd_tls_loglevel": "2"}) as mail:
        with mail.connect(context=context).starttls() as client:
            client.begin_message()
            client.expect("DATA", "354")
            client.expect(BODY + b".", "250")
        text = only_message(mail)
        assert '\t(Client CN "client.example.test", Issuer "Test CA" (verified OK))\n' in text, text
        assert "client-signature ECDSA (prime256v1) client-digest SHA256)\n" in text, text
        mail.wait_log(r"Trusted TLS connection established from ")
        mail.wait_log(rf"subject_CN=client\.example\.test, issuer=Test CA, fingerprint={CERTS.fingerprint('client.example.test')}, ")


def test_a_client_without_the_certificate_that_is_required_is_dropped(options):
    with Mail(options, {"smtpd_tls_req_ccert": "yes", "smtpd_tls_security_level": "encrypt", "smtpd_tls_CAfile": CERTS.ca}) as mail:
        with mail.connect().starttls() as client:
            assert client.reply() == "421 4.7.1 mail.example.test Error: No client certificate presented"
            assert client.is_closed()
        mail.wait_log(r"NOQUEUE: abort: TLS from \S+\[127\.0\.0\.1\]: No client certificate presented$")
        mail.wait_log(r"disconnect from \S+ ehlo=1 starttls=1 commands=2$")
        context = trusting()
        context.load_cert_chain(CERTS.chain("client.example.test"))
        with mail.connect(context=context).starttls() as client:
            client.begin_message()


def test_server_names_choose_certificates(options):
    with Mail(options) as mail:
        table = mail.etc / "sni"
        table.write_text(f"one.example.test {CERTS.chain('one.example.test')}\n.example.org {CERTS.chain('any.example.org')}\n")
        mail.check("postmap", "-F", f"lmdb:{table}", account=mta.me())
        os.chmod(f"{table}.lmdb", 0o644)
        mail.set(tls_server_sni_maps=f"lmdb:{table}")
        mail.reload()
        for asked, shown in (("one.example.test", "one.example.test"), ("x.y.example.org", "any.example.org"), ("other.test", HOST)):
            text = s_client(mail.port, "-starttls", "smtp", "-servername", asked)
            assert f"subject=CN = {shown}" in text, (asked, text)
        mail.wait_log(r"TLS connection established from \S+ to one\.example\.test: TLSv1\.3 ")
        mail.wait_log(r"TLS SNI other\.test from \S+ not matched, using default chain$")


def renew(mail, chain):
    """What the server shows after its chain file was replaced."""
    new = chain.with_suffix(".new")
    new.write_bytes(CERTS.chain("renewed.example.test").read_bytes())
    mail.own(new, mode=0o600)
    new.rename(chain)
    with mail.connect() as busy:  # keeps the process from being idle all the time
        busy.reply()
        mta.wait(lambda: "subject=CN = renewed.example.test" in s_client(mail.port, "-starttls", "smtp"), what="the new certificate")


def test_a_renewed_certificate_is_noticed(options):
    for mode in ("user", "root") if mta.is_root() else ("user",):
        mail = Mail(options, mode=mode)
        chain = mail.etc / "chain.pem"
        chain.write_bytes(CERTS.chain(HOST).read_bytes())
        mail.own(chain, mode=0o600)
        mail.set(smtpd_tls_chain_files=chain)
        with mail:
            assert f"subject=CN = {HOST}" in s_client(mail.port, "-starttls", "smtp")
            renew(mail, chain)


def test_too_many_new_sessions_are_refused(options):
    with Mail(options, {"smtpd_client_new_tls_session_rate_limit": "1", "smtpd_client_event_limit_exceptions": ""}) as mail:
        with mail.connect().starttls() as client:
            client.expect("NOOP", "250")
        with mail.connect().starttls() as client:
            assert re.match(r"421 4\.7\.0 mail\.example\.test Error: too many new TLS sessions from \S+\[127\.0\.0\.1\]$", client.reply())
            assert client.is_closed()
        mail.wait_log(r"warning: New TLS session rate limit exceeded: 2 from \S+\[127\.0\.0\.1\] for service \S+$")
        with mail.connect() as client:
            client.reply()
            assert re.match(r"454 4\.7\.0 Error: too many new TLS sessions from \S+\[127\.0\.0\.1\]$", client.say("STARTTLS"))
            assert client.say("NOOP") == "250 2.0.0 Ok"
        mail.wait_log(r"warning: Refusing STARTTLS request from \S+\[127\.0\.0\.1\] for service \S+$")
        with Client(mail.wrapped).shake_hands() as client:
            assert client.reply().startswith("220 ")
        with Client(mail.wrapped).shake_hands() as client:
            assert client.reply().startswith("421 4.7.0 mail.example.test Error: too many new TLS sessions from ")
        with Client(mail.wrapped) as client:
            assert client.is_closed()
        mail.wait_log(r"warning: Refusing TLS service request from \S+\[127\.0\.0\.1\] for service \S+$")


def test_keys_are_roots_and_the_server_is_in_a_chroot(options):
    if not mta.is_root():
        raise cases.Skipped("needs root")
    mail = Mail(options, mode="root")
    chain = mail.etc / "chain.pem"
    chain.write_bytes(CERTS.chain(HOST).read_bytes())
    chain.chmod(0o600)
    mail.set(smtpd_tls_chain_files=chain)
    mail.extra_services = [line.replace("inet n - n", "inet n - y") for line in mail.extra_services]
    mail.write_configuration()
    with mail:
        context = trusting()
        with mail.connect(context=context).starttls() as client:
            client.expect("NOOP", "250")
            session = client.socket.session
        with mail.connect(context=context, session=session).starttls() as client:
            assert client.socket.session_reused


if __name__ == "__main__":
    with certificates.Folder() as CERTS:
        cases.main(__name__, cases.arguments())
