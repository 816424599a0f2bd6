# SPDX-License-Identifier: Apache-2.0
"""A container without its engine: namespaces, a control group and a root directory of its own, with Bun and the C parent."""
import os
import pathlib
import re
import shutil
import subprocess
import uuid

from harness.machine import BUNS_UNDER
from harness.parents import PARENT, WORKER, Parent
from harness.wait import wait_until

# Enters the control group, then all namespaces; the parent becomes the first process there, as in an image without an init.
ENTER = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'
NAMESPACES = ["unshare", "--pid", "--mount", "--cgroup", "--ipc", "--uts", "--net", "--fork", "--kill-child"]
BECOME = 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$@"'


class Container:
    """Raises OSError where this machine has no control group to give."""

    def __init__(self, bun, root):
        name = f"bunscope-e2e-{uuid.uuid4().hex[:8]}"
        self.root = pathlib.Path(root)
        self.exe = f"/opt/{name}/bun"
        for directory in ("proc", "dev", "tmp"):
            (self.root / directory).mkdir(parents=True)
        self._add(os.path.realpath(bun), self.exe)
        self._add(PARENT, "/parent")
        shutil.copytree(WORKER, self.root / "worker")
        self.cgroup = unified_hierarchy() / name
        self.cgroup.mkdir()

    def _add(self, program, path):
        put(program, self.inside(path))
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            put(os.path.realpath(library), self.inside(library))

    def inside(self, path):
        return self.root / path.lstrip("/")

    @property
    def agent_flags(self):
        """By its default names an agent beside other checkouts' sees only what has a path under this one."""
        return [f"--bun.exe={self.exe}"] if BUNS_UNDER else []

    def parent(self):
        command = ["sh", "-c", ENTER, "sh", self.cgroup, *NAMESPACES, "sh", "-c", BECOME, "sh", self.root]
        return Parent([*command, "/parent", "--exe", self.exe, "--root", "/worker"], own_pids=False)

    def remove(self):
        procs = self.cgroup / "cgroup.procs"
        wait_until(lambda: not procs.read_text().strip(), f"{self.cgroup} is empty")
        self.cgroup.rmdir()


def put(source, target):
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def unified_hierarchy():
    """Where the control groups are whose id a run has."""
    for line in pathlib.Path("/proc/mounts").read_text(encoding="ascii").splitlines():
        _, directory, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(directory)
    raise OSError("no cgroup2 is mounted")
