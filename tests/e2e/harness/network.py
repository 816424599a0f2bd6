# SPDX-License-Identifier: Apache-2.0
"""Network namespaces of the test's own. They have no names: nothing is left of them once they are closed."""
import contextlib
import ctypes
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
OWN = "/proc/thread-self/ns/net"


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


class Network:
    """What a thread does inside() it, and each process that it starts there, has this network and no other."""

    def __init__(self):
        made = []
        thread = threading.Thread(target=self._make, args=(made,))
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        self.fd = made[0]
        self.ip("link set lo up")

    @staticmethod
    def _make(made):
        try:
            check(LIBC.unshare(CLONE_NEWNET), "unshare")
            made.append(os.open(OWN, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            made.append(error)

    @contextlib.contextmanager
    def inside(self):
        before = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            check(LIBC.setns(self.fd, CLONE_NEWNET), "setns")
            try:
                yield self
            finally:
                check(LIBC.setns(before, CLONE_NEWNET), "setns")
        finally:
            os.close(before)

    def ip(self, *commands):
        with self.inside():
            subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True, capture_output=True)

    def connect(self, other, number):
        """A cable of its own. Returns the address of the other end."""
        path = f"/proc/{os.getpid()}/fd/{other.fd}"
        self.ip(f"link add to{number} type veth peer name eth0 netns {path}",
                f"address add 10.77.{number}.1/30 dev to{number}", f"link set to{number} up")
        other.ip(f"address add 10.77.{number}.2/30 dev eth0", "link set eth0 up")
        return f"10.77.{number}.2"

    def close(self):
        os.close(self.fd)
