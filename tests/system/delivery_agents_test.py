"""The delivery agents error, retry, discard, local and virtual, asked as a queue manager asks them; beside Debian's where it can run."""
import os
import pathlib
import pwd
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import agents  # noqa: E402
import cases  # noqa: E402
import mta  # noqa: E402
from agents import Message, Recipient  # noqa: E402

USERS = [entry.pw_name for entry in pwd.getpwall() if 0 < entry.pw_uid < 60000 and entry.pw_name.isalpha()][:4]

MAILBOXES = {
    "jane@example.test": "jane/", "joe@example.test": "joe", "@catch.test": "catch/", "deny@example.test": "deny/box",
    "denydir@example.test": "deny/dir/", "dir@example.test": "adir", "link@example.test": "link", "hard@example.test": "hard",
    "locked@example.test": "locked", "low@example.test": "low", "words@example.test": "words", "nogid@example.test": "nogid",
}
UIDS = {name: "12345" for name in MAILBOXES} | {"low@example.test": "50", "words@example.test": "abc"}
GIDS = {name: "12345" for name in MAILBOXES if name != "nogid@example.test"}


def table(entries):
    return "inline:{" + ", ".join("{%s = %s}" % entry for entry in entries.items()) + "}"


def virtual_settings(**more):
    return {"recipient_delimiter": "+", "virtual_mailbox_maps": table(MAILBOXES), "virtual_uid_maps": table(UIDS),
            "virtual_gid_maps": table(GIDS), "deliver_lock_attempts": "1", **more}


def prepare_virtual(system):
    os.chown(system.mail, 12345, 12345)
    (system.mail / "deny").mkdir(mode=0o700)
    (system.mail / "adir").mkdir()
    (system.mail / "link").symlink_to(system.mail / "target")
    os.lchown(system.mail / "link", 12345, 12345)
    for name in ("hard", "locked", "locked.lock"):
        (system.mail / name).touch()
        os.chown(system.mail / name, 12345, 12345)
    os.link(system.mail / "hard", system.mail / "hard2")


def both(options, settings, prepare=lambda system: None):
    """Ours as root, and Debian's; started, without a queue manager."""
    for make in (lambda: mta.Postrider(options.build, settings, mode="root", services=agents.SERVICES),
                 lambda: mta.Debian(settings, services=agents.SERVICES)):
        with make() as system:
            prepare(system)
            system.start()
            yield system


def normal(text, system, message):
    text = text.replace(str(system.base), "BASE").replace(message.id, "ID")
    text = re.sub(r"delay=\S+, delays=\S+,", "delays,", text)
    text = re.sub(r"/tmp/\d+\.[^:]+:", "/tmp/NAME:", text)
    text = re.sub(r"(?m)^(From .*  )\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$", r"\1DATE", text)
    return text


def outcome(system, message, answer):
    lines = [line for line in answer.log if line.startswith(message.id + ": to=") or line.startswith(message.id + ": passing")]
    return {"done": answer.done, "marks": answer.marks, "mode": answer.mode,
            "log": [normal(line, system, message) for line in lines],
            "status": {folder: normal(text, system, message) for folder, text in answer.status_logs.items()}}


