#!/usr/bin/env python3
"""postsuper beside Debian's on queues that are alike, and while somebody else moves the files.

    tests/system/postsuper_test.py [--oracle DIR] [--bench N]

DIR is an unpacked Debian `postfix` package. Without it, one is made in build/oracle as tests/conformance/run.py does. The comparison
needs root. --bench N measures `-d ALL` of N messages on both sides, on the file system of the temporary folder.
"""
import os
import pathlib
import pwd
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests/lib"), str(TOP / "tests/conformance")]
import cases  # noqa: E402
import run as conformance  # noqa: E402

FOLDERS = ("maildrop", "hold", "incoming", "active", "deferred", "corrupt", "bounce", "defer", "trace", "flush", "saved")
HASHED = ("deferred", "defer")


class Queue:
    """A queue directory with its configuration; messages have labels, which are also their content."""

    def __init__(self, options, folder, side, settings=""):
        self.options, self.side, self.base = options, side, folder / side
        self.spool = self.base / "spool"
        self.ids = {}
        self.owner = "daemon" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        for name in FOLDERS + ("pid", "private", "public"):
            (self.spool / name).mkdir(parents=True)
        (self.base / "etc").mkdir()
        (self.base / "data").mkdir()
        plugins = options.oracle.resolve() / "usr/lib/postfix" if options.oracle else self.base
        (self.base / "log").touch()
        self.main_cf = (f"mail_owner = {self.owner}\nsetgid_group = mail\nqueue_directory = {self.spool}\n"
                        f"data_directory = {self.base}/data\nmeta_directory = {self.base}/etc\nshlib_directory = {plugins}\n"
                        f"maillog_file = {self.base}/log\nmaillog_file_prefixes = /\ncompatibility_level = 3.6\n"
                        "myhostname = host.example.com\n")
        self.configure(settings)
        for path in (folder, self.base):
            path.chmod(0o755)
        self.own()

    def configure(self, settings):
        (self.base / "etc/main.cf").write_text(self.main_cf + settings)
        # A file that was written just now is read again a second later, lest it be incomplete.
        os.utime(self.base / "etc/main.cf", (1_000_000_000, 1_000_000_000))

    def own(self):
        """All of it is mail_owner's."""
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.owner)
            for top in (self.spool, self.base / "log"):
                for path in (top, *top.rglob("*")):
                    os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)

    def directory(self, folder, name):
        return self.spool / folder / name[0] if folder in HASHED else self.spool / folder

    def message(self, label, folder, microseconds=1, mode=0o700, wrong=False):
        """A message whose name fits its inode, or not."""
        first = self.spool / folder / "tmp"
        first.write_text(label)
        first.chmod(mode)
        name = f"{microseconds:05X}{first.stat().st_ino + (100000 if wrong else 0):X}"
        self.directory(folder, name).mkdir(exist_ok=True)
        first.rename(self.directory(folder, name) / name)
        self.ids[label] = name
        return name

    def log(self, label, folder, content):
        directory = self.directory(folder, self.ids[label])
        directory.mkdir(exist_ok=True)
        (directory / self.ids[label]).write_text(content)
        (directory / self.ids[label]).chmod(0o600)

    def put(self, path, mode=0o700):
        (self.spool / path).parent.mkdir(parents=True, exist_ok=True)
        (self.spool / path).write_text(path)
        (self.spool / path).chmod(mode)

    def run(self, *arguments, stdin=""):
        arguments = [self.ids.get(argument, argument) for argument in arguments]
        stdin = "".join(self.ids.get(line, line) + "\n" for line in stdin.splitlines())
        environment = {"PATH": os.environ["PATH"]}
        if self.side == "debian":
            root = self.options.oracle.resolve()
            environment["LD_LIBRARY_PATH"] = f"{root}/usr/lib/postfix:{root}/usr/lib/x86_64-linux-gnu"
            program = root / "usr/sbin/postsuper"
        else:
            program = (self.options.build / "sbin/postsuper").resolve()
        done = subprocess.run([program, "-c", self.base / "etc", *arguments], input=stdin, capture_output=True, text=True,
                              env=environment, timeout=600, check=False)
        text = done.stderr.replace(str(program), "postsuper")
        for label, name in self.ids.items():
            text = text.replace(name, label)
        return done.returncode, done.stdout, sorted(text.splitlines())

    def tree(self):
        """What lies where: folder, hash directory, time part of the name, content, mode, owner."""
        files = [path for folder in FOLDERS for path in (self.spool / folder).rglob("*") if not path.is_dir()]
        messages = {f"{path.lstat().st_ino:X}": path for path in files}
        found = []
        for path in files:
            status = path.lstat()
            # Of a message or of its log: the time, and whose inode it is.
            owner = messages.get(path.name[5:])
            name = f"{path.name[:5]} {owner.read_text()}" if owner else path.name
            for label, known in self.ids.items():
                name = label if name == known else name
            found.append((str(path.relative_to(self.spool).parent), name, path.read_text(), oct(status.st_mode), status.st_uid))
        return sorted(found)

    def everything(self):
        return sorted(text for _, _, text, _, _ in self.tree())


