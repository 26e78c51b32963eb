#!/usr/bin/env python3
"""proxymap, asked as its clients ask it: what it answers, what it refuses, and what bad requests do."""
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

APPROVED = "proxy:unix:passwd.byname, proxy:inline:{key=value}, inline:{other=value}, proxy:hash:/nonexistent/table"


class Client:
    def __init__(self, mail, service="proxymap"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(mail.queue / "private" / service))
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)
        size = b""
        while not size.endswith(b":"):
            byte = self.file.read(1)
            if not byte:
                return None
            size += byte
        payload = self.file.read(int(size[:-1]))
        assert self.file.read(1) == b","
        return payload.decode()

    def ask(self, request):
        return self.send(b"%d:%s," % (len(request), request.encode()))


def system(options):
    return mta.Postrider(options.build, {"proxy_read_maps": APPROVED, "proxy_write_maps": ""}, services=["proxymap", "proxywrite", "postlog"])


def test_approved_tables_are_asked(options):
    with system(options) as mail:
        mail.start()
        client = Client(mail)
        me = mta.me().name
        assert client.ask(f"unix:passwd.byname {me}").startswith(f"OK {me}:")
        assert client.ask("unix:passwd.byname nobody-knows") == "NOTFOUND "
        assert client.ask("inline:{key=value} key") == "OK value"
        assert client.ask("inline:{key=value} ") == "NOTFOUND "
        assert client.ask("hash:/nonexistent/table x").startswith("TEMP ")


def test_other_tables_are_not(options):
    with system(options) as mail:
        mail.start()
        client = Client(mail)
        for request in ("inline:{other=value} other", "hash:/etc/passwd x", "proxy:unix:passwd.byname root", "unix:group.byname root", "x", ""):
            assert client.ask(request).startswith("PERM request for unapproved table"), request
        assert client.ask("inline:{key=value} key") == "OK value"
        mail.wait_log('request for unapproved table: "hash:/etc/passwd"')
        assert Client(mail, "proxywrite").ask("inline:{key=value} key").startswith("PERM ")


def test_bad_requests_end_their_client_only(options):
    with system(options) as mail:
        mail.start()
        good = Client(mail)
        assert good.ask("inline:{key=value} key") == "OK value"
        for bad in (b"x", b":", b"999999999:", b"12345678901:", b"3:abcd", b"-1:,"):
            assert Client(mail).send(bad) is None, bad
        half = Client(mail)
        half.socket.sendall(b"100:half")
        half.socket.close()
        assert good.ask("inline:{key=value} key") == "OK value"


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
