#!/usr/bin/env python3
"""postexplain names each step, each key, and the line that decided; its exit status sums it up."""
import json
import pathlib
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402

MAIN = """compatibility_level = 3.6
myhostname = mx.example.test
mydomain = example.test
myorigin = $mydomain
mydestination = $myhostname, example.test
inet_interfaces = loopback-only
mynetworks = 127.0.0.0/8
local_recipient_maps = inline:{ { ann=x }, { office=x } }
alias_maps =
"""

MASTER = """smtp inet n - n - - smtpd
submission inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
local unix - n n - - local
smtp unix - - n - - smtp
virtual unix - n n - - virtual
"""


class Mail:
    """A configuration in a folder, and what postexplain says of it. `{etc}` in expected texts is the folder."""

    def __init__(self, options, folder, *settings, master=MASTER):
        self.program = options.build.resolve() / "sbin/postexplain"
        self.folder = folder
        (folder / "main.cf").write_text(MAIN + "".join(line + "\n" for line in settings))
        (folder / "master.cf").write_text(master)

    def run(self, *words):
        done = subprocess.run([self.program, words[0], "-c", self.folder, *words[1:]], capture_output=True, timeout=30, text=True)
        return done.returncode, done.stdout.replace(str(self.folder), "{etc}"), done.stderr.replace(str(self.folder), "{etc}")

    def route(self, *words):
        return self.run("route", *words)

    def session(self, *words, client="192.0.2.7,mx.client.test", sender="s@sender.test"):
        return self.run("session", "--client", client, "--helo", "mx.client.test", "--from", sender, *words)

    def json(self, *words):
        status, out, _ = self.run(words[0], "-j", *words[1:])
        return status, [json.loads(line) for line in out.splitlines()]


def same(got, status, text):
    assert got[2] == "", got[2]
    assert (got[0], got[1].rstrip("\n")) == (status, text.strip("\n")), f"status {got[0]}\n{got[1]}"


def shows(got, status, *parts):
    assert got[0] == status, got
    for part in parts:
        assert part in got[1], f"{part!r} is not in\n{got[1]}{got[2]}"


def summary(text):
    """The outcome at the top: (command, reply) pairs of a session."""
    lines = text.split("\n\n")[0].splitlines()[2:]
    return [re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines]


ROUTE = ["recipient_delimiter = +",
         "recipient_canonical_maps = inline:{ { info@example.test = office } }",
         "virtual_alias_maps = inline:{ { office@example.test = ann, bob@else.test } }",
         "transport_maps = inline:{ { else.test = smtp:[relay.test] } }"]


