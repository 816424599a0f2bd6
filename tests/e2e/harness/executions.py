# SPDX-License-Identifier: Apache-2.0
"""What the executions' series must have done, from what a server wrote down and what its clients saw."""
import collections

from harness.exposition import key
from harness.wait import wait_until

LATENCY = "http_exec_sync_latency_seconds"
POLLS = "workflow_sync_polls_total"
POLL_SECONDS = "workflow_sync_poll_duration_seconds"
EXCHANGES = ("http_exec_started_total", LATENCY + "_count", "http_exec_timeouts_total", "http_exec_errors_total")
LOOPS = (POLLS, POLL_SECONDS + "_count")
KINDS = ("task", "agent", "workflow")
OUTCOMES = ("success", "error", "timeout")
BUCKETS = (.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, float("inf"))
NONE = "none"  # the code of an exchange that was not answered


def counts_of(exchanges, polls=()):
    """The counters that these exchanges move, without the latency's buckets."""
    counts = collections.Counter()
    for exchange in exchanges:
        kind, code = exchange["kind"], exchange["code"]
        if exchange["operation"] == "status":
            continue
        if exchange["operation"] == "sync":
            counts[key(LATENCY + "_count", kind=kind, outcome=exchange["outcome"])] += 1
            counts[key("http_exec_timeouts_total", kind=kind)] += exchange["outcome"] == "timeout"
        counts[key("http_exec_started_total", kind=kind)] += exchange["operation"] == "async" and code == 202
        if code == NONE or code >= 400:
            counts[key("http_exec_errors_total", kind=kind, code=str(code))] += 1
    for loop in polls:
        counts[key(POLLS, workflow_id=loop["workflow_id"], outcome=loop["outcome"])] += loop["polls"]
        counts[key(POLL_SECONDS + "_count", workflow_id=loop["workflow_id"])] += 1
    return +counts


def moved(before, after, families=EXCHANGES + LOOPS):
    """What of these series is another than before."""
    names = {name: value - before.samples.get(name, 0) for name, value in after.samples.items() if name[0] in families}
    return collections.Counter({name: int(value) for name, value in names.items() if value})


def latency_limits(exchanges, seconds_max):
    """(kind, outcome) -> [(low, high)]: the handler's time lies within the exchange, and that within the client's."""
    limits = collections.defaultdict(list)
    for exchange in exchanges:
        if exchange["operation"] == "sync":
            limits[exchange["kind"], exchange["outcome"]].append((exchange["seconds"], seconds_max(exchange)))
    return limits


def check_latency(before, after, limits):
    for kind in KINDS:
        for outcome in OUTCOMES:
            check_histogram(before, after, limits[kind, outcome], kind=kind, outcome=outcome)


def check_histogram(before, after, limits, **labels):
    def delta(name, **more):
        return after.value(LATENCY + name, **labels, **more) - before.value(LATENCY + name, **labels, **more)

    for bound in BUCKETS:
        surely = sum(high <= bound for _, high in limits)
        perhaps = sum(low <= bound for low, _ in limits)
        assert surely <= delta("_bucket", le=repr(float(bound))) <= perhaps, (labels, bound, limits)
    assert sum(low for low, _ in limits) <= delta("_sum") <= sum(high for _, high in limits), (labels, limits)


def verify(agent, before, exchanges, polls=None, seconds_max=lambda _: float("inf")):
    """Waits until the agent has counted as much, and compares every series; those of polls where they are given. The scrape
    after."""
    expected = counts_of(exchanges, polls or ())
    families = EXCHANGES if polls is None else EXCHANGES + LOOPS
    last = {}

    def settled():
        last["scrape"] = agent.scrape()
        return moved(before, last["scrape"], families) == expected

    try:
        wait_until(settled, "all exchanges are counted", 10)
    except TimeoutError:
        counted = moved(before, last["scrape"], families)
        assert counted == expected, f"counted {counted}, expected {expected}"
    check_latency(before, last["scrape"], latency_limits(exchanges, seconds_max))
    return last["scrape"]
