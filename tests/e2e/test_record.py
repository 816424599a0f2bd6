# SPDX-License-Identifier: Apache-2.0
"""bunscope record and replay: what was recorded gives the numbers that an agent has seen live."""
import datetime
import os
import pathlib
import re
import signal
import subprocess
import tempfile

import pytest

from harness import exposition, parents
from harness.agent import BINARY, OPENMETRICS, REPOSITORY, bpf_ids, check_sandbox, run_agent
from harness.expect import check, expected_of, run_of
from harness.machine import watching
from harness.player import Player, replayed
from harness.wait import wait_until

NOBODY = 65534
SECRET = "hunter2-hunter2"
# Two agents look at their clocks one after the other.
CLOCK_SECONDS_SLACK = 0.002
# Of one moment: a recording knows none.
MOMENTS = ("runtime_tool_runs_in_flight", "runtime_tool_oldest_run_seconds", "runtime_bun_unreaped")
CALLS = [
    {"tool": "sum", "input": {"a": 1, "b": 2, "secret": SECRET}, "count": 3},
    {"tool": "rejects"},
    {"tool": "exit", "input": {"code": 3}},
    {"tool": "sleep", "timeout_ms": 300},
    {"tool": "sum", "input": {"a": 1, "b": 2}, "input_pad_bytes": 100000},
    {"tool": "sum", "input": {"a": 1, "b": 2}, "count": 8, "concurrency": 8},
]


def links(pid):
    return sum(kind == "link_id" for kind, _ in bpf_ids(pid))


