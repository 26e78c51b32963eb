#!/usr/bin/env python3
"""Debian's postgrey as a policy service: mail of a stranger is put off once, and taken when it comes again."""
import contextlib
import pathlib
import re
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import smtp_peers  # noqa: E402

DELAY = 2  # seconds


@contextlib.contextmanager
def postgrey(folder):
    """The port of a running postgrey."""
    program = smtp_peers.need("postgrey")
    folder.chmod(0o755)
    database = folder / "database"
    database.mkdir()
    nobody = mta.Account(mta.USER) if mta.is_root() else mta.me()
    if mta.is_root():
        mta.os.chown(database, nobody.uid, nobody.gid)
    port = mta.free_port()
    for name in ("clients", "recipients"):
        (folder / name).write_text("")
    log = (folder / "log").open("wb")
    child = subprocess.Popen([program, f"--inet=127.0.0.1:{port}", f"--dbdir={database}", f"--delay={DELAY}", f"--user={nobody.name}", f"--group={nobody.group}",
                              f"--whitelist-clients={folder}/clients", f"--whitelist-recipients={folder}/recipients", "--auto-whitelist-clients=0"],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
    try:
        def answers():
            assert child.poll() is None, (folder / "log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                return True
        mta.wait(answers, what="postgrey")
        yield port
    finally:
        mta.end_peer(child)
        log.close()


def offer(mail, sender=b"ann@client.example"):
    with mail.connect() as talk:
        answer = talk.begin(b"bob@example.test", sender=sender)
        if answer.startswith(b"250"):
            talk.ask(b"DATA\r\n")
            answer = talk.ask(b"Subject: x\r\n\r\n.\r\n")
        return answer


def test_mail_of_a_stranger_is_put_off_and_taken_later(options, folder):
    with postgrey(folder) as port, smtp_peers.Server(options.build, {"smtp": f"-o {{smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:{port}}}"},
                                                     {"virtual_mailbox_maps": "inline:{bob@example.test=bob/}"}) as mail:
        mail.start()
        answer = offer(mail)
        assert re.match(rb"450 4\.2\.0 <bob@example\.test>: Recipient address rejected: Greylisted, see http://postgrey\S+\r\n", answer), answer
        mail.wait_log(r"NOQUEUE: reject: RCPT from unknown\[127\.0\.0\.1\]: 450 4\.2\.0 <bob@example\.test>: Recipient address rejected: Greylisted.*; from=<ann@client\.example> to=<bob@example\.test> proto=ESMTP helo=<client\.example>$")
        mta.wait(lambda: offer(mail).startswith(b"250 2.0.0 Ok: queued as"), limit=DELAY + 20, what="the mail to be taken")
        assert offer(mail, b"carl@client.example").startswith(b"450 4.2.0")
        mail.wait_empty()
        (message,) = mail.maildir("bob")
        assert re.search(rb"^X-Greylist: delayed \d+ seconds by postgrey-\S+ at ", message, re.M), message


def test_mail_is_taken_as_configured_when_postgrey_is_gone(options, folder):
    service = "-o {smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:%d} -o smtpd_policy_service_retry_delay=1 -o smtpd_policy_service_default_action=%s"
    with postgrey(folder) as port, smtp_peers.Server(options.build, {"defer": service % (port, "DEFER"), "dunno": service % (port, "DUNNO")},
                                                     {"virtual_mailbox_maps": "inline:{bob@example.test=bob/}"}) as mail:
        mail.start()
        with mail.connect("dunno") as talk:
            assert talk.begin(b"bob@example.test").startswith(b"450 4.2.0")
        gone = mta.free_port()
        for name in mail.ports:
            mail.extra_services = [line.replace(f"127.0.0.1:{port}}}", f"127.0.0.1:{gone}}}") for line in mail.extra_services]
        mail.write_configuration()
        mail.reload()

        def answer(name):
            with mail.connect(name) as talk:
                return talk.begin(b"bob@example.test")
        mta.wait(lambda: answer("dunno") == b"250 2.1.5 Ok\r\n", what="mail to be taken without postgrey")
        mta.wait(lambda: answer("defer").startswith(b"450 4.7.1 <bob@example.test>: Recipient address rejected: Access denied"), what="mail to be put off without postgrey")
        mail.wait_log(rf"warning: connect to 127\.0\.0\.1:{gone}: Connection refused")


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
