# SPDX-License-Identifier: Apache-2.0
"""What the runtime series must have done: built from the parents' truth, compared with nothing left over.

Counts, bytes and labels must be equal. Measured times must lie between what was seen last before the event and
first after it, and the histogram buckets with them.
"""
import signal
from dataclasses import dataclass, replace
from typing import Optional, Tuple

from harness.exposition import key
from harness.wait import SLOWNESS

MIB = 1 << 20
# Bun needs tens of megabytes; a zygote of the parent's would show less, a wrong unit much more or less. One that was killed
# before it read its request may not have touched more than a few of them.
RSS_BYTES_MIN = 8 * MIB
RSS_BYTES_MIN_UNSTARTED = MIB
# The kernel keeps resident pages in per-cpu counters and may be off by a batch each.
RSS_BYTES_SLACK = 8 * MIB
# The kernel rounds rusage, and a zombie that can be waited for runs on until it leaves its CPU. An emulator's one thread
# gives each CPU of its guest a turn of up to 0.1 s: whoever waits may have one before the zombie's next instruction.
CPU_SECONDS_SLACK = 0.002 if SLOWNESS == 1 else 0.1
THREADS_MAX = 64
FAULTS_SHOWN = 12
EPSILON = 1e-6  # of sums of floating point numbers


@dataclass(frozen=True)
class Run:
    """One run, as the situation table says it must be reported."""

    tool: str
    outcome: str = "success"
    error_kind: Optional[str] = None
    stderr_error: bool = False
    timed_out: bool = False
    exit: Optional[int] = None
    signal: Optional[int] = None
    sender: str = "server"
    output_bytes: Optional[int] = 0  # None: stdout did not reach EOF
    input_bytes: Optional[int] = 0  # None: not known
    stderr_bytes: Optional[int] = 0
    startup: bool = True  # the worker read its request
    seconds: Tuple[float, float] = (0, float("inf"))
    latency: Optional[Tuple[float, float]] = None  # None: seconds
    cpu_seconds_max: float = float("inf")
    rss_bytes_max: float = float("inf")
    unreaped: bool = False


def run_of(truth, **differences):
    """The run that a parent's truth stands for. What the kernel sees otherwise is given as differences."""
    started = truth["pid"] != 0
    killed = truth.get("signal") == signal.SIGKILL and truth["killed"]
    run = Run(
        tool=truth["tool"],
        outcome=truth["outcome"],
        error_kind=truth["error_kind"],
        stderr_error=truth.get("stderr_failed", False),
        timed_out=truth["timed_out"],
        exit=truth.get("exit"),
        signal=truth.get("signal"),
        sender="server" if killed else "self",
        output_bytes=truth["output_bytes"] if truth["output_ended"] else None,
        input_bytes=truth["input_bytes"],
        stderr_bytes=truth["stderr_bytes"],
        startup=truth.get("startup", True),
        seconds=(truth.get("seconds_min", 0), truth.get("seconds_max", float("inf"))),
        latency=truth.get("latency"),
        cpu_seconds_max=truth.get("cpu_seconds", float("inf")),
        rss_bytes_max=truth.get("max_rss_bytes", float("inf")),
        unreaped=started and not truth["waited"],
    )
    return replace(run, **differences)


class Expected:
    """Deltas of counters, histograms and zombies; all other gauges must be 0 when the runs are over."""

    def __init__(self):
        self.counters = {}
        self.histograms = {}  # (family, labels) -> [(low, high)]
        self.life = {}  # tool -> longest that its main threads can have lived, until they left their CPUs
        self.unreaped = 0  # more zombies than before
        self.runs = 0

    def count(self, name, n=1, **labels):
        sample = key(name, **labels)
        self.counters[sample] = self.counters.get(sample, 0) + n

    def observe(self, family, low, high=None, **labels):
        ranges = self.histograms.setdefault((family, tuple(sorted(labels.items()))), [])
        ranges.append((low, low if high is None else high))

    def add(self, run):
        self.runs += 1
        low, high = run.latency or run.seconds
        self.observe("runtime_tool_execute_seconds", low, high, tool_id=run.tool, outcome=run.outcome)
        if run.error_kind:
            self.count("runtime_tool_errors_total", tool_id=run.tool, error_kind=run.error_kind)
        if run.stderr_error:
            self.count("runtime_tool_errors_total", tool_id=run.tool, error_kind="stderr")
        if run.timed_out:
            self.count("runtime_tool_timeouts_total", tool_id=run.tool)
        if run.exit is not None or run.signal is not None:
            self._add_exit(run)
        return self

    def _add_exit(self, run):
        tool = {"tool_id": run.tool}
        exits = "runtime_bun_process_exits_total"
        if run.signal is None:
            self.count(exits, status="exit", code=str(run.exit), signal="")
        else:
            name = signal.Signals(run.signal).name
            self.count(exits, status="signal", code=str(128 + run.signal), signal=name)
            self.count("runtime_bun_signals_total", signal=name, sender=run.sender)
        if run.output_bytes is not None:
            self.observe("runtime_tool_output_bytes", run.output_bytes, **tool)
        for family, size in (("input", run.input_bytes), ("stderr", run.stderr_bytes)):
            low, high = (0, float("inf")) if size is None else (size, size)
            self.observe(f"runtime_tool_{family}_bytes", low, high, **tool)
        self._add_measures(run, tool)
        self.unreaped += run.unreaped

    def _add_measures(self, run, tool):
        high = run.seconds[1]
        if run.startup:
            self.observe("runtime_tool_startup_seconds", 0, high, **tool)
        cpu_max = min(run.cpu_seconds_max + CPU_SECONDS_SLACK, high * THREADS_MAX)
        self.observe("runtime_tool_cpu_seconds", 0.001, cpu_max, **tool)
        rss_max = run.rss_bytes_max + RSS_BYTES_SLACK
        self.observe("runtime_tool_max_rss_bytes", RSS_BYTES_MIN if run.startup else RSS_BYTES_MIN_UNSTARTED, rss_max, **tool)
        self.life[run.tool] = self.life.get(run.tool, 0) + high + CPU_SECONDS_SLACK


