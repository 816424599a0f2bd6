# SPDX-License-Identifier: Apache-2.0
"""The same calls under parents in other languages, and under a shell."""
import os
import shutil
import signal
import subprocess

import pytest

from harness import parents
from harness.expect import Run
from harness.wait import SLOWNESS
from harness.watch import verify_runs, verify_truths, watch_one

pytestmark = pytest.mark.kernel

DEADLINE_MS = int(600 * SLOWNESS)
MAKERS = {
    "node": parents.node_parent,
    "python": parents.python_parent,
    "bun": parents.bun_parent,
    "c": parents.c_parent,
}
CASES = {
    "success": ({"tool": "sum", "input": {"a": 1, "b": 2}}, {"outcome": "success", "exit": 0}),
    "thrown error": ({"tool": "rejects"}, {"outcome": "error", "error_kind": "parse", "exit": 0}),
    "exit code": ({"tool": "exit", "input": {"code": 3}}, {"error_kind": "wait", "exit": 3}),
    "crash": ({"tool": "crash", "input": {"signal": "SIGABRT"}}, {"signal": signal.SIGABRT}),
    "timeout": ({"tool": "sleep", "timeout_ms": DEADLINE_MS}, {"outcome": "timeout", "signal": signal.SIGKILL}),
    "large output": ({"tool": "big", "input": {"bytes": 5 << 20}}, {"outcome": "success", "exit": 0}),
    "large request": ({"tool": "echo", "input_pad_bytes": 2 << 20}, {"outcome": "success", "exit": 0}),
    "non-JSON": ({"tool": "garbage_only"}, {"outcome": "error", "error_kind": "parse", "exit": 0}),
}


@pytest.fixture(params=[name for name in MAKERS if name != "c"])
def other_parent(request, start_parent, bun):
    if request.param == "node" and not shutil.which("node"):
        pytest.skip("node is not installed")
    return start_parent(MAKERS[request.param], bun)


@pytest.mark.parametrize("case", CASES)
def test_call(agent, other_parent, case):
    job, row = CASES[case]
    watch_one(agent, other_parent, row, **job)


def test_ten_at_once(agent, other_parent):
    before = agent.scrape()
    verify_truths(agent, before, other_parent.run(tool="echo", count=20, concurrency=10))


@pytest.mark.parametrize("pad", [10, 100_000])
def test_bun_parent_with_a_blob(agent, start_parent, bun, pad):
    """Bun hands a Blob over as a memfd: there is no pipe, and nobody but the child reads it."""
    parent = start_parent(parents.bun_parent, bun)
    row = {"outcome": "success", "exit": 0}
    watch_one(agent, parent, row, tool="echo", input_pad_bytes=pad, stdin="blob")


REQUEST = '{"tool_id":"%s","tool_exec_id":"34fQ0bZk1xYvT7mN2cR8sL5pWdA","input":%s}'


def run_shell(script, bun, request):
    environment = {
        **parents.ENVIRONMENT,
        "BUN": str(bun),
        "WORKER": f"{parents.WORKER}/.compozy/bun_worker.ts",
        "REQUEST": request,
    }
    return subprocess.run(["/bin/sh", "-c", script], env=environment, capture_output=True, timeout=60, check=False)


def shell_run(request, done, **fields):
    sizes = {"input_bytes": len(request), "output_bytes": len(done.stdout), "stderr_bytes": len(done.stderr)}
    return Run(**{**sizes, **fields})


PIPELINE = 'printf %s "$REQUEST" | "$BUN" --smol run "$WORKER" | cat'
KILLING_PIPELINE = (
    f'printf %s "$REQUEST" | timeout --foreground -s KILL {DEADLINE_MS / 1000} "$BUN" --smol run "$WORKER" | cat'
)
ERROR = {"outcome": "error"}
# Tool, its input, the pipeline, and how the run is reported.
SHELL_CASES = {
    "success": ("sum", '{"a":1,"b":2}', PIPELINE, {"exit": 0}),
    "thrown error": ("rejects", "{}", PIPELINE, {**ERROR, "error_kind": "parse", "exit": 0}),
    "exit code": ("exit", '{"code":4}', PIPELINE, {**ERROR, "error_kind": "wait", "exit": 4}),
    "crash": (
        "crash", '{"signal":"SIGABRT"}', PIPELINE,
        # The shell may say on the same stderr that it was aborted.
        {**ERROR, "error_kind": "wait", "signal": signal.SIGABRT, "sender": "self", "stderr_bytes": None},
    ),
    "timeout": (
        "sleep", f'{{}},"timeout_ms":{DEADLINE_MS}', KILLING_PIPELINE,
        {"outcome": "timeout", "error_kind": "timeout", "timed_out": True, "signal": signal.SIGKILL},
    ),
    "large output": ("big", '{"bytes":5000000}', PIPELINE, {"exit": 0}),
}


@pytest.mark.parametrize("case", SHELL_CASES)
def test_shell_pipeline(agent, bun, case):
    tool, data, script, how = SHELL_CASES[case]
    request = REQUEST % (tool, data)
    before = agent.scrape()
    done = run_shell(script, bun, request)
    verify_runs(agent, before, shell_run(request, done, tool=tool, **how))


def test_shell_in_between(agent, bun):
    """sh -c that does not exec: the pipes' other ends are its parent's."""
    request = REQUEST % ("sum", '{"a":1,"b":2}')
    before = agent.scrape()
    command = ["/bin/sh", "-c", '"$0" --smol run "$1"; exit $?', str(bun), f"{parents.WORKER}/.compozy/bun_worker.ts"]
    done = subprocess.run(
        command, input=request.encode(), capture_output=True, env=parents.ENVIRONMENT, timeout=60, check=False
    )
    verify_runs(agent, before, shell_run(request, done, tool="sum", exit=0))


def test_files_as_stdin_and_stdout(agent, bun, tmp_path):
    """There is no pipe whose end could be seen: the child's own reads and writes are what counts."""
    request = REQUEST % ("sum", '{"a":1,"b":2}')
    before = agent.scrape()
    (tmp_path / "in").write_text(request)
    script = f'"$BUN" --smol run "$WORKER" <{tmp_path}/in >{tmp_path}/out 2>{tmp_path}/err'
    assert run_shell(script, bun, request).returncode == 0
    run = Run(
        tool="sum",
        exit=0,
        input_bytes=len(request),
        output_bytes=os.path.getsize(tmp_path / "out"),
        stderr_bytes=os.path.getsize(tmp_path / "err"),
    )
    verify_runs(agent, before, run)