def mailboxes(folder, system, message):
    """What a reader finds: {path: content}, files of maildirs as a sorted list."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            maildir = path.parent.name in ("new", "cur", "tmp")
            name = str(path.parent if maildir else path).replace(str(folder), "")
            status = path.stat()
            found.setdefault(name, []).append((oct(status.st_mode), status.st_uid, status.st_gid,
                                               normal(path.read_text("latin-1"), system, message)))
    return {name: sorted(texts) for name, texts in found.items()}


def compare(options, settings, requests, prepare=lambda system: None, folder=lambda system: system.mail):
    """`requests`: (service, arguments of Message, arguments of deliver). What both systems do must be the same."""
    results = []
    for system in both(options, settings, prepare):
        seen = []
        for service, about, how in requests:
            message = Message(**about)
            answer = agents.deliver(system, service, message, **how)
            seen.append((service, about, how, outcome(system, message, answer)))
        results.append((seen, mailboxes(folder(system), system, Message([]))))
    for (service, about, how, ours), (_, _, _, debians) in zip(results[0][0], results[1][0]):
        assert ours == debians, f"{service} {about} {how}:\nours:    {ours}\nDebian's: {debians}"
    assert results[0][1] == results[1][1], f"mailboxes:\nours:    {results[0][1]}\nDebian's: {results[1][1]}"


def need_debian():
    if not mta.Debian.available():
        raise cases.Skipped("Debian's Postfix cannot run here")


# --- error, retry, discard

def test_error_retry_and_discard_do_as_debians(options):
    need_debian()
    requests = []
    for service in ("error", "retry", "discard"):
        for nexthop in ("plain text", "5.7.1 go away", "4.7.1 later", "2.1.5 ok", "5.7.1", "9.9.9 x", "5.1.1000 y", " lead"):
            requests.append((service, {"recipients": ["u@example.test"]}, {"nexthop": nexthop}))
        for flags, notify in ((0, 2), (0, 1), (512, 0), (1024, 0), (8192, 0), (8192, 4), (8192, 8)):
            one = Recipient("u@example.test", "Alias@x.example", notify, "rfc822;foo@bar.example")
            requests.append((service, {"recipients": [one]}, {"nexthop": "some text", "flags": flags}))
        many = [Recipient("a b@x.example", "A@x.example"), Recipient("c@x.example", "C@X.example"), Recipient("", "list")]
        requests.append((service, {"recipients": many}, {"nexthop": "for all"}))
    compare(options, {}, requests)


def test_soft_bounce_does_as_debians(options):
    need_debian()
    compare(options, {"soft_bounce": "yes"}, [
        ("error", {"recipients": ["u@example.test"]}, {"nexthop": "5.7.1 x"}),
        ("error", {"recipients": ["u@example.test"]}, {"nexthop": "5.7.1 x", "flags": 512}),
        ("retry", {"recipients": ["u@example.test"]}, {"nexthop": "4.7.1 x"})])


# --- virtual

TRICKY = ("Received: by x", "Subject: hi", "From x", "", "From a", ">From b", " From c", "from d", ("L", "From e"), "From f",
          ("L", "part"), "", "Return-Path: <x>")


def test_virtual_does_as_debians(options):
    need_debian()
    everybody = ["jane@example.test", "JANE@Example.test", "jane+ext@example.test", "joe@example.test", "Joe+X@example.test",
                 "x@catch.test", "dir@example.test", "hard@example.test", "locked@example.test", "deny@example.test",
                 "nobody@example.test", "No Body@example.test", "low@example.test", "words@example.test", "nogid@example.test"]
    requests = [("virtual", {"recipients": [Recipient(address, "Orig@example.test")]}, {}) for address in everybody]
    for address in ("jane@example.test", "joe@example.test"):
        requests += [("virtual", {"recipients": [address], "sender": "", "lines": TRICKY}, {}),
                     ("virtual", {"recipients": [Recipient(address, "c d@x.example")], "sender": "a b@x.example", "lines": TRICKY}, {}),
                     ("virtual", {"recipients": [address]}, {"flags": 512}),
                     ("virtual", {"recipients": [Recipient(address, notify=2)]}, {}),
                     ("virtual", {"recipients": [address], "lines": ("Received: by x", "", "x" * 70000, "y" * 3000)}, {})]
    requests.append(("virtual", {"recipients": ["nobody@example.test"]}, {"flags": 512}))
    requests.append(("virtual", {"recipients": ["jane@example.test", "joe@example.test", "nobody@example.test"]}, {}))
    compare(options, virtual_settings(), requests, prepare_virtual)


def test_virtual_bounces_when_the_mailbox_is_full_as_debians(options):
    need_debian()
    one = ("virtual", {"recipients": ["joe@example.test"], "lines": ("Received: by x", "", "x" * 100)}, {})
    compare(options, virtual_settings(virtual_mailbox_limit="500", message_size_limit="400"), [one] * 4, prepare_virtual)


def test_virtual_defers_what_it_may_not_write(options):
    with mta.Postrider(options.build, virtual_settings(), mode="root", services=agents.SERVICES) as mail:
        prepare_virtual(mail)
        mail.start()
        for address, text in (("denydir@example.test", "maildir delivery failed: .*Permission denied"),
                              ("link@example.test", "delivery failed to mailbox .*: cannot open file: ")):
            answer = agents.deliver(mail, "virtual", Message([address]))
            assert answer.marks == "R" and re.search(rf"dsn=4\.2\.0, status=deferred \({text}", answer.log[-1]), answer
        assert not (mail.mail / "target").exists()


def test_virtual_refuses_hostile_results_of_tables(options):
    hostile = {"a@example.test": "../../etc/x", "b@example.test": "a/../../x/", "c@example.test": "..", "d@example.test": "/",
               "e@example.test": "x"}
    with mta.Postrider(options.build, {
            "virtual_mailbox_maps": table(hostile), "virtual_uid_maps": table({"e@example.test": "-5"}) + " static:12345",
            "virtual_gid_maps": "static:12345"}, mode="root", services=agents.SERVICES) as mail:
        mail.start()
        before = sorted(mail.base.rglob("*"))
        for address in hostile:
            answer = agents.deliver(mail, "virtual", Message([address]))
            assert answer.marks == "R" and "dsn=4.3.5, status=deferred (mail system configuration error)" in answer.log[-1], answer
        assert not [path for path in sorted(mail.base.rglob("*")) if path not in before and "defer" not in path.parts]


def test_a_corrupt_message_is_marked_as_debian_marks_it(options):
    need_debian()
    for end in (b"", agents.record("E"), b"N\x7fxxx", agents.record("R", "x")):
        for system in both(options, virtual_settings(), prepare_virtual):
            answer = agents.deliver(system, "virtual", Message(["jane@example.test"], end=end), log_lines=0)
            assert (answer.done, answer.marks, answer.mode) == (False, "R", 0o400), (system.name, end, answer)
            assert not list((system.mail / "jane").rglob("*/*")) if (system.mail / "jane").exists() else True


# --- local

def spool_of(system, mode=0o1777, group=0):
    spool = system.base / "spool"
    spool.mkdir()
    os.chown(spool, 0, group)
    os.chmod(spool, mode)


class Spooled:
    """Settings that name a folder below each system's own base."""

    def __init__(self, **settings):
        self.settings = settings

    def __call__(self, base):
        return {"recipient_delimiter": "+", "deliver_lock_attempts": "1", "mail_spool_directory": base / "spool", **self.settings}


