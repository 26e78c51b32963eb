#!/usr/bin/env python3
"""sendmail and postdrop put mail into maildrop, or say why not, and leave nothing half done. Without a running mail system."""
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

MESSAGE = b"S\x05s@x.yR\x05r@x.yM\0N\x0aSubject: xX\0E\0"


def content(system):
    """The records of the one message in maildrop, without the time."""
    paths = list(system.files("maildrop"))
    assert len(paths) == 1, paths
    whole = (system.queue / paths[0]).read_bytes()
    assert whole[:1] == b"T"
    return whole[2 + whole[1]:]


def says(result, status, pattern):
    assert result.status == status and re.search(pattern, result.error), result


def test_mail_is_safe_when_the_system_is_down(options):
    with mta.Postrider(options.build) as mail:
        says(mail.sendmail("ann@example.test"), 0, "warning: unable to look up public/pickup: No such file or directory")
        (path, status), = mail.files("maildrop").items()
        assert stat.S_IMODE(status.st_mode) == 0o744 and status.st_uid == mail.account.uid, (path, status)
        assert mail.run("sendmail", "--", "-r").status == 0


def test_pickup_is_woken(options):
    with mta.Postrider(options.build) as mail, socket.socket(socket.AF_UNIX) as pickup:
        pickup.bind(str(mail.queue / "public/pickup"))
        mail.own(mail.queue / "public/pickup", mode=0o666)
        pickup.listen(4)
        pickup.settimeout(mta.LIMIT)
        assert mail.sendmail("ann@example.test").error == ""
        client, _ = pickup.accept()
        with client:
            client.settimeout(mta.LIMIT)
            assert client.recv(100) == b"W\0"
        assert mail.files("maildrop")