def test_a_route_is_told_step_by_step(options, folder):
    same(Mail(options, folder, *ROUTE).route("info+x"), 0, """
info+x
  -> ann+x@example.test        local to mx.example.test
  -> bob+x@else.test           smtp to [relay.test]

  append_at_myorigin (default)
    => info+x becomes info+x@example.test
  recipient_canonical_maps ({etc}/main.cf, line 11)
    info+x@example.test          not found
    info@example.test            "office" in inline:{ { info@example.test = office } }
    => office becomes office+x: propagate_unmatched_extensions (default)
  append_at_myorigin (default)
    => office+x becomes office+x@example.test
  recipient_canonical_maps ({etc}/main.cf, line 11)
    => info+x@example.test becomes office+x@example.test
    office+x@example.test        not found
    office@example.test          not found
    office+x                     not found
    office                       not found
    @example.test                not found
  virtual_alias_maps ({etc}/main.cf, line 12)
    office+x@example.test        not found
    office@example.test          "ann, bob@else.test" in inline:{ { office@example.test = ann, bob@else.test } }
    => ann becomes ann+x: propagate_unmatched_extensions (default)
  append_at_myorigin (default)
    => ann+x becomes ann+x@example.test
    => bob@else.test becomes bob+x@else.test: propagate_unmatched_extensions (default)
  virtual_alias_maps ({etc}/main.cf, line 12)
    => office+x@example.test becomes ann+x@example.test, bob+x@else.test
    ann+x@example.test           not found
    ann@example.test             not found
    ann+x                        not found
    ann                          not found
    @example.test                not found
    bob+x@else.test              not found
    bob@else.test                not found
    @else.test                   not found

  recipient ann+x@example.test
    mydestination ({etc}/main.cf, line 5)
      example.test                 listed
    transport_maps ({etc}/main.cf, line 13)
      ann+x@example.test           not found
      ann@example.test             not found
      example.test                 not found
      .test                        not found
      *                            not found
    address class  local                  mydestination ({etc}/main.cf, line 5)
    transport      local                  local_transport (default)
    next hop       mx.example.test        local_transport (default)
    service        local                  {etc}/master.cf, line 6

  recipient bob+x@else.test
    mydestination ({etc}/main.cf, line 5)
      else.test                    not listed
    virtual_alias_domains (default)
      else.test                    not listed
    virtual_mailbox_domains (default)
      else.test                    not listed
    relay_domains (default)
      else.test                    not listed
    transport_maps ({etc}/main.cf, line 13)
      bob+x@else.test              not found
      bob@else.test                not found
      else.test                    "smtp:[relay.test]" in inline:{ { else.test = smtp:[relay.test] } }
    address class  default                no list has the domain
    transport      smtp                   transport_maps ({etc}/main.cf, line 13)
    next hop       [relay.test]           transport_maps ({etc}/main.cf, line 13)
    service        smtp                   {etc}/master.cf, line 7
""")


def test_what_does_not_matter_is_not_told(options, folder):
    same(Mail(options, folder).route("ann@example.test"), 0, """
ann@example.test
  -> ann@example.test          local to mx.example.test

  recipient ann@example.test
    mydestination ({etc}/main.cf, line 5)
      example.test                 listed
    address class  local                  mydestination ({etc}/main.cf, line 5)
    transport      local                  local_transport (default)
    next hop       mx.example.test        local_transport (default)
    service        local                  {etc}/master.cf, line 6
""")


def test_the_line_that_decides_is_named(options, folder):
    mail = Mail(options, folder, "relayhost = [out.test]", "relay_domains = re.test", "virtual_alias_domains = al.test",
                "virtual_mailbox_domains = box.test", "relocated_maps = inline:{ { moved@example.test = new@else.test } }",
                "sender_dependent_relayhost_maps = inline:{ { @paid.test = [paid.test] } }", "default_transport = slow")
    for address, status, words in [
            ("a@re.test", 75, ["address class  relay                  relay_domains ({etc}/main.cf, line 11)",
                               "transport      relay                  relay_transport (default)",
                               "next hop       [out.test]             relayhost ({etc}/main.cf, line 10)",
                               "-> a@re.test                 WAITS: master.cf has no service relay: the mail would wait"]),
            ("a@al.test", 1, ["address class  virtual alias          virtual_alias_domains ({etc}/main.cf, line 12)",
                              "-> a@al.test                 UNDELIVERABLE: 5.1.1 User unknown in virtual alias table"]),
            ("a@box.test", 0, ["address class  virtual mailbox        virtual_mailbox_domains ({etc}/main.cf, line 13)",
                               "service        virtual                {etc}/master.cf, line 8"]),
            ("moved@example.test", 1, ["moved@example.test           \"new@else.test\" in inline:{ { moved@example.test = new@else.test } }",
                                       "transport      error                  relocated_maps ({etc}/main.cf, line 14)",
                                       "UNDELIVERABLE: 5.1.6 User has moved to new@else.test"]),
            ("a@else.test", 75, ["address class  default                no list has the domain",
                                 "transport      slow                   default_transport ({etc}/main.cf, line 16)"]),
            ("a@b..c", 1, ["address        not valid              its domain is malformed"])]:
        shows(mail.route(address), status, *words)
    shows(mail.route("--sender", "x@paid.test", "a@else.test"), 75, "from x@paid.test",
          "x@paid.test                  not found", "@paid.test                   \"[paid.test]\" in",
          "next hop       [paid.test]            sender_dependent_relayhost_maps ({etc}/main.cf, line 15)")