def compare_local(options, requests, mode=0o1777, group=0, **settings):
    def prepare(system):
        spool_of(system, mode, group)
        system.set(**{name: str(value) for name, value in Spooled(**settings)(system.base).items()})

    compare(options, {}, requests, prepare, lambda system: system.base / "spool")


def test_local_does_as_debians(options):
    need_debian()
    user = USERS[0]
    addresses = [user, user.upper(), user + "+Ext", user + "+a+b", "\\" + user, "nosuchuser", "nosuchuser+x", "MAILER-DAEMON",
                 "postmaster", "double-bounce", "a b", user + "+a/b", "owner-x", "+x", "", "../x"]
    requests = [("local", {"recipients": [Recipient(f"{name}@localhost.example.test", "Orig@example.test")]}, {})
                for name in addresses]
    requests.append(("local", {"recipients": [user]}, {}))
    for headers in (("Delivered-To: USER",), ("delivered-to:   User  ",), ("delivered-to:   User",), ("Delivered-To: <USER>",), ("Subject: x", "", "Delivered-To: USER"),
                    ("Delivered-To: other@x.example", "Delivered-To: USER")):
        address = f"{user}@localhost.example.test"
        lines = ["Received: by x", *(line.replace("USER", address).replace("User", address.upper()) for line in headers), "", "text"]
        requests.append(("local", {"recipients": [address], "lines": lines}, {}))
    for flags in (512, 1024):
        for name in (user, "nosuchuser", "mailer-daemon"):
            requests.append(("local", {"recipients": [f"{name}@localhost.example.test"]}, {"flags": flags}))
    requests.append(("local", {"recipients": [f"{user}@localhost.example.test"], "lines": TRICKY, "sender": ""}, {}))
    compare_local(options, requests)


def test_mailboxes_in_the_spool_belong_to_whom_debian_gives_them(options):
    need_debian()
    mail_group = mta.grp.getgrnam("mail").gr_gid
    requests = [("local", {"recipients": [f"{user}@localhost.example.test"]}, {}) for user in USERS[:2] * 2]
    for mode, group in ((0o1777, 0), (0o2775, mail_group), (0o775, mail_group), (0o755, 0)):
        compare_local(options, requests, mode, group)


