#!/usr/bin/env python3
"""One system (Debian's Postfix, or ours) runs a group of scenarios; what came of them is printed as JSON.

    unshare -m -p --fork --kill-child --mount-proc side.py SIDE BUILD FOLDER GROUP [--only NAME]

The mount namespace is our own: FOLDER becomes a file system of its own, so that both sides use the same paths and inode numbers (hence
queue ids) of the same length, and /etc/passwd has users whose homes are in FOLDER. What differs by nature (queue ids, times,
process numbers) is replaced here by what it stands for: a queue id becomes the scenario's name and the message's number, and
how the message came about (`/notice`, `/forward`)."""
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
import mta  # noqa: E402
import scenarios  # noqa: E402

USERS = ("ann", "bob", "carl", "dora", "eve", "fred", "gina", "hugo", "ida", "jack", "kate", "leo", "mona")
FIRST_UID = 7001
ABSENT = ("tlsmgr", "verify", "proxymap", "proxywrite", "smtp", "relay", "lmtp", "anvil", "scache")  # nothing here goes through them
AGENTS = ("local", "virtual", "qmgr or error", "discard")  # which recipient is served first is nobody's promise


class Stage:
    """The folder that both sides see under the same name, and the users in it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        call("mount", "-t", "tmpfs", "-o", "mode=755", "flow", self.folder)
        self.use_up_short_inodes()
        passwd = pathlib.Path("/etc/passwd").read_text(encoding="utf-8")
        (self.folder / "home").mkdir()
        for number, name in enumerate(USERS):
            home = self.folder / "home" / name
            home.mkdir()
            os.chown(home, FIRST_UID + number, FIRST_UID)
            passwd += f"{name}:x:{FIRST_UID + number}:{FIRST_UID}:{name.title()} User:{home}:/bin/sh\n"
        (self.folder / "passwd").write_text(passwd, encoding="utf-8")
        call("mount", "--bind", self.folder / "passwd", "/etc/passwd")

    def use_up_short_inodes(self):
        for number in range(20000):
            path = self.folder / f"x{number}"
            path.touch()
            inode = path.stat().st_ino
            path.unlink()
            if inode > 0x1000:
                return
        raise RuntimeError("inode numbers do not grow")


def call(*words):
    subprocess.run([str(word) for word in words], check=True, timeout=30)


class Actor:
    """What a scenario acts on: its own messages in the running system."""

    def __init__(self, group, name):
        self.group, self.mail, self.name = group, group.mail, name
        self.count = 0
        self.results = []

    @property
    def address(self):
        return f"{self.name}@example.test"

    def send(self, *recipients, sender=None, options=(), headers="", body="hello\n", text=None, **more):
        """A message of ours; its Message-ID has our name and its number, unless `text` is the whole of it."""
        self.count += 1
        if text is None:
            text = f"From: {self.address}\nTo: list:;\nSubject: {self.name}\nMessage-Id: <{self.name}.{self.count}@flow.test>\n{headers}\n".encode()
            text += body.encode() if isinstance(body, str) else body
        sender = self.address if sender is None else sender
        return self.run("sendmail", "-f", sender, *options, *(["--"] if recipients else []), *recipients, stdin=text, **more)

    def run(self, command, *words, quiet=False, **more):
        result = self.mail.run(command, *words, **more)
        if not quiet:
            self.results.append([f"{len(self.results) + 1}: {command} {' '.join(re.sub(ID, 'ID', str(word)) for word in words)}", result.status, result.text, result.error])
        return result

    def id(self, number=1):
        found = re.findall(rf"(\w+): message-id=<{self.name}\.{number}@flow\.test>", self.mail.log())
        return found[-1]

    def maildrop(self, data, name="drop"):
        """A file that was put into maildrop by hand."""
        path = self.mail.queue / "maildrop" / f"{name}{self.count}"
        self.count += 1
        path.write_bytes(data)
        os.chown(path, self.mail.owner.uid, self.mail.owner.gid)
        os.chmod(path, 0o744)
        self.mail.run("postkick", "public", "pickup", "W") if self.mail.name != "Debian" else call(
            self.mail.libexec.parents[0] / "sbin/../../../sbin/postkick", "-c", self.mail.etc, "public", "pickup", "W")


class Group:
    def __init__(self, side, build, folder, name):
        self.folder = pathlib.Path(folder)
        self.description = scenarios.GROUPS[name]
        base = self.folder / name
        base.mkdir()
        parameters = {"bounce_template_file": base / "templates", "in_flow_delay": "0", "virtual_mailbox_limit": "0",
                      "smtputf8_autodetect_classes": "sendmail", "minimal_backoff_time": "1000s", "maximal_backoff_time": "4000s",
                      "biff": "no", "transport_retry_time": "60s", "queue_run_delay": "300s"}
        own = self.description.parameters
        own = own(base) if callable(own) else own
        parameters.update(own)
        services = {key: fields for key, fields in mta.SERVICES.items() if key not in ABSENT}
        for key in ("local", "virtual", "error", "retry", "discard"):
            fields = services[key].split()
            services[key] = " ".join([*fields[:5], "1", fields[-1]])  # one recipient after the other
        more = {"base": base, "services": services, "master_cf": self.description.master_cf}
        (base / "templates").write_text(scenarios.TEMPLATES, encoding="utf-8")
        for file, text in (self.description.files or {}).items():
            (base / file).write_text(text.replace("@BASE@", str(base)), encoding="utf-8")
        if side == "Debian":
            self.mail = mta.Debian(parameters, **more)
        else:
            self.mail = mta.Postrider(build, {**parameters, "retry_jitter": "0"}, mode="root", **more)
        self.base = base
        if self.description.prepare:
            self.description.prepare(self.mail, self.folder)

    def play(self, only):
        """All scenarios beside each other, step by step; between steps the queue comes to rest."""
        chosen = [(name, function) for name, function in self.description.scenarios.items() if only in name]
        if not chosen:
            return None
        self.mail.start()
        actors, running = [], []
        for name, function in chosen:
            actor = Actor(self, name)
            actors.append(actor)
            running.append((actor, function(actor)))
        while running:
            left = []
            for actor, steps in running:
                try:
                    if steps is not None:
                        next(steps)
                        left.append((actor, steps))
                except StopIteration:
                    pass
            running = left
            self.rest()
        self.mail.run("postqueue", "-p")  # everything works still
        found = Findings(self, actors).everything()
        if os.environ.get("FLOW_LOG"):
            print(self.mail.log(), file=sys.stderr)
        self.mail.stop()
        return found

    def rest(self):
        start = time.monotonic()
        try:
            self.mail.wait_idle(limit=15)
        except mta.Late:
            print(f"not at rest: {list(self.mail.files('maildrop', 'incoming', 'active'))}", file=sys.stderr)
        if os.environ.get("FLOW_LOG"):
            print(f"{time.monotonic() - start:.1f} s to rest", file=sys.stderr)
        size, since = -1, time.monotonic()
        while time.monotonic() - since < 0.25:
            now = len(self.mail.log())
            if now != size:
                size, since = now, time.monotonic()
            time.sleep(0.02)


LINE = re.compile(r"^\w{3} [ \d]\d [\d:]{8} \S+ \w+/([\w-]+)\[\d+\]: (.*)$")
ID = r"[0-9A-F]{5}[0-9A-F]{4}"
DATES = [
    (r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [ \d]\d? \w{3} 20\d\d \d\d:\d\d:\d\d [-+]\d{4} \(\w+\)", "@DATE@"),
    (r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d 20\d\d", "@CTIME@"),
    (r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d", "@LISTED@"),
    (r"delay=[\d.]+, delays=[\d./]+", "delay=@"),
    (r"\b20\d{12}\.(?=\{|@)", "@STAMP@."),
    (r"\}\.1\d{9}/", "}.@TIME@/"),
    (r"(?<=arrival_time\": )1\d{9}", "0"),
    (r"\bcreate_time=1\d{9}", "create_time=@"),
    (r"(?<=message_arrival_time: ).*", "@"),
    (r"/tmp/1\d{9}\.\w+\.[\w.]+", "/tmp/@FILE@"),
    (r"/new/1\d{9}\.\w+\.[\w.]+", "/new/@FILE@"),
]


class Findings:
    """What a finished group left behind, in words that are the same for the same behaviour."""

    def __init__(self, group, actors):
        self.group, self.mail, self.actors = group, group.mail, actors
        self.names = {actor.name for actor in actors}
        self.lines = [(found.group(1), found.group(2)) for found in map(LINE.match, self.mail.log().splitlines()) if found]
        self.labels = {}
        self.moved = {}
        self.label_ids()

    def label_ids(self):
        used = {}

        def give(queue_id, label):
            if queue_id not in self.labels:
                used[label] = used.get(label, 0) + 1
                self.labels[queue_id] = label + (f"#{used[label]}" if used[label] > 1 else "")

        children = {}
        for _, text in self.lines:
            if found := re.match(rf"({ID}): (.*notification|forwarded|.*status=sent \(forwarded as)[: ]+({ID})\b", text):
                kind = "forward" if "forwarded" in found.group(2) else found.group(2).replace(" ", "-").replace("sender-", "")
                children[found.group(3)] = (found.group(1), kind)
        own = {}
        for _, text in self.lines:
            if found := re.match(rf"({ID}): (?:resent-)?message-id=<([\w.]+)@flow\.test>", text):
                own[found.group(1)] = found.group(2)
            elif found := re.match(rf"({ID}): (?:uid=\d+ )?from=<(\w+)((?:\.\w+)?)", text):
                if found.group(2) in self.names:
                    own.setdefault(found.group(1), found.group(2) + (found.group(3) or ".x"))
        order = list(dict.fromkeys(found.group(1) for _, text in self.lines if (found := re.match(rf"({ID}): ", text))))

        def label(queue_id, depth=0):
            if queue_id in self.labels:
                return
            if queue_id in children and depth < 10:
                parent, kind = children[queue_id]
                label(parent, depth + 1)
                give(queue_id, f"{self.labels.get(parent, 'unknown')}/{kind}")
            else:
                give(queue_id, own.get(queue_id, "unknown"))
        for queue_id in order:
            label(queue_id)

    def normal(self, text):
        if isinstance(text, bytes):
            text = text.decode("utf-8", "backslashreplace")
        text = re.sub(rf"\b{ID}\b", lambda found: "{" + self.labels.get(found.group(), "ID") + "}", text)
        text = re.sub(r"\b(deferred|defer|incoming|active|hold)/[0-9A-F]/(?=\{)", r"\1/", text)
        for pattern, by in DATES:
            text = re.sub(pattern, by, text)
        return text

    @staticmethod
    def in_order(text):
        """A notice or status log: what it says of each recipient, in order of the recipients; deliveries end in any order."""
        blocks = text.split("\n\n")
        at = 0
        while at < len(blocks):
            end = at
            while end < len(blocks) and re.match(r"<[^\n]*>[^\n]*: |Final-Recipient: ", blocks[end].lstrip("\n")):
                end += 1
            if end > at:
                blocks[at:end] = sorted(block.strip("\n") for block in blocks[at:end])
            at = end + 1
        return "\n\n".join(blocks)

    def listing(self, add):
        """What postqueue prints, but for what depends on the moment: in which order recipients were deferred, and the sizes of files in
        maildrop, which begin with the microseconds of the clock, in as many digits as it takes."""
        unsized = set()
        for line in self.mail.run("postqueue", "-j").text.splitlines():
            message = json.loads(line)
            message["recipients"].sort(key=json.dumps)
            if message["queue_name"] == "maildrop":
                unsized.add(message["queue_id"])
                message["message_size"] = 0
            add(self.normal(json.dumps(message, ensure_ascii=False)), "postqueue -j", "entry")
        for entry in self.mail.run("postqueue", "-p").text.split("\n\n"):
            entry = re.sub(r"^-Queue ID-.*\n", "", entry)
            if entry.startswith(("-- ", "Mail queue is empty")):
                continue
            head, _, rest = entry.partition("\n")
            if re.match(r"\w*", head).group() in unsized:
                head = re.sub(r"^(\w+ +)\d+", r"\1SIZE", head)
            # A reason stands before those whom it is about.
            groups = [reason.splitlines() for reason in re.split(r"\n(?= *\()", "\n" + rest)]
            text = "\n".join(line for group in sorted([group[:1] + sorted(group[1:]) for group in groups]) for line in group)
            add(self.normal(f"{head}{text}"), "postqueue -p", "entry")

    def owner_of(self, text):
        """The scenario that a text is about."""
        if found := re.search(r"\{(\w+)[./]", text):
            if found.group(1) in self.names:
                return found.group(1)
        words = re.findall(r"[a-z]\w+", text)
        return next((word for word in words if word in self.names), "group")

    def everything(self):
        found = {}

        def add(text, kind, key, value=None, owner=None):
            found.setdefault(owner or self.owner_of(text), {}).setdefault(kind, {}).setdefault(key, []).append(text if value is None else value)

        for actor in self.actors:
            for command, status, out, error in actor.results:
                add(self.normal(f"[{status}] {out}{clean_error(error)}"), "command", self.normal(command), owner=actor.name)
        programs = {}
        for program, text in self.lines:
            programs.setdefault(text.partition(": ")[0], set()).add(program)
        for program, text in self.lines:
            if programs[text.partition(": ")[0]] == {"cleanup"} and self.labels.get(text.partition(": ")[0], "").startswith("unknown"):
                continue  # a notice that Debian's bounce(8) begins before it finds that nobody wants it
            text = self.normal(text)
            if any(re.match(pattern, f"{program}: {text}") for pattern, _ in scenarios.NOT_COMPARED):
                continue
            if text.startswith("{"):
                label, _, rest = text[1:].partition("}: ")
                if rest.startswith("to=<") and program in ("qmgr", "error"):
                    program = "qmgr or error"  # our qmgr records what it decides itself
                add(text, "log", f"{label} {program}", rest)
            elif not re.match(r"(daemon started|reload|refreshing|terminating|statistics|fatal: master_|name_mask)", text):
                add(text, "log", f"other {program}")
        for root in (self.group.folder / "home", self.mail.base / "spool", self.mail.mail):
            self.read_boxes(root, add)
        self.listing(add)
        self.read_queue(add)
        for kinds in found.values():
            for keys in kinds.values():
                for key, values in keys.items():
                    if key.endswith(tuple(f" {agent}" for agent in AGENTS)) or (
                            not key.startswith(tuple(f"{name}." for name in self.names)) and not key[0].isdigit()):
                        values.sort()
                    if key.startswith("other "):
                        values[:] = dict.fromkeys(values)  # how often something is tried depends on the moment
        return found

    def read_boxes(self, top, add):
        for where, _, names in os.walk(top):
            for name in sorted(names):
                path = pathlib.Path(where, name)
                content = path.read_bytes()
                state = os.stat(path)
                key = str(path.relative_to(self.group.folder))
                kept = f"{state.st_mode & 0o7777:o} {state.st_uid}"
                if "/new/" in key or "/tmp/" in key:
                    key = str(pathlib.Path(key).parent)
                    add(self.in_order(self.normal(content)), "mailbox", f"{key} ({kept})")
                else:
                    for message in re.split(rb"(?<=\n)(?=From \S*  ?\w{3} \w{3} [ \d]\d)", content):
                        add(self.normal(message), "mailbox", f"{key} ({kept})")

    def read_queue(self, add):
        import sides
        for path, state in sorted(self.mail.files().items()):
            content = (self.mail.queue / path).read_bytes()
            folder, name = path.split("/")[0], os.path.basename(path)
            label = self.normal(name)
            records = sides.parse(content)
            # A time stamp's microseconds have no fixed width, and all that is behind moves with them. What was requeued has two.
            moved = sum(len(data) for kind, data in records if kind == "T")
            self.moved[name] = moved
            if folder == "maildrop":
                add(f"{folder} {label}", "queue", "maildrop")
                continue
            lines = [f"{folder} {state.st_mode & 0o7777:o}"]
            for kind, data in records:
                if kind == "T":
                    data = b"@"
                elif kind == "C":
                    numbers = data.split()
                    numbers[1] = b"%d" % (int(numbers[1]) - moved)
                    data = b" ".join(numbers)
                lines.append(f"{kind} {self.normal(data)}")
            add("\n".join(lines), "queue", label, owner=self.owner_of(label))
            printed = self.mail.run("postcat", "-q", name)
            shown = re.sub(r"(?m)^(message_size: +\d+ +)\d+", r"\1@", self.normal(printed.text))
            add(f"[{printed.status}] {shown}", "postcat", label, owner=self.owner_of(label))
        for path in sorted(self.mail.files("bounce", "defer", "trace")):
            label = self.normal(os.path.basename(path))
            content = (self.mail.queue / path).read_bytes()
            moved = self.moved.get(os.path.basename(path))  # None: the message has gone, and what it was is not known any more
            content = re.sub(rb"(?m)^offset=(\d+)", lambda found: b"offset=%d" % (0 if moved is None else int(found.group(1)) - moved), content)
            add(self.in_order(self.normal(content)), "status log", f"{path.split('/')[0]} {label}", owner=self.owner_of(label))


def clean_error(text):
    """What a command says goes to the log file, too, and then to standard error in a form with or without the program's name."""
    return "".join(line + "\n" for line in text.splitlines())


def main():
    side, build, folder, name = sys.argv[1:5]
    only = sys.argv[6] if len(sys.argv) > 5 else ""
    stage = Stage(folder)
    group = Group(side, build, stage.folder, name)
    try:
        found = group.play(only)
    except Exception:
        print(group.mail.log_tail(30), file=sys.stderr)
        raise
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
