#!/usr/bin/env python3
"""What the SMTP server makes of the DNS: names of clients, DNS lists, unknown names, servers of names, backup mail exchangers. The same
clients say the same to Debian's Postfix and to ours, in a network in which we are the DNS; replies and log lines must be equal.

What differs on purpose is named by the cases, with its reason; a difference that is not there fails, too."""
import os
import pathlib
import re
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import dns_server  # noqa: E402
import mta  # noqa: E402

ZONES = {
    # --- clients
    "192.0.2.10": {"PTR": "mail.good.test"}, "mail.good.test": {"A": ["192.0.2.9", "192.0.2.10"], "AAAA": "2001:db8::10"},
    "2001:db8::10": {"PTR": "mail.good.test"},
    "192.0.2.12": {"PTR": "liar.evil.test"}, "liar.evil.test": {"A": "192.0.2.1"},
    "192.0.2.13": {"PTR": "nowhere.test"},
    "192.0.2.14": {"PTR": "broken.test"}, "broken.test": {"rcode": "SERVFAIL"},
    "192.0.2.15": {"rcode": "SERVFAIL"},
    "192.0.2.16": {"PTR": "1.2.3.4"},
    "192.0.2.17": {"PTR": "bad*name.test"},
    "192.0.2.18": {"PTR": ["nowhere.test", "second.test"]}, "second.test": {"A": "192.0.2.18"},
    "192.0.2.19": {"PTR": "MixedCase.Test"}, "mixedcase.test": {"A": "192.0.2.19"},
    "192.0.2.20": {"PTR": "onlymx.test"}, "onlymx.test": {"MX": "10 mail.good.test"},
    "192.0.2.22": {"PTR": "under_score.test"}, "under_score.test": {"A": "192.0.2.22"},
    "192.0.2.23": {"PTR": "v6only.test"}, "v6only.test": {"AAAA": "2001:db8::77"},
    "192.0.2.24": {"PTR": "alias.good.test"}, "alias.good.test": {"CNAME": "real.good.test"}, "real.good.test": {"A": "192.0.2.24"},
    "2001:db8::12": {"PTR": "liar6.test"}, "liar6.test": {"AAAA": "2001:db8::13"},
    # --- lists
    "10.2.0.192.rbl.test": {"A": "127.0.0.2", "TXT": "Listed because. See http://x/?192.0.2.10"},
    "10.2.0.192.silent.test": {"A": "127.0.0.3"},
    "10.2.0.192.multi.test": {"A": ["127.0.0.2", "127.0.1.7"], "TXT": ["first", "second"]},
    "10.2.0.192.strings.test": {"A": "127.0.0.2", "TXT": [["one ", "two"]]},
    "10.2.0.192.weird.test": {"A": "127.0.0.2", "TXT": "a\tb\nc\x01d$e\u00e9 <f> \"q\" `x` {y} $sender ${sender}"},
    "10.2.0.192.long.test": {"A": "127.0.0.2", "TXT": ["x" * 255, "y" * 255, "z" * 255]},
    "10.2.0.192.broken.test": {"rcode": "SERVFAIL"},
    "10.2.0.192.notext.test": {"A": "127.0.0.2", "TXT": {"data": [], "rcode": "SERVFAIL"}},
    "10.2.0.192.alias.test": {"CNAME": "real.alias.test"}, "real.alias.test": {"A": "127.0.0.2", "TXT": "by alias"},
    "10.2.0.192.damaged.test": {"A": b"\1\2\3"},
    str(dns_server.plain("2001:db8::10")).removesuffix("ip6.arpa") + "rbl.test": {"A": "127.0.0.2", "TXT": "six"},
    "mail.good.test.names.test": {"A": "127.0.0.2", "TXT": "client name"},
    "liar.evil.test.names.test": {"A": "127.0.0.2", "TXT": "reverse name"},
    "helo.listed.test.names.test": {"A": "127.0.0.2", "TXT": "helo"},
    "sender.listed.test.names.test": {"A": "127.0.0.2", "TXT": "sender"},
    "here.test.names.test": {"A": "127.0.0.2"},
    "sender.brk.test.names.test": {"rcode": "SERVFAIL"},
    "unknown.names.test": {"A": "127.0.0.2"},
    "192.0.2.99.names.test": {"A": "127.0.0.2"},
    "xn--bcher-kva.test.names.test": {"A": "127.0.0.2", "TXT": "international"},
    # --- unknown names
    "has.a.test": {"A": "192.0.2.10"}, "has.aaaa.test": {"AAAA": "2001:db8::9"}, "has.mx.test": {"MX": "10 m.test"},
    "null.mx.test": {"MX": "0 ."}, "nullboth.test": {"MX": ["0 .", "10 m.test"]}, "nulla.test": {"MX": "0 .", "A": "192.0.2.10"},
    "nodata.test": {}, "tempa.test": {"A": {"data": [], "rcode": "SERVFAIL"}}, "temp.test": {"rcode": "SERVFAIL"},
    "tempmx.test": {"MX": {"data": [], "rcode": "SERVFAIL"}, "A": "192.0.2.1"},
    "mxip.test": {"MX": "10 1.2.3.4"}, "mxbad.test": {"MX": "10 bad*host.test"}, "mixbad.test": {"MX": ["10 bad*host.test", "20 g.test"]},
    "cname.test": {"CNAME": "has.mx.test"}, "cnamenull.test": {"CNAME": "null.mx.test"},
    "xn--bcher-kva.test": {"A": "192.0.2.67", "MX": "10 mx.evil.test"},
    # --- servers of names
    "good.test": {"MX": "10 mx.good.test", "NS": ["ns1.good.test", "ns2.good.test"], "A": "192.0.2.20"},
    "mx.good.test": {"A": "192.0.2.30", "AAAA": "2001:db8::30"}, "ns1.good.test": {"A": "192.0.2.41"}, "ns2.good.test": {"A": "192.0.2.42"},
    "evil.test": {"MX": "10 mx.evil.test", "NS": "ns.evil.test", "A": "192.0.2.66"},
    "mx.evil.test": {"A": "192.0.2.67"}, "ns.evil.test": {"A": "192.0.2.68"},
    "onlytemp.test": {"MX": {"data": [], "rcode": "SERVFAIL"}},
    "badmxhost.test": {"MX": ["10 nx-host.test", "20 mx.evil.test"]}, "tmxhost.test": {"MX": "10 temp.test"},
    "aonly.test": {"A": "192.0.2.67"}, "mxip67.test": {"MX": "10 192.0.2.67"},
    "many.test": {"MX": [f"{number} mx{number}.many.test" for number in range(120)]},
    **{f"mx{number}.many.test": {"A": f"192.0.2.{67 if number == 110 else 90}"} for number in range(120)},
    "mxalias.test": {"MX": "10 alias.mx.test"}, "alias.mx.test": {"CNAME": "mx.evil.test"},
    "tempns.test": {"rcode": "SERVFAIL"},
    # --- backup mail exchangers
    "primary.test": {"A": "198.51.100.7"}, "mine.test": {"A": "192.0.2.1"}, "other.test": {"A": "198.51.100.9"}, "out.test": {"A": "203.0.113.5"},
    "b1.test": {"MX": ["10 primary.test", "20 mine.test"]}, "b2.test": {"MX": ["10 primary.test", "20 other.test"]},
    "b3.test": {"MX": "10 mine.test"}, "b4.test": {"MX": ["10 primary.test", "10 mine.test"]},
    "b5.test": {"MX": ["10 nx-primary.test", "20 mine.test"]}, "b6.test": {"MX": ["10 temp.test", "20 mine.test"]},
    "b7.test": {"MX": ["10 primary.test", "20 temp.test"]}, "b8.test": {"rcode": "SERVFAIL"}, "b9.test": {"A": "192.0.2.1"},
    "b11.test": {"MX": "0 ."}, "b12.test": {"MX": ["20 primary.test", "10 mine.test"]},
    "b14.test": {"MX": ["10 primary.test", "10 out.test", "20 mine.test"]}, "b15.test": {"MX": ["10 out.test", "20 primary.test", "30 mine.test"]},
    "b16.test": {"MX": "10 192.0.2.1"},
}
HOSTS = "192.0.2.40 fromhosts.test\n192.0.2.41 Hosts.Name.test other\n192.0.2.67 inhosts.test\n"
TABLES = {
    "evil": """mx.evil.test REJECT evil mx host\nns.evil.test REJECT evil ns host\n192.0.2.67 REJECT evil mx address
192.0.2.68 REJECT evil ns address\n192.0.2.66 REJECT evil a\n192.0.2.30 OK\n192.0.2.41 DUNNO\n192.0.2.20 554 5.6.7 twenty
mail.good.test REJECT by name\n2001:db8::30 REJECT six\n""",
    "ok": "mx.good.test OK\nmail.good.test OK\n192.0.2.10 OK\n", "net": "192.0.2 REJECT net\n",
    "dunno": "192.0.2.30 DUNNO\nmx.good.test DUNNO\ngood.test REJECT parent\n", "parent": "good.test REJECT parent\n",
    "if_permit": "mx.good.test defer_if_permit\n", "six": "2001:db8::30 REJECT six\n",
    "replies": "rbl.test 550 5.7.7 mapped $rbl_what $rbl_domain $rbl_txt\nrbl.test=127.0.0.2 $rbl_code 5.7.8 eq $rbl_what $rbl_domain\n"
               "multi.test 554\nsilent.test ${rbl_code\nstrings.test text without code\n",
}
LONG = "x" * 600  # RFC 5321: a line of a reply has 512 bytes at most; ours keeps to it
PATIENT = {"smtpd_relay_restrictions": "check_recipient_access static:OK, reject"}


