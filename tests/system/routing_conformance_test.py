#!/usr/bin/env python3
"""Our routing library against Debian's trivial-rewrite and cleanup: many addresses, made up by a generator with a fixed seed, in
several configurations. Each question counts as a test. What is left out of the questions, because ours differs on purpose, stands in
asked()."""
import pathlib
import random
import re
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

SERVICES = ["pickup", "cleanup", "qmgr", "rewrite", "bounce", "defer", "trace", "flush", "error", "retry", "postlog"]
BASE = {"myhostname": "mx.fmt.test", "mydomain": "fmt.test", "myorigin": "fmt.test", "mydestination": "fmt.test, mx.fmt.test, l2.test",
        "inet_interfaces": "loopback-only", "inet_protocols": "all", "default_transport": "smtp", "virtual_mailbox_domains": "",
        "defer_transports": "smtp local error retry virtual relay", "in_flow_delay": "0"}
TABLES = {
    "relayhost": "[rh]:25", "virtual_alias_domains": "va.test, vm2.test", "virtual_mailbox_domains": "vm.test, vm2.test",
    "relay_domains": "relay.test",
    "transport_maps": "inline:{ {full+ext@t.test=t1:a}, {user@t.test=t2:b}, {t.test=t3:c}, {.sub.test=t4:}, {e.test=:nh5},"
                      " {err.test=error:}, {err2.test=error:5.2.1 go away}, {colon.test=:}, {justname.test=t6}, {l2.test=lmtp:},"
                      " {vm.test=:vmhop}, {retry.test=retry:}, {\"q r\"@t.test=t7:}, {mailer-daemon@fmt.test=md:} }",
    "relocated_maps": "inline:{ {moved@fmt.test=newplace@example.com}, {bare=x}, {@gone.test=all gone}, {moved@va.test=va moved} }",
    "sender_dependent_default_transport_maps": "inline:{ {s1@x.test=sdt:sdn}, {<>=nullt:nulln}, {@y.test=sdy}, {d@y.test=DUNNO},"
                                               " {bare=bt:} }",
    "sender_dependent_relayhost_maps": "inline:{ {s2@x.test=[rh2]:99}, {@z.test=rhz}, {d@z.test=DUNNO}, {bare=br} }"}
CONFIGURATIONS = [
    {},
    {"append_dot_mydomain": "yes", "recipient_delimiter": "+", "remote_header_rewrite_domain": "rhd.test"},
    {"swap_bangpath": "no", "resolve_dequoted_address": "no", "recipient_delimiter": "+-"},
    {"allow_percent_hack": "no", "resolve_null_domain": "yes", "resolve_numeric_domain": "yes", "allow_min_user": "yes"},
    {"swap_bangpath": "no", "allow_percent_hack": "no", "append_dot_mydomain": "yes", "append_at_myorigin": "no",
     "smtputf8_enable": "no"},
    {"resolve_dequoted_address": "no", "resolve_null_domain": "yes", "append_dot_mydomain": "yes"},
    {"swap_bangpath": "no", "allow_percent_hack": "no", "append_at_myorigin": "no", "myorigin": "origin.test", "recipient_delimiter": "+"},
    {"append_at_myorigin": "no", "myorigin": "origin.test", "resolve_dequoted_address": "no", "resolve_null_domain": "yes"},
    {"append_at_myorigin": "no", "mydestination": "l2.test"}]
DOMAINS = ["fmt.test", "mx.fmt.test", "l2.test", "FMT.test", "fmt.test.", "other.test", "other.test.", "va.test", "vm.test", "vm2.test",
           "relay.test", "a.relay.test", "t.test", "sub.test", "b.sub.test", "e.test", "err.test", "err2.test", "colon.test",
           "justname.test", "retry.test", "gone.test", "[127.0.0.1]", "[1.2.3.4]", "[::1]", "[ipv6:::1]", "[ipv6:fe80::1]", "[bogus]",
           "1.2.3.4", "host", "\u00fc.test", "u\udcff.test", "a..b", "-a.b", "a_b.c", "x" * 64 + ".test", "12345", "1.a", "a.1", "", "."]
