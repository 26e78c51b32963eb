"""Maildrop files that both pickups get: (parameters of main.cf, [(name, bytes, mode, "user" or "us", age in seconds, reason for a difference)])."""
import time

from messages import BASE, requeued
from sides import pack, record


def submission(sender="s@fmt.test", rcpts=("r",), pre=(), post=(), body=("Subject: x", "", "hello"), ext=(), arrival=None):
    records = [("T", arrival or "%d 5" % time.time())]
    records += pre
    if sender is not None:
        records.append(("S", sender))
    records += post
    records += [one if isinstance(one, tuple) else ("R", one) for one in rcpts]
    records.append(("M",))
    records += [one if isinstance(one, tuple) else ("N", one) for one in body]
    return pack(*records, ("X",), *ext, ("E",))


def files():
    full = dict(pre=[("A", "envelope_id=x"), ("A", "ret_flags=1"), ("A", "rewrite_context=local"), ("F", "Joe")],
                post=[("A", "encoding=8bit"), ("A", "trace_flags=512"), ("V", "+=")], rcpts=[("A", "notify_flags=2"), "a", "b"])
    later = pack(("T", "%d 5" % time.time()), ("L", "x:y"), ("F", "FF"), ("S", "sss@x"), ("R", "todo@x"), ("M",), ("N", "Received: a"), ("N", ""), ("X",), ("L", "f:l"), (">", "red@x"),
                 ("r", "x"), ("e", "y"), ("A", "encoding=8bit"), ("A", "foo=bar"), ("A", "notify_flags=4"), ("O", "o2"), ("R", "r2"), ("K", "k"), ("E",))
    saved = "what was ours and is damaged is kept in corrupt"
    found = [
        ("plain", submission()), ("with all attributes", submission(**full)), ("from nobody", submission(sender="", pre=[("F", "x")])),
        ("a blank first", submission(body=[" x", "y"])), ("a tab first", submission(body=["\tx", "y"])), ("no content", submission(body=[])), ("an empty line", submission(body=[""])),
        ("From_ first", submission(body=["From joe", "Subject: y", "", "z"])), ("a long line", submission(body=["Subject: y", "", ("L", "x" * 2048), "y"])),
        ("no line end", submission(body=["Subject: y", "", ("L", "z")])), ("recipients of -t", submission(rcpts=[], ext=[("R", "a"), ("A", "notify_flags=2"), ("R", "b")])),
        ("notify_flags before the sender", submission(pre=[("A", "notify_flags=2")])), ("and bad ones", submission(pre=[("A", "notify_flags=99")])),
        ("dsn_orig_rcpt before the sender", submission(pre=[("A", "dsn_orig_rcpt=rfc822;q@q")], rcpts=["a", "b"])),
        ("both, and no sender", submission(sender=None, pre=[("A", "notify_flags=2"), ("A", "dsn_orig_rcpt=rfc822;q@q")])),
        ("-G", submission(pre=[("A", "rewrite_context=remote")])), ("W", submission(post=[("W", "123")])), ("D", submission(post=[("D", "123")])),
        ("C", record("C", "x") + submission()), ("L", submission(post=[("L", "a:b")])), ("f", submission(post=[("f", "4")])), ("other attributes", submission(post=[("A", "foo=bar")])),
        ("an unknown record", submission(post=[("Z", "a:b")])), ("a pointer that points nowhere", submission(post=[("p", "%15d" % 0)])),
        ("a recipient in the content", submission(body=["Subject: x", ("R", "zz")])), ("a sender behind the content", submission(ext=[("S", "zz")])),
        ("no end", submission()[:-2]), ("cut", submission()[:-6]), ("garbage", b"\xff" * 100), ("empty", b""), ("no sender", submission(sender=None)),
        ("no recipient", submission(rcpts=[])), ("two senders", submission(post=[("S", "x")])), ("junk behind the end", submission() + b"junk"),
        ("no time", submission()[len(record("T", "%d 5" % time.time())):]), ("a time long ago", submission(arrival="1000 1")), ("a long record", submission(post=[("A", "x=" + "y" * 5000)])),
        ("a long text record", submission(body=["Subject: " + "z" * 5000])), ("UTF-8", submission(sender="\u00e9@x", body=["Subject: \u00e9", "", "x"])),
        ("extracted records of another life", submission(ext=[("L", "f:l"), (">", "red@x"), ("r", "x"), ("e", "y"), ("A", "encoding=8bit"), ("A", "foo=bar")])),
        ("Received headers", submission(body=["Received: a", "Received: b", "", "x"])), ("no header", submission(body=["x y", "", "z"])),
    ]
    why = {"a time long ago": "days of the month have two digits since 3.9"}
    found = [(name, data, 0o744, "user", 0, why.get(name)) for name, data in found]
    found += [("old", submission(), 0o744, "user", 3 * 86400, None), ("from the future", submission(), 0o744, "user", -86400, None), ("a little in the future", submission(), 0o744, "user", -300, None),
              ("not ready", submission(), 0o644, "user", 0, None), ("requeued", requeued(), 0o700, "us", 0, None), ("requeued, others may read", requeued(), 0o744, "us", 0, None),
              ("requeued with actions", later, 0o700, "us", 0, None), ("requeued, damaged", requeued()[:-3], 0o700, "us", 0, saved), ("requeued, two senders", record("S", "s") + requeued(), 0o700, "us", 0, None)]
    return found


def groups():
    return [({**BASE}, files()), ({**BASE, "content_filter": "scan:[127.0.0.1]:10025", "receive_override_options": "no_address_mappings", "virtual_alias_maps": "inline:{r=x}"}, files()[:5] + files()[-4:]),
            ({**BASE, "smtputf8_autodetect_classes": "verify"}, [case for case in files() if case[0] == "UTF-8"])]
