# SPDX-License-Identifier: Apache-2.0
"""Rows 10 to 20, 22 to 24, 26 and 27 of the situation table. Row 21 is not observable: nothing happens."""
import concurrent.futures
import json
import signal
import subprocess
import sys

import pytest

from harness import parents
from harness.expect import Expected, Run, check
from harness.wait import SLOWNESS
from harness.watch import adopted_run, begin_running, check_adopted, settle_deadlines, verify_runs, verify_truths, watch_one

pytestmark = pytest.mark.kernel

MIB = 1 << 20
PIPE_BYTES = 65536
SUCCESS = {"outcome": "success", "error_kind": None, "exit": 0}
TIMEOUT = {"outcome": "timeout", "error_kind": "timeout", "timed_out": True}
CANCELLED = {"outcome": "error", "error_kind": "timeout", "timed_out": False}
KILLED = {"signal": signal.SIGKILL}
# By then Bun has done what it was asked for, in an emulated machine too.
DEADLINE_MS = int(700 * SLOWNESS)
# A server's default; three agents, or three hundred runs, may take such a machine longer.
LAST_MS = int(60_000 * SLOWNESS)
REQUEST = '{"tool_id":"sum","tool_exec_id":"34fQ0bZk1xYvT7mN2cR8sL5pWdA","input":{"a":1,"b":2}}'
BROKEN = str(parents.WORKER_BROKEN)
DEAF = str(parents.WORKER_DEAF)
LEAVES = str(parents.WORKER_LEAVES)


def test_row_10_deadline_while_writing(agent, parent):
    differences = {"startup": False}
    job = {"root": DEAF, "input_pad_bytes": MIB, "timeout_ms": 500}
    truth = watch_one(agent, parent, {**TIMEOUT, **KILLED}, differences, tool="sum", **job)
    assert truth["input_bytes"] < MIB and not truth["output_ended"]


@pytest.mark.parametrize("tool", ["keeps_timer", "throws"])
def test_row_11_reply_then_deadline(agent, parent, tool):
    job = {"input": {"stays": True}, "timeout_ms": DEADLINE_MS}
    truth = watch_one(agent, parent, {**TIMEOUT, **KILLED}, tool=tool, **job)
    assert truth["output_bytes"] > 0


def test_row_12_grandchild_holds_stdout_past_the_deadline(agent, parent):
    row = {**TIMEOUT, "exit": 0}
    truth = watch_one(agent, parent, row, tool="grandchild", input={"seconds": 2 * SLOWNESS}, timeout_ms=DEADLINE_MS)
    assert truth["seconds_min"] >= 2 * SLOWNESS


def test_row_12_grandchild_lets_go_before_the_deadline(agent, parent):
    truth = watch_one(agent, parent, SUCCESS, tool="grandchild", input={"seconds": 0.5}, timeout_ms=int(5000 * SLOWNESS))
    assert truth["seconds_min"] >= 0.5


def test_row_13_cancelled_while_reading(agent, parent):
    watch_one(agent, parent, {**CANCELLED, **KILLED}, tool="sleep", cancel_after_ms=300)


def test_row_13_cancelled_while_writing(agent, parent):
    row = {"outcome": "error", "error_kind": "stdin", "timed_out": False, **KILLED}
    job = {"root": DEAF, "input_pad_bytes": MIB, "cancel_after_ms": 300}
    watch_one(agent, parent, row, {"startup": False}, tool="sum", **job)


def test_row_14_stdout_closed_then_deadline(agent, parent):
    row = {"outcome": "error", "error_kind": "wait", **KILLED}
    watch_one(agent, parent, row, tool="closes_stdout", timeout_ms=DEADLINE_MS)


def test_row_15_earlier_deadline_of_the_caller(agent, parent):
    """In-process code calls it a timeout; from outside it is a cancellation."""
    differences = {"outcome": "error", "timed_out": False}
    watch_one(agent, parent, {**TIMEOUT, **KILLED}, differences, tool="sleep", deadline_ms=300)


@pytest.mark.parametrize("tool", ["big", "prints"])
def test_row_16_too_much_output(agent, parent, tool):
    row = {"outcome": "error", "error_kind": "stdout", "output_bytes": 10 * MIB + 1}
    watch_one(agent, parent, row, tool=tool, input={"bytes": 11 * MIB})


def test_row_17_read_of_stdout_fails(agent, parent):
    row = {"outcome": "error", "error_kind": "stdout", "output_bytes": 0}
    watch_one(agent, parent, row, tool="prints_then_sleeps", input={"bytes": 1000}, stdout_fault=True)


def test_row_18_gone_before_it_read_a_large_request(agent, parent):
    row = {"outcome": "error", "error_kind": "stdin", "exit": 1}
    job = {"root": LEAVES, "input_pad_bytes": MIB}
    truth = watch_one(agent, parent, row, {"startup": False}, tool="sum", **job)
    assert truth["input_bytes"] >= PIPE_BYTES


def test_row_19_dies_at_boot(agent, parent):
    row = {"outcome": "error", "error_kind": "wait", "exit": 1, "output_bytes": 0}
    watch_one(agent, parent, row, {"startup": False}, tool="sum", root=BROKEN)


