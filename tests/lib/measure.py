"""What a mail system (mta.System) costs: processor time, memory, and what the machine does meanwhile."""
import collections
import contextlib
import os
import pathlib
import resource
import time

TICKS = os.sysconf("SC_CLK_TCK")


def tree_cpu(mail):
    """Seconds of processor time of the daemons that live now, with those of their children that have ended: (user, system)."""
    user = system = 0
    for pid in mail.processes():
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
    return user / TICKS, system / TICKS


def cpu_by_program(mail):
    """{program: seconds of processor time} of the daemons that live now; master has that of those that have ended."""
    found = collections.Counter()
    for pid, program in mail.processes().items():
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[program] += sum(map(int, fields[11:15])) / TICKS
    return found


def pss(pid):
    """Proportional memory of a process, in KiB; 0 when it has gone."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def memory(mail):
    """Proportional memory of all processes of the system, in KiB."""
    return sum(pss(pid) for pid in mail.processes())


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def machine_busy():
    """Seconds that the machine's processors have worked, for whomever; and context switches."""
    text = pathlib.Path("/proc/stat").read_text()
    cpu = [int(field) for field in text.split("\n", maxsplit=1)[0].split()[1:9]]
    switches = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("ctxt "))
    return (sum(cpu) - cpu[3] - cpu[4]) / TICKS, switches


class Meter:
    """m = Meter(mail); ...; m.accepted(); ...; figures = m.result(count)"""

    def __init__(self, mail):
        os.sync()
        self.mail = mail
        self.load, self.cpu, self.busy = children_cpu(), tree_cpu(mail), machine_busy()
        self.began = time.monotonic()
        self.took = None

    def accepted(self):
        self.took = time.monotonic() - self.began

    def result(self, count, what="message"):
        took = time.monotonic() - self.began
        user, system = (after - before for after, before in zip(tree_cpu(self.mail), self.cpu))
        busy, switches = (after - before for after, before in zip(machine_busy(), self.busy))
        figures = {f"{what}s /s": count / took, f"CPU ms a {what}": (user + system) / count * 1e3, "of it user ms": user / count * 1e3,
                   "load's CPU ms": (children_cpu() - self.load) / count * 1e3, "machine busy ms": busy / count * 1e3,
                   "switches": switches / count}
        if self.took is not None:
            figures["accepted /s"] = count / self.took
        return figures