def both(options, folder, settings=""):
    if os.geteuid() != 0:
        raise cases.Skipped("both sides side by side need root")
    return [Queue(options, folder, side, settings) for side in ("debian", "ours")]


def same(queues, *arguments, stdin=""):
    results = [queue.run(*arguments, stdin=stdin) for queue in queues]
    assert results[0] == results[1], (arguments, results)
    trees = [queue.tree() for queue in queues]
    assert trees[0] == trees[1], (arguments, set(trees[0]) ^ set(trees[1]))
    return results[1]


def fill(queue):
    queue.message("<one>", "incoming", 1)
    queue.message("<two>", "active", 0x20002)
    queue.message("<three>", "deferred", 0x30003)
    queue.message("<four>", "hold", 0x40004)
    queue.message("<five>", "maildrop", 0x50005, 0o744)
    for folder in ("bounce", "defer"):
        queue.log("<three>", folder, f"{folder} of three")
    queue.own()


def test_messages_are_held_released_expired_and_removed_as_debians_does_it(options, folder):
    queues = both(options, folder)
    for queue in queues:
        fill(queue)
    assert same(queues, "-h", "<one>", "-h", "<three>", "-h", "nonesuch", "-h", "bad/id")[2]
    for option in ("-h", "-H", "-e", "-f", "-d"):
        same(queues, option, "<one>", "hold")
    same(queues, "-h", "<five>")
    same(queues, "-h", "ALL", "maildrop")
    same(queues, "-h", "all")
    same(queues, "-h", "ALL", "-h", "<two>")
    same(queues, "-H", "-", stdin="<one>\n <two> \n\nbad id\n<two>\n")
    same(queues, "-e", "<two>")
    same(queues, "-e", "<two>")
    same(queues, "-f", "<three>", "-f", "<two>")
    same(queues, "-e", "ALL")
    same(queues, "-r", "<three>")
    same(queues, "-r", "<five>")
    same(queues, "-d", "<five>")
    same(queues, "-d", "-", stdin="<two>\n")
    same(queues, "-d", "ALL", "deferred")
    same(queues, "-d", "ALL")


def test_the_totals_of_many_options_come_in_debians_order(options, folder):
    queues = both(options, folder)
    same(queues, *(word for letter in "rdehHf" for word in (f"-{letter}", "ALL")))


def test_wrong_usage_is_refused_as_by_debians(options, folder):
    queues = both(options, folder)
    for arguments in (["-d", "ALL", "corrupt"], ["-d", "ALL", "nonsense"], ["-h", "ALL", "/tmp"], ["-d", ""]):
        same(queues, *arguments)
    assert all(queue.run("-x")[0] == 1 for queue in queues)


def test_a_restored_backup_is_repaired_as_by_debians(options, folder):
    queues = both(options, folder)
    for queue in queues:
        for number, place in enumerate(("incoming", "active", "deferred", "hold", "maildrop")):
            queue.message(f"<{place}>", place, number, 0o744 if place == "maildrop" else 0o700, wrong=True)
            queue.message(f"<{place} right>", place, 0x1000 + number, 0o744 if place == "maildrop" else 0o700)
            queue.log(f"<{place}>", "bounce", f"bounce of {place}")
            queue.log(f"<{place}>", "defer", f"defer of {place}")
        queue.own()
    status, _, told = same(queues, "-s")
    assert status == 0 and "postsuper: Renamed to match inode number: 5 messages" in told, told
    assert same(queues, "-s") == (0, "", [])
    assert same(queues) == (0, "", [])


