#!/usr/bin/env python3
"""postfix starts, stops, checks and mends, in the words and with the statuses that scripts know from Postfix."""
import contextlib
import gzip
import os
import pathlib
import pty
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
from actors import LIMIT, System, eventually, gone  # noqa: E402

SCRIPT = "postfix/postfix-script: "
QUEUES = ("incoming", "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "saved", "spare", "trace")
SERVICES = "echo unix - - n - - actor echo\n"
# Tables and accounts of the machine are not the test's business.
QUIET = ["alias_maps =", "alias_database ="]


class Installation(System):
    """With the commands, as links so that a test can change some of them."""

    def __init__(self, options, folder, services=SERVICES, settings=()):
        super().__init__(options, folder, services, [*QUIET, f"command_directory = {folder}/bin",
                                                     f"setgid_group = {self.group()}", *settings])
        commands = options.build.resolve() / "sbin"
        (folder / "bin").mkdir()
        for command in ("postfix", "postconf", "postlog"):
            (folder / "bin" / command).symlink_to(commands / command)
        (folder / "sbin/master").symlink_to(self.master)
        for name in ("sendmail", "postdrop", "postqueue"):
            self.script(f"bin/{name}", f'echo "{name} $@"')
        if os.getuid() == 0:
            for name in ("postdrop", "postqueue"):
                shutil.chown(folder / "bin" / name, "root", self.group())
                (folder / "bin" / name).chmod(0o2755)
            # The link's target is a built program that stays as it is.
            (folder / "bin/postlog").unlink()
        shutil.rmtree(folder / "queue")
        shutil.rmtree(folder / "data")
        assert self.postfix("create-missing").returncode == 0
        self.settings = [*QUIET, f"command_directory = {folder}/bin", f"setgid_group = {self.group()}"]

    @staticmethod
    def group():
        return "mail" if os.getuid() == 0 else __import__("grp").getgrgid(os.getgid()).gr_name

    def script(self, name, body):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def set(self, *more):
        self.configure(settings=[*self.settings, *more])

    def postfix(self, *words, **more):
        return subprocess.run([self.folder / "bin/postfix", "-c", self.folder / "etc", *words], capture_output=True, text=True,
                              timeout=LIMIT + 100, **more)

    def says(self, command, status, *lines):
        """On a terminal, and with these lines in the log."""
        before = len(self.log())
        done, text = on_terminal([self.folder / "bin/postfix", "-c", self.folder / "etc", *command.split()])
        assert (done, text.splitlines()) == (status, [SCRIPT + line for line in lines]), (done, text)
        logged = self.log()[before:]
        for line in lines:
            assert f"]: {line}\n" in logged and " mx postfix/postfix-script[" in logged, logged


def on_terminal(command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], [os.fspath(word) for word in command])
    text = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 4096):
            text += chunk
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode().replace("\r\n", "\n")


@contextlib.contextmanager
def installation(options, folder, services=SERVICES, settings=()):
    made = Installation(options, folder, services, settings)
    try:
        yield made
    finally:
        made.stop()


def test_the_life_of_a_mail_system_in_words(options, folder):
    with installation(options, folder) as mail:
        mail.says("status", 1, "the Postfix mail system is not running")
        mail.says("start", 0, "starting the Postfix mail system")
        mail.says("status", 0, f"the Postfix mail system is running: PID: {mail.pid()}")
        mail.says("start", 1, "fatal: the Postfix mail system is already running")
        mail.says("reload", 0, "refreshing the Postfix mail system")
        mail.logged("reload -- version 3.11.0, configuration")
        mail.says("stop", 0, "stopping the Postfix mail system")
        for command in ("stop", "reload", "abort", "drain", "quick-stop"):
            mail.says(command, 1, "fatal: the Postfix mail system is not running")
        usage = "Usage: postfix start (or stop, reload, abort, flush, check, status, set-permissions, upgrade-configuration, logrotate)"
        mail.says("bogus", 1, f"fatal: unknown command: 'bogus'. {usage}")
        mail.says("", 1, f"fatal: unknown command: ''. {usage}")
        assert "daemon started -- version 3.11.0, configuration " in mail.log()


