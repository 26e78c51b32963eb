"""What is submitted, and to which configuration. A scenario is a function of an actor (side.py): it acts, and where it has more than one
step it yields between them, and goes on when the queue has come to rest. A scenario's name is the local part of its sender's
address and stands in its Message-IDs, by which all that belongs to it is found again.

KNOWN: what differs from Debian's 3.7 on purpose: {name: (the kinds of findings that differ, the reason)}."""
import collections

GROUPS = {}


class Described:
    def __init__(self, parameters, files, prepare, master_cf):
        self.parameters, self.files, self.prepare, self.master_cf = parameters, files, prepare, master_cf
        self.scenarios = collections.OrderedDict()


def group(name, parameters, files=None, prepare=None, master_cf=()):
    described = GROUPS[name] = Described(parameters, files, prepare, list(master_cf))

    def add(function):
        described.scenarios[function.__name__] = function
        return function
    return add


EVERYTHING = ("log", "command", "mailbox", "queue", "postcat", "postqueue -j", "postqueue -p", "status log")
# Log lines, as <program>: <text>, that only one of them writes, and why.
NOT_COMPARED = [
    (r"postdrop: ", "our sendmail writes into maildrop itself where it may"),
    (r"sendmail: warning: (bad -[NR] option|unknown DSN NOTIFY|mail_stream_cleanup)", "ours says it on standard error only, before main.cf is read"),
    (r"pickup: warning: maildrop/\S+ error writing ", "ours says which file waits"),
    (r"virtual: warning: recipient dots@example.test: ", "of path_upwards below"),
    (r"cleanup: warning: \w+ is set but not served yet", "of header_checks"),
    (r"local: warning: (alias database loop|unable to (create lock file|lookup :include:)|\w+ is set but not served yet)", "of what our local(8) does not expand yet"),
    (r"cleanup: warning: incoming/\S+ unexpected EOF in data", "Debian's reads on where it has stopped writing itself"),
    (r"(cleanup|trivial-rewrite): warning: valid_ipv4_hostaddr: ", "of a domain []"),
    (r"virtual: warning: (maildir access problem|perhaps you need to create)", "Debian's advice beside the line of the recipient"),
]
KNOWN = {name: (EVERYTHING, "our local(8) does not expand this yet: the mail waits, and says so") for name in (
    "forwarding", "forward_to_file", "forward_to_command", "forward_to_self", "list_with_owner", "list_with_failure", "nested_lists", "alias_loops",
    "alias_commands", "alias_command_later", "alias_files", "alias_includes", "alias_odd", "local_success", "local_report", "lost_user", "by_command",
    "by_transport", "owner_expanded", "owner_with_delimiter")}
KNOWN |= {name: (EVERYTHING, "our cleanup(8) does not look at header_checks and body_checks yet, and says so") for name in (
    "check_holds", "check_discards", "check_rejects", "check_redirects", "check_edits", "check_tells", "check_filters", "check_copies", "body_is_checked",
    "mime_is_checked", "rejected_null_sender", "held_is_released", "held_is_requeued")}
KNOWN |= {
    ("checks", "group"): (("log",), "of the same: nothing is held that could be released"),
    "path_upwards": (EVERYTHING, "ours follows no path out of virtual_mailbox_base: the mail waits"),
    "home_without_folder": (EVERYTHING, "Debian's returns the mail; with ours it waits: the folder may come, as when it is not mounted"),
    "notify_success_of_postmaster_notice": (("status log",), "Debian's leaves the trace log lying there"),
    "warned_of_postmaster_notice": (("log",), "Debian's says at each attempt that it sends no report, also when there is nothing to report"),
    "too_large": (("command",), "ours has no postdrop between, whose words these are"),
    "options_of_sendmail": (("command",), "Debian's tells an unknown option twice"),
    "alias_loop": (("log",), "the mail stays in maildrop; how often it is tried depends on the moment"),
}

TEMPLATES = "".join(f"""{kind}_template = <<END
Charset: us-ascii
From: MAILER-DAEMON (Mail Delivery System)
Subject: {subject}

This is $mail_name at $myhostname; ask the $2bounce_notice_recipient.
{more}
END

""" for kind, subject, more in (
    ("failure", "Undelivered Mail", "It could not be delivered."), ("delay", "Delayed Mail", "After $delay_warning_time_seconds seconds, until $maximal_queue_lifetime_hours."),
    ("success", "Successful Mail", "It was delivered."), ("verify", "Delivery Report", "This is a test.")))

def boxes(base):
    """Every scenario's own mailbox, and some others."""
    own = [scenario for described in GROUPS.values() for scenario in described.scenarios]
    pairs = [f"{{{name}@example.test={name}/}}" for name in own]
    pairs += [f"{{{name}@{domain}={domain}.{name}/}}" for domain in ("example.test", "other.test") for name in
              ("ann", "bob", "carol", "postmaster", "double", "owner-crowd", "watcher")]
    pairs += ["{mbox@example.test=mbox}", "{sub@example.test=sub/dir/box/}"]
    return "inline:{" + ", ".join(pairs) + "}"


# --- virtual mailboxes, notices, sendmail's options

virtual = group("virtual", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "recipient_delimiter": "+",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}, {gone.test=error:5.7.9 this place is gone}, {away.test=error:gone away},"
                      " {drop.test=discard:thrown away}, {slow.test=retry:}, {nothing.test=nosuch:}}",
    "message_size_limit": "200000", "header_size_limit": "2000", "hopcount_limit": "10",
})


@virtual
def plain(act):
    act.send("ann@example.test")
    yield


@virtual
def two_mailboxes(act):
    act.send("ann@example.test", "bob@example.test", "ann@example.test")
    yield


@virtual
def mbox_format(act):
    act.send("mbox@example.test", body="From here\n>From there\n\nFrom\n\n")
    act.send("mbox@example.test", body="", sender="<>")
    yield
    act.send("mbox@example.test", body="third")
    yield


@virtual
def subfolder(act):
    act.send("sub@example.test")
    yield


@virtual
def unterminated(act):
    act.send("ann@example.test", body="one\ntwo without an end")
    yield


@virtual
def long_lines(act):
    act.send("ann@example.test", headers="X-Long: " + "y" * 3000 + "\nX-Next: 1\n", body="x" * 9000 + "\n" + "z" * 2048 + "\n\n" + "w" * 2047)
    yield


@virtual
def folded_headers(act):
    act.send("ann@example.test", headers="".join(f"X-Folded-{n}: one\n two\n\tthree\n" for n in range(5)) + "Cc: a@b.test,\n\tc (comment)\n <d@e.test>\n")
    yield


