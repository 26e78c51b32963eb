"""The messages that both sides get: (parameters of main.cf, [(name, records, flags, reason for a difference or None)])."""
from sides import AUTO_UTF8, BOUNCE, DISCARD, HOLD, MAP, PICKUP, SMTPD, UTF8, pack, record

ARRIVAL = ("T", "1795258988 27007")
RECEIVED = (("N", "Received: by x (Postfix)"), ("N", "\tid 1; date"))
LOCAL = ("A", "rewrite_context=local")
REMOTE = ("A", "rewrite_context=remote")
PLAIN = SMTPD & ~16  # no automatic copies
EVERY_ADDRESS = ["r", "R", "joe@cat.test", "", "a b", '"a b"@x.test', "a@b@c", "x!y", "x%y", "user@host", "<x@y>", "x@[1.2.3.4]", "joe@cat.test.",
                 "é@x.test", "x@é.test", '"q"@fmt.test', "@a:b@c", "(c)x@y", "a\tb", "+ext@x", "x+@y", "-dash@x", "a..b@c", ".a@b", "a.@b",
                 "x y@fmt.test", "postmaster", "a,b@c", "a;b", "a:b@c", "a\\b@c", 'a"b@c', "[x]@y", "a@[ipv6:::1]", "a" * 300 + "@" + "b" * 300]


def message(sender="s@fmt.test", rcpts=("r@fmt.test",), head=(), body=("hello",), pre=(), post=(), ext=(), received=True, arrival=ARRIVAL):
    records = [arrival] if arrival else []
    records += pre
    if sender is not None:
        records.append(("S", sender))
    records += post
    records += [one if isinstance(one, tuple) else ("R", one) for one in rcpts]
    records.append(("M",))
    records += RECEIVED if received else ()
    records += [one if isinstance(one, tuple) else ("N", one) for one in head]
    if body is not None:
        records += [("N", "")] + [one if isinstance(one, tuple) else ("N", one) for one in body]
    return pack(*records, ("X",), *ext, ("E",))


def content(*records):
    return pack(ARRIVAL, ("S", "s@fmt.test"), ("R", "r@fmt.test"), ("M",), *records, ("X",), ("E",))


