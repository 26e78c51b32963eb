#!/usr/bin/env python3
"""A machine with Debian's Postfix, its stock configuration and mail in its queue is taken over as README.md says, and given back."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
from machine import Machine  # noqa: E402

# What Debian's package asks and writes when it is installed, for mail that stays on the machine.
ANSWERS = ("myhostname=mail.example.test alias_maps=hash:/etc/aliases alias_database=hash:/etc/aliases mydestination='$myhostname, localhost' "
           "relayhost= mynetworks='127.0.0.0/8 [::1]/128' mailbox_size_limit=0 recipient_delimiter=+ inet_interfaces=loopback-only "
           "inet_protocols=ipv4 'smtpd_relay_restrictions=permit_mynetworks permit_sasl_authenticated defer_unauth_destination' "
           # Here is no syslog.
           "maillog_file=/var/log/mail.log")


class DebianMachine(Machine):
    """Debian's package is installed and runs; ours lies ready."""

    def install(self, build, settings):
        self.build = build
        for line in ("groupadd -f -r postfix", "groupadd -f -r postdrop",
                     "id postfix || useradd -r -g postfix -d /var/spool/postfix -s /usr/sbin/nologin postfix",
                     "useradd -m -s /bin/sh ann", "useradd -m -s /bin/sh ben"):
            self.check(line)
        self.unpack_debian()
        for line in ("cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf", "cp /usr/share/postfix/dynamicmaps.cf /etc/postfix/",
                     "cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf", f"postconf {ANSWERS}",
                     "echo 'postmaster: root' > /etc/aliases; newaliases", *(f"postconf '{setting}'" for setting in settings)):
            self.check(line)

    def unpack_debian(self):
        """What dpkg does, and `apt-get install --reinstall`."""
        root = mta.oracle(required=False)
        if not root:
            raise cases.Skipped("needs Debian's Postfix")
        for line in (f"cp -a {root}/usr/. /usr/", f"cp -an {root}/etc/. /etc/", "ldconfig", "mkdir -p /var/spool/postfix /var/lib/postfix",
                     "chown postfix /var/lib/postfix", "chgrp postdrop /usr/sbin/postdrop /usr/sbin/postqueue",
                     "chmod 2555 /usr/sbin/postdrop /usr/sbin/postqueue"):
            self.check(line)

    def take_over(self):
        """The commands of README.md, but for systemd's."""
        self.check(f"cmake --install {self.build} --prefix /usr --strip")
        self.check("postfix set-permissions")

    def log(self):
        return self.path("/var/log/mail.log").read_text() if self.path("/var/log/mail.log").exists() else ""

    def send(self, *texts):
        for text in texts:
            self.check(f"echo {text} | sendmail ben", user="ann")

    def listed(self, mark=""):
        return len(re.findall(rf"^[0-9A-F]{{8,}}{mark} ", self.run("mailq").text, re.M))

    def arrived(self, *texts):
        mailbox = self.path("/var/mail/ben")
        return mailbox.exists() and all(text in mailbox.read_text() for text in texts)

    def keep_some_mail_in_the_queue(self, waiting, held):
        """One message deferred and one on hold; then the system is stopped."""
        self.check("postconf defer_transports=local; postfix reload")
        self.send(waiting, held)
        mta.wait(lambda: self.run("mailq").text.count("deferred transport") == 2, 20, f"two deferred messages in {self.run('mailq')}")
        queue_id = re.findall(r"^([0-9A-F]{8,}) ", self.check("mailq").text, re.M)[-1]
        self.check(f"postsuper -h {queue_id}; postfix stop; postconf -X defer_transports")


def test_there_and_back(options):
    with DebianMachine(options) as host:
        host.start()
        assert host.path("/usr/lib/postfix/sbin/master").exists() and not host.path("/usr/libexec/postfix/master").exists()
        host.send("by-Debian")
        mta.wait(lambda: host.arrived("by-Debian"), 20, "Debian's first message")
        host.keep_some_mail_in_the_queue("Debian-deferred", "Debian-held")

        host.take_over()
        checked = host.run("postfix check")
        assert checked.status == 0 and "error" not in checked.error, checked
        host.start()
        assert host.listed("!") == 1, host.run("mailq")
        host.send("by-ours")
        host.check("postsuper -H ALL; postqueue -f")
        mta.wait(lambda: host.arrived("by-Debian", "by-ours", "Debian-deferred", "Debian-held"), 20,
                 f"all mail\n{host.run('mailq')}\n{host.log()[-3000:]}")
        host.wait_empty()
        host.keep_some_mail_in_the_queue("ours-deferred", "ours-held")

        host.unpack_debian()
        host.start()
        assert host.listed("!") == 1, host.run("mailq")
        host.check("postsuper -H ALL; postqueue -f")
        mta.wait(lambda: host.arrived("ours-deferred", "ours-held"), 20, f"all mail\n{host.run('mailq')}\n{host.log()[-3000:]}")
        host.wait_empty()
        host.check("postfix stop")
        assert host.path("/var/mail/ben").read_text().count("\nFrom: ") == 6, host.path("/var/mail/ben").read_text()


if __name__ == "__main__":
    mta.end_cleanly_on_sigterm()
    cases.main(__name__, cases.arguments())
