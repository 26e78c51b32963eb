#!/usr/bin/env python3
"""postlog logs what it is given, in the words and with the status that scripts know from Postfix."""
import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402

HEAD = r"[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d mx "


class Log:
    """A configuration of its own whose log is a file."""

    def __init__(self, options, folder, *settings):
        self.program = options.build.resolve() / "sbin/postlog"
        self.folder = folder
        self.file = folder / "maillog"
        lines = ["myhostname = mx.example.com", f"maillog_file = {self.file}", f"maillog_file_prefixes = /var, {folder}/"]
        (folder / "main.cf").write_text("\n".join([*lines, *settings]) + "\n")

    def run(self, *words, data=b"", program=None, **more):
        """With a terminal as standard error, without which there are no records on it."""
        command = [program or self.program, "-c", self.folder, *words]
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
        seen = []

        def look():
            with contextlib.suppress(OSError):  # the end of a terminal is an error
                while chunk := os.read(ours, 65536):
                    seen.append(chunk)
            os.close(ours)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=theirs, timeout=30, check=False, **more)
        finally:
            os.close(theirs)
            looking.join()
        done.stderr = b"".join(seen)
        return done

    def text(self):
        return self.file.read_text() if self.file.exists() else ""


def matches(pattern, text):
    assert re.fullmatch(pattern, text), f"{text!r} is not {pattern!r}"


def says(done, status, messages):
    assert (done.returncode, done.stderr.decode()) == (status, messages), (done.returncode, done.stderr)


def test_arguments_make_one_record_joined_by_blanks(options, folder):
    log = Log(options, folder)
    says(log.run("hello", "", " there ", "-x"), 0, "postfix/postlog: hello   there  -x\n")
    matches(HEAD + r"postfix/postlog\[\d+\]: hello   there  -x\n", log.text())


def test_standard_input_makes_a_record_a_line(options, folder):
    log = Log(options, folder)
    says(log.run(data=b"one\n\ntwo"), 0, "postfix/postlog: one\npostfix/postlog: \npostfix/postlog: two\n")
    assert [line.split("]: ")[1] for line in log.text().splitlines()] == ["one", "", "two"]


def test_empty_input_makes_no_record(options, folder):
    log = Log(options, folder)
    says(log.run(), 0, "")
    assert log.text() == ""


def test_an_empty_argument_makes_an_empty_record(options, folder):
    says(Log(options, folder).run(""), 0, "postfix/postlog: \n")


def test_severities_have_postfix_names_and_prefixes(options, folder):
    log = Log(options, folder)
    for name, prefix in [("info", ""), ("warn", "warning: "), ("WARNING", "warning: "), ("err", "error: "), ("Error", "error: ")]:
        says(log.run("-p", name, "x"), 0, f"postfix/postlog: {prefix}x\n")


def test_fatal_and_panic_take_a_second_and_succeed(options, folder):
    log = Log(options, folder)
    for name, prefix in [("fatal", "fatal: "), ("crit", "fatal: "), ("panic", "panic: ")]:
        start = time.monotonic()
        says(log.run("-p", name, data=b"x\ny\n"), 0, f"postfix/postlog: {prefix}x\npostfix/postlog: {prefix}y\n")
        assert 1 <= time.monotonic() - start < 10


def test_an_unknown_severity_is_fatal(options, folder):
    log = Log(options, folder)
    for name in ["bogus", "", "debug", "notice", "alert"]:
        says(log.run("-p", name, "x"), 1, f'postfix/postlog: fatal: bad severity: "{name}"\n')
    assert log.text() == ""


def test_a_tag_stands_for_the_whole_name(options, folder):
    log = Log(options, folder)
    says(log.run("-t", "a/b", "-t", "postfix-script", "x"), 0, "postfix-script: x\n")
    matches(HEAD + r"postfix-script\[\d+\]: x\n", log.text())


def test_the_process_id_option_changes_nothing(options, folder):
    says(Log(options, folder).run("-i", "x"), 0, "postfix/postlog: x\n")