@virtual
def eight_bit(act):
    act.send("ann@example.test", body=b"gr\xfc\xdfe\n\xff\xfe\n", options=("-B8BITMIME",))
    act.send("ann@example.test", body="grüße\n".encode(), options=("-B", "7BIT"))
    yield


@virtual
def eight_bit_bounced(act):
    act.send("nobody@example.test", headers="X-Who: Jürgen\nContent-Type: text/plain; charset=utf-8\nMime-Version: 1.0\nContent-Transfer-Encoding: 8bit\n", body="grüße\n")
    yield


@virtual
def utf8_address(act):
    act.send("jürgen@example.test", options=("-O", "SMTPUTF8"))
    act.send("jürgen@example.test")
    act.send("ann@exämple.test")
    yield


@virtual
def utf8_sender(act):
    act.send("nobody@example.test", "ann@example.test", sender="utf8_sender.ü@example.test", options=("-v",))
    act.send("nobody@example.test", sender="utf8_sender@exämple.test", headers="X-To: Jürgen\n")
    yield


@virtual
def utf8_header(act):
    act.send("ann@example.test", "nobody@example.test", headers="X-To: Jürgen <jürgen@example.test>\n")
    yield


@virtual
def utf8_in_dropped_header(act):
    act.send("ann@later.test", "nobody@example.test", headers="Bcc: Jürgen <bob@example.test>\n")
    yield


@virtual
def missing_headers(act):
    act.send("ann@example.test", sender="missing_headers.1@example.test", text="no header at all\nbut two lines\n")
    act.send("ann@example.test", sender="missing_headers.2@example.test", text="Subject: missing_headers\n\nbody\n")
    act.send("ann@example.test", sender="missing_headers.3@example.test", text="")
    act.send("ann@example.test", sender="missing_headers.4@example.test", text="\n")
    act.send("ann@example.test", sender="missing_headers.5@example.test", text="\nbody after nothing\n", options=("-F", "A. Name, Jr."))
    yield


@virtual
def full_name(act):
    act.send("ann@example.test", text="Subject: x\n\n", sender="full_name.1@example.test", options=("-F", "Plain Name"))
    act.send("ann@example.test", text="Subject: y\n\n", sender="full_name.2@example.test", options=("-F", ""))
    yield


@virtual
def resent(act):
    act.send("ann@example.test", headers="Resent-From: bob@example.test\nResent-To: carol@example.test\n")
    act.send("ann@example.test", headers="Resent-Message-Id: <again@else.test>\nReturn-Path: <x@y.test>\nBcc: secret@example.test\nContent-Length: 17\n")
    yield


@virtual
def headers_as_recipients(act):
    act.send(options=("-t",), headers="Cc: bob@example.test, \"Carol C.\" <carol@example.test>\nBcc: ann@example.test,\n nobody@example.test\n")
    act.send("bob@example.test", options=("-t",), headers="Bcc: ann@example.test\n")
    act.send(options=("-t",), headers="Resent-To: bob@example.test\nTo: ann@example.test\n")
    yield


@virtual
def no_recipient(act):
    act.send(options=("-t",))
    act.send()
    act.run("sendmail", "-f", act.address, "-t", stdin="")
    yield


@virtual
def dots(act):
    act.send("ann@example.test", body="one\n..two\n.\nnot seen\n")
    act.send("ann@example.test", body="one\n..two\n.\nseen\n", options=("-i",))
    act.send("ann@example.test", body="one\n.\nseen\n", options=("-oi",))
    for end in (".", "..", ".\r"):
        act.send("ann@example.test", body="one\n" + end)
    act.send("ann@example.test", body="one\n.", options=("-i",))
    yield


@virtual
def carriage_returns(act):
    act.send("ann@example.test", text=b"Subject: crlf\r\nMessage-Id: <carriage_returns.1@flow.test>\r\n\r\none\r\ntwo\r\n")
    act.send("ann@example.test", body="bare\rcr\nand\r\nmixed\r\n\r")
    yield


@virtual
def nul_bytes(act):
    act.send("ann@example.test", body=b"a\0b\n\0\n", headers="X-Nul: a\0b\n")
    yield


@virtual
def from_line(act):
    act.send("ann@example.test", text="From someone@else.test Mon Jan  1 00:00:00 2020\nMessage-Id: <from_line.1@flow.test>\nSubject: x\n\nbody\n")
    act.send("ann@example.test", text=">From someone@else.test Mon\nMessage-Id: <from_line.2@flow.test>\nSubject: x\n\nbody\n")
    yield


@virtual
def broken_headers(act):
    act.send("ann@example.test", headers="not a header\nX-After: 1\n")
    act.send("ann@example.test", headers="X-Space : 1\n: nothing\n X\n")
    act.send("ann@example.test", headers="X-Empty:\n\n\n")
    yield


@virtual
def mime(act):
    act.send("ann@example.test", headers="Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b b\"\n",
             body="pre\n--b b\nContent-Type: message/rfc822\n\nSubject: inner\nTo: a@b\n\ntext\n--b b--\npost\n")
    yield


@virtual
def bounced(act):
    act.send("nobody@example.test")
    act.send("nobody@example.test", "nor@example.test", "ann@example.test")
    yield


@virtual
def bounced_null_sender(act):
    act.send("nobody@example.test", sender="<>")
    yield


@virtual
def double_bounce(act):
    act.send("nobody@example.test", sender="double_bounce.gone@example.test")
    yield


@virtual
def bounced_headers_only(act):
    act.send("nobody@example.test", options=("-R", "hdrs", "-V", "id+3Dof=an=envelope"))
    act.send("nobody@example.test", options=("-R", "full", "-V", "plain"))
    act.send("nobody@example.test", body="x" * 100 + "\n" + "line\n" * 15000)
    yield


@virtual
def notify_success(act):
    act.send("ann@example.test", "bob+ext@example.test", options=("-N", "success"))
    yield


@virtual
def notify_success_and_failure(act):
    act.send("ann@example.test", "nobody@example.test", options=("-N", "success,failure"))
    yield


@virtual
def notify_never(act):
    act.send("nobody@example.test", "a@later.test", options=("-N", "never"))
    yield


@virtual
def notify_only_delay(act):
    act.send("nobody@example.test", options=("-N", "delay"))
    act.send("ann@example.test", options=("-N", "bogus"))
    act.send("ann@example.test", options=("-R", "bogus"))
    act.send("ann@example.test", options=("-N", "never,success"))
    yield


@virtual
def notify_success_of_postmaster_notice(act):
    for option in (("-N", "success"), ("-v",)):
        act.send("ann@example.test", sender="double-bounce@mail.example.test", options=option)
    yield


@virtual
def notify_success_null_sender(act):
    act.send("ann@example.test", sender="<>", options=("-N", "success"))
    yield


