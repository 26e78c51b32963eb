#!/usr/bin/env python3
"""AUTH against real back ends: Cyrus SASL with sasldb and with saslauthd, Dovecot's auth service, and services that are hostile or away; and
anvil's limits, per client and per account, over real processes."""
import base64
import contextlib
import hashlib
import hmac
import itertools
import os
import pathlib
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases
import mta

SERVICES = ("anvil", "cleanup", "qmgr", "pickup", "bounce", "defer", "trace", "showq", "error", "retry", "virtual", "discard", "postlog",
            "rewrite", "tlsmgr")


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def plain(user, password, as_user=""):
    return "AUTH PLAIN " + b64(f"{as_user}\0{user}\0{password}")


class Client:
    """One SMTP dialogue; a reply is its last line, all lines are kept in `lines`."""

    def __init__(self, mail, hello=True):
        self.socket = socket.create_connection(("127.0.0.1", mail.port), mta.LIMIT)
        self.file = self.socket.makefile("rb")
        self.lines = []
        self.greeting = self.reply()
        if hello and self.greeting.startswith("220"):
            self.say("EHLO client.example")

    def reply(self):
        self.lines = []
        while True:
            line = self.file.readline().decode("utf-8", "backslashreplace").rstrip("\r\n")
            self.lines.append(line)
            if line[3:4] != "-":
                return line

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def expect(self, line, wanted):
        said = self.say(line)
        assert said == wanted, f"{line[:60]!r}: {said!r} instead of {wanted!r}"

    def close(self):
        self.file.close()
        self.socket.close()


def system(options, parameters=None, system_class=mta.Postrider, **more):
    port = mta.free_port()
    values = {"smtpd_sasl_auth_enable": "yes", "smtpd_peername_lookup": "no", "mynetworks": "192.0.2.0/24",
              "smtpd_relay_restrictions": "permit_sasl_authenticated, reject_unauth_destination", **(parameters or {})}
    build = [options.build] if system_class is mta.Postrider else []
    mail = system_class(*build, values, services=SERVICES, inet=[f"127.0.0.1:{port} inet n - n - - smtpd"], **more)
    mail.port = port
    return mail


def log_has(mail, text):
    mta.wait(lambda: text in mail.log_file.read_text(errors="replace"), what=f"{text!r} in the log")


def cyrus_conf(mail, text):
    folder = mail.etc / "sasl"
    folder.mkdir(exist_ok=True)
    (folder / "smtpd.conf").write_text(text, encoding="utf-8")
    for path in (folder, folder / "smtpd.conf"):
        mail.own(path)


