#!/usr/bin/env python3
"""One system (Debian's Postfix, or ours) is held to a group of dialogues; what came of them is printed as JSON.

    unshare -m -n -p --fork --kill-child --mount-proc side.py SIDE BUILD FOLDER CERTIFICATES FILE [--only NAME]

The namespaces are our own: FOLDER becomes a file system of its own and the network is a loopback interface, so both sides use
the same paths, ports and addresses. What differs by nature (queue ids, times, process numbers, clients' ports) is replaced here."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "lib"), str(HERE.parent / "cleanup")]
import client  # noqa: E402
import dialogues  # noqa: E402
import helpers  # noqa: E402
import mta  # noqa: E402
import policy  # noqa: E402
import sides  # noqa: E402

SERVICES = ("cleanup", "tlsmgr", "rewrite", "bounce", "defer", "trace", "flush", "proxymap", "anvil", "showq", "postlog")
FIRST_PORT = 2501
NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
ADDRESSES6 = ("2001:db8::1", "2001:db8::2", "2001:db8:1::1")
HOSTS = ("127.0.0.1 localhost", "::1 localhost") if os.environ.get("NO_NAMES") else ("127.0.0.1 localhost", "::1 localhost", "192.0.2.1 client.example", "2001:db8::1 client6.example")
ID = r"\b[0-9A-F]{5}[0-9A-F]{4,7}\b"
LINE = re.compile(r"^\w{3} [ \d]\d [\d:]{8} \S+ postfix(?:/([\w.-]+))?/([\w-]+)\[(\d+)\]: (.*)$")


def call(*words):
    subprocess.run([str(word) for word in words], check=True, timeout=30)


def prepare_network(group):
    call("ip", "link", "set", "lo", "up")
    for network in NETWORKS:
        call("ip", "address", "add", network, "dev", "lo")
    for address in ADDRESSES6:
        call("ip", "address", "add", f"{address}/128", "dev", "lo", "nodad")


def prepare_folder(folder, group):
    call("mount", "-t", "tmpfs", "-o", "mode=755", "dialogues", folder)
    for number in range(20000):  # queue ids are to have one length
        path = folder / f"x{number}"
        path.touch()
        inode = path.stat().st_ino
        path.unlink()
        if inode > 0x1000:
            break
    for name, text in (("hosts", "\n".join([*HOSTS, *group.hosts]) + "\n"), ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")):
        (folder / name).write_text(text, encoding="utf-8")
        call("mount", "--bind", folder / name, os.path.realpath(f"/etc/{name}"))


class World:
    """What a dialogue is held in."""

    server, server6, address = "127.0.0.1", "::1", "192.0.2.1"

    def __init__(self, side, build, folder, certificates, group):
        self.group, self.folder, self.certificates = group, folder, certificates
        base = folder / "mta"
        base.mkdir()
        base.chmod(0o755)
        macros = {"@ETC@": str(base / "etc"), "@QUEUE@": str(base / "queue"), "@CERTS@": str(certificates), "@FINGERPRINT@": (certificates / "fingerprint").read_text().strip(),
                  "@POLICYSOCKET@": str(folder / "policy"), "@POLICY@": f"inet:127.0.0.1:{policy.PolicyServer.PORT}"}

        def filled(text):
            for macro, value in macros.items():
                text = text.replace(macro, value)
            return re.sub(r"@3\.7:([^|@]*)\|3\.11:([^@]*)@", r"\1" if side == "Debian" else r"\2", text)
        parameters = {"inet_interfaces": "all", "inet_protocols": "all", "mynetworks": "127.0.0.0/8 [::1]/128", "smtpd_error_sleep_time": "0",
                      "in_flow_delay": "0", "notify_classes": "", "default_transport": "smtp", "smtpd_forbid_bare_newline": "normalize", "smtpd_forbid_unauth_pipelining": "yes", "service_throttle_time": "1s", "relay_domains": "relay.test", "smtpd_helo_required": "no", "compatibility_level": "3.6"}
        for line in group.main:
            name, _, value = filled(line).partition("=")
            parameters[name.strip()] = value.strip()
        parameters.update(dict.fromkeys(group.unset))
        self.ports, self.commands, self.dead, inet = {}, {}, set(), []
        for number, (name, options) in enumerate(group.services.items()):
            self.ports[name] = FIRST_PORT + number
            inet.append(f"{self.ports[name]} inet n - n - - smtpd\n  -o syslog_name=postfix/{name} {filled(options)}".rstrip())
        services = {name: mta.SERVICES[name] for name in SERVICES}
        more = {"base": base, "inet": inet}
        if side == "Debian":
            self.mail = mta.Debian(parameters, services=services, **more)
        else:
            there = {name: fields for name, fields in services.items() if (pathlib.Path(build) / "libexec/postfix" / fields.split()[-1]).exists()}
            self.mail = mta.Postrider(build, parameters, mode="root", services=there, **more)
        for kind, name, content in group.files:
            path = self.mail.etc / name
            path.write_text("".join(f"{filled(line)}\n" for line in content), encoding="utf-8", errors="surrogateescape")
            if kind == "hash":
                self.mail.check("postmap", f"hash:{path}")
            elif kind == "snitable":
                self.mail.check("postmap", "-F", f"hash:{path}")
        for name, words in group.commands.items():
            self.commands[name] = self.mail.arguments(words.split()[0], words.split()[1:])
        self.policy = policy.PolicyServer(folder / "policy", self.mail.owner.uid)
        self.helpers = helpers.start(self, group.helpers)
        self.mail.start()

    def popen(self, words):
        return client.popen(words, cwd="/", env=self.mail.command_environment())

    def stop(self):
        self.mail.stop()
        for one in self.helpers:
            one.stop()

    # --- what a dialogue has left behind

    def play(self, dialogue):
        self.mail.log_mark()
        player = client.Player(self, dialogue)
        replies = player.play()
        log = self.new_log(player.connections)
        names = {}

        def number(found):
            return names.setdefault(found.group(), "{" + str(len(names) + 1) + "}") if re.search("[0-9]", found.group()) else found.group()

        def plain(text):
            text = re.sub(r"^334 PD[A-Za-z0-9+/]{30,}=*$", "334 @CHALLENGE@", re.sub(ID, number, text))
            return re.sub(r"\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\b", "@TIME@", text)
        # A process of another service may say something just now.
        mine = [(program, plain_log(text)) for service, program, _, text in log if program in ("smtpd", "sendmail") and (service is None or service in player.services)]
        found = {"replies": [[place, what, [plain(line) for line in lines], step.expected if step else {}] for place, what, lines, step in replies],
                 "log": [plain(text if program == "smtpd" else f"{program}: {text}") for program, text in mine]}
        if player.connections > 1:  # several processes serve them: who says something first is nobody's promise
            found["sorted"] = True
        found["queue"] = self.take_messages(plain)
        found["policy"] = [[plain_policy(plain(line)) for line in request] for request in self.policy.taken()]
        return found

    def new_log(self, connections):
        with contextlib.suppress(mta.Late):
            mta.wait(lambda: self.mail.log_so_far().count(": disconnect from ", self.mail.offset) >= connections, 4)
        return [found.groups() for found in map(LINE.match, self.mail.new_log().splitlines()) if found]

    def take_messages(self, plain):
        """The records of the new queue files, which go away."""
        def unfinished():
            return [path for path, state in self.mail.files("maildrop", "incoming", "hold").items() if not state.st_mode & 0o100]
        with contextlib.suppress(mta.Late):  # what nobody wants any more goes away a moment after the answer
            mta.wait(lambda: not unfinished(), 2)
        found = []
        for path, state in sorted(self.mail.files("maildrop", "incoming", "hold").items(), key=lambda item: item[1].st_mtime_ns):
            file = self.mail.queue / path
            records = sides.parse(file.read_bytes())
            moved = max((len(data) for kind, data in records if kind == "T"), default=0)
            lines = [f"{path.split('/')[0]} {state.st_mode & 0o7777:o}"]
            for kind, data in records:
                text = data.decode("utf-8", "backslashreplace")
                if kind == "T":
                    text = "@"
                elif kind == "C":
                    numbers = text.split()
                    numbers[1] = str(int(numbers[1]) - moved)
                    text = " ".join(numbers)
                text = re.sub(r"^(create_time|log_client_port|client_port)=\d+", r"\1=@", text)
                text = re.sub(r"^(log_message_origin=.*\]):\d+$", r"\1:@PORT@", text)
                text = re.sub(r"\w{3}, [ \d]\d? \w{3} 20\d\d [\d:]{8} [-+]\d{4} \(\w+\)$", "@DATE@", text)
                text = re.sub(r"<20\d{12}\.", "<@STAMP@.", text)
                lines.append(f"{kind} {plain(text)}")
            found.append(lines)
            file.unlink()
        return found


def plain_log(text):
    text = re.sub(r"(\[[0-9a-fA-F.:]+\]):\d{4,5}\b", r"\1:@PORT@", text)
    return re.sub(r"process id \d+", "process id @", text)


def plain_policy(line):
    if line.startswith("client_port=") and line[12:].isdigit() and int(line[12:]) > 20000:
        return "client_port=@PORT@"
    line = re.sub(r"^instance=[0-9a-f.]+$", "instance=@", line)
    return re.sub(r"^mail_version=.*", "mail_version=@", line)


def main():
    side, build, folder, certificates, file = sys.argv[1:6]
    only = sys.argv[7] if len(sys.argv) > 6 else ""
    group = dialogues.read(file)
    folder = pathlib.Path(folder)
    prepare_network(group)
    prepare_folder(folder, group)
    world = World(side, build, folder, pathlib.Path(certificates), group)
    found = {}
    try:
        for dialogue in group.dialogues:
            if only in dialogue.name:
                found[dialogue.name] = world.play(dialogue)
        if os.environ.get("SMTP_LOG"):
            print(world.mail.log(), file=sys.stderr)
        world.stop()
    except Exception:
        print(world.mail.log_tail(30), file=sys.stderr)
        raise
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