def test_copies_and_filters_are_told(options, folder):
    mail = Mail(options, folder, "recipient_bcc_maps = inline:{ { ann@example.test = office } }", "always_bcc = log@example.test",
                "content_filter = scan:[127.0.0.1]:10026")
    shows(mail.route("ann@example.test"), 0, "-> office@example.test       local to mx.example.test  (a copy, by recipient_bcc_maps)",
          "-> log@example.test          local to mx.example.test  (a copy, by always_bcc)", "=> a copy goes to office@example.test",
          "filtered by    scan:[127.0.0.1]:10026 content_filter ({etc}/main.cf, line 12)")
    shows(Mail(options, folder, "receive_override_options = no_address_mappings", "always_bcc = log@example.test").route("ann"), 0,
          "address mapping off                    receive_override_options ({etc}/main.cf, line 10)")


def test_a_table_that_cannot_answer_makes_mail_wait(options, folder):
    status, out, error = Mail(options, folder, "virtual_alias_maps = fail:x").route("ann@example.test")
    assert status == 75 and "WAITS: virtual_alias_maps: " in out and "fail:x lookup error" in error, (status, out, error)
    status, out, _ = Mail(options, folder, "virtual_alias_maps = inline:{ { a@example.test = b }, { b@example.test = a } }").route("a")
    assert status == 75 and "unreasonable virtual_alias_maps map nesting" in out, (status, out)


def test_routes_are_json_for_programs(options, folder):
    mail = Mail(options, folder, *ROUTE)
    status, reports = mail.json("route", "info+x", "ann@example.test")
    assert status == 0 and [each["address"] for each in reports] == ["info+x", "ann@example.test"], reports
    report = reports[0]
    assert [(each["recipient"], each["class"], each["transport"], each["nexthop"]) for each in report["destinations"]] == [
        ("ann+x@example.test", "local", "local", "mx.example.test"), ("bob+x@else.test", "default", "smtp", "[relay.test]")], report
    steps = report["steps"] + [step for each in report["destinations"] for step in each["steps"]]
    assert {"step": "lookup", "parameter": "recipient_canonical_maps", "origin": "{etc}/main.cf, line 11", "key": "info@example.test",
            "result": "office", "table": "inline:{ { info@example.test = office } }"} in steps, steps
    assert {"step": "lookup", "parameter": "transport_maps", "origin": "{etc}/main.cf, line 13", "key": "bob@else.test",
            "result": None} in steps, steps
    assert {"step": "list", "parameter": "mydestination", "origin": "{etc}/main.cf, line 5", "key": "else.test", "listed": False} in steps
    lines = (folder / "main.cf").read_text().splitlines()
    for step in steps:  # every line that is named begins with what it is named for
        if ", line " in step.get("origin", ""):
            number = int(step["origin"].rsplit(" ", 1)[1])
            assert lines[number - 1].startswith((step.get("parameter") or step.get("rule") or step.get("because")) + " ="), step


SESSION = ["smtpd_client_restrictions = permit_mynetworks,",
           "  check_client_access inline:{ { 192.0.2 = DUNNO }, { bad.test = 521 5.7.9 go away } }",
           "smtpd_restriction_classes = strict",
           "strict = check_sender_access inline:{ { evil.test = 554 5.7.8 no evil } }, sleep 100",
           "smtpd_recipient_restrictions = check_recipient_access inline:{ { ann@example.test = strict }, { office@example.test = HOLD } }"]


