"""The plan that tests/fault/shim.c reads: which call of which program fails, or ends its process."""
import enum
import errno
import mmap
import os
import struct

CAPACITY = 20000  # calls that the log holds
HEADER, ENTRY = 528, 256  # sizes in shim.c
MAGIC = 0x746C7566
# Offsets of struct control's fields.
ARMED, ACTION, ERROR, ALWAYS, KINDS, NTH, PROGRAM, PATH, IGNORED = 4, 8, 12, 16, 20, 24, 32, 96, 288
DEVICE, COUNT_AT, FIRED, FIRED_PID, LOGGING, LOG_CAPACITY, LOG_NEXT = 480, 496, 504, 508, 512, 516, 520


class Kind(enum.IntEnum):
    """What a call does; in the order of shim.c."""
    CREATE, WRITE, RENAME, LINK, UNLINK, CHMOD, FSYNC, TRUNCATE, UTIME, MKDIR, RMDIR, CHOWN, CLOSE, OPEN, SEND, MEMORY, MAP, THREAD, \
        OBJECT = range(19)


class Action(enum.IntEnum):
    """What happens at the chosen call; in the order of shim.c."""
    COUNT, KILL_BEFORE, KILL_AFTER, FAIL = range(4)


# The calls at which a process can die with a difference: CLOSE and OPEN (for reading) change nothing on disk.
CHANGING = [kind for kind in Kind if kind < Kind.CLOSE]
# Where a message comes by SMTP, what was said to whom counts like what was written.
TELLING = CHANGING + [Kind.SEND]


class Call:
    def __init__(self, pid, kind, number, program, path):
        self.pid, self.kind, self.number, self.program, self.path = pid, Kind(kind), number, program, path

    def __repr__(self):
        return f"{self.program}[{self.pid}] {self.kind.name.lower()} {self.path}"


class Shim:
    """One control file. `environment` is for the programs under test; `own_log` is their log file, whose writes do not count."""

    def __init__(self, library, control, own_log=None):
        self.path = str(control)
        with open(self.path, "wb") as out:
            out.write(bytes(HEADER + CAPACITY * ENTRY))
        os.chmod(self.path, 0o666)
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(library), "FAULT_CONTROL": self.path}
        self.put(LOG_CAPACITY, "I", CAPACITY)
        if own_log is not None:
            self.text(IGNORED, 192, str(own_log))
            status = os.stat(own_log)
            self.put(DEVICE, "QQ", status.st_dev, status.st_ino)
        self.put(0, "I", MAGIC)

    def put(self, offset, form, *values):
        struct.pack_into("=" + form, self.map, offset, *values)

    def get(self, offset, form):
        return struct.unpack_from("=" + form, self.map, offset)[0]

    def text(self, offset, size, text):
        self.map[offset:offset + size] = text.encode().ljust(size, b"\0")

    def arm(self, action, program="", nth=0, error=0, always=False, kinds=CHANGING, path="", logging=False):
        """From now on the plan holds, with the count at 0. `error` is an errno or its name."""
        self.put(ARMED, "I", 0)
        self.text(PROGRAM, 64, program)
        self.text(PATH, 192, path)
        self.put(ACTION, "I", int(action))
        self.put(ERROR, "I", getattr(errno, error) if isinstance(error, str) else error)
        self.put(ALWAYS, "I", int(always))
        self.put(KINDS, "I", sum(1 << int(kind) for kind in kinds))
        self.put(NTH, "Q", nth)
        self.put(COUNT_AT, "QII", 0, 0, 0)
        self.put(LOGGING, "I", int(logging))
        if logging:
            self.put(LOG_NEXT, "Q", 0)
        self.put(ARMED, "I", 1)

    def disarm(self):
        self.put(ARMED, "I", 0)

    def count(self):
        return self.get(COUNT_AT, "Q")

    def fired(self):
        """How many calls failed, or processes ended, by this plan."""
        return self.get(FIRED, "I")

    def fired_pid(self):
        return self.get(FIRED_PID, "I")

    def calls(self):
        """The logged calls in their order, of all programs."""
        found = []
        for slot in range(min(self.get(LOG_NEXT, "Q"), CAPACITY)):
            at = HEADER + slot * ENTRY
            pid, kind, number = struct.unpack_from("=IIQ", self.map, at)
            program, path = (bytes(part).split(b"\0")[0].decode("utf-8", "replace")
                             for part in (self.map[at + 16:at + 48], self.map[at + 48:at + 256]))
            found.append(Call(pid, kind, number, program, path))
        return found

    def close(self):
        self.map.close()