class Services:
    """smtpd services by their restrictions: each list of settings has a port of its own."""

    def __init__(self):
        self.known = {}

    def port(self, settings):
        key = tuple(sorted(settings.items()))
        return self.known.setdefault(key, 3000 + len(self.known))

    def lines(self, parameters):
        """Of master.cf; settings become parameters of main.cf, but those that are expanded late."""
        lines = []
        for key, port in self.known.items():
            line = f"{port} inet n - n - - smtpd"
            for number, (name, value) in enumerate(key):
                if name == "default_rbl_reply":
                    line += f" -o {{{name}={value}}}"
                else:
                    parameters[f"x{port}_{number}"] = value
                    line += f" -o {name}=$x{port}_{number}"
            lines.append(line)
        return lines


class Story:
    def __init__(self, folder):
        self.folder = folder
        self.services = Services()
        self.steps = []

    def ask(self, restrictions, client="192.0.2.10", helo="helo.test", sender="s@x.test", to="r@here.test", **settings):
        settings = {"smtpd_recipient_restrictions": restrictions.replace("@@", f"texthash:{self.folder}/"), **settings}
        settings = {name: value.replace("@@", f"texthash:{self.folder}/") for name, value in settings.items()}
        self.steps.append((self.services.port(settings), restrictions, client, helo, sender, to))

    def play(self, system, parameters):
        """[(what was said, replies, log lines)] of a system."""
        parameters = {"inet_interfaces": "all", "inet_protocols": "all", "smtpd_relay_restrictions": "reject_unauth_destination",
                      "mynetworks": "127.0.0.1", "mydestination": "here.test", "local_recipient_maps": "", "smtpd_error_sleep_time": "0",
                      "smtpd_recipient_restrictions": "permit", "soft_bounce": "no", "notify_classes": "", "max_idle": "5s",
                      "transport_maps": "inline:{here.test=discard:}", **parameters}
        lines = self.services.lines(parameters)
        told = []
        with system(parameters, lines) as mail:
            mail.start()
            for port, *step in self.steps:
                mail.log_mark()
                replies = talk(port, *step[1:])
                mail.wait_log(r"disconnect from ")
                told.append((step, replies, log_lines(mail.new_log())))
        return told


