#!/usr/bin/env python3
"""postmap and postalias where things go wrong, and large: broken files, no permission, a full disk, a huge source, a kill."""
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402

TYPES = {"hash": "db", "btree": "db", "lmdb": "lmdb", "cdb": "cdb"}
SOMEBODY = 1  # a user other than root
EVERYBODYS = tempfile.TemporaryDirectory()


def within_reach(executable):
    """A copy for those who may not enter the folder of the build, /root perhaps."""
    copy = pathlib.Path(EVERYBODYS.name, executable.name)
    if not copy.exists():
        pathlib.Path(EVERYBODYS.name).chmod(0o755)
        shutil.copy(executable, copy)
    return copy


def run(options, folder, *arguments, program="postmap", stdin=b"", limits=None, user=None):
    def prepare():
        for limit, value in (limits or {}).items():
            resource.setrlimit(limit, (value, value))
        # As a daemon would have it that ignores the signal, and as a shell would not.
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)

    (folder / "main.cf").touch()
    executable = (options.build / "sbin" / program).resolve()
    if user is not None:
        executable = within_reach(executable)
    return subprocess.run([executable, "-c", folder, *arguments], cwd=folder, input=stdin,
                          capture_output=True, preexec_fn=prepare, timeout=60, check=False)


def succeeds(done):
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


