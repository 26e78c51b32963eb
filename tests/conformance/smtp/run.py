#!/usr/bin/env python3
"""Holds the same dialogues with Debian's Postfix and with ours, and compares what came of them.

    tests/conformance/smtp/run.py [--build build/release] [--only NAME] [--show] [--oracle-only] [files *.dialogues]

A file is a group: one configuration, and the dialogues that are held with it, one after the other. Each side runs in namespaces of
its own (mounts, network, processes), with the same paths, ports and addresses. Compared are

  replies   every reply of the server, with codes, enhanced codes and texts, line by line, up to the end of the connection
  log       what smtpd has written to the log
  queue     the records of the messages that were accepted
  policy    what the policy server was asked, attribute by attribute

There are no expectations but where 3.11 (which ours follows) differs from Debian's 3.7, or where ours is meant to differ: then the
dialogue says so, and a difference that is said but is not there fails, too.

Lines that begin with `#` and empty lines are skipped. Before the first dialogue:

  main NAME = VALUE          a line of main.cf
  unset NAMES                these parameters, which the tests' main.cf has otherwise, keep their defaults
  service NAME [-o ...]      an smtpd on a port of its own; without more, dialogues are held with the first one
  command NAME WORDS...      a command that speaks SMTP on its standard input and output
  file NAME, hash NAME       a file beside main.cf, with the lines below that begin with `|`; hash: and postmap is run on it
  snitable NAME              a file that is made by postmap -F
  host ADDRESS NAMES         a line of /etc/hosts
  with NAME [OPTIONS]        a server of the test's own (helpers.py), with what it serves in lines that begin with `|`

@3.7:ONE|3.11:OTHER@ in options and files is ONE for Debian's and OTHER for ours, where the value was not known yet.
@ETC@ is the folder of main.cf, @QUEUE@ the queue directory, @CERTS@ the folder of certificates, @POLICY@ the policy server.

`== NAME` begins a dialogue. In it:

  TEXT                       a line is sent, with CRLF, and the reply read. {b64 a\\0b} is in base64; {x*80} is x 80 times
  & TEXT                     a line that is sent in one go with the next ones; the replies are read then
  | TEXT                     content, sent with the next line (`.`); left out when the last reply was not 354
  @connect [NAME] [from ADDRESS] [quiet]   one more connection (as the first line: the first one); quiet: no greeting is read
  @on N                      goes on with the Nth connection that is open
  @send EXPR, @ask EXPR      bytes, as Python writes them (b"a\\r\\n" * 3 + b"b"); @ask reads a reply
  @read [N]                  reads N more replies
  @times N TEXT              the same line N times in one go (%d is the number)
  @tls [OPTIONS]             the TLS handshake
  @cram USER PASSWORD        answers a CRAM-MD5 challenge
  @policy TEXT               what the policy server answers from here on (until the end of the dialogue)
  @eof                       reads until the server closes
  @close, @reset, @shutdown  closes without QUIT; with RST; only our direction, and reads until the server closes

Between `for NAME in WORDS` and `done`, all is said once for each word, with $NAME standing for it (and a blank for each ~ in it).

At the end QUIT is sent on every connection that is open. Below a step:

  =3.11 REPLY                what 3.11 replies (several lines: several of these), where Debian's 3.7 does not
  =ours REPLY                what ours replies on purpose; a comment says why

and anywhere in the dialogue:

  =log LINE                  the lines that ours must write to the log instead of Debian's
  =differs KIND REASON       findings of this kind are meant to differ
  =ignore KIND REASON        findings of this kind are not compared

The last line is `N passed, N failed`.
"""
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "lib")]
import cases  # noqa: E402
import dialogues  # noqa: E402
import mta  # noqa: E402

ISOLATED = ("unshare", "-m", "-n", "-p", "--fork", "--kill-child", "--mount-proc")
LIMIT = 240
SINCE_38 = ("compatibility_level=", "mail_version=")  # attributes of policy requests


def can_isolate():
    return subprocess.run([*ISOLATED, "true"], capture_output=True, check=False).returncode == 0


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