def envelope_cases():
    tail = pack(("M",), *RECEIVED, ("N", ""), ("N", "hello"), ("X",), ("E",))
    time, sender, rcpt = ARRIVAL, ("S", "s@fmt.test"), ("R", "r@fmt.test")
    lists = {
        "S before T": [sender, time, rcpt], "no S": [time, rcpt], "no S and no R": [time], "no T": [sender, rcpt],
        "two S": [time, sender, sender, rcpt], "no R": [time, sender], "nothing": [], "content in the envelope": [time, sender, ("N", "x"), rcpt],
        "an unknown letter": [time, sender, ("Z", "x"), rcpt], "X in the envelope": [time, sender, rcpt, ("X", "")],
        "E in the envelope": [time, sender, rcpt, ("E", "")], "a null sender": [time, ("S", ""), rcpt],
        "W given": [time, sender, ("W", "%15d" % 12345), rcpt], "W after R": [time, sender, rcpt, ("W", "123"), rcpt],
        "W for a null sender": [time, ("S", ""), ("W", "abc"), rcpt], "W 0": [time, sender, ("W", "0"), rcpt],
        "two T": [time, ("T", "1795258900 1"), sender, rcpt], "a T that is none": [("T", "abc"), sender, rcpt],
        "T without microseconds": [("T", "1795258988"), sender, rcpt], "T below 0": [("T", "-5 3"), sender, rcpt],
        "T after R": [time, sender, rcpt, ("T", "1795258900 1")], "C first": [("C", "%15d %15d %15d" % (1, 2, 3)), time, sender, rcpt],
        "a C that is none": [("C", "xx"), time, sender, rcpt], "c": [time, ("c", "123"), sender, rcpt],
        "two F": [time, ("F", "One"), ("F", "Two"), sender, rcpt], "an empty F": [time, ("F", ""), ("F", "Two"), sender, rcpt],
        "F after S": [time, sender, ("F", "One"), rcpt], "hold by f": [time, ("f", "4"), sender, rcpt],
        "discard by f": [time, ("f", "8"), sender, rcpt], "f with another flag": [time, ("f", "20"), sender, rcpt],
        "f that is no number": [time, ("f", "x"), sender, rcpt], "I": [time, ("I", "a:b"), sender, rcpt],
        "L": [time, ("L", "smtp:x"), sender, rcpt], "two L": [time, ("L", "a:b"), ("L", "c:d"), sender, rcpt],
        "L without a colon": [time, ("L", "smtp"), sender, rcpt], "L before T": [("L", "a:b"), time, sender, rcpt],
        "a redirection": [time, sender, (">", "x@y"), rcpt], "VERP": [time, sender, ("V", "+="), rcpt], "VERP for nobody": [time, ("S", ""), ("V", "+="), rcpt], "VERP before the sender": [time, ("V", "+="), sender, rcpt],
        "VERP with one character": [time, sender, ("V", "+"), rcpt], "VERP with others": [time, sender, ("V", "ab"), rcpt],
        "K": [time, sender, ("K", "junk"), rcpt], "recipients that are done": [time, sender, ("D", "d@x"), ("/", "c@x"), rcpt],
        "O is used up by D": [time, sender, ("O", "orig"), ("D", "d@x"), rcpt], "O": [time, sender, ("O", "orig@x"), rcpt],
        "two O": [time, sender, ("O", "1"), ("O", "2"), rcpt], "an empty O": [time, sender, ("O", ""), rcpt],
        "an attribute without =": [time, ("A", "foo"), sender, rcpt], "a null attribute": [time, ("A", "foo="), sender, rcpt],
        "an attribute without a name": [time, ("A", "=x"), sender, rcpt], "an attribute with blanks": [time, ("A", " foo = x y "), sender, rcpt],
        "as many attributes as may be": [time] + [("A", f"a{i}=x") for i in range(4)] + [sender, rcpt],
        "one attribute too many": [time] + [("A", f"a{i}=x") for i in range(5)] + [sender, rcpt],
        "one attribute again and again": [time] + [("A", f"a=x{i}") for i in range(7)] + [sender, rcpt],
        "an attribute after R": [time, sender, rcpt, ("A", "x=y"), rcpt],
        "an unknown context": [time, ("A", "rewrite_context=foo"), sender, rcpt],
        "an unknown encoding": [time, sender, ("A", "encoding=foo"), rcpt], "8bit": [time, sender, ("A", "encoding=8bit"), rcpt],
        "trace flags": [time, sender, ("A", "trace_flags=512"), rcpt], "trace flags that are none": [time, sender, ("A", "trace_flags=zz"), rcpt],
        "return flags": [time, ("A", "ret_flags=1"), sender, rcpt], "return flags that are none": [time, ("A", "ret_flags=9"), sender, rcpt],
        "return flags 3": [time, ("A", "ret_flags=3"), sender, rcpt], "<": [time, ("<", "2"), sender, rcpt],
        "two envelope ids": [time, ("A", "envelope_id=abc"), ("A", "envelope_id=def"), sender, rcpt], "i": [time, ("i", "abc"), sender, rcpt],
        "notify as an attribute": [time, sender, ("A", "notify_flags=2"), rcpt, ("R", "r2")],
        "a bad notify attribute": [time, sender, ("A", "notify_flags=200"), rcpt],
        "o": [time, sender, ("o", "rfc822;foo@bar"), rcpt], "two o": [time, sender, ("o", "rfc822;a"), ("o", "rfc822;b"), rcpt],
        "utf-8 original": [time, sender, ("o", "utf-8;foo@bar"), rcpt], "an original without type": [time, sender, ("o", "foo@bar"), rcpt],
        "a create_time": [time, ("A", "create_time=99"), sender, rcpt], "two n": [time, sender, ("n", "2"), ("n", "4"), rcpt],
        "the whole group": [time, sender, ("A", "notify_flags=8"), ("A", "dsn_orig_rcpt=rfc822;k"), ("O", "kk"), rcpt],
        "NUL in S": [time, ("S", "a\0b@x"), rcpt], "NUL in R": [time, sender, ("R", "a\0b@x")], "NUL in O": [time, sender, ("O", "a\0b"), rcpt],
        "NUL in an attribute": [time, ("A", "a=b\0c"), sender, rcpt], "NUL in F": [time, ("F", "a b\0c"), sender, rcpt],
        "data in M": [time, sender, rcpt],
    }
    for name in ("3", "1", "0", "14", "15", "-1", "x", ""):
        lists[f"n {name}"] = [time, sender, ("n", name), rcpt]
    return [(name, pack(*records) + tail, PLAIN, None) for name, records in lists.items()]


def extracted_cases():
    junk = "Postfix writes uninitialised memory for this attribute here"
    found = []
    for name, records, why in (
            ("R", [("R", "x@fmt.test")], None), ("groups", [("n", "2"), ("o", "rfc822;x@y"), ("R", "b"), ("/", "u")], None),
            ("D and O", [("D", "foo"), ("O", "or"), ("R", "b")], None), ("F", [("F", "foo")], None), ("I", [("I", "x")], None),
            ("P r e", [("P", "x"), ("r", "x"), ("e", "x")], None), ("K", [("K", "x")], None), ("L and >", [("L", "x:y"), (">", "a@b")], None),
            ("L after R", [("R", "q"), ("L", "x:y")], None), ("A", [("A", "foo=bar")], None), ("A without =", [("A", "foo")], None),
            ("encoding", [("A", "encoding=8bit")], None), ("trace flags", [("A", "trace_flags=512")], None),
            ("S", [("S", "x")], None), ("T", [("T", "1 2")], None), ("<", [("<", "1")], None), ("i", [("i", "1")], None), ("N", [("N", "x")], None),
            ("W", [("W", "1")], None), ("C", [("C", "1")], None), ("V", [("V", "+=")], None), ("M", [("M", "")], None),
            ("return flags", [("A", "ret_flags=1")], junk), ("an envelope id", [("A", "envelope_id=x")], junk), ("a create_time", [("A", "create_time=1")], junk)):
        found.append((f"extracted: {name}", message(rcpts=["a"], ext=records), PLAIN, why))
    for name, rcpts in (("notify", [("A", "notify_flags=2")]), ("O", [("O", "zz")]), ("original", [("A", "dsn_orig_rcpt=rfc822;zz")])):
        found.append((f"{name} before M is used in the extracted segment", message(rcpts=["a", *rcpts], ext=[("R", "b")]), PLAIN, None))
    found.append(("recipients in the extracted segment alone", message(rcpts=[], ext=[("R", "b")]), PLAIN, None))
    return found


