# SPDX-License-Identifier: Apache-2.0
"""A server that fails in the ways that other parents cannot: one a word on stdin. It begins with a good run, by which it is known.

    pipe, socketpair     no descriptor is left for it
    execveat, fexecve    a child cannot execute argv[3], by its path or by a descriptor of it
"""
import ctypes
import errno
import os
import platform
import resource
import subprocess
import sys

EXE, WORKER, BROKEN, REQUEST = sys.argv[1:5]
SYS_EXECVEAT = {"x86_64": 322, "aarch64": 281}[platform.machine()]
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
AF_UNIX, SOCK_STREAM = 1, 1
LIBC = ctypes.CDLL(None, use_errno=True)


def starved(call):
    """Calls it with no descriptor left; how it failed."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    result = call()
    error = ctypes.get_errno()
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    return error if result < 0 else 0


def executes(directory, path, flags):
    """A child with three pipes tries to; how it failed."""
    pipes = [os.pipe() for _ in range(3)]
    arguments = (ctypes.c_char_p * 4)(b"bun", b"run", WORKER.encode(), None)
    pid = os.fork()
    if pid == 0:
        for i, ends in enumerate(pipes):
            os.dup2(ends[i > 0], i)
        LIBC.syscall(SYS_EXECVEAT, directory, path, arguments, None, flags)
        os._exit(ctypes.get_errno())
    for end in sum(pipes, ()):
        os.close(end)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def by_descriptor():
    with open(BROKEN, "rb") as file:
        return executes(file.fileno(), b"", AT_EMPTY_PATH)


FAILURES = {
    "pipe": lambda: starved(lambda: LIBC.pipe((ctypes.c_int * 2)())),
    "socketpair": lambda: starved(lambda: LIBC.socketpair(AF_UNIX, SOCK_STREAM, 0, (ctypes.c_int * 2)())),
    "execveat": lambda: executes(AT_FDCWD, BROKEN.encode(), 0),
    "fexecve": by_descriptor,
}
good = subprocess.run([EXE, "run", WORKER], input=REQUEST.encode(), capture_output=True, check=True)
print(len(good.stdout), len(good.stderr), flush=True)
for word in sys.stdin:
    print(errno.errorcode[FAILURES[word.strip()]()], flush=True)
