#!/usr/bin/env python3
"""What is in the queue, as showq and postqueue tell it: each of ours against Debian's, over the same queue."""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases
import mta
from queuefile import QueueFiles

SERVICES = {name: mta.SERVICES[name] for name in ("showq", "postlog")}


def fill(mail):
    """A queue with something of everything. Returns the ids by what they are."""
    owner = (mail.owner.uid, mail.owner.gid)
    files = QueueFiles(mail.queue, owner)
    ids = {
        "plain": files.message(),
        "reason": files.message(recipients=("a@example.com", "b@example.com", "c@example.com")),
        "null sender": files.message("active", sender=""),
        "held": files.message("hold", recipients=("held@example.com",)),
        "expired": files.message("hold", mode=0o710),
        "incoming": files.message("incoming", recipients=("x@example.com",)),
        "submitted": files.message("maildrop", mode=0o744),
        "in headers": files.message(recipients=(), extracted=("to@example.com", "cc@example.com")),
        "half done": files.message(recipients=("todo@example.com",), done=("done@example.com",)),
        "quoted": files.message(recipients=("two words@example.com", "ü@example.com", "ctl\x01@example.com")),
        "no domain": files.message(sender="root", recipients=("root",)),
        "nobody": files.message(recipients=()),
        "rewritten": files.message(recipients=(("alias@example.com", "final@example.com"),)),
        "bad size": files.message(size="what"),
        "old form": files.message(recipients=("old@example.com",)),
        "log only": files.message(recipients=("other@example.com",)),
        "big": files.message(lines=["Subject: big", ""] + ["x" * 998] * 3000),
        "many": files.message(recipients=[f"user{i}@example.com" for i in range(3000)]),
    }
    files.message("incoming", mode=0o600)  # being written: not yet there for anyone
    files.message(mode=0o400)  # damaged
    files.log(ids["reason"], [("b@example.com", "connect to mx: refused"), ("a@example.com", "connect to mx: refused"),
                              ("c@example.com", "x" * 100)])
    files.log(ids["rewritten"], [("final@example.com", "mailbox full", "alias@example.com")])
    files.log(ids["old form"], [], raw=b"\n<old@example.com>: 4.0.0 as it was said long ago\n\n")
    files.log(ids["log only"], [("gone@example.com", "no longer in the file")])
    files.log(ids["held"], [("held@example.com", "tab\there \xc3\xbc")])
    # Up to duplicate_filter_limit: with more, Debian's lists recipients twice.
    files.log(ids["many"], [(f"user{i}@example.com", f"reason {i // 10}") for i in range(0, 3000, 4)])
    files.log(ids["quoted"], [('"two words"@example.com', "quoted")])
    files.folder("deferred/0")
    (pathlib.Path(mail.queue) / "deferred" / "no.id").write_text("nothing")
    return ids


def ours(options, **more):
    mail = mta.Postrider(options.build, more.pop("parameters", None), services=more.pop("services", SERVICES), **more)
    return mail


