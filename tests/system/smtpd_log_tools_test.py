#!/usr/bin/env python3
"""The tools that administrators have read our log and count what was sent: pflogsumm, and fail2ban's filter for Postfix."""
import contextlib
import pathlib
import re
import smtplib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import smtp_peers  # noqa: E402

FILTER = pathlib.Path("/etc/fail2ban/filter.d/postfix.conf")


def send(mail, count, recipient="bob@example.test", sender="ann@client.example"):
    with mail.smtp() as client:
        for _ in range(count):
            with contextlib.suppress(smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused):
                client.sendmail(sender, [recipient], "Subject: x\r\n\r\n" + "x" * 1000 + "\r\n")


def played(options, folder):
    """The log of a day: 7 messages delivered, 3 unknown users, 2 relays refused, 4 senders refused, 2 warnings, 1 held back, failed logins."""
    folder.chmod(0o755)
    services = {"smtp": "-o {smtpd_sender_restrictions=check_sender_access inline:{{evil@client.example=REJECT}, {odd@client.example=WARN an odd one}}} -o {smtpd_recipient_restrictions="
                        "check_recipient_access inline:{{wait@example.test=DEFER not today}}}"}
    with smtp_peers.Server(options.build, services, {"virtual_mailbox_maps": "inline:{bob@example.test=bob/, wait@example.test=wait/}",
                                                       "smtpd_relay_restrictions": "reject_unauth_destination"}) as mail:
        mail.set(**smtp_peers.make_passwords(mail, {"joe": "secret"}))
        mail.start()
        send(mail, 5)
        send(mail, 2, sender="odd@client.example")
        send(mail, 3, "nobody@example.test")
        send(mail, 2, "x@elsewhere.example")
        send(mail, 4, sender="evil@client.example")
        send(mail, 1, "wait@example.test")
        with mail.connect() as talk:
            talk.ask(b"EHLO client.example\r\n")
            for _ in range(3):
                assert talk.ask(b"AUTH PLAIN AGpvZQB3cm9uZw==\r\n").startswith(b"535 5.7.8 ")
            talk.ask(b"QUIT\r\n")
        with mail.connect() as talk:
            talk.ask(b"EHLO client.example\r\n")
            talk.ask(b"GET / HTTP/1.1\r\n")
        mail.wait_empty()
        mail.stop()
        log = folder / "mail.log"
        log.write_text(mail.log())
        return log


def test_pflogsumm_counts_what_was_sent(options, folder):
    program = smtp_peers.need("pflogsumm")
    log = played(options, folder)
    done = subprocess.run([program, str(log)], capture_output=True, text=True, check=True, timeout=60)
    report = done.stdout
    totals = {name: int(number) for number, name in re.findall(r"^ +(\d+) +(received|delivered|forwarded|deferred|bounced|rejected|reject warnings|held|discarded)\b", report, re.M)}
    assert totals == {"received": 7, "delivered": 7, "forwarded": 0, "deferred": 0, "bounced": 0, "rejected": 10, "reject warnings": 0, "held": 0, "discarded": 0}, report
    for line in (r"^ +2  +senders$", r"^ +1  +recipients$", r"Recipient address rejected: User unknown in virtual mailbox table \(total: 3\)", r"Relay access denied \(total: 2\)",
                 r"Sender address rejected: Access denied \(total: 4\)", r"Recipient address rejected: not today \(total: 1\)", r"^ +5 +ann@client\.example$", r"^ +2 +odd@client\.example$",
                 r"^ +7 +bob@example\.test$", r"SASL .* authentication failed"):
        assert re.search(line, report, re.M), f"{line}\n{report}"


def fail2ban(mode, log):
    smtp_peers.need("fail2ban-regex")
    if not FILTER.exists():
        raise cases.Skipped("there is no filter of fail2ban for Postfix")
    done = subprocess.run([smtp_peers.need("fail2ban-regex"), "--print-all-matched", str(log), f"{FILTER}[mode={mode}]"], capture_output=True, text=True, check=True, timeout=60)
    return int(re.search(r"(\d+) matched", done.stdout).group(1)), done.stdout


def test_fail2ban_finds_refusals_and_failed_logins(options, folder):
    """Of Postfix's own log of the same day it finds as many."""
    log = played(options, folder)
    for mode, count, what in (("normal", 5, "unknown users and relaying"), ("auth", 3, "failed logins"), ("more", 5, "the same"), ("aggressive", 9, "all, and what is no SMTP")):
        found, report = fail2ban(mode, log)
        assert found == count, (mode, what, found, report, log.read_text())


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