LOCALS = ["x", "full+ext", "full+x", "user", "user+ext", "moved", "moved+e", "bare", "bare+e", "\"q r\"", "q r", "a!b", "a%b", "a@b",
          "a@fmt.test", "b%l2.test", "-x", "", "\"a@b\"", "a!b!c", "\u00fc", "@a", "@a,@b:c", "a.b", ".a", "a..", "(c)x", "a,b",
          "<a", "MAILER-DAEMON", "postmaster", "a%fmt.test", "a%b%fmt.test", "a+b%t.test", "\x01", "a\\b", "\"", "a\"b", "a  b"]
PIECES = ["a", "b", ".", "@", "!", "%", " ", "\"", "\\", "(", ")", "<", ">", ",", ";", ":", "[", "]", "fmt.test", "other.test",
          "[127.0.0.1]", "x y", "\t", "\u00e9", "1", "-", "@a:", "\x7f", "\"q\"", "..", "_"]
SENDERS = ["", "s1@x.test", "s1+e@x.test", "k@y.test", "d@y.test", "s2@x.test", "q@z.test", "d@z.test", "bare@fmt.test", "bare",
           "bare@l2.test", "x@other.test"]
HEADER_PIECES = ["a", "bb", "c.d", "\"q r\"", "\"x\"", "(c)", "(c d (e))", "<", ">", "<a>", "<b@c.d>", ",", ",", ";", ":", "@", "@", ".",
                 " ", " ", " ", "\\", "\"", "[", "]", "[1.2.3.4]", "!", "%", "\t", "\n ", "\x0b", "\x01", "(", ")", "J. D", "=", "''",
                 "longer-local-part@example.com", "longer-local-part@example.com", "grp: ", "\\\"", "\"\"", "<>"]
CLASSES = {256: "local", 512: "virtual alias", 1024: "virtual mailbox", 2048: "relay", 4096: "default"}


def asked(address):
    """Not asked: blanks alone end Debian's daemon; an empty site before the first ! loses the blanks of what follows; invalid UTF-8 is
    let through before an address literal; %.: makes a source route of a percent sign."""
    return bool(address.strip(" \t")) and not address.startswith(("!", "%.:")) and "\udcff@[" not in address


def made_up(generator):
    kind = generator.random()
    if kind < 0.5:
        return generator.choice(LOCALS) + "@" + generator.choice(DOMAINS)
    if kind < 0.6:
        return generator.choice(LOCALS)
    if kind < 0.7:
        return generator.choice(LOCALS) + "@" + generator.choice(DOMAINS) + "@" + generator.choice(DOMAINS)
    return "".join(generator.choice(PIECES) for _ in range(generator.randint(1, 8)))


