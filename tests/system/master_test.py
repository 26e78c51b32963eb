#!/usr/bin/env python3
"""master starts processes when they are needed, replaces its configuration as a whole, and goes in good order. The daemons here are
small programs of the test's own, which follow the contract between master and its children."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
from actors import LIMIT, System, eventually, free_port, gone, system  # noqa: E402


def test_a_process_starts_with_the_first_client(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n") as mail:
        assert mail.notes() == []
        client, _ = mail.ask_pid("private/echo")
        client.close()
        assert len(mail.notes("echo started")) == 1


def test_a_free_process_takes_the_next_client(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n") as mail:
        client, first = mail.ask_pid("private/echo")
        client.close()
        eventually(lambda: mail.ask_pid("private/echo")[1] == first)


def test_busy_processes_get_another_one_up_to_the_limit(options, folder):
    with system(options, folder, "echo unix - - n - 2 actor echo\n") as mail:
        first, a = mail.ask_pid("private/echo")
        second, b = mail.ask_pid("private/echo")
        assert a != b
        third = mail.connect("private/echo")
        third.sendall(b"pid\n")
        third.settimeout(0.3)
        try:
            raise AssertionError(third.recv(10))
        except TimeoutError:
            pass
        first.close()
        third.settimeout(LIMIT)
        assert int(third.recv(100)) == a
        assert len(mail.notes("echo started")) == 2
        second.close()
        third.close()


def test_a_full_public_service_is_told_once_with_advice(options, folder):
    port = free_port()
    with system(options, folder, f"{port} inet n - n - 1 actor echo\n") as mail:
        client, _ = mail.ask_pid(port)
        mail.logged(f'warning: service "{port}" ({port}) has reached its process limit "1": new clients may experience noticeable delays')
        client.close()
        other, _ = mail.ask_pid(port)
        other.close()
        assert mail.log().count("has reached its process limit") == 1
        assert "increase the process count in master.cf" in mail.log()


def test_a_busy_service_starts_with_a_process_for_each_cpu(options, folder):
    port = free_port()
    with system(options, folder, f"{port} inet n - n - 100 smtpd echo\n") as mail:
        client, _ = mail.ask_pid(port)
        wanted = min(len(os.sched_getaffinity(0)), 16)
        eventually(lambda: len(mail.notes("echo started")) == wanted)
        client.close()


def test_the_contract_of_arguments_environment_and_descriptors(options, folder):
    services = "dump unix n - n - 3 actor -o a=b -o { x = y z } {two words} dump\n"
    mail = System(options, folder, services, ())
    extra = os.open("/dev/null", os.O_RDONLY)
    try:
        mail.start(pass_fds=[extra], env={**os.environ, "SECRET": "1", "NOTIFY_SOCKET": "/nonexistent"})
        mail.connect("public/dump").close()
        lines = eventually(lambda: (folder / "dumped").exists() and (folder / "dumped").read_text().splitlines())
    finally:
        mail.stop()
        os.close(extra)
    words = [line[4:] for line in lines if line.startswith("arg ")]
    assert words[1:] == ["-n", "dump", "-t", "unix", "-u", "-o", "a=b", "-o", "x = y z", "two words", "dump"], words
    environment = dict(line[4:].split("=", 1) for line in lines if line.startswith("env "))
    environment.pop("LC_CTYPE", None)  # of the interpreter
    assert environment == {"GENERATION": "1", "MAIL_CONFIG": str(folder / "etc"), "MAIL_LOGTAG": "postfix",
                           "POSTLOG_HOSTNAME": "mx.example.com", "POSTLOG_SERVICE": str(folder / "queue/public/postlog"),
                           "TEST_FOLDER": str(folder)}, environment
    held = dict(line[3:].split(" ", 1) for line in lines if line.startswith("fd "))
    assert held["0"] == held["1"] == held["2"] == "/dev/null", held
    assert held["3"] == held["4"] and held["3"].startswith("pipe:"), held
    assert held["5"].startswith("socket:") and held["6"].startswith("socket:"), held
    inherited = [number for number, what in held.items() if int(number) > 6 and not what.endswith(("/dump", "/sbin/actor"))]
    assert [number for number in inherited if not held[number].startswith("/proc/")] == [], held
    assert f"cwd {folder}/queue" in lines and "pgrp same" in lines


def test_a_process_that_dies_young_throttles_its_service(options, folder):
    with system(options, folder, "bad unix - - n - - actor dies\n", ["service_throttle_time = 2s"]) as mail:
        started = time.monotonic()
        clients = [mail.connect("private/bad")]
        mail.logged("bad command startup -- throttling")
        program = folder / "sbin/actor"
        pid = mail.notes("dies started")[0].split()[-1]
        assert f"warning: process {program} pid {pid} exit status 3\n" in mail.log(), mail.log()
        assert f"warning: {program}: bad command startup -- throttling\n" in mail.log()
        eventually(lambda: len(mail.notes("dies started")) == 2)
        assert time.monotonic() - started >= 2, (time.monotonic() - started, mail.log(), mail.notes())
        for client in clients:
            client.close()


def test_a_killed_process_is_told_with_its_signal(options, folder):
    with system(options, folder, "bad unix - - n - - actor killed\n") as mail:
        client = mail.connect("private/bad")
        mail.logged("killed by signal 11")
        client.close()


def test_who_has_completed_a_client_is_replaced_without_a_pause(options, folder):
    with system(options, folder, "c unix - - n - - actor crash-later\n", ["service_throttle_time = 1000s"]) as mail:
        for turn in range(1, 4):
            client = mail.connect("private/c")
            client.sendall(b"x")
            assert client.recv(10) == b"ok"
            client.close()
            mail.logged("exit status 1", turn)
        assert "throttling" not in mail.log()


def test_a_false_status_message_is_not_heeded(options, folder):
    with system(options, folder, "l unix - - n - - actor liar\n") as mail:
        client = mail.connect("private/l")
        mail.logged("unexpected status message; not heeded from now on")
        client.close()


def test_who_cannot_be_asked_any_more_counts_as_busy(options, folder):
    with system(options, folder, "m unix - - n - - actor mute\n") as mail:
        clients = [mail.connect("private/m") for _ in range(2)]
        assert [client.recv(10) for client in clients] == [b"mute\n"] * 2
        assert len(mail.notes("mute started")) == 2
        for client in clients:
            client.close()


def test_services_are_woken_at_once_and_then_in_time(options, folder):
    with system(options, folder, "w unix n - n 1 1 actor w\nif unix n - n 1? 1 actor if\n") as mail:
        eventually(lambda: len(mail.notes("w woken")) >= 2)
        assert mail.notes("if") == [], "woken before its first use"
        mail.connect("public/if").close()
        eventually(lambda: len(mail.notes("if woken")) >= 1)


def test_wakeups_reach_tcp_services_and_fifos(options, folder):
    port = free_port()
    services = f"{port} inet n - n 1 1 actor net\npipe fifo n - n 1 1 actor pipe\n"
    with system(options, folder, services) as mail:
        eventually(lambda: mail.notes("net woken"))
        eventually(lambda: any(repr(b"W\0") in line for line in mail.notes("pipe read")))


def test_datagram_services_start_with_the_first_datagram(options, folder):
    with system(options, folder, "log unix-dgram n - n - 1 actor log\n") as mail:
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        fd = os.open(folder / "queue", os.O_RDONLY)
        sender.sendto(b"hello", f"/proc/self/fd/{fd}/public/log")
        os.close(fd)
        eventually(lambda: mail.notes("log got hello"))


def test_reload_tells_old_processes_to_finish_and_starts_new_ones(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n") as mail:
        client, old = mail.ask_pid("private/echo")
        mail.reload()
        eventually(lambda: mail.notes("echo told F"))
        client.sendall(b"pid\n")
        assert int(client.recv(100)) == old, "its client is completed"
        other, new = mail.ask_pid("private/echo")
        assert new != old
        client.close()
        eventually(lambda: gone(old))
        assert not gone(new)
        other.close()
        assert "exit status" not in mail.log()


def test_no_connection_is_refused_during_reloads(options, folder):
    port = free_port()
    services = f"{port} inet n - n - 5 actor echo\necho unix - - n - 5 actor echo\n"
    with system(options, folder, services) as mail:
        served = 0
        for turn in range(5):
            mail.send(signal.SIGHUP)
            for _ in range(10):
                for place in (port, "private/echo"):
                    client, _ = mail.ask_pid(place)
                    client.close()
                    served += 1
        assert served == 100


def test_a_reload_adds_and_removes_services(options, folder):
    with system(options, folder, "a unix - - n - - actor echo\nb unix - - n - - actor echo\n") as mail:
        client, old = mail.ask_pid("private/a")
        mail.configure("b unix - - n - - actor echo\nc unix - - n - - actor echo\n")
        mail.reload()
        mail.ask_pid("private/c")[0].close()
        mail.ask_pid("private/b")[0].close()
        assert not (folder / "queue/private/a").exists()
        client.close()
        eventually(lambda: gone(old))


def test_a_broken_configuration_is_refused_and_the_old_one_goes_on(options, folder):
    broken = [
        ("echo unix - - n - - actor echo\nbroken inet\n", None, "master.cf, line 2: bad field count"),
        ("echo unix - - n - - actor echo\nno-such inet n - n - 1 actor\n", None, "unknown service name"),
        ("echo unix - - n - - smtpd -o smtpd_timeout=soon echo\n", None, "smtpd_timeout"),
        (None, ["smtpd_timeout = soon"], "main.cf, line 13: smtpd_timeout = soon"),
        (None, ["no equals sign here"], "missing '='"),
    ]
    good = "echo unix - - n - - actor echo\n"
    with system(options, folder, good) as mail:
        client, pid = mail.ask_pid("private/echo")
        for turn, (services, settings, reason) in enumerate(broken, 1):
            mail.configure(services, settings)
            mail.send(signal.SIGHUP)
            mail.logged("error: reload refused: the mail system goes on with the configuration that it has", turn)
            assert reason in mail.log(), (reason, mail.log())
            client.sendall(b"pid\n")
            assert int(client.recv(100)) == pid
            mail.configure(good, ())
        assert mail.notes("echo told") == []
        client.close()
        mail.reload()


def test_a_taken_port_refuses_the_reload_and_changes_nothing(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n") as mail, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        mail.configure(f"new unix - - n - - actor echo\n{port} inet n - n - - actor echo\n")
        mail.send(signal.SIGHUP)
        mail.logged(f"error: bind 127.0.0.1:{port}: Address already in use")
        mail.ask_pid("private/echo")[0].close()
        assert not (folder / "queue/private/new").exists()


def test_an_address_gives_its_port_to_a_wider_one(options, folder):
    port = free_port()
    with system(options, folder, f"127.0.0.1:{port} inet n - n - - actor echo\n") as mail:
        client, old = mail.ask_pid(port)
        mail.configure(f"{port} inet n - n - - actor echo\n", ["inet_interfaces = all"])
        mail.reload()
        other, new = mail.ask_pid(port)
        assert old != new
        client.close()
        other.close()
        assert "error" not in mail.log(), mail.log()


def test_a_solitary_process_is_gone_before_the_next_one_starts(options, folder):
    with system(options, folder, "q unix n - n - 1 actor echo\n") as mail:
        client, old = mail.ask_pid("public/q")
        mail.reload()
        eventually(lambda: mail.notes("echo told F"))
        waiting = mail.connect("public/q")
        waiting.sendall(b"pid\n")
        waiting.settimeout(0.3)
        try:
            raise AssertionError(waiting.recv(10))
        except TimeoutError:
            pass
        client.close()
        waiting.settimeout(LIMIT)
        assert int(waiting.recv(100)) != old
        waiting.close()


def test_a_socket_that_someone_removed_is_back_after_a_reload(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n") as mail:
        (folder / "queue/private/echo").unlink()
        mail.reload()
        mail.ask_pid("private/echo")[0].close()


def test_a_rotated_log_is_followed_even_when_the_reload_is_refused(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n") as mail:
        (folder / "log").rename(folder / "log.old")
        mail.configure("broken\n")
        mail.send(signal.SIGHUP)
        mail.logged("reload refused")


def test_stop_ends_all_processes_and_frees_the_locks(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n") as mail:
        client, pid = mail.ask_pid("private/echo")
        master = mail.pid()
        mail.send(signal.SIGTERM)
        eventually(lambda: not mail.is_running())
        eventually(lambda: gone(pid) and gone(master))  # also from the table of processes
        assert "terminating on signal 15" in mail.log()
        client.close()
        mail.start()


def test_a_process_that_ignores_the_sign_is_killed(options, folder):
    with system(options, folder, "s unix - - n - - actor stubborn\n") as mail:
        client = mail.connect("private/s")
        pid = int(eventually(lambda: mail.notes("stubborn accepted"))[0].split()[-1])
        mail.send(signal.SIGTERM)
        eventually(lambda: not mail.is_running())
        eventually(lambda: gone(pid))
        client.close()


def test_children_complete_their_clients_when_master_is_gone(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n") as mail:
        client, pid = mail.ask_pid("private/echo")
        mail.send(signal.SIGUSR1)
        eventually(lambda: not mail.is_running())
        client.sendall(b"pid\n")
        assert int(client.recv(100)) == pid
        client.close()
        eventually(lambda: gone(pid))
        assert mail.notes("echo orphaned")


def test_the_lifetime_option_ends_master(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n", start=False) as mail:
        mail.start("-e", "1")
        eventually(lambda: not mail.is_running())


def test_the_lock_files_hold_the_process_id(options, folder):
    with system(options, folder) as mail:
        for path in (folder / "queue/pid/master.pid", folder / "data/master.lock"):
            assert path.read_text() == f"{mail.pid():>32}\n"
        assert mail.run("-t").returncode == 1
        second = mail.run("-w")
        assert second.returncode == 1
        assert "open lock file pid/master.pid: unable to set exclusive lock: Resource temporarily unavailable" in second.stderr
    assert mail.run("-t").returncode == 0


def test_the_data_directory_has_one_master_only(options, folder):
    with system(options, folder) as mail:
        other = System(options, folder / "other")
        other.configure(settings=[f"data_directory = {folder}/data"])
        done = other.run("-w")
        assert done.returncode == 1 and f"open lock file {folder}/data/master.lock" in done.stderr, done.stderr
        assert mail.is_running()


def test_a_bad_start_names_file_and_line_and_waits_for_nobody(options, folder):
    with system(options, folder, "good unix - - n - - actor echo\nbad inet\n", start=False) as mail:
        done = mail.run("-w")
        assert done.returncode == 1
        assert f"fatal: {folder}/etc/master.cf, line 2: bad field count" in done.stderr, done.stderr
        assert f"fatal: {folder}/etc/master.cf, line 2: bad field count" in mail.log()
        mail.configure("good unix - - n - - actor echo\n", ["queue_directory = /nonexistent/queue"])
        done = mail.run("-w")
        assert done.returncode == 1 and "/nonexistent/queue: No such file or directory" in done.stderr, done.stderr


def test_a_parameter_of_another_program_is_told_but_does_not_keep_mail_from_starting(options, folder):
    with system(options, folder, "echo unix - - n - - actor echo\n", ["smtpd_timeout = soon"]) as mail:
        assert "smtpd_timeout" in mail.log()
        mail.ask_pid("private/echo")[0].close()


def test_missing_programs_and_services_without_processes(options, folder):
    services = "rewrite unix - - n - - trivial-rewrite\nx unix - - n - - absent\necho unix - - n - - actor echo\n"
    with system(options, folder, services) as mail:
        assert f"{folder}/etc/master.cf, line 2: service x/unix is not offered: there is no program {folder}/sbin/absent" in mail.log()
        assert "trivial-rewrite" not in mail.log() and "rewrite/unix" not in mail.log()
        assert sorted(path.name for path in (folder / "queue/private").iterdir()) == ["echo"]
        mail.ask_pid("private/echo")[0].close()


def test_the_check_option_tells_everything_and_starts_nothing(options, folder):
    services = "echo unix - - n - - actor -o syslog_name=$used_here echo\nx unix - - n - - smtpd -o smtpd_timeout=soon\n"
    with system(options, folder, services, ["smtp_timeout = 3", "used_here = 1"], start=False) as mail:
        done = mail.run("-TT")
        assert done.returncode == 1
        assert "smtp_timeout" in done.stderr and "unused parameter" in done.stderr
        assert "used_here" not in done.stderr, done.stderr
        assert "master.cf, line 2" in done.stderr and "smtpd_timeout" in done.stderr
        assert not mail.is_running()


def test_stdin_is_not_kept_and_output_ends_with_the_start(options, folder):
    with system(options, folder, start=False) as mail:
        # A pipe that the daemon kept open would keep its reader waiting.
        done = subprocess.run(f"{mail.master} -c {folder}/etc -w 2>&1 | cat", shell=True, capture_output=True, timeout=LIMIT)
        assert done.stdout == b"", done.stdout


class Notices:
    """Where a service manager listens."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(LIMIT)
        self.socket.bind(name)

    def wait_for(self, word):
        while True:
            text = self.socket.recv(1000).decode()
            if word in text.splitlines():
                return text


