# SPDX-License-Identifier: Apache-2.0
"""What the agent says when it cannot start: one line, the exit code of the contract, nothing left attached."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

import pytest

from conftest import require
from harness.agent import BINARY, run_agent
from harness.wait import wait_until

FREE = "--web.listen-address=127.0.0.1:0"


def one_line(done):
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert done.stdout == ""
    return lines[0]


@pytest.mark.parametrize(
    "flag, named",
    [
        ("--nonsense", "--nonsense"),
        ("--nonsense=1", "--nonsense"),
        ("--track=some", "--track"),
        ("--probe.stdio=magic", "--probe.stdio"),
        ("--log.level=loud", "--log.level"),
        ("--log.format=xml", "--log.format"),
        ("--web.listen-address=nowhere", "--web.listen-address"),
        ("--web.listen-address=127.0.0.1:99999", "--web.listen-address"),
        ("--metrics.max-label-values=none", "--metrics.max-label-values"),
        ("--metrics.prefix=9 lives", "--metrics.prefix"),
        ("--web.listen-address", "--web.listen-address"),
        ("word", "word"),
    ],
)
def test_usage_error(flag, named):
    done = run_agent(flag)
    assert done.returncode == 2
    assert named in one_line(done)


def test_help_names_the_flags():
    done = run_agent("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for flag in ("--web.listen-address", "--bun.exe", "--worker", "--track", "--probe.stdio", "--log.level"):
        assert flag in done.stdout
    assert "tail" in done.stdout


def test_version():
    done = run_agent("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("bunscope ")


def test_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        before = bpf_programs()
        done = run_agent(f"--web.listen-address=127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in one_line(done)
    wait_until(lambda: not bpf_programs() - before, "no new BPF program is left")


@pytest.fixture
def readable_binary():
    """A copy where every user can reach it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        yield shutil.copy(BINARY, directory)


@pytest.mark.parametrize(
    "identity",
    [["--reuid=65534", "--regid=65534", "--clear-groups"], ["--bounding-set=-all", "--inh-caps=-all"]],
    ids=["nobody", "root without capabilities"],
)
def test_without_privileges(readable_binary, identity):
    command = [require("setpriv"), *identity, readable_binary, FREE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1, done.stderr
    assert "CAP_BPF" in one_line(done) or "root" in one_line(done)


def in_mount_namespace(mount):
    unshare = require("unshare")
    return [unshare, "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh"]


def test_without_btf():
    done = run_agent(FREE, prefix=in_mount_namespace("mount -t tmpfs none /sys/kernel/btf"))
    assert done.returncode == 1
    assert "BTF" in one_line(done)


@pytest.mark.parametrize("missing", ["/sys/kernel/tracing", "/sys/fs/bpf", "/sys/kernel/debug"])
def test_without_a_file_system(missing):
    """Works without, or says in one line what to do."""
    mount = f"mkdir -p {missing}; mount -t tmpfs none {missing}"
    command = in_mount_namespace(mount) + ["timeout", "--preserve-status", "-s", "TERM", "2", str(BINARY), FREE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        assert done.returncode == 1
        assert missing in one_line(done)


def libraries(agent):
    """Of an agent: its libraries' paths, by name."""
    maps = pathlib.Path(f"/proc/{agent.pid}/maps").read_text(encoding="utf-8")
    return {found[2]: found[1] for found in re.finditer(r"(/\S+/(lib[a-z0-9]+)\S*\.so\S*)$", maps, re.M)}


ASKS = "--otlp.endpoint=http://127.0.0.1:9"


def test_libcurl_is_loaded_by_who_asks_somebody(start_agent):
    """It brings OpenSSL, Kerberos and LDAP: a fifth of the agent's memory, for nothing where nobody is asked. Its lack is said."""
    alone = libraries(start_agent())
    assert "libmicrohttpd" in alone and not {"libcurl", "libcrypto", "libkrb5"} & alone.keys()
    libcurl = libraries(start_agent(ASKS))["libcurl"]
    for asks in (ASKS, "--kubernetes.pods-url=http://127.0.0.1:9/pods"):
        done = run_agent(FREE, asks, prefix=in_mount_namespace(f"mount --bind /dev/null {libcurl}"))
        assert done.returncode == 1
        assert "libcurl.so.4" in one_line(done) and "install" in one_line(done)


def bpf_programs():
    bpftool = require("bpftool")
    return {program["id"] for program in json.loads(subprocess.check_output([bpftool, "-j", "prog", "list"]))}