def write_executable(path, content, mode):
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def require_failed_execs(agent):
    if agent.hook("process/exec_failed").startswith("failed"):
        pytest.skip(f"process/exec_failed: {agent.hook('process/exec_failed')}")


@pytest.mark.parametrize("failure", ["E2BIG", "ENOEXEC", "EACCES"])
def test_row_20_exec_fails(agent, parent, tmp_path, failure):
    """The request was never written, so nobody outside knows the tool."""
    require_failed_execs(agent)
    job = {"E2BIG": {"env_bytes": 200_000}}.get(failure) or {
        "exe": write_executable(tmp_path / "bun", b"no program\n", 0o755 if failure == "ENOEXEC" else 0o644)
    }
    differences = {"tool": "unknown", "seconds": (0, 10)}
    watch_one(agent, parent, {"outcome": "error", "error_kind": "start"}, differences, tool="sum", **job)


GAVE_UP = {"outcome": "error", "error_kind": "start"}
NOWHERE = {"tool": "sum", "root": "/no/such/directory"}


def test_row_20_child_gives_up_before_exec(agent, parent):
    """Its working directory is missing: it ends with Go's status 253. After one good run: a server is known by it."""
    watch_one(agent, parent, SUCCESS, tool="sum", input={"a": 1, "b": 2})
    watch_one(agent, parent, GAVE_UP, {"tool": "unknown", "seconds": (0, 10)}, **NOWHERE)


def test_row_20_other_program_fails_to_start(agent, parent):
    """Its child ends with the same status, after an exec that was not Bun's: nothing of ours."""
    require_failed_execs(agent)
    watch_one(agent, parent, SUCCESS, tool="sum", input={"a": 1, "b": 2})
    before = agent.scrape()
    (truth,) = parent.run(tool="sum", exe="/no/such/program")
    assert truth["error_kind"] == "start"
    truths = parent.run(tool="sum", input={"a": 1, "b": 2})
    verify_truths(agent, before, truths)


def test_row_22_pipes_fail_in_the_server(agent, parent):
    """After one good run: a server is watched from then on."""
    watch_one(agent, parent, SUCCESS, tool="sum", input={"a": 1, "b": 2})
    before = agent.scrape()
    (truth,) = parent.run(tool="sum", no_descriptors=True)
    assert truth["error_kind"] == "stdin" and truth["pid"] == 0
    expected = Expected()
    expected.count("runtime_tool_errors_total", tool_id="unknown", error_kind="start")
    check(before, agent.wait_for(lambda now: not same_errors(before, now), "an error is counted"), expected)