def talk(port, client, helo, sender, to):
    server = "2001:db8::1" if ":" in client else "192.0.2.1"
    with socket.create_connection((server, port), timeout=mta.LIMIT, source_address=(client, 0)) as peer:
        stream = peer.makefile("rb")

        def answer():
            lines = []
            while not lines or lines[-1][3:4] == "-":
                lines.append(stream.readline().decode("utf-8", "backslashreplace").rstrip("\r\n"))
            return lines[-1]
        answer()
        utf8 = "" if (sender + to).isascii() else " SMTPUTF8"
        replies = []
        for line in (f"EHLO {helo}", f"MAIL FROM:<{sender}>{utf8}", f"RCPT TO:<{to}>"):
            peer.sendall(line.encode() + b"\r\n")
            replies.append(answer())
        if not replies[-1].startswith(("421", "521")):
            peer.sendall(b"QUIT\r\n")
            answer()
    return replies[1:]


def log_lines(text):
    """Of smtpd, without time, process and queue ids; what Debian's says twice is said once."""
    lines = []
    for line in text.splitlines():
        match = re.match(r"^.*?/smtpd\[\d+\]: (.*)$", line)
        if not match:
            continue
        line = re.sub(r"^[0-9A-F]{6,}: client=", "ID: client=", match[1])
        line = re.sub(r"^NOQUEUE: |^[0-9A-F]{6,}: (?=reject)", "", line)
        if re.match(r"(dis)?connect from |warning: valid_hostname: |warning: connect to |.*extract_answer", line):
            continue
        if line not in lines:
            lines.append(line)
    return lines


