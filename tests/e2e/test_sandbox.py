# SPDX-License-Identifier: Apache-2.0
"""
Least privilege: which capability each hook takes, proved by leaving one out; and what the agent has given up once
it runs. That no run of any test meets a refused system call, the harness asserts when it ends an agent.
"""
import json
import os
import pathlib
import re
import shutil
import tempfile

import pytest

from conftest import require
from harness import agent as agents
from harness import parents
from harness.doors import readyz_line
from harness.wait import SLOWNESS
from harness.watch import begin_running, watch_one

pytestmark = pytest.mark.kernel

NOBODY = 65534


@pytest.fixture
def as_nobody(monkeypatch):
    """Of a set of capabilities, the command before the agent that leaves it these and no more, as a user without any."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        monkeypatch.setattr(agents, "BINARY", pathlib.Path(shutil.copy(agents.BINARY, directory)))
        yield nobody_with


def nobody_with(capabilities):
    names = ["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in sorted(capabilities))]
    kept = ",".join(names)
    return [
        require("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}",
    ]


def hooks_with(prefix):
    report = json.loads(agents.run_agent("doctor", "--json", prefix=prefix).stdout)
    return {f"{hook['family']}/{hook['hook']}": hook for hook in report["hooks"]}


def all_of(hooks):
    return set().union(*(hook["capabilities"] for hook in hooks.values()))


def without(missing):
    """What goes with a capability: CAP_SYS_ADMIN, which some kernels want for tracepoints, would take these two's place."""
    return {missing, "CAP_SYS_ADMIN"} if missing in ("CAP_BPF", "CAP_PERFMON") else {missing}


def test_each_capability_is_needed_for_what_the_table_says(as_nobody):
    """With all that the table names, nobody gets what root gets; without one, just the hooks lose that name it."""
    full = hooks_with([])
    needed = all_of(full)
    assert {name: hook["state"] for name, hook in hooks_with(as_nobody(needed)).items()} == {
        name: hook["state"] for name, hook in full.items()
    }
    for missing in sorted(needed):
        for name, hook in hooks_with(as_nobody(needed - without(missing))).items():
            named = bool(without(missing) & set(full[name]["capabilities"]))
            same = (hook["state"], hook["flavour"], hook["reason"]) == (
                full[name]["state"], full[name]["flavour"], full[name]["reason"])
            assert same != named, f"{name} without {missing}: {hook}"


def works_in_part(hooks):
    return all(hook["state"] != "failed" for hook in hooks.values() if hook["required"])


def test_agent_without_a_capability_lacks_what_the_doctor_said(as_nobody, start_agent, start_parent, newest_bun):
    """A required hook's keeps it from starting; without another one it runs, without just what the doctor named."""
    needed = all_of(hooks_with([]))
    required = set()
    for missing in sorted(needed):
        prefix = as_nobody(needed - without(missing))
        hooks = hooks_with(prefix)
        if not works_in_part(hooks):
            required.add(missing)
            done = agents.run_agent("--web.listen-address=127.0.0.1:0", prefix=prefix)
            assert done.returncode == 1 and "not allowed to load BPF programs" in done.stderr, done.stderr
            continue
        agent = start_agent(prefix=prefix)
        for name, hook in hooks.items():
            if hook["family"] in ("process", "stdio"):
                assert f"{name}: {agent.hook(name)}" == readyz_line(hook)
        watch_one(agent, start_parent(parents.c_parent, newest_bun), {"outcome": "success"}, tool="sum", input={"a": 1, "b": 2})
    assert required == {"CAP_BPF", "CAP_PERFMON"}


def test_nobody_with_these_capabilities_sees_runs_exactly(as_nobody, start_agent, start_parent, newest_bun):
    agent = start_agent(prefix=as_nobody(all_of(hooks_with([]))))
    parent = start_parent(parents.c_parent, newest_bun)
    watch_one(agent, parent, {"outcome": "success"}, tool="sum", input={"a": 1, "b": 2})
    watch_one(agent, parent, {"outcome": "timeout", "error_kind": "timeout"}, tool="sleep", timeout_ms=int(600 * SLOWNESS))


@pytest.mark.parametrize("with_ptrace", [True, False], ids=["with CAP_SYS_PTRACE", "without CAP_SYS_PTRACE"])
def test_adoption_takes_ptrace(as_nobody, start_agent, start_parent, newest_bun, tmp_path, with_ptrace):
    parent = start_parent(parents.c_parent, newest_bun)
    begin_running(parent, tmp_path, tool="waits")
    needed = all_of(hooks_with([]))
    agent = start_agent(prefix=as_nobody(needed if with_ptrace else needed - {"CAP_SYS_PTRACE"}))
    in_flight = agent.scrape().total("runtime_tool_runs_in_flight")
    (tmp_path / "runs").unlink()
    parent.finish()
    assert in_flight == (1 if with_ptrace else 0)


def status_of(task):
    return dict(re.findall(r"^(\w+):\s*(\w+)$", (task / "status").read_text(), re.M))


# linux/capability.h
NUMBERS = {"CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}


def bits_of(names):
    return sum(1 << NUMBERS[name] for name in names)


def test_agent_has_given_up_what_it_does_not_need(agent):
    """Of all its threads, whatever libraries start."""
    hooks = hooks_with([])
    keeps = set().union(*(hook["keeps"] for hook in hooks.values()))
    said = re.search("^bunscope keeps of its capabilities: (.*)$", agents.run_agent("doctor").stdout, re.M).group(1)
    assert set(said.split()) == keeps
    for task in pathlib.Path(f"/proc/{agent.pid}/task").iterdir():
        status = status_of(task)
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm")} == {bits_of(keeps)}
        assert {int(status[name], 16) for name in ("CapInh", "CapAmb", "CapBnd")} == {0}
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
    assert "gave up what it no longer needs" in agent.log
    for hook in ("capabilities", "syscalls"):
        (line,) = [line for line in agent.get("/readyz").content.decode().splitlines() if f"sandbox/{hook}" in line]
        assert "attached" in line or "fallback" in line
    assert agent.scrape().value("bunscope_denied_syscalls_total") == 0


def test_doctor_and_probes_agree_on_the_sandbox(agent):
    for name, hook in hooks_with([]).items():
        if hook["family"] == "sandbox":
            line = f"{name}: {hook['state']} by {hook['flavour']}"
            assert line in agent.get("/readyz").content.decode()