@virtual
def report_of_delivery(act):
    act.send("ann@example.test", "nobody@example.test", "x@later.test", "y@drop.test", options=("-v",))
    yield


@virtual
def verify_only(act):
    act.send("ann@example.test", "nobody@example.test", "x@later.test", "y@drop.test", "z@gone.test", options=("-bv",))
    yield


@virtual
def verp(act):
    act.send("ann@example.test", "nobody@example.test", "nor+ext@other.test", options=("-XV",))
    act.send("ann@example.test", "nobody@example.test", options=("-XV-=",))
    act.send("ann@example.test", options=("-XVab",))
    act.send("ann@example.test", sender="<>", options=("-XV",))
    yield


@virtual
def transports(act):
    act.send("a@later.test", "b@gone.test", "c@away.test", "d@drop.test", "e@slow.test", "f@nowhere.test")
    yield


@virtual
def unknown_transport(act):
    act.send("a@nothing.test")
    yield


@virtual
def extension(act):
    act.send("ann+x@example.test", "ann+@example.test", "+x@example.test", "ann+x+y@example.test")
    yield


@virtual
def odd_addresses(act):
    act.send("Ann@EXAMPLE.test", "\"ann\"@example.test", "\"a b\"@example.test", "ann@example.test.", "ann%other.test@example.test",
             "@other.test:ann@example.test", "ann@[127.0.0.1]", "ann@", "a@b@example.test", "example.test!ann", "-x@example.test", "")
    yield


@virtual
def odd_senders(act):
    for sender in ("odd_senders@example.test", "\"odd senders\"@example.test", "odd_senders", "odd_senders@", "<odd_senders@example.test>", "@", "odd_senders%x@example.test"):
        act.send("ann@example.test", sender=sender)
    yield


@virtual
def too_large(act):
    act.send("ann@example.test", body="0123456789\n" * 20000)
    yield


@virtual
def too_many_hops_reported(act):
    for option in (("-v",), ("-N", "success"), ("-N", "never")):
        act.send("ann@example.test", headers="Received: from a by b; Mon, 1 Jan 2020 00:00:00 +0000\n" * 11, options=option)
        act.send("ann@example.test", headers="Received: from a by b; Mon, 1 Jan 2020 00:00:00 +0000\n" * 11, options=option, sender="<>")
    yield


@virtual
def too_many_hops(act):
    act.send("ann@example.test", headers="Received: from a by b; Mon, 1 Jan 2020 00:00:00 +0000\n" * 11)
    act.send("ann@example.test", headers="Received: from a by b; Mon, 1 Jan 2020 00:00:00 +0000\n" * 8)
    yield


@virtual
def delivered_to_loop(act):
    act.send("ann@example.test", headers="Delivered-To: ann@example.test\n")
    act.send("ann@example.test", headers="X-Other: 1\nDelivered-To:   ANN@Example.Test\n")
    yield


@virtual
def many_recipients(act):
    act.send(*(f"nobody{n}@example.test" for n in range(30)), *(f"x{n}@drop.test" for n in range(30)))
    yield


@virtual
def options_of_sendmail(act):
    for options in (("-om",), ("-oem",), ("-odb",), ("-oee",), ("-U",), ("-n",), ("-m",), ("-h", "3"), ("-L", "label"), ("-r", "options_of_sendmail.r@example.test"),
                    ("-o7",), ("-p", "SMTP"), ("-X", "/dev/null"), ("-Q",), ("-bx",), ("-G",), ("-A", "x"), ("-C", "/nonexistent"), ("-q",), ("-O", "x=y"), ("-ti",)):
        act.send("ann@example.test", options=options)
    yield


@virtual
def gateway(act):
    act.send("ann@example.test", options=("-G",), text="Message-Id: <gateway.1@flow.test>\nTo: x\nFrom: y\n\n")
    yield


@virtual
def dsn_delayed(act):
    act.send("x@later.test", options=("-N", "delay,failure", "-V", "theid"))
    yield


# --- aliases, rewriting, copies

rewriting = group("rewriting", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "recipient_delimiter": "+",
    "mydestination": "local.test", "myorigin": f"{base}/mailname", "append_at_myorigin": "yes", "append_dot_mydomain": "yes", "mydomain": "dom.test",
    "canonical_maps": "inline:{{can@example.test=ann@example.test}, {canx@example.test=bob+own@example.test}, {grün@example.test=green@later.test}, {verde@example.test=grün@later.test}, {@allcan.test=@other.test}}",
    "sender_canonical_maps": "inline:{{oldsender@example.test=newsender@example.test}}",
    "recipient_canonical_maps": "inline:{{rcan@example.test=carol@example.test}}",
    "virtual_alias_maps": "inline:{{v1@example.test=ann@example.test}, {v2@example.test=ann@example.test, bob@example.test}, {vx@example.test=bob@example.test},"
                          " {vloop@example.test=vloop2@example.test}, {vloop2@example.test=vloop@example.test}, {@valias.test=ann@example.test}, {vself@example.test=vself@example.test, ann@example.test},"
                          " {vnull@example.test=nobody-there@example.test}}",
    "virtual_alias_domains": "valias.test, empty.test",
    "masquerade_domains": "masq.test !keep.masq.test", "masquerade_exceptions": "root",
    "masquerade_classes": "envelope_sender, envelope_recipient, header_sender, header_recipient",
    "always_bcc": "", "sender_bcc_maps": "inline:{{bcc_copies@example.test=watcher@example.test}, {bcc_before_options@example.test=watcher@example.test}}",
    "recipient_bcc_maps": "inline:{{carol@other.test=watcher@other.test}}",
    "relocated_maps": "inline:{{moved@example.test=new@elsewhere.test}, {@moved.test=somewhere else}}",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}, {ann@hash.test=discard:thrown}, {.sub.test=error:5.1.9 sub}}",
    "propagate_unmatched_extensions": "canonical, virtual", "local_header_rewrite_clients": "static:all", "remote_header_rewrite_domain": "invalid.test",
    "swap_bangpath": "yes", "allow_percent_hack": "yes",
    "address_verify_sender": "", "empty_address_recipient": "postmaster@example.test",
}, files={"mailname": "origin.test\nnot this\n"})


@rewriting
def aliases(act):
    act.send("v1@example.test")
    act.send("v2@example.test", "v1@example.test", "vx+ext@example.test")
    act.send("any@valias.test", "any@empty.test", "vself@example.test")
    yield


@rewriting
def alias_loop(act):
    act.send("vloop@example.test")
    yield


@rewriting
def alias_to_nobody(act):
    act.send("vnull@example.test", options=("-N", "success,failure"))
    act.send("vnull@example.test", options=("-v",))
    yield