def content_cases():
    head = RECEIVED
    end = ("N", "")
    lists = {
        "no Received": [("N", "Subject: x"), end], "no header at all": [("N", ""), ("N", "x")], "no content": [],
        "a header alone": [*head], "Received is not first": [("N", "Subject: x"), *head, end], "a body without an empty line": [*head, ("N", "Subject: x"),
        ("N", "not a header"), end, ("N", "z")], "a blank line that continues": [*head, ("N", " "), ("N", "z")],
        "a recipient in the content": [*head, ("R", "x")], "E in the content": [*head, ("E", "")], "a header in pieces": [*head, ("L", "Subject: a"), ("N", "bcd"),
        ("N", "X: y"), end, ("L", "z")], "an end without a line end": [*head, end, ("N", "z"), ("L", "z")],
        "a header that ends in the middle": [*head, ("L", "Subject: x")], "body in pieces": [*head, end, ("L", "a" * 2048), ("L", "b" * 2048), ("N", "c")],
        "From_ first": [("N", "From joe x"), *head, end], "From_ later": [*head, ("N", "From joe Mon"), ("N", "Subject: x"), end],
        "quoted From_": [*head, ("N", ">From joe Mon"), ("N", "Subject: x"), end], "a colon alone": [*head, ("N", ": x"), ("N", "Subject: x"), end],
        "8-bit name": [*head, ("N", "S\u00fcbject: x"), end], "control in a name": [*head, ("N", "S\x01bject: x"), end],
        "blank in a name": [*head, ("N", "A B: x"), end], "blanks before the colon": [*head, ("N", "Subject \t: x"), ("N", "To \t: x@y"), ("N", "From : j"), end],
        "NUL in a header": [*head, ("N", "Subject: a\0b"), ("N", "\tcde"), ("N", "To: a\0b"), end], "NUL in the body": [*head, end, ("N", "a\0b"), ("N", "\0")],
        "stray line ends": [*head, ("N", "Subject: a\rb"), ("N", "X: y\r"), ("N", "Y: a\nb"), end, ("N", "x\ry"), ("N", "z\r"), ("N", "a\nb"), ("L", "\r"), ("N", "\n")],
        "empty lines": [*head, end, end, end], "a body of one empty line": [*head, end], "a blank continuation": [*head, ("N", "Subject: x"), ("N", "\t"), ("N", "To: y"), end],
        "more blank continuations": [*head, ("N", "To: x"), ("N", "  "), ("N", "\t,y"), end], "an empty chunk": [*head, ("L", ""), ("N", "Subject: x"), end],
        "a chunk that ends a header": [*head, ("L", "Subject: x"), ("N", ""), end], "chunk and continuation": [*head, ("L", "Subject: x"), ("N", " y"), ("N", " z"), end],
        "long header line": [*head, ("L", "Subject: " + "x" * 2039), ("N", "y" * 300), end], "CR alone as a line": [*head, ("N", "\r"), ("N", "x")],
        "the empty line in pieces": [*head, ("L", ""), ("N", ""), ("N", "x")],
    }
    why = {name: "the log line names the message" for name in ("a recipient in the content", "E in the content")}
    return [(name, content(*records), PLAIN, why.get(name)) for name, records in lists.items()]


