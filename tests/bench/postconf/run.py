#!/usr/bin/env python3
"""How long postconf takes as a whole process, and how much faster it is than Debian's.

    tests/bench/postconf/run.py --ours build/release/sbin/postconf --oracle DIR [--runs N]

DIR is an unpacked Debian postfix (see tests/conformance/run.py --fetch). The two are run in turn, so that a machine whose speed
drifts slows both; the ratio is taken pair by pair, and medians are printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

MAIN_CF = """\
myhostname = mail.example.com
mydomain = example.com
myorigin = $mydomain
mydestination = $myhostname, localhost.$mydomain, localhost
mynetworks = 127.0.0.0/8, [::1]/128, 192.0.2.0/24
inet_interfaces = all
recipient_delimiter = +
mailbox_size_limit = 0
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
smtpd_banner = $myhostname ESMTP $mail_name
smtpd_tls_security_level = may
smtp_tls_security_level = may
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination,
    reject_rbl_client zen.example.org, check_policy_service unix:private/policy
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
virtual_mailbox_domains = example.net, example.org
virtual_transport = lmtp:unix:private/dovecot-lmtp
milter_default_action = accept
smtpd_milters = inet:127.0.0.1:11332
compatibility_level = 3.6
mail_owner = daemon
setgid_group = mail
"""
MASTER_CF = """\
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
bounce    unix  -       -       y       -       0       bounce
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
  -o syslog_name=postfix/$service_name
error     unix  -       -       y       -       -       error
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       y       -       -       lmtp
maildrop  unix  -       n       n       -       -       pipe flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}
"""


def one_run(command, environment):
    start = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        output = process.stdout.read()
        process.wait()
    if process.returncode != 0 or not output:
        sys.exit(f"{' '.join(command)}: status {process.returncode}, {len(output)} bytes")
    return (time.perf_counter() - start) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--ours", default="build/release/sbin/postconf")
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--runs", type=int, default=100)
    arguments = parser.parse_args()
    root = os.path.abspath(arguments.oracle)
    theirs = os.path.join(root, "usr/sbin/postconf")
    plain = {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C"}
    with_libraries = plain | {"LD_LIBRARY_PATH": f"{root}/usr/lib/postfix:{root}/usr/lib/x86_64-linux-gnu"}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("main.cf", MAIN_CF), ("master.cf", MASTER_CF)):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="ascii") as out:
                out.write(content)
            os.utime(path, (0, 1e9))  # a file that was changed just now is read more than once
        print(f"{'command line':32} {'ours':>9} {'Debian':>9}   ratio (ms, medians of {arguments.runs})")
        for options in (["-n"], ["-h", "myhostname"], ["-d"], [], ["-x"], ["-M"], ["-P"]):
            pairs = []
            for turn in range(arguments.runs + 3):
                ours = one_run([arguments.ours, "-c", folder] + options, plain)
                oracle = one_run([theirs, "-c", folder] + options, with_libraries)
                if turn >= 3:
                    pairs.append((ours, oracle))
            ours, oracle = (statistics.median(column) for column in zip(*pairs))
            ratio = statistics.median(b / a for a, b in pairs)
            print(f"{'postconf ' + ' '.join(options):32} {ours:9.2f} {oracle:9.2f}   {ratio:.2f}")


if __name__ == "__main__":
    main()