def test_a_session_is_told_restriction_by_restriction(options, folder):
    same(Mail(options, folder, *SESSION).session("--to", "ann@example.test"), 0, """
client   mx.client.test[192.0.2.7]
service  smtp
  (connect)                                    220 mx.example.test ESMTP Postfix
  EHLO mx.client.test                          250 mx.example.test
  MAIL FROM:<s@sender.test>                    250 2.1.0 Ok
  RCPT TO:<ann@example.test>                   250 2.1.5 Ok
  DATA                                         354 End data with <CR><LF>.<CR><LF>
  (end of message)                             250 2.0.0 Ok: queued

RCPT TO:<ann@example.test>
  smtpd_client_restrictions ({etc}/main.cf, line 10)
    permit_mynetworks                                          dunno
        mynetworks ({etc}/main.cf, line 7)
          192.0.2.7                    not found
    check_client_access inline:{ { 192.0.2 = DUNNO }, { b...   dunno
        mx.client.test               not found
        client.test                  not found
        test                         not found
        192.0.2.7                    not found
        192.0.2                      "DUNNO"
  smtpd_relay_restrictions (default)
    permit_mynetworks                                          dunno
        mynetworks ({etc}/main.cf, line 7)
          192.0.2.7                    not found
    permit_sasl_authenticated                                  dunno
    defer_unauth_destination                                   dunno
        mydestination ({etc}/main.cf, line 5)
          example.test                 listed
        address class: local, mydestination ({etc}/main.cf, line 5)
        transport: local, local_transport (default)
        next hop: mx.example.test, local_transport (default)
  smtpd_recipient_restrictions ({etc}/main.cf, line 14)
    check_recipient_access inline:{ { ann@example.test = ...   dunno
        ann@example.test             "strict"
        strict                                                 dunno  ({etc}/main.cf, line 13)
            check_sender_access inline:{ { evil.test = 554 5.7.8 ... dunno
                mydestination ({etc}/main.cf, line 5)
                  sender.test                  not listed
                virtual_alias_domains (default)
                  sender.test                  not listed
                virtual_mailbox_domains (default)
                  sender.test                  not listed
                relay_domains (default)
                  sender.test                  not listed
                address class: default, no list has the domain
                next hop: sender.test, the recipient's domain
                transport: smtp, default_transport (default)
                s@sender.test                not found
                sender.test                  not found
                test                         not found
                s@                           not found
            sleep 100                                          dunno
  smtpd_reject_unlisted_recipient                              dunno  (default)
      local_recipient_maps ({etc}/main.cf, line 8)
        ann@example.test             not found
        ann                          "x"
  => 250 2.1.5 Ok

ann@example.test
  -> ann@example.test          local to mx.example.test

  from s@sender.test

  recipient ann@example.test
    mydestination ({etc}/main.cf, line 5)
      example.test                 listed
    address class  local                  mydestination ({etc}/main.cf, line 5)
    transport      local                  local_transport (default)
    next hop       mx.example.test        local_transport (default)
    service        local                  {etc}/master.cf, line 6
""")


def test_each_recipient_has_its_reply(options, folder):
    mail = Mail(options, folder, *SESSION)
    status, out, _ = mail.session("--to", "ann@example.test", "--to", "<nobody@example.test>", "--to", "x@else.test", "--to",
                                  "office@example.test", "--to", "a@b..c", sender="s@evil.test")
    assert status == 1
    assert summary(out) == [
        ["(connect)", "220 mx.example.test ESMTP Postfix"], ["EHLO mx.client.test", "250 mx.example.test"],
        ["MAIL FROM:<s@evil.test>", "250 2.1.0 Ok"],
        ["RCPT TO:<ann@example.test>", "554 5.7.8 <s@evil.test>: Sender address rejected: no evil"],
        ["RCPT TO:<nobody@example.test>",
         "550 5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in local recipient table"],
        ["RCPT TO:<x@else.test>", "454 4.7.1 <x@else.test>: Relay access denied"], ["RCPT TO:<office@example.test>", "250 2.1.5 Ok"],
        ["RCPT TO:<a@b..c>", "501 5.1.3 Bad recipient address syntax"], ["DATA", "354 End data with <CR><LF>.<CR><LF>"],
        ["(end of message)", "250 2.0.0 Ok: queued"], ["the message is put on hold"]], out
    assert "  logged: hold: <office@example.test>: Recipient address triggers HOLD action" in out, out