@rewriting
def alias_with_success(act):
    act.send("v2@example.test", options=("-N", "success", "-V", "x"))
    yield


@rewriting
def verp_of_alias(act):
    act.send("v2@example.test", "vnull@example.test", "can+x@example.test", "any@valias.test", options=("-XV",))
    yield


@rewriting
def canonical(act):
    act.send("can@example.test", "canx@example.test", "carol@allcan.test", "rcan@example.test", "can+ext@example.test",
             headers="Cc: can@example.test, canx+y@example.test, rcan@example.test, x@allcan.test\nReply-To: oldsender@example.test\n")
    act.send("ann@example.test", sender="oldsender@example.test", headers="Sender: oldsender@example.test\n")
    yield


@rewriting
def from_mailer_daemon(act):
    for sender in ("MAILER-DAEMON", "mailer-daemon@origin.test", "MAILER-DAEMON@example.test", "mailer-daemon+x@origin.test"):
        act.send("ann@example.test", sender=sender)
    act.send("x@later.test", sender="mailer-daemon@origin.test")
    yield


@rewriting
def canonical_utf8(act):
    act.send("x@later.test", headers="Cc: grün@example.test\n")
    act.send("x@later.test", headers="Cc: verde@example.test\n")
    act.send("x@later.test", sender="grün@example.test")
    yield


@rewriting
def masquerade(act):
    act.send("ann@example.test", "x@host.masq.test", sender="masquerade@host.masq.test",
             headers="Cc: a@h.masq.test, root@h.masq.test, b@x.keep.masq.test\nReply-To: c@d.masq.test\n")
    yield


@rewriting
def incomplete_addresses(act):
    act.send("ann@example", "ann", "bob@example.test", headers="Cc: ann, bob@host, carol%other.test, host!user, @route.test:x@y.test, <>, (empty)\nReply-To: \"a b\" <c>\n")
    yield


@rewriting
def bcc_copies(act):
    act.send("ann@example.test", "carol@other.test")
    act.send("nobody@example.test", sender="<>")
    yield


@rewriting
def bcc_before_options(act):
    for option in (("-bv",), ("-v",), ("-XV",), ("-B8BITMIME",)):
        act.send("ann@example.test", "nobody@example.test", options=option)
    yield


@rewriting
def relocated(act):
    act.send("moved@example.test", "x@moved.test", "moved+ext@example.test")
    yield


@rewriting
def transport_patterns(act):
    act.send("ann@hash.test", "bob@hash.test", "x@a.sub.test", "x@sub.test", "y@later.test")
    yield


@rewriting
def header_addresses(act):
    act.send("ann@example.test", headers="Cc: Group: a@b.test, \"Q. Q\" <c@d.test>;, (comment (nested)) e@f.test (after)\n"
             "Errors-To: x\nReturn-Receipt-To: y\nDisposition-Notification-To: z\nMail-Followup-To: a, b\nReply-To: =?utf-8?q?x?= <h>\n")
    act.send("ann@example.test", headers="To: unterminated \"quote\nCc: <a@b.test\nReply-To: a b c d\n")
    yield


# --- the queue commands

queueing = group("queueing", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "defer_transports": "slowly", "delay_warning_time": "0",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}, {later2.test=retry:4.2.2 another time}, {slowly.test=slowly:}, {site.test=retry:4.3.0 closed}}",
    "fast_flush_domains": "site.test", "relay_domains": "site.test",
}, master_cf=["slowly unix - - n - - error"])


@queueing
def deferred(act):
    act.send("a@later.test", "b@later.test", "c@later2.test", "ann@example.test", "nobody@example.test")
    yield


@queueing
def deferred_transport(act):
    act.send("a@slowly.test", "b@slowly.test")
    yield


@queueing
def hold_and_release(act):
    act.send("a@later.test", "ann@example.test")
    act.send("a@later.test")
    yield
    act.run("postsuper", "-h", act.id(1), "-h", act.id(2))
    yield
    act.run("postsuper", "-H", act.id(2))
    act.run("postsuper", "-H", act.id(2))
    yield


@queueing
def requeue(act):
    act.send("a@later.test", "ann@example.test", options=("-N", "delay,failure", "-V", "anid"))
    yield
    act.run("postsuper", "-r", act.id(1))
    act.send("ann@example.test")  # wakes pickup
    yield


@queueing
def requeue_held(act):
    act.send("a@later.test", headers="X-Here: 1\n", body="unterminated", options=("-v",))
    yield
    act.run("postsuper", "-h", act.id(1))
    act.run("postsuper", "-r", act.id(1))
    act.send("ann@example.test")  # wakes pickup
    yield


@queueing
def delete(act):
    act.send("a@later.test")
    yield
    act.run("postsuper", "-d", act.id(1))
    act.run("postsuper", "-d", act.id(1))
    act.run("postsuper", "-d", "not-an-id")
    yield


@queueing
def force_expire(act):
    act.send("a@later.test", "b@later2.test", "ann@example.test", options=("-N", "success,delay,failure"))
    act.send("a@later.test", sender="<>")
    yield
    act.run("postsuper", "-e", act.id(1), "-e", act.id(2))
    act.run("postqueue", "-i", act.id(1))
    act.run("postqueue", "-i", act.id(2))
    yield


@queueing
def force_expire_at_once(act):
    act.send("a@later.test", "nobody@example.test", options=("-v",))
    yield
    act.run("postsuper", "-f", act.id(1))
    yield


@queueing
def force_expire_held(act):
    act.send("a@later.test")
    act.send("a@later.test")
    yield
    act.run("postsuper", "-h", act.id(1))
    act.run("postsuper", "-h", act.id(2))
    act.run("postsuper", "-e", act.id(1))
    act.run("postsuper", "-f", act.id(2))
    yield
    act.run("postqueue", "-i", act.id(2))
    yield


@queueing
def try_again(act):
    act.send("a@later.test", "ann@example.test")
    yield
    act.run("postqueue", "-i", act.id(1))
    act.run("postqueue", "-i", "ABCDEF123")
    act.run("postqueue", "-i", "../x")
    yield


@queueing
def flush_site(act):
    act.send("a@site.test")
    yield
    act.run("postqueue", "-s", "site.test")
    act.run("postqueue", "-s", "unknown.test")
    yield  # two requests in the middle of an attempt would be one attempt more, or two
    act.run("sendmail", "-qRsite.test")
    yield
    act.run("sendmail", f"-qI{act.id(1)}")
    yield
    act.run("postqueue", "-s", "[site.test]")
    act.run("postqueue", "-s", "not a domain")
    yield


