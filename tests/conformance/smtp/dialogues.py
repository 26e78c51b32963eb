"""Reads the files of dialogues. What they may say is told in run.py."""
import ast
import base64
import pathlib
import re


class BadDialogue(Exception):
    pass


class Step:
    """One thing that the client does. `expected`: {"3.11" or "ours": the reply's lines}, where ours is meant to differ from Debian's."""

    def __init__(self, kind, text, where):
        self.kind, self.text, self.where = kind, text, where
        self.expected = {}

    def __str__(self):
        return f"{self.text}" if self.kind == "line" else f"{self.kind} {self.text}"


class Dialogue:
    def __init__(self, name, where):
        self.name, self.where = name, where
        self.steps = []
        self.log = None      # the lines of the log that ours must write instead of Debian's
        self.differs = {}    # kind of finding: why ours is meant to differ there
        self.ignored = {}    # kind of finding: why it is not compared


class Group:
    """One file: a configuration, and the dialogues that are held with it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.name = self.path.stem
        self.main, self.services, self.commands = [], {}, {}
        self.files, self.hosts, self.helpers, self.unset = [], [], {}, []
        self.dialogues = []


def literal(text, where):
    """Bytes of an expression: literals, +, * and % only."""
    def value(node):
        if isinstance(node, ast.Expression):
            return value(node.body)
        if isinstance(node, ast.Constant) and isinstance(node.value, (bytes, int, str)):
            return node.value
        if isinstance(node, ast.BinOp):
            left, right = value(node.left), value(node.right)
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Mult):
                return left * right
        raise BadDialogue(f"{where}: not an expression of bytes: {text}")
    try:
        found = value(ast.parse(text.strip(), mode="eval"))
    except (SyntaxError, TypeError) as problem:
        raise BadDialogue(f"{where}: {problem}: {text}") from problem
    return found.encode() if isinstance(found, str) else found


def expand(text, where=""):
    """{b64 TEXT} is TEXT in base64, where \\0 stands for NUL; {TEXT*N} is TEXT, N times."""
    def base(found):
        return base64.b64encode(found.group(1).encode().decode("unicode_escape").encode("latin-1")).decode()
    text = re.sub(r"\{b64 ([^}]*)\}", base, text)
    return re.sub(r"\{([^{}]+)\*(\d+)\}", lambda found: found.group(1) * int(found.group(2)), text)


HEADER = ("main", "service", "command", "file", "hash", "snitable", "host", "with", "unset")
DIRECTIVES = ("connect", "send", "ask", "read", "close", "reset", "shutdown", "tls", "policy", "times", "eof", "cram", "on", "postmap")


def read(path):
    group, content, dialogue = Group(path), None, None
    lines = pathlib.Path(path).read_text(encoding="utf-8").split("\n")
    for number, line in unrolled(group, list(enumerate(lines, 1))):
        where = f"{group.path.name}:{number}"
        if dialogue is None and line.startswith("|"):
            if content is None:
                raise BadDialogue(f"{where}: content of what?")
            content.append(line[2:])
            continue
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("== "):
            dialogue = Dialogue(line[3:].strip(), where)
            if any(other.name == dialogue.name for other in group.dialogues):
                raise BadDialogue(f"{where}: there is another `{dialogue.name}`")
            group.dialogues.append(dialogue)
        elif dialogue is None:
            content = header(group, line, where)
        else:
            step(dialogue, line, where)
    return group


def unrolled(group, lines):
    """The lines with `for NAME in WORDS` ... `done` written out: $NAME is each of the words in turn, with a blank for each ~ in it."""
    at = 0
    while at < len(lines):
        number, line = lines[at]
        at += 1
        found = re.fullmatch(r"for (\w+) in (.*)", line)
        if not found:
            yield number, line
            continue
        end, depth = at, 1
        while depth:
            if end == len(lines):
                raise BadDialogue(f"{group.path.name}:{number}: `for` without `done`")
            depth += lines[end][1].startswith("for ") - (lines[end][1] == "done")
            end += 1
        for word in found.group(2).split():
            word = word.replace("~", " ")
            yield from unrolled(group, [(inner, text.replace("$" + found.group(1), word)) for inner, text in lines[at:end - 1]])
        at = end


def header(group, line, where):
    word, _, rest = line.partition(" ")
    rest = rest.strip()
    if word == "main":
        group.main.append(rest)
    elif word == "unset":
        group.unset += rest.split()
    elif word in ("service", "command"):
        name, _, options = rest.partition(" ")
        (group.services if word == "service" else group.commands)[name] = options.strip()
    elif word in ("file", "hash", "snitable"):
        content = []
        group.files.append((word, rest, content))
        return content
    elif word == "host":
        group.hosts.append(rest)
    elif word == "with":
        name, _, options = rest.partition(" ")
        content = []
        group.helpers[name] = (options, content)
        return content
    else:
        raise BadDialogue(f"{where}: unknown word `{word}`; there are {', '.join(HEADER)}")
    return None


def step(dialogue, line, where):
    if line.startswith("="):
        word, _, rest = line[1:].partition(" ")
        if word in ("log", "log3.11"):
            dialogue.log = (dialogue.log or []) + ([rest] if rest else [])
        elif word in ("3.11", "ours"):
            if not dialogue.steps:
                raise BadDialogue(f"{where}: a reply to what?")
            dialogue.steps[-1].expected.setdefault(word, []).append(rest)
        elif word in ("differs", "ignore"):
            kind, _, reason = rest.partition(" ")
            if not reason:
                raise BadDialogue(f"{where}: why?")
            (dialogue.differs if word == "differs" else dialogue.ignored)[kind] = reason
        else:
            raise BadDialogue(f"{where}: ={word}?")
        return
    if line.startswith("|"):
        kind, text = "content", line[2:]
    elif line.startswith("& "):
        kind, text = "ahead", expand(line[2:])
    elif line.startswith("@"):
        kind, _, text = line[1:].partition(" ")
        if kind not in DIRECTIVES:
            raise BadDialogue(f"{where}: unknown directive @{kind}")
        if kind in ("send", "ask"):
            text = literal(text, where)
        else:
            text = expand(text)
    else:
        kind, text = "line", expand(line.replace("\\s", " ") if line.endswith("\\s") else line)
    dialogue.steps.append(Step(kind, text, where))
