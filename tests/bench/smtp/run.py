#!/usr/bin/env python3
"""The SMTP server and the way of a message: ours against Debian's Postfix, in turns, with the same configuration on the same disk.

    tests/bench/smtp/run.py [--build build/release] [--dir DIR] [--runs 3] [--scale 1] [--only SIDE] [SCENARIO ...]

Root only. Prints the median of each figure for both and their ratio (over 1: ours is better). Nothing here passes or fails; README.md
says what the scenarios are, and what the figures were."""
import argparse
import functools
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "lib"))
import measure  # noqa: E402
import mta  # noqa: E402
import smtp_sessions  # noqa: E402

SIDES = ("Postrider", "Debian")
DISCARD = {"default_transport": "discard:", "local_transport": "discard:"}
ACCOUNT = "games"  # some account that every system has, for mail delivered by local


def system(side, options, folder, parameters):
    """A system with an SMTP server; `.port` is where it listens. Its log is written as on the machines of users. Its files stay until all
    is measured: README.md says what files that were just removed cost the next run."""
    base = pathlib.Path(tempfile.mkdtemp(prefix=f"{side}.", dir=folder))
    port = mta.free_port()
    values = {"message_size_limit": "20000000", **parameters}
    inet = [f"127.0.0.1:{port} inet n - n - - smtpd"]
    if side == "Debian":
        mail = mta.Debian(values, base=base, inet=inet)
    else:
        mail = mta.Postrider(options.build, values, mode="root", base=base, inet=inet)
    mail.port = port
    return mail


def smtp_source(mail, messages, sessions, *more, length=5000, to="user@remote.test"):
    """Debian's load generator, which is hardly more than the bytes it sends."""
    root = mta.oracle()
    environment = {"LD_LIBRARY_PATH": f"{root}/usr/lib/postfix:{root}/usr/lib/x86_64-linux-gnu", "MAIL_CONFIG": str(mail.etc)}
    subprocess.run([root / "usr/sbin/smtp-source", "-M", "client.test", "-f", "sender@client.test", "-t", to, "-s", str(sessions), "-m",
                    str(messages), "-l", str(length), *more, f"127.0.0.1:{mail.port}"], check=True, timeout=300, env=environment, cwd="/")


def load(mail, count, sessions, *more, **options):
    """Figures of `count` messages, after a few that start the processes."""
    smtp_source(mail, max(5, sessions), min(5, sessions), *more, **options)
    mail.wait_empty()
    meter = measure.Meter(mail)
    smtp_source(mail, count, sessions, *more, **options)
    meter.accepted()
    mail.wait_empty(limit=120)
    return meter.result(count)


def inbound(side, options, folder, count, sessions, *more, **words):
    with system(side, options, folder, DISCARD) as mail:
        mail.start()
        return load(mail, max(20, int(count * options.scale)), sessions, "-N", *more, **words)


def mailbox(side, options, folder, count, agent, maildir):
    """Everything to one mailbox, as in the worst case of a busy list's archive."""
    end = "/" if maildir else ""
    with system(side, options, folder, {"virtual_mailbox_maps": f"static:box{end}"}) as mail:
        spool = mail.mail / "spool"
        spool.mkdir()
        os.chmod(spool, 0o1777)
        os.chmod(mail.mail, 0o1777)
        mail.set(mail_spool_directory=f"{spool}{end}")
        mail.start()
        count = max(20, int(count * options.scale))
        figures = load(mail, count, 10, to="box@example.test" if agent == "virtual" else f"{ACCOUNT}@localhost.example.test")
        box = mail.mail / "box" if agent == "virtual" else spool / ACCOUNT
        stored = len(list((box / "new").iterdir())) if maildir else box.read_bytes().count(b"\nFrom ") + 1
        assert stored == count + 10, f"{side}: {stored} of {count + 10} stored"
        return figures