@queueing
def held_utf8(act):
    act.send("jürgen@later.test", headers="X-Ü: ü\n", body=b"\xff\n", options=("-O", "SMTPUTF8"))
    act.send("a@later.test", headers="X-8: \xfc\n".encode("latin-1").decode("latin-1"), options=("-F", "Jürgen Ü"))
    yield


# --- what is old

expiry = group("expiry", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "maximal_queue_lifetime": "0", "bounce_queue_lifetime": "0",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}, {slowly.test=nosuch:}}", "defer_transports": "hold-off",
    "delay_warning_time": "1s", "notify_classes": "bounce, 2bounce, delay, resource, software, data", "bounce_notice_recipient": "watcher@example.test",
    "2bounce_notice_recipient": "double@example.test", "delay_notice_recipient": "carol@example.test", "error_notice_recipient": "bob@example.test",
    "bounce_size_limit": "3000", "luser_relay": "",
})


@expiry
def expired(act):
    act.send("a@later.test", "ann@example.test")
    yield


@expiry
def expired_null_sender(act):
    act.send("a@later.test", sender="<>")
    yield


@expiry
def expired_unknown_transport(act):
    act.send("a@slowly.test", "b@slowly.test")
    yield


@expiry
def expired_never(act):
    act.send("a@later.test", options=("-N", "never"))
    act.send("a@later.test", options=("-N", "success"))
    yield


@expiry
def copies_of_bounces(act):
    act.send("nobody@example.test")
    act.send("nobody@example.test", sender="copies_of_bounces.gone@example.test")
    act.send("nobody@example.test", sender="<>")
    act.send("nobody@example.test", sender="double-bounce@mail.example.test")
    yield


@expiry
def limited_bounce(act):
    act.send("nobody@example.test", body="0123456789 0123456789 0123456789\n" * 500)
    act.send("nobody@example.test", headers="Mime-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n", body="ü 0123456789 0123456789\n" * 500)
    yield


# --- what notices say, and in which character set

def template(kind, charset):
    return f"{kind}_template = <<END\n{charset}From: MAILER-DAEMON (Mail Delivery System)\nSubject: {kind}\n\nThis is $mail_name.\nEND\n\n"


notices = group("notices", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test, exämple.test", "virtual_mailbox_maps": boxes(base), "smtputf8_autodetect_classes": "bounce",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}, {gone.test=error:5.7.9 this place is gone}}", "bounce_size_limit": "2000",
    "notify_classes": "bounce, 2bounce, delay", "bounce_notice_recipient": "watcher@example.test", "2bounce_notice_recipient": "double@example.test",
}, files={"templates": template("failure", "Charset: US-ASCII\n") + template("delay", "") + template("success", "Charset: iso-8859-15\n") + template("verify", "charset: utf-8\n")})


@notices
def charset_of_template(act):
    act.send("nobody@example.test", "ann@example.test", options=("-N", "success,failure"))
    act.send("nobody@example.test", "ann@example.test", options=("-v",))
    yield


@notices
def second_bounce_is_whole(act):
    act.send("nobody@example.test", sender="<>", options=("-R", "hdrs"))
    act.send("nobody@example.test", sender="<>", body="0123456789\n" * 300)
    act.send("nobody@example.test", sender="second_bounce_is_whole.gone@example.test", options=("-R", "hdrs"))
    yield


@notices
def eight_bit_sender(act):
    act.send("jürgen@gone.test", "x@gone.test", sender="eight_bit_sender.ü@example.test")
    act.send("jürgen@gone.test", sender="eight_bit_sender@exämple.test")
    act.send("x@gone.test", "ann@example.test", sender="eight_bit_sender.ü@example.test", options=("-N", "success,failure"))
    yield


@notices
def verp_in_qmails_form(act):
    act.send("ann@example.test", "nobody@example.test", sender="verp_in_qmails_form-@example.test-@[]")
    yield


# --- warnings of delay

delays = group("delays", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "delay_warning_time": "1s",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}, {mute.test=retry:4.2.5 never say}}",
    "notify_classes": "delay, bounce", "delay_notice_recipient": "carol@example.test", "minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
    "soft_bounce": "yes", "confirm_delay_cleared": "yes",
})


def later(function):
    """Two attempts, the second when the warning is due."""
    def steps(act):
        function(act)
        yield
        import time
        time.sleep(2.1)
        act.run("postqueue", "-f", quiet=True)
        yield
        yield
    steps.__name__ = function.__name__
    return delays(steps)


@later
def warned(act):
    act.send("a@later.test", "b@later.test", "ann@example.test")


@later
def warned_on_request(act):
    act.send("a@later.test", options=("-N", "delay"))
    act.send("a@later.test", options=("-N", "failure"))
    act.send("a@later.test", "b@later.test", options=("-v",))


@later
def warned_of_postmaster_notice(act):
    act.send("a@later.test", sender="double-bounce@mail.example.test")
    act.send("a@later.test", sender="double-bounce@mail.example.test", options=("-N", "success,delay"))


@later
def warned_null_sender(act):
    act.send("a@later.test", sender="<>")


@later
def soft_bounced(act):
    act.send("nobody@example.test", "ann@example.test")
    act.send("nobody@example.test", options=("-N", "never"))


# --- local

ALIASES = """
crowd ann, bob, outside@example.test
owner-crowd carl
crowd-request carl
many crowd, dora
postmaster ann
loop1 loop2
loop2 loop1
self self, ann
command "|cat >> @BASE@/spool-command"
failing "|exit 75"
broken "|echo no such luck; exit 67"
killed "|kill -9 $$"
tofile @BASE@/spool-file
tonull /dev/null
included :include:@BASE@/list
missing-list :include:@BASE@/nothing
none nosuchuser-here
mixed ann, nosuchuser-here
toext eve+tag
tocommandenv "|(env | grep -E '^(SENDER|RECIPIENT|LOCAL|DOMAIN|EXTENSION|USER|HOME|LOGNAME|ORIGINAL_RECIPIENT|SHELL|ENVID|CLIENT_HOSTNAME)=' | sort; cat) >> @BASE@/mail/command"
relay ann@example.test
error :error:nothing
quoted "ann", "bob@local.test"
owner-failing-list dora
failing-list nosuchuser-here
"""