def test_a_refusal_is_told_as_the_client_would_see_it(options, folder):
    mail = Mail(options, folder, *SESSION, "smtpd_reject_filter_maps = regexp:{ {/^454 .*Relay access denied/ 550 5.7.9 not by us} }",
                r"smtpd_reject_footer = \c. Ask the postmaster\n  of $server_name about $client_address and $sender_name",
                "smtpd_reject_footer_maps = regexp:{ {/unknown in local/ nobody here} }")
    got = mail.session("--to", "x@else.test", "--to", "nobody@example.test")
    shows(got, 1, """
  RCPT TO:<x@else.test>                        550-5.7.9 not by us. Ask the postmaster
                                               550 5.7.9   of mx.example.test about 192.0.2.7 and s
  RCPT TO:<nobody@example.test>                550-5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in local recipient table
                                               550 5.1.1 nobody here
""", """
  => 550-5.7.9 not by us. Ask the postmaster
     550 5.7.9   of mx.example.test about 192.0.2.7 and s
""")
    status, (report,) = mail.json("session", "--client", "192.0.2.7,x.test", "--from", "s@sender.test", "--to", "x@else.test")
    assert (status, report["commands"][-1]["reply"], report["commands"][-1]["verdict"]) == (
        1, "550-5.7.9 not by us. Ask the postmaster\n550 5.7.9   of mx.example.test about 192.0.2.7 and s", "refused"), report
    hard = Mail(options, folder, *SESSION, "smtpd_reject_filter_maps = regexp:{ {/Relay access denied/ 421 4.7.0 bye} }")
    shows(hard.session("--to", "x@else.test", "--to", "ann@example.test"), 75, "421 4.7.0 bye  (and the connection is closed)")


def test_recipients_are_read_as_the_server_does(options, folder):
    mail = Mail(options, folder, *SESSION)
    for written in ("<ann @example.test>", "ann@example.test (Ann)", "<\"ann\"@example.test>", "<@x.test:ann@example.test>"):
        status, out, _ = mail.session("--to", written)
        assert status == 0 and "\n  recipient ann@example.test\n" in out, (written, out)


def test_the_status_sums_it_up(options, folder):
    mail = Mail(options, folder, *SESSION)
    assert mail.session("--to", "ann@example.test")[0] == 0
    assert mail.session("--to", "nobody@example.test")[0] == 1
    assert mail.session("--to", "x@else.test")[0] == 75
    assert mail.session("--to", "x@else.test", "--to", "nobody@example.test")[0] == 1
    assert Mail(options, folder, *SESSION, "soft_bounce = yes").session("--to", "nobody@example.test")[0] == 75
    shows(Mail(options, folder, *SESSION).session("--to", "ann@example.test", "--to", "office", client="192.0.2.7,bad.test"), 1,
          "521 5.7.9 <bad.test[192.0.2.7]>: Client host rejected: go away  (and the connection is closed)")
    for words in ([], ["route"], ["session", "--client", "x", "--from", "a", "--to", "b"], ["route", "--nonsense", "a"]):
        done = subprocess.run([mail.program, *words], capture_output=True, timeout=30, text=True)
        assert done.returncode == 64 and "usage: postexplain route" in done.stderr and done.stdout == "", done
    status, _, error = Mail(options, folder, "smtpd_client_restrictions = rejct").session("--to", "ann")
    assert status == 75 and "main.cf, line 10" in error and 'did you mean "reject"' in error, (status, error)


def test_a_service_has_its_own_settings(options, folder):
    mail = Mail(options, folder)
    shows(mail.session("--service", "submission", "--to", "x@else.test"), 1, "530 5.7.0 Must issue a STARTTLS command first")
    shows(mail.session("--service", "submission", "--tls", "--to", "x@else.test"), 1,
          "smtpd_relay_restrictions ({etc}/master.cf, line 2: -o)", "554 5.7.1 <x@else.test>: Recipient address rejected: Access denied")
    shows(mail.session("--service", "submission", "--tls", "--sasl-user", "ann", "--to", "x@else.test"), 0,
          "AUTH PLAIN", "235 2.7.0 Authentication successful", "permit_sasl_authenticated", "-> x@else.test               smtp to else.test")
    shows(mail.session("--sasl-user", "ann", "--to", "ann@example.test"), 1, "503 5.5.1 Error: authentication not enabled")
    status, _, error = mail.session("--service", "nowhere", "--to", "ann")
    assert status == 78 and 'no service "nowhere" runs smtpd; these do: smtp, submission' in error, error