def header_limit_cases():
    found = []
    for size in (180, 199, 200, 201, 300):
        found.append((f"a header of {size} bytes", message(head=["S: " + "x" * (size - 3), "To: b"]), PLAIN, None))
    for size in (95, 96, 97, 98, 99, 100, 101, 120):
        found.append((f"a folded header, second line {size}", message(head=["S: " + "x" * 97, "\t" + "y" * (size - 1), "\tz", "\tk"]), PLAIN, None))
        found.append((f"a header in two pieces, second {size}", message(head=[("L", "S: " + "x" * 97), ("N", "y" * size), "\tz"]), PLAIN, None))
        found.append((f"a header in three pieces, second {size}", message(head=[("L", "S: " + "x" * 97), ("L", "y" * size), ("N", "zz"), "\tz"]), PLAIN, None))
    for size in (187, 188, 189, 190, 199):
        found.append((f"a folded header of which little is left behind {size}", message(head=["S: " + "x" * (size - 3), "\t" + "y" * 40, "\tz"]), PLAIN, None))
    long = {"a message id": ["Message-ID: <" + "x" * 250 + "@x>"], "a folded message id": ["Message-ID:", " <" + "x" * 250 + "@x>"], "blanks": ["X: " + " " * 250], "blanks, then an encoding": ["Content-Transfer-Encoding: " + " " * 200 + "8bit"],
            "an 8-bit end": ["X: " + "x" * 250 + "\u00e9"], "a phrase without end": ['From: "' + "x" * 250 + '" <joe>'], "a list without change": ["To: " + ",".join(f"user{i}@x.test" for i in range(30))]}
    for count in (8, 12, 13, 14, 40):
        long |= {f"a list of {count}, {pad} more": ["To: " + "x" * pad + ",".join(f"user{i}" for i in range(count))] for pad in range(3)}
    return found + [(f"too long: {name}", message(head=head), PLAIN, None) for name, head in long.items()]


HEADERS = ["From: s", 'To: r, c (comment), "q q" <j+ext@fmt.test>', "Cc: joe@a.m.test,root@a.m.test", "Bcc: secret", "Sender: s", "Reply-To: c",
           "Errors-To: s@a.m.test", "Return-Path: <s>", "Resent-To: r", "Resent-From: c", "Resent-Bcc: hid", "Return-Receipt-To: c",
           "Disposition-Notification-To: c", "Mail-Followup-To: c", "Apparently-To: c", "Resent-Reply-To: c", "Delivered-To: c", "X-To: c",
           "Content-Length: 9", "Subject: =?utf-8?q?x?=", "Message-ID: <1@x>", "Resent-Message-ID: <2@x>", "Date: whatever", "Resent-Sender: c"]


def header_cases():
    heads = {
        "all of them": HEADERS, "Resent-To alone": ["Resent-To: x"], "Resent-Date alone": ["Resent-Date: x", "Message-ID: <x@y>"], "an unknown Resent header": ["Resent-Foo: x"],
        "two message ids": ["Message-ID: <1@x>", "Message-Id: <2@x>"], "a folded message id": ["Message-ID:", " <1@x>   "],
        "an odd message id": ["Message-ID: a b (c) <x y@z>"], "an empty message id": ["Message-ID:"], "empty ones": ["From:", "To:", "Cc: ", "Date:"],
        "groups": ["To: grp: a, b;", "Cc: undisclosed-recipients:;"], "bad syntax": ["From: a b c", "To: <a>, <b", 'Cc: "x y', "Reply-To: a@b@c"],
        "a long list that stays": ["To: " + ", ".join(f"user{i}@example.test" for i in range(8))],
        "a long list that changes": ["To: " + ", ".join(f"user{i}" for i in range(8))],
        "a folded list that changes": ["To: aaa,", "\tbbb,", "  ccc@x.test (foo", '  bar) , "Joe Doe"  <ddd>'],
        "8-bit text": ["Subject: \u00e9"], "an 8-bit address": ["From: \u00e9@x"], "phrases": ["From: Joe Q. Doe <joe>", 'To: "Doe, Joe" <d>, a (b (c) d)'],
        "a route address": ["From: <@a,@b:c@d>", "To: @x:y@z"], "UUCP and percent": ["From: a!b", "To: x%y"], "literals": ["To: a@[1.2.3.4], b"],
        "quotes in the local part": ['From: "a b"', 'To: "a.b"@x, "c\\"d"'], "case of names": ["FROM: a", "tO: b", "sUBJECT: C"],
        "an empty list entry": ["To: a,, b,", "Cc: , c"], "angle brackets alone": ["From: <>", "To: <>, a"],
    }
    many = "c" * 300
    around = ["a" * 247 + " <b>", "a" * 248 + " <b>", " ".join(["w"] * 124) + " <b>", " ".join(["w"] * 125) + " <b>", "a (" + "c" * 247 + ")", "a (" + "c" * 248 + ")", f"({many}) a@x.test", f"({many}) a@x.test, b", f"a, ({many}), b", f"{many} <>, b",
              f"{many} <a@x.test>, b", f"grp: a, b ({many});", f"grp: a ({many}), b;", f"grp: a; b ({many})", f"a@({many})x, b", f'"{many}"@x.test, b', f"{many}: ; a", "(" + "\u00e9" * 124 + ") a", f"a (x\n {many})", f"a ({many}), b ({many}), c (d)"]
    heads |= {f"what is around an address {number}": ["To: " + text] for number, text in enumerate(around)}
    found = [(f"headers: {name}", message(head=lines), PLAIN, None) for name, lines in heads.items()]
    found += [("headers in remote context", message(head=HEADERS, pre=[REMOTE]), PLAIN, None),
              ("headers without mapping", message(head=HEADERS, pre=[LOCAL]), PLAIN & ~MAP, None),
              ("remote context without any", message(pre=[REMOTE]), PLAIN, None)]
    # The order of the headers that begin them is that of the names; the rest is known by heart.
    names = {"quoted": 'Doe, John "x"', "initial": "John Q. Public", "percent": "a%b", "blanks": "  a  b ", "comment": "a(b)c", "at": "a@b", "in quotes": '"Joe Doe"',
             "angle": "Joe <x>", "one word": "Joe", "odd but fine": "Joe-Bob O'Neil & Co #1", "backslash": "Joe\\Doe", "bang": "Joe!Doe"}
    found += [(f"full name: {name}", message(pre=[("F", text)]), PLAIN, None) for name, text in names.items()]
    found += [("full name: not ASCII", message(pre=[("F", "Jos\u00e9")]), PLAIN, "3.10 encodes it (RFC 2047)"),
              ("full name of the null sender", message(sender="", pre=[("F", "Joe")]), PLAIN, None),
              ("full name that is empty", message(pre=[("F", "")]), PLAIN, None)]
    return found