class FailingServer:
    """parents/failing_server.py, known to the agent."""

    def __init__(self, agent, bun, broken):
        script = str(parents.E2E / "parents/failing_server.py")
        worker = str(parents.WORKER / ".compozy/bun_worker.ts")
        before = agent.scrape()
        self.process = subprocess.Popen(
            [sys.executable, script, bun, worker, broken, REQUEST],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=parents.ENVIRONMENT,
        )
        replied, said = map(int, self.process.stdout.readline().split())
        verify_runs(agent, before, Run("sum", exit=0, input_bytes=len(REQUEST), output_bytes=replied, stderr_bytes=said))

    def fail(self, how):
        """Returns the name of the error."""
        self.process.stdin.write(how + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


@pytest.fixture
def failing_server(agent, bun, tmp_path):
    server = FailingServer(agent, bun, write_executable(tmp_path / "bun", b"no program\n", 0o755))
    yield server
    server.stop()


@pytest.mark.parametrize("call", ["pipe", "socketpair"])
def test_row_22_other_calls_fail_in_the_server(agent, failing_server, call):
    """pipe() itself is seen where tracepoints serve; functions are traced of the calls that servers make."""
    if not agent.hook("process/pipe_failed").endswith("tracepoint") and call == "pipe":
        pytest.skip(f"process/pipe_failed: {agent.hook('process/pipe_failed')}")
    before = agent.scrape()
    assert failing_server.fail(call) == "EMFILE"
    expected = Expected()
    expected.count("runtime_tool_errors_total", tool_id="unknown", error_kind="start")
    check(before, agent.wait_for(lambda now: not same_errors(before, now), "an error is counted"), expected)


def same_errors(before, now):
    return now.total("runtime_tool_errors_total") == before.total("runtime_tool_errors_total")


def test_row_20_execveat_fails(agent, failing_server):
    """By path it counts, as with execve. By a descriptor there is no name to know Bun by: nothing counts."""
    require_failed_execs(agent)
    before = agent.scrape()
    assert failing_server.fail("fexecve") == "ENOEXEC"
    assert failing_server.fail("execveat") == "ENOEXEC"
    verify_runs(agent, before, Run("unknown", outcome="error", error_kind="start"))


def test_row_23_long_stderr_line_that_still_ends(agent, parent, bun):
    """The server stops reading; what Bun wrote is what counts."""
    row = {**SUCCESS, "stderr_failed": True}
    size = MIB + 2000
    differences = {"stderr_bytes": len(f"[INFO] worker on bun {bun.version}\n") + size}
    watch_one(agent, parent, row, differences, tool="long_stderr_line", input={"bytes": size})


def test_row_23_long_stderr_line_that_blocks_bun(agent, parent, bun):
    """It writes until the pipe is full, behind the mebibyte that the server read of the line."""
    row = {**TIMEOUT, **KILLED, "stderr_failed": True}
    differences = {"stderr_bytes": len(f"[INFO] worker on bun {bun.version}\n") + MIB + PIPE_BYTES}
    job = {"input": {"bytes": 2 * MIB}, "timeout_ms": int(1000 * SLOWNESS)}
    watch_one(agent, parent, row, differences, tool="long_stderr_line", **job)


def test_stderr_flood_that_is_read_is_no_failure(agent, parent):
    row = {**SUCCESS, "stderr_failed": False}
    watch_one(agent, parent, row, tool="floods_stderr", input={"bytes": 3 * MIB})


def test_row_24_server_dies(agent, parent, bun, tmp_path):
    """The reply meets EPIPE, which old Bun does not mind; nobody knows what a server would have read."""
    request = {"tool_id": "slow", "input": {"ms": 1000 * SLOWNESS, "marker": str(tmp_path / "runs")}}
    (tmp_path / "request").write_text(json.dumps(request))
    before = agent.scrape()
    begin_running(parent, tmp_path, tool="slow", request_file=str(tmp_path / "request"))
    parent.kill()
    run = Run(
        tool="slow",
        outcome="error",
        error_kind="wait",
        exit=0 if bun.version == "1.3.0" else 1,
        input_bytes=len(json.dumps(request)),
        stderr_bytes=len(f"[INFO] worker on bun {bun.version}\n"),
        seconds=(SLOWNESS, 20 * SLOWNESS),
    )
    verify_runs(agent, before, run)


def test_row_26_two_servers_at_once(agent, start_parent, bun):
    servers = [start_parent(parents.c_parent, bun) for _ in range(2)]
    before = agent.scrape()
    jobs = [{"tool": "echo"}, {"tool": "sum", "input": {"a": 1, "b": 2}}]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        work = [
            pool.submit(server.run, count=150, concurrency=25, timeout_ms=LAST_MS, **job)
            for server, job in zip(servers, jobs)
        ]
    truths = [truth for done in work for truth in done.result()]
    assert {truth["outcome"] for truth in truths} == {"success"}
    verify_truths(agent, before, truths, seconds=60)


def test_row_27_agent_started_mid_run(start_each_door, start_tail, parent, tmp_path):
    """What came before was not seen: the run is reported once, with how it ended, and flagged."""
    begin_running(parent, tmp_path, tool="waits", timeout_ms=LAST_MS)
    agents = start_each_door()
    tail = start_tail("--json")
    before = [agent.scrape() for agent in agents]
    (tmp_path / "runs").unlink()
    (truth,) = parent.finish()
    assert truth["outcome"] == "success"
    for agent, scrape in zip(agents, before):
        verify_runs(agent, scrape, adopted_run(truth))
    check_adopted(tail, truth)


def test_unreaped_falls_when_the_server_reaps(agent, parent):
    before = agent.scrape()
    truths = parent.run(tool="sleep", timeout_ms=DEADLINE_MS, count=3, concurrency=3)
    verify_truths(agent, before, truths)
    parent.run(reap=True)
    agent.wait_for(lambda now: now.total("runtime_bun_unreaped") == 0, "no zombie is left")


@pytest.mark.parametrize(
    "variation",
    [
        {"input_pad_bytes": 1000, "chunk_bytes": 7, "chunk_pause_us": 200},
        {"input_pad_bytes": 5 * MIB},
        {"input_pad_bytes": 2000, "stdin_file": True},
    ],
    ids=["many small writes", "5 MiB", "a file"],
)
def test_request_arrives(agent, parent, variation):
    watch_one(agent, parent, SUCCESS, tool="echo", **variation)


def test_stdout_closed_and_another_file_opened(agent, parent):
    before = agent.scrape()
    verify_truths(agent, before, parent.run(tool="reopens_stdout", timeout_ms=int(2000 * SLOWNESS)))


MIXED = [
    {"tool": "sum", "input": {"a": 1, "b": 2}},
    {"tool": "rejects"},
    {"tool": "exit", "input": {"code": 9}},
    {"tool": "sleep", "timeout_ms": 600},
    {"tool": "big", "input": {"bytes": 300_000}},
    {"tool": "crash", "input": {"signal": "SIGTERM"}},
]


def test_thirty_mixed_calls_at_once(agent, parent):
    """Zombies, kills and good runs side by side: each is its own."""
    before = agent.scrape()
    truths = parent.run(calls=MIXED, count=30, concurrency=30)
    assert len(truths) == 30 * len(MIXED)
    settle_deadlines(before, agent.wait_runs(before, len(truths), seconds=60), truths)
    verify_truths(agent, before, truths, seconds=60)
