"""File systems of our own, in a file: small ones to fill, and ones whose power can be cut. Root only."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import cases
import mta

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN
NO_LOG_FLUSH = 2  # what the journal does not have on disk is gone


def call(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, check=False, timeout=60)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, words))}: {done.stderr.decode('utf-8', 'replace').strip()}")


class Disk:
    """A mounted file system. `cut()` is the power cut; after it the processes on it must be gone before `mount()`."""

    def __init__(self, kind="ext4", megabytes=320, make=()):
        if not mta.is_root():
            raise cases.Skipped("mounting needs root")
        if not shutil.which(f"mkfs.{kind}", path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            raise cases.Skipped(f"there is no mkfs.{kind}")
        self.kind = kind
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mta-disk."))
        os.chmod(self.folder, 0o755)
        self.image, self.root = self.folder / "image", self.folder / "root"
        self.root.mkdir()
        try:
            with open(self.image, "wb") as image:
                image.truncate(megabytes << 20)
            quiet = {"ext4": ("-q", "-F", "-E", "lazy_itable_init=0"), "xfs": ("-q", "-f")}[kind]
            call(f"mkfs.{kind}", *quiet, *make, self.image)
            self.mount()
        except OSError as error:
            self.remove()
            raise cases.Skipped(f"no file system of our own: {error}") from error
        os.chmod(self.root, 0o755)

    def mount(self):
        # nouuid: a copy of the file system may be mounted still, see again().
        call("mount", "-o", "loop,nouuid" if self.kind == "xfs" else "loop", "-t", self.kind, self.image, self.root)

    def mounted(self):
        # os.path.ismount() cannot look at a file system that was shut down.
        return f" {self.root} " in pathlib.Path("/proc/mounts").read_text(encoding="utf-8")

    def unmount(self):
        if self.mounted():
            mta.wait(self.try_unmount, 10, f"the end of all use of {self.root}")

    def try_unmount(self):
        return subprocess.run(["umount", str(self.root)], capture_output=True, check=False, timeout=60).returncode == 0

    def cut(self):
        """All that was not made durable is lost. Everything on it fails from now on."""
        fd = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def again(self):
        """After a cut: what is on disk, as a machine that was started again would find it."""
        self.unmount()
        self.mount()
        if not self.alive():
            # Somebody has a copy of our mount in a name space of their own, so the kernel gave us the dead file system again. What is on
            # the disk is in the image: go on with a copy of it.
            self.unmount()
            other = self.image.with_name(self.image.name + "+")
            call("cp", "--sparse=always", self.image, other)
            self.image.unlink()
            self.image = other
            self.mount()

    def alive(self):
        try:
            (self.root / ".alive").touch()
            return True
        except OSError:
            return False

    def sync(self):
        call("sync", "-f", self.root)

    def remove(self):
        with contextlib.suppress(AssertionError, OSError):
            self.unmount()
        if self.mounted():
            subprocess.run(["umount", "-l", str(self.root)], capture_output=True, check=False, timeout=60)
        if not self.mounted():
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()