def fails(done, *texts):
    """With exit status 1, a message, and nothing else."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert b": fatal: " in done.stderr and len(done.stderr) < 2000, done.stderr
    for text in texts:
        assert text.encode() in done.stderr, (text, done.stderr)


def make(options, folder, kind, entries, name="t"):
    (folder / name).write_text("".join(f"{key} {value}\n" for key, value in entries))
    succeeds(run(options, folder, f"{kind}:{name}"))
    return folder / f"{name}.{TYPES[kind]}"


# --- broken files -----------------------------------------------------------------------------------------------------------

def test_files_that_are_cut_short_are_errors(options, folder):
    for kind in TYPES:
        index = make(options, folder, kind, [(f"key{i}", f"value{i}") for i in range(2000)])
        whole = index.read_bytes()
        for size in (0, 1, 100, 511, 512, 2047, 4095, 4096, 8192, len(whole) // 2, len(whole) - 4096):
            index.write_bytes(whole[:size])
            fails(run(options, folder, "-s", f"{kind}:t"), str(index.name))
            done = run(options, folder, "-q", "-", f"{kind}:t", stdin=b"".join(b"key%d\n" % i for i in range(0, 2000, 9)))
            fails(done, str(index.name))
            for change in (["-d", "key1"], ["-i"]):
                before = index.read_bytes()
                done = run(options, folder, *change, f"{kind}:t", stdin=b"new entry\n")
                fails(done)
                assert index.read_bytes() == before, (kind, change, size)


def test_files_of_random_bytes_and_of_other_types_are_errors(options, folder):
    dice = random.Random(1)
    entries = [("a", "b")]
    indexes = {kind: make(options, folder, kind, entries, name=kind).read_bytes() for kind in TYPES}
    for kind, suffix in TYPES.items():
        index = folder / f"t.{suffix}"
        for content in ([dice.randbytes(9000), b"plain text\n" * 800] + [indexes[other] for other in TYPES if other != kind]):
            index.write_bytes(content)
            fails(run(options, folder, "-q", "a", f"{kind}:t"), index.name)
            fails(run(options, folder, "-s", f"{kind}:t"), index.name)
            fails(run(options, folder, "-d", "a", f"{kind}:t"))
            fails(run(options, folder, "-i", f"{kind}:t", stdin=b"a b\n"))
            assert index.read_bytes() == content
        # Making it anew helps.
        make(options, folder, kind, entries)
        assert succeeds(run(options, folder, "-q", "a", f"{kind}:t")) == b"b\n"


def test_flipped_bits_never_crash(options, folder):
    dice = random.Random(7)
    for kind in TYPES:
        index = make(options, folder, kind, [(f"key{i}", f"value{i}") for i in range(500)] + [("long", "l" * 9000)])
        whole = index.read_bytes()
        for _ in range(25):
            broken = bytearray(whole)
            for _ in range(dice.randrange(1, 30)):
                at = dice.randrange(len(broken))
                if dice.random() < 0.7:
                    at = at // 4096 * 4096 + dice.randrange(160)
                broken[min(at, len(broken) - 1)] ^= 1 << dice.randrange(8)
            index.write_bytes(broken)
            for arguments in (["-s"], ["-q", "-"], ["-i"], ["-d", "key3"]):
                done = run(options, folder, *arguments, f"{kind}:t", stdin=b"key1 x\nkey2\nlong\nnew entry\n")
                assert done.returncode in (0, 1), (kind, arguments, done)
                index.write_bytes(broken)


def test_a_source_with_a_nul_byte_is_refused_with_its_line(options, folder):
    for kind, suffix in TYPES.items():
        index = make(options, folder, kind, [("a", "old")])
        before = index.read_bytes()
        (folder / "t").write_bytes(b"a new\nb\0c d\n")
        fails(run(options, folder, f"{kind}:t"), "t, line 2: the line contains a NUL byte")
        assert index.read_bytes() == before
        assert not list(folder.glob("*.tmp"))
        index.unlink()
        del suffix


def test_a_source_with_an_endless_line_is_refused_in_bounded_memory(options, folder):
    with open(folder / "t", "wb") as source:
        source.truncate(400_000_000)  # one line of NUL bytes, or:
        source.write(b"x" * 30_000_000)
    fails(run(options, folder, "hash:t", limits={resource.RLIMIT_AS: 300_000_000}), "t, line 1: the line is longer than")


def test_endless_keys_are_refused(options, folder):
    make(options, folder, "hash", [("a", "b")])
    fails(run(options, folder, "-q", "-", "hash:t", stdin=b"x" * 20_000_000), "stdin: a line is longer than")


# --- permissions ------------------------------------------------------------------------------------------------------------

def as_somebody(options, folder, *arguments, **more):
    folder.chmod(0o755)
    return run(options, folder, *arguments, user=SOMEBODY if os.geteuid() == 0 else None, **more)


def test_files_that_may_not_be_read_are_errors(options, folder):
    for kind, suffix in TYPES.items():
        index = make(options, folder, kind, [("a", "b")])
        index.chmod(0)
        fails(as_somebody(options, folder, "-q", "a", f"{kind}:t"), f"open database t.{suffix}: Permission denied")
        index.unlink()
    (folder / "t").chmod(0)
    fails(as_somebody(options, folder, "hash:t"), "open t: Permission denied")


def test_folders_that_may_not_be_written_to_are_errors(options, folder):
    (folder / "t").write_text("a b\n")
    if os.geteuid() == 0:
        done = as_somebody(options, folder, "hash:t")
    else:
        (folder / "main.cf").touch()
        folder.chmod(0o555)
        done = run(options, folder, "hash:t")
        folder.chmod(0o755)
    fails(done, "open t.db: Permission denied")


def test_an_index_that_may_be_written_to_in_a_closed_folder_is_made_in_place(options, folder):
    for kind in ("hash", "btree", "lmdb"):
        index = make(options, folder, kind, [("a", "old")])
        if os.geteuid() == 0:
            os.chown(index, SOMEBODY, SOMEBODY)
        inode = index.stat().st_ino
        (folder / "t").write_text("a new\nb c\n")
        (folder / "main.cf").touch()
        folder.chmod(0o555)
        try:
            succeeds(as_somebody_in(options, folder, f"{kind}:t"))
            assert succeeds(run(options, folder, "-q", "a", f"{kind}:t")) == b"new\n"
            assert index.stat().st_ino == inode
        finally:
            folder.chmod(0o755)
            index.unlink()


def as_somebody_in(options, folder, *arguments):
    return run(options, folder, *arguments, user=SOMEBODY if os.geteuid() == 0 else None)


def test_root_makes_the_index_as_the_owner_of_the_source(options, folder):
    if os.geteuid() != 0:
        return
    folder.chmod(0o777)
    for kind, suffix in TYPES.items():
        (folder / "t").write_text("a b\n")
        os.chown(folder / "t", SOMEBODY, SOMEBODY)
        (folder / "t").chmod(0o660)
        succeeds(run(options, folder, f"{kind}:t"))
        status = (folder / f"t.{suffix}").stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (SOMEBODY, SOMEBODY, 0o640), status
        (folder / f"t.{suffix}").unlink()
        succeeds(run(options, folder, "-o", "-p", f"{kind}:t"))
        status = (folder / f"t.{suffix}").stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o644), status
        (folder / f"t.{suffix}").unlink()
    # Not even where root could: the folder is root's.
    folder.chmod(0o755)
    fails(run(options, folder, "hash:t"), "open t.db: Permission denied")
    # The next table of the same command line is made as root again.
    (folder / "u").write_text("a b\n")
    folder.chmod(0o777)
    succeeds(run(options, folder, "hash:t", "hash:u"))
    assert (folder / "u.db").stat().st_uid == 0


# --- full disks, signals, many at once ----------------------------------------------------------------------------------------

def test_a_full_disk_leaves_the_old_table(options, folder):
    for kind in TYPES:
        index = make(options, folder, kind, [("a", "old")])
        before = index.read_bytes()
        (folder / "t").write_text("".join(f"key{i} value{i}\n" for i in range(50000)))
        fails(run(options, folder, f"{kind}:t", limits={resource.RLIMIT_FSIZE: 300_000}))
        assert index.read_bytes() == before
        assert not list(folder.glob("*.tmp")), list(folder.iterdir())
        if kind != "cdb":
            done = run(options, folder, "-i", f"{kind}:t", stdin=(folder / "t").read_bytes(), limits={resource.RLIMIT_FSIZE: 300_000})
            fails(done)
            assert succeeds(run(options, folder, "-s", f"{kind}:t")) == b"a\told\n"
        index.unlink()


def test_a_full_output_is_an_error(options, folder):
    make(options, folder, "hash", [(f"key{i}", "v" * 100) for i in range(2000)])
    with open("/dev/full", "wb") as full:
        done = subprocess.run([(options.build / "sbin/postmap").resolve(), "-c", folder, "-s", "hash:t"], cwd=folder, stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False)
    fails(done, "No space left on device") if done.stdout else None
    assert done.returncode == 1 and b"No space left on device" in done.stderr, done


def test_a_killed_build_leaves_the_old_table_and_the_next_one_succeeds(options, folder):
    for kind in TYPES:
        make(options, folder, kind, [("a", "old")])
        (folder / "t").write_text("".join(f"key{i} value{i}\n" for i in range(400_000)))
        process = subprocess.Popen([(options.build / "sbin/postmap").resolve(), "-c", folder, f"{kind}:t"], cwd=folder)
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
        status = process.wait()
        if status == -signal.SIGKILL:
            # The new one, when it had been put in place already.
            assert len(succeeds(run(options, folder, "-s", f"{kind}:t")).splitlines()) in (1, 400_000)
        make(options, folder, kind, [("a", "new")])
        assert succeeds(run(options, folder, "-q", "a", f"{kind}:t")) == b"new\n"
        assert not list(folder.glob("*.tmp"))


def test_builds_at_the_same_time_take_turns(options, folder):
    (folder / "main.cf").touch()
    (folder / "t").write_text("".join(f"key{i} value{i}\n" for i in range(3000)))
    for kind in TYPES:
        program = (options.build / "sbin/postmap").resolve()
        makers = [subprocess.Popen([program, "-c", folder, f"{kind}:t"], cwd=folder, stderr=subprocess.PIPE) for _ in range(6)]
        for maker in makers:
            _, complaints = maker.communicate(timeout=60)
            assert (maker.returncode, complaints) == (0, b"")
        assert len(succeeds(run(options, folder, "-s", f"{kind}:t")).splitlines()) == 3000


def test_additions_at_the_same_time_are_all_kept(options, folder):
    (folder / "main.cf").touch()
    for kind in ("hash", "btree", "lmdb"):
        make(options, folder, kind, [("a", "b")])
        program = (options.build / "sbin/postmap").resolve()
        adders = []
        for i in range(8):
            adder = subprocess.Popen([program, "-c", folder, "-i", f"{kind}:t"], cwd=folder, stdin=subprocess.PIPE)
            adders.append(adder)
            adder.stdin.write(b"new%d v\n" % i)
            adder.stdin.close()
        assert [adder.wait(timeout=60) for adder in adders] == [0] * 8
        assert len(succeeds(run(options, folder, "-s", f"{kind}:t")).splitlines()) == 9, kind


def test_a_reader_sees_the_old_or_the_new_table(options, folder):
    for kind in TYPES:
        make(options, folder, kind, [(f"key{i}", "1") for i in range(2000)])
        program = (options.build / "sbin/postmap").resolve()
        keys = b"".join(b"key%d\n" % i for i in range(2000)) * 30
        reader = subprocess.Popen([program, "-c", folder, "-q", "-", f"{kind}:t"], cwd=folder, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        (folder / "t").write_text("".join(f"key{i} 2\n" for i in range(2000)))
        for _ in range(3):
            succeeds(run(options, folder, f"{kind}:t"))
        output, _ = reader.communicate(keys, timeout=60)
        assert reader.returncode == 0
        assert len(output.splitlines()) == 60000
        assert len({line.split(b"\t")[1] for line in output.splitlines()}) == 1


# --- large --------------------------------------------------------------------------------------------------------------------

def test_a_large_source_is_made_in_bounded_memory(options, folder):
    """--size MB (20): of the source; memory is limited to 700 MB of address space for all but lmdb, which maps its file."""
    line = "key%09d@example.org " + "v" * 70 + "\n"
    count = options.size * 1_000_000 // len(line % 0)
    with open(folder / "t", "w", encoding="ascii") as source:
        for begin in range(0, count, 10000):
            source.write("".join(line % (i * 7919 % 1_000_000_007) for i in range(begin, min(begin + 10000, count))))
    for kind, suffix in TYPES.items():
        limits = {} if kind in ("lmdb", "cdb") else {resource.RLIMIT_AS: 700_000_000}
        succeeds(run(options, folder, f"{kind}:t", limits=limits))
        key = line % ((count // 2) * 7919 % 1_000_000_007)
        answer = succeeds(run(options, folder, "-q", key.split()[0], f"{kind}:t"))
        assert answer.decode() == key.split()[1] + "\n", kind
        (folder / f"t.{suffix}").unlink()


def test_json_is_json(options, folder):
    (folder / "t").write_bytes('"quo\\"ted" a\\b "c"\ntab\\ kéy vä\tlue\n'.encode())
    succeeds(run(options, folder, "btree:t"))
    lines = [json.loads(line) for line in succeeds(run(options, folder, "-j", "-s", "btree:t")).decode().splitlines()]
    assert lines == [{'"quo\\"ted"': 'a\\b "c"'}, {"tab\\ kéy": "vä\tlue"}], lines


if __name__ == "__main__":
    cases.main(__name__, cases.arguments([("--size", {"type": int, "default": 20})]))