class Theirs:
    """The rewrite service, asked in its own protocol."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(mta.LIMIT)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rb")
        self.attributes()

    def word(self):
        found = bytearray()
        while (byte := self.stream.read(1)) != b"\0":
            if not byte:
                raise EOFError("the rewrite service has hung up")
            found += byte
        return found.decode("utf-8", "surrogateescape")

    def attributes(self):
        found = []
        while name := self.word():
            found.append((name, self.word()))
        return found

    def ask(self, **question):
        text = "".join(f"{name}\0{value}\0" for name, value in question.items()) + "\0"
        self.socket.sendall(text.encode("utf-8", "surrogateescape"))
        return self.attributes()

    def rewrite(self, context, address):
        return [dict(self.ask(request="rewrite", rule=context, address=address))["address"]]

    def resolve(self, verb, sender, address):
        answer = self.ask(request=verb, sender=sender, address=address)
        (_, transport), (_, nexthop), (_, recipient), (_, flags) = answer[1:]
        flags = int(flags)
        if flags & 8:
            return ["error"]
        if flags & 4 and transport == "CHANNEL NOT UPDATED":
            return ["bad"]
        return [transport, nexthop, recipient, CLASSES[flags & 0x1f00]] + (["bad"] if flags & 4 else []) + \
               (["routed"] if flags & 2 else [])


class Ours:
    def __init__(self, options, folder):
        self.process = subprocess.Popen([options.build / "tests/routing_answers", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def ask(self, *question):
        line = "\t".join(re.sub(r"[\\\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", word) for word in question) + "\n"
        self.process.stdin.write(line.encode("utf-8", "surrogateescape"))
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip(b"\n").split(b"\t")
        plain = [re.sub(rb"\\(x([0-9a-f]{2})|\\)", lambda found: bytes([int(found[2], 16)]) if found[2] else b"\\", word) for word in answer]
        return [word.decode("utf-8", "surrogateescape") for word in plain]

    def resolve(self, verb, sender, address):
        answer = self.ask(verb, sender, address)
        if answer[0] == "error" and len(answer) == 2:
            return ["error"]
        return ["bad"] if len(answer) > 4 and answer[4] == "bad" and not answer[0] else answer

    def end(self):
        self.process.stdin.close()
        self.process.wait(mta.LIMIT)


class Count:
    def __init__(self):
        self.passed = self.failed = 0

    def compare(self, question, theirs, ours):
        if theirs == ours:
            self.passed += 1
            return
        self.failed += 1
        if self.failed <= 20:
            print(f"FAIL {question!r}\n     Debian {theirs!r}\n     ours   {ours!r}")


def addresses(options, count):
    for number, settings in enumerate(CONFIGURATIONS):
        generator = random.Random(number)
        with mta.Debian({**BASE, **TABLES, **settings}, services=SERVICES) as debian:
            debian.start()
            theirs = Theirs(debian.queue / "private/rewrite")
            ours = Ours(options, debian.etc)
            for address in filter(asked, (made_up(generator) for _ in range(200))):
                for context in ("local", "remote"):
                    count.compare((number, context, address), theirs.rewrite(context, address), ours.ask("rewrite", context, address))
                sender = generator.choice(SENDERS)
                for verb in ("resolve", "verify") if number == 0 else ("resolve",):
                    count.compare((number, verb, sender, address), theirs.resolve(verb, sender, address),
                                  ours.resolve(verb, sender, address))
            ours.end()
            debian.stop()


def submitted(debian, recipients, text="Subject: x\n\nx\n"):
    """The path of the queue file that a message becomes, None when cleanup does not take it."""
    before = set(debian.files("deferred"))
    debian.log_mark()
    result = debian.sendmail(*recipients, text=text, options=["-i"])
    assert result.status == 0, result
    new = mta.wait(lambda: [path for path, status in debian.files("deferred").items() if path not in before and status.st_mode & 0o100] or
                   re.search("(virtual_alias_maps|lookup problem).*message not accepted", debian.new_log()), what="the message or its refusal")
    if not isinstance(new, list):
        for path in debian.files("maildrop"):
            (debian.queue / path).unlink(missing_ok=True)
        return None
    return new[0]


def headers(options, count):
    generator = random.Random(7)
    for limit in ("10240", "10"):
        settings = {**BASE, "append_dot_mydomain": "yes", "header_address_token_limit": limit, "header_size_limit": "1024000"}
        with mta.Debian(settings, services=SERVICES) as debian:
            debian.start()
            ours = Ours(options, debian.etc)
            values = [" " + "".join(generator.choice(HEADER_PIECES) for _ in range(generator.randint(1, generator.choice([4, 8, 30]))))
                      for _ in range(400)]
            values = [value for value in values if all(line.strip(" \t") for line in value.split("\n"))]
            text = "".join(f"X-Mark: {number}\nTo:{value}\n" for number, value in enumerate(values)) + "X-Mark: end\n\nx\n"
            path = submitted(debian, ["r@fmt.test"], text)
            stored = debian.check("postcat", "-h", str(debian.queue / path)).out.decode("utf-8", "surrogateescape")
            parts = re.split(r"(?:^|\n)X-Mark: (\w+)(?=\n)", stored)
            for value, theirs in zip(values, parts[2::2]):
                count.compare((limit, value), theirs[1:], "To:" + ours.ask("header", "To", value)[0])
            ours.end()
            debian.stop()


VIRTUAL = r"""
a@v.test  b@v.test c@v.test, a@v.test
b@v.test d@v.test, e@v.test
e@v.test f@v.test
loop1@v.test loop2@v.test
loop2@v.test loop1@v.test
@cat.test all@v.test
@map.test @new.test
u@v.test bare
ext@v.test target@v.test
multi@v.test x, y z, "q r"@t, <ang@x>, Full Name <fn@x>, (c) com@x, grp: g1, g2;
self@v.test self@v.test
grow@v.test grow+x@v.test, g@v.test
dup@v.test d1@v.test, d1@v.test, D1@v.test
bare barehit@x
bang@v.test a!b
empty@v.test ,
at@v.test @
nul@v.test ""
route@v.test @a:b@c
case@v.test CASE@v.test
local@v.test u1@fmt.test
u1 u1hit@x
selfext@v.test selfext@v.test, b@v.test
"q x"@v.test quoted@x
com@v.test (only)
x1@v.test x2@v.test
x2@v.test x1@v.test,x3@v.test
ex2@v.test t+k@v.test
ex3@v.test t@v.test u@w.test bareext
"""
CANONICAL = """
c1@v.test c2@v.test
c2@v.test c3@v.test
cl1@v.test cl2@v.test
cl2@v.test cl1@v.test
cs@v.test cs@v.test
cm@v.test m1@v.test,m2@v.test
@cat2.test @new2.test
cg@v.test cg+x@v.test
"""
TO_VIRTUAL = """a loop1 u ext+foo multi self self+x grow dup bang empty at nul route case local selfext selfext+z com x1 ex2+foo
ex3+foo nobody"""
TO_CANONICAL = "c1 c1+e cl1 cs cs+e cm cg nobody"
TO_MASQUERADE = """a@b.m.test a@m.test a@x.no.m.test a@no.m.test root@b.m.test root+x@b.m.test Root@b.m.test a@B.M.Test a@xm.test
a@a.b.n.test a@x.k.test a@y.x.k.test adm@m.test"""


def maps(options, count):
    settings = {**BASE, "recipient_delimiter": "+", "propagate_unmatched_extensions": "canonical, virtual"}
    with mta.Debian(settings, services=SERVICES) as debian:
        (debian.base / "virtual").write_text(VIRTUAL)
        (debian.base / "canonical").write_text(CANONICAL)
        debian.set(virtual_alias_maps=f"texthash:{debian.base}/virtual", canonical_maps=f"texthash:{debian.base}/canonical",
                   masquerade_classes="envelope_recipient", masquerade_domains="!no.m.test m.test n.test !k.test x.k.test",
                   masquerade_exceptions="root, adm")
        debian.start()
        ours = Ours(options, debian.etc)
        questions = [("virtual", f"{name}@v.test") for name in TO_VIRTUAL.split()]
        questions += [("virtual", "x@cat.test"), ("virtual", "x+y@map.test"), ("virtual", "bare@fmt.test"), ("virtual", "q x@v.test"),
                      ("virtual", "u1@mx.fmt.test")]
        questions += [("canonical", f"{name}@v.test") for name in TO_CANONICAL.split()] + [("canonical", "q+r@cat2.test")]
        questions += [("masquerade", address) for address in TO_MASQUERADE.split()]
        for verb, address in questions:
            quoted = address.replace("q x", '"q x"')
            path = submitted(debian, [quoted])
            theirs = ["not accepted"]
            if path:
                envelope = debian.check("postcat", "-e", str(debian.queue / path)).text
                theirs = re.findall(r"^recipient: ?(.*)", envelope, re.MULTILINE)
            answer = ours.ask(verb, address)
            count.compare((verb, address), theirs, ["not accepted"] if answer[0] in ("error", "problem") else answer)
        ours.end()
        debian.stop()


def main():
    options = cases.arguments()
    if not mta.Debian.available():
        print("SKIP: Debian's Postfix is not to be had\n1 skipped\n0 passed, 0 failed")
        return 0
    count = Count()
    for part in (addresses, headers, maps):
        if options.only in part.__name__:
            part(options, count)
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
