"""What tests of the SMTP server share: a system of ours with smtpd on ports of its own, certificates, passwords, and peers.

    with smtp_peers.system(options, {"smtp": ""}, {...}) as mail:      # name: options of master.cf
        mail.start()
        with mail.smtp("smtp") as client:                              # an smtplib.SMTP
            client.sendmail(...)
"""
import contextlib
import os
import pathlib
import shutil
import smtplib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
import mta  # noqa: E402

LIMIT = 30


class Server(mta.Postrider):
    """Ours, with the services of `smtpd` (name: options) on free ports of 127.0.0.1; `ports` tells which."""

    def __init__(self, build, smtpd, parameters=None, **more):
        self.ports = {name: mta.free_port() for name in smtpd}
        inet = [f"127.0.0.1:{self.ports[name]} inet n - n - - smtpd" + (f"\n  {options}" if options else "") for name, options in smtpd.items()]
        super().__init__(build, {"smtpd_peername_lookup": "no", "mynetworks": "127.0.0.2", **(parameters or {})}, inet=inet + more.pop("inet", []), **more)

    def smtp(self, name="smtp", cls=smtplib.SMTP, **more):
        return cls("127.0.0.1", self.ports[name], local_hostname="client.example", timeout=LIMIT, **more)

    def connect(self, name="smtp"):
        return Talk(socket.create_connection(("127.0.0.1", self.ports[name]), timeout=LIMIT))

    def resident(self, program="smtpd"):
        """Kilobytes of memory of all processes of this program."""
        total = 0
        for pid in self.pids(program):
            with contextlib.suppress(OSError):
                for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmRSS:"):
                        total += int(line.split()[1])
        return total


class Talk:
    """A plain dialogue: what is sent is bytes, what comes back are replies."""

    def __init__(self, connection, greeting=True):
        self.socket, self.file = connection, connection.makefile("rb")
        self.greeting = self.reply() if greeting else b""

    def reply(self):
        """All lines of one reply; b"" when the server has closed."""
        lines = b""
        while True:
            line = self.file.readline(100000)
            lines += line
            if line[3:4] != b"-":
                return lines

    def ask(self, data):
        self.socket.sendall(data)
        return self.reply()

    def asks(self, *lines):
        return [self.ask(line + b"\r\n") for line in lines]

    def begin(self, *recipients, sender=b"ann@client.example"):
        """EHLO to RCPT; the last reply."""
        self.ask(b"EHLO client.example\r\n")
        return self.asks(b"MAIL FROM:<" + sender + b">", *(b"RCPT TO:<" + recipient + b">" for recipient in recipients))[-1]

    def rest(self):
        """All that comes until the server closes."""
        return self.file.read()

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def need(*programs):
    """The paths of programs; the case is skipped when one is missing."""
    found = [shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin") for program in programs]
    for program, path in zip(programs, found):
        if not path:
            raise cases.Skipped(f"there is no {program} here")
    return found[0] if len(found) == 1 else found


def make_certificate(folder, owner, name="mail.example.test"):
    """A chain file (key and certificate) that the owner's daemons may read, and the certificate alone: (chain, certificate)."""
    key, certificate, chain = folder / "key.pem", folder / "cert.pem", folder / "chain.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate, "-days", "30",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"], check=True, capture_output=True, timeout=LIMIT)
    chain.write_text(key.read_text() + certificate.read_text())
    if mta.is_root():
        os.chown(chain, owner.uid, owner.gid)
    chain.chmod(0o600)
    certificate.chmod(0o644)
    return chain, certificate


def make_passwords(mail, users, realm="example.test"):
    """A sasldb for Cyrus in etc/sasl; returns the parameters that make smtpd use it."""
    folder = mail.etc / "sasl"
    folder.mkdir()
    database = folder / "sasldb2"
    for user, password in users.items():
        subprocess.run([need("saslpasswd2"), "-p", "-c", "-f", database, "-u", realm, user], input=password.encode(), check=True, timeout=LIMIT)
    mail.own(database, mail.owner)
    (folder / "smtpd.conf").write_text(f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: PLAIN LOGIN CRAM-MD5\n")
    return {"smtpd_sasl_auth_enable": "yes", "cyrus_sasl_config_path": folder, "smtpd_sasl_local_domain": realm}
