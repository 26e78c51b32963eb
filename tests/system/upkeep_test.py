#!/usr/bin/env python3
"""What happens to a running system: its configuration changes under load, its processes are killed, its folders are spoiled. No mail is
lost, users see no error that is none, and it goes on by itself."""
import os
import pathlib
import re
import shutil
import signal
import smtplib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402


class Load(threading.Thread):
    """Submits numbered messages until it is stopped; those with status 0 are promised."""

    def __init__(self, mail):
        super().__init__()
        self.mail, self.promised, self.refused, self.ending = mail, [], [], threading.Event()

    def run(self):
        number = 0
        while not self.ending.is_set():
            number += 1
            result = self.mail.sendmail("ann@example.test", text=f"Subject: n{number}\n\nbody\n")
            (self.promised if result.status == 0 else self.refused).append((number, result))

    def stop(self):
        self.ending.set()
        self.join()


def subjects(mail):
    """How often each number arrived."""
    counts = {}
    for path in (mail.mail / "example.test/ann/new").glob("*"):
        number = int(re.search(rb"^Subject: n(\d+)$", path.read_bytes(), re.M)[1])
        counts[number] = counts.get(number, 0) + 1
    return counts


def assert_all_arrived(mail, load):
    # What a killed cleanup was still writing stays: nobody was promised it, and nobody looks at it.
    mta.wait(lambda: not [path for path, status in mail.files(*mta.QUEUES).items() if status.st_mode & 0o100], what="an empty queue")
    counts = subjects(mail)
    lost = [number for number, _ in load.promised if number not in counts]
    assert not lost, (lost, mail.log_tail())
    assert not load.refused, load.refused[:3]


def mailboxes(mail, *, alias=""):
    table = mail.etc / "mailboxes"  # where whoever runs the system may build its index
    table.write_text("ann@example.test example.test/ann/\n" + alias)
    mail.own(table)
    return table


def test_reloads_under_load_lose_nothing_and_nobody_sees_them(options):
    with mta.Postrider(options.build) as mail:
        table = mailboxes(mail)
        mail.set(virtual_mailbox_maps=f"hash:{table}")
        mail.check("postmap", f"hash:{table}")
        mail.start("postfix")
        load = Load(mail)
        load.start()
        try:
            for turn in range(20):
                # As a whole, as editors do it: a main.cf that is written in place is half a main.cf for a moment.
                mail.check("postconf", f"default_process_limit={50 + turn}", f"queue_run_delay={300 + turn}s")
                if turn % 4 == 0:
                    mailboxes(mail, alias=f"new{turn}@example.test example.test/ann/\n")
                    mail.check("postmap", f"hash:{table}")
                mail.check("postfix", "reload")
        finally:
            load.stop()
        assert len(load.promised) > 3
        assert_all_arrived(mail, load)
        errors = [line for line in mail.log().splitlines() if re.search(r"error:|fatal:|panic:|status=(bounced|deferred)", line)]
        assert not errors, errors


def test_a_broken_configuration_is_refused_and_the_old_one_serves_on(options):
    with mta.Postrider(options.build) as mail:
        table = mailboxes(mail)
        mail.set(virtual_mailbox_maps=f"texthash:{table}")
        mail.start("postfix")
        mail.check("sendmail", "ann@example.test", stdin="Subject: n0\n\n")
        mail.wait_empty()  # all that is needed runs: what starts while main.cf is broken cannot
        good = (mail.etc / "master.cf").read_text()
        for change in ({"default_process_limit": "many"}, {"queue_directory": "/var/empty/none"}):
            before = {name: mail.parameters.get(name) for name in change}
            mail.set(**change)
            assert mail.run("postfix", "-c", mail.etc, "reload").status != 0
            mail.set(**before)
        mail.set(smtpd_client_restrictions="rejct")
        result = mail.run("postfix", "reload")
        assert result.status != 0 and 'did you mean "reject"' in result.error, result
        mail.set(smtpd_client_restrictions=None)
        (mail.etc / "master.cf").write_text(good + "broken\n")
        assert mail.run("postfix", "reload").status != 0
        os.kill(mail.master_pid(), signal.SIGHUP)  # who asks master itself is told by the log
        mta.wait(lambda: "reload refused" in mail.log(), what="the refusal in the log")
        assert mail.sendmail("ann@example.test", text="Subject: n1\n\n").status == 0
        mail.wait_empty()
        assert subjects(mail) == {0: 1, 1: 1}
        (mail.etc / "master.cf").write_text(good)
        mail.check("postfix", "reload")


def test_killed_programs_come_back_and_mail_goes_on(options):
    # A message whose agent is killed with it in hand is deferred, rightly.
    with mta.Postrider(options.build, {"service_throttle_time": "1s", "transport_retry_time": "1s", "minimal_backoff_time": "1s",
                                       "queue_run_delay": "1s", "maximal_backoff_time": "2s"}) as mail:
        mail.set(virtual_mailbox_maps=f"texthash:{mailboxes(mail)}")
        mail.start("postfix")
        load = Load(mail)
        load.start()
        try:
            for program in ("qmgr", "cleanup", "pickup", "virtual", "qmgr"):
                time.sleep(0.3)  # some mail between one and the next
                for pid in mail.pids(program):
                    os.kill(pid, signal.SIGKILL)
        finally:
            load.stop()
        assert_all_arrived(mail, load)


