#!/usr/bin/env python3
"""Daemons in a chroot that has nothing in it but the queue: what they need of the machine they have read before."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
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


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