def test_spool_directory_with_a_slash_holds_maildirs_as_debians(options):
    need_debian()
    requests = [("local", {"recipients": [f"{user}@localhost.example.test"]}, {}) for user in USERS[:2] * 2]

    def prepare(system):
        spool_of(system)
        system.set(mail_spool_directory=f"{system.base}/spool/")

    compare(options, {}, requests, prepare, lambda system: system.base / "spool")


def test_maildirs_in_the_spool_go_before_a_file_at_home_as_debians(options):
    need_debian()

    def prepare(system):
        spool_of(system)
        system.set(mail_spool_directory=f"{system.base}/spool/", home_mailbox="there/is/none")

    requests = [("local", {"recipients": [f"{user}@localhost.example.test"]}, {}) for user in USERS[:2]]
    compare(options, {}, requests, prepare, lambda system: system.base / "spool")


def test_a_mailbox_that_its_owner_cannot_read_gets_its_mail_as_debians(options):
    need_debian()
    user = pwd.getpwnam(USERS[0])

    def prepare(system):
        spool_of(system)
        box = system.base / "spool" / USERS[0]
        box.write_text("From x  Thu Jan  1 00:00:00 1970\n\nold\n\n")
        os.chown(box, user.pw_uid, user.pw_gid)
        os.chmod(box, 0o200)
        system.set(**{name: str(value) for name, value in Spooled()(system.base).items()})

    compare(options, {}, [("local", {"recipients": [f"{USERS[0]}@localhost.example.test"]}, {})], prepare, lambda system: system.base / "spool")


def test_headers_in_front_can_be_left_out_as_debians(options):
    need_debian()
    request = ("local", {"recipients": [Recipient(f"{USERS[0]}@localhost.example.test", "Orig@example.test")]}, {})
    compare_local(options, [request], prepend_delivered_header="")
    compare_local(options, [request], enable_original_recipient="no")


def test_other_transports_are_asked_as_debians_asks_them(options):
    need_debian()
    users = dict(zip(("a", "b", "c", "d"), USERS))
    maps = table({users["a"]: "discard:bar", users["b"]: "discard:", users["c"]: "error:5.6.7 bad", users["d"]: "discard:a:b",
                  "nosuchuser": "discard:none"})
    names = [*users.values(), users["a"] + "+x", users["a"].upper(), "nosuchuser", "neither"]
    requests = [("local", {"recipients": [f"{name}@localhost.example.test"]}, {"nexthop": "mx.example.test"}) for name in names]
    # The offset of a recipient that another agent dealt with is in our logs and not in Debian's.
    for settings in ({"mailbox_transport_maps": maps, "mailbox_transport": "discard:all"},
                     {"fallback_transport_maps": maps.replace(users["a"], "other"), "fallback_transport": "discard:unknown"}):
        results = []
        for system in both(options, {}, spool_of):
            system.set(**{name: str(value) for name, value in Spooled(**settings)(system.base).items()})
            system.stop()
            system.start()
            seen = []
            for service, about, how in requests:
                message = Message(**about)
                answer = agents.deliver(system, service, message, **how)
                result = outcome(system, message, answer)
                result["status"] = {name: re.sub(r"offset=\d+\n", "", text) for name, text in result["status"].items()}
                seen.append(result)
            results.append(seen)
        for request, ours, debians in zip(requests, *results):
            assert ours == debians, f"{request}:\nours:    {ours}\nDebian's: {debians}"


def local_alone(options, **settings):
    mail = mta.Postrider(options.build, {}, mode="root", services=agents.SERVICES)
    spool_of(mail)
    mail.set(**{name: str(value) for name, value in Spooled(**settings)(mail.base).items()})
    mail.start()
    return mail


def test_mail_for_an_alias_waits(options):
    user = USERS[0]
    with local_alone(options, alias_maps=table({user: "elsewhere@x.example", "nosuchuser": user})) as mail:
        for name in (user, user + "+ext", "nosuchuser", user.upper()):
            answer = agents.deliver(mail, "local", Message([f"{name}@localhost.example.test"]))
            assert answer.marks == "R" and "dsn=4.3.5, status=deferred" in answer.log[-1] and "alias" in answer.log[-1], answer
        answer = agents.deliver(mail, "local", Message([f"\\{user}@localhost.example.test"]))
        assert answer.marks == "D", answer
        assert [path.name for path in (mail.base / "spool").iterdir()] == [user]