def answer_of(mail):
    """All that public/showq says."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(mta.LIMIT)
        link.connect(str(mail.queue / "public" / "showq"))
        parts = []
        while part := link.recv(65536):
            parts.append(part)
    return b"".join(parts)


def need_debian():
    if not mta.Debian.available():
        raise cases.Skipped("Debian's Postfix runs for root only")


def configured_for(debian, queue, folder):
    """A configuration directory for Debian's commands over another system's queue."""
    etc = pathlib.Path(folder) / "debian"
    etc.mkdir()
    text = (debian.etc / "main.cf").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("queue_directory")]
    (etc / "main.cf").write_text("\n".join(lines) + f"\nqueue_directory = {queue}\n")
    os.chmod(folder, 0o755)
    return etc


def test_showq_says_what_debians_says(options, folder):
    """Byte for byte, over the same queue."""
    need_debian()
    with ours(options, mode="root") as mail, mta.Debian(services=SERVICES) as debian:
        fill(mail)
        mail.start()
        said = answer_of(mail)
        etc = configured_for(debian, mail.queue, folder)
        theirs = debian.run("showq", "-u", "-S", environment={"MAIL_CONFIG": str(etc)})
        assert theirs.out.startswith(b"protocol\0mail_queue_list_protocol\0\0"), theirs
        for mine, other in zip(said.split(b"\0\0"), theirs.out.split(b"\0\0")):
            assert mine == other, f"\n{mine[:400]}\n{other[:400]}"
        assert said == theirs.out


def test_debians_postqueue_reads_our_showq(options, folder):
    need_debian()
    with ours(options, mode="root") as mail, mta.Debian(services=SERVICES) as debian:
        fill(mail)
        mail.start()
        etc = configured_for(debian, mail.queue, folder)
        for form, utf8 in (("-p", "yes"), ("-j", "yes"), ("-p", "no"), ("-j", "no")):
            mail.set(smtputf8_enable=utf8)
            with (etc / "main.cf").open("a") as more:
                more.write(f"smtputf8_enable = {utf8}\n")
            theirs = debian.run("postqueue", form, environment={"MAIL_CONFIG": str(etc)})
            assert theirs.status == 0, theirs
            mine = mail.check("postqueue", form)
            if form == "-p":
                assert mine.out == theirs.out
            else:
                known = [json.loads(line) for line in mine.out.splitlines()]
                for message in known:
                    for recipient in message["recipients"]:
                        recipient.pop("orig_address", None)
                assert known == [json.loads(line) for line in theirs.out.splitlines()]


def test_our_postqueue_reads_debians_showq(options):
    need_debian()
    with mta.Debian(services=SERVICES) as debian:
        fill(debian)
        debian.start()
        for form in ("-p", "-j"):
            for changed in ({}, {"enable_long_queue_ids": "yes"}, {"smtputf8_enable": "no"}, {"smtputf8_enable": "yes"}):
                debian.set(**changed)
                theirs = debian.check("postqueue", form)
                program = pathlib.Path(options.build).resolve() / "sbin" / "postqueue"
                mine = subprocess.run([program, "-c", debian.etc, form], capture_output=True, check=False, timeout=mta.LIMIT)
                assert (mine.returncode, mine.stderr) == (0, b""), mine
                assert mine.stdout == theirs.out


def test_postqueue_refuses_as_debians_does(options):
    """Usage, names that cannot be meant, rights, and a system that is down: status and words."""
    need_debian()
    somebody = mta.Account(mta.USER)
    lists = {"relay_domains": "example.com", "authorized_mailq_users": "root", "authorized_flush_users": f"!{somebody.name}, static:all"}
    usual = ([], ["-p", "-f"], ["-p", "x"], ["x"], ["-q"], ["-i"], ["-p", "-p"], ["-f", "-f"], ["-j", "-p"], ["-s", "a", "-s", "b"],
             ["-f"], ["-i", "ABC"], ["-i", "a/b"], ["-i", ""], ["-s", "example.com"], ["-s", "other.example"], ["-s", "bad..dom"],
             ["-s", "[1.2.3.4]"], ["-s", "1.2.3.4"], ["-s", "user@example.com"], ["-s", "@example.com"], ["-s", ""], ["-s", "[1.2.3]"])
    with mta.Postrider(options.build, lists, mode="root", services=()) as mail, mta.Debian(lists, services=()) as debian:
        for words in usual:
            mine, theirs = mail.run("postqueue", *words), debian.run("postqueue", *words)
            assert (mine.status, mine.text, mine.error) == (theirs.status, theirs.text, theirs.error), f"{words}: {mine} {theirs}"
        for words in (["-p"], ["-j"], ["-f"], ["-i", "X"], ["-s", "example.com"]):
            mine = mail.run("postqueue", *words, account=somebody)
            theirs = debian.run("postqueue", *words, account=somebody)
            assert "is not allowed to" in mine.error
            assert (mine.status, mine.text, mine.error) == (theirs.status, theirs.text, theirs.error), f"{words}: {mine} {theirs}"


def test_json_tells_originals_and_bounces(options):
    """What Postfix 3.11 tells in addition."""
    with ours(options) as mail:
        ids = fill(mail)
        files = QueueFiles(mail.queue, (mail.owner.uid, mail.owner.gid))
        files.log(ids["half done"], [("done@example.com", "unknown user", "was@example.com")], folder="bounce")
        mail.start()
        listed = mail.listing()
        assert listed[ids["rewritten"]]["recipients"] == [
            {"orig_address": "alias@example.com", "address": "final@example.com", "delay_reason": "mailbox full"}]
        assert listed[ids["half done"]]["recipients"] == [
            {"orig_address": "was@example.com", "address": "done@example.com", "bounce_reason": "unknown user"},
            {"address": "todo@example.com"}], listed[ids["half done"]]
        assert len(listed[ids["many"]]["recipients"]) == 3000


def test_an_empty_queue(options):
    with ours(options) as mail:
        mail.start()
        assert mail.check("postqueue", "-p").text == "Mail queue is empty\n"
        assert mail.check("postqueue", "-j").text == ""


def test_the_owner_sees_the_queue_while_the_system_is_down(options):
    with ours(options) as mail:
        ids = fill(mail)
        down = mail.run("postqueue", "-p")
        assert down.status == 0, down
        assert down.error == ("postqueue: warning: Mail system is down -- accessing queue directly (Connect to the Postfix showq "
                              "service: No such file or directory)\n"), down.error
        as_json = mail.run("postqueue", "-j")
        assert "orig_address" in as_json.text
        mail.start()
        assert mail.check("postqueue", "-p").text == down.text
        assert mail.check("postqueue", "-j").text == as_json.text
        assert ids["held"] + "!" in down.text


def test_others_do_not_see_the_queue_while_the_system_is_down(options):
    if not mta.is_root():
        raise cases.Skipped("needs a second user")
    with ours(options, mode="root") as mail:
        fill(mail)
        refused = mail.run("postqueue", "-p", account=mta.Account(mta.USER))
        assert refused.status == 69
        assert "fatal: Queue report unavailable - mail system is down (Connect to the Postfix showq service: " in refused.error


def test_a_message_of_many_megabytes_of_recipients_is_streamed(options):
    """showq's memory does not grow with what one message lists."""
    with ours(options) as mail:
        files = QueueFiles(mail.queue, (mail.owner.uid, mail.owner.gid))
        addresses = [f"a-rather-long-recipient-address-number-{i}@example.com" for i in range(60000)]
        one = files.message(recipients=addresses)
        files.log(one, [(address, "y" * 200) for address in addresses])
        mail.start()
        listed = mail.listing()[one]["recipients"]
        assert [each["address"] for each in listed] == addresses
        peak = max(int(line.split()[1]) for pid in mail.pids("showq") for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM"))
        assert peak < 40000, f"{peak} kB"


def test_a_client_that_takes_nothing_blocks_nobody(options):
    with ours(options) as mail:
        fill(mail)
        mail.start()
        lazy = []
        for _ in range(20):
            link = socket.socket(socket.AF_UNIX)
            link.connect(str(mail.queue / "public" / "showq"))
            lazy.append(link)
        first = mail.check("postqueue", "-p").text
        assert "Requests." in first
        for link in lazy:
            link.close()
        assert mail.check("postqueue", "-p").text == first
        assert len(mail.pids("showq")) == 1


def test_garbage_from_a_client_is_not_looked_at(options):
    with ours(options) as mail:
        mail.start()
        for _ in range(10):
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(str(mail.queue / "public" / "showq"))
                with contextlib.suppress(BrokenPipeError):
                    link.sendall(os.urandom(5000))
        assert mail.check("postqueue", "-p").text == "Mail queue is empty\n"


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
