#!/usr/bin/env python3
"""Runs the same command lines through our programs and through Debian's Postfix and compares what they do.

    tests/conformance/run.py --ours build/release/sbin --oracle DIR [case files or folders]
    tests/conformance/run.py --ours build/release/sbin --fetch [case files or folders]

DIR is an unpacked Debian `postfix` package (DIR/usr/sbin/postconf exists); --fetch makes one in build/oracle with
`apt-get download` and `dpkg -x`. Without case files, all *.cases files below this folder are run.

A test is one or more command lines, run one after the other in a folder that is made afresh, at the same path, first for
Debian's programs and then for ours. Compared are, for each command line, standard output and the exit status (and standard
error where the case says `stderr`), and at the end the whole folder: names, types, modes, owners, contents, targets of links.

Case files are plain text. A line that begins with `|` is content for the line above it, without the `|` and one blank after
it (`|` alone is an empty line). Lines that begin with `#` and empty lines are skipped; an empty line also ends a test. The
other lines:

  set NAME            begins a set of files, which ends at the next `set`, `use` or test
  file NAME [MODE]    a file of the set, with its content below; MODE is octal, 644 unless given
  raw NAME            as `file`, but Python escapes (\\n, \\t, \\x00) are read and no newline is put after the last line
  link NAME TARGET    a symbolic link
  directory NAME      a folder
  use NAME...         the tests from here on start with the files of these sets

  $ COMMAND ARGS...   a test's command line, split into words as a shell splits them, but no shell runs it. The folder is the
                      working directory and MAIL_CONFIG names it
  stdin               what the command line above reads
  env NAME=VALUE      for the command line above
  stderr              compare standard error too; `stderr sorted`: in any order of lines; `stderr set`: and each line once
  sorted              compare standard output in any order of lines
  with NAME...        this test starts with the files of these sets, and of no others
  ignore GLOB...      files that are not compared in this test; before the first test of a file: in all its tests
  drop REGEX          lines of standard error that are left out of the comparison, on both sides (place as for ignore)
  needs root|user     the test runs only as root, or only as somebody else
  ours stdout REASON  the command line above is meant to differ from the old release, for this reason; the content is what ours
                      must print. Likewise `ours stderr`, `ours status N REASON`, `ours file NAME REASON` and `ours mode NAME
                      MODE REASON`, where MODE is as in `-rw-r--r--`. A difference that is listed but not there fails, too

In contents and command lines @DIR@ is the folder, @OWNER@ and @GROUP@ are usable as mail_owner and setgid_group, and
@STANDARD@ stands for the lines that make a main.cf usable by both sides (7 lines).

A *.defaults file lists, as `NAME: REASON`, the parameters whose `postconf -d` line is meant to differ; every other name that
Debian's postconf lists must be listed by ours with the same default, and each counts as a test.

Standard error's lines are compared with the program's name in place of its path. The last line is `N passed, N failed`.
"""

import argparse
import concurrent.futures
import difflib
import fnmatch
import glob
import grp
import os
import pwd
import queue
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PACKAGES = ["postfix", "postfix-lmdb", "postfix-cdb", "postfix-pcre", "postfix-sqlite", "libicu72", "libnsl2", "libtirpc3",
            "libcdb1", "liblmdb0", "libsasl2-2"]
DYNAMIC = [("lmdb", True), ("cdb", True), ("pcre", False), ("sqlite", False)]
ALWAYS_IGNORED = ["*.tmp"]
DEADLINE = 60  # seconds for one command line
AT_ONCE = 8


class BadCase(Exception):
    pass


class Command:
    def __init__(self, line, where):
        self.line = line
        self.where = where
        self.stdin = b""
        self.env = {}
        self.stderr = None       # None, "", "sorted" or "set"
        self.sorted = False
        self.ours = {}           # "stdout" / "stderr" / "status" -> (expected, reason)


class Test:
    def __init__(self, sets, options):
        self.sets = sets
        self.commands = []
        self.ignore = list(options["ignore"])
        self.drop = list(options["drop"])
        self.needs = None
        self.ours_files = {}     # name -> (expected, reason)
        self.ours_modes = {}     # name -> expected


# --- reading case files ------------------------------------------------------------------------------------------------------

