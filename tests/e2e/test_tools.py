# SPDX-License-Identifier: Apache-2.0
"""What is a run: other scripts, other names of Bun, compiled programs, scripts with a #!, a pid namespace."""
import json
import os
import shutil
import subprocess

import pytest

from conftest import require, require_small_pid_namespace
from harness import parents
from harness.agent import run_agent
from harness.container import Container
from harness.expect import Expected, Run, check, run_of
from harness.watch import verify_runs, verify_truths, watch_one

HELLO = str(parents.WORKER / "plain/hello.ts")
WORKER = str(parents.WORKER / ".compozy/bun_worker.ts")
REQUEST = '{"tool_id":"sum","tool_exec_id":"34fQ0bZk1xYvT7mN2cR8sL5pWdA","input":{"a":1,"b":2}}'


def run_pipes(command, text, **options):
    """Three pipes, as every server has them. Returns the finished process."""
    environment = {**parents.ENVIRONMENT, **options.pop("env", {})}
    words = [str(word) for word in command]
    return subprocess.run(
        words, input=text.encode(), capture_output=True, env=environment, timeout=60, check=False, **options
    )


def run_from(done, text, **fields):
    return Run(
        input_bytes=len(text),
        output_bytes=len(done.stdout),
        stderr_bytes=len(done.stderr),
        **{"exit": done.returncode, **fields},
    )


def no_run(agent, before, parent):
    """Nothing of what came before this good run was one."""
    (truth,) = parent.run(tool="sum", input={"a": 1, "b": 2})
    verify_runs(agent, before, run_of(truth))


@pytest.mark.parametrize("text", ["", "hello", '{"tool":"sum"}'])
def test_other_scripts_are_no_runs(agent, parent, bun, text):
    before = agent.scrape()
    run_pipes([bun, "run", HELLO], text)
    no_run(agent, before, parent)


def test_other_programs_are_no_runs(agent, parent):
    before = agent.scrape()
    run_pipes(["cat"], REQUEST)
    no_run(agent, before, parent)


def test_a_request_makes_any_script_a_run(agent, bun):
    before = agent.scrape()
    done = run_pipes([bun, "run", HELLO], REQUEST)
    assert done.returncode == 0
    verify_runs(agent, before, run_from(done, REQUEST, tool="sum", outcome="error", error_kind="parse"))


@pytest.mark.parametrize("code", [0, 3])
def test_track_all(start_agent, bun, code):
    agent = start_agent("--track=all")
    before = agent.scrape()
    done = run_pipes([bun, "run", HELLO, str(code)], "hello")
    failed = {"outcome": "error", "error_kind": "wait"} if code else {}
    verify_runs(agent, before, run_from(done, "hello", tool="hello.ts", **failed))