def test_syslog_name_makes_the_tag(options, folder):
    log = Log(options, folder, "syslog_name = postfix-out")
    says(log.run("x"), 0, "postfix-out/postlog: x\n")
    assert " postfix-out/postlog[" in log.text()


def test_usage_errors_are_those_of_getopt(options, folder):
    usage = "postfix/postlog: fatal: usage: postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] [text]\n"
    log = Log(options, folder)
    says(log.run("-z"), 1, "postlog: invalid option -- 'z'\n" + usage)
    says(log.run("-p"), 1, "postlog: option requires an argument -- 'p'\n" + usage)


def test_nothing_in_a_text_or_tag_can_forge_a_record(options, folder):
    log = Log(options, folder)
    log.run("-t", "t\nNov 21 mx x[1]: forged", "a\nNov 21 mx x[1]: forged\r\x1b[2J\xc2\x9b")
    log.run(data=b"li\0ne \xff\x85\n")
    lines = log.text().split("\n")
    assert len(lines) == 3 and lines[2] == "", lines
    assert "\x1b" not in log.text()
    assert lines[1].endswith(": li?ne ??"), lines[1]


def test_utf8_stays_as_it_is_where_it_is_expected(options, folder):
    for enable, logged in (("yes", "Grüße"), ("no", "Gr????e")):
        log = Log(options, folder, f"smtputf8_enable = {enable}")
        log.run("Grüße")
        assert log.text().endswith(f": {logged}\n"), log.text()


def test_records_are_cut_at_two_thousand_bytes(options, folder):
    log = Log(options, folder)
    assert log.run(data=b"A" * 300000 + b"\nnext\n").returncode == 0
    first, second = log.text().splitlines()
    assert first.count("A") == 2000
    assert second.endswith(": next")


def test_the_log_file_is_private_unless_main_cf_says_otherwise(options, folder):
    log = Log(options, folder)
    log.run("x")
    assert stat.S_IMODE(log.file.stat().st_mode) == 0o600
    log.file.unlink()
    Log(options, folder, "maillog_file_permissions = 0644").run("x")
    assert stat.S_IMODE(log.file.stat().st_mode) == 0o644


def test_bad_settings_are_fatal(options, folder):
    where = f"postfix/postlog: fatal: file {folder}/main.cf: parameter "
    says(Log(options, folder, "syslog_facility = bogus").run("x"), 1, where + "syslog_facility: unrecognized value: bogus\n")
    says(Log(options, folder, "maillog_file_permissions = 0666").run("x"), 1,
         where + "maillog_file_permissions: unrecognized value: 0666\n")
    says(Log(options, folder, "maillog_file_form = xml").run("x"), 1, where + "maillog_file_form: unrecognized value: xml\n")


def test_the_log_file_must_be_under_an_allowed_prefix(options, folder):
    for name in ["/tmp-elsewhere/log", "relative", f"{folder}/../log"]:
        done = Log(options, folder, f"maillog_file = {name}").run("x")
        says(done, 1, f"postfix/postlog: fatal: maillog_file value '{name}' does not match any prefix in maillog_file_prefixes\n")


def test_a_log_file_that_cannot_be_opened_is_fatal(options, folder):
    done = Log(options, folder, f"maillog_file = {folder}/none/log").run("x")
    says(done, 1, f"postfix/postlog: fatal: open logfile '{folder}/none/log': No such file or directory\n")


def test_the_log_file_may_be_standard_output(options, folder):
    done = Log(options, folder, "maillog_file = /dev/stdout", "maillog_file_prefixes = /dev/stdout").run("x")
    assert done.returncode == 0
    matches(HEAD + r"postfix/postlog\[\d+\]: x\n", done.stdout.decode())


def test_without_a_log_file_the_record_still_reaches_the_terminal(options, folder):
    says(Log(options, folder, "maillog_file =").run("x"), 0, "postfix/postlog: x\n")