def read_blocks(path):
    """Yields (line number, directive, [content lines]); an empty line is the directive ''."""
    current = None
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as source:
        for number, line in enumerate(source, 1):
            line = line.rstrip("\n")
            if line.startswith("|"):
                if current is None:
                    raise BadCase(f"{path}:{number}: content without a line that it belongs to")
                current[2].append(line[2:] if line.startswith("| ") else line[1:])
                continue
            if current is not None:
                yield current
                current = None
            if line.startswith("#"):
                continue
            if not line.strip():
                yield (number, "", [])
                continue
            current = (number, line.rstrip(), [])
    if current is not None:
        yield current
    yield (0, "", [])


def parse(path):
    sets, tests = {}, []
    used, options = [], {"ignore": [], "drop": []}
    test, current_set = None, None
    for number, directive, content in read_blocks(path):
        where = f"{path}:{number}"
        word, _, rest = directive.partition(" ")
        rest = rest.strip()
        if word == "":
            if test is not None:
                tests.append(test)
                test = None
        elif word == "$":
            if test is None:
                test = Test(list(used), options)
            current_set = None
            test.commands.append(Command(rest, where))
        elif test is None and word in ("ignore", "drop"):
            options[word] += rest.split() if word == "ignore" else [rest]
        elif test is None and word == "set":
            current_set = sets.setdefault(rest, [])
        elif test is None and word == "use":
            used = rest.split()
            unknown = [name for name in used if name not in sets]
            if unknown:
                raise BadCase(f"{where}: no such set: {unknown[0]}")
        elif current_set is not None and word in ("file", "raw", "link", "directory"):
            parts = rest.split()
            current_set.append((word, parts, content))
        elif test is not None:
            read_test_line(test, sets, word, rest, content, where)
        else:
            raise BadCase(f"{where}: cannot be here: {directive}")
    for test in tests:
        test.files = [entry for name in test.sets for entry in sets[name]]
    return tests


def read_test_line(test, sets, word, rest, content, where):
    command = test.commands[-1]
    text = "".join(line + "\n" for line in content)
    if word == "stdin":
        command.stdin = text
    elif word == "env":
        name, _, value = rest.partition("=")
        command.env[name] = value
    elif word == "stderr":
        if rest not in ("", "sorted", "set"):
            raise BadCase(f"{where}: stderr, stderr sorted or stderr set")
        command.stderr = rest
    elif word == "sorted":
        command.sorted = True
    elif word == "with":
        test.sets = rest.split()
        unknown = [name for name in test.sets if name not in sets]
        if unknown:
            raise BadCase(f"{where}: no such set: {unknown[0]}")
    elif word == "ignore":
        test.ignore += rest.split()
    elif word == "drop":
        test.drop.append(rest)
    elif word == "needs" and rest in ("root", "user"):
        test.needs = rest
    elif word == "ours":
        what, _, reason = rest.partition(" ")
        if what in ("stdout", "stderr"):
            command.ours[what] = (text, reason)
        elif what == "status":
            status, _, reason = reason.partition(" ")
            command.ours[what] = (int(status), reason)
        elif what == "file":
            name, _, reason = reason.partition(" ")
            test.ours_files[name] = (text, reason)
        elif what == "mode":
            name, mode, reason = (reason.split(" ", 2) + ["", ""])[:3]
            test.ours_modes[name] = mode
        else:
            raise BadCase(f"{where}: ours stdout, stderr, status, file or mode")
        if not reason.strip():
            raise BadCase(f"{where}: a difference needs its reason")
    else:
        raise BadCase(f"{where}: unknown line: {word} {rest}")


# --- the two sides -----------------------------------------------------------------------------------------------------------

class Side:
    def __init__(self, name, folder, libraries=None):
        self.name = name
        self.folder = os.path.abspath(folder)
        self.libraries = libraries

    def run(self, words, stdin, extra_env, directory):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "TZ": "UTC", "LC_ALL": "C",
                       "MAIL_CONFIG": directory}
        if self.libraries:
            environment["LD_LIBRARY_PATH"] = self.libraries
        environment.update(extra_env)
        program = os.path.join(self.folder, words[0])
        done = subprocess.run([program] + words[1:], input=stdin, capture_output=True, cwd=directory, env=environment,
                              timeout=DEADLINE, check=False)
        return {"stdout": done.stdout, "stderr": done.stderr.replace(program.encode(), words[0].encode()),
                "status": done.returncode}