def test_what_the_dialogue_itself_refuses_is_told(options, folder):
    mail = Mail(options, folder, "message_size_limit = 1000", "smtpd_helo_required = yes")
    shows(mail.session("--size", "1001", "--to", "ann@example.test"), 1, "552 5.3.4 Message size exceeds fixed limit")
    shows(mail.session("--size", "1000", "--to", "ann@example.test"), 0)
    shows(mail.run("session", "--client", "192.0.2.7,unknown", "--from", "<>", "--to", "ann@example.test"), 1,
          "MAIL FROM:<>", "503 5.5.1 Error: send HELO/EHLO first")
    for sender in ("ann@", "ann@-x.example", "a@b..c"):
        got = mail.session("--to", "ann@example.test", sender=sender)
        shows(got, 1)
        assert summary(got[1])[-1] == [f"MAIL FROM:<{sender}>", "501 5.1.7 Bad sender address syntax"], got[1]
    mail = Mail(options, folder, "strict_rfc821_envelopes = yes", "smtpd_recipient_limit = 2")
    got = mail.session("--to", "<ann@example.test>", "--to", "@example.test", "--to", "@relay.test:ann@example.test", "--to", "office@example.test")
    shows(got, 1)
    assert summary(got[1])[-6:-2] == [["RCPT TO:<ann@example.test>", "250 2.1.5 Ok"], ["RCPT TO:<@example.test>", "501 5.1.3 Bad recipient address syntax"],
                                      ["RCPT TO:<@relay.test:ann@example.test>", "250 2.1.5 Ok"],
                                      ["RCPT TO:<office@example.test>", "452 4.5.3 Error: too many recipients"]], got[1]


def test_a_recipient_does_not_inherit_the_deferral_of_another(options, folder):
    mail = Mail(options, folder, "smtpd_recipient_restrictions = check_recipient_access inline:{ { ann@example.test = DEFER_IF_PERMIT } }")
    got = mail.session("--to", "ann@example.test", "--to", "office@example.test")
    shows(got, 75)
    assert summary(got[1])[3:5] == [["RCPT TO:<ann@example.test>", "450 4.7.1 <ann@example.test>: Recipient address rejected: Service unavailable"],
                                    ["RCPT TO:<office@example.test>", "250 2.1.5 Ok"]], got[1]


def test_of_what_is_discarded_nothing_more_is_asked(options, folder):
    mail = Mail(options, folder, "smtpd_recipient_restrictions = check_recipient_access inline:{ { ann@example.test = DISCARD } }",
                "smtpd_data_restrictions = reject")
    shows(mail.session("--to", "ann@example.test", "--to", "nobody@example.test"), 0, "the message is discarded")


def test_actions_change_where_mail_goes(options, folder):
    mail = Mail(options, folder, "smtpd_recipient_restrictions = check_recipient_access inline:{ { ann@example.test = REDIRECT office@example.test },",
                "  { office@example.test = FILTER scan:[127.0.0.1]:10026 }, { bob@else.test = DISCARD } }",
                "smtpd_relay_restrictions = permit_mynetworks, check_sender_access inline:{ { s@sender.test = OK } }, reject")
    shows(mail.session("--to", "ann@example.test"), 0, "the message goes to office@example.test in place of its recipients",
          "-> office@example.test       local to mx.example.test")
    shows(mail.session("--to", "office@example.test"), 0, "filtered by    scan:[127.0.0.1]:10026 a FILTER action")
    got = mail.session("--to", "bob@else.test")
    shows(got, 0, "the message is discarded")
    assert "->" not in got[1], got[1]


