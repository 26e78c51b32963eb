#!/usr/bin/env python3
"""Daemons in a chroot that has nothing in it but the queue: what they need of the machine they have read before."""
import pathlib
import re
import smtplib
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import certificates  # noqa: E402
import mta  # noqa: E402

ZONE = "Asia/Kolkata"
JAILED = ("pickup", "cleanup", "qmgr", "bounce", "error", "retry", "showq", "virtual")


def jailed(name):
    fields = mta.SERVICES[name].split()
    fields[3] = "y"
    return " ".join(fields)


def test_the_time_zone_is_the_machines_in_headers_notices_and_the_log(options):
    if not mta.is_root() or not pathlib.Path("/usr/share/zoneinfo", ZONE).exists():
        raise cases.Skipped("needs root and the zones of the machine")
    services = {**mta.SERVICES, **{name: jailed(name) for name in JAILED}}
    with mta.Postrider(options.build, {"virtual_mailbox_maps": "inline:{ann@example.test=ann/}", "virtual_mailbox_base": "/mail"},
                       mode="root", environment={"TZ": ZONE}, services=services) as mail:
        (mail.queue / "mail").mkdir()
        mail.own(mail.queue / "mail", mail.delivers_as)
        mail.start()
        assert mail.sendmail("ann@example.test").status == 0
        assert mail.sendmail("nobody@elsewhere.test", sender="ann@example.test").status == 0  # comes back
        boxes = mail.queue / "mail/ann/new"
        mta.wait(lambda: boxes.is_dir() and len(list(boxes.iterdir())) == 2, what=f"two messages\n{mail.log_tail()}")
        for message in boxes.iterdir():
            dates = re.findall(rb"\d\d:\d\d:\d\d ([-+]\d{4}) \((\w+)\)", message.read_bytes())
            assert dates and set(dates) == {(b"+0530", b"IST")}, message.read_text()
        hours = {line.split()[2][:5] for line in mail.log().splitlines()}
        assert len(hours) <= 2, hours  # nobody is in another zone


def test_tables_and_accounts_of_the_machine_are_there_for_a_server_in_a_chroot(options):
    """As with Debian's master.cf: nothing in the chroot knows /etc/aliases.db or /etc/passwd."""
    if not mta.is_root():
        raise cases.Skipped("needs root")
    port = mta.free_port()
    account = mta.me().name

    def answers(*recipients):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.ehlo()
            client.mail("sender@example.test")
            return [client.rcpt(f"{recipient}@localhost.example.test")[0] for recipient in recipients]
    services = {**mta.SERVICES, **{name: jailed(name) for name in (*JAILED, "flush", "anvil") if name != "virtual"}}
    with mta.Postrider(options.build, {"local_recipient_maps": None}, mode="root", services=services,
                       inet=[f"{port} inet n - y - - smtpd"]) as mail:
        aliases = mail.etc / "aliases"
        aliases.write_text("info: root\n")
        mail.check("postalias", f"hash:{aliases}")
        mail.set(alias_maps=f"hash:{aliases}")
        mail.start()
        assert answers("info", account, "nobody-knows", "new") == [250, 250, 550, 550], mail.log_tail()
        aliases.write_text("new: root\n")
        mail.check("postalias", f"hash:{aliases}")
        mta.wait(lambda: answers("info", account, "new") == [550, 250, 250], what="the new table")
        assert 1 <= mail.log().count("has changed -- restarting") <= 3  # not once a moment


def test_certificates_are_noticed_by_a_server_in_a_chroot(options):
    """Only those that it uses: what stands under their name in the chroot is none of them."""
    if not mta.is_root():
        raise cases.Skipped("needs root")
    port = mta.free_port()
    with certificates.Folder() as made:
        old, new = (pathlib.Path(made.chain(name)).read_bytes() for name in ("old.example.test", "new.example.test"))

        def is_new():
            with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                client.starttls(context=unsuspecting())
                return ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True)) in new.decode()
        services = {**mta.SERVICES, **{name: jailed(name) for name in ("cleanup", "qmgr", "tlsmgr", "anvil")}}
        with mta.Postrider(options.build, mode="root", services=services, inet=[f"{port} inet n - y - - smtpd"]) as mail:
            chain = mail.etc / "chain.pem"
            mail.set(smtpd_tls_security_level="may", smtpd_tls_chain_files=chain)
            chain.write_bytes(old)
            chain.chmod(0o600)
            inside = mail.queue / str(chain)[1:]
            inside.parent.mkdir(parents=True)
            inside.write_bytes(new)
            inside.chmod(0o644)
            mail.start()
            assert not is_new()
            seen = time.monotonic()
            mta.wait(lambda: time.monotonic() - seen > 2.5 and not is_new(), what="some looks at the files")
            assert "has changed" not in mail.log(), mail.log_tail()
            fresh = chain.with_name("fresh.pem")
            fresh.write_bytes(new)
            fresh.chmod(0o600)
            fresh.rename(chain)
            mta.wait(is_new, what="the new certificate")


def unsuspecting():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
