# SPDX-License-Identifier: Apache-2.0
"""The container image: built from the Containerfile on a Debian of the test's own, run without root, seeing the host."""
import json
import os
import re
import signal
import subprocess

import pytest

from conftest import require
from harness.agent import LISTENING, REPOSITORY
from harness import exposition
from harness.machine import watching
from harness.parents import c_parent
from harness.wait import wait_until
from test_package import base, package, run  # noqa: F401 pylint: disable=unused-import

CAPABILITIES = ("CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH")
DAC_READ_SEARCH = 1 << 2
# Debian slim is 75 MB of it, the agent less than one, the rest are libraries.
IMAGE_BYTES_MAX = 110_000_000


class Buildah:
    """Its own storage, plain copies, no runtime: works where nothing else does."""

    def __init__(self, program, directory):
        self.flags = [program, "--root", directory / "storage", "--runroot", directory / "run", "--storage-driver", "vfs"]

    def __call__(self, command, *arguments):
        return run(*self.flags, command, *arguments).strip()

    def bytes_of(self, image):
        """Of its files as they would lie on a disk."""
        container = self("from", image)
        path = self("mount", container)
        size = int(run("du", "-sxB1", "--apparent-size", path).split()[0])
        self("rm", container)
        return size


@pytest.fixture(scope="module")
def buildah(base, tmp_path_factory):  # noqa: F811
    builder = Buildah(require("buildah"), tmp_path_factory.mktemp("buildah"))
    empty = builder("from", "scratch")
    builder("add", "--quiet", empty, base, "/")
    builder("commit", "--quiet", empty, "localhost/debian")
    builder("rm", empty)
    builder("build", "--quiet", "--isolation", "chroot", "--layers=false", "--build-arg", "BASE=localhost/debian",
            "--tag", "localhost/bunscope", "--file", REPOSITORY / "deploy/container/Containerfile", REPOSITORY)
    return builder


def test_its_size(buildah):
    size = buildah.bytes_of("localhost/bunscope")
    print(f"the image: {size / 1e6:.1f} MB")
    assert size < IMAGE_BYTES_MAX


def test_it_runs_without_root_and_sees_the_host(buildah, tmp_path, start_parent, newest_bun):
    # Buildah's own system call filter knows BPF for CAP_SYS_ADMIN alone.
    container = buildah("from", "--security-opt", "seccomp=unconfined",
                        *[f"--cap-add={name}" for name in CAPABILITIES], "localhost/bunscope")
    log = tmp_path / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [str(word) for word in buildah.flags] + [
                "run", "--isolation", "chroot", "--volume", "/sys/kernel/tracing:/sys/kernel/tracing:ro", container, "--",
                "/usr/sbin/bunscope", "--web.listen-address=127.0.0.1:0", *watching(())],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    try:
        found = wait_until(lambda: LISTENING.search(log.read_text()) or process.poll() is not None, "it listens")
        assert found is not True, log.read_text()
        agent = agent_below(process.pid)
        status = open(f"/proc/{agent}/status", encoding="ascii").read()
        assert re.search(r"^Uid:\s+65532\s+65532", status, re.M)
        has_given_up_privileges(status)
        assert scrape(found).value("bunscope_up") == 1
        sees_the_host(found, start_parent(c_parent, newest_bun))
    finally:
        if process.poll() is None:
            os.kill(agent_below(process.pid) or process.pid, signal.SIGTERM)
        process.wait(20)


def has_given_up_privileges(status):
    """What nothing needs once all is attached, tracefs first of all: the container grants more than that."""
    said = dict(line.split(":\t", 1) for line in status.splitlines())
    assert int(said["CapBnd"], 16) & DAC_READ_SEARCH
    assert int(said["CapPrm"], 16) & DAC_READ_SEARCH == 0
    assert (said["NoNewPrivs"], said["Seccomp"]) == ("1", "2")


def scrape(found):
    return exposition.parse(run("curl", "-sS", f"http://{found[1]}:{found[2]}/metrics"))


def sees_the_host(found, parent):
    """Runs outside the container, a zombie among them: that one is known by its pid in the host's /proc alone."""
    (killed,) = parent.run(tool="sleep", timeout_ms=600)
    truths = parent.run(tool="sum", input={"a": 1, "b": 2}, count=3)
    wait_until(lambda: scrape(found).total("runtime_tool_execute_seconds_count") == 4, "four runs are over")
    wait_until(lambda: scrape(found).value("runtime_bun_unreaped") == 1, "one of them is a zombie")
    runs = [json.loads(line) for line in run("curl", "-sS", f"http://{found[1]}:{found[2]}/api/runs").splitlines()]
    assert sorted(run["tool_id"] for run in runs) == ["sleep", "sum", "sum", "sum"]
    assert killed["timed_out"] and len(truths) == 3


def agent_below(pid):
    """The agent among the descendants of a process; None when it is not there."""
    children = run("ps", "-e", "-o", "pid=,ppid=,comm=").splitlines()
    parents = {int(p): (int(pp), comm) for p, pp, comm in (line.split(None, 2) for line in children)}
    for child, (parent, comm) in parents.items():
        while comm == "bunscope" and parent in parents:
            if parent == pid:
                return child
            parent = parents[parent][0]
    return None
