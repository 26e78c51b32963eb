#!/usr/bin/env python3
"""The same command lines and texts through Debian's sendmail and ours, without a running mail system: exit status, output, the set of
error lines, and the maildrop files, record for record but for the time, must be the same. Each command line counts as a test."""
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

PARAMETERS = {"myhostname": "mx.fmt.test", "mydestination": "fmt.test"}
PLAIN = "S: x\n\nbody\n"

# Options and recipients, with an ordinary text.
LINES = """
r
-t
-f|a b|r
-f||r
-f|<>|r
-f|<a@b>|r
-f|a@b (c)|r
-f|Full Name <x@y>|r
-f|a,b|r
-f|"a b"@c|r
-f|x@|r
-f|(c)|r
-f|,|r
-f| x@y |r
-f|@a:b@c|r
-f|a!b|r
-f|\u00e9@x|r
-r|x@y|r
-r|x|-f|y|r
-F|Full N|r
-F||r
-F|a (b) "c"|r
-Fx|-F|y|r
-i|r
-oi|-om|-o7|-o8|r
-oAfoo|r
-oA|r
-o|x|r
-odi|r
-G|r
-N|never|r
-N|success,failure,delay|r
-N|success,never|r
-N|SUCCESS|r
-N|failure,|r
-N| success delay|r
-N|bogus|r
-N||r
-N|success|-N|delay|r
-R|full|r
-R|HDRS|r
-R|x|r
-V|env1|r
-V|e v|r
-V| x |r
-V||r
-V|x|r
-V|a\x01b|r
-Vab|r
-V+=|r
-V|+=|r
-V|r
-V
-Vx
-iV|ab|r
-Vxyz|r
r|-V
-XV|r
-XV+=|r
-XV-=|r
-XVab|r
-XV+|r
-X|/log|r
-B|8BITMIME|r
-B|7BIT|r
-B|8bitmime|r
-bm|r
-bz
-bh
-bH|r
-bt
-bv|r@x
-bv|r|s
-bv|-F|FF|r|"q r"@z
-bv|-f|q@x|r
-bv|-f|<>|r
-bv|-t|r
-bv|-v|r
-bv|-R|full|r
-bv|-N|never|r
-bv
-bvx|r
-v|r
-v|-f|q@x|r|s
-q30m|r
-q30x
-qSx
-qX
-q-1
-qR
-qI
-q|r
-qRx|y
-qIx|y
-n|r
-m|r
-A|m|r
-Ac|r
-L|lab|r
-h|5|r
-U|r
-c|r
-em|r
-p|x|r
-x|r
-O|a=b|r
-Z|r
-d|r
-Q|r
-f
-e|r
-em|-p
-i-f|r
--|-r
-|r
a,b
a b
a|b|a
<a@b>
Name <a@b>
"a b"@c
grp: a, b;
(c)
,
@
a(c)
<>
a@b.
a!b
\u00e9
r|-f|x
-bi|x
-I|x
-bp|x
-bs|x
-bd|x
-ti
-t|-f|x|extra@r
-bp|-t
-bH|-t
-bH|-bm|r
-bH|-bz
-bH|-n
-bs|-t
-q|-t
-q|-qIab
-q|-qRx
-bp|-qIab
-bH|-qRx
-bp|-t|x
-qIab|-bm|r
-qIab|-bv
-qRx|-qIab
-q5m|-t
-q5m|-bm|r
-q5m|-bz
-t|-q5m
-bv|-qRx|-N|never|r
-V|ok|-V|x\u00e9y|r
-V|a\tb|r
a@"b c"|"a b"@"c d"|a@"b"|x@"|a@b\\ c
a@[b"c]|[a"b]@c
-f|"a b"@"c d"|r
-C|/nonexistent|r
-C|/nonexistent/main.cf|r
-f|-q|r
-f|-V|ab
-G|-B|8BITMIME|-V|e|-R|full|-N|delay|-XV|-v|-F|x y|-f|f@x|r1|r2
"""
TEXTS = ["", "\n", "x", "no newline at end", "From x y\nS: a\n\nb\n", ">>From x\nFrom y\nS: a\n\n", "From: a\n.\nnot here\n",
         "a: b\n\n..\n.\nz\n", "a: b\r\n\r\nbody\r\n.\r\nx\r\n", "a: b\n\nx\r\ny\r\r\n", "a: b\n\n\0nul\0\n", " leading\n", ".\n",
         "a\rb\n", "From\n", "\nFrom x\n", "a: " + "x" * 3000 + "\n\n" + "y" * 2048 + "\n" + "z" * 2049 + "\n" + "w" * 4096 + "\n",
         "a: b\n\n" + "q" * 2048 + ".\n.\n", "a: b\n\n" + "z" * 2048 + "\r\n", "a\r\n" + "z" * 2047 + "\r\nxx",
         ".", "a: b\n.", "a: b\n.\r", "a: b\r\n.\r", ".x"]
