#!/usr/bin/env python3
"""Submission with real clients: smtplib, swaks and openssl s_client, with STARTTLS, TLS from the start, and AUTH by sasldb and
by saslauthd."""
import contextlib
import pathlib
import re
import smtplib
import socket
import ssl
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import smtp_peers  # noqa: E402

SUBMISSION = "-o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes -o {smtpd_relay_restrictions=permit_sasl_authenticated, reject}"
SERVICES = {"submission": SUBMISSION, "submissions": f"{SUBMISSION} -o smtpd_tls_wrappermode=yes", "smtp": "-o smtpd_tls_security_level=may"}


@contextlib.contextmanager
def submission(options, folder, services=None, **parameters):
    """A running system with certificate and passwords; `certificate` is its file."""
    folder.chmod(0o755)
    with smtp_peers.Server(options.build, services or SERVICES, {"virtual_mailbox_maps": "inline:{bob@example.test=bob/}"}) as mail:
        chain, mail.certificate = smtp_peers.make_certificate(folder, mail.owner)
        passwords = smtp_peers.make_passwords(mail, {"joe": "se cret", "jane": "other"})
        mail.set(smtpd_tls_chain_files=chain, smtpd_tls_loglevel="1", smtpd_tls_received_header="yes", smtpd_sasl_authenticated_header="yes", **{**passwords, **parameters})
        mail.start()
        yield mail
        mail.stop()


def context_of(mail):
    return ssl.create_default_context(cafile=str(mail.certificate))


def one_message(mail):
    mail.wait_empty()
    (message,) = mail.maildir("bob")
    return message.decode()


def test_smtplib_submits_with_starttls_and_auth(options, folder):
    with submission(options, folder) as mail:
        with mail.smtp("submission") as client:
            client.starttls(context=context_of(mail))
            client.login("joe", "se cret")
            client.sendmail("joe@client.example", ["bob@example.test"], "Subject: by smtplib\r\n\r\n")
        message = one_message(mail)
        assert re.search(r"\(using TLSv1\.3 with cipher \S+ \(\d+/\d+ bits\)", message) and "(Authenticated sender: joe@example.test)" in message, message
        assert "with ESMTPSA id" in message, message
        mail.wait_log(r"client=unknown\[127\.0\.0\.1\], sasl_method=[\w-]+, sasl_username=joe@example\.test$")
        mail.wait_log(r"Anonymous TLS connection established from unknown\[127\.0\.0\.1\]: TLSv1\.3 with cipher")


def test_smtplib_submits_with_tls_from_the_start(options, folder):
    with submission(options, folder) as mail:
        with mail.smtp("submissions", cls=lambda *words, **more: smtplib.SMTP_SSL(*words, context=context_of(mail), **more)) as client:
            client.login("jane", "other")
            client.sendmail("jane@client.example", ["bob@example.test"], "Subject: by smtplib\r\n\r\n")
        assert "with ESMTPSA id" in one_message(mail)


def test_each_mechanism_lets_the_right_password_in_and_no_other(options, folder):
    with submission(options, folder) as mail:
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            for password, good in (("se cret", True), ("wrong", False)):
                with mail.smtp("submission") as client:
                    client.starttls(context=context_of(mail))
                    client.ehlo()
                    client.user, client.password = "joe", password
                    try:
                        code, _ = client.auth(mechanism, getattr(client, f"auth_{mechanism.lower().replace('-', '_')}"), initial_response_ok=mechanism != "CRAM-MD5")
                        assert good and code == 235, (mechanism, password)
                    except smtplib.SMTPAuthenticationError as refused:
                        assert not good and refused.smtp_code == 535, (mechanism, password, refused)


def test_nothing_is_taken_without_tls_or_login(options, folder):
    with submission(options, folder) as mail:
        with mail.smtp("submission") as client:
            client.ehlo()
            assert not client.has_extn("auth")
            assert client.mail("ann@client.example")[0] == 530
            client.starttls(context=context_of(mail))
            client.ehlo()
            assert client.has_extn("auth") and not client.has_extn("starttls")
            assert client.mail("ann@client.example")[0] == 250
            code, text = client.rcpt("bob@example.test")
            assert code == 554 and b"Access denied" in text, (code, text)