def test_a_service_manager_is_told(options, folder):
    name = f"\0postrider-test-{os.getpid()}"
    with system(options, folder, "echo unix - - n - - actor echo\n", start=False) as mail:
        notices = Notices(name)
        environment = {**os.environ, "NOTIFY_SOCKET": "@" + name[1:], "WATCHDOG_USEC": "200000"}
        process = subprocess.Popen([mail.master, "-c", folder / "etc", "-s"], env=environment)
        try:
            assert f"MAINPID={process.pid}" in notices.wait_for("READY=1")
            notices.wait_for("WATCHDOG=1")
            process.send_signal(signal.SIGHUP)
            assert "MONOTONIC_USEC=" in notices.wait_for("RELOADING=1")
            notices.wait_for("READY=1")
            mail.configure("broken\n")
            process.send_signal(signal.SIGHUP)
            notices.wait_for("STATUS=reload refused: the configuration has errors; see the log")
            notices.wait_for("READY=1")
            process.terminate()
            notices.wait_for("STOPPING=1")
            assert process.wait(LIMIT) == 0
        finally:
            process.kill()
            process.wait()


def test_process_one_of_a_container_reaps_and_stops(options, folder):
    if os.getuid() != 0:
        return
    with system(options, folder, "echo unix - - n - - actor echo\n", start=False) as mail:
        assert "-i is for process 1" in mail.run("-i").stderr
        inside = subprocess.Popen(["unshare", "--fork", "--pid", "--mount-proc", mail.master, "-c", folder / "etc", "-i"],
                                  start_new_session=True)
        try:
            mail.logged("daemon started")
            client, _ = mail.ask_pid("private/echo")
            # An orphan: its parent ends at once, and it a moment later.
            init = int(subprocess.run(["pgrep", "-P", str(inside.pid)], capture_output=True, text=True).stdout)
            enter = ["nsenter", "--target", str(init), "--pid", "--mount"]
            subprocess.run([*enter, "sh", "-c", "(sleep 0.1 &)"], check=True, timeout=LIMIT)
            states = ["sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true"]
            eventually(lambda: subprocess.run([*enter, *states], capture_output=True, text=True).stdout.strip() == "0"
                       and "sleep" not in subprocess.run([*enter, "ps", "-e"], capture_output=True, text=True).stdout)
            os.kill(init, signal.SIGTERM)
            assert inside.wait(LIMIT) == 0
            assert "terminating on signal 15" in mail.log()
            client.close()
        finally:
            inside.kill()
            inside.wait()


