"""Disks that are full, out of inodes or read-only, and mailboxes that cannot be written: mail is refused or waits, with a clear
reply, and goes on within 5 seconds of the cure."""
import contextlib
import os
import pathlib
import subprocess
import tempfile
import time

import cases
import mta
import rig
from disks import Disk, call
from shim import Action, Kind

CURE = 5


def fill(folder, name="filler"):
    """Takes every block, to the last one."""
    path = pathlib.Path(folder, name)
    with open(path, "wb", buffering=0) as out:
        for size in (1 << 20, 4096, 512, 1):
            with contextlib.suppress(OSError):
                while True:
                    out.write(bytes(size))
    return [path]


def fill_inodes(folder):
    paths = []
    with contextlib.suppress(OSError):
        while len(paths) < 100000:
            path = pathlib.Path(folder, f"inode{len(paths)}")
            path.touch()
            paths.append(path)
    return paths


@contextlib.contextmanager
def on_disk(options, small, parameters=None, make=("-m", "0")):
    """A system with its spool ("spool") or its mailboxes ("mail") on a small disk."""
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(Disk("ext4", 24, make))
        log = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mta-log.")), "mail.log")
        log.parent.chmod(0o777)
        places = {"mail": disk.root / "mail"} if small == "mail" else {"base": disk.root / "mta", "mail": log.parent / "mail"}
        for place in places.values():
            if place.name == "mta":
                place.mkdir()
        parameters = {"message_size_limit": "1000000", **(parameters or {})}
        mail = stack.enter_context(rig.system(options, parameters, shim=False, log=log, **places))
        mail.start()
        ledger = rig.Ledger(mail)
        ledger.submit("ann@example.test", "bob@example.test")
        rig.settle(mail)
        ledger.forget()
        yield mail, ledger, disk


def goes_on(mail, ledger, tokens=()):
    """From the cure to the delivery of a new message and of all that waited."""
    began = time.monotonic()
    while True:
        token = ledger.submit("ann@example.test")
        if ledger.entries[token][0]:
            break
        assert time.monotonic() - began < CURE, f"still refused {CURE} s after the cure\n{mail.log_tail()}"
    mta.wait(lambda: all(ledger.complete(each) for each in (token, *tokens)), CURE + 10, f"the delivery\n{mail.log_tail(40)}")
    rig.settle(mail)
    seconds = time.monotonic() - began
    assert seconds <= CURE, f"went on only {seconds:.1f} s after the cure"
    bad = [what for _, what in ledger.judge() if not what.startswith("queued twice")]
    assert not bad, f"{bad}\n{mail.log_tail()}"
    return seconds


def refused(mail, recipient="ann@example.test", text="Subject: no\n\nroom\n"):
    """sendmail must fail in time, with a temporary error and words."""
    began = time.monotonic()
    result = mail.sendmail(recipient, text=text, limit=20)
    seconds = time.monotonic() - began
    assert result.status in (75, 69, 71, 74), f"not refused as it should be: {result}\n{mail.log_tail()}"
    words = result.error + mail.new_log()
    assert words.strip(), "refused without a word"
    assert seconds < 10, f"refused only after {seconds:.0f} s"
    return seconds


def spool_full(options, way):
    make = ("-m", "0", "-N", "512") if way == "inodes" else ("-m", "0")
    with on_disk(options, "spool", make=make) as (mail, ledger, disk):
        mail.log_mark()
        filler = fill_inodes(disk.root) if way == "inodes" else fill(disk.root)
        took = refused(mail)
        for path in filler:
            path.unlink()
        return f"refused in {took:.1f} s, went on in {goes_on(mail, ledger):.1f} s"


def spool_fills_later(options):
    """The message is in maildrop, then the disk is full: it waits there."""
    with on_disk(options, "spool", {"default_process_limit": "10"}) as (mail, ledger, disk):
        mail.stop()
        token = ledger.submit("ann@example.test", "bob@example.test", lines=2000)
        filler = fill(disk.root)
        with contextlib.suppress(AssertionError):
            mail.start(limit=10)
        time.sleep(1.5)  # some attempts
        for path in filler:
            path.unlink()
        if not mail.running():
            mail.start()
        return f"went on in {goes_on(mail, ledger, [token]):.1f} s"


def unmounted(path):
    return subprocess.run(["umount", str(path)], capture_output=True, check=False).returncode == 0


def spool_read_only(options):
    with on_disk(options, "spool") as (mail, ledger, _):
        mounted = []
        try:
            for name in ("maildrop", "incoming"):
                path = mail.queue / name
                call("mount", "--bind", path, path)
                mounted.append(path)
                call("mount", "-o", "remount,ro,bind", path)
            mail.log_mark()
            took = refused(mail)
        finally:
            for path in mounted:
                mta.wait(lambda path=path: unmounted(path), 10, "umount")
        return f"refused in {took:.1f} s, went on in {goes_on(mail, ledger):.1f} s"


def mailboxes_full(options):
    with on_disk(options, "mail") as (mail, ledger, disk):
        mail.log_mark()
        filler = fill(disk.root)
        token = ledger.submit("ann@example.test", "bob@example.test", lines=300)
        mail.wait_log(r"to=<ann@example.test>.*dsn=4\S+, status=deferred \(.*(space|full)")
        mail.wait_log(r"to=<bob@example.test>.*dsn=4\S+, status=deferred \(.*(space|full)")
        for path in filler:
            path.unlink()
        seconds = goes_on(mail, ledger, [token])
        left = [path for path in mail.mail.glob("ann/tmp/*")]
        assert not left, f"left in tmp: {left}"
        return f"deferred, went on in {seconds:.1f} s"


