#!/usr/bin/env python3
"""The SMTP server under thousands of clients: idle ones, slow ones, and floods.

    tests/load/run.py                      small forms, under a minute (tests/run.py runs this)
    tests/load/run.py --full [NAME ...]    10,000 idle clients for a minute, 5,000 slow ones, floods by the million; about 8 minutes,
                                           on a machine that does nothing else

README.md says what must hold. The last line is `N passed, N failed`."""
import argparse
import contextlib
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import clients  # noqa: E402
import measure  # noqa: E402
import mta  # noqa: E402

HELLO = ((b"", 220), (b"EHLO idle.test\r\n", 250))
PER_CLIENT = 32  # KiB
FLOOD_MEMORY = 64 * 1024  # KiB
GREETING = 0.1  # seconds, for 99 of 100
KEPT = 0.8  # of the rate


@contextlib.contextmanager
def system(options, **parameters):
    """A running system that has taken mail already, so that everything that is started once has started. `.port`: its SMTP server."""
    port = mta.free_port()
    values = {"default_transport": "discard:", "in_flow_delay": "0", "smtpd_sasl_auth_enable": "yes", **parameters}
    with mta.Postrider(options.build, values, inet=[f"127.0.0.1:{port} inet n - n - - smtpd"]) as mail:
        sasl = mail.etc / "sasl"
        sasl.mkdir()
        (sasl / "smtpd.conf").write_text(f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {sasl}/none\nmech_list: PLAIN LOGIN\n")
        if "cyrus_sasl_config_path" not in parameters:
            mail.set(cyrus_sasl_config_path=sasl)
        mail.port = port
        mail.start()
        traffic = clients.Traffic(port, 4)
        mta.wait(lambda: traffic.messages.value >= 20)
        traffic.stop()
        mail.wait_empty()
        yield mail


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Peak(threading.Thread):
    """The most memory that the system takes while this runs, over what it took before, in KiB."""

    def __init__(self, mail):
        super().__init__(daemon=True)
        self.mail, self.end = mail, threading.Event()
        self.before = measure.memory(mail)
        self.most = 0

    def run(self):
        while not self.end.wait(0.1):
            self.most = max(self.most, measure.memory(self.mail) - self.before)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.join()
        self.most = max(self.most, measure.memory(self.mail) - self.before)


def check(holds, text, results):
    results.append(bool(holds))
    print(f"{'ok  ' if holds else 'FAIL'} {text}", flush=True)


# --- idle clients

def idle(options, results):
    count, seconds = (10000, 60) if options.full else (1000, 3)
    busy = 100 if options.full else 20
    with system(options) as mail:
        before = measure.memory(mail)
        held, _ = clients.advance(mail.port, count, HELLO, limit=120)
        each = (measure.memory(mail) - before) / count
        check(each <= PER_CLIENT, f"idle: {count} clients take {each:.1f} KiB each, at most {PER_CLIENT}", results)
        traffic = clients.Traffic(mail.port, busy)
        rate = traffic.rate(seconds)
        greetings = traffic.stop()
        late = percentile(greetings, 0.99)
        limit = GREETING if options.full else 10 * GREETING  # in the small form the machine may have other work
        check(late <= limit, f"idle: beside them {busy} busy clients ({rate:.0f} messages/s) are greeted within {late * 1e3:.0f} ms "
              f"(99 of 100), at most {limit * 1e3:.0f}", results)
        alive = 0
        for client in held:
            client.socket.setblocking(True)
            client.socket.settimeout(30)
            client.socket.sendall(b"NOOP\r\n")
            alive += client.socket.recv(100).startswith(b"250")
            client.close()
        check(alive == count, f"idle: {alive} of {count} are still served after {seconds} s", results)


# --- slow clients

def slow(options, results):
    each, seconds = (1000, 20) if options.full else (60, 3)
    mail_from = ((b"MAIL FROM:<s@slow.test>\r\n", 250), (b"RCPT TO:<r@remote.test>\r\n", 250))
    kinds = {
        "commands": (each, HELLO[:1], b"EHLO " + b"a" * 200 + b".test"),
        "DATA": (each, HELLO + mail_from + ((b"DATA\r\n", 354),), b"Subject: slow\r\n\r\n" + b"slow and slower "),
        "BDAT": (each, HELLO + mail_from + ((b"BDAT 100000\r\nS", None),), b"ubject: slow\r\n"),
        "TLS": (each, HELLO + ((b"STARTTLS\r\n", 220),), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200),
        "AUTH": (each, HELLO + ((b"AUTH PLAIN\r\n", 334),), b"A" * 200),
    }
    # To BDAT there is no answer before the end.
    count, dialogue, text = kinds["BDAT"]
    kinds["BDAT"] = (count, dialogue[:-1], dialogue[-1][0] + text)
    with tempfile.TemporaryDirectory() as secrets, system(options, **certificate(secrets)) as mail:
        traffic = clients.Traffic(mail.port, 10)
        traffic.rate(1)
        before = traffic.rate(seconds)
        crowd = clients.Slow(mail.port, kinds, 1.0)
        assert crowd.ready.wait(120), "the slow clients did not come through"
        during = traffic.rate(seconds)
        lost = crowd.stop()
        traffic.rate(1)
        after = traffic.rate(seconds)
        traffic.stop()
        usual = (before + after) / 2
        kept = during / usual
        wanted = KEPT if options.full else KEPT / 2
        check(kept >= wanted, f"slow: beside {5 * each} slow clients mail keeps {kept:.0%} of its rate ({during:.0f} of {usual:.0f} "
              f"messages/s), at least {wanted:.0%}", results)
        check(lost == 0 or options.full, f"slow: {lost} of them were hung up on", results)


def certificate(folder):
    """Parameters for STARTTLS."""
    os.chmod(folder, 0o755)
    key, cert = f"{folder}/key.pem", f"{folder}/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=load.test", "-newkey", "rsa:2048", "-keyout", key,
                    "-out", cert], check=True, stderr=subprocess.DEVNULL)
    os.chmod(key, 0o644)
    return {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": cert, "smtpd_tls_key_file": key}


# --- floods

class Talker:
    """One blocking client, for floods: sends much, and reads what comes whenever it cannot send."""

    def __init__(self, port, *dialogue):
        (self.client,), _ = clients.advance(port, 1, HELLO + dialogue)
        self.codes, self.sent = [], 0

    def flood(self, piece, times, reads=True, limit=300):
        """Sends the piece so often, or until the server hangs up or (when nothing is read) takes no more. True: all was sent."""
        deadline = time.monotonic() + limit
        bulk = piece * max(1, 65536 // len(piece))
        total, whole = len(piece) * times, len(bulk)
        view = memoryview(bulk)
        stuck = time.monotonic()
        while self.sent < total:
            assert time.monotonic() < deadline, f"{self.sent} of {total} bytes went within {limit} s"
            start = self.sent % whole
            try:
                self.sent += self.client.socket.send(view[start:min(whole, start + total - self.sent)])
                stuck = time.monotonic()
            except BlockingIOError:
                if not reads and time.monotonic() - stuck > 2:
                    return False
                time.sleep(0.001)
            except OSError:
                self.drain()
                return False
            if reads and not self.drain():
                return False
        return True

    def drain(self):
        try:
            self.client.read()
        except clients.HungUp:
            self.codes += self.client.replies()
            return False
        self.codes += self.client.replies()
        return True

    def finish(self, last=b"", count=1, limit=120):
        """Sends `last`, and waits for so many more replies, or the end. Reads while it sends: a server whose replies nobody reads has to
        wait."""
        wanted, deadline = len(self.codes) + count, time.monotonic() + limit
        while len(self.codes) < wanted and time.monotonic() < deadline:
            readable, writable, _ = select.select([self.client], [self.client] if last else [], [], 1)
            if writable:
                try:
                    last = last[self.client.socket.send(last):]
                except OSError:
                    last = b""
            if readable and not self.drain():
                break
        self.client.close()
        return self.codes


def flooded(options, results, name, work):
    """A flood on a fresh system that lets clients send ahead; mail goes on after it."""
    with system(options, smtpd_forbid_unauth_pipelining="no", smtpd_error_sleep_time="1s" if options.full else "0s") as mail:
        mail.log_mark()
        with Peak(mail) as peak:
            work(mail)
        check(peak.most <= FLOOD_MEMORY, f"{name}: {peak.most / 1024:.1f} MiB more at most, {FLOOD_MEMORY // 1024} allowed", results)
        traffic = clients.Traffic(mail.port, 2)
        mta.wait(lambda: traffic.messages.value >= 5)
        traffic.stop()
        mail.wait_empty()


def ended(mail, verb):
    """Why the server ended the only session that sent this verb, and after how many commands: as it has logged that. (What it replied is
    lost when it hangs up on a client that still sends. Lines of the mail that warmed the system up may still come in.)"""
    own = rf"disconnect from .* {verb.lower()}=.* commands=(?:\d+/)?(\d+)"
    mail.wait_log(own, 60)
    text = mail.new_log()
    reasons = re.findall(rf"(too many errors after|lost connection after|timeout after) {verb} ", text)
    return (reasons or ["nothing"])[-1], int(re.findall(own, text)[-1])


def floods(options, results):
    many = 1_000_000 if options.full else 30_000

    def commands(verb):
        def work(mail):
            talker = Talker(mail.port)
            talker.flood(verb.encode() + b"\r\n", many)
            talker.finish(count=many)
            # smtpd_junk_command_limit 100, then errors count: smtpd_hard_error_limit 20
            end = ended(mail, verb)
            check(end[0] == "too many errors after" and end[1] < 200, f"{verb}: {end[1]} of {many} were served, then: {end[0]}", results)
        return work

    def deaf(mail):
        talkers = [Talker(mail.port) for _ in range(20)]
        for talker in talkers:
            talker.flood(b"EHLO x\r\n" + b"VRFY a@remote.test\r\n" * 50, many, reads=False, limit=30)
        check(True, f"deaf: {sum(talker.sent for talker in talkers) / 1e6:.1f} MB by 20 clients that read nothing", results)

    def recipients(mail):
        talker = Talker(mail.port, (b"MAIL FROM:<s@flood.test>\r\n", 250))
        talker.flood(b"RCPT TO:<someone@remote.test>\r\n", many)
        codes = talker.finish(b"RSET\r\n", many)
        accepted = codes.count(250)
        check(accepted <= 1001 and 452 in codes, f"RCPT: {accepted} of {many} accepted, {codes.count(452)} times 452", results)

    def authentication(mail):
        talker = Talker(mail.port)
        talker.flood(b"AUTH PLAIN AGFubgB3cm9uZw==\r\n", many)
        talker.finish(count=many)
        end = ended(mail, "AUTH")
        check(end[0] == "too many errors after" and end[1] < 50, f"AUTH: {end[1]} of {many} were answered, then: {end[0]}", results)

    def header(line):
        def work(mail):
            size = (1 << 30) if options.full else (1 << 26)
            talker = Talker(mail.port, (b"MAIL FROM:<s@flood.test>\r\n", 250), (b"RCPT TO:<r@remote.test>\r\n", 250), (b"DATA\r\n", 354))
            whole = talker.flood(line, size // len(line))
            codes = talker.finish(b"\r\n\r\nx\r\n.\r\n") if whole else talker.codes
            check(whole and codes == [552], f"header of {size >> 20} MiB, {len(line)} bytes a line: {codes}", results)
            mail.wait_empty("incoming", "active", "deferred", "maildrop")  # or fail
        return work

    def chunks(mail):
        talker = Talker(mail.port, (b"MAIL FROM:<s@flood.test>\r\n", 250), (b"RCPT TO:<r@remote.test>\r\n", 250))
        talker.flood(b"BDAT 1\r\nx", many)
        codes = talker.finish(b"BDAT 2 LAST\r\n\r\n", many + 1 - len(talker.codes))
        check(codes == [250] * (many + 1), f"BDAT: {codes.count(250)} of {many + 1} chunks accepted, the last reply {codes[-1:]}", results)

    for name, work in {"RSET": commands("RSET"), "NOOP": commands("NOOP"), "deaf": deaf, "RCPT": recipients, "AUTH": authentication,
                       "one header line": header(b"X" * 65536), "header lines": header(b"X-Line: " + b"x" * 54 + b"\r\n"),
                       "BDAT": chunks}.items():
        flooded(options, results, name, work)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=mta.TOP / "build/release")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("loads", nargs="*", metavar="NAME", help="idle slow floods")
    options = parser.parse_args()
    mta.end_cleanly_on_sigterm()
    clients.allow_descriptors(20000)
    results = []
    for load in (idle, slow, floods):
        if options.loads and load.__name__ not in options.loads:
            continue
        try:
            load(options, results)
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            results.append(False)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
