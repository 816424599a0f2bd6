# SPDX-License-Identifier: Apache-2.0
"""The machine under the tests: a memory cgroup of the test's own, and what of a file is in the page cache."""
import ctypes
import fcntl
import mmap
import os
import pathlib
import socket
import subprocess
import uuid

from harness.wait import wait_until

PAGE = mmap.PAGESIZE
LOCK = "/tmp/bunscope-e2e.lock"
# A directory: agents then see no Bun but those under it, and sessions with another one may run beside this one.
BUNS_UNDER = os.environ.get("BUNSCOPE_BUNS_UNDER")
BUN_NAMES = ("bun", "bun.exe", "bunx", "bun-profile", "bun-debug")  # the default of --bun.exe


def lock_machine(path=LOCK, otherwise="BUNSCOPE_BUNS_UNDER=DIRECTORY, with all of its Bun there, runs beside others that do so"):
    """
    Waits until no other session runs Bun that this one would see. Held until closed, or the process ends.
    otherwise: how to go on without waiting, for who reads that it waits.
    """
    lock = open(path, "w", encoding="ascii")  # pylint: disable=consider-using-with
    how = fcntl.LOCK_SH if BUNS_UNDER else fcntl.LOCK_EX
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        holders = " ".join(lock_holders(lock)) or "not to be seen from here"
        print(f"other tests or another demo run Bun on this machine, and this one would count theirs: waiting until they let go of {path}"
              f" (pid {holders}); {otherwise}", flush=True)
        fcntl.flock(lock, how)
    return lock


def lock_holders(file):
    """The pids of those that hold a lock on it: lines like "1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF"."""
    inode = str(os.stat(file.fileno()).st_ino)
    rows = [line.split() for line in pathlib.Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    return [row[4] for row in rows if row[1] == "FLOCK" and row[5].rpartition(":")[2] == inode]


def watching(flags):
    """The flags of an agent that sees no Bun but this session's: under the default names, nothing else that is there."""
    if not BUNS_UNDER or any(flag.startswith("--bun.exe") for flag in flags):
        return flags
    return (*(f"--bun.exe={BUNS_UNDER}/*/{name}" for name in BUN_NAMES), *flags)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def has_own_pid_limits():
    """Since Linux 6.14 pid_max is a pid namespace's own; before, it is the machine's, and to be left alone."""
    return tuple(int(number) for number in os.uname().release.split(".")[:2]) >= (6, 14)


def pid_namespace(pids=None):
    """A command's prefix that runs it in a pid namespace; with no more pids than given, of which 300 are given once only."""
    limit = ["sh", "-c", f'echo {pids} > /proc/sys/kernel/pid_max && exec "$@"', "sh"] if pids else []
    return ["unshare", "--pid", "--fork", "--kill-child", *limit]


class MemoryCgroup:
    """A cgroup with a memory limit, v1 or v2. Raises OSError where this machine has none to give."""

    def __init__(self, limit_bytes):
        parent, limit = memory_hierarchy()
        self.path = parent / f"bunscope-e2e-{uuid.uuid4().hex[:8]}"
        self.path.mkdir()
        (self.path / limit).write_text(str(limit_bytes))
        swap = self.path / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")

    def remove(self):
        procs = self.path / "cgroup.procs"
        wait_until(lambda: not procs.read_text().strip(), f"{self.path} is empty")
        self.path.rmdir()


def memory_hierarchy():
    """The directory under which to make a memory cgroup, and the name of its limit."""
    v1 = pathlib.Path("/sys/fs/cgroup/memory")
    if (v1 / "memory.limit_in_bytes").exists():
        return v1, "memory.limit_in_bytes"
    v2 = pathlib.Path("/sys/fs/cgroup")
    control = v2 / "cgroup.subtree_control"
    if "memory" not in (v2 / "cgroup.controllers").read_text().split():
        raise OSError("no memory controller")
    if "memory" not in control.read_text().split():
        control.write_text("+memory")
    return v2, "memory.max"


def is_in_memory(directory):
    """Is it on a tmpfs, whose pages are nowhere else?"""
    kind = subprocess.run(["stat", "--file-system", "--format=%T", str(directory)], capture_output=True, text=True, check=True)
    return kind.stdout.strip() in ("tmpfs", "ramfs")


def resident_pages(path):
    """How many pages of a file are in the page cache."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    size = os.stat(path).st_size
    pages = ctypes.create_string_buffer((size + PAGE - 1) // PAGE)
    fd = os.open(path, os.O_RDONLY)
    address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    os.close(fd)
    assert address != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
    result = libc.mincore(address, size, pages)
    libc.munmap(address, size)
    assert result == 0, os.strerror(ctypes.get_errno())
    return sum(byte & 1 for byte in pages.raw)


def evict(path):
    """Drops one file from the page cache. Its pages must be clean and unmapped."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)