def make_certificates(folder):
    """An authority, a server and clients: NAME.pem and NAME.key."""
    folder.mkdir()
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "30", "-subj", "/CN=Test Authority")
    for name in ("server", "other", "client"):
        openssl("req", *curve, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={name}.example.test")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "30",
                "-out", folder / f"{name}.pem")
    extensions = folder / "extensions"
    extensions.write_text("basicConstraints=critical,CA:TRUE\n")
    for name, by, more in (("middle", "ca", ("-extfile", extensions)), ("deep", "middle", ())):
        openssl("req", *curve, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={name}.example.test")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{by}.pem", "-CAkey", folder / f"{by}.key", "-CAcreateserial", "-days", "30",
                *more, "-out", folder / f"{name}.pem")
    (folder / "authorities.pem").write_text((folder / "ca.pem").read_text() + (folder / "middle.pem").read_text())
    (folder / "nothing.chain").write_text("no certificate\n")
    openssl("req", "-x509", *curve, "-keyout", folder / "stranger.key", "-out", folder / "stranger.pem", "-days", "30", "-subj", "/CN=stranger.example")
    for name in ("server", "other", "deep"):
        (folder / f"{name}.chain").write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.pem").read_text())
    done = subprocess.run(["openssl", "x509", "-in", folder / "client.pem", "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True, timeout=60)
    (folder / "fingerprint").write_text(done.stdout.decode().partition("=")[2].strip())
    for path in folder.iterdir():
        path.chmod(0o600 if path.suffix in (".key", ".chain") else 0o644)
    folder.chmod(0o755)


def play(side, options, folder, certificates, file):
    done = subprocess.run([*ISOLATED, sys.executable, str(HERE / "side.py"), side, str(options.build.resolve()), str(folder), str(certificates), str(file),
                           "--only", options.only], capture_output=True, check=False, timeout=LIMIT)
    if done.stderr and os.environ.get("SMTP_LOG"):
        print(done.stderr.decode("utf-8", "replace"), file=sys.stderr)
    if done.returncode:
        raise RuntimeError(f"{side} with {file.name}: {done.stderr.decode('utf-8', 'replace')[-6000:]}")
    return json.loads(done.stdout)


# --- what 3.10 and 3.11 write to the log in another way than 3.7

def log_as_now(line):
    """A line of Debian's 3.7 as 3.11 would write it, as far as the line tells; and without secrets, which ours does not show."""
    # What is longer than a command may be is a response of AUTH.
    line = re.sub(r"(: request longer than (?:\d+: AUTH \S+ |1[2-9]\d{3}: ))[A-Za-z0-9+/]{19,30}\.\.\.$", r"\1(not shown)...", line)
    return ageless(re.sub(r"^((?:lost connection|timeout|too many errors) after )", r"@ID@: \1", line))


def log_to_compare(line):
    if " proto=" in line:  # since 3.10 refusals tell of the login
        line = re.sub(r"(?: sasl_(?:method|username|sender)=\S+)+$", "", line)
    return ageless(re.sub(r"^(?:NOQUEUE|\{\d+\}): ((?:lost connection|timeout|too many errors) after )", r"@ID@: \1", line))


def ageless(line):
    """Ours keeps answers of the DNS, and says for how long it will yet."""
    return re.sub(r"^(ignoring DNS RR: \S+ )\d+ ", r"\1TTL ", line)


def expected_replies(theirs, problems):
    """Debian's replies with those in place that are said to differ."""
    found, secure, fresh, greeted = [], False, False, False
    for place, what, lines, expected in theirs:
        if what == "(TLS)":
            secure = lines[0].startswith("TLS TLS")
            fresh = secure and not greeted
        elif what == "the greeting":
            secure, fresh, greeted = fresh, False, True
        if secure and what.startswith("EHLO") and lines[0].startswith("250-"):  # since 3.11
            lines = [*lines[:-1], lines[-1].replace("250 ", "250-", 1), "250 REQUIRETLS"]
        for words in expected.values():
            if words == lines:
                problems.append(f"{place}: {what}: said to differ, but Debian's replies the same")
            lines = words
        found.append((place, what, lines))
    return found


def transcript(replies):
    return [line for _, what, lines, *_ in replies for line in [f"> {what[:100]}", *lines]]


def differences(dialogue, ours, theirs):
    """[(kind, what a person wants to see)]"""
    found, problems = [], []
    expected = expected_replies(theirs["replies"], problems)
    found += [("replies", problem) for problem in problems]

    def compare(kind, two, one):
        if one != two:
            found.append((kind, f"{kind}:\n" + "\n".join(difflib.unified_diff(two, one, "expected", "ours", n=2, lineterm=""))))
    compare("replies", transcript(expected), transcript(ours["replies"]))
    if dialogue.log is not None:
        if dialogue.log == theirs["log"]:
            found.append(("log", "log: said to differ, but Debian's is the same"))
        compare("log", dialogue.log, ours["log"])
    else:
        in_order = sorted if "sorted" in theirs else list
        compare("log", in_order(log_as_now(line) for line in theirs["log"]), in_order(log_to_compare(line) for line in ours["log"]))
    lacking = [request for request in ours["policy"] if not all(any(line.startswith(name) for line in request) for name in SINCE_38)]
    if lacking:
        found.append(("policy", f"policy: without {' and '.join(SINCE_38)}"))
    ours = {**ours, "policy": [[line for line in request if not line.startswith(SINCE_38)] for request in ours["policy"]]}
    for kind in ("queue", "policy"):
        compare(kind, [line for lines in theirs[kind] for line in [f"{kind}:", *lines]], [line for lines in ours[kind] for line in [f"{kind}:", *lines]])
    return found


def verdict(dialogue, ours, theirs):
    """What is wrong, as lines; nothing when all is as meant."""
    if ours is None or theirs is None:
        return [f"not held with {'ours' if ours is None else 'Debian'}"]
    found = differences(dialogue, ours, theirs)
    found = [(kind, text) for kind, text in found if kind not in dialogue.ignored]
    wrong = [text for kind, text in found if kind not in dialogue.differs]
    kinds = {kind for kind, _ in found}
    return wrong + [f"{kind}: said to differ ({reason}), but does not" for kind, reason in dialogue.differs.items() if kind not in kinds]


def show(name, side):
    print(f"==== {name}")
    for line in transcript(side["replies"]):
        print(line)
    for kind in ("log", "queue", "policy"):
        for entry in side[kind]:
            print(f"    {kind}: " + (entry if isinstance(entry, str) else f"\n    {kind}: ".join(entry)))


def main():
    options = cases.arguments([("--show", {"action": "store_true", "help": "print what both do alike, too"}),
                               ("--oracle-only", {"action": "store_true", "help": "print what Debian's Postfix does, compare nothing"}),
                               ("files", {"nargs": "*", "type": pathlib.Path})])
    reason = "Debian's Postfix is not to be had" if not mta.Debian.available() else "" if can_isolate() else "no namespaces of our own"
    if reason:
        print(f"SKIP: {reason}\n1 skipped\n0 passed, 0 failed")
        return 0
    mta.end_cleanly_on_sigterm()
    files = [file.resolve() for file in options.files] or sorted(HERE.glob("*.dialogues"))
    groups = [dialogues.read(file) for file in files]
    groups = [group for group in groups if any(options.only in dialogue.name for dialogue in group.dialogues)]
    passed = failed = 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="smtp."))
    folder.chmod(0o755)
    (folder / "stage").mkdir()
    try:
        make_certificates(folder / "certificates")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            wanted = ("Debian",) if options.oracle_only else ("Debian", "Postrider")
            work = {(group.name, side): pool.submit(play, side, options, folder / "stage", folder / "certificates", group.path) for group in groups for side in wanted}
        for group in groups:
            sides, problems = {}, []
            for side in wanted:
                try:
                    sides[side] = work[group.name, side].result()
                except Exception as problem:  # the other groups are to be tried nevertheless
                    problems.append(f"FAIL {group.name}: {problem}")
            chosen = [dialogue for dialogue in group.dialogues if options.only in dialogue.name]
            if problems:
                print("\n".join(problems))
                failed += len(chosen)
                continue
            for dialogue in chosen:
                if options.show or options.oracle_only:
                    show(f"{group.name}: {dialogue.name}", sides[wanted[-1]][dialogue.name])
                wrong = [] if options.oracle_only else verdict(dialogue, sides["Postrider"].get(dialogue.name), sides["Debian"].get(dialogue.name))
                passed, failed = passed + (not wrong), failed + bool(wrong)
                if wrong:
                    print(f"FAIL {dialogue.where}: {dialogue.name}")
                    for text in wrong:
                        print("    " + text.replace("\n", "\n    "))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