def test_an_ordinary_user_runs_all_of_it(options, folder):
    if os.getuid() != 0:
        return  # then every case here is that
    mail = System(options, folder, "echo unix - - y - - actor echo\nother unix - - y - - actor echo\n")
    mail.owner = "nobody"
    mail.configure(settings=())
    folder.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, "nobody")
    # The build folder may be one that only root can enter.
    program = folder / "sbin/master"
    shutil.copy(mail.master, program)
    mail.master = program
    as_user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    try:
        mail.start(**as_user)
        assert mail.log().count("only the superuser can chroot") == 1
        client, pid = mail.ask_pid("private/echo")
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        nobody = pwd.getpwnam("nobody").pw_uid
        assert f"Uid:\t{nobody}\t{nobody}\t{nobody}\t{nobody}" in status, (nobody, status)
        assert b"\0-c\0" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        client.close()
    finally:
        mail.stop()


def test_sockets_belong_to_mail_owner(options, folder):
    if os.getuid() != 0:
        return
    with system(options, folder, "echo unix - - n - - actor echo\nf fifo n - n - - actor echo\n"):
        for path in (folder / "queue/private/echo", folder / "queue/public/f"):
            assert path.owner() == "daemon" and path.stat().st_mode & 0o777 == 0o666, path


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