def test_policy_services_are_asked_unless_told_not_to(options, folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = []

        def answer():
            with server.accept()[0] as peer:
                text = b""
                while not text.endswith(b"\n\n"):
                    text += peer.recv(4096)
                asked.append(text.decode())
                peer.sendall(b"action=DEFER later, please\n\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        mail = Mail(options, folder, f"smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{port}")
        shows(mail.session("--no-policy", "--to", "ann@example.test"), 0, "policy service: not asked")
        assert not asked
        shows(mail.session("--to", "ann@example.test"), 75, "450 4.7.1 <ann@example.test>: Recipient address rejected: later, please",
              "RCPT                         \"DEFER later, please\"")
        thread.join(10)
        assert "client_address=192.0.2.7\nclient_name=mx.client.test\n" in asked[0] and "instance=postexplain\n" in asked[0], asked


def test_without_delays_each_command_is_judged(options, folder):
    mail = Mail(options, folder, "smtpd_delay_reject = no", "smtpd_client_restrictions = check_client_access inline:{ { 192.0.2.66 = REJECT } }",
                "smtpd_helo_restrictions = reject_invalid_helo_hostname", "smtpd_sender_restrictions = reject_non_fqdn_sender")
    got = mail.session("--to", "ann@example.test", client="192.0.2.66,x.test")
    shows(got, 1)
    assert summary(got[1]) == [["(connect)", "554 5.7.1 <x.test[192.0.2.66]>: Client host rejected: Access denied"]], got[1]
    got = mail.session("--to", "ann@example.test", sender="s")
    shows(got, 1)
    assert summary(got[1])[-1] == ["MAIL FROM:<s>", "504 5.5.2 <s>: Sender address rejected: need fully-qualified address"], got[1]


def test_sessions_are_json_for_programs(options, folder):
    mail = Mail(options, folder, *SESSION)
    status, [report] = mail.json("session", "--client", "192.0.2.7", "--no-dns", "--helo", "h", "--from", "s@evil.test", "--to",
                                 "ann@example.test", "--to", "office@example.test")
    assert status == 1
    assert report["client"] == {"address": "192.0.2.7", "name": "unknown", "name_status": "not found", "reverse_name": "unknown",
                                "reverse_name_status": "not found"}, report["client"]
    assert [each["verdict"] for each in report["commands"]] == ["accepted"] * 3 + ["refused"] + ["accepted"] * 3
    refused = report["commands"][3]
    assert refused["reply"] == "554 5.7.8 <s@evil.test>: Sender address rejected: no evil" and not refused["disconnect"]
    kinds = [step["step"] for step in refused["steps"]]
    assert kinds.count("restriction") == kinds.count("verdict") and kinds.count("list begins") == kinds.count("list ends"), kinds
    assert {"step": "list begins", "list": "strict", "origin": "{etc}/main.cf, line 13"} in refused["steps"], refused["steps"]
    assert report["effects"] == {"hold": True} and [each["address"] for each in report["routes"]] == ["office@example.test"], report
    assert report["commands"][4]["log"] == [{"action": "hold", "text": "<office@example.test>: Recipient address triggers HOLD action"}]


def test_the_examples_of_the_manual_page_are_true(options, folder):
    top = pathlib.Path(__file__).resolve().parent.parent.parent
    text = (top / "man/postexplain.1").read_text().partition(".SH EXAMPLES\n")[2].partition("\n.SH ")[0]
    for escape, plain in (("\\-", "-"), ("\\(aq", "'"), ("\\(dq", '"'), ("\\e", "\\")):
        text = text.replace(escape, plain)
    main_cf, *others = re.findall(r"^\.nf\n(.*?)^\.fi$", text, re.M | re.S)
    mail = Mail(options, folder, master=(top / "conf/master.cf").read_text())
    (folder / "main.cf").write_text(main_cf)
    shown = [example.removeprefix("$ postexplain ") for example in others if example.startswith("$ postexplain ")]
    assert len(shown) == 2, others
    for example in shown:
        command, output = example.replace("\\\n", "").split("\n", 1)
        got = mail.run(*command.split())[1]
        assert got.replace("{etc}", "/etc/postfix") == output, got


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