class Record:
    """`bunscope record`, ready: it has attached as much as an agent that says it is ready."""

    def __init__(self, path, wanted_links, *flags):
        self.path = path
        self.process = subprocess.Popen(
            [str(BINARY), "record", str(path), *watching(flags)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: self.has_links(wanted_links), "record has attached its programs")

    def has_links(self, wanted):
        assert self.process.poll() is None, self.process.stderr.read()
        return links(self.process.pid) == wanted

    def stop(self, number=signal.SIGTERM):
        """Its exit code and what it said on standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, said = self.process.communicate(timeout=10)
        assert out == "", "it printed something for a run"
        check_sandbox(said)
        return self.process.returncode, said


@pytest.fixture
def start_record(agent, tmp_path):
    wanted_links = links(agent.pid)
    started = []

    def start(*flags, name="runs.rec"):
        started.append(Record(tmp_path / name, wanted_links, *flags))
        return started[-1]

    yield start
    for record in started:
        record.stop()


def replay(path, *flags, **options):
    ended = run_agent("replay", str(path), *flags, **options)
    assert ended.returncode == 0, ended.stderr
    return exposition.parse(ended.stdout), ended.stderr


def runtime_samples(scraped):
    return {
        sample: value
        for sample, value in scraped.samples.items()
        if sample[0].startswith("runtime_") and sample[0] not in MOMENTS
    }


def check_same(replayed, live):
    """The same series; the same numbers but for times, which lie close together."""
    replayed, live = runtime_samples(replayed), runtime_samples(live)
    assert replayed.keys() == live.keys()
    for sample, value in live.items():
        name = sample[0]
        if "_seconds_bucket" in name:
            continue  # near a bound they may differ; the truth of the parent says what is right
        slack = CLOCK_SECONDS_SLACK * len(CALLS) if "_seconds" in name and not name.endswith("_count") else 0
        assert abs(replayed[sample] - value) <= slack, (sample, replayed[sample], value)


def run_calls(agent, parent):
    before = agent.scrape()
    truths = [truth for job in CALLS for truth in parent.run(**job)]
    return truths, agent.wait_runs(before, len(truths))


def size(path):
    return os.stat(path).st_size


@pytest.mark.parametrize("flags", [(), ("--payload",)], ids=["redacted", "payload"])
def test_replay_equals_the_live_agent(agent, start_record, start_parent, newest_bun, flags):
    record = start_record(*flags)
    parent = start_parent(parents.c_parent, newest_bun)
    truths, live = run_calls(agent, parent)
    # The agent's sweep and the recorder's are not at the same moment.
    wait_until(lambda: replay(record.path)[0].total("runtime_tool_execute_seconds_count") == len(truths), "all recorded")
    code, said = record.stop()
    assert code == 0
    assert f"recorded {len(truths)} Bun processes, {size(record.path)} bytes" in said
    replayed, said = replay(record.path)
    assert said == ""
    check_same(replayed, live)
    check(exposition.Exposition(), replayed, expected_of(*map(run_of, truths)))
    assert replayed.value("bunscope_runs_finished_total") == len(truths)
    assert not any(name.startswith(MOMENTS) or name.startswith("process_") for name in replayed.types)


def test_nothing_that_was_said_is_recorded(agent, start_record, start_parent, newest_bun):
    redacted, whole = start_record(), start_record("--payload", name="whole.rec")
    parent = start_parent(parents.c_parent, newest_bun)
    before = agent.scrape()
    parent.run(tool="sum", input={"a": 1, "b": 2, "secret": SECRET})
    agent.wait_runs(before, 1)
    for record in (redacted, whole):
        assert record.stop()[0] == 0
    assert SECRET.encode() in whole.path.read_bytes()
    recorded = redacted.path.read_bytes()
    assert SECRET.encode() not in recorded
    assert b"metadata" not in recorded and b"result" not in recorded
    assert b'"tool_id":"sum"' in recorded
    assert os.stat(redacted.path).st_mode & 0o777 == 0o600


def test_killed_recorder_leaves_whole_runs(agent, start_record, start_parent, newest_bun):
    record = start_record()
    parent = start_parent(parents.c_parent, newest_bun)
    before = agent.scrape()
    parent.run(tool="sum", input={"a": 1, "b": 2}, count=3)
    agent.wait_runs(before, 3)
    wait_until(lambda: replay(record.path)[0].value("bunscope_runs_finished_total") == 3, "three are in the file")
    record.stop(signal.SIGKILL)
    replayed, said = replay(record.path)
    assert "was not closed: it holds the first 3 Bun processes" in said
    assert replayed.total("runtime_tool_execute_seconds_count", tool_id="sum") == 3


def test_flags_of_replay_apply(agent, start_record, start_parent, newest_bun):
    record = start_record()
    parent = start_parent(parents.c_parent, newest_bun)
    before = agent.scrape()
    parent.run(tool="sum", input={"a": 1, "b": 2})
    agent.wait_runs(before, 1)
    assert record.stop()[0] == 0
    prefixed, _ = replay(record.path, "--metrics.prefix=compozy_")
    assert prefixed.total("compozy_runtime_tool_execute_seconds_count", tool_id="sum") == 1
    nobodys, _ = replay(record.path, "--bun.exe=deno")
    assert nobodys.total("runtime_tool_execute_seconds_count") == 0
    assert nobodys.value("bunscope_runs_finished_total") == 1


def test_dying_reader_ends_it(agent, start_record, start_parent, newest_bun, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    record = start_record(name="pipe")
    os.close(reader)
    start_parent(parents.c_parent, newest_bun).run(tool="sum", input={"a": 1, "b": 2})
    assert record.process.wait(10) == 1
    assert "Broken pipe" in record.process.stderr.read()


def one_line(ended, code, text):
    assert ended.returncode == code, ended.stderr
    assert text in ended.stderr and ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stdout == ""


def test_record_overwrites_nothing(tmp_path):
    path = tmp_path / "precious"
    path.write_text("precious")
    one_line(run_agent("record", str(path)), 1, "exists")
    assert path.read_text() == "precious"


def test_record_says_what_it_cannot_write(tmp_path):
    one_line(run_agent("record", "/dev/full"), 1, "No space left")
    one_line(run_agent("record", str(tmp_path / "none" / "x")), 1, "No such file")
    one_line(run_agent("record"), 2, "record needs a FILE")


def test_record_without_root_leaves_no_file():
    prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is its owner's alone
        os.chmod(folder, 0o777)
        ended = run_agent("record", f"{folder}/x", prefix=prefix)
        assert ended.returncode == 1 and "run as root" in ended.stderr
        assert not os.listdir(folder)


def test_replay_needs_no_root():
    golden = REPOSITORY / "tests/golden/tools.rec"
    prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs")
    with open(golden, "rb") as file, open(REPOSITORY / "tests/golden/tools.txt", encoding="utf-8") as text:
        path = pathlib.Path(f"/proc/self/fd/{file.fileno()}")
        ended = subprocess.run(
            [*prefix, str(BINARY), "replay", str(path)], pass_fds=[file.fileno()], capture_output=True, text=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout) == (0, text.read()), ended.stderr


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "is empty"),
        (b"hello, world", "is not a recording"),
        (b"BUNSCOPE", "ends within its header"),
        (b"BUNSCOPE" + b"\xff" + bytes(60), "newer bunscope"),
    ],
)
def test_replay_says_what_it_cannot_read(tmp_path, content, said):
    path = tmp_path / "x"
    path.write_bytes(content)
    one_line(run_agent("replay", str(path)), 1, said)
    one_line(run_agent("replay", str(tmp_path / "none")), 1, "No such file")
    one_line(run_agent("replay"), 2, "replay needs a FILE")


# ---- replay --serve ----

TOOLS = REPOSITORY / "tests/golden/tools.rec"
TOOLS_COUNT = 34
# Between its first and its last end lies a little more.
TOOLS_SECONDS = 0.8


@pytest.fixture
def start_player():
    started = []

    def start(*arguments, **options):
        started.append(Player(*arguments, **options))
        return started[-1]

    yield start
    for player in started:
        assert player.stop()[0] == 0


def logged(player, what):
    """When it said so."""
    (line,) = [line for line in player.log.splitlines() if what in line]
    return datetime.datetime.fromisoformat(re.search(r"time=(\S+)Z", line).group(1)).timestamp()


@pytest.mark.parametrize("flags", [(), ("--metrics.prefix=x_", "--track=all")])
def test_what_is_served_in_the_end_is_what_replay_prints(start_player, flags):
    player = start_player(TOOLS, *flags)
    assert player.wait_over(TOOLS_COUNT).samples == replayed(TOOLS, *flags).samples
    assert logged(player, f"all {TOOLS_COUNT} Bun processes") - logged(player, "listening on") >= TOOLS_SECONDS
    text = player.get("/metrics", headers={"Accept": OPENMETRICS}).content.decode()
    assert text.endswith("# EOF\n")


def test_a_player_has_no_page_and_no_privileges(start_player):
    player = start_player(TOOLS)
    statuses = {path: player.get(path).status for path in ("/", "/page/app.js", "/api/live", "/api/runs", "/api/spans", "/healthz", "/readyz")}
    assert statuses == {"/healthz": 200, "/readyz": 200, **dict.fromkeys(["/", "/page/app.js", "/api/live", "/api/runs", "/api/spans"], 404)}
    assert not bpf_ids(player.pid)
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{player.pid}/status").read_text().splitlines())
    assert (int(status["CapEff"], 16), status["NoNewPrivs"], status["Seccomp"]) == (0, "1", "2")


def test_a_damaged_recording_ends_a_player(tmp_path):
    content = bytearray(TOOLS.read_bytes())
    content[len(content) // 2:] = bytes(len(content) - len(content) // 2)
    (tmp_path / "x").write_bytes(content)
    done = run_agent("replay", str(tmp_path / "x"), "--serve", "--web.listen-address=127.0.0.1:0")
    assert done.returncode == 1 and "is damaged" in done.stderr.splitlines()[-1], done.stderr