def sessions(side, options, folder, count, parallel, mode):
    with tempfile.TemporaryDirectory(dir=folder) as secrets:
        parameters = {"tls": tls, "auth": sasldb, "hello": lambda _: {}}[mode](pathlib.Path(secrets))
        with system(side, options, folder, {**DISCARD, **parameters}) as mail:
            if mode == "auth":  # Debian's smtpd looks beside main.cf first
                shutil.copytree(pathlib.Path(secrets) / "sasl", mail.etc / "sasl")
            mail.start()
            count = max(parallel * 4, int(count * options.scale))
            smtp_sessions.run(mail.port, mode, parallel * 2, parallel)
            meter = measure.Meter(mail)
            smtp_sessions.run(mail.port, mode, count // parallel * parallel, parallel)
            return meter.result(count // parallel * parallel, "session")


def tls(folder):
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=bench.test", "-newkey", "rsa:2048", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
    return {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": folder / "cert.pem", "smtpd_tls_key_file": folder / "key.pem"}


def sasldb(folder):
    place = folder / "sasl"
    place.mkdir()
    os.chmod(folder, 0o755)
    os.chmod(place, 0o755)
    (place / "smtpd.conf").write_text(f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\nsasldb_path: {place}/sasldb2\n")
    subprocess.run(["saslpasswd2", "-p", "-c", "-u", "bench.test", "-f", place / "sasldb2", "user"], input=b"secret", check=True)
    os.chmod(place / "sasldb2", 0o644)
    return {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_local_domain": "bench.test", "cyrus_sasl_config_path": place}


def scenarios():
    found = {f"inbound-{parallel}": functools.partial(inbound, count=count, sessions=parallel)
             for parallel, count in ((1, 600), (10, 2000), (50, 2000))}
    found["inbound-10-reuse"] = lambda *words: inbound(*words, 2000, 10, "-d")
    found["inbound-10-1M"] = functools.partial(inbound, count=200, sessions=10, length=1_000_000)
    for parallel, count in ((1, 100), (10, 1000)):
        found[f"starttls-{parallel}"] = functools.partial(sessions, count=count, parallel=parallel, mode="tls")
    found["auth-10"] = functools.partial(sessions, count=2000, parallel=10, mode="auth")
    found["connect-10"] = functools.partial(sessions, count=2000, parallel=10, mode="hello")
    for agent in ("local", "virtual"):
        for form in ("maildir", "mbox"):
            name = f"{form}-10" if agent == "local" else f"virtual-{form}-10"
            found[name] = functools.partial(mailbox, count=1000, agent=agent, maildir=form == "maildir")
    return found


def show(name, results):
    print(f"{name:34} {'ours':>12} {'Debian':>12} {'ratio':>7}")
    for figure in dict.fromkeys(figure for runs in results.values() for run in runs for figure in run):
        mine, theirs = (statistics.median(values) if (values := [run[figure] for run in results[side]]) else float("nan")
                        for side in SIDES)
        ratio = mine / theirs if figure.endswith("/s") else theirs / mine if mine else float("nan")
        print(f"  {figure:32} {mine:12.2f} {theirs:12.2f} {ratio:7.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=mta.TOP / "build/release")
    parser.add_argument("--dir", default=tempfile.gettempdir(), help="where the queues lie: the disk that is measured")
    parser.add_argument("--runs", type=int, default=3, help="turns of each scenario")
    parser.add_argument("--scale", type=float, default=1, help="factor on the number of messages")
    parser.add_argument("--only", choices=SIDES, help="one side, without ratios")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=" ".join(scenarios()))
    options = parser.parse_args()
    if not mta.Debian.available():
        parser.error("root, and Debian's Postfix, are needed")
    if unknown := set(options.scenarios) - set(scenarios()):
        parser.error(f"there is no {' '.join(unknown)}; there are {' '.join(scenarios())}")
    mta.end_cleanly_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="mta-bench.", dir=options.dir) as folder:
        os.chmod(folder, 0o755)
        for name in options.scenarios or scenarios():
            results = {side: [] for side in SIDES}
            for turn in range(options.runs):
                for side in SIDES if turn % 2 == 0 else reversed(SIDES):
                    if options.only in (None, side):
                        try:
                            results[side].append(scenarios()[name](side, options, folder))
                        except (AssertionError, RuntimeError, subprocess.SubprocessError) as error:
                            print(f"{name}, {side}: {str(error)[:1500]}", flush=True)
            show(name, results)


if __name__ == "__main__":
    main()