def test_track_all_without_redirection_is_no_run(start_agent, start_parent, bun):
    agent = start_agent("--track=all")
    before = agent.scrape()
    subprocess.run([bun, "run", HELLO], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    no_run(agent, before, start_parent(parents.c_parent, bun))


def test_worker_glob(start_agent, bun):
    agent = start_agent("--worker=*/hello.ts")
    before = agent.scrape()
    done = run_pipes([bun, "run", HELLO], "hello")
    run = run_from(done, "hello", tool="unknown", outcome="error", error_kind="parse")
    verify_runs(agent, before, run)


@pytest.fixture
def other_name(bun, tmp_path):
    """The same Bun under a name of its own."""
    path = tmp_path / "wholewheat"
    try:
        os.link(os.path.realpath(bun), path)
    except OSError:
        shutil.copy(os.path.realpath(bun), path)
    return str(path)


def test_unknown_name_is_not_bun(agent, parent, other_name):
    before = agent.scrape()
    run_pipes([other_name, "run", WORKER], REQUEST)
    no_run(agent, before, parent)


@pytest.mark.parametrize("glob", ["*/wholewheat", "wholewheat", "whole*"])
def test_bun_exe_glob(start_agent, other_name, glob):
    agent = start_agent(f"--bun.exe={glob}")
    before = agent.scrape()
    done = run_pipes([other_name, "run", WORKER], REQUEST)
    verify_runs(agent, before, run_from(done, REQUEST, tool="sum"))


def test_compiled_program(start_agent, bun, tmp_path):
    program = tmp_path / "toolbox"
    built = run_pipes([bun, "build", "--compile", WORKER, "--outfile", program], "", cwd=tmp_path)
    if built.returncode != 0:
        pytest.skip(f"bun build --compile does not work here: {built.stderr.decode()[-200:]}")
    agent = start_agent("--bun.exe=*/toolbox")
    before = agent.scrape()
    done = run_pipes([program], REQUEST)
    verify_runs(agent, before, run_from(done, REQUEST, tool="sum"))


def test_script_with_an_interpreter_line(agent, bun, tmp_path):
    """Two execs in one process: env, then Bun."""
    script = tmp_path / "tool.ts"
    script.write_text(f'#!/usr/bin/env bun\nimport "{WORKER}";\n')
    script.chmod(0o755)
    path = f"{os.path.dirname(bun)}:{os.environ['PATH']}"
    before = agent.scrape()
    done = run_pipes([script], REQUEST, env={"PATH": path})
    verify_runs(agent, before, run_from(done, REQUEST, tool="sum"))


@pytest.mark.kernel
@pytest.mark.parametrize("tool", ["sum", "sleep"])
def test_pid_namespace(agent, start_parent, bun, tool):
    """A container's pids are not the agent's."""
    require("unshare")
    parent = start_parent(parents.c_parent_in_pid_namespace, bun)
    watch_one(agent, parent, {}, tool=tool, input={"a": 1, "b": 2}, timeout_ms=600)


@pytest.mark.kernel
def test_small_pid_namespace(agent, start_parent, bun):
    """Each Bun takes a dozen of two hundred pids, for its threads: all of them are used again and again."""
    require_small_pid_namespace()
    parent = start_parent(parents.c_parent_in_pid_namespace, bun, pids=500)
    before = agent.scrape()
    truths = parent.run(tool="sum", input={"a": 1, "b": 2}, count=80, concurrency=8)
    assert max(truth["pid"] for truth in truths) < 500
    verify_truths(agent, before, truths)


@pytest.fixture
def container(bun, tmp_path):
    for program in ("unshare", "chroot", "ldd"):
        require(program)
    try:
        made = Container(bun, tmp_path / "root")
    except OSError as error:
        pytest.skip(f"no container can be made here: {error}")
    yield made
    made.remove()


def test_container(container, start_agent, start_parent):
    """Bun, its server, their libraries and pids are in there; the agent is not."""
    agent = start_agent(*container.agent_flags)
    parent = start_parent(container.parent)
    for row in (
        {"tool": "sum", "input": {"a": 1, "b": 2}, "count": 8, "concurrency": 4},
        {"tool": "rejects"},
        {"tool": "echo", "input_pad_bytes": 300_000},
        {"tool": "sleep", "timeout_ms": 400},
    ):
        before = agent.scrape()
        verify_truths(agent, before, parent.run(**row))


@pytest.mark.parametrize("door", ["syscall", "fentry"])
def test_each_door(start_agent, parent, door):
    """The same runs through each way to see stdio, where the kernel allows it."""
    flag = f"--probe.stdio={door}"
    report = json.loads(run_agent("doctor", "--json", flag).stdout)
    transfer = next(hook for hook in report["hooks"] if hook["hook"] == "transfer")
    if transfer["state"] == "failed":
        pytest.skip(f"no door {door} here: {transfer['lacks']}")
    agent = start_agent(flag)
    for job in ({"tool": "echo", "input_pad_bytes": 300_000}, {"tool": "rejects"}, {"tool": "sleep", "timeout_ms": 400}):
        before = agent.scrape()
        verify_truths(agent, before, parent.run(**job))


def test_nothing_moves_without_runs(agent):
    before = agent.scrape()
    run_pipes(["true"], "")
    check(before, agent.scrape(), Expected())


def test_job_of_many(agent, parent):
    before = agent.scrape()
    verify_truths(agent, before, parent.run(tool="sum", input={"a": 1, "b": 2}, count=30))
