#!/usr/bin/env python3
"""An installed tree has the layout that is promised, and runs from wherever it was put."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402

COMMANDS = ["postalias", "postconf", "postfix", "postkick", "postlock", "postlog", "postmap"]


def install(options, folder):
    subprocess.run(["cmake", "--install", options.build, "--prefix", folder], check=True, capture_output=True)


def stage(options, folder):
    """As a package is made: for /usr, below another root."""
    subprocess.run(["cmake", "--install", options.build, "--prefix", "/usr"], check=True, capture_output=True,
                   env={**os.environ, "DESTDIR": str(folder)})


def output_of(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **environment}, timeout=30)
    assert done.returncode == 0, f"{command}: {done.returncode}: {done.stderr}"
    return done.stdout


def test_layout(options, folder):
    install(options, folder)
    for command in COMMANDS:
        assert os.access(folder / "sbin" / command, os.X_OK), command
        assert (folder / "share/man/man1" / f"{command}.1").is_file(), f"{command}.1"
    assert (folder / "etc/postfix/main.cf").is_file()
    assert (folder / "etc/postfix/master.cf").is_file()
    assert (folder / "share/man/man5/postconf.5").is_file()
    assert os.access(folder / "libexec/postfix/master", os.X_OK)
    assert (folder / "share/man/man8/master.8").is_file()
    assert (folder / "lib/systemd/system/postfix.service").is_file()


def test_a_staged_tree_has_everything_where_the_programs_look_for_it(options, folder):
    stage(options, folder)
    for name in ("mailq", "newaliases"):
        assert os.readlink(folder / "usr/bin" / name) == "../sbin/sendmail"
        assert (folder / "usr/bin" / name).is_file(), name
    assert (folder / "usr/lib/sendmail").is_file()
    assert (folder / "etc/postfix/main.cf").is_file() and not (folder / "usr/etc").exists()


def test_an_administrators_configuration_is_kept(options, folder):
    (folder / "etc/postfix").mkdir(parents=True)
    (folder / "etc/postfix/main.cf").write_text("myhostname = kept.example.com\n")
    stage(options, folder)
    install(options, folder)
    assert (folder / "etc/postfix/main.cf").read_text() == "myhostname = kept.example.com\n"
    assert (folder / "etc/postfix/master.cf").is_file()


def test_the_installed_configuration_is_read_by_option_and_by_environment(options, folder):
    install(options, folder)
    moved = folder / "somewhere else"
    moved.mkdir()
    for part in ("sbin", "etc"):
        (folder / part).rename(moved / part)
    config = moved / "etc/postfix"
    expected = ["compatibility_level = 3.11", f"config_directory = {config}"]
    assert output_of([moved / "sbin/postconf", "-c", config, "-n"]).splitlines() == expected
    assert output_of([moved / "sbin/postconf", "-n"], MAIL_CONFIG=str(config)).splitlines() == expected
    services = output_of([moved / "sbin/postconf", "-c", config, "-M"]).splitlines()
    assert services[0].split() == ["smtp", "inet", "n", "-", "n", "-", "-", "smtpd"], services[0]


def test_compiled_in_directories_follow_the_build_options(options):
    directory = output_of([options.build / "sbin/postconf", "-dh", "queue_directory", "daemon_directory", "data_directory"],
                          MAIL_CONFIG="/nonexistent").split()
    assert directory == ["/var/spool/postfix", "/usr/libexec/postfix", "/var/lib/postfix"], directory


def test_manual_pages_are_well_formed(options, folder):
    install(options, folder)
    pages = sorted((folder / "share/man").glob("man*/*"))
    assert len(pages) >= 5
    for page in pages:
        text = page.read_text()
        if text.startswith(".so "):  # another page under a second name
            assert (folder / "share/man" / text.split()[1]).is_file(), page
            continue
        assert text.startswith(".TH ") or ".TH " in text[:400], page
        for section in ("NAME", "DESCRIPTION"):
            assert f".SH {section}" in text or f'.SH "{section}"' in text, f"{page.name}: no {section}"


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