def local_files(mail, folder):
    import os
    spool = mail.mail.parent / "spool"
    spool.mkdir()
    os.chmod(spool, 0o1777)
    for user, text in {"bob": "/dev/null\n", "carl": "\\carl, dora\n", "eve": f"{folder}/home/eve/inbox\n", "fred": "fred\nann@local.test\n", "gina": "|cat >> $HOME/piped\n",
                       "hugo": f"{folder}/home/hugo/maildir/\n", "ida": "", "jack": "\"|exit 70\"\n", "leo": "# comment only\n\n"}.items():
        path = folder / "home" / user / ".forward"
        path.write_text(text, encoding="utf-8")
        state = os.stat(path.parent)
        os.chown(path, state.st_uid, state.st_gid)
    for home in (folder / "home").iterdir():
        if home.name != "mona":
            (home / "Mail").mkdir()
            os.chown(home / "Mail", os.stat(home).st_uid, os.stat(home).st_gid)
    tag = folder / "home" / "eve" / ".forward+tag"
    tag.write_text(f"{folder}/home/eve/tagged/\n", encoding="utf-8")
    os.chown(tag, *(os.stat(tag.parent).st_uid, os.stat(tag.parent).st_gid))


def local_parameters(base):
    return {"mydestination": "local.test", "virtual_mailbox_domains": "example.test", "virtual_mailbox_maps": boxes(base), "myorigin": "local.test",
            "alias_maps": f"texthash:{base}/aliases", "mail_spool_directory": f"{base}/spool", "recipient_delimiter": "+", "mailbox_size_limit": "20000",
            "message_size_limit": "15000", "local_recipient_maps": "", "allow_mail_to_commands": "alias, forward", "allow_mail_to_files": "alias, forward, include",
            "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}}", "expand_owner_alias": "no", "export_environment": "TZ MAIL_CONFIG LANG PATH"}


local = group("local", local_parameters, files={"aliases": ALIASES, "list": "ann\n# comment\nkate, bob\n"}, prepare=local_files)


@local
def mbox_user(act):
    act.send("ann@local.test", body="From here\n\nFrom there\n")
    act.send("ann", body="unterminated")
    act.send("ann@local.test", sender="<>", headers="X-8: ü\n", body=b"\xff\n")
    yield


@local
def unknown_user(act):
    act.send("nosuch@local.test", "ann@local.test")
    act.send("nosuch+x@local.test", "Kate@LOCAL.test", "kate+ext@local.test")
    yield


@local
def forwarding(act):
    act.send("bob@local.test", "carl@local.test")
    yield


@local
def forward_to_file(act):
    act.send("eve@local.test")
    act.send("eve+tag@local.test")
    act.send("hugo@local.test")
    yield


@local
def forward_to_command(act):
    act.send("gina@local.test")
    act.send("jack@local.test")
    yield


@local
def forward_to_self(act):
    act.send("fred@local.test")
    yield


@local
def forward_empty(act):
    act.send("ida@local.test", "leo@local.test")
    yield


@local
def list_with_owner(act):
    act.send("crowd@local.test")
    yield


@local
def list_with_failure(act):
    act.send("failing-list@local.test")
    act.send("mixed@local.test")
    act.send("none@local.test", options=("-N", "success,failure"))
    yield


@local
def nested_lists(act):
    act.send("many@local.test", "crowd-request@local.test")
    yield


@local
def alias_loops(act):
    act.send("loop1@local.test")
    act.send("self@local.test")
    yield


@local
def alias_commands(act):
    act.send("broken@local.test")
    act.send("killed@local.test")
    act.send("tocommandenv+ext@local.test", options=("-V", "envelope-id"))
    yield


@local
def alias_command_later(act):
    act.send("failing@local.test")
    yield


@local
def alias_files(act):
    act.send("tofile@local.test", "tonull@local.test")
    yield


@local
def alias_includes(act):
    act.send("included@local.test")
    act.send("missing-list@local.test")
    yield


@local
def alias_odd(act):
    act.send("error@local.test")
    act.send("quoted@local.test")
    act.send("toext@local.test")
    yield


@local
def local_success(act):
    act.send("kate@local.test", options=("-N", "success"))
    act.send("crowd@local.test", options=("-N", "success"))
    act.send("relay@local.test", options=("-N", "success"))
    yield


@local
def local_report(act):
    act.send("kate@local.test", "crowd@local.test", "nosuch@local.test", options=("-v",))
    act.send("kate@local.test", "crowd@local.test", "nosuch@local.test", "broken@local.test", "tofile@local.test", "relay@local.test", "eve@local.test", options=("-bv",))
    yield


@local
def local_loop(act):
    act.send("kate@local.test", headers="Delivered-To: kate@local.test\n")
    act.send("relay@local.test", headers="Delivered-To: relay@local.test\n")
    yield


@local
def mailbox_full(act):
    act.send("mona@local.test", body="x" * 70 + "\n" + "0123456789\n" * 1000)
    yield
    act.send("mona@local.test", body="0123456789\n" * 1000)
    yield


@local
def odd_local_parts(act):
    act.send("\"|id\"@local.test", "\"/tmp/flow-not-here\"@local.test", "\":include:/etc/passwd\"@local.test", "\"ann bob\"@local.test",
             "\\ann@local.test", "..@local.test", "ann+@local.test")
    yield


# --- local, other ways

ways = group("ways", lambda base: {**local_parameters(base), "mail_spool_directory": f"{base}/spool/", "home_mailbox": "", "luser_relay": "ann+lost@local.test",
                                   "mailbox_command": "", "prepend_delivered_header": "command, forward", "owner_request_special": "no",
                                   "mailbox_command_maps": "inline:{{kate=cat >> $HOME/by-command; echo \"$USER $LOCAL $EXTENSION $DOMAIN $RECIPIENT $SENDER\" >> $HOME/by-command}}",
                                   "mailbox_transport_maps": "inline:{{gina=virtual:}, {hugo=retry:}}", "fallback_transport_maps": "inline:{{nofall=discard:thrown}}",
                                   "forward_path": "", "expand_owner_alias": "yes", "frozen_delivered_to": "no", "reset_owner_alias": "yes"},
             files={"aliases": ALIASES, "list": "ann\nbob\n"}, prepare=local_files)


@ways
def maildir_user(act):
    act.send("bob@local.test")
    act.send("bob+ext@local.test", sender="<>")
    yield


@ways
def lost_user(act):
    act.send("nosuch@local.test")
    yield


@ways
def by_command(act):
    act.send("kate+extension@local.test")
    yield


@ways
def by_transport(act):
    act.send("gina@local.test")
    act.send("hugo@local.test")
    act.send("nofall@local.test")
    yield


@ways
def owner_expanded(act):
    act.send("crowd@local.test")
    act.send("failing-list@local.test")
    yield


inbox = group("inbox", lambda base: {**local_parameters(base), "home_mailbox": "Mail/inbox", "fallback_transport": "error:5.1.7 nobody of that name", "local_recipient_maps": "",
                                   "recipient_delimiter": "-", "always_add_missing_headers": "yes", "strict_mailbox_ownership": "yes", "forward_path": ""},
             files={"aliases": ALIASES, "list": "ann\nbob\n"}, prepare=local_files)


