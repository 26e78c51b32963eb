"""Defaults of an old generation that make a difference are told in the log as Debian's Postfix tells them, and no more of them. (Those of
the SMTP server: tests/conformance/smtp/compatibility.dialogues.)"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402

OLD = {"compatibility_level": None, "mydestination": "localhost.example.test, site.test", "myorigin": "site.test", "mydomain": "example.test",
       "smtpd_relay_restrictions": "reject_unauth_destination", "virtual_alias_maps": "inline:{va@example.test=carl@bar}"}
NAMED = {"append_dot_mydomain": "yes", "relay_domains": "$mydestination"}
HEADERS = "From: A <a@hdr>\nTo: b@hdr2, c@hdr, d@\nCc: e@localhost\nX-Other: f@hdr\n\nx\n"


def told(text):
    """[what was told of old defaults], in any order, without the paths."""
    found = re.findall(r"^.*?: ((?:\S+/master.cf: line \d+: )?using backwards-compatible .*)$", text, re.MULTILINE)
    return sorted(re.sub(r"^\S+/(master.cf): line \d+", r"\1", line) for line in found)


def lines(make, settings, play, *, how="master", **more):
    with make(settings, **more) as mail:
        mail.start(how)
        mail.wait_log("daemon started")
        play(mail)
        mail.wait_idle()
        return told(mail.log())


def compare(options, settings, play, expected=None, **more):
    if not mta.Debian.available():
        raise cases.Skipped("Debian's Postfix cannot run here")
    theirs = lines(mta.Debian, settings, play, **more)
    ours = lines(lambda parameters, **others: mta.Postrider(options.build, parameters, mode="root", **others), settings, play, **more)
    assert ours == theirs, "\n".join(["ours:", *ours, "Debian's:", *theirs])
    if expected is not None:
        assert ours == expected, ours
    return ours


def send(mail):
    mail.sendmail("x@foo", "y", sender="s@bar", text=HEADERS)
    mail.wait_idle()
    mail.sendmail("va@example.test", sender="s@example.test")
    mail.wait_idle()
    mail.sendmail("z@localhost", sender="s@example.test")


def test_domains_completed_by_an_old_default_are_told(options):
    found = compare(options, OLD, send)
    assert sum("append_dot_mydomain=yes to rewrite" in line for line in found) >= 8, found


def test_a_setting_is_no_default(options):
    compare(options, {**OLD, **NAMED}, send, expected=[])


def test_a_higher_level_has_nothing_to_tell(options):
    compare(options, {**OLD, "compatibility_level": "2"}, send, expected=[])


def test_sites_to_be_flushed_by_an_old_default_are_told(options):
    def play(mail):
        mail.sendmail("nobody@site.test", sender="s@example.test")
        mail.wait_idle()
        mail.run("postqueue", "-s", "site.test")
        mail.run("postqueue", "-s", "elsewhere.example")
    found = compare(options, {**OLD, "transport_maps": "inline:{{nobody@site.test=retry:4.3.0 later}}"}, play)
    assert len(set(found)) == 2, found


def test_services_that_are_chrooted_by_an_old_default_are_told(options):
    extra = ["one unix n - - - - discard", "two unix n - y - - discard", "three unix n - n - - discard"]

    def play(mail):
        mail.reload()
        mta.wait(lambda: len(told(mail.log_so_far())) >= 2, what="what is told after a reload")
    found = compare(options, OLD, play, how="postfix", master_cf=extra)
    assert len(found) == 2, found


def test_commands_of_postfix_tell_which_level_ends_it(options):
    three = ["Postfix is using backwards-compatible default settings", "See compatibility_level in postconf(5) for details",
              'To disable backwards compatibility use "postconf compatibility_level=3.11" and "postfix reload"']
    for level, expected in ((None, three), ("3.6", three), ("3.11", []), ("9999", [])):
        for command in ("status", "stop", "nonsense"):
            with mta.Postrider(options.build, {"compatibility_level": level}) as mail:
                result = mail.run("postfix", command)
                said = re.findall(r" postfix\[\d+\]: (.*)", mail.log())
                assert said == expected, (level, command, said)
                assert "backwards" not in result.error + result.text, result


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