# `different`: words of the steps, or of what Debian's says, where ours is another.
def both(options, story, different=(), **parameters):
    if not mta.Debian.available():
        raise cases.Skipped("needs root and Debian's Postfix")
    dns_server.own_network(ZONES, hosts=HOSTS)
    for name, text in TABLES.items():
        (story.folder / name).write_text(text)
    os.chmod(story.folder, 0o755)
    ours = story.play(lambda values, lines: mta.Postrider(options.build, values, inet=lines), parameters)
    theirs = story.play(lambda values, lines: mta.Debian(values, inet=lines), parameters)
    wrong = []
    seen = set()
    for mine, other in zip(ours, theirs):
        if mine == other:
            continue
        name = next((name for name in different if name in str(mine[0]) + str(other[1:])), None)
        seen.add(name)
        if name is None:
            wrong.append(f"{mine[0]}\n  Debian: {other[1]}\n          {other[2]}\n  ours:   {mine[1]}\n          {mine[2]}")
    wrong += [f"no difference any more: {name}" for name in different if name not in seen]
    assert len(ours) == len(theirs) and not wrong, f"{len(wrong)} of {len(ours)} differ\n" + "\n".join(wrong)
    return len(ours)


def test_clients_have_the_names_that_lead_back_to_them(options, folder):
    story = Story(folder)
    for last in (10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 30, 40, 41):
        for restriction in ("reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname"):
            for code in ("450", "550"):
                story.ask(f"{restriction}, reject", client=f"192.0.2.{last}", unknown_client_reject_code=code)
    for client in ("2001:db8::10", "2001:db8::12", "2001:db8::14"):
        story.ask("reject_unknown_client_hostname, reject", client=client)
        story.ask("reject_unknown_reverse_client_hostname, reject", client=client)
    for restriction in ("reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname"):
        story.ask(f"{restriction}, reject", smtpd_peername_lookup="no", unknown_client_reject_code="550")
    both(options, story)


