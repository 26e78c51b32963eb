"""Keys and certificates for tests, made by the openssl command when a test program begins; nothing secret lies among the sources.

    with certificates.Folder() as certs:
        certs.chain("mail.example.test")   # a file with key, certificate and authority
"""
import pathlib
import shutil
import subprocess
import tempfile


class Folder:
    """An authority (`ca`), and what it signs. Readable by everyone, so that unprivileged daemons can use it."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="certificates."))
        self.path.chmod(0o755)
        self.count = 0
        self.key("ca")
        self.openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/O=Tests/CN=Test CA", "-days", "30", "-out", "ca.pem")
        self.ca = self.path / "ca.pem"

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.path, check=True, capture_output=True)

    def key(self, name, kind="ec"):
        if kind == "ec":
            self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        else:
            self.openssl("genrsa", "-out", f"{name}.key", kind)
        (self.path / f"{name}.key").chmod(0o644)

    def chain(self, name, kind="ec", days="30"):
        """The file with key, certificate and authority for a host name; made at the first call."""
        base = f"{name}-{kind}"
        path = self.path / f"{base}-chain.pem"
        if not path.exists():
            self.count += 1
            self.key(base, kind)
            self.openssl("req", "-new", "-key", f"{base}.key", "-subj", f"/CN={name}", "-out", f"{base}.csr")
            self.openssl("x509", "-req", "-in", f"{base}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", str(self.count),
                         "-days", days, "-out", f"{base}.pem")
            path.write_text("".join((self.path / part).read_text() for part in (f"{base}.key", f"{base}.pem", "ca.pem")))
            path.chmod(0o644)
        return path

    def fingerprint(self, name, kind="ec"):
        done = subprocess.run(["openssl", "x509", "-in", f"{name}-{kind}.pem", "-noout", "-fingerprint", "-sha256"], cwd=self.path,
                              check=True, capture_output=True, text=True)
        return done.stdout.strip().partition("=")[2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)