@inbox
def home_mailbox(act):
    act.send("bob@local.test")
    act.send("bob-ext@local.test")
    yield


@inbox
def home_without_folder(act):
    act.send("mona@local.test")
    yield


@inbox
def fallback(act):
    act.send("nosuch@local.test", "no-such@local.test")
    yield


@inbox
def owner_with_delimiter(act):
    act.send("crowd@local.test", "owner-crowd@local.test")
    yield


# --- virtual(8) in trouble

trouble = group("trouble", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test, alias.test",
    "virtual_mailbox_maps": "inline:{{ok@example.test=ok/}, {nouid@example.test=nouid/}, {baduid@example.test=baduid/}, {lowuid@example.test=lowuid/}, {nogid@example.test=nogid/},"
                            " {dots@example.test=../dots/}, {file@example.test=file}, {nodir@example.test=file/below/}, {full@example.test=full}, {dirbox@example.test=dirbox},"
                            " {space@example.test=a b/c d/}, {@other.test=catch-all/}, {abs@example.test=/abs/}, {notmaildir@example.test=notmaildir/}}",
    "virtual_uid_maps": "inline:{{ok@example.test=7001}, {baduid@example.test=abc}, {lowuid@example.test=5}, {nogid@example.test=7001}, {dots@example.test=7001}, {file@example.test=7001},"
                        " {nodir@example.test=7001}, {full@example.test=7001}, {dirbox@example.test=7001}, {space@example.test=7001}, {@other.test=7001}, {abs@example.test=7001}, {notmaildir@example.test=7001}}",
    "virtual_gid_maps": "inline:{{ok@example.test=7001}, {nouid@example.test=7001}, {baduid@example.test=7001}, {lowuid@example.test=7001}, {dots@example.test=7001}, {file@example.test=7001},"
                        " {nodir@example.test=7001}, {full@example.test=7001}, {dirbox@example.test=7001}, {space@example.test=7001}, {@other.test=7001}, {abs@example.test=7001}, {notmaildir@example.test=7001}}",
    "virtual_minimum_uid": "100", "virtual_mailbox_limit": "5000", "message_size_limit": "4000",
}, prepare=lambda mail, folder: trouble_files(mail))


def trouble_files(mail):
    import os
    os.chmod(mail.mail, 0o777)
    (mail.mail / "dirbox").mkdir()
    (mail.mail / "notmaildir").write_text("a file\n", encoding="utf-8")


@trouble
def no_owner(act):
    act.send("ok@example.test", "nouid@example.test")
    act.send("baduid@example.test")
    act.send("lowuid@example.test")
    act.send("nogid@example.test")
    yield


@trouble
def bad_paths(act):
    act.send("dirbox@example.test")
    act.send("notmaildir@example.test")
    act.send("space@example.test")
    act.send("abs@example.test")
    yield


@trouble
def path_upwards(act):
    act.send("dots@example.test")
    yield


@trouble
def below_a_file(act):
    act.send("file@example.test")
    yield
    act.send("nodir@example.test")
    yield


@trouble
def full_mailbox(act):
    act.send("full@example.test", body="0123456789\n" * 300)
    yield
    act.send("full@example.test", body="0123456789\n" * 300)
    yield


@trouble
def catch_all(act):
    act.send("anybody@other.test", "nobody@alias.test")
    yield


# --- checks of headers and bodies, and what they do to the way of a message

checks = group("checks", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "header_checks": f"regexp:{base}/header_checks",
    "body_checks": f"regexp:{base}/body_checks", "mime_header_checks": f"regexp:{base}/mime_checks", "always_bcc": "watcher@other.test",
    "undisclosed_recipients_header": "To: undisclosed-recipients:;",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}}", "strict_mime_encoding_domain": "no",
}, files={
    "header_checks": "/^X-Act: hold/ HOLD for the administrator\n/^X-Act: discard/ DISCARD not wanted\n/^X-Act: reject/ REJECT 5.7.1 go away\n"
                     "/^X-Act: redirect/ REDIRECT carol@example.test\n/^X-Act: prepend/ PREPEND X-New: before\n/^X-Act: replace (.*)/ REPLACE X-Replaced: $1\n"
                     "/^X-Act: warn/ WARN look here\n/^X-Act: info/ INFO look there\n/^X-Act: ignore/ IGNORE\n/^X-Act: filter/ FILTER discard:filtered\n"
                     "/^X-Act: bcc/ BCC bob@example.test\n/^X-Act: strip/ STRIP quietly\n/^X-Act: delay/ DELAY 1h\n/^X-Act: bogus/ BOGUS\n/^X-Act: dunno/ DUNNO\n",
    "body_checks": "/^reject me/ REJECT\n/^hold me/ HOLD\n/^replace me/ REPLACE replaced\n/^ignore me/ IGNORE\n/^prepend me/ PREPEND before\n/^discard me/ DISCARD\n",
    "mime_checks": "/name=.*[.]exe/ REJECT 5.7.0 no programs\n",
})


def acting(name, *values):
    def steps(act):
        for value in values:
            act.send("ann@example.test", "nobody@example.test", headers=f"X-Act: {value}\n")
        yield
    steps.__name__ = name
    return checks(steps)


acting("check_holds", "hold")
acting("check_discards", "discard")
acting("check_rejects", "reject")
acting("check_redirects", "redirect")
acting("check_edits", "prepend", "replace by this", "ignore", "strip", "dunno")
acting("check_tells", "warn", "info", "bogus")
acting("check_filters", "filter")
acting("check_copies", "bcc")


@checks
def body_is_checked(act):
    for text in ("reject me", "hold me", "replace me", "ignore me", "prepend me", "discard me"):
        act.send("ann@example.test", body=f"first\n{text}\nlast\n")
    yield


@checks
def mime_is_checked(act):
    act.send("ann@example.test", headers="Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
             body="--b\nContent-Type: text/plain;\n name=\"x.exe\"\n\nx\n--b--\n")
    yield


@checks
def rejected_null_sender(act):
    act.send("ann@example.test", sender="<>", headers="X-Act: reject\n")
    act.send("ann@example.test", options=("-N", "never"), headers="X-Act: reject\n")
    act.send("ann@example.test", options=("-R", "hdrs", "-V", "anid"), headers="X-Act: reject\n")
    yield


@checks
def held_is_released(act):
    act.send("ann@example.test", "x@later.test", headers="X-Act: hold\n", options=("-N", "success,failure"))
    yield
    act.run("postsuper", "-H", act.id(1))
    yield


@checks
def held_is_requeued(act):
    act.send("ann@example.test", headers="X-Act: hold\n")
    yield
    act.run("postsuper", "-r", act.id(1))
    act.send("bob@example.test")
    yield