def test_dns_lists(options, folder):
    story = Story(folder)
    for name in "rbl silent multi strings weird long broken notext alias damaged RBL none".split():
        story.ask(f"reject_rbl_client {name}.test, reject")
    for pattern in ("127.0.0.2", "127.0.0.3", "127.0.[0;1].[1..9]", "127.0.1.[1;3..7]", "127.0.0.02", "[127].0.0.[0..255]"):
        story.ask(f"reject_rbl_client multi.test={pattern}, reject")
    story.ask("reject_rbl rbl.test, reject")
    story.ask("reject_rbl_client broken.test, permit")
    story.ask("reject_rbl_client rbl.test, reject", maps_rbl_reject_code="450")
    story.ask("warn_if_reject reject_rbl_client rbl.test, reject")
    story.ask("reject_rbl_client rbl.test, reject", client="2001:db8::10")
    for name in ("rbl.test", "rbl.test=127.0.0.3", "broken.test", "none.test"):
        story.ask(f"permit_dnswl_client {name}, reject")
    for to in ("r@here.test", "r@foreign.test", "x%y@here.test"):
        for restriction in ("permit_dnswl_client rbl.test", "permit_dnswl_client broken.test", "permit_rhswl_client names.test"):
            story.ask(f"{restriction}, reject_unauth_destination, permit", to=to, smtpd_relay_restrictions="")
    for restriction in ("reject_rhsbl_client", "reject_rhsbl_reverse_client", "reject_rhsbl_helo", "reject_rhsbl_sender",
                        "reject_rhsbl_recipient", "permit_rhswl_client"):
        story.ask(f"{restriction} names.test, reject", helo="helo.listed.test", sender="s@sender.listed.test")
        story.ask(f"{restriction} names.test, reject", client="192.0.2.12", helo="helo", sender="s@sender.brk.test")
        story.ask(f"{restriction} names.test, reject", client="192.0.2.13", helo="[192.0.2.99]", sender="")
    for sender in ("s", "s@b\u00fccher.test", "s@[192.0.2.99]"):
        story.ask("reject_rhsbl_sender names.test, reject", sender=sender)
    story.ask("reject_rhsbl_helo names.test, reject", helo="192.0.2.99")
    both(options, story, different=["long.test"])


def test_replies_of_dns_lists(options, folder):
    story = Story(folder)
    names = ("rbl_code rbl_class rbl_what rbl_domain rbl_reason rbl_txt client client_address client_name reverse_client_name helo_name "
             "sender sender_name sender_domain recipient recipient_name recipient_domain server_name").split()
    values = "|".join(f"${name}" for name in names)
    for sender in ("s@x.test", "", "s", '"a b"@x.test'):
        story.ask("reject_rbl_client rbl.test, reject", sender=sender, helo="he$lo`t<e>st", default_rbl_reply=f"$rbl_code 4.5.6 {values}")
    for text in ("$rbl_code ${rbl_reason?has}${rbl_reason:none} ${rbl_code?{a}:{b}}", "250 ok $rbl_txt", "no code", "421 go", "521 5.1.1 go",
                 "550", f"550 {LONG}", "550 5.7.1 ${{$client_address}=={192.0.2.10}?{is}:{not}} $(rbl_code) $$x ${rbl_domain}y"):
        story.ask("reject_rbl_client silent.test, reject", default_rbl_reply=text)
    story.ask("reject_rhsbl_sender names.test, reject", sender="s@sender.listed.test", default_rbl_reply="$rbl_code 5.1.8 $rbl_class|$rbl_what")
    story.ask("reject_rbl_client rbl.test, reject", default_rbl_reply="550 5.7.1 a $helo_name", smtpd_expansion_filter="abc")
    for name in ("rbl.test", "rbl.test=127.0.0.2", "rbl.test=127.0.[0].2", "multi.test", "silent.test", "strings.test", "RBL.test"):
        story.ask(f"reject_rbl_client {name}, reject", rbl_reply_maps="@@replies")
    story.ask("reject_rbl_client rbl.test, reject", rbl_reply_maps="fail:x")
    both(options, story, different=[LONG])