def mime_cases():
    part = ["--b", "Content-Transfer-Encoding: 8bit", "", "x", "--b--"]
    found = []
    for name, head, post in (("8bit", ["Content-Transfer-Encoding: 8bit"], []), ("7bit", ["Content-Transfer-Encoding: 7bit"], []),
                             ("qp", ["Content-Transfer-Encoding: quoted-printable"], [("A", "encoding=8bit")]),
                             ("binary", ["Content-Transfer-Encoding: BINARY"], [("A", "encoding=7bit")]),
                             ("unknown", ["Content-Transfer-Encoding: foo"], [("A", "encoding=7bit")]),
                             ("8bit, said to be 7bit", ["Content-Transfer-Encoding: 8bit"], [("A", "encoding=7bit")]),
                             ("8bit with a comment", ["Content-Transfer-Encoding: (c) 8bit (d)"], []), ("8bit quoted", ['Content-Transfer-Encoding: "8bit"'], []),
                             ("8bit and a blank", ["Content-Transfer-Encoding: 8bit "], []), ("8bit and an empty line of it", ["Content-Transfer-Encoding: 8bit", "\t"], []),
                             ("8bit and more", ["Content-Transfer-Encoding: 8bit foo"], [])):
        found.append((f"encoding {name}", message(head=head, post=post), PLAIN, None))
    multipart = 'Content-Type: multipart/mixed; boundary="b"'
    for name, head, body in (
            ("in a part", [multipart], part), ("in a part, boundary unquoted", ["Content-Type: multipart/mixed; charset=x; boundary=b"], part),
            ("in the second part", [multipart], ["pre", "--b", "Content-Type: text/plain", "", "y", *part]),
            ("after the last boundary", [multipart], ["--b", "", "y", "--b--", "--b", "Content-Transfer-Encoding: 8bit", "", "x"]),
            ("in a part of a part", [multipart], ["--b", 'Content-Type: multipart/alternative; boundary="c"', "", "--c", "Content-Transfer-Encoding: 8bit", "", "z",
                                                "--c--", "--b--"]),
            ("in a message", ["Content-Type: message/rfc822"], ["Content-Transfer-Encoding: 8bit", "Subject: \u00e9", "", "x\u00e9"]),
            ("in a part that is a message", [multipart], ["--b", "Content-Type: message/rfc822", "", "Subject: y", "Content-Transfer-Encoding: 8bit", "", "x"]),
            ("in the text", ["Content-Type: text/plain"], part), ("without a boundary", ["Content-Type: multipart/mixed"], part),
            ("other boundary", ['Content-Type: multipart/mixed; boundary="bb"'], part), ("boundary with more behind it", [multipart], ["--bc", "Content-Transfer-Encoding: 8bit", "", "x"]),
            ("8-bit header of a part", [multipart], ["--b", "X: \u00e9", "", "x"]), ("in a digest", ['Content-Type: multipart/digest; boundary="b"'], ["--b", "", "Content-Transfer-Encoding: 8bit", "", "x"]),
            ("folded in a part", [multipart], ["--b", "Content-Transfer-Encoding:", " 8bit", "", "x"]),
            *((f"in message/{kind}", [f"Content-Type: message/{kind}"], ["Content-Transfer-Encoding: 8bit", "", "x"])
              for kind in ("partial", "external-body", "delivery-status", "news", "global", "foo")),
            ("in message/rfc822 with base64", ["Content-Type: message/rfc822", "Content-Transfer-Encoding: base64"], ["Content-Transfer-Encoding: 8bit", "", "x"]),
            ("a part without empty line", [multipart], ["--b", "X: y", "no header", "Content-Transfer-Encoding: 8bit", "", "x"]),
            ("a boundary in the header of a part", [multipart], ["--b", "X: y", "--b", "Content-Transfer-Encoding: 8bit", "", "x"]),
            ("blanks before the colon in a part", [multipart], ["--b", "X : y", "Content-Transfer-Encoding : 8bit", "", "x"]),
            ("the boundary of the outer one ends the inner one", [multipart], ["--b", 'Content-Type: multipart/alternative; boundary="c"', "", "--c", "", "z", "--b",
                                                                             "Content-Transfer-Encoding: 8bit", "", "x", "--c", "X: \u00e9", "", "q"]),
            ("boundary in capitals", ["Content-Type: MULTIPART/MIXED; BOUNDARY=B"], part), ("a comment in the type", ["Content-Type: multipart (c) / mixed (d) ; (e) boundary (f) = b"], part),
            ("two types", ["Content-Type: text/plain", multipart], part), ("two types, the other way", [multipart, "Content-Type: text/plain"], part),
            *((f"with types {' and '.join(types)}", [f"Content-Type: {one}" for one in types], part) for types in (
                ["multipart/mixed; boundary=a", "multipart/mixed; boundary=b"], ["multipart/mixed; boundary=b", "multipart/mixed; boundary=c"], ["multipart/mixed;", "multipart/mixed; boundary=b"], ["multipart/mixed; boundary=b; boundary=c"],
                ["multipart/; boundary=b"], ["multipart; boundary=b"], ['multipart/mixed; boundary=""'], ['"multipart"/mixed; boundary=b'], ['multipart/mixed; "boundary"=b'], ["multipart/mixed;;; boundary=b"], ["multipart/mixed; a; boundary=b"],
                ["multipart/mixed; boundary==b"], ["multipart/mixed; boundary;"], ["multipart/mixed; x=boundary=b"])),
            ("boundary folded", ["Content-Type: multipart/mixed;", '\tboundary="b"'], part)):
        why = "the body is passed on as it is" if name == "blanks before the colon in a part" else None
        found.append((f"8bit {name}", message(head=head, body=body), PLAIN, why))
    return found