@checks
def no_header_addresses(act):
    act.send("ann@example.test", text="Message-Id: <no_header_addresses.1@flow.test>\nSubject: x\n\n")
    act.send("ann@example.test", text="Message-Id: <no_header_addresses.2@flow.test>\nSubject: x\nBcc: someone@else.test\n\n")
    act.send("ann@example.test", text="Message-Id: <no_header_addresses.3@flow.test>\nSubject: x\nTo:\nCc: \n\n", options=("-G",))
    yield


# --- routes that depend on the sender, other delimiters, old mail by kind

routes = group("routes", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "recipient_delimiter": "-+", "propagate_unmatched_extensions": "",
    "virtual_alias_maps": "inline:{{team@example.test=ann@example.test, bob+box@example.test}, {solo@example.test=carol@example.test}}",
    "sender_dependent_default_transport_maps": "inline:{{routed_by_sender@example.test=error:5.7.1 not from you}, {@late.test=retry:4.7.1 not now from you}}",
    "default_transport": "discard:into nothing", "relayhost": "", "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}, {null.test=:}, {hop.test=discard:}, {postmaster@pm.test=error:}}",
    "bounce_queue_lifetime": "0", "maximal_queue_lifetime": "1d", "default_destination_recipient_limit": "2", "virtual_mailbox_limit": "51200000",
    "duplicate_filter_limit": "3", "enable_original_recipient": "no", "append_dot_mydomain": "no", "append_at_myorigin": "yes", "myorigin": "example.test",
    "always_add_missing_headers": "yes", "header_address_token_limit": "20", "show_user_unknown_table_name": "no", "notify_classes": "2bounce",
    "2bounce_notice_recipient": "double@example.test", "relay_domains": "hop.test", "info_log_address_format": "internal", "bounce_size_limit": "1",
})


@routes
def routed_by_sender(act):
    act.send("a@far.test", "ann@example.test", "b@later.test", "c@null.test", "d@hop.test", "postmaster@pm.test")
    yield


@routes
def routed_by_domain(act):
    act.send("a@far.test", sender="routed_by_domain@late.test")
    yield


@routes
def to_the_default(act):
    act.send("a@far.test", "b@far.test", "c@far.test", "d@far.test", "e@elsewhere.test", options=("-N", "success"))
    yield


@routes
def other_delimiters(act):
    act.send("ann-x@example.test", "ann+x@example.test", "ann-x+y@example.test", "team-x@example.test", "solo+x@example.test", "owner-crowd@example.test")
    yield


@routes
def few_duplicates_known(act):
    act.send("ann@example.test", "bob@example.test", "carol@example.test", "Ann@example.test", "postmaster@example.test", "postmaster@example.test")
    yield


@routes
def old_notice(act):
    act.send("a@later.test", sender="<>")
    act.send("a@later.test")
    yield


@routes
def report_of_notice(act):
    for option in (("-N", "success"), ("-v",)):
        act.send("ann@example.test", sender="<>", options=option)
    act.send("ann@example.test", "nobody@example.test", "a@later.test", sender="<>", options=("-v",))
    yield


@routes
def failing_notice(act):
    act.send("nobody@example.test", sender="failing_notice.nowhere@example.test")
    act.send("nobody@example.test", sender="failing_notice.later@later.test")
    yield


@routes
def expanded_with_options(act):
    act.send("team@example.test", options=("-N", "success,failure,delay", "-V", "anid", "-R", "hdrs"))
    act.send("solo@example.test", options=("-N", "never"))
    act.send("team@example.test", options=("-bv",))
    act.send("team@example.test", options=("-XV",))
    yield


@routes
def quoted_senders(act):
    act.send("ann@example.test", "\"no body\"@example.test", sender="\"quoted senders\"@example.test")
    act.send("\"no body\"@example.test", sender="quoted_senders@example.test")
    yield


@routes
def many_header_addresses(act):
    act.send("ann@example.test", headers="Cc: " + ",\n ".join(f"\"Name {n}\" <n{n}@host>" for n in range(30)) + "\n")
    yield


# --- the service that rewrites and resolves has settings of its own

def with_options(**added):
    """-o options for lines of master.cf."""
    def prepare(mail, folder):
        for name, options in added.items():
            mail.services[name] += "".join(f" -o {{ {option} }}" for option in options)
        mail.write_configuration()
    return prepare


asked = group("asked", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "recipient_delimiter": "+",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}}", "default_transport": "discard:by main.cf", "mydestination": "local.test",
}, prepare=with_options(rewrite=(
    "transport_maps=inline:{ {later.test=discard:now}, {far.test=retry:far away} }", "default_transport=error:5.7.1 nobody goes there", "myorigin=other.test",
    "append_dot_mydomain=yes", "mydomain=dom.test", "virtual_alias_domains=alias.test", "relocated_maps=inline:{ {moved@example.test=elsewhere} }",
    "sender_dependent_default_transport_maps=inline:{ {by_rewriting_service@other.test=discard:by sender} }")))


@asked
def by_rewriting_service(act):
    act.send("ann@example.test", "x@later.test", "x@far.test", "x@anywhere.test", "moved@example.test", "x@alias.test", "bob", "bob@host",
             headers="Cc: bob, bob@host\n")
    act.send("x@anywhere.test", sender="by_rewriting_service")
    yield


by_name = group("by_name", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "default_transport": "discard:by main.cf",
}, master_cf=["second unix - - n - - trivial-rewrite -o myorigin=other.test -o append_dot_mydomain=yes -o mydomain=dom.test -o default_transport=retry:no"],
    prepare=with_options(cleanup=("rewrite_service_name=second",)))


@by_name
def by_another_service(act):
    act.send("bob", "bob@host", "x@anywhere.test", sender="by_another_service", headers="Cc: bob, bob@host\n")
    yield


asking = group("asking", lambda base: {
    "virtual_mailbox_domains": "example.test, other.test", "virtual_mailbox_maps": boxes(base), "default_transport": "discard:by main.cf", "mydestination": "local.test",
    "transport_maps": "inline:{{later.test=retry:4.2.1 come back later}}", "append_dot_mydomain": "no",
}, prepare=with_options(qmgr=("transport_maps=", "virtual_mailbox_domains=", "default_transport=error:5.7.1 not qmgr's", "relocated_maps=inline:{ {ann@example.test=elsewhere} }"),
                        cleanup=("myorigin=other.test", "append_dot_mydomain=yes", "mydomain=dom.test")))


@asking
def for_others(act):
    act.send("ann@example.test", "x@later.test", "x@anywhere.test", "bob", "bob@host", sender="for_others", headers="Cc: bob, bob@host\n")
    yield