def test_answers_are_filtered(options, folder):
    story = Story(folder)
    for name, text in (("some", "/ A 127.0.0.2$/ IGNORE"), ("all", "/ A / IGNORE"), ("bad", "/ A / FOO"), ("txt", "/ TXT / IGNORE")):
        (folder / name).write_text(text + "\n")
        story.ask("reject_rbl_client multi.test, reject", smtpd_dns_reply_filter=f"regexp:{folder}/{name}")
    story.ask("reject_rbl_client multi.test, reject", smtpd_dns_reply_filter="fail:x")
    (folder / "mx").write_text("/ MX 10 m.test.$/ IGNORE\n")
    for tail in ("permit", "reject"):
        for filtering in (f"regexp:{folder}/mx", "fail:x"):
            story.ask(f"reject_unknown_sender_domain, {tail}", sender="s@has.mx.test", smtpd_dns_reply_filter=filtering)
            story.ask(f"reject_unknown_helo_hostname, {tail}", helo="has.mx.test", smtpd_dns_reply_filter=filtering)
            story.ask(f"check_sender_mx_access @@evil, {tail}", sender="s@has.mx.test", smtpd_dns_reply_filter=filtering)
    (folder / "a").write_text("/ A / IGNORE\n")
    story.ask("reject_unknown_client_hostname, reject", smtpd_dns_reply_filter=f"regexp:{folder}/a")
    story.ask("check_sender_a_access @@evil, permit", sender="s@evil.test", smtpd_dns_reply_filter=f"regexp:{folder}/a")
    for sender in ("s@good.test", "s@mxbad.test", "s@tempa.test"):
        story.ask("reject_unknown_sender_domain, permit", sender=sender, smtpd_dns_reply_filter=f"regexp:{folder}/mxs")
    (folder / "mxs").write_text("/ MX / IGNORE\n")
    (folder / "b1").write_text("/ MX / IGNORE\n")
    story.ask("permit_mx_backup, reject", to="r@b1.test", smtpd_dns_reply_filter=f"regexp:{folder}/b1", **PATIENT)
    # Debian's has no words for a filter that cannot tell.
    both(options, story, different=["Unknown error 0"])


def test_unknown_names(options, folder):
    story = Story(folder)
    domains = ("has.a.test has.aaaa.test has.mx.test null.mx.test nullboth.test nulla.test nodata.test nx.test tempa.test temp.test "
               "tempmx.test mxip.test mxbad.test mixbad.test cname.test cnamenull.test").split()
    for domain in domains:
        story.ask("reject_unknown_helo_hostname, permit", helo=domain, unknown_hostname_reject_code="550")
        story.ask("reject_unknown_sender_domain, permit", sender=f"s@{domain}", unknown_address_reject_code="550")
        story.ask("reject_unknown_recipient_domain, permit", to=f"r@{domain}", **PATIENT)
    for helo in ("[1.2.3.4]", "1.2.3.4", "[bad]", "foo", "a..b", "under_score.test", "-bad.test", "[IPv6:2001:db8::1]", "has.a.test."):
        story.ask("reject_unknown_helo_hostname, permit", helo=helo)
    for sender in ("", "s", "s@[1.2.3.4]", "s@here.test", "s@b\u00fccher.test", "a@b@nx.test", "a%nx.test@here.test"):
        story.ask("reject_unknown_sender_domain, permit", sender=sender)
    for to in ("r", "r@[127.0.0.1]", "r@here.test"):
        story.ask("reject_unknown_recipient_domain, permit", to=to, **PATIENT)
    for tail in ("permit", "reject"):
        story.ask(f"reject_unknown_helo_hostname, {tail}", helo="temp.test")
        story.ask(f"reject_unknown_sender_domain, {tail}", sender="s@temp.test")
        story.ask(f"warn_if_reject reject_unknown_sender_domain, {tail}", sender="s@temp.test")
        story.ask(f"reject_unknown_helo_hostname, {tail}", helo="temp.test", unknown_helo_hostname_tempfail_action="defer")
        story.ask(f"reject_unknown_sender_domain, {tail}", sender="s@temp.test", unknown_address_tempfail_action="defer")
    both(options, story)


