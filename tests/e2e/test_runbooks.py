# SPDX-License-Identifier: Apache-2.0
"""A stranger with a firing alert: the commands of its runbook lead to the cause, in scenarios made for that."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from conftest import require
from harness import parents
from harness.agent import REPOSITORY
from harness.load import Load, tools
from harness.wait import wait_until
from harness.watch import begin_running

RUNBOOKS = REPOSITORY / "docs/runbooks"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
GOOD = {"tool": "sum", "input": {"a": 1, "b": 2}, "count": 6, "concurrency": 2}
STUCK = "runtime_tool_oldest_run_seconds > 600"


@pytest.fixture(scope="module")
def agent(start_agent_of_module):
    """One for all scenarios: its runbooks must find the cause among what others did."""
    return start_agent_of_module()


@pytest.fixture(scope="module")
def prometheus(agent, start_prometheus_of_module):
    started = start_prometheus_of_module(agent, changes=[(STUCK, STUCK.replace("600", "3"))])
    wait_until(lambda: started.query("bunscope_up"), "the agent was scraped")
    return started


@pytest.fixture
def parent(start_parent, newest_bun):
    return start_parent(parents.c_parent, newest_bun)


def blocks(name):
    text = (RUNBOOKS / f"{name}.md").read_text()
    return BLOCK.findall(text.partition("## How to see it")[2].partition("## What to do")[0])


def run_block(block, agent, prometheus, tool):
    for program in ("jq", "curl", "promtool"):
        require(program)
    environment = {**os.environ, "AGENT": f"http://{agent.address[0]}:{agent.address[1]}", "PROMETHEUS": prometheus.url, "TOOL": tool}
    return subprocess.run(["bash", "-euo", "pipefail", "-c", block], env=environment, capture_output=True, text=True, timeout=30, check=False)


def walk(name, agent, prometheus, tool=""):
    """What each command of the runbook prints."""
    outputs = []
    for block in blocks(name):
        done = run_block(block, agent, prometheus, tool)
        assert (done.returncode, done.stderr) == (0, ""), f"{name}: {block}{done.stderr}"
        outputs.append(done.stdout)
    return outputs


def samples(output):
    """promtool's lines, {labels} => value @[time], as (labels, value)."""
    return [(dict(re.findall(r'(\w+)="([^"]*)"', line)), float(line.rpartition("=> ")[2].split()[0])) for line in output.splitlines()]


def test_a_tool_that_times_out(agent, prometheus, parent):
    with Load(tools(parent, [{"tool": "sleep", "timeout_ms": 300, "count": 3, "concurrency": 3}, GOOD])):
        alert = prometheus.wait_alert("ToolTimeoutSpike")
    assert alert["tool_id"] == "sleep"
    where, states, runs = walk("ToolTimeoutSpike", agent, prometheus, alert["tool_id"])
    assert [labels["instance"] for labels, _ in samples(where)] == [f"{agent.address[0]}:{agent.address[1]}"]
    spent = {labels["state"]: value for labels, value in samples(states)}
    assert spent["wait"] > 5 * spent["cpu"], "the runbook's first row: it waits for something outside"
    last = [json.loads(line) for line in runs.splitlines()]
    assert last and all(run["seconds"] >= 0.25 and run["timeout_ms"] == 300 and run["cpu_seconds"] < run["seconds"] / 2 for run in last)
    assert all("first_byte" not in run["timeline"] and "signal" in run["timeline"] for run in last)


def test_a_tool_that_is_oom_killed(agent, memory_cgroup, prometheus, parent):
    parent.run(**GOOD)
    (truth,) = parent.run(tool="eats_memory", cgroup=str(memory_cgroup.path))
    prometheus.wait_alert("ToolOOMKills")
    where, runs, usual = walk("ToolOOMKills", agent, prometheus)
    assert len(samples(where)) == 1
    run = json.loads(runs.splitlines()[-1])
    assert (run["tool_id"], run["tool_exec_id"], run["signal"]) == ("eats_memory", truth["exec_id"], "SIGKILL")
    assert run["max_rss_bytes"] > 20e6
    assert "sum" in {labels["tool_id"] for labels, _ in samples(usual)}


def test_a_tool_whose_server_died(agent, prometheus, parent, tmp_path):
    """Nobody ends it, until the runbook's reader does."""
    pid = begin_running(parent, tmp_path, tool="sleep")
    parent.kill()
    prometheus.wait_alert("ToolRunStuck")
    in_flight, processes, _ = walk("ToolRunStuck", agent, prometheus)
    assert [(labels["tool_id"], value) for labels, value in samples(in_flight)] == [("sleep", 1)]
    rows = {int(fields[0]): int(fields[1]) for fields in (line.split(None, 4) for line in processes.splitlines())}
    assert rows[pid] != parent.process.pid and name_of(rows[pid]) != parents.PARENT.name, "its parent is an init"
    os.kill(pid, signal.SIGTERM)
    prometheus.wait_quiet("ToolRunStuck")


def name_of(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


@pytest.mark.parametrize("name", sorted(path.stem for path in RUNBOOKS.glob("*.md") if path.stem != "README"))
def test_every_command_works(agent, prometheus, name):
    assert blocks(name), "a runbook without a command"
    for block in blocks(name):
        done = run_block(block, agent, prometheus, "sum")
        found_nothing = done.returncode == 1 and "| grep" in block
        assert done.stderr == "" and (done.returncode == 0 or found_nothing), f"{block}{done.stderr}"