class Workplace:
    """The folder in which the commands of both sides run, one side after the other."""

    def __init__(self, oracle_root):
        # With the length of the path fixed, lines fold at the same places wherever the temporary files are.
        self.base = tempfile.mkdtemp(prefix="conf.")
        os.chmod(self.base, 0o755)
        self.directory = os.path.join(self.base, "etc")
        self.meta = os.path.join(self.base, "meta")
        os.mkdir(self.meta)
        shlib = os.path.join(oracle_root, "usr/lib/postfix")
        with open(os.path.join(self.meta, "dynamicmaps.cf"), "w", encoding="ascii") as out:
            for name, creates in DYNAMIC:
                library = os.path.join(shlib, f"postfix-{name}.so")
                if os.path.exists(library):
                    out.write(f"{name}\t{library}\tdict_{name}_open" + (f"\tmkmap_{name}_open\n" if creates else "\n"))
        user = pwd.getpwuid(os.geteuid())
        owner = "daemon" if user.pw_uid == 0 else user.pw_name
        # Any group but the owner's own does, and it must exist.
        group = "mail" if "mail" in [g.gr_name for g in grp.getgrall()] else grp.getgrall()[0].gr_name
        self.macros = {
            "@STANDARD@": "\n".join([
                f"mail_owner = {owner}", f"setgid_group = {group}", f"meta_directory = {self.meta}",
                f"shlib_directory = {shlib}", f"daemon_directory = {shlib}/sbin",
                f"queue_directory = {self.base}/spool", "compatibility_level = 3.6"]),
            "@DIR@": self.directory, "@OWNER@": owner, "@GROUP@": group, "@BASE@": self.base}

    def expand(self, text):
        for macro, value in self.macros.items():
            text = text.replace(macro, value)
        return text

    def clear(self):
        for name in ("etc", "spool"):
            shutil.rmtree(os.path.join(self.base, name), ignore_errors=True)

    def prepare(self, entries):
        self.clear()
        os.makedirs(self.directory)
        for kind, parts, content in entries:
            path = os.path.join(self.directory, self.expand(parts[0]))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if kind == "directory":
                os.makedirs(path, exist_ok=True)
            elif kind == "link":
                os.symlink(self.expand(parts[1]), path)
            else:
                if kind == "raw":
                    text = "\n".join(content).encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1")
                else:
                    text = self.expand("".join(line + "\n" for line in content)).encode("utf-8", "surrogateescape")
                with open(path, "wb") as out:
                    out.write(text)
                os.chmod(path, int(parts[1], 8) if len(parts) > 1 else 0o644)
                # A file that is seconds old is read again and again, lest it be written to meanwhile.
                hour_ago = time.time() - 3600
                os.utime(path, (hour_ago, hour_ago))

    def snapshot(self, ignored):
        found = {}
        for folder, folders, files in os.walk(self.directory):
            for name in folders + files:
                path = os.path.join(folder, name)
                short = os.path.relpath(path, self.directory)
                if any(fnmatch.fnmatch(short, pattern) for pattern in ignored):
                    continue
                status = os.lstat(path)
                kind = stat.filemode(status.st_mode) + f" {status.st_uid}:{status.st_gid}"
                if stat.S_ISLNK(status.st_mode):
                    found[short] = (kind, os.readlink(path).encode() + b"\n")
                elif stat.S_ISREG(status.st_mode):
                    with open(path, "rb") as source:
                        found[short] = (kind, source.read())
                else:
                    found[short] = (kind, b"")
        return found


# --- running and comparing -----------------------------------------------------------------------------------------------------

def lines_of(text, drop=(), how=None):
    lines = text.decode("utf-8", "backslashreplace").splitlines(keepends=True)
    lines = [line for line in lines if not any(re.search(pattern, line) for pattern in drop)]
    if how == "set":
        lines = list(dict.fromkeys(lines))
    return sorted(lines) if how in ("sorted", "set") else lines


def show_difference(title, oracle, ours):
    out = [f"    {title}"]
    for line in difflib.unified_diff(oracle, ours, "expected", "ours", n=2):
        out.append("    " + line.rstrip("\n") + ("" if line.endswith("\n") else "  (no newline)"))
    return out