def swaks(mail, service, *words, good=True):
    done = subprocess.run([smtp_peers.need("swaks"), "--server", "127.0.0.1", "--port", str(mail.ports[service]), "--ehlo", "client.example", "--from", "ann@client.example", "--to", "bob@example.test",
                           "--timeout", "20", *words], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
    assert (done.returncode == 0) == good, (done.returncode, done.stdout, done.stderr, mail.log_tail())
    return done.stdout


def test_swaks_sends_a_message(options, folder):
    with submission(options, folder) as mail:
        swaks(mail, "smtp", "--header", "Subject: by swaks")
        assert "Subject: by swaks" in one_message(mail)


def test_swaks_submits_with_tls_and_auth(options, folder):
    with submission(options, folder) as mail:
        for service, words in (("submission", ["--tls"]), ("submissions", ["--tls-on-connect"])):
            for mechanism in ("PLAIN", "LOGIN"):
                said = swaks(mail, service, *words, "--auth", mechanism, "--auth-user", "jane", "--auth-password", "other")
                assert "TLS started with cipher TLSv1.3" in said and "235 2.7.0 Authentication successful" in said, said
        mail.wait_empty()
        assert len(mail.maildir("bob")) == 4
        said = swaks(mail, "submission", "--tls", "--auth", "PLAIN", "--auth-user", "jane", "--auth-password", "wrong", good=False)
        assert "535 5.7.8 Error: authentication failed" in said, said
        mail.wait_log(r"warning: unknown\[127\.0\.0\.1\]: SASL PLAIN authentication failed: authentication failure, sasl_username=jane")


def s_client(mail, service, *words, text):
    done = subprocess.run([smtp_peers.need("openssl"), "s_client", "-connect", f"127.0.0.1:{mail.ports[service]}", "-CAfile", mail.certificate, "-crlf", "-ign_eof", *words],
                          input=text.encode(), capture_output=True, check=False, timeout=60)
    return done.stdout.decode("utf-8", "replace")


def test_s_client_speaks_starttls_and_resumes_sessions(options, folder):
    with submission(options, folder, smtpd_forbid_unauth_pipelining="no") as mail:  # it sends all that it reads at once
        session = folder / "session"
        for words, new in ((["-sess_out", session], "New"), (["-sess_in", session], "Reused")):
            said = s_client(mail, "smtp", "-starttls", "smtp", "-tls1_2", *words, text="EHLO client.example\nQUIT\n")
            assert re.search(rf"^{new}, TLSv1\.2, Cipher is", said, re.M) and "Verification: OK" in said and "221 2.0.0 Bye" in said, said


def test_s_client_speaks_tls_from_the_start(options, folder):
    with submission(options, folder, smtpd_forbid_unauth_pipelining="no") as mail:
        said = s_client(mail, "submissions", "-quiet", text="EHLO client.example\nMAIL FROM:<ann@client.example>\nRCPT TO:<bob@example.test>\nQUIT\n")
        assert "220 mail.example.test ESMTP" in said and "250-AUTH PLAIN LOGIN CRAM-MD5" in said and "Access denied" in said and "221 2.0.0 Bye" in said, said


def test_a_certificate_that_changes_is_noticed(options, folder):
    with submission(options, folder) as mail:
        first = ssl.get_server_certificate(("127.0.0.1", mail.ports["submissions"]))
        other = folder / "anew"
        other.mkdir()
        chain, certificate = smtp_peers.make_certificate(other, mail.owner)
        chain.replace(folder / "chain.pem")
        mta.wait(lambda: ssl.get_server_certificate(("127.0.0.1", mail.ports["submissions"])).strip() == certificate.read_text().strip(), what="the new certificate")
        assert first.strip() != certificate.read_text().strip()


class Imap:
    """As much of an IMAP server as saslauthd asks for; joe's password is secret."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as file, contextlib.suppress(OSError):
                file.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
                file.flush()
                for line in file:
                    tag, _, command = line.strip().partition(b" ")
                    if command.upper().startswith(b"LOGIN"):
                        self.asked += 1
                        good = b"joe" in command and b"secret" in command
                        file.write(tag + (b" OK welcome\r\n" if good else b" NO wrong\r\n"))
                    else:
                        file.write(tag + b" OK\r\n")
                    file.flush()


def test_saslauthd_is_asked(options, folder):
    program = smtp_peers.need("saslauthd")
    folder.chmod(0o755)
    place = folder / "run"
    place.mkdir()
    place.chmod(0o755)
    imap = Imap()
    child = subprocess.Popen([program, "-d", "-a", "rimap", "-O", f"127.0.0.1/{imap.port}", "-m", str(place), "-n", "2"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        mta.wait((place / "mux").exists, what="saslauthd's socket")
        with submission(options, folder) as mail:
            (mail.etc / "sasl/smtpd.conf").write_text(f"pwcheck_method: saslauthd\nsaslauthd_path: {place}/mux\nmech_list: PLAIN LOGIN\n")
            for user, password, code in (("joe", "secret", 235), ("joe", "wrong", 535), ("nobody", "secret", 535)):
                with mail.smtp("submission") as client:
                    client.starttls(context=context_of(mail))
                    client.ehlo()
                    client.user, client.password = user, password
                    try:
                        assert client.auth("PLAIN", client.auth_plain)[0] == code, (user, password)
                    except smtplib.SMTPAuthenticationError as refused:
                        assert refused.smtp_code == code, (user, password, refused, mail.log_tail())
            assert imap.asked == 3
    finally:
        imap.listener.close()
        mta.end_peer(child)


def test_many_logins_at_once_do_not_wait_for_each_other(options, folder):
    with submission(options, folder) as mail:
        results = []

        def one(number):
            with mail.smtp("submission") as client:
                client.starttls(context=context_of(mail))
                user, password = (("joe", "se cret"), ("jane", "other"))[number % 2]
                results.append(client.login(user, password)[0])
        threads = [threading.Thread(target=one, args=(number,)) for number in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert results == [235] * 30, (results, mail.log_tail())


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