def test_without_a_terminal_only_what_is_wrong_is_told(options, folder):
    with installation(options, folder) as mail:
        for command in ("start", "reload", "status", "stop"):
            done = mail.postfix(command)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), (command, done)
        assert mail.postfix("stop").stderr == SCRIPT + "fatal: the Postfix mail system is not running\n"
        assert mail.log().count("postfix/postfix-script[") == 4 + 1


def test_bad_options_and_files(options, folder):
    with installation(options, folder) as mail:
        done = mail.postfix("-x")
        assert (done.returncode, done.stderr) == (1, "postfix: invalid option -- 'x'\n"
                                                     "postfix: fatal: usage: postfix [-c config_dir] [-Dv] command\n"), done
        done = subprocess.run([folder / "bin/postfix", "-c", "/nonexistent", "status"], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (1, "postfix: fatal: open /nonexistent/main.cf: No such file or directory\n")


def test_the_command_is_not_for_everyone(options, folder):
    if os.getuid() != 0:
        return
    with installation(options, folder) as mail:
        os.chmod(folder, 0o755)
        program = folder / "postfix"
        shutil.copy(options.build / "sbin/postfix", program)
        done = subprocess.run([program, "-c", folder / "etc", "status"], capture_output=True, text=True, user="nobody",
                              group="nogroup", extra_groups=[])
        assert done.returncode == 1
        assert done.stderr == ("postfix: error: to submit mail, use the Postfix sendmail command\n"
                               "postfix: fatal: the postfix command is reserved for the superuser\n"), done.stderr
        assert mail.log() == ""


def test_start_makes_what_is_missing(options, folder):
    with installation(options, folder) as mail:
        shutil.rmtree(folder / "queue")
        shutil.rmtree(folder / "data")
        done = mail.postfix("start")
        assert done.returncode == 0, done.stderr
        wanted = {name: (0o700, mail.owner) for name in (*QUEUES, "private")}
        root = "root" if os.getuid() == 0 else mail.owner
        wanted |= {"maildrop": (0o730, mail.owner), "public": (0o710, mail.owner), "pid": (0o755, root), "../data": (0o700, mail.owner)}
        for name, (mode, owner) in wanted.items():
            path = folder / "queue" / name
            assert (path.stat().st_mode & 0o7777, path.owner()) == (mode, owner), (name, oct(path.stat().st_mode), path.owner())
        for name in ("maildrop", "public"):
            assert (folder / "queue" / name).group() == mail.group()


def test_leftovers_never_keep_mail_from_starting(options, folder):
    with installation(options, folder) as mail:
        queue = folder / "queue"
        (queue / "incoming/12345.6789").write_text("half a message")
        (queue / "corrupt/ABCDEF").write_text("?")
        (queue / "active/wrong name").write_text("?")
        (queue / "deferred/strange").mkdir()
        (queue / "maildrop/link").symlink_to("/etc/passwd")
        (queue / "pid/master.pid").write_text("not a number\n")
        (folder / "data/master.lock").write_text("")
        # A postsuper that fails is no reason either.
        mail.script("bin/postsuper", "exit 1")
        done = mail.postfix("start")
        assert done.returncode == 0, done.stderr
        assert "damaged message: corrupt/ABCDEF" in done.stderr and "postsuper could not mend the active queue" in done.stderr
        assert mail.is_running()


def test_what_would_cost_mail_keeps_it_from_starting(options, folder):
    with installation(options, folder) as mail:
        (folder / "queue/maildrop").rmdir()
        (folder / "queue/maildrop").write_text("a file where a directory must be")
        done = mail.postfix("start")
        assert done.returncode == 1
        assert f"error: make directory {folder}/queue/maildrop: Not a directory" in done.stderr, done.stderr
        assert done.stderr.endswith(SCRIPT + "fatal: Postfix integrity check failed!\n")
        (folder / "queue/maildrop").unlink()
        mail.configure("broken\n")
        done = mail.postfix("start")
        assert done.returncode == 1
        assert f"fatal: {folder}/etc/master.cf, line 1: bad field count" in done.stderr
        assert done.stderr.endswith(SCRIPT + "fatal: mail system startup failed\n"), done.stderr
        if os.getuid() == 0:
            mail.configure(SERVICES)
            mail.set("mail_owner = nosuchuser")
            done = mail.postfix("start")
            assert f"file {folder}/etc/main.cf: parameter mail_owner: unknown user name: nosuchuser" in done.stderr, done.stderr
            mail.set("mail_owner = daemon", "default_privs = daemon")
            done = mail.postfix("start")
            assert "parameters default_privs and mail_owner specify the same user daemon" in done.stderr, done.stderr
            assert done.stderr.endswith(SCRIPT + "fatal: Postfix integrity check failed!\n"), done.stderr


def test_programs_of_another_mail_system_are_not_started(options, folder):
    """As where main.cf, kept from Postfix, still names its folders."""
    with installation(options, folder) as mail:
        for parameter, name in (("daemon_directory", "master"), ("command_directory", "postsuper")):
            foreign = folder / parameter
            foreign.mkdir()
            shutil.copy("/bin/true", foreign / name)
            mail.set(f"{parameter} = {foreign}")
            number = next(at for at, line in enumerate((folder / "etc/main.cf").read_text().splitlines(), 1) if line == f"{parameter} = {foreign}")
            for command in ("start", "check"):
                done = mail.postfix(command)
                assert done.returncode == 1, done
                assert f"error: {folder}/etc/main.cf, line {number}: parameter {parameter}: {foreign}/{name} is a program of another mail system; " \
                       "take the line out of main.cf, and Postrider's own are used: /" in done.stderr, done.stderr
                assert "invalid option" not in done.stderr and "cannot run" not in done.stderr, done.stderr


def test_check_is_silent_when_all_is_well(options, folder):
    with installation(options, folder) as mail:
        done = mail.postfix("check")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done


def test_check_finds_every_mistake_with_its_place_and_a_hint(options, folder):
    services = SERVICES + "x unix - - n - - absent\ny unix - - n - - smtpd -o smtpd_timeout=later\n"
    with installation(options, folder, services) as mail:
        table = folder / "table"
        mail.set("smtpd_timeout = soon", "smtp_timout = 3s", f"virtual_alias_maps = hash:{table}",
                 f"header_checks = regexp:{folder}/checks", f"canonical_maps = bogus:{table}")
        (folder / "queue/corrupt/ABC").write_text("")
        (folder / "queue/etc").mkdir()
        (folder / "queue/etc/passwd").write_text("old")
        (folder / "queue/private").chmod(0o755)
        (folder / "queue/pid").chmod(0o777)
        done = mail.postfix("check")
        assert done.returncode == 1
        cf = f"{folder}/etc/main.cf, line"
        for expected in (
                f"error: {cf} 17: smtpd_timeout = soon: must be a time",
                f"warning: {cf} 18: unused parameter: smtp_timout=3s; did you mean ",
                f"error: {cf} 19: parameter virtual_alias_maps: open database {table}.db: No such file or directory; "
                f'"postmap hash:{table}" makes it of its source file',
                f"error: {cf} 20: parameter header_checks: open {folder}/checks: No such file or directory",
                f"error: {cf} 21: parameter canonical_maps: unsupported dictionary type: bogus",
                f"warning: {folder}/etc/master.cf, line 2: service x/unix is not offered: there is no program {folder}/sbin/absent",
                f"error: {folder}/etc/master.cf, line 3: ",
                "warning: damaged message: corrupt/ABC",
                f"warning: {folder}/queue/etc/passwd and /etc/passwd differ",
                f"open to others than its owner: {folder}/queue/private",
                f"group or other writable: {folder}/queue/pid"):
            assert expected in done.stderr, (expected, done.stderr)


def test_aliases_that_nobody_asked_for_may_be_missing(options, folder):
    with installation(options, folder) as mail:
        mail.settings = [line for line in mail.settings if not line.startswith("alias_")]
        mail.set("default_database_type = lmdb")
        if pathlib.Path("/etc/aliases.lmdb").exists():
            raise cases.Skipped("this machine has /etc/aliases.lmdb")
        done = mail.postfix("check")
        assert done.returncode == 0, done
        assert done.stderr.count("\n") == 1, done.stderr
        assert "warning: parameter alias_maps (default): open database /etc/aliases.lmdb" in done.stderr, done.stderr
        assert '"postalias lmdb:/etc/aliases" makes it' in done.stderr, done.stderr
        mail.set("alias_database = lmdb:/etc/aliases")
        assert mail.postfix("check").returncode == 1


def test_check_tells_of_an_index_that_is_older_than_its_source(options, folder):
    with installation(options, folder) as mail:
        table = folder / "table"
        table.write_text("a b\n")
        subprocess.run([options.build / "sbin/postmap", "-c", folder / "etc", f"hash:{table}"], check=True)
        mail.set(f"virtual_alias_maps = hash:{table}")
        os.utime(f"{table}.db", (1, 1))
        done = mail.postfix("check")
        assert done.returncode == 0
        assert f'database {table}.db is older than source file {table}; run "postmap hash:{table}"' in done.stderr, done.stderr


def test_a_reload_with_mistakes_is_refused_before_anyone_notices(options, folder):
    with installation(options, folder) as mail:
        assert mail.postfix("start").returncode == 0
        client, pid = mail.ask_pid("private/echo")
        mail.configure(SERVICES + "broken\n")
        done = mail.postfix("reload")
        assert done.returncode == 1
        assert "master.cf, line 2: bad field count" in done.stderr
        assert done.stderr.endswith("fatal: the configuration has errors; the mail system goes on with the one that it has\n")
        client.sendall(b"pid\n")
        assert int(client.recv(100)) == pid
        client.close()


def test_addresses_that_are_not_this_machines_keep_it_from_starting_and_from_a_reload(options, folder):
    """No queue manager and no SMTP server can run without knowing its own addresses."""
    with installation(options, folder) as mail:
        assert mail.postfix("start").returncode == 0
        with open(folder / "etc/main.cf", "a", encoding="utf-8") as main_cf:
            main_cf.write("inet_protocols = ipv4\ninet_interfaces = 127.0.0.1, ::1\n")
        refusal = r"main\.cf, line \d+: parameter inet_interfaces: .*host not found: ::1 \(inet_protocols = ipv4\)"
        done = mail.postfix("reload")
        assert done.returncode == 1 and re.search(refusal, done.stderr), done
        assert mail.postfix("status").returncode == 0
        assert mail.postfix("stop").returncode == 0
        done = mail.postfix("start")
        assert done.returncode == 1 and re.search(refusal, done.stderr), done


def test_set_permissions_mends_owners_and_modes(options, folder):
    if os.getuid() != 0:
        return
    with installation(options, folder) as mail:
        queue = folder / "queue"
        (queue / "deferred/A").mkdir()
        (queue / "deferred/A/AB12").write_text("mail")
        (queue / "maildrop/CD34").write_text("mail")
        shutil.chown(queue / "maildrop/CD34", "nobody")
        shutil.chown(queue / "incoming", "nobody")
        (queue / "private").chmod(0o777)
        (folder / "bin/postqueue").chmod(0o755)
        # What an earlier owner may have put there.
        secret = folder / "secret"
        secret.write_text("root's")
        secret.chmod(0o600)
        (queue / "deferred/link").symlink_to(secret)
        os.link(secret, queue / "deferred/hard")
        done = mail.postfix("set-permissions")
        assert (done.returncode, done.stderr) == (0, ""), done
        assert (queue / "incoming").owner() == "daemon"
        assert (queue / "deferred/A/AB12").owner() == "daemon"
        assert (queue / "maildrop/CD34").owner() == "nobody", "its sender"
        assert (queue / "private").stat().st_mode & 0o7777 == 0o700
        assert (folder / "bin/postqueue").stat().st_mode & 0o7777 == 0o2755
        assert secret.owner() == "root"


def test_set_permissions_changes_settings_first(options, folder):
    if os.getuid() != 0:
        return
    with installation(options, folder) as mail:
        assert mail.postfix("set-permissions", "mail_owner=games", "setgid_group=mail").returncode == 0
        assert "mail_owner = games\n" in (folder / "etc/main.cf").read_text()
        assert (folder / "queue/active").owner() == "games"
        assert (folder / "queue/maildrop").group() == "mail"


def test_upgrade_configuration_adds_what_is_missing_once(options, folder):
    with installation(options, folder) as mail:
        for _ in range(2):
            assert mail.postfix("upgrade-configuration", "relayhost=[mx.example.org]").returncode == 0
            text = (folder / "etc/master.cf").read_text()
            assert text.startswith(SERVICES)
            assert text.count("\nretry ") == 1 and text.count("\npostlog ") == 1
        assert "relayhost = [mx.example.org]\n" in (folder / "etc/main.cf").read_text()


def test_logrotate_renames_and_compresses(options, folder):
    with installation(options, folder) as mail:
        mail.postfix("start")
        assert mail.postfix("logrotate").returncode == 0
        rotated = [path for path in folder.iterdir() if path.name.startswith("log.")]
        assert len(rotated) == 1 and rotated[0].suffix == ".gz"
        assert b"starting the Postfix mail system" in gzip.decompress(rotated[0].read_bytes())
        mail.logged("reload -- version")
        assert "starting" not in mail.log()


def test_logrotate_needs_a_log_file(options, folder):
    with installation(options, folder) as mail:
        mail.set("maillog_file =")
        assert "maillog_file is not set" in mail.postfix("logrotate").stderr
        mail.set("maillog_file = /dev/stdout", "maillog_file_prefixes = /dev/stdout")
        assert "not rotating '/dev/stdout'" in mail.postfix("logrotate").stderr
        assert 'start with "postfix start-fg"' in mail.postfix("start").stderr


def test_start_fg_stays_and_logs_to_standard_output(options, folder):
    with installation(options, folder) as mail:
        mail.set("maillog_file = /dev/stdout", "maillog_file_prefixes = /dev/stdout")
        process = subprocess.Popen([folder / "bin/postfix", "-c", folder / "etc", "start-fg"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            eventually(lambda: mail.is_running() and mail.pid() == process.pid)
            mail.ask_pid("private/echo")[0].close()
        finally:
            process.terminate()
            out, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == 0
        assert "starting the Postfix mail system" in out and "daemon started" in out and "terminating on signal 15" in out, out


def test_abort_and_drain(options, folder):
    with installation(options, folder) as mail:
        mail.postfix("start")
        client, pid = mail.ask_pid("private/echo")
        assert mail.postfix("drain").returncode == 0
        eventually(lambda: not mail.is_running())
        client.sendall(b"pid\n")
        assert int(client.recv(100)) == pid, "it completes its client"
        mail.postfix("start")
        client.close()
        client, pid = mail.ask_pid("private/echo")
        assert mail.postfix("abort").returncode == 0
        eventually(lambda: gone(pid) and not mail.is_running())
        assert "aborting the Postfix mail system" in mail.log()
        client.close()


def test_a_master_that_hangs_is_stopped_by_force(options, folder):
    with installation(options, folder) as mail:
        mail.postfix("start")
        client, pid = mail.ask_pid("private/echo")
        mail.send(signal.SIGSTOP)
        started = time.monotonic()
        done = mail.postfix("stop")
        assert done.returncode == 0 and time.monotonic() - started >= 5
        assert mail.log().count("waiting for the Postfix mail system to terminate") == 5
        assert "does not terminate; ending it by force" in done.stderr
        eventually(lambda: gone(pid))
        client.close()


def test_flush_is_postqueues_work(options, folder):
    with installation(options, folder) as mail:
        done = mail.postfix("flush")
        assert done.stdout == f"postqueue -c {folder}/etc -f\n", done


def test_commands_by_path_get_the_installation_in_their_environment(options, folder):
    with installation(options, folder) as mail:
        mail.script("show", 'echo "$1 $queue_directory $mail_owner $MAIL_CONFIG $config_directory"')
        done = mail.postfix(folder / "show", "word")
        assert done.stdout == f"word {folder}/queue {mail.owner} {folder}/etc {folder}/etc\n", done


def test_several_instances_are_left_to_the_wrapper(options, folder):
    if os.getuid() != 0 or not shutil.which("unshare"):
        return
    with installation(options, folder) as mail:
        mail.set("multi_instance_directories = /etc/postfix-b", f"multi_instance_wrapper = {folder}/wrapper -p --")
        mail.script("wrapper", 'echo "wrapper $@"')
        # The built-in configuration directory, in a world of our own.
        world = "mkdir $0/etc2 && cp /etc/passwd /etc/group /etc/nsswitch.conf $0/etc2 && cp -r $0/etc $0/etc2/postfix && " \
                "mount --bind $0/etc2 /etc && exec $0/bin/postfix"
        environment = {name: value for name, value in os.environ.items() if name != "MAIL_CONFIG"}

        def postfix(*words):
            shutil.rmtree(folder / "etc2", ignore_errors=True)
            return subprocess.run(["unshare", "--mount", "sh", "-c", world + ' "$@"', folder, *words], capture_output=True,
                                  text=True, env=environment, timeout=LIMIT)
        assert postfix("status").stdout == "wrapper -p -- status\n", postfix("status")
        assert "starts one instance" in postfix("start-fg").stderr
        assert postfix("-c", "/etc/postfix", "status").stdout == ""
        mail.set("multi_instance_directories = /etc/postfix-b")
        assert "multi_instance_wrapper is not" in postfix("status").stderr


def test_the_stock_services_run_reload_and_stop(options, folder):
    daemons = options.build.resolve() / "libexec/postfix"
    if os.getuid() != 0 or not all((daemons / name).exists() for name in ("qmgr", "pickup", "showq")):
        return
    stock = (pathlib.Path(__file__).resolve().parent.parent.parent / "conf/master.cf").read_text()
    with installation(options, folder) as mail:
        # Where mail_owner can go, too.
        mail.configure("\n".join(line for line in stock.splitlines() if " inet " not in line) + "\n")
        shutil.copytree(daemons, folder / "libexec")
        mail.set(f"daemon_directory = {folder}/libexec")
        done = mail.postfix("start")
        assert done.returncode == 0, done.stderr

        def running(name):
            found = subprocess.run(["pgrep", "-P", str(mail.pid()), "-x", name], capture_output=True, text=True).stdout.split()
            return int(found[0]) if len(found) == 1 else None
        first = {name: eventually(lambda name=name: running(name)) for name in ("qmgr", "pickup")}
        client = mail.connect("public/showq")
        assert b"mail_queue_list_protocol" in client.recv(1000)
        client.close()
        assert mail.postfix("reload").returncode == 0
        for name, pid in first.items():
            eventually(lambda: gone(pid))
            eventually(lambda: running(name))
        assert mail.postfix("stop").returncode == 0
        for trouble in ("ending it by force", "throttling", "exit status", "killed by", "fatal"):
            assert trouble not in mail.log(), mail.log()


def test_an_ordinary_user_can_have_a_mail_system(options, folder):
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    mail = Installation(options, folder)
    mail.owner = user
    mail.set("setgid_group = nogroup")
    if os.getuid() == 0:
        # The build folder may be one that only root can enter.
        for path in (folder / "bin/postfix", folder / "bin/postconf", folder / "sbin/master"):
            target = path.resolve()
            path.unlink()
            shutil.copy(target, path)
        shutil.rmtree(folder / "queue")
        os.chmod(folder, 0o755)
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                shutil.chown(path, user)
    become = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    mail.master = folder / "sbin/master"
    try:
        done = mail.postfix("start", **become)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert mail.postfix("check", **become).returncode == 0
        assert (folder / "queue/active").owner() == user
        mail.ask_pid("private/echo")[0].close()
        assert mail.postfix("stop", **become).returncode == 0
    finally:
        mail.stop()


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