def utf8_cases():
    found = []
    for flags, asked in ((PLAIN, "not asked for"), (PLAIN | UTF8, "asked for"), (PLAIN | AUTO_UTF8, "detected")):
        for name, records in (("a header", message(head=["Subject: \u00e9"])), ("a sender", message(sender="\u00e9@x")), ("a recipient", message(rcpts=["\u00e9@x", "b"])),
                              ("a body", message(body=["\u00e9"])), ("nothing", message()), ("a domain", message(rcpts=["a@\u00e9.test"])),
                              ("Latin 1", message(sender=b"\xe9@x".decode("utf-8", "surrogateescape"), head=[("N", b"Subject: \xe9")])),
                              ("a Latin 1 sender", message(sender=b"\xe9@x".decode("utf-8", "surrogateescape"))),
                              ("a Latin 1 recipient", message(rcpts=[("R", b"\xe9@x"), "b"])), ("a Latin 1 header", message(head=[("N", b"Subject: \xe9")])),
                              ("an extracted recipient", message(ext=[("R", "\u00e9@x")]))):
            found.append((f"SMTPUTF8 {asked}, for {name}", records, flags, None))
    return found


def requeued():
    return pack(("C", "%15d %15d %15d %15d %15d %15d" % (1, 2, 3, 4, 5, 6)), ARRIVAL, ("A", "create_time=1"), LOCAL, ("A", "log_client_name=x"), ("F", "FF"), ("S", "sss@x"),
                ("A", "encoding=8bit"), ("V", "+="), ("W", "%15d" % -1), ("D", "done"), ("A", "notify_flags=2"), ("A", "dsn_orig_rcpt=rfc822;q"), ("O", "oo"), ("R", "todo@x"),
                ("M",), ("N", "Received: a"), ("N", "Subject: k"), ("N", ""), ("N", "body"), ("X",), ("A", "notify_flags=4"), ("O", "o2"), ("R", "r2"), ("K", "k"), ("E",))


MAPS = {
    "canonical_maps": "inline:{c=c-mapped, j=John.Doe, {multi=x@y.test}}", "sender_canonical_maps": "inline:{s=s-mapped}",
    "recipient_canonical_maps": "inline:{r=r-mapped@far.test}", "masquerade_domains": "!no.m.test m.test", "masquerade_exceptions": "root",
    "virtual_alias_maps": "inline:{{v=v1,v2}, {always=v3}, {bccv=q1,q2}, {one=a@x.test, b@x.test}, {dup=a@x.test a@x.test}, {self=self, other@x.test}, {loop=loop2}, "
                          "{loop2=loop}, {grow=grow+x}, {@cat.test=catch@x.test}, {nest=one, r}}",
    "recipient_bcc_maps": "inline:{rb=rbcc@x.test, rb2=bccv, v1=v1bcc, b@x.test=v2bcc}", "sender_bcc_maps": "inline:{sb=sbcc@x.test}",
    "always_bcc": "always", "recipient_delimiter": "+", "delay_warning_time": "4h",
}
BASE = {"myhostname": "mx.fmt.test", "mydomain": "fmt.test", "myorigin": "fmt.test", "mydestination": "mx.fmt.test, fmt.test", "in_flow_delay": "0",
        "virtual_mailbox_domains": "", "default_transport": None}