def compare_command(command, test, oracle, ours, place):
    problems = []
    ways = {"stdout": ((), "sorted" if command.sorted else None)}
    if command.stderr is not None:
        ways["stderr"] = (test.drop, command.stderr)
    for what, (drop, how) in ways.items():
        theirs, mine = lines_of(oracle[what], drop, how), lines_of(ours[what], drop, how)
        problems += compare_one(what, command.ours.get(what), theirs, mine, place, how)
    problems += compare_one("status", command.ours.get("status"), oracle["status"], ours["status"], place, None)
    for what in command.ours:
        if what == "stderr" and command.stderr is None:
            problems.append("    `ours stderr` without `stderr`")
    return problems


def compare_one(what, listed, theirs, mine, place, how):
    if listed is not None:
        if theirs == mine:
            return [f"    {what}: listed as a difference ({listed[1]}), but there is none"]
        theirs = listed[0]
        if isinstance(theirs, str):
            theirs = lines_of(place.expand(theirs).encode("utf-8", "surrogateescape"), (), how)
    if theirs == mine:
        return []
    if isinstance(theirs, int):
        return [f"    status: expected {theirs}, ours {mine}"]
    return show_difference(what, theirs, mine)


def compare_files(test, oracle, ours, place):
    problems = []
    for name in sorted(set(oracle) | set(ours)):
        if name not in oracle or name not in ours:
            problems.append(f"    file {name}: only in {'ours' if name in ours else 'the expected folder'}")
            continue
        expected = oracle[name][0]
        if name in test.ours_modes:
            if oracle[name][0] == ours[name][0]:
                problems.append(f"    file {name}: its mode is listed as a difference, but there is none")
            expected = test.ours_modes[name] + expected[len(test.ours_modes[name]):]
        if expected != ours[name][0]:
            problems.append(f"    file {name}: expected {expected}, ours {ours[name][0]}")
        problems += compare_one(f"file {name}", test.ours_files.get(name), lines_of(oracle[name][1]),
                                lines_of(ours[name][1]), place, None)
    return problems


def run_side(side, test, place):
    place.prepare(test.files)
    results = []
    for command in test.commands:
        words = [place.expand(word) for word in shlex.split(command.line)]
        stdin = command.stdin
        if isinstance(stdin, str):
            stdin = place.expand(stdin).encode("utf-8", "surrogateescape")
        environment = {name: place.expand(value) for name, value in command.env.items()}
        results.append(side.run(words, stdin, environment, place.directory))
    return results, place.snapshot(ALWAYS_IGNORED + test.ignore)


def run_test(test, oracle, ours, place):
    their_results, their_files = run_side(oracle, test, place)
    our_results, our_files = run_side(ours, test, place)
    problems = []
    for command, theirs, mine in zip(test.commands, their_results, our_results):
        found = compare_command(command, test, theirs, mine, place)
        if found:
            problems.append(f"FAILED {command.where}: {command.line}")
            problems += found
            if command.stderr is None and theirs["status"] != mine["status"]:
                problems += show_difference("(standard error)", lines_of(theirs["stderr"]), lines_of(mine["stderr"]))
    found = compare_files(test, their_files, our_files, place)
    if found:
        problems.append(f"FAILED {test.commands[-1].where}: files after: {test.commands[-1].line}")
        problems += found
    return problems


# --- defaults ----------------------------------------------------------------------------------------------------------------

def read_defaults(side, place):
    place.prepare([("file", ["main.cf"], ["@STANDARD@"]), ("file", ["master.cf"], [])])
    text = side.run(["postconf", "-d"], b"", {}, place.directory)["stdout"].decode("utf-8", "backslashreplace")
    return dict((line.split(" =", 1)[0], line) for line in text.splitlines())


def check_defaults(path, oracle, ours, place):
    """The number of names that are as they should be, and a line for each one that is not."""
    listed = {}
    with open(path, encoding="utf-8") as source:
        for line in source:
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.partition(":")
                listed[name] = reason.strip()
    theirs, mine = read_defaults(oracle, place), read_defaults(ours, place)
    good, problems = 0, []
    for name in sorted(set(theirs) | set(listed)):
        differs = theirs.get(name) != mine.get(name)
        if differs and not listed.get(name):
            problems.append(f"FAILED {path}: expected `{theirs.get(name)}`, ours `{mine.get(name)}`")
        elif not differs and name in listed:
            problems.append(f"FAILED {path}: {name} is listed as a difference, but there is none")
        else:
            good += 1
    return good, problems


