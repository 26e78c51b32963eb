#!/usr/bin/env python3
"""What postmap and postalias make Debian's read, and the other way round; either side goes on with the other's tables.

    tests/system/postmap_interchange_test.py [--oracle DIR]

DIR is an unpacked Debian `postfix` package. Without it, one is made in build/oracle as tests/conformance/run.py does.
"""
import os
import pathlib
import pwd
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests/lib"), str(TOP / "tests/conformance")]
import cases  # noqa: E402
import run as conformance  # noqa: E402

TYPES = {"hash": "db", "btree": "db", "lmdb": "lmdb", "cdb": "cdb"}


def succeeds(done):
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


def ours(options, folder, *arguments, program="postmap", stdin=b""):
    return subprocess.run([(options.build / "sbin" / program).resolve(), "-c", folder, *arguments], cwd=folder, input=stdin,
                          capture_output=True, timeout=60, check=False)


def debian(options, folder, *arguments, program="postmap", stdin=b""):
    plugins = options.oracle.resolve() / "usr/lib/postfix"
    user = "daemon" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    configuration = {
        "dynamicmaps.cf": "".join(f"{kind}\t{plugins}/postfix-{kind}.so\tdict_{kind}_open\tmkmap_{kind}_open\n"
                                  for kind in ("lmdb", "cdb")),
        "main.cf": f"meta_directory = {folder}\nshlib_directory = {plugins}\nmail_owner = {user}\nsetgid_group = mail\n"
                   "compatibility_level = 3.6\nmyhostname = host.example.com\n"}
    for name, content in configuration.items():
        (folder / name).write_text(content)
        # A file that was written just now is read again a second later, lest it be incomplete.
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))
    libraries = f"{plugins}:{options.oracle.resolve()}/usr/lib/x86_64-linux-gnu"
    return subprocess.run([options.oracle.resolve() / "usr/sbin" / program, "-c", folder, *arguments], cwd=folder, input=stdin,
                          capture_output=True, env={"LD_LIBRARY_PATH": libraries}, timeout=60, check=False)


def shared_types():
    """Debian's plug-ins are used only when a file of root's says so."""
    return [kind for kind in TYPES if os.geteuid() == 0 or kind in ("hash", "btree")]


SOURCE = "".join(f"Key{i * 37 % 1009}@Example{i % 7}.com value {i}\n" for i in range(1009)) + (
    '"quo ted" q\nLong ' + "l" * 6000 + "\nÜnïcode ü\n" + "k" * 400 + " long key\n")
ALIASES = "root: a, b\n\"quo ted\": \"|/bin/x -a\"\nlist: :include:/x\nBig: " + ", ".join(f"u{i}@x.org" for i in range(900)) + "\n"


def exchange(options, folder, program, text, dump):
    debian(options, folder, "-q", "x", "static:x")  # writes main.cf
    (folder / "t").write_text(text)
    for kind in shared_types():
        outputs = []
        for maker in (ours, debian):
            made = maker(options, folder, f"{kind}:t", program=program)
            assert made.returncode == 0, made
            for reader in (ours, debian):
                if kind == "cdb" and reader is debian:
                    listed = succeeds(ours(options, folder, "-s", f"{kind}:t"))
                else:
                    listed = succeeds(reader(options, folder, "-s", f"{kind}:t"))
                listed = sorted(line for line in listed.splitlines() if not line.startswith(b"YP_LAST"))
                keys = b"".join(line.split(b"\t")[0] + b"\n" for line in listed)
                answers = succeeds(reader(options, folder, "-f", "-q", "-", f"{kind}:t", stdin=keys))
                outputs.append((listed, answers))
            (folder / f"t.{TYPES[kind]}").unlink()
        for output in outputs:
            for mine, theirs in zip(outputs[0], output):
                assert mine == theirs, (kind, [pair for pair in zip(mine, theirs) if pair[0] != pair[1]][:3], len(mine), len(theirs))
        assert len(outputs[0][0]) >= dump


def test_debians_tables_are_read_and_ours_by_debians(options, folder):
    exchange(options, folder, "postmap", SOURCE, 1013)


def test_debians_alias_tables_are_read_and_ours_by_debians(options, folder):
    exchange(options, folder, "postalias", ALIASES, 6)


def test_either_side_goes_on_with_the_others_table(options, folder):
    debian(options, folder, "-q", "x", "static:x")  # writes main.cf
    for kind in shared_types():
        if kind == "cdb":
            continue
        for maker, changer in ((ours, debian), (debian, ours)):
            (folder / "t").write_text(SOURCE)
            assert maker(options, folder, f"{kind}:t").returncode == 0
            added = b"".join(b"added%d v%d\n" % (i, i) for i in range(3000))
            assert changer(options, folder, "-i", f"{kind}:t", stdin=added).returncode == 0
            removed = b"".join(b"added%d\n" % i for i in range(0, 3000, 3))
            assert changer(options, folder, "-d", "-", f"{kind}:t", stdin=removed).returncode == 0
            lists = {tuple(sorted(succeeds(side(options, folder, "-s", f"{kind}:t")).splitlines())) for side in (ours, debian)}
            assert len(lists) == 1 and len(lists.pop()) == 1013 + 2000, kind
            (folder / f"t.{TYPES[kind]}").unlink()


def test_cdb_files_are_the_same_byte_for_byte(options, folder):
    debian(options, folder, "-q", "x", "static:x")  # writes main.cf
    if "cdb" not in shared_types():
        print("not compared: cdb files; this needs root")
        return
    (folder / "t").write_text(SOURCE)
    succeeds(debian(options, folder, "cdb:t"))
    shutil.move(folder / "t.cdb", folder / "debian.cdb")
    succeeds(ours(options, folder, "cdb:t"))
    assert (folder / "t.cdb").read_bytes() == (folder / "debian.cdb").read_bytes()


def main():
    options = cases.arguments([("--oracle", {"type": pathlib.Path, "default": None})])
    if options.oracle is None:
        options.oracle = pathlib.Path(conformance.fetch(str(TOP / "build/oracle")))
    cases.main(__name__, options)


if __name__ == "__main__":
    main()