def test_a_forward_file_lets_mail_wait_unless_it_says_nothing(options):
    user = USERS[0]
    with local_alone(options) as mail:
        folder = mail.base / "fw"
        folder.mkdir(mode=0o755)
        os.chmod(folder, 0o755)
        mail.set(forward_path=f"{folder}/$user$recipient_delimiter$extension, {folder}/$user")
        mail.stop()
        mail.start()
        forward = folder / user
        address = f"{user}@localhost.example.test"
        for content, mode, delivered in (("elsewhere@x.example\n", 0o644, False), ("", 0o644, True), ("# nothing\n\n", 0o644, True),
                                         ("elsewhere@x.example\n", 0o666, True), (None, 0, True)):
            if content is None:
                forward.unlink()
            else:
                forward.write_text(content)
                os.chmod(forward, mode)
            answer = agents.deliver(mail, "local", Message([address]))
            assert answer.marks == ("D" if delivered else "R"), (content, mode, answer)
        (folder / (user + "+ext")).write_text("elsewhere@x.example\n")
        assert agents.deliver(mail, "local", Message([f"{user}+ext@localhost.example.test"])).marks == "R"
        assert agents.deliver(mail, "local", Message([f"{user}+other@localhost.example.test"])).marks == "D"


def test_what_is_not_served_yet_lets_mail_wait_and_is_told_at_the_start(options):
    address = f"{USERS[0]}@localhost.example.test"
    for settings, recipient in (({"mailbox_command": "/bin/cat"}, address),
                                ({"mailbox_command_maps": table({USERS[0]: "/bin/cat"})}, address),
                                ({"luser_relay": "x@y.example"}, "nosuchuser@localhost.example.test")):
        with local_alone(options, **settings) as mail:
            answer = agents.deliver(mail, "local", Message([recipient]))
            assert answer.marks == "R" and "dsn=4.3.5, status=deferred" in answer.log[-1], answer
            assert f"{next(iter(settings))} is set but not served yet" in mail.log()


def test_a_missing_alias_table_lets_mail_wait(options):
    with local_alone(options, alias_maps="hash:/nonexistent/aliases") as mail:
        answer = agents.deliver(mail, "local", Message([f"{USERS[0]}@localhost.example.test"]))
        assert "dsn=4.3.0, status=deferred (alias database unavailable)" in answer.log[-1], answer


def test_an_agent_that_cannot_start_keeps_its_own_mail_only(options):
    """As Debian's: its mail waits in active, the queue can be worked with, and what mends it lets the mail go: a reload at once, else master's
    next attempt."""
    settings = {"transport_maps": "inline:{{broken.test=broken:}}", "virtual_mailbox_maps": "inline:{bob@example.test=bob/}"}
    for throttle_time, mended in (("1s", lambda mail: mail.check("postqueue", "-f")), ("1000s", lambda mail: mail.reload())):
        with mta.Postrider(options.build, settings | {"service_throttle_time": throttle_time}, master_cf=["broken unix - - n - - agent"]) as mail:
            programs = mail.base / "programs"
            programs.mkdir()
            for program in mail.libexec.iterdir():
                (programs / program.name).symlink_to(program)
            agent = programs / "agent"
            agent.write_text("#!/bin/sh\nexit 1\n")
            agent.chmod(0o755)
            mail.set(daemon_directory=programs)
            mail.start()
            mail.sendmail("a@broken.test", "b@broken.test", "bob@example.test")
            mail.wait_log("to=<bob@example.test>.*status=sent")
            mail.wait_log("agent: bad command startup -- throttling")
            mail.sendmail("c@broken.test")
            mta.wait(lambda: sorted(mail.queued().values()) == ["active", "active"])
            listed = {message["recipients"][0]["address"]: name for name, message in mail.listing().items()}
            assert sorted(listed) == ["a@broken.test", "c@broken.test"], listed
            mail.check("postsuper", "-d", listed["c@broken.test"])
            assert list(mail.queued()) == [listed["a@broken.test"]]
            agent.unlink()
            agent.symlink_to(mail.libexec / "discard")
            mended(mail)
            mail.wait_empty(limit=10)
            assert "to=<a@broken.test>" in mail.log() and "to=<c@broken.test>" not in mail.log()


