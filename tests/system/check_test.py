#!/usr/bin/env python3
"""`postfix check` finds what administrators do wrong, says where it is and what helps, and is silent about a healthy installation."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
from machine import Machine  # noqa: E402

CF = "/etc/postfix/main.cf"
SERVICES = "/etc/postfix/master.cf"
QUEUE = "/var/spool/postfix"
LINE = r"/etc/postfix/main\.cf, line \d+: "
SERVICE_LINE = r"/etc/postfix/master\.cf, line \d+: "
MENDS = r'; "postfix set-permissions" mends it'
CERTIFICATE = ("cd /etc/postfix; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -days 30 -subj /CN=a "
               "2>/dev/null; ")
# What is done (shell), the status of the check, what it says.
MISTAKES = [
    (f"echo 'smtpd_recipent_restrictions = permit' >> {CF}", 0,
     LINE + r'unused parameter: smtpd_recipent_restrictions=permit; did you mean "smtpd_recipient_restrictions"'),
    ("postconf default_process_limit=many", 1, LINE + "default_process_limit = many: must be a number"),
    ("postconf queue_run_delay=5x", 1, LINE + "queue_run_delay = 5x: must be a time"),
    ("postconf biff=maybe", 1, LINE + "biff = maybe: must be yes or no"),
    (f"echo 'just words' >> {CF}", 1, LINE + "missing '='"),
    (f"echo 'relayhost = ${{myhostname' >> {CF}", 1, LINE + "relayhost = .*truncated macro"),
    (f"printf 'myorigin = a.example\\nmyorigin = b.example\\n' >> {CF}", 0, LINE + "overriding earlier entry: myorigin=a.example"),
    (f"rm {CF}", 1, f"open {CF}: No such file"),
    (f"chmod 600 {CF}", 0, f'not readable for everyone: {CF}.*chmod a.r'),
    (f"chmod 666 {CF}", 0, f"group or other writable: {CF}"),
    (f"chown ann {CF}", 0, f"not owned by root: {CF}"),
    (f"rm {SERVICES}", 1, f"open {SERVICES}: No such file"),
    (f"echo 'x unix n' >> {SERVICES}", 1, SERVICE_LINE + "bad field count"),
    (f"echo 'x unixx n - n - - error' >> {SERVICES}", 1, SERVICE_LINE + "invalid type field"),
    (f"echo 'x unix n - maybe - - error' >> {SERVICES}", 1, SERVICE_LINE + "invalid chroot field"),
    (f"echo 'x unix n - n - lots error' >> {SERVICES}", 1, SERVICE_LINE + "invalid process_limit field"),
    (f"echo 'x unix n - n - - errorr' >> {SERVICES}", 0, SERVICE_LINE + "service x/unix is not offered: there is no program"),
    (f"echo 'error unix - - n - - error' >> {SERVICES}", 0, SERVICE_LINE + "duplicate entry for service error/unix"),
    (f"echo 'nosuchport inet n - n - - error' >> {SERVICES}", 1, SERVICE_LINE + ".*unknown service name .nosuchport"),
    ("postconf virtual_alias_maps=hash:/etc/postfix/v", 1,
     LINE + 'parameter virtual_alias_maps: open database /etc/postfix/v.db: No such file or directory; "postmap hash:/etc/postfix/v"'),
    ("postconf my_maps=hash:/etc/postfix/v", 0, LINE + "parameter my_maps: open database /etc/postfix/v.db: No such file"),
    ("postconf my_maps=hash:/etc/postfix/v 'virtual_alias_maps=$my_maps'", 1, LINE + "parameter virtual_alias_maps: open database /etc/postfix/v.db"),
    ("postconf my_maps=hash:/etc/postfix/v; postconf -P 'pickup/unix/virtual_alias_maps=$my_maps'", 1, SERVICE_LINE + "-o virtual_alias_maps: open database /etc"),
    ("postconf smtpd_restriction_classes=mine 'mine=check_client_access hash:/etc/postfix/v'", 1, LINE + "parameter mine: open database /etc/postfix/v.db"),
    ("postconf transport_maps=dbm:/etc/postfix/t", 1, LINE + "parameter transport_maps: unsupported dictionary type: dbm"),
    ("head -c 9000 /dev/urandom > /etc/postfix/v.db; postconf virtual_alias_maps=hash:/etc/postfix/v", 1,
     LINE + "parameter virtual_alias_maps: open database .*not a Berkeley DB file"),
    ("postconf mynetworks=10.0.0.1/8", 1, LINE + 'parameter mynetworks: non-null host address bits in "10.0.0.1/8"'),
    ("postconf mynetworks=300.0.0.0/8", 1, LINE + "parameter mynetworks: bad network value"),
    ("postconf mydestination=/etc/postfix/domains", 1, LINE + "parameter mydestination: open file /etc/postfix/domains: No such file"),
    ("postconf myorigin=/etc/nosuch", 1, LINE + "myorigin = /etc/nosuch: must be .* one: open /etc/nosuch: No such file"),
    ("postconf 'myorigin=$mydomain, $myhostname'", 1, LINE + 'myorigin = .*mydomain, .*: must be one domain name'),
    ("postconf myhostname=bad_host..name", 1, LINE + "parameter myhostname: bad_host..name is no valid host name"),
    ("postconf virtual_mailbox_domains=mail.example.test", 0,
     LINE + "parameter virtual_mailbox_domains: mail.example.test is in mydestination, too"),
    ("postconf relayhost=[mx.example", 1, LINE + "parameter relayhost: .* has only one of its brackets"),
    ("postconf local_transport=lokal", 1, LINE + f"parameter local_transport: there is no service lokal in {SERVICES}"),
    ("postconf smtpd_client_restrictions=rejct", 1, LINE + 'smtpd_client_restrictions: unknown restriction "rejct"; did you mean "reject"'),
    ("postconf smtpd_forbid_bare_newline=normalise", 1,
     LINE + 'parameter smtpd_forbid_bare_newline: unknown word "normalise"; did you mean "normalize"'),
    ("postconf smtpd_tls_security_level=maybe", 1, LINE + "smtpd_tls_security_level: .*maybe"),
    ("postconf smtpd_sasl_auth_enable=yes smtpd_sasl_type=dovcot", 1, LINE + 'parameter smtpd_sasl_type: unknown word "dovcot"; did you mean "dovecot"'),
    ("postconf smtpd_sasl_auth_enable=yes smtpd_tls_auth_only=yes", 0, LINE + "parameter smtpd_tls_auth_only: .* nobody can log in"),
    ("postconf smtpd_authorized_xclient_hosts=0.0.0.0/0", 0, LINE + "parameter smtpd_authorized_xclient_hosts: any host may pose"),
    ("postconf 'relay_domains=$relaydomain'", 0, LINE + "parameter relay_domains: .relaydomain is defined nowhere"),
    ("postconf bounce_template_file=/etc/postfix/bt", 1, LINE + "parameter bounce_template_file: open /etc/postfix/bt: No such file"),
    ("postconf mail_owner=nosuch", 1, f"file {CF}: parameter mail_owner: unknown user name: nosuch"),
    ("postconf mail_owner=root", 1, "parameter mail_owner: user root has privileged user ID"),
    ("postconf setgid_group=nosuch", 1, "parameter setgid_group: unknown group name: nosuch"),
    ("postconf setgid_group=postfix", 1, "parameters mail_owner and setgid_group: user postfix and group postfix have the same group ID: "),
    ("postconf default_privs=postfix", 1, "parameters default_privs and mail_owner specify the same user postfix"),
    ("postconf default_privs=root", 1, "parameter default_privs: user root has privileged user ID"),
    ("postconf queue_directory=var/spool", 1, LINE + "parameter queue_directory: var/spool does not begin with /"),
    (f"postconf data_directory={QUEUE}", 1, LINE + "parameter data_directory: it must not be the queue_directory"),
    ("postconf daemon_directory=/usr/lib/nosuch", 1, "cannot run /usr/lib/nosuch/master"),
    ("postconf maillog_file=/tmp/x.log", 1, "maillog_file.*does not match any prefix"),
    (f"chown ann {QUEUE}/incoming", 0, f"not owned by postfix: {QUEUE}/incoming{MENDS}"),
    (f"chmod 777 {QUEUE}/incoming", 0, f"group or other writable: {QUEUE}/incoming{MENDS}"),
    (f"chmod 700 {QUEUE}/maildrop", 0, f"mode 0700 lacks what 0730 allows: {QUEUE}/maildrop{MENDS}"),
    (f"chgrp root {QUEUE}/maildrop", 0, f"not owned by group postdrop: {QUEUE}/maildrop{MENDS}"),
    (f"chmod 755 {QUEUE}/private", 0, f"open to others than its owner: {QUEUE}/private{MENDS}"),
    ("chown root /var/lib/postfix", 0, f"not owned by postfix: /var/lib/postfix{MENDS}"),
    ("chmod 755 /usr/sbin/postdrop", 0, f"not set-gid .*: /usr/sbin/postdrop{MENDS}"),
    ("chgrp root /usr/sbin/postqueue", 0, f"not owned by group postdrop: /usr/sbin/postqueue{MENDS}"),
    ("chmod 777 /usr/libexec/postfix/cleanup", 0, "group or other writable: /usr/libexec/postfix/cleanup"),
    ("chmod 755 /usr/libexec/postfix/cleanup; chown ann /usr/libexec/postfix/cleanup", 0, "not owned by root: /usr/libexec/postfix/cleanup"),
    ("postconf content_filter=scan:[127.0.0.1]:10024", 1, LINE + f"parameter content_filter: there is no service scan in {SERVICES}"),
    (f"echo '127.0.0.1:2525 inet n - n - - smtpd -o content_filter=vrtual:' >> {SERVICES}", 1,
     SERVICE_LINE + f"-o content_filter: there is no service vrtual in {SERVICES}; did you mean virtual"),
    ("postconf 'transport_maps=inline:{a.example=local:,b.example=locl:[x]}'", 1,
     LINE + 'parameter transport_maps: .*, entry "b.example": there is no service locl in .*; did you mean local'),
    ("echo 'a.example slow:' > /etc/postfix/t; postmap hash:/etc/postfix/t; postconf transport_maps=hash:/etc/postfix/t", 1,
     LINE + 'parameter transport_maps: hash:/etc/postfix/t, entry "a.example": there is no service slow'),
    ("postconf relayhost=smtp:[mx.example]", 1, LINE + r"parameter relayhost: .* is no next hop: specify \[mx.example\] here"),
    ("postconf relayhost=[mx.example]:sumbission", 1, LINE + 'parameter relayhost: .*: unknown port "sumbission"'),
    (f"sed -i '/^cleanup/d' {SERVICES}", 0, f"{SERVICES}: there is no service cleanup: no mail is taken; .postfix upgrade-configuration"),
    (f": > {SERVICES}", 0, f"{SERVICES}: there is no service in it: nothing runs"),
    (f"sed -i '/^postlog/d' {SERVICES}", 0, f"{SERVICES}: there is no service postlog: what commands log"),
    (f"sed -i 's/^cleanup .*/cleanup unix - - n - 0 cleanup/' {SERVICES}", 0,
     SERVICE_LINE + 'service cleanup/unix is asked at public/cleanup, but its private field is "-"'),
    (f"sed -i 's/^qmgr .*/qmgr unix n - n 300 - qmgr/' {SERVICES}", 0, SERVICE_LINE + "service qmgr/unix: there must be one queue manager"),
    ("postconf message_size_limit=100000000", 0,
     LINE + "parameter message_size_limit: mailbox_size_limit is 51200000, which is smaller than message_size_limit, 100000000"),
    ("postconf canonical_classes=envelope_sendr", 1,
     LINE + 'parameter canonical_classes: unknown word "envelope_sendr"; did you mean "envelope_sender"'),
    ("postconf mailbox_delivery_lock=flok", 1, LINE + 'parameter mailbox_delivery_lock: unknown word "flok"; did you mean "flock"'),
    ("postconf notify_classes=resource,softwar", 1, LINE + 'parameter notify_classes: unknown word "softwar"; did you mean "software"'),
    ("postconf virtual_alias_maps=hsah:/etc/postfix/v", 1,
     LINE + 'parameter virtual_alias_maps: unsupported dictionary type: hsah; did you mean "hash"'),
    ("postconf 'smtpd_helo_restrictions=permit foo'", 0, LINE + "smtpd_helo_restrictions: restriction `foo' after `permit' is ignored"),
    ("postconf smtpd_relay_restrictions=permit_mynetworks", 1, LINE + "in parameter smtpd_relay_restrictions or smtpd_recipient_restr"),
    ("postconf mynetworks=0.0.0.0/0", 0, LINE + "parameter mynetworks: any host may send mail through this one"),
    ("postconf smtpd_tls_security_level=may", 1, LINE + "smtpd_tls_security_level: No server certs available"),
    (CERTIFICATE + "chmod 644 k; postconf smtpd_tls_security_level=may smtpd_tls_cert_file=/etc/postfix/c smtpd_tls_key_file=/etc/postfix/k", 0,
     LINE + 'smtpd_tls_cert_file: every user can read the private key in "/etc/postfix/k"'),
    (CERTIFICATE + "openssl x509 -in c -signkey k -days -1 -out old 2>/dev/null; "
     "postconf smtpd_tls_security_level=may smtpd_tls_cert_file=/etc/postfix/old smtpd_tls_key_file=/etc/postfix/k", 0,
     LINE + 'smtpd_tls_cert_file: the certificate in "/etc/postfix/old" has expired on 20'),
    (f"printf ' relayhost = [mx.example]\\n' >> {CF}", 0, LINE + '"relayhost =" begins with white space, and so is part of the value of'),
    (f"echo '192.0.2.7:2525 inet n - n - - smtpd' >> {SERVICES}", 1,
     SERVICE_LINE + "service 192.0.2.7:2525/inet: bind 192.0.2.7:2525: Cannot assign requested address"),
    ("chmod 700 /etc/postfix", 0, "not readable for everyone: /etc/postfix; .*chmod a.rx"),
    ("chmod 700 /usr/sbin/sendmail", 0, "not owner.group.world executable: /usr/sbin/sendmail"),
    ("postconf inet_protocols=ipv5", 1, LINE + 'parameter inet_protocols: unknown inet_protocols value "ipv5"'),
]


def test_every_mistake_is_found_and_a_healthy_installation_is_silent(options):
    with Machine(options) as host:
        # Programs that are not there (yet) are told of in every check, rightly.
        text = host.run("postfix check").error
        missing = {name for found in re.findall(r"services? (.*) (?:is|are) not offered", text) for name in found.split(", ")}
        if missing:
            host.check("postconf -MX " + " ".join(sorted(missing)))
        host.check("cp -a /etc/postfix /var/healthy")
        healthy = host.run("postfix check")
        assert (healthy.status, healthy.text, healthy.error) == (0, "", ""), healthy
        wrong = []
        for change, status, pattern in MISTAKES:
            host.check(change)
            done = host.run("postfix check")
            if done.status != status or not re.search(pattern, done.error):
                wrong.append((change, pattern, done))
            host.check("rm -rf /etc/postfix; cp -a /var/healthy /etc/postfix; chown root:root /usr/libexec/postfix/cleanup; chmod 755 /usr/sbin/sendmail; postfix set-permissions")
        assert not wrong, "\n".join(map(str, wrong))
        host.run("chmod 755 /usr/libexec/postfix/cleanup")
        healthy = host.run("postfix check")
        assert (healthy.status, healthy.text, healthy.error) == (0, "", ""), healthy


# What is put into a running system: the change, the status of the reload, what it says.
RELOADS = [
    ("postconf canonical_classes=all", 1, "canonical_classes: unknown word"),
    ("postconf notify_classes=everything", 1, "notify_classes: unknown word"),
    ("postconf mailbox_size_limit=1000", 0, "mailbox_size_limit is 1000, which is smaller than message_size_limit"),
    ("postconf smtpd_sasl_type=dovcot", 1, "smtpd_sasl_type: unknown word"),
    ("postconf smtpd_client_restrictions=rejct", 1, "unknown restriction"),
    ("postconf virtual_alias_maps=hash:/etc/postfix/v", 0, "open database /etc/postfix/v.db: No such file"),
    ("postconf content_filter=scan:", 0, "there is no service scan"),
    ("postconf smtpd_tls_security_level=may", 0, "smtpd_tls_security_level: No server certs"),
    (f"sed -i '/^cleanup/d' {SERVICES}", 0, "there is no service cleanup"),
]


def test_a_reload_refuses_what_no_daemon_starts_with_and_tells_of_the_rest(options):
    with Machine(options) as host:
        host.start()
        host.check("cp -a /etc/postfix /var/healthy")
        for change, status, pattern in RELOADS:
            host.check(change)
            done = host.run("postfix reload")
            assert done.status == status and re.search(pattern, done.error), (change, done)
            host.check("postfix status")
            host.check("rm -rf /etc/postfix; cp -a /var/healthy /etc/postfix")
            host.check("postfix reload")
        host.check("echo hello | sendmail ben@localhost")
        host.wait_empty()


if __name__ == "__main__":
    mta.end_cleanly_on_sigterm()
    cases.main(__name__, cases.arguments())