def heed_signals():
    """Whoever runs the tests in the background of a shell script has SIGINT ignored, which children inherit."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def running(mail, name, *words):
    return subprocess.Popen(mail.arguments(name, words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=mail.command_environment(), cwd="/", preexec_fn=heed_signals, **mail.account.passing)


def stopped_while_it_reads(mail, name, *words, stdin):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process = running(mail, name, *words)
        process.stdin.write(stdin)
        process.stdin.flush()
        mta.wait(lambda: mail.files("maildrop"), what="a file in maildrop")
        process.send_signal(number)
        process.communicate(timeout=mta.LIMIT)
        assert process.returncode == -number, process.returncode
        assert not mail.files("maildrop"), mail.files("maildrop")


def test_an_interrupted_sendmail_leaves_nothing(options):
    with mta.Postrider(options.build) as mail:
        stopped_while_it_reads(mail, "sendmail", "-i", "ann@example.test", stdin=b"Subject: x\n")


def test_an_interrupted_postdrop_leaves_nothing(options):
    with mta.Postrider(options.build) as mail:
        stopped_while_it_reads(mail, "postdrop", "-r", stdin=MESSAGE[:10])


def test_an_interrupted_sendmail_takes_its_postdrop_along(options):
    with mta.Postrider(options.build, {"local_login_sender_maps": "static:{* x}"}) as mail:
        stopped_while_it_reads(mail, "sendmail", "-i", "ann@example.test", stdin=b"Subject: x\n")


def test_a_signal_that_is_ignored_stays_so(options):
    with mta.Postrider(options.build) as mail:
        script = 'trap "" HUP; exec "$0" "$@"'
        process = subprocess.Popen(["/bin/sh", "-c", script, *mail.arguments("sendmail", ["ann@example.test"])], stdin=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=mail.command_environment(), cwd="/", **mail.account.passing)
        mta.wait(lambda: mail.files("maildrop"), what="a file in maildrop")
        process.send_signal(signal.SIGHUP)
        process.communicate(b"Subject: x\n\n", timeout=mta.LIMIT)
        assert process.returncode == 0 and mail.files("maildrop")


def test_requests_for_tls_and_utf8_travel_with_the_message(options):
    with mta.Postrider(options.build) as mail:
        says(mail.sendmail("ann@example.test", options=("-O", "requiretls=yes", "-Osmtputf8=yes", "-OTimeout=5")), 0, "")
        assert b"A\x18postrider_requiretls=yesA\x16postrider_smtputf8=yes" in content(mail)
        mail.start()
        mail.wait_empty()
    slow = {"defer_transports": "error", "requiretls_redact_dsn": "no"}
    with mta.Postrider(options.build, slow) as mail:
        mail.start()
        mail.sendmail("ann@elsewhere.test", options=("-Orequiretls=yes", "-Osmtputf8=yes"))
        mta.wait(lambda: mail.files("deferred"))
        path, = mail.files("deferred")
        whole = (mail.queue / path).read_bytes()
        assert b"postrider_requiretls=yes" in whole and whole[96:97] == b"1", whole[:400]
        mail.set(defer_transports="", default_transport="error:5.1.2 no", virtual_mailbox_domains="example.test")
        mail.reload()
        mail.check("postqueue", "-f")
        mail.wait_log("sender non-delivery notification", 20)
        mail.wait_empty()


def test_too_much_is_refused(options):
    for more in ({}, {"local_login_sender_maps": "static:{* x}"}):
        with mta.Postrider(options.build, {"message_size_limit": "1000", **more}) as mail:
            says(mail.sendmail("ann@example.test", text="x" * 100 + "\n" + ("y" * 100 + "\n") * 20), 75,
                 r"sendmail: fatal: sender@example.test\(\d+\): message file too big\n")
            assert not mail.files("maildrop")


def test_a_limit_on_the_size_of_files_leaves_nothing(options):
    """The caller's own, which the set-gid postdrop inherits: as Debian's."""
    for more in ({}, {"local_login_sender_maps": "static:{* x}"}):
        with mta.Postrider(options.build, more) as mail:
            for blocks in (0, 40):
                script = f'ulimit -f {blocks}; exec "$0" "$@"'
                done = subprocess.run(["/bin/sh", "-c", script, *mail.arguments("sendmail", ["ann@example.test"])], input=b"x\n" * 50000,
                                      capture_output=True, check=False, env=mail.command_environment(), cwd="/", **mail.account.passing)
                assert done.returncode == 75 and done.stderr.endswith(b"message file too big\n"), done
                assert not mail.files("maildrop"), mail.files("maildrop")


def test_who_may_not_submit_is_told(options):
    with mta.Postrider(options.build, {"authorized_submit_users": "somebody"}) as mail:
        name, uid = mail.account.name, mail.account.uid
        says(mail.sendmail("ann@example.test"), 75, rf"sendmail: fatal: User {name}\({uid}\) is not allowed to submit mail\n")
        assert not mail.files("maildrop")
        mail.set(authorized_submit_users=f"{name}")
        assert mail.sendmail("ann@example.test").status == 0 and mail.files("maildrop")
        mail.set(authorized_submit_users="fail:x")
        says(mail.sendmail("ann@example.test"), 75, "fatal")


def test_senders_are_checked(options):
    with mta.Postrider(options.build) as mail:
        mail.set(local_login_sender_maps=f"inline:{{ {{ {mail.account.name} = bob@example.org, @lists.test }} }}",
                 recipient_delimiter="+")
        says(mail.sendmail("ann@example.test", sender="eve@example.org"), 75,
             r"sendmail: fatal: eve@example.org\(\d+\): not authorized to use sender='eve@example.org'\n")
        assert not mail.files("maildrop")
        for sender in ("bob@example.org", "bob+x@example.org", "any@lists.test"):
            assert mail.sendmail("ann@example.test", sender=sender).status == 0


def test_postdrop_and_sendmail_write_the_same(options):
    with mta.Postrider(options.build) as mail:
        words = {"sender": "bob@example.org", "text": "Subject: x\n\n" + "y" * 70000 + "\nz", "options": ["-F", "Bob", "-N", "success"]}
        assert mail.sendmail("ann@example.test", "c d@x", **words).status == 0
        direct = content(mail)
        for path in mail.files("maildrop"):
            (mail.queue / path).unlink()
        mail.set(local_login_sender_maps="static:{* x}")
        assert mail.sendmail("ann@example.test", "c d@x", **words).status == 0
        assert content(mail) == direct


def test_set_gid_postdrop_serves_everybody(options):
    if not mta.is_root():
        return
    with mta.Postrider(options.build, mode="root") as mail:
        # Only a configuration directory that the built-in main.cf names would do for a set-gid program that others run, so its group
        # is given by hand: what is tested is that sendmail hands over to it.
        private = mail.base / "bin"
        shutil.copytree(mail.sbin, private, symlinks=True)
        mail.set(command_directory=private)
        os.chown(mail.queue / "maildrop", mail.owner.uid, mta.Account(mta.USER).gid)
        nobody = mta.Account(mta.USER)
        result = mail.sendmail("ann@example.test", account=nobody)
        assert result.status == 0, result
        (_, status), = mail.files("maildrop").items()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (nobody.uid, 0o744)
        (private / "postdrop").unlink()
        says(mail.sendmail("ann@example.test", account=nobody), 75, "fatal: execute .*/bin/postdrop: No such file or directory")


def test_no_place_in_maildrop_is_no_success(options):
    with mta.Postrider(options.build) as mail:
        mail.own(mail.queue / "maildrop", mode=0o500)
        says(mail.sendmail("ann@example.test"), 75, r"sendmail: fatal: sender@example.test\(\d+\): queue file write error")
        mail.own(mail.queue / "maildrop", mode=0o730)


def test_commands_become_others(options):
    with mta.Postrider(options.build) as mail:
        stubs = mail.base / "stubs"
        stubs.mkdir()
        for name in ("postqueue", "postalias", "postfix", "smtpd"):
            (stubs / name).write_text('#!/bin/sh\necho "${0##*/} $* $MAIL_CONFIG"\nexit 7\n')
            os.chmod(stubs / name, 0o755)
        mail.set(command_directory=stubs, daemon_directory=stubs, alias_database="hash:/x, texthash:/y")
        for words, expected in ((["mailq"], "postqueue -p"), (["sendmail", "-bp"], "postqueue -p"), (["mailq", "-v", "-v"], "postqueue -v -v -p"),
                                (["sendmail", "-q"], "postqueue -f"), (["sendmail", "-qRsite"], "postqueue -s site"),
                                (["sendmail", "-qIABC"], "postqueue -i ABC"), (["newaliases"], "postalias -- hash:/x texthash:/y"),
                                (["sendmail", "-bi", "-oA/z"], "postalias -- /z"), (["sendmail", "-bd"], "postfix start"),
                                (["sendmail", "-bd", "-q30m"], "postfix start"),
                                (["sendmail", "-bl"], "postfix start"), (["sendmail", "-bs"], "smtpd -S")):
            result = mail.run(*words)
            assert (result.status, result.text) == (7, f"{expected} {mail.etc}\n"), (words, result)
        other = mail.base / "other"
        shutil.copytree(mail.etc, other)
        result = mail.run("sendmail", "-C", other, "-bp")
        assert result.text == f"postqueue -p {other}\n", result
        mail.set(alias_database="")
        assert mail.run("newaliases").status == 0


def test_postdrop_speaks_its_protocol(options):
    with mta.Postrider(options.build) as mail:
        result = mail.run("postdrop", "-r", stdin=MESSAGE)
        name, = mail.queued("maildrop")
        assert result.status == 0
        assert result.out == f"protocol\0postdrop_protocol\0queue_id\0{name}\0\0status\x000\0reason\0\0\0".encode(), result
        assert content(mail) == MESSAGE


def test_postdrop_keeps_nothing_of_what_is_wrong(options):
    with mta.Postrider(options.build) as mail:
        for stdin, status, pattern in ((b"", 0, "^$"), (MESSAGE[:-2], 0, "^$"), (MESSAGE[:9], 1, "malformed input"), (b"garbage", 1, "malformed"),
                                       (b"S\xff\xff\xff\xff\xff\xff", 1, "too many length bits"), (MESSAGE[7:], 1, "recipient"),
                                       (b"L\x01xM\0", 1, "unexpected record type: 76"), (b"S\x03a\nbR\x01bM\0X\0E\0", 1, "line break"),
                                       (b"F\xb8\x17" + b"x" * 3000 + MESSAGE, 1, "illegal length 3000"), (b"S\x01sM\0X\0E\0", 1, "no recipients")):
            says(mail.run("postdrop", "-r", stdin=stdin), status, pattern)
            assert not mail.files("maildrop"), (stdin, mail.files("maildrop"))


def test_postdrop_drops_what_users_may_not_say(options):
    with mta.Postrider(options.build) as mail:
        says(mail.run("postdrop", "-r", stdin=b"A\x0blog_ident=x" + MESSAGE), 0, "ignoring attribute record: log_ident=x")
        assert content(mail) == MESSAGE


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