def mailboxes_read_only(options):
    with on_disk(options, "mail") as (mail, ledger, disk):
        mail.log_mark()
        call("mount", "-o", "remount,ro", disk.root)
        token = ledger.submit("ann@example.test", "bob@example.test")
        for name in "ann", "bob":
            mail.wait_log(rf"to=<{name}@example.test>.*dsn=4\S+, status=deferred")
        call("mount", "-o", "remount,rw", disk.root)
        return f"deferred, went on in {goes_on(mail, ledger, [token]):.1f} s"


def with_system(options, parameters=None):
    mail = rig.system(options, parameters)
    mail.start()
    ledger = rig.Ledger(mail)
    ledger.submit("ann@example.test", "bob@example.test")
    rig.settle(mail)
    ledger.forget()
    mail.log_mark()
    return mail, ledger


def mailbox_not_writable(options):
    """A Maildir whose folders somebody has closed."""
    mail, ledger = with_system(options)
    with mail:
        folders = [mail.mail / "ann" / name for name in ("new", "tmp")]
        for folder in folders:
            folder.chmod(0o500)
        token = ledger.submit("ann@example.test", "bob@example.test")
        mail.wait_log(r"to=<ann@example.test>.*dsn=4\S+, status=deferred")
        mail.wait_log(r"to=<bob@example.test>.*status=sent")
        for folder in folders:
            folder.chmod(0o700)
        return f"deferred, went on in {goes_on(mail, ledger, [token]):.1f} s"


def quota(options):
    """Writes to a mailbox fail with EDQUOT: deferred, or returned with a notice that says so."""
    mail, ledger = with_system(options)
    with mail:
        full = ("full-folder", "full-file")  # but not the sender's, who may hear of it while the fault lasts
        mail.shim.arm(Action.FAIL, "virtual", 1, "EDQUOT", True, [Kind.WRITE], str(mail.mail / "full-"))
        token = ledger.submit(*[f"{name}@example.test" for name in full])
        fates = [mail.wait_log(rf"to=<{name}@example.test>.*dsn=(?:4\S+, status=deferred|5.2.2, status=bounced) \((.*)\)").group(1)
                 for name in full]
        assert all("quota" in fate.lower() or "space" in fate.lower() for fate in fates), fates
        mail.shim.disarm()
        if "bounced" in mail.new_log():
            mta.wait(lambda: "sender" in ledger.copies()[token], 10, "the notice")
            ledger.forget()
            return f"returned: {fates[0]}; went on in {goes_on(mail, ledger):.1f} s"
        return f"deferred: {fates[0]}; went on in {goes_on(mail, ledger, [token]):.1f} s"


def start_limited(mail, limit):
    """Starts master with a limit of the shell's."""
    done = subprocess.run(["sh", "-c", f'{limit}; exec "$@"', "sh", *mail.arguments("master", ["-w"])], capture_output=True,
                          check=False, env=mail.command_environment(), cwd="/", timeout=30, **mail.account.passing)
    assert done.returncode == 0, f"{done}\n{mail.log_tail()}"


def small_descriptors(options):
    """Programs that may open 64 files go on, slower."""
    mail = rig.system(options, shim=False)
    with mail:
        start_limited(mail, "ulimit -n 64")
        ledger = rig.Ledger(mail)
        tokens = [ledger.submit(*[f"u{i}@example.test" for i in range(rig.PEOPLE)]) for _ in range(5)]
        mta.wait(lambda: all(ledger.complete(token) for token in tokens), 60, f"the deliveries\n{mail.log_tail()}")
        bad = ledger.judge()
        assert not bad, bad
        return f"{len(tokens)} messages to {rig.PEOPLE} recipients"


def size_limit_of_files(options):
    """RLIMIT_FSIZE is reached: no process may die of SIGXFSZ, and nothing is lost."""
    mail = rig.system(options, shim=False)
    with mail:
        start_limited(mail, "ulimit -f 400")
        ledger = rig.Ledger(mail)
        small = ledger.submit("ann@example.test")
        ledger.submit("ann@example.test", lines=20000)
        mta.wait(lambda: ledger.complete(small), 20, "the small message")
        time.sleep(1)
        died = [line for line in mail.log().splitlines() if "killed by signal" in line]
        assert not died, died
        return "the small message went, nobody died"


CASES = {
    "the spool's disk is full": lambda options: spool_full(options, "blocks"),
    "the spool has no inodes": lambda options: spool_full(options, "inodes"),
    "the spool's disk fills up later": spool_fills_later,
    "the spool is read-only": spool_read_only,
    "the mailboxes' disk is full": mailboxes_full,
    "the mailboxes are read-only": mailboxes_read_only,
    "a mailbox cannot be written": mailbox_not_writable,
    "over quota": quota,
    "64 descriptors": small_descriptors,
    "files of at most 200 KiB": size_limit_of_files,
}
QUICK = ["the spool's disk is full", "the mailboxes' disk is full", "a mailbox cannot be written", "over quota"]


def run(options, report):
    for name, case in CASES.items():
        if options.quick and name not in QUICK:
            continue
        try:
            report.passed(f"space: {name}", case(options))
        except cases.Skipped as why:
            report.skipped(f"space: {name}", why)
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            report.failed(f"space: {name}", str(error))


def control(options, report):
    """Debian's Postfix hangs sendmail while the spool cannot be written; the rig must see that."""
    try:
        spool_read_only(options)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        first = str(error).splitlines()[0][:200]
        report.passed("space control", f"Debian's Postfix does not refuse in time, and the rig saw it: {first}")
    else:
        report.failed("space control", "Debian's Postfix keeps sendmail waiting when maildrop cannot be written; the rig did not see it")