def test_files_move_when_the_configuration_of_hash_directories_changes_as_with_debians(options, folder):
    queues = both(options, folder)
    for queue in queues:
        fill(queue)
        queue.put("flush/relay_test", 0o600)
        queue.own()
    for settings in ("hash_queue_depth = 2\nhash_queue_names = deferred, defer, flush, incoming\n", "hash_queue_names = hold\n", ""):
        for queue in queues:
            queue.configure(settings)
        assert same(queues, "-s") == (0, "", [])


def test_all_reaches_messages_that_the_configuration_has_left_in_wrong_places_as_with_debians(options, folder):
    folder.chmod(0o755)
    for option, done in (("-h", "Placed on hold: 3"), ("-e", "Force-expired: 4"), ("-H", "Released from hold: 1"),
                         ("-f", "Released from hold: 1"), ("-r", "Requeued: 4"), ("-d", "Deleted: 5")):
        place = folder / option
        place.mkdir(mode=0o755)
        queues = both(options, place)
        for queue in queues:
            fill(queue)
            queue.configure("hash_queue_names = deferred, defer, incoming, active, hold\n")
        told = same(queues, option, "ALL")[2]
        assert any(done in line for line in told), told


def test_a_message_of_somebody_elses_keeps_no_other_from_being_reached_as_with_debians(options, folder):
    """As after a backup that root has restored."""
    folder.chmod(0o755)
    for number, arguments in enumerate((["-e", "ALL"], ["-f", "ALL"], ["-f", "<four>"], ["-r", "ALL"], ["-r", "<three>"], ["-h", "ALL"],
                                        ["-H", "ALL"], ["-d", "ALL"])):
        place = folder / str(number)
        place.mkdir(mode=0o755)
        queues = both(options, place)
        for queue in queues:
            fill(queue)
            queue.message("<six>", "deferred", 0x60006)
            queue.own()
            for folder_, label in (("active", "<two>"), ("deferred", "<three>"), ("hold", "<four>")):
                os.chown(queue.directory(folder_, queue.ids[label]) / queue.ids[label], 0, 0)
        results = [queue.run(*arguments) for queue in queues]
        # Each system has its own words for what it may not do to a file.
        told = [sorted(re.sub(r".*(<\w+>).*(Operation not permitted|Permission denied).*", r"\1: may not", line)
                       for line in result[2] if "reset time stamps" not in line) for result in results]
        assert results[0][0] == results[1][0] == 0 and set(told[0]) == set(told[1]), (arguments, results)
        trees = [queue.tree() for queue in queues]
        assert trees[0] == trees[1], (arguments, set(trees[0]) ^ set(trees[1]))


def test_files_that_nobody_finished_are_purged_after_a_week_as_by_debians(options, folder):
    queues = both(options, folder)
    week_ago = time.time() - 8 * 86400
    for queue in queues:
        for path in ("incoming/777.88", "active/00006FFFFF", "maildrop/00009FFFFF", "deferred/0/00011FFFFF", "defer/0/00011FFFFF",
                     "bounce/0001FFFFFF", "flush/site"):
            queue.put(path, 0o600)
        queue.own()
        for path in queue.spool.rglob("*"):
            os.utime(path, (week_ago, week_ago))
        queue.put("incoming/00007FFFFF", 0o600)
        queue.own()
    assert same(queues, "-p") == (0, "", [])
    assert len(queues[1].tree()) == 4


def test_nobody_else_may_use_it(options, folder):
    if os.geteuid() != 0:
        raise cases.Skipped("needs root to become somebody else")
    queue = Queue(options, folder, "ours")
    fill(queue)
    before = queue.tree()
    program = (options.build / "sbin/postsuper").resolve()
    nobody = pwd.getpwnam("nobody")

    def change():
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)

    done = subprocess.run([program, "-c", queue.base / "etc", "-d", "ALL"], capture_output=True, text=True, preexec_fn=change,
                          timeout=60, check=False)
    assert done.returncode == 1 and "reserved for the superuser" in done.stderr, done
    assert queue.tree() == before