HEADERS = ["To: a, b@c\nCc: c\nBcc: d\n\nTo: no\n", "To: a\nResent-To: b\nCc: c\n\n", "Resent-From: q\nTo: a\n\n",
           "Resent-Bcc: x, y\nTo: a\n\n", "to: a\nTO : b\n\n", "To: grp: a, b;, c\n\n", "To: Full Name <x@y>,\n \"q r\"@z (c),\n\tw\n\n",
           "To:\n\n", "Subject: x\n\nTo: a\n", "To: a\nbad line\nCc: b\n\n", ">From x\nTo: a\n\n", "From x y\n>From z\nTo: a\n\nb",
           "Apparently-To: a\n\n", "Resent-Reply-To: a\n\n", "To: <>\n\n", "To: a@b, A@b, a@b\n\n",
           "To: undisclosed-recipients:;\nBcc: x\n\n", "To: x\\y, \"unterminated\nCc: z\n\n",
           "To: " + ", ".join(f"u{number}@x" for number in range(300)) + "\n\n", "To: a!b, c%d, @e:f@g, -x@y\n\n",
           "Bcc: a\r\nTo: b\r\n\r\nx\r\n", "Resent-Date: x\nTo: a\n\n", "To: a", "To: a\n.\nCc: b\n\n", "To: \u00e9@x\n\n", ": x\nTo: a\n\n",
           "To: a\n b", "To: a\n \n c\n\n", "  To: a\nTo: b\n\n", "To: a\x01b\n\n", "To: a@b@c, x y, <z\n\n",
           "To: " + "a," * 11000 + " x\n\n", "To: a\nX: " + "y" * 110000 + "\n\nbody\n", "T o: x\nTo: a\n\n", "Resent-To:\nTo: a\n\n",
           "To: a\n\n" + "z" * 5000 + "\n", "To: a\n\nb\nc", "To: a\nbad", "To: a\n.", "To: a\n\n.", "To: a\nbad\r", "To: a\n\nb",
           "To: \"a b\"@\"c d\", a@\"b\", x@[a\"b], \"z, y@z\n\n"]


def questions():
    for line in LINES.strip().split("\n"):
        yield line.split("|"), PLAIN, {}
    yield [], PLAIN, {}
    yield [""], PLAIN, {}
    yield ["-V", "a" * 100, "r"], PLAIN, {}
    yield ["-V", "a" * 101, "r"], PLAIN, {}
    for text in TEXTS:
        yield ["-f", "s@x", "r@y"], text, {}
        yield ["-i", "-f", "s@x", "r@y"], text, {}
    for text in HEADERS:
        yield ["-t", "-f", "s@x"], text, {}
        yield ["-t", "-i", "-f", "s@x", "cmd1", "cmd2@x"], text, {}
    for options in (["-N", "success"], ["-v"]):
        yield ["-t", *options], "To: a\n\n", {}
    for name in ("Env Name", ""):
        yield ["r"], PLAIN, {"NAME": name}
        yield ["-F", "Opt", "r"], PLAIN, {"NAME": name}


def records(data):
    """(letter, bytes) of each record of a maildrop file."""
    at = 0
    while at < len(data):
        letter, length, shift = chr(data[at]), 0, 0
        at += 1
        while True:
            length |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if not data[at - 1] & 128:
                break
        yield letter, data[at:at + length]
        at += length


REFUSED_LINES = ["-bs", "r", "-t", "-bv|r", "-bi", "-bh"]


def refusals():
    """(what is wrong, parameters, who asks): nobody gets as far as postdrop or smtpd."""
    yield "not authorized", {"authorized_submit_users": "!nobody, static:all"}, "nobody"
    yield "not authorized, as root", {"authorized_submit_users": "nobody"}, "root"
    yield "no queue directory", {"queue_directory": "/nonexistent/queue"}, "nobody"
    yield "no queue directory, as root", {"queue_directory": "/nonexistent/queue"}, "root"


def answer(system, words, text, environment, account=None):
    result = system.run("sendmail", *words, stdin=text, environment=environment, account=account and mta.Account(account))
    files = []
    for path in system.files("maildrop"):
        whole = system.queue / path
        files.append([oct(whole.stat().st_mode & 0o7777)] + [record for record in records(whole.read_bytes()) if record[0] != "T"])
        whole.unlink()
    # getopt is asked twice by the one; who wakes pickup differs.
    errors = {re.sub(r"^(postdrop|sendmail): warning: unable to look up", "unable to look up", line) for line in result.error.splitlines()}
    return {"status": result.status, "output": result.text, "errors": sorted(errors), "files": files}


def main():
    options = cases.arguments()
    if not mta.Debian.available():
        print("SKIP: Debian's Postfix is not to be had\n1 skipped\n0 passed, 0 failed")
        return 0
    passed = failed = 0

    def ask(theirs, ours, words, text, environment, account=None, case=""):
        nonlocal passed, failed
        wanted = answer(theirs, words, text, environment, account)
        found = answer(ours, words, text, environment, account)
        if wanted == found:
            passed += 1
            return
        failed += 1
        print(f"FAIL {case}{words} {text[:60]!r} {environment}")
        for what, value in wanted.items():
            if value != found[what]:
                print(f"     {what}: Debian {str(value)[:400]}\n     {what}: ours   {str(found[what])[:400]}")

    with mta.Debian(PARAMETERS) as theirs, mta.Postrider(options.build, PARAMETERS, mode="root") as ours:
        for words, text, environment in questions():
            ask(theirs, ours, words, text, environment)
        for system in (theirs, ours):
            for path in (system.base, system.log_file.parent):
                os.chmod(path, 0o777)
            system.log_file.touch()
            os.chmod(system.log_file, 0o666)
        for case, parameters, account in refusals():
            for system in (theirs, ours):
                system.set(**parameters)
            for line in REFUSED_LINES:
                ask(theirs, ours, line.split("|"), "To: r\r\nQUIT\r\n", {}, account, f"({case}) ")
            for system in (theirs, ours):
                system.set(**{name: None for name in parameters} | {"queue_directory": system.queue})
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