# --- Debian's packages ---------------------------------------------------------------------------------------------------------

def fetch(cache):
    root = os.path.join(cache, "root")
    if os.path.exists(os.path.join(root, "usr/sbin/postconf")):
        return root
    packages = os.path.join(cache, "packages")
    os.makedirs(packages, exist_ok=True)
    os.makedirs(root, exist_ok=True)
    subprocess.run(["apt-get", "download"] + PACKAGES, cwd=packages, check=True)
    for package in glob.glob(os.path.join(packages, "*.deb")):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    return root


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--ours", default=os.path.join(ROOT, "build/release/sbin"), help="folder of our programs")
    parser.add_argument("--oracle", help="folder with an unpacked Debian postfix")
    parser.add_argument("--fetch", action="store_true", help="download and unpack Debian's packages below build/oracle")
    parser.add_argument("--show", action="store_true", help="print what Debian's programs print, compare nothing")
    parser.add_argument("cases", nargs="*", help="case files or folders of them")
    arguments = parser.parse_args()
    if arguments.fetch:
        arguments.oracle = fetch(os.path.join(ROOT, "build/oracle"))
    if not arguments.oracle:
        parser.error("one of --oracle and --fetch is needed")
    root = os.path.abspath(arguments.oracle)
    libraries = ":".join([os.path.join(root, "usr/lib/postfix"), os.path.join(root, "usr/lib/x86_64-linux-gnu")])
    oracle = Side("Debian", os.path.join(root, "usr/sbin"), libraries)
    ours = Side("ours", arguments.ours)
    if not os.path.exists(os.path.join(oracle.folder, "postconf")):
        parser.error(f"{oracle.folder}: no postconf there")

    files = []
    for name in arguments.cases or [HERE]:
        found = [name] if os.path.isfile(name) else sorted(
            glob.glob(os.path.join(name, "**", "*.cases"), recursive=True) +
            glob.glob(os.path.join(name, "**", "*.defaults"), recursive=True))
        if not found:
            parser.error(f"{name}: no cases there")
        files += found

    passed = failed = skipped = 0
    # Debian's programs sleep a second before they end on an error: most of the time is theirs, so several tests run at once.
    places = [Workplace(root) for _ in range(1 if arguments.show else AT_ONCE)]
    free = queue.SimpleQueue()
    for place in places:
        free.put(place)

    def run_in_free_place(test):
        place = free.get()
        try:
            return run_test(test, oracle, ours, place)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            return [f"FAILED {test.commands[0].where}: {error}"]
        finally:
            free.put(place)

    try:
        tests = []
        for path in files:
            if path.endswith(".defaults"):
                good, problems = check_defaults(path, oracle, ours, places[0])
                passed, failed = passed + good, failed + len(problems)
                if problems:
                    print("\n".join(problems))
                continue
            for test in parse(os.path.relpath(path)):
                if test.needs and (test.needs == "root") != (os.geteuid() == 0):
                    skipped += 1
                elif arguments.show:
                    show(oracle, test, places[0])
                else:
                    tests.append(test)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for problems in pool.map(run_in_free_place, tests):
                if problems:
                    failed += 1
                    print("\n".join(problems))
                else:
                    passed += 1
    except BadCase as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        for place in places:
            shutil.rmtree(place.base, ignore_errors=True)
    if skipped:
        print(f"{skipped} skipped: they need {'another user' if os.geteuid() == 0 else 'root'}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not (passed or arguments.show) else 0


def show(oracle, test, place):
    results, files = run_side(oracle, test, place)
    for command, result in zip(test.commands, results):
        print(f"$ {command.line}")
        for what in ("stdout", "stderr"):
            for line in lines_of(result[what]):
                print(f"{'|' if what == 'stdout' else '!'} {line.rstrip(chr(10))}")
        print(f"[{result['status']}]")
    for name, (kind, _) in sorted(files.items()):
        print(f"  {kind} {name}")


if __name__ == "__main__":
    sys.exit(main())