def test_links_that_the_owner_of_the_queue_has_put_there_lead_nowhere(options, folder):
    queue = Queue(options, folder, "ours")
    outside = folder / "outside"
    outside.mkdir()
    (outside / "0000012345").write_text("mine")
    (outside / "0000012345").chmod(0o700)
    (queue.spool / "incoming/E").symlink_to(outside)
    (queue.spool / "incoming/0000012345").symlink_to(outside / "0000012345")
    (queue.spool / "deferred/0").symlink_to(outside)
    for arguments in (["-s", "-p"], ["-d", "ALL"], ["-e", "ALL"], ["-e", "0000012345"], ["-d", "0000012345"], ["-r", "ALL"]):
        queue.run(*arguments)
    assert (outside / "0000012345").read_text() == "mine" and (outside / "0000012345").stat().st_mode & 0o777 == 0o700


def test_messages_that_others_move_meanwhile_are_never_lost(options, folder):
    """As a queue manager does: incoming to active to deferred and back, while everything is held, released, expired."""
    queue = Queue(options, folder, "ours")
    labels = [f"<{number}>" for number in range(300)]
    for number, label in enumerate(labels):
        queue.message(label, ("incoming", "active", "deferred")[number % 3], number)
    queue.own()
    stop = threading.Event()
    moved = [0]

    def move():
        folders = ("incoming", "active", "deferred")
        while not stop.is_set():
            for source, target in zip(folders, folders[1:] + folders[:1]):
                for path in (queue.spool / source).rglob("*"):
                    directory = queue.directory(target, path.name)
                    try:
                        if path.is_file():
                            directory.mkdir(exist_ok=True)
                            path.rename(directory / path.name)
                            moved[0] += 1
                    except FileNotFoundError:
                        pass

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for round_ in range(6):
            for arguments in (["-h", "ALL"], ["-e", "ALL"], ["-H", "ALL"], ["-s", "-p"],
                              [word for label in labels[round_::10] for word in ("-h", label)], ["-f", "ALL"]):
                status, _, told = queue.run(*arguments)
                assert status == 0, (arguments, told)
    finally:
        stop.set()
        mover.join()
    assert moved[0] > 0
    assert queue.everything() == sorted(labels)
    for _ in range(3):
        queue.run("-r", "ALL")
    assert [text for place, _, text, _, _ in queue.tree() if place == "maildrop"] and queue.everything() == sorted(labels)
    assert {mode for _, _, _, mode, _ in queue.tree()} == {"0o100710"}


def bench(options, folder):
    """`-d ALL`, half of the messages with a defer log."""
    for side in ("debian", "ours", "debian", "ours"):
        folder.chmod(0o755)
        base = folder / str(time.monotonic_ns())
        base.mkdir()
        queue = Queue(options, base, side)
        for number in range(options.bench):
            queue.message("x", "deferred", number * 7919 % 1000000)
            if number % 2:
                queue.log("x", "defer", "\nrecipient=x@y\nreason=z\n\n")
        queue.own()
        os.sync()
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        told = queue.run("-d", "ALL")
        took, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{side}: {took:.2f} s, of these {after.ru_utime - before.ru_utime:.2f} s user and "
              f"{after.ru_stime - before.ru_stime:.2f} s system; {told[2][-1]}; {len(queue.tree())} files are left", flush=True)


def main():
    options = cases.arguments([("--oracle", {"type": pathlib.Path, "default": None}), ("--bench", {"type": int, "default": 0})])
    if options.oracle is None and os.geteuid() == 0:
        options.oracle = pathlib.Path(conformance.fetch(str(TOP / "build/oracle")))
    if options.bench:
        with tempfile.TemporaryDirectory() as folder:
            bench(options, pathlib.Path(folder))
        return
    cases.main(__name__, options)


if __name__ == "__main__":
    main()