def expected_of(*runs):
    expected = Expected()
    for run in runs:
        expected.add(run)
    return expected


def check(before, after, expected):
    """Compares all runtime series: no difference may be left."""
    faults = []
    left = {
        sample: after.samples.get(sample, 0) - before.samples.get(sample, 0)
        for sample in set(before.samples) | set(after.samples)
        if sample[0].startswith("runtime_")
    }
    check_foreign(expected, left, faults)
    check_gauges(before, after, expected, left, faults)
    check_main_thread(expected, left, faults)
    for (family, labels), ranges in sorted(expected.histograms.items()):
        check_histogram(family, labels, ranges, left, faults)
    for sample, n in sorted(expected.counters.items()):
        compare(sample, left.pop(sample, 0), n, n, faults)
    for sample, delta in sorted(left.items()):
        compare(sample, delta, 0, 0, faults)
    more = [f"… and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
    assert not faults, "series differ:\n  " + "\n  ".join(faults[:FAULTS_SHOWN] + more)


def compare(sample, value, low, high, faults):
    if low - EPSILON <= value <= high + EPSILON:
        return
    labels = ",".join(f'{name}="{text}"' for name, text in sample[1])
    wanted = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    faults.append(f"{sample[0]}{{{labels}}}: {value:.9g}, expected {wanted}")


def check_foreign(expected, left, faults):
    """The agent sees all Bun runs of the machine: say so first when some are not the test's."""
    mine = {dict(labels).get("tool_id") for _, labels in expected.histograms}
    seen = {dict(labels)["tool_id"] for (name, labels), n in left.items() if name.endswith("_seconds_count") and n}
    if seen - mine:
        faults.append(f"runs of other tools were seen: {', '.join(sorted(seen - mine))}")


def check_gauges(before, after, expected, left, faults):
    for sample in [sample for sample in left if after.type_of(sample[0]) == "gauge"]:
        del left[sample]
        zombies = before.samples.get(sample, 0) + expected.unreaped
        wanted = zombies if sample[0] == "runtime_bun_unreaped" else 0
        compare(sample, after.samples.get(sample, 0), wanted, wanted, faults)


def check_main_thread(expected, left, faults):
    """The three states add up to the main threads' lives: to when they leave their CPUs, a little after their parents know."""
    name = "runtime_tool_main_thread_seconds_total"
    for tool, high in expected.life.items():
        states = {state: left.pop(key(name, tool_id=tool, state=state), 0) for state in ("cpu", "runqueue", "wait")}
        compare(key(name, tool_id=tool, state="cpu"), states["cpu"], EPSILON * 2, high, faults)
        compare(key(name, tool_id=tool, state="sum of all"), sum(states.values()), EPSILON * 2, high, faults)


def check_histogram(family, labels, ranges, left, faults):
    n = len(ranges)
    low, high = sum(r[0] for r in ranges), sum(r[1] for r in ranges)
    compare((f"{family}_count", labels), left.pop((f"{family}_count", labels), 0), n, n, faults)
    compare((f"{family}_sum", labels), left.pop((f"{family}_sum", labels), 0), low, high, faults)
    buckets = [s for s in left if s[0] == f"{family}_bucket" and without_le(s[1]) == labels]
    if not buckets:
        faults.append(f"{family}{dict(labels)}: no buckets")
    for sample in buckets:
        bound = float(dict(sample[1])["le"])
        surely = sum(r[1] <= bound for r in ranges)
        possibly = sum(r[0] <= bound for r in ranges)
        compare(sample, left.pop(sample), surely, possibly, faults)


def without_le(labels):
    return tuple(pair for pair in labels if pair[0] != "le")