def sasldb(mail, mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"):
    """bob's password is "secret" in the realm of the host, ann's in realm.example."""
    if not shutil.which("saslpasswd2", path="/usr/sbin:/usr/bin"):
        raise cases.Skipped("saslpasswd2 (sasl2-bin) is not here")
    database = mail.base / "sasldb2"
    cyrus_conf(mail, f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: {mechanisms}\n")
    for user, realm in (("bob", "mail.example.test"), ("ann", "realm.example")):
        subprocess.run(["/usr/sbin/saslpasswd2", "-p", "-c", "-f", database, "-u", realm, user], input=b"secret", check=True, timeout=mta.LIMIT)
    mail.own(database, mail.owner, 0o600)


def cram_md5(client, user, password):
    challenge = base64.b64decode(client.say("AUTH CRAM-MD5")[4:])
    return client.say(b64(user + " " + hmac.new(password.encode(), challenge, "md5").hexdigest()))


def scram(client, name, user, password, algorithm):
    """RFC 5802, without channel binding."""
    first = f"n={user},r=client-nonce"
    server_first = base64.b64decode(client.say(f"AUTH {name} " + b64("n,," + first))[4:]).decode()
    fields = dict(field.split("=", 1) for field in server_first.split(","))
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    key = hmac.new(salted, b"Client Key", algorithm).digest()
    last = f"c=biws,r={fields['r']}"
    signed = ",".join((first, server_first, last)).encode()
    signature = hmac.new(hashlib.new(algorithm, key).digest(), signed, algorithm).digest()
    proof = bytes(a ^ b for a, b in zip(key, signature))
    said = client.say(b64(f"{last},p={b64(proof)}"))
    if said.startswith("334"):  # the server's signature, in a step of its own
        server_key = hmac.new(salted, b"Server Key", algorithm).digest()
        expected = b64(hmac.new(server_key, signed, algorithm).digest())
        assert base64.b64decode(said[4:]).decode() == "v=" + expected, said
        said = client.say("")
    return said


OK = "235 2.7.0 Authentication successful"
WRONG = "535 5.7.8 Error: authentication failed: authentication failure"


def every_mechanism(mail, wrong=WRONG):
    """PLAIN, LOGIN, CRAM-MD5 and both SCRAMs, with the right and with a wrong password."""
    attempts = {
        "PLAIN": lambda client, password: client.say(plain("bob", password)),
        "LOGIN": lambda client, password: (client.say("AUTH LOGIN"), client.say(b64("bob")), client.say(b64(password)))[-1],
        "CRAM-MD5": lambda client, password: cram_md5(client, "bob", password),
        "SCRAM-SHA-1": lambda client, password: scram(client, "SCRAM-SHA-1", "bob", password, "sha1"),
        "SCRAM-SHA-256": lambda client, password: scram(client, "SCRAM-SHA-256", "bob", password, "sha256"),
    }
    for name, attempt in attempts.items():
        client = Client(mail)
        offered = next(line for line in client.lines if line.startswith("250-AUTH "))
        assert name in offered.split(), offered
        said = attempt(client, "wrong")
        assert said == wrong or said.startswith("535 5.7.8 "), (name, said)
        said = attempt(client, "secret")
        assert said == OK, (name, said)
        client.expect("RSET", "250 2.0.0 Ok")
        client.close()
        log_has(mail, f"warning: unknown[127.0.0.1]: SASL {name} authentication failed: ")


# --- Cyrus


def test_sasldb_takes_every_mechanism(options):
    with system(options) as mail:
        sasldb(mail)
        mail.start()
        every_mechanism(mail)


def test_a_message_of_a_logged_in_client_is_taken_and_says_whose_it_is(options):
    with system(options, {"smtpd_sasl_authenticated_header": "yes"}) as mail:
        sasldb(mail)
        mail.start()
        client = Client(mail)
        assert client.say("MAIL FROM:<ann@example.test>").startswith("250")
        client.expect("RCPT TO:<x@elsewhere.example>", "554 5.7.1 <x@elsewhere.example>: Relay access denied")
        client.say("RSET")
        client.expect(plain("bob", "secret"), OK)
        client.expect("MAIL FROM:<ann@example.test> AUTH=<ann@example.test>", "250 2.1.0 Ok")
        client.expect("RCPT TO:<box@example.test>", "250 2.1.5 Ok")
        client.say("DATA")
        assert client.say("Subject: x\r\n\r\nhello\r\n.").startswith("250 2.0.0 Ok: queued as ")
        log_has(mail, "client=unknown[127.0.0.1], sasl_method=PLAIN, sasl_username=bob")


def test_another_realm_is_part_of_the_name(options):
    with system(options) as mail:
        sasldb(mail)
        mail.start()
        client = Client(mail)
        client.expect(plain("ann", "secret"), WRONG)
        client.expect(plain("ann@realm.example", "secret"), OK)


def test_the_local_domain_is_the_realm(options):
    with system(options, {"smtpd_sasl_local_domain": "realm.example"}) as mail:
        sasldb(mail)
        mail.start()
        client = Client(mail)
        client.expect(plain("bob", "secret"), WRONG)
        client.expect(plain("ann", "secret"), OK)


def test_pythons_smtplib_logs_in(options):
    with system(options) as mail:
        sasldb(mail)
        mail.start()
        for mechanisms in (["CRAM-MD5"], ["PLAIN"], ["LOGIN"]):
            with smtplib.SMTP("127.0.0.1", mail.port, timeout=mta.LIMIT) as client:
                client.ehlo()
                client.esmtp_features["auth"] = " ".join(mechanisms)
                assert client.login("bob", "secret")[0] == 235


def test_security_options_and_filter_say_what_is_offered(options):
    for parameters, wanted in (({"smtpd_sasl_security_options": "noplaintext, noanonymous"}, {"CRAM-MD5"}),
                               ({"smtpd_sasl_mechanism_filter": "plain, login"}, {"PLAIN", "LOGIN"}),
                               ({"smtpd_sasl_exceptions_networks": "127.0.0.0/8"}, None),
                               ({"smtpd_tls_auth_only": "yes", "smtpd_tls_security_level": "may"}, None)):
        with system(options, parameters) as mail:
            sasldb(mail, "PLAIN LOGIN CRAM-MD5")
            mail.start()
            client = Client(mail)
            offered = [line for line in client.lines if line[4:8] == "AUTH"]
            assert (set(offered[0].split()[1:]) if offered else None) == wanted, (parameters, client.lines)
            client.close()


def test_mistakes_in_main_cf_are_told(options):
    for parameters, text in (({"smtpd_sasl_type": "foo"}, "unsupported SASL server implementation: foo"),
                             ({"smtpd_sasl_security_options": "noplain"}, 'unknown SASL security options value "noplain"')):
        with system(options, parameters) as mail:
            mail.start()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", mail.port), mta.LIMIT):
                log_has(mail, text)


class Imap(threading.Thread):
    """As much of an IMAP server as `saslauthd -a rimap` needs; knows bob, and takes `pause` for others."""

    def __init__(self, pause=0.0):
        super().__init__(daemon=True)
        self.pause = pause
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        with contextlib.suppress(OSError, ValueError, IndexError), link:
            file = link.makefile("rwb", 0)
            file.write(b"* OK ready\r\n")
            tag, _, user, password = file.readline().decode().split()
            if user != '"bob"':
                time.sleep(self.pause)
            good = (user, password) == ('"bob"', '"secret"')
            file.write(f"{tag} {'OK' if good else 'NO'} done\r\n".encode())


@contextlib.contextmanager
def saslauthd(mail, imap, processes=5):
    if not os.path.exists("/usr/sbin/saslauthd"):
        raise cases.Skipped("saslauthd (sasl2-bin) is not here")
    folder = mail.base / "saslauthd"
    folder.mkdir()
    os.chmod(folder, 0o755)
    daemon = subprocess.Popen(["/usr/sbin/saslauthd", "-a", "rimap", "-O", f"127.0.0.1/{imap.port}", "-m", folder, "-n", str(processes), "-d"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
                              start_new_session=True)  # at its end it ends its whole process group
    try:
        mta.wait((folder / "mux").exists, what="saslauthd's socket")
        os.chmod(folder / "mux", 0o777)
        cyrus_conf(mail, f"pwcheck_method: saslauthd\nsaslauthd_path: {folder}/mux\nmech_list: PLAIN LOGIN\n")
        yield daemon
    finally:
        mta.end_peer(daemon)


def test_saslauthd(options):
    with system(options) as mail, saslauthd(mail, Imap()):
        mail.start()
        client = Client(mail)
        client.expect(plain("bob", "wrong"), WRONG)
        client.expect(plain("bob", "secret"), OK)
        client = Client(mail)
        client.say("AUTH LOGIN " + b64("bob"))
        client.expect(b64("secret"), OK)


def test_saslauthd_that_is_away_is_a_temporary_failure(options):
    with system(options) as mail:
        with saslauthd(mail, Imap()):
            pass
        mail.start()
        client = Client(mail)
        client.expect(plain("bob", "secret"), "454 4.7.0 Temporary authentication failure: generic failure")
        log_has(mail, "SASL PLAIN authentication failed: generic failure, sasl_username=bob")


def test_slow_logins_hold_up_nobody_else(options):
    """Sessions that wait for passwords to be checked, in the same process as sessions that go on."""
    with system(options) as mail, saslauthd(mail, Imap(pause=6)):
        mail.start()
        slow = [Client(mail) for _ in range(3)]
        for client in slow:
            client.socket.sendall(plain("nobody", "x").encode() + b"\r\n")
        begun = time.monotonic()
        other = Client(mail)
        for _ in range(20):
            other.expect("NOOP", "250 2.0.0 Ok")
        assert time.monotonic() - begun < 5, "sessions waited for the logins of others"
        for client in slow:
            assert client.reply() == WRONG


# --- side by side with Debian's Postfix


def certificate(mail):
    """A key and a certificate of the test's own; the parameters that name them."""
    path = mail.base / "tls.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=mail.example.test", "-keyout", path, "-out", mail.base / "certificate.pem"],
                   check=True, capture_output=True, timeout=mta.LIMIT)
    with open(path, "a", encoding="ascii") as file:
        file.write((mail.base / "certificate.pem").read_text())
    mail.own(path, mail.account, 0o600)
    return {"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": path, "smtpd_tls_loglevel": "0"}


GOOD, BAD = plain("bob", "secret"), plain("bob", "wrong")
STEPS = {
    "good": [GOOD],
    "bad": [BAD],
    "abort": ["AUTH LOGIN", "*"],
    "junk": ["AUTH LOGIN", "RSET!"],
    "login": ["AUTH LOGIN " + b64("bob"), b64("secret")],
    "reset": ["RSET"],
    "hello": ["EHLO again.example"],
    "mail": ["MAIL FROM:<ann@example.test>"],
    "tls": ["STARTTLS"],
}
ORDERS = [order for order in itertools.product(STEPS, repeat=3) if order.count("tls") <= 2 and len(set(order)) > 1][::4]


def play(mail, order):
    """The codes and texts of a dialogue, step by step."""
    client, said = Client(mail), []
    for step in order:
        for number, line in enumerate(STEPS[step]):
            if number > 0 and not said[-1].startswith("334"):
                break  # there is no dialogue to go on with
            answer = client.say(line)
            said.append(answer[:3] if step == "hello" else answer)  # we have keywords that Debian's does not know yet
        if step == "tls" and said[-1].startswith("220"):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client.file.close()
            client.socket = context.wrap_socket(client.socket)
            client.file = client.socket.makefile("rb")
    said.append(client.say(GOOD))
    client.close()
    return said


def both(options, parameters=None, prepare=sasldb):
    """Ours and Debian's Postfix, started with the same main.cf."""
    if not mta.Debian.available():
        raise cases.Skipped("Debian's Postfix cannot be run here")
    systems = contextlib.ExitStack()
    found = []
    for system_class in (mta.Postrider, mta.Debian):
        mail = systems.enter_context(system(options, {"smtpd_error_sleep_time": "0", "smtpd_hard_error_limit": "1000",
                                                              **(parameters or {})}, system_class))
        prepare(mail)
        mail.set(**certificate(mail))
        mail.start()
        found.append(mail)
    return systems, found


def test_every_order_of_auth_and_starttls_is_as_in_debians_postfix(options):
    systems, (ours, debians) = both(options)
    with systems:
        for order in ORDERS:
            mine, theirs = play(ours, order), play(debians, order)
            assert mine == theirs, f"{order}: {mine} instead of {theirs}"


def test_replies_are_those_of_debians_postfix(options):
    script = ["AUTH", "AUTH FOO", "AUTH PLAIN a b", "AUTH PLAIN ====", "AUTH PLAIN !!!", "AUTH PLAIN Zg", BAD, plain("nobody", "x"), plain("bob", "secret", "ann"),
              "AUTH ANONYMOUS", "AUTH CRAM-MD5 " + b64("bob"), "AUTH LOGIN", "A" * 12288, "NOOP", "AUTH LOGIN", "*", "AUTH LOGIN", "!", "AUTH LOGIN", "",
              b64("x"), "AUTH PLAIN", "*", "AUTH GSSAPI x", "AUTH EXTERNAL " + b64("bob"), "AUTH LOGIN " + b64("bob"), "bad", "AUTH plain " + b64("\0bob\0secret"),
              "AUTH", "MAIL FROM:<a@example.test>", "AUTH"]
    systems, (ours, debians) = both(options)
    with systems:
        clients = [Client(ours), Client(debians)]
        for line in script:
            mine, theirs = (client.say(line) for client in clients)
            assert mine == theirs, f"{line[:60]!r}: {mine!r} instead of {theirs!r}"
        for client in clients:
            client.close()

        def told(mail):
            text = mail.log_file.read_text(errors="replace")
            return [line.split("]: ", 1)[1] for line in text.splitlines() if "smtpd[" in line and "SASL" in line]
        mta.wait(lambda: told(ours) == told(debians), what=f"the same log: {told(ours)} instead of {told(debians)}")


# --- Dovecot


@contextlib.contextmanager
def dovecot(mail, mechanisms="plain login cram-md5 scram-sha-1 scram-sha-256"):
    """Debian's Dovecot, with nothing but its auth service, in a folder of its own. bob's password is "secret"."""
    if not shutil.which("dovecot", path="/usr/sbin"):
        raise cases.Skipped("dovecot (dovecot-core) is not here")
    base = mail.base / "dovecot"
    base.mkdir()
    os.chmod(base, 0o755)
    (base / "users").write_text("bob:{PLAIN}secret\n", encoding="utf-8")
    os.chmod(base / "users", 0o644)
    socket_path = mail.queue / "private" / "auth"
    me = mta.me()
    users = "" if mta.is_root() else (f"default_internal_user = {me.name}\ndefault_internal_group = {me.group}\n"
                                      f"default_login_user = {me.name}\n")
    (base / "dovecot.conf").write_text(
        f"base_dir = {base}/run\nstate_dir = {base}/state\nlog_path = {base}/log\nprotocols =\nssl = no\n{users}"
        f"disable_plaintext_auth = no\nauth_mechanisms = {mechanisms}\nauth_failure_delay = 0\n"
        f"passdb {{\n  driver = passwd-file\n  args = {base}/users\n}}\n"
        f"service auth {{\n  unix_listener {socket_path} {{\n    mode = 0666\n  }}\n}}\n"
        "service stats {\n  unix_listener stats-writer {\n    mode = 0666\n  }\n}\n", encoding="utf-8")
    daemon = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", base / "dovecot.conf"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.STDOUT, start_new_session=True)
    try:
        mta.wait(lambda: socket_path.exists() or daemon.poll() is not None, what="dovecot's auth socket")
        assert daemon.poll() is None, (base / "log").read_text() if (base / "log").exists() else "dovecot did not start"
        yield daemon
    finally:
        mta.end_peer(daemon)  # and its auth process, which serves those who are connected


DOVECOT = {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth"}
REFUSED = "535 5.7.8 Error: authentication failed: (reason unavailable)"


def test_dovecot_takes_every_mechanism(options):
    with system(options, DOVECOT) as mail, dovecot(mail):
        mail.start()
        every_mechanism(mail, REFUSED)
        client = Client(mail)
        client.expect("AUTH FOO", "535 5.7.8 Error: authentication failed: Invalid authentication mechanism")
        client.expect("AUTH PLAIN !!", "535 5.7.8 Error: authentication failed: Invalid base64 data in initial response")
        client.say("AUTH LOGIN")
        client.expect("!!", "535 5.7.8 Error: authentication failed: Invalid base64 data in continued response")
        client.say("AUTH LOGIN")
        client.expect("*", "501 5.7.0 Authentication aborted")
        client.expect("AUTH PLAIN =", REFUSED)
        client.expect(plain("bob", "secret"), OK)


def test_dovecot_may_be_restarted(options):
    with system(options, DOVECOT) as mail:
        with dovecot(mail):
            mail.start()
            first = Client(mail)
            first.expect(plain("bob", "secret"), OK)
        shutil.rmtree(mail.base / "dovecot")
        second = Client(mail)
        said = second.say(plain("bob", "secret"))
        assert said == "454 4.7.0 Temporary authentication failure: Can't connect to authentication server", said
        with dovecot(mail):
            mta.wait(lambda: second.say(plain("bob", "secret")) == OK, what="a login after the restart")


class Hostile(threading.Thread):
    """An auth service that says what the test wants. `answer` gets the words of a request."""

    GREETING = (b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n")

    def __init__(self, mail, answer, greeting=GREETING):
        super().__init__(daemon=True)
        self.answer, self.greeting = answer, greeting
        self.listener = socket.socket(socket.AF_UNIX)
        path = mail.queue / "private" / "auth"
        path.unlink(missing_ok=True)
        self.listener.bind(str(path))
        os.chmod(path, 0o777)
        self.listener.listen(50)
        self.start()

    def run(self):
        while True:
            link, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        with contextlib.suppress(OSError), link:
            link.sendall(self.greeting)
            for line in link.makefile("rb"):
                words = line.rstrip(b"\n").split(b"\t")
                if words[0] not in (b"AUTH", b"CONT"):
                    continue
                answer = self.answer(words)
                if answer is None:
                    return
                link.sendall(answer)


def test_hostile_auth_services_hurt_nobody(options):
    lost = "454 4.7.0 Temporary authentication failure: Connection lost to authentication server"
    backend = "535 5.7.8 Error: authentication failed: Authentication backend error"
    stories = [
        (lambda words: None, lost),
        (lambda words: b"OK\t" + words[1] + b"\n", backend),
        (lambda words: b"OK\tx\n", lost),
        (lambda words: b"FAIL\t\n", lost),
        (lambda words: b"CONT\t" + words[1] + b"\t!!!\n", backend),
        (lambda words: b"x" * 100000, lost),
        (lambda words: b"\0" * 1000 + b"\n" + b"OK\t" + words[1] + b"\tuser=bob\n", OK),
        (lambda words: b"OK\t77\tuser=eve\nOK\t" + words[1] + b"\tuser=bob\n", OK),
        (lambda words: b"OK\t" + words[1] + b"\tuser=bo\001nb\n", "535 5.7.8 Error: authentication failed: the login name cannot be used in mail"),
        (lambda words: b"OK\t" + words[1] + b"\tuser=" + b"b" * 30000 + b"\n", OK),
        (lambda words: b"FAIL\t" + words[1] + b"\treason=no\001r\001n250 fine\n", "535 5.7.8 Error: authentication failed: no??250 fine"),
        (lambda words: b"FAIL\t" + words[1] + b"\ttemp\n", "454 4.7.0 Temporary authentication failure: (reason unavailable)"),
        (lambda words: b"FAIL\t" + words[1] + b"\treason=" + b"r" * 5000 + b"\n", None),
    ]
    with system(options, DOVECOT) as mail:
        service = Hostile(mail, None)
        mail.start()
        pids = None
        for number, (answer, wanted) in enumerate(stories):
            service.answer = answer
            client = Client(mail)
            said = client.say(plain("bob", "secret"))
            if wanted is None:
                assert said.startswith("535 5.7.8 ") and len(said) <= 510, said
            else:
                assert said == wanted, (number, said, wanted)
            client.expect("NOOP", "250 2.0.0 Ok")
            client.close()
            now = {pid for pid, name in mail.processes().items() if name == "smtpd"}
            pids = pids or now
        assert pids & now, "every smtpd was replaced"


def test_bad_greetings_are_told_and_auth_is_not_offered(options):
    for greeting, text in ((b"VERSION\t2\t0\nDONE\n", "SASL: Protocol version mismatch (2 vs. 1)"),
                           (b"VERSION\t1\t1\nSPID\t1\nMECH\tPLAIN\nDONE\n", "SASL: Connected to wrong auth socket (auth-master instead of auth-client)"),
                           (b"DONE\n", "SASL: Protocol version error"),
                           (b"x" * 100000, "SASL: Connect to Dovecot auth socket 'private/auth' failed")):
        with system(options, DOVECOT) as mail:
            Hostile(mail, None, greeting)
            mail.start()
            client = Client(mail)
            assert not any("AUTH" in line for line in client.lines), client.lines
            assert client.say(plain("bob", "secret")).startswith("454 4.7.0 "), greeting
            log_has(mail, text)


# --- limits over sessions


def test_limits_of_clients_in_postfixs_words(options):
    parameters = {"smtpd_client_auth_rate_limit": 2, "smtpd_client_message_rate_limit": 2, "smtpd_client_recipient_rate_limit": 2,
                  "smtpd_client_connection_count_limit": 2, "smtpd_client_connection_rate_limit": 5}
    with system(options, parameters) as mail:
        sasldb(mail)
        mail.start()
        service = f"127.0.0.1:{mail.port}"
        client = Client(mail)
        for _ in range(2):
            client.expect(plain("bob", "wrong"), WRONG)
        client.expect("AUTH", "450 4.7.1 Error: too many AUTH commands from 127.0.0.1")
        log_has(mail, f"warning: AUTH command rate limit exceeded: 3 from unknown[127.0.0.1] for service {service}")
        for number in range(2):
            client.expect("MAIL FROM:<a@example.test>", "250 2.1.0 Ok")
            client.expect("RCPT TO:<b@example.test>", "250 2.1.5 Ok")
            if number == 0:
                client.say("RSET")
        client.expect("RCPT TO:<b@example.test>", "450 4.7.1 Error: too many recipients from 127.0.0.1")
        log_has(mail, f"warning: Recipient address rate limit exceeded: 3 from unknown[127.0.0.1] for service {service}")
        client.say("RSET")
        client.expect("MAIL FROM:<a@example.test>", "450 4.7.1 Error: too much mail from 127.0.0.1")
        log_has(mail, f"warning: Message delivery request rate limit exceeded: 3 from unknown[127.0.0.1] for service {service}")
        others = [Client(mail, hello=False), Client(mail, hello=False)]
        assert others[0].greeting.startswith("220"), others[0].greeting
        assert others[1].greeting == "421 4.7.0 mail.example.test Error: too many connections from 127.0.0.1", others[1].greeting
        log_has(mail, f"warning: Connection concurrency limit exceeded: 3 from unknown[127.0.0.1] for service {service}")
        for one in others:
            one.close()
        # Places become free again; then the rate is used up.
        mta.wait(lambda: "Connection rate limit exceeded" in mail.log_file.read_text() or Client(mail, hello=False).close(), what="the rate to be used up")
        log_has(mail, f"from unknown[127.0.0.1] for service {service}")
        mail.reload()  # that is anvil's end, and the next one's start
        log_has(mail, "statistics: max cache size 1 at ")
        text = mail.log_file.read_text()
        for what in ("connection rate", "connection count", "message rate", "recipient rate", "auth rate"):
            assert f"statistics: max {what} " in text and f"for ({service}:127.0.0.1) at " in text, what


def test_an_account_has_limits_of_its_own_wherever_it_comes_from(options):
    parameters = {"smtpd_sasl_account_message_rate_limit": 3, "smtpd_sasl_account_recipient_rate_limit": 4, "mynetworks": "127.0.0.0/8"}
    with system(options, parameters) as mail:
        sasldb(mail)
        mail.start()
        for _ in range(3):
            client = Client(mail)
            client.expect(plain("bob", "secret"), OK)
            client.expect("MAIL FROM:<a@example.test>", "250 2.1.0 Ok")
            client.expect("RCPT TO:<b@example.test>", "250 2.1.5 Ok")
            client.close()
        client = Client(mail)
        client.expect("MAIL FROM:<a@example.test>", "250 2.1.0 Ok")  # nobody's
        client.say("RSET")
        client.expect(plain("bob", "secret"), OK)
        client.expect("MAIL FROM:<a@example.test>", "450 4.7.1 Error: too much mail from bob")
        log_has(mail, f"warning: Message delivery request rate limit exceeded: 4 from unknown[127.0.0.1] for service 127.0.0.1:{mail.port}, sasl_username=bob")
        other = Client(mail)
        other.expect(plain("ann@realm.example", "secret"), OK)
        other.expect("MAIL FROM:<a@example.test>", "250 2.1.0 Ok")
        for _ in range(4):
            other.expect("RCPT TO:<b@example.test>", "250 2.1.5 Ok")
        other.expect("RCPT TO:<b@example.test>", "450 4.7.1 Error: too many recipients from ann@realm.example")


def test_a_network_counts_as_one_client(options):
    with system(options, {"smtpd_client_ipv4_prefix_length": 24, "smtpd_client_connection_count_limit": 1}) as mail:
        mail.start()
        first = Client(mail)
        assert first.greeting.startswith("220")
        assert Client(mail, hello=False).greeting.startswith("421 4.7.0 ")
        mail.reload()
        log_has(mail, "127.0.0.0/24) at ")


def test_a_killed_smtpd_leaves_no_connections_behind(options):
    with system(options, {"smtpd_client_connection_count_limit": 2, "service_throttle_time": "1s"}) as mail:
        mail.start()
        clients = [Client(mail), Client(mail)]
        assert Client(mail, hello=False).greeting.startswith("421")
        for pid, name in mail.processes().items():
            if name == "smtpd":
                os.kill(pid, 9)
        mta.wait(lambda: Client(mail, hello=False).greeting.startswith("220"), what="a place for a client")
        del clients


def test_without_anvil_mail_goes_on(options):
    services = tuple(name for name in SERVICES if name != "anvil")
    with mta.Postrider(options.build, {"mynetworks": "192.0.2.0/24", "smtpd_peername_lookup": "no"}, services=services) as mail:
        mail.port = mta.free_port()
        mail.extra_services = [f"127.0.0.1:{mail.port} inet n - n - - smtpd"]
        mail.write_configuration()
        mail.start()
        client = Client(mail)
        assert client.say("MAIL FROM:<a@example.test>").startswith("250")
        log_has(mail, "problem talking to service anvil")


if __name__ == "__main__":
    mta.end_cleanly_on_sigterm()
    cases.main(__name__, cases.arguments())