def test_what_a_killed_program_was_told_last_is_not_forgotten(options):
    """It may have died with the word of a message in its hands that nobody will say again."""
    with mta.Postrider(options.build, {"service_throttle_time": "1s"}) as mail:
        mail.start("postfix")
        for program in ("qmgr", "pickup"):
            pid, = mta.wait(lambda: mail.pids(program), what=program)
            os.kill(pid, signal.SIGKILL)
            mta.wait(lambda: mail.pids(program) not in ([], [pid]), what=f"another {program}, though nothing asks for it")


def test_a_young_program_that_has_served_is_replaced_at_once(options):
    """The kernel ends what it likes when memory is short; only who fails before the first client is not started again for a while."""
    port = mta.free_port()
    with mta.Postrider(options.build, {"service_throttle_time": "1000s"}, inet=[f"127.0.0.1:{port} inet n - n - - smtpd"]) as mail:
        mail.set(virtual_mailbox_maps=f"texthash:{mailboxes(mail)}")
        mail.start("postfix")
        number = 0
        for program in (None, "qmgr", "cleanup", "pickup", "smtpd", "virtual"):
            for pid in mail.pids(program):
                os.kill(pid, signal.SIGKILL)
            mta.wait(lambda: program is None or mail.log().count(f"/{program} pid ") > 0, what=f"{program}'s end in the log")
            for way in ("sendmail", "smtp"):
                number += 1
                if way == "sendmail":
                    mail.check("sendmail", "ann@example.test", stdin=f"Subject: n{number}\n\n")
                else:
                    with smtplib.SMTP("127.0.0.1", port, "client.test", timeout=5) as client:
                        client.sendmail("bob@example.test", ["ann@example.test"], f"Subject: n{number}\r\n\r\n")
                mail.wait_empty(limit=10)
        assert "throttling" not in mail.log(), mail.log_tail()
        assert subjects(mail) == {each: 1 for each in range(1, number + 1)}


def test_master_killed_leaves_nothing_that_hinders_the_next_start(options):
    with mta.Postrider(options.build) as mail:
        mail.set(virtual_mailbox_maps=f"texthash:{mailboxes(mail)}")
        mail.start("postfix")
        mail.check("sendmail", "ann@example.test", stdin="Subject: n1\n\n")
        mail.wait_empty()
        os.kill(mail.master_pid(), signal.SIGKILL)
        mta.wait(lambda: "not running" in mail.run("postfix", "status").error + mail.log(), what="status to say so")
        assert mail.run("postfix", "status").status == 1
        assert mail.sendmail("ann@example.test", text="Subject: n2\n\n").status == 0  # mail waits meanwhile
        mail.start("postfix")
        assert mail.run("postfix", "start").status != 0, "a second start"
        mail.wait_empty()
        assert set(subjects(mail)) == {1, 2}
        mail.stop()


def test_a_program_that_is_removed_costs_nothing_once_it_is_back(options):
    with mta.Postrider(options.build, {"service_throttle_time": "1s", "transport_retry_time": "1s", "minimal_backoff_time": "1s",
                                       "queue_run_delay": "1s", "maximal_backoff_time": "2s"}) as mail:
        programs = mail.base / "libexec"
        shutil.copytree(mail.libexec, programs, symlinks=True, copy_function=lambda source, target: os.symlink(os.path.realpath(source), target))
        mail.set(virtual_mailbox_maps=f"texthash:{mailboxes(mail)}", daemon_directory=programs)
        mail.start("postfix")
        (programs / "virtual").rename(programs / "gone")
        assert mail.sendmail("ann@example.test", text="Subject: n1\n\n").status == 0
        mta.wait(lambda: re.search(r"(fatal|error|warning): .*virtual", mail.log()), what="a complaint")
        (programs / "gone").rename(programs / "virtual")
        mail.wait_empty()
        assert subjects(mail) == {1: 1}


def test_a_maildrop_that_cannot_be_written_is_told_to_the_user(options):
    if mta.is_root() and not shutil.which("setpriv"):
        raise cases.Skipped("needs setpriv")
    with mta.Postrider(options.build) as mail:
        mail.set(virtual_mailbox_maps=f"texthash:{mailboxes(mail)}")
        mail.start("postfix")
        (mail.queue / "maildrop").chmod(0o500)
        done = mail.sendmail("ann@example.test")
        assert done.status == 75 and "maildrop" in done.error, done
        assert "mode 0500 lacks" in mail.run("postfix", "check").error
        mail.check("postfix", "set-permissions")
        assert mail.sendmail("ann@example.test", text="Subject: n1\n\n").status == 0
        mail.wait_empty()


def test_a_folder_of_sockets_that_was_removed_comes_back_with_a_reload(options):
    with mta.Postrider(options.build) as mail:
        mail.set(virtual_mailbox_maps=f"texthash:{mailboxes(mail)}")
        mail.start("postfix")
        shutil.rmtree(mail.queue / "private")
        mail.check("postfix", "reload")
        mta.wait(lambda: (mail.queue / "private/virtual").exists(), 10, "sockets")
        assert mail.sendmail("ann@example.test", text="Subject: n1\n\n").status == 0
        mail.wait_empty(limit=10)
        assert subjects(mail) == {1: 1}


if __name__ == "__main__":
    mta.end_cleanly_on_sigterm()
    cases.main(__name__, cases.arguments())