def mapped_cases():
    found = []
    for who in ("s", "c", "j+ext", "r", "joe@a.m.test", "joe@no.m.test", "joe@x.no.m.test", "root@a.m.test", "joe@m.test", "v", "rb", "rb2", "v1", "sb", "sb+x", "multi",
                "one", "dup", "self", "grow", "joe@cat.test", "nest", "loop", "V", "One", "v+x"):
        found.append((f"mapped: {who}", message(sender=who, rcpts=[who]), SMTPD, None))
        found.append((f"not mapped: {who}", message(sender=who, rcpts=[who], head=[f"To: {who}", f"From: {who}"]), SMTPD & ~MAP, None))
    found += [
        ("mapped headers", message(head=HEADERS), SMTPD, None), ("mapped headers in remote context", message(head=HEADERS, pre=[REMOTE]), SMTPD, None),
        ("no copies", message(sender="sb", rcpts=["rb", "v"]), PLAIN, None),
        ("copies that are recipients already", message(sender="sb", rcpts=["always", "rb", "rb", "sbcc@x.test", ("A", "notify_flags=2"), "rbcc@x.test"]), SMTPD, None),
        ("copies of mail from nobody", message(sender="", rcpts=["x"]), SMTPD, None), ("copies for extracted recipients", message(sender="sb", rcpts=[], ext=[("R", "rb")]), SMTPD, None),
        ("copies without recipients", message(sender="sb", rcpts=[]), SMTPD, None),
        ("a copy for a whole group", message(sender="sb", rcpts=[("A", "notify_flags=8"), ("A", "dsn_orig_rcpt=rfc822;k"), ("O", "kk"), "rb"]), SMTPD, None),
        ("duplicates", message(rcpts=["r", "R", "r@fmt.test", "R@FMT.TEST", "one", "dup", ("O", "orig1"), "r", ("O", "Orig1"), "r@fmt.test", ("A", "notify_flags=2"), "r",
                                      ("o", "rfc822;zz"), "r"]), PLAIN, None),
        ("pickup's flags", message(sender="sb", rcpts=["rb", "v"]), PICKUP, None),
    ]
    found += [(f"W {text!r} with delay warnings", message(rcpts=["k"], post=[("W", text)]), PLAIN, None) for text in ("0", "-1", "123", "%15d" % 5)]
    return found


def flag_cases():
    return [("hold", message(), PLAIN | HOLD, None), ("discard", message(), PLAIN | DISCARD, None), ("discard what is bad", message(sender=None), PLAIN | DISCARD, None),
            ("discard without recipients", message(rcpts=[]), PLAIN | DISCARD, None), ("requeued", requeued(), 51 & ~BOUNCE, None),
            ("data in marks", pack(ARRIVAL, ("S", "s"), ("R", "x"), ("M", "junk"), ("N", "Received: x"), ("N", ""), ("X", "junk"), ("E", "junk")), PLAIN, None),
            ("no recipients, bounce", message(rcpts=[]), PLAIN | BOUNCE, None), ("only recipients that are done", message(rcpts=[("D", "x")]), PLAIN, None)]


def size_cases():
    # Postfix notices when its buffer of 4096 bytes goes out; the message is far over the limit here.
    return [("too large", message(body=["x" * 1000] * 25), PLAIN, None), ("far too large", message(body=["x" * 1000] * 200), PLAIN, None), ("not too large", message(body=["x" * 1000] * 15), PLAIN, None),
            ("too large and discarded", message(body=["x" * 1000] * 25), PLAIN | DISCARD, None)]