def test_servers_of_names(options, folder):
    story = Story(folder)
    for what in ("client", "reverse_client_hostname"):
        for kind in ("a", "mx", "ns"):
            for client in ("192.0.2.10", "192.0.2.12", "192.0.2.13"):
                story.ask(f"check_{what}_{kind}_access @@evil, permit", client=client)
            story.ask(f"check_{what}_{kind}_access @@ok, permit")
    for helo in ("evil.test", "good.test", "nx.test", "[192.0.2.67]", "192.0.2.67", "foo", "onlytemp.test", "x.evil.test", "null.mx.test",
                 "[IPv6:2001:db8::30]", "x.tempns.test"):
        for kind in ("a", "mx", "ns"):
            story.ask(f"check_helo_{kind}_access @@evil, permit", helo=helo)
    for sender in ("s@evil.test", "s@good.test", "s@deep.sub.evil.test", "s@nx.test", "s@onlytemp.test", "s@badmxhost.test", "s@tmxhost.test",
                   "s@aonly.test", "s@null.mx.test", "s@nodata.test", "s@mxip67.test", "s@many.test", "s@[192.0.2.67]", "", "s",
                   "s@b\u00fccher.test", "s@inhosts.test", "s@here.test", "s@mxalias.test", "s@ns.evil.test", "s@x.tempns.test"):
        for kind in ("a", "mx", "ns"):
            story.ask(f"check_sender_{kind}_access @@evil, permit", sender=sender)
    for table in ("@@ok", "@@net", "@@dunno", "@@parent", "@@if_permit", "@@six", "fail:x", "static:OK"):
        story.ask(f"check_sender_mx_access {table}, permit", sender="s@good.test")
    for to in ("r@here.test", "r@evil.test"):
        for kind in ("a", "mx", "ns"):
            story.ask(f"check_recipient_{kind}_access @@evil, permit", to=to, **PATIENT)
    both(options, story)


def test_backup_mail_exchangers(options, folder):
    story = Story(folder)
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16):
        story.ask("permit_mx_backup, reject", to=f"r@b{number}.test", **PATIENT)
    for number in (1, 4, 5, 6, 14, 15, 12, 3):
        for networks in ("198.51.100.0/24", "10.0.0.0/8"):
            story.ask("permit_mx_backup, reject", to=f"r@b{number}.test", permit_mx_backup_networks=networks, **PATIENT)
    for number in (2, 6, 8, 7):
        for relay in ("reject_unauth_destination", "defer_unauth_destination"):
            story.ask("permit", to=f"r@b{number}.test", smtpd_relay_restrictions=f"permit_mx_backup, {relay}")
    for to in ("r@here.test", "r@[127.0.0.1]", "r@[192.0.2.200]", "a%b1.test@here.test", "b1.test!x@b1.test", "r@nx.test", "x%y@b1.test"):
        story.ask("permit_mx_backup, reject", to=to, **PATIENT)
    both(options, story, default_transport="discard:")


def test_postexplain_asks_for_the_name_of_a_client(options, folder):
    dns_server.own_network(ZONES, hosts=HOSTS)
    with mta.Postrider(options.build, {"mydestination": "here.test", "local_recipient_maps": "", "inet_protocols": "all",
                                       "smtpd_client_restrictions": "check_client_access inline:{{mail.good.test=REJECT it is you}}",
                                       "smtpd_recipient_restrictions": "reject_unknown_client_hostname, permit"}, inet=["smtp inet n - n - - smtpd"]) as mail:
        def told(client, *words):
            return mail.run("postexplain", "session", "--client", client, *words, "--from", "s@x.test", "--to", "r@here.test").text
        assert "554 5.7.1 <mail.good.test[192.0.2.10]>: Client host rejected: it is you" in told("192.0.2.10")
        assert "554 5.7.1 <mail.good.test[2001:db8::10]>: Client host rejected: it is you" in told("2001:db8::10")
        assert "client   unknown[192.0.2.12]  (name: the name does not have the address, reverse name: liar.evil.test)" in told("192.0.2.12")
        assert "cannot find your hostname, [192.0.2.12]" in told("192.0.2.12")
        for words in (told("192.0.2.10,other.test"), told("192.0.2.10", "--no-dns")):
            assert "it is you" not in words, words


if __name__ == "__main__":
    mta.end_cleanly_on_sigterm()
    cases.main(__name__, cases.arguments())