def test_a_transport_that_is_not_there_lets_mail_wait(options):
    for transport in ("nosuch:x", ":x", "local:x", "../public/qmgr"):
        with local_alone(options, mailbox_transport=transport) as mail:
            answer = agents.deliver(mail, "local", Message([f"{USERS[0]}@localhost.example.test"]))
            assert answer.marks == "R" and "status=deferred" in answer.log[-1], answer


# --- what holds for ours alone

def test_a_kept_connection_serves_many_messages(options):
    with mta.Postrider(options.build, virtual_settings(), mode="root", services=agents.SERVICES) as mail:
        prepare_virtual(mail)
        mail.start()
        with agents.Connection(mail, "virtual") as connection:
            for _ in range(20):
                assert agents.deliver(mail, "virtual", Message(["jane@example.test"]), connection=connection).done
        assert len(list((mail.mail / "jane/new").iterdir())) == 20
        assert len(mail.pids("virtual")) == 1


def test_the_same_message_comes_into_a_maildir_once(options):
    with mta.Postrider(options.build, virtual_settings(), mode="root", services=agents.SERVICES) as mail:
        prepare_virtual(mail)
        mail.start()
        message = Message(["jane@example.test"])
        for _ in range(3):
            assert agents.deliver(mail, "virtual", message).marks == "D"
        (delivered,) = (mail.mail / "jane/new").iterdir()
        delivered.rename(mail.mail / "jane/cur" / (delivered.name + ":2,S"))
        assert agents.deliver(mail, "virtual", message).marks == "D"
        assert not list((mail.mail / "jane/new").iterdir())


def test_rootless_agents_deliver_to_their_own_user_only(options):
    account = mta.Account(mta.USER) if mta.is_root() else mta.me()
    settings = {"virtual_mailbox_maps": table({"jane@example.test": "jane/", "joe@example.test": "joe"}),
                "virtual_uid_maps": table({"jane@example.test": str(account.uid)}) + " static:54321"}
    with mta.Postrider(options.build, settings, services=agents.SERVICES) as mail:
        spool = mail.base / "spool"
        spool.mkdir()
        mail.own(spool)
        mail.set(mail_spool_directory=str(spool))
        mail.start()
        assert agents.deliver(mail, "virtual", Message(["jane@example.test"])).marks == "D"
        answer = agents.deliver(mail, "virtual", Message(["joe@example.test"]))
        assert answer.marks == "R" and "without root privileges" in answer.log[-1], answer
        assert agents.deliver(mail, "local", Message([f"{account.name}@localhost.example.test"])).marks == "D"
        assert (spool / account.name).stat().st_mode & 0o777 == 0o600
        answer = agents.deliver(mail, "local", Message(["root@localhost.example.test"]))
        assert answer.marks == "R" and "without root privileges" in answer.log[-1], answer
        assert agents.deliver(mail, "error", Message(["jane@example.test"])).marks == "D"


def test_nonsense_on_the_socket_ends_that_connection_only(options):
    with mta.Postrider(options.build, virtual_settings(), mode="root", services=agents.SERVICES) as mail:
        prepare_virtual(mail)
        mail.start()
        good = Message(["jane@example.test"])
        payload = agents.encode_request(good, good.recipients, "", 0)
        for nonsense in (b"\0" * 100, b"GET / HTTP/1.0\r\n\r\n", agents.frame(20, payload[:-1]), agents.frame(20, payload + b"x"),
                         agents.frame(30, payload), agents.frame(20, b"\xff" * 200), b"\x01\x01\x14\x00\xff\xff\xff\xff"):
            with agents.Connection(mail, "virtual") as connection:
                connection.socket.sendall(nonsense)
                try:
                    assert connection.socket.recv(100) == b"", nonsense
                except ConnectionResetError:
                    pass
        assert agents.deliver(mail, "virtual", good).marks == "D"
        assert "panic" not in mail.log() and "fatal" not in mail.log()


def test_the_log_line_is_told_with_the_delays(options):
    with mta.Postrider(options.build, mode="root", services=agents.SERVICES) as mail:
        mail.start()
        answer = agents.deliver(mail, "discard", Message(["u@example.test"], arrival=time.time() - 100), nexthop="text")
        assert re.fullmatch(r"\w+: to=<u@example.test>, relay=none, delay=10\d, delays=0\.01/10\d/0/0(\.\d+)?, dsn=2\.0\.0, "
                            r"status=sent \(text\)", answer.log[-1]), answer


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