def groups():
    return [
        ({**BASE}, [(f"address {address!r}", message(sender=address, rcpts=[address]), PLAIN, None) for address in EVERY_ADDRESS] + extracted_cases() + content_cases() +
         header_cases() + mime_cases() + utf8_cases() + flag_cases()),
        ({**BASE, "queue_file_attribute_count_limit": "5", "delay_warning_time": "4h"}, envelope_cases()),
        ({**BASE, **MAPS}, mapped_cases()),
        ({**BASE, "header_size_limit": "200"}, header_limit_cases()),
        ({**BASE, "message_size_limit": "20000", "hopcount_limit": "3"},
         size_cases() + [(f"{count} hops", message(head=[f"Received: {i}" for i in range(count - 1)]), PLAIN, None) for count in (1, 2, 3, 4)]),
        ({**BASE, "enable_original_recipient": "no", "duplicate_filter_limit": "2"},
         [("few duplicates remembered", message(rcpts=["a", "b", "c", "c", "d", "d", "a"]), PLAIN, None),
          ("duplicates without originals", message(rcpts=["a", ("A", "notify_flags=2"), "a", ("A", "dsn_orig_rcpt=rfc822;q"), "a", ("O", "z"), "a"]), PLAIN, None)]),
        ({**BASE, "always_add_missing_headers": "yes", "undisclosed_recipients_header": "To: undisclosed-recipients:;", "header_from_format": "obsolete",
          "enable_long_queue_ids": "yes", "message_drop_headers": "subject, x-drop"},
         [(f"missing headers: {name}", message(head=head, pre=pre), PLAIN, None) for name, head, pre in (
             ("none", [], []), ("Bcc", ["Bcc: x"], []), ("Resent-Bcc", ["Resent-Bcc: x"], []), ("Resent-To", ["Resent-To: x"], []), ("remote", ["To: x"], [REMOTE]),
             ("remote, none", [], [REMOTE]), ("Cc", ["Cc: x"], []), ("full name", [], [("F", "Joe D.")]), ("full name with parentheses", [], [("F", "Joe (x)")]),
             ("dropped", ["Subject: x", "X-Drop: y", "\tz", "X-Dropped: y", "Bcc: k"], []))]),
        ({**BASE, "message_drop_headers": "content-type, content-transfer-encoding, content-disposition, content-id, content-description, mime-version, content-md5", "line_length_limit": "600"},
         [("what describes the content is not dropped", message(head=["Content-Type: text/plain", "Content-Transfer-Encoding: 8bit", "Content-Disposition: inline", "Content-Id: <x>", "Content-Description: y", "MIME-Version: 1.0", "Content-MD5: z"]), PLAIN, None),
          ("lines longer than line_length_limit", message(head=["X: " + "y" * 1300], body=["z" * 1300, "z" * 600, "z" * 601, ("L", "k" * 1300), "l" * 700]), PLAIN, None)]),
        ({**BASE, "smtputf8_enable": "no", "remote_header_rewrite_domain": "rem.test"}, utf8_cases() + [
            ("remote rewriting", message(head=HEADERS, pre=[REMOTE]), PLAIN, None), ("remote recipients", message(sender="joe", rcpts=["bob"], pre=[REMOTE]), PLAIN, None)]),
        ({**BASE, "message_strip_characters": "~\\007", "message_reject_characters": "^\\0", "cleanup_replace_stray_cr_lf": "no", "disable_mime_input_processing": "yes"},
         [("characters stripped", message(head=["Subject: a~b\x07"], body=["x~y", "~"]), PLAIN, None), ("character refused in a header", message(head=["Subject: a^b"]), PLAIN, None),
          ("character refused in the body", message(body=["x^y"]), PLAIN, None), ("NUL refused", message(body=["x\0y"]), PLAIN, None),
          ("nothing refused without the filter flag", message(head=["Subject: ab"], body=["x^y~"]), PLAIN & ~2, None),
          ("stray line ends kept", message(head=["Subject: a\rb"], body=["x\ry", "z\r"]), PLAIN, None),
          ("refused, from a client", message(body=["x^y"], post=[("A", "log_message_origin=cn[1.2.3.4]"), ("A", "log_protocol_name=ESMTP"), ("A", "log_helo_name=hh")]), PLAIN, None),
          ("no MIME", message(head=["Content-Transfer-Encoding: 8bit"]), PLAIN, None)]),
        ({**BASE, "virtual_alias_maps": "inline:{ {wide=a,b,c,d}, {wide3=a,b,c}, {d1=d2}, {d2=d3}, {d3=d4}, {d4=d5}, {e1=e2}, {e2=e3}, {e3=e4}, "
                                        "{long=01234567890123456789012345678901234@x}, {pat=c} }",
          "virtual_alias_expansion_limit": "3", "virtual_alias_recursion_limit": "3", "virtual_alias_address_length_limit": "30", "append_dot_mydomain": "yes",
          "masquerade_domains": "fmt.test", "masquerade_classes": "envelope_recipient", "canonical_classes": "header_sender", "canonical_maps": "inline:{c=cc}"},
         [(f"limits: {who}", message(sender=who, rcpts=[who], head=[f"From: {who}", f"To: {who}"]), SMTPD, None)
          for who in ("wide", "wide3", "d1", "d2", "d3", "e1", "e2", "long", "pat", "c", "a@host", "a@x.fmt.test", "a@host.")]),
        ({**BASE, "virtual_alias_maps": "inline:{v=x} fail:virtual"}, [(f"virtual aliases fail: {who}", message(rcpts=[who]), SMTPD, None) for who in ("v", "r")]),
        ({**BASE, "canonical_maps": "inline:{grow=grow+x, loop=loop2, loop2=loop, c=d}", "recipient_delimiter": "+", "message_reject_characters": "^"},
         [(f"canonical without end: {who}", message(sender=who, rcpts=[who], head=[f"To: {who}"]), SMTPD, None) for who in ("grow", "loop", "c")] +
         [("characters refused, the recipient mapped", message(rcpts=["r", "c"], body=["^"]), SMTPD, None)]),
        ({**BASE, "canonical_maps": "fail:canonical"}, [("canonical fails", message(), SMTPD, None)]),
        ({**BASE, "sender_bcc_maps": "fail:bcc"}, [("copies fail", message(), SMTPD, None), ("no copies for nobody", message(sender=""), SMTPD, None)]),
    ]
