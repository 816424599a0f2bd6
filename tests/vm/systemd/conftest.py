# SPDX-License-Identifier: Apache-2.0
"""The package under a systemd that is the first process: tests/vm/systemd-root made this machine, run-in-vm -s booted it."""
import os
import pathlib
import subprocess

import pytest

from harness import agent as agents
from harness import parents
from harness.wait import wait_until

BUN = agents.BUILD / "bun/1.4.5/node_modules/.bin/bun"
CONFIGURATION = pathlib.Path("/etc/bunscope/bunscope.yml")
SERVICE = "bunscope.service"


def pytest_sessionstart(session):
    if pathlib.Path("/proc/1/comm").read_text().strip() != "systemd" or not os.path.exists("/srv/bunscope"):
        pytest.exit("these tests install and purge a package: `make test-systemd` runs them in a machine of their own", 2)


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{journal()}"
    return done.stdout.strip()


def journal():
    return subprocess.run(["journalctl", "--unit", SERVICE, "--output=cat", "--no-pager"], capture_output=True, text=True,
                          check=True).stdout


class Service(agents.Agent):
    """The agent that systemd runs."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.address = ("127.0.0.1", 9477)
        self.process = self  # whose end is asked for
        self.headers = {}

    def get(self, path, method="GET", headers=None):
        return super().get(path, method, headers or self.headers)

    def poll(self):
        return None if self.property("ActiveState") == "active" else self.property("Result")

    @property
    def pid(self):
        return int(self.property("MainPID"))

    @property
    def log(self):
        return journal()

    def property(self, name):
        return run("systemctl", "show", "--value", "--property", name, SERVICE)

    def restarts(self):
        return int(self.property("NRestarts"))

    def wait_up(self, after):
        """Until systemd has started another process than that one."""
        wait_until(lambda: self.property("ActiveState") == "active" and self.pid != after, "systemd has started another agent", 60)

    def status(self):
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@pytest.fixture(scope="session")
def service():
    return Service()


@pytest.fixture
def parent():
    started = parents.c_parent(BUN)
    yield started
    started.stop()


@pytest.fixture
def packages():
    """The package, and a newer one."""
    return sorted((agents.REPOSITORY / "build/deb").glob("bunscope_*.deb"))


def install(package):
    run("apt-get", "install", "--yes", "--option", "Dpkg::Options::=--force-confold", package,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
