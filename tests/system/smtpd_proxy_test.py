#!/usr/bin/env python3
"""Clients that come through others: the PROXY protocol, XCLIENT, XFORWARD; and what main.cf changes of commands and refusals."""
import contextlib
import pathlib
import re
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

SERVICES = ("cleanup", "qmgr", "rewrite", "bounce", "defer", "trace", "virtual", "anvil", "postlog", "discard")
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TRUSTED = {"smtpd_authorized_xclient_hosts": "127.0.0.0/8", "smtpd_authorized_xforward_hosts": "127.0.0.0/8"}
# Clients of the proxy's are told apart by whether they may relay.
ACCESS = {"mynetworks": "198.51.100.0/24", "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject",
          "smtpd_peername_lookup": "no", "default_transport": "discard"}


class Dialogue:
    def __init__(self, port, first=b""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(first)

    def reply(self):
        lines = []
        while True:
            line = self.file.readline().decode()
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                return "\n".join(lines)

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def envelope(self, sender="a@example.test", recipient="x@else.test"):
        return [self.say(f"MAIL FROM:<{sender}>"), self.say(f"RCPT TO:<{recipient}>")]

    def close(self):
        self.file.close()
        self.socket.close()


@contextlib.contextmanager
def system(options, parameters, *service_options):
    port = mta.free_port()
    overrides = "".join(f" -o {{ {option} }}" for option in service_options)
    available = [name for name in SERVICES if (options.build / "libexec/postfix" / mta.SERVICES[name].split()[-1]).exists()]
    with mta.Postrider(options.build, {**ACCESS, **parameters}, services=available,
                       inet=[f"127.0.0.1:{port} inet n - n - - smtpd{overrides}"]) as mail:
        mail.start()
        yield mail, port


def logged(mail, pattern):
    return mta.wait(lambda: re.search(pattern, mail.log_file.read_text()), what=f"{pattern} in the log")


def test_a_proxy_says_who_its_client_is(options):
    with system(options, {}, "smtpd_upstream_proxy_protocol = haproxy") as (mail, port):
        addresses = socket.inet_aton("198.51.100.7") + socket.inet_aton("192.0.2.2") + struct.pack("!HH", 1234, 25)
        for header in (b"PROXY TCP4 198.51.100.7 192.0.2.2 1234 25\r\n",
                       SIGNATURE + b"\x21\x11" + struct.pack("!H", len(addresses)) + addresses):
            client = Dialogue(port, header)
            assert client.reply().startswith("220 "), "greeting"
            assert client.say("EHLO x").startswith("250-")
            assert client.envelope() == ["250 2.1.0 Ok", "250 2.1.5 Ok"]
            client.close()
        logged(mail, r"connect from unknown\[198\.51\.100\.7\]\n")
        logged(mail, r": client=unknown\[198\.51\.100\.7\]\n")
        stranger = Dialogue(port, b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n")
        assert stranger.reply().startswith("220 ") and stranger.say("EHLO x").startswith("250-")
        assert stranger.envelope()[1] == "554 5.7.1 <x@else.test>: Recipient address rejected: Access denied"


def test_a_header_may_come_in_pieces(options):
    with system(options, {}, "smtpd_upstream_proxy_protocol = haproxy") as (_, port):
        client = Dialogue(port)
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"PROXY TCP4 198.51.100.7 192.0.2.2 1234 25\r\n":
            client.socket.sendall(bytes([byte]))
            time.sleep(0.001)
        assert client.reply().startswith("220 ")
        assert client.envelope()[1] == "250 2.1.5 Ok"


def test_who_is_no_proxy_is_turned_away(options):
    with system(options, {"smtpd_forbid_unauth_pipelining": "no"}, "smtpd_upstream_proxy_protocol = haproxy",
                "smtpd_upstream_proxy_timeout = 1s") as (mail, port):
        for first, problem in ((b"EHLO x\r\n", "unrecognized protocol header"), (b"PROXY UNKNOWN\r\n", "bad or missing protocol type"),
                               (b"", "timeout error"), (SIGNATURE + b"\x21\x11\xff\xff", "too long version 2 protocol header")):
            client = Dialogue(port, first)
            assert client.reply() == "421 4.3.0 mail.example.test Server local error"
            assert client.file.read() == b""
            logged(mail, f"warning: haproxy read: {problem}")
        early = Dialogue(port, b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\nEHLO early\r\n")  # behind the header nothing is lost
        said = early.reply(), early.reply()
        assert said[0].startswith("220 ") and said[1].startswith("250-"), said
        local = Dialogue(port, SIGNATURE + b"\x20\x00\x00\x00")  # a health check of the proxy's own
        assert local.reply().startswith("220 ")
        logged(mail, r"connect from unknown\[127\.0\.0\.1\]\n")


def test_xclient_makes_a_new_client(options):
    with system(options, TRUSTED) as (mail, port):
        proxy = Dialogue(port)
        proxy.reply()
        assert "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT" in proxy.say("EHLO proxy")
        assert proxy.envelope()[1].startswith("554 ")
        assert proxy.say("XCLIENT ADDR=198.51.100.7") == "503 5.5.1 Error: MAIL transaction in progress"
        proxy.say("RSET")
        assert proxy.say("XCLIENT ADDR=198.51.100.7 NAME=mx.client.test HELO=mx+2Eclient.test PROTO=ESMTP LOGIN=ann") == \
            "220 mail.example.test ESMTP Postfix"
        assert proxy.envelope() == ["250 2.1.0 Ok", "250 2.1.5 Ok"]
        logged(mail, r": client=mx\.client\.test\[198\.51\.100\.7\], sasl_method=XCLIENT, sasl_username=ann\n")
        proxy.say("RSET")
        offers = proxy.say("EHLO mx.client.test")
        assert "XCLIENT" not in offers and "XFORWARD" in offers, offers  # whoever it is now has no such rights; who connected has
        assert proxy.say("XCLIENT ADDR=198.51.100.8") == "550 5.7.0 Error: insufficient authorization"
        stranger = Dialogue(port)
        stranger.reply()
        assert stranger.say("XCLIENT LOGIN=[UNAVAILABLE] ADDR=192.0.2.9").startswith("220 ")
        assert stranger.envelope()[1].startswith("554 ")


def test_xforward_is_for_the_log(options):
    with system(options, TRUSTED, "mynetworks = 127.0.0.0/8") as (mail, port):
        filter_ = Dialogue(port)
        filter_.reply()
        assert filter_.say("XFORWARD NAME=mx.client.test ADDR=192.0.2.7 PORT=77 IDENT=ABC123") == "250 2.0.0 Ok"
        assert filter_.say("XFORWARD PROTO=ESMTP HELO=mx SOURCE=REMOTE") == "250 2.0.0 Ok"
        assert filter_.envelope() == ["250 2.1.0 Ok", "250 2.1.5 Ok"]
        logged(mail, r": client=unknown\[127\.0\.0\.1\], orig_queue_id=ABC123, orig_client=mx\.client\.test\[192\.0\.2\.7\]\n")
        assert filter_.say("XFORWARD ADDR=192.0.2.8") == "503 5.5.1 Error: MAIL transaction in progress"
        filter_.say("RSET")
        assert filter_.envelope() == ["250 2.1.0 Ok", "250 2.1.5 Ok"]  # and it is forgotten
        assert len(re.findall(r"orig_client=", mail.log_file.read_text())) == 1


def test_refusals_are_reworded(options):
    with system(options, {"smtpd_reject_filter_maps": "regexp:{ {/^554 5\\.7\\.1 (<.*>): Relay.*/ 450 4.7.1 $$1: not now} }",
                          "smtpd_relay_restrictions": "reject_unauth_destination",
                          "smtpd_reject_footer": "\\c. See https://mail.example.test/ ($client_address)\\nand call"}) as (mail, port):
        client = Dialogue(port)
        client.reply()
        assert client.envelope()[1] == "450-4.7.1 <x@else.test>: not now. See https://mail.example.test/ (127.0.0.1)\n450 4.7.1 and call"
        logged(mail, r"NOQUEUE: reject: RCPT from unknown\[127\.0\.0\.1\]: 554 5\.7\.1 <x@else\.test>: Relay access denied; from=")
        logged(mail, r"NOQUEUE: reply filter in: 554 5\.7\.1 <x@else\.test>: Relay access denied\n")
        logged(mail, r"NOQUEUE: reply filter out: 450 4\.7\.1 <x@else\.test>: not now\n")


def test_commands_are_replaced(options):
    with system(options, {"smtpd_command_filter": "regexp:{ {/^HELO *$$/ HELO client.invalid}, {/^(RCPT TO:<.*>) .*/ $$1} }"}) as (mail, port):
        client = Dialogue(port)
        client.reply()
        assert client.say("HELO") == "250 mail.example.test"
        logged(mail, r'unknown\[127\.0\.0\.1\]: replacing command "HELO" with "HELO client\.invalid"')
        client.say("MAIL FROM:<a@example.test>")
        assert client.say("RCPT TO:<x@else.test> NONSENSE=x").startswith("554 5.7.1 ")
    with system(options, {"smtpd_command_filter": "fail:x"}) as (mail, port):
        client = Dialogue(port)
        client.reply()
        assert client.say("NOOP") == "421 4.3.0 mail.example.test Server local data error"
        assert client.file.read() == b""


if __name__ == "__main__":
    mta.end_cleanly_on_sigterm()
    cases.main(__name__, cases.arguments())