def test_records_can_be_json(options, folder):
    log = Log(options, folder, "maillog_file_form = json")
    says(log.run("-p", "warn", 'say "x"\n'), 0, 'postfix/postlog: warning: say "x"?\n')
    record = json.loads(log.text())
    matches(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record.pop("time"))
    assert isinstance(record.pop("pid"), int)
    assert record == {"level": "warning", "host": "mx", "program": "postfix/postlog", "event": "postlog.text",
                      "text": 'say "x"?', "fields": {"text": 'say "x"\n'}}


def test_json_is_valid_whatever_the_input(options, folder):
    log = Log(options, folder, "maillog_file_form = json")
    log.run(data=bytes(range(256)) + b"\n" + b"\xf0\x9f\x98\x80\xed\xa0\x80" * 1000)
    records = [json.loads(line) for line in log.file.read_bytes().splitlines()]
    assert len(records) == 3
    assert records[0]["fields"]["text"] == "".join(map(chr, range(10)))


def test_many_writers_do_not_mix_their_lines(options, folder):
    log = Log(options, folder)
    jobs = [subprocess.Popen([log.program, "-c", folder], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(4)]
    for number, job in enumerate(jobs):
        job.stdin.write((str(number) * 500 + "\n").encode() * 200)
        job.stdin.close()
    assert all(job.wait(timeout=30) == 0 for job in jobs)
    lines = log.text().splitlines()
    assert len(lines) == 800
    assert all(re.search(r": ([0-3])\1{499}$", line) for line in lines)


def test_main_cf_is_found_by_environment(options, folder):
    log = Log(options, folder)
    done = subprocess.run([log.program, "x"], capture_output=True, timeout=30, env={"MAIL_CONFIG": str(folder)})
    says(done, 0, "")
    assert log.text().endswith(": x\n")


def test_a_missing_main_cf_is_fatal(options, folder):
    (folder / "empty").mkdir()
    done = subprocess.run([options.build.resolve() / "sbin/postlog", "-c", folder / "empty", "x"], capture_output=True, timeout=30)
    says(done, 1, f"postfix/postlog: fatal: open {folder}/empty/main.cf: No such file or directory\n")


def test_set_gid_an_ordinary_user_cannot_choose_the_configuration(options, folder):
    if os.geteuid() != 0:
        return  # only root can make the program set-gid
    folder.chmod(0o755)
    log = Log(options, folder)
    program = folder / "postlog"
    shutil.copy(log.program, program)
    shutil.chown(program, group=2)
    program.chmod(0o2755)
    log.file.touch()
    log.file.chmod(0o666)
    done = log.run("forged", program=program, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1, done
    assert log.text() == ""
    assert log.run("by root", program=program).returncode == 0
    assert log.text().endswith(": by root\n")


def test_a_terminal_sees_the_record_too(options, folder):
    log = Log(options, folder)
    ours, theirs = pty.openpty()
    subprocess.run([log.program, "-c", folder, "x"], stderr=theirs, timeout=30, check=True)
    os.close(theirs)
    assert os.read(ours, 1000) == b"postfix/postlog: x\r\n"
    os.close(ours)


def test_what_is_no_terminal_sees_no_record(options, folder):
    log = Log(options, folder)
    done = subprocess.run([log.program, "-c", folder, "-p", "fatal", "x"], capture_output=True, timeout=30, check=False)
    says(done, 0, "")
    matches(HEAD + r"postfix/postlog\[\d+\]: fatal: x\n", log.text())
    done = subprocess.run([log.program, "-c", folder, "-p", "bogus", "x"], capture_output=True, timeout=30, check=False)
    says(done, 1, 'postfix/postlog: fatal: bad severity: "bogus"\n')
    log = Log(options, folder, f"maillog_file = {folder}/none/log\nmaillog_file_prefixes = {folder}")
    done = subprocess.run([log.program, "-c", folder, "x"], capture_output=True, timeout=30, check=False)
    says(done, 1, f"postfix/postlog: fatal: open logfile '{folder}/none/log': No such file or directory\n")


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
