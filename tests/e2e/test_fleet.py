# SPDX-License-Identifier: Apache-2.0
"""A fleet: agents on hosts of their own, found by a Prometheus, summed by the recording rules, written on to a second one."""
import collections
import math

import pytest

from conftest import require
from harness.agent import REPOSITORY
from harness.fleet import CLUSTERS, Fleet
from harness.prometheus import QUICK, quick_rules
from harness.wait import wait_until

GOLDEN = REPOSITORY / "tests/golden"
AGENTS = 20
# What is on the nodes, in turn.
SOURCES = ((GOLDEN / "tools.rec",), (GOLDEN / "tools.rec", "--track=all"),
           (GOLDEN / "tools.rec", "--metrics.max-label-values=3"))
# Labels that tell nodes of a cluster apart.
OF_NODES = {"instance", "node", "job"}
# Of a moment, or of executions: a recording knows none.
SILENT = {"cluster_tool:runtime_tool_runs_in_flight:sum", "cluster_kind_outcome:http_exec_sync:rate5m",
          "cluster_kind_le:http_exec_sync_latency_seconds_bucket:rate5m", "cluster_kind_code:http_exec_errors:rate5m",
          "cluster_kind:http_exec_started:rate5m"}


@pytest.fixture
def fleet():
    require("ip")
    try:
        made = Fleet(require("prometheus"), SOURCES, AGENTS)
    except OSError as error:
        pytest.skip(f"no network namespace can be made here: {error}")
    yield made
    made.stop()


def series_of(samples, keep):
    """{labels without those of nodes: sum}, of those names that are kept. As OpenMetrics a bound of 10 is 10.0; "" is no label."""
    sums = collections.Counter()
    for labels, value in samples:
        if labels["__name__"] in keep:
            kept = {key: float(text) if key == "le" else text for key, text in labels.items() if text and key not in OF_NODES}
            sums[frozenset(kept.items())] += value
    return sums


def sums_of(hosts, scrapes):
    samples = [({"__name__": name, **dict(labels), **host.labels}, value)
               for host, scrape in zip(hosts, scrapes) for (name, labels), value in scrape.samples.items()]
    return series_of(samples, {labels["__name__"] for labels, _ in samples})


def same(found, wanted):
    return found.keys() == wanted.keys() and all(math.isclose(found[key], wanted[key], rel_tol=1e-9) for key in wanted)


def test_totals_of_a_fleet(fleet):
    receiver = fleet.start_receiver(QUICK)
    scraper = fleet.start_scraper(receiver, QUICK, quick_rules())
    fleet.wait_found(scraper)
    fleet.start_hosts()
    scrapes = [host.wait_over() for host in fleet.hosts]
    for host, scrape in zip(fleet.hosts, scrapes):
        assert scrape.samples == host.wanted.samples, "what is served in the end is what replay prints"
    wanted = sums_of(fleet.hosts, scrapes)
    names = {dict(key)["__name__"] for key in wanted}
    with fleet.hub.inside():
        wait_until(lambda: same(series_of(receiver.query('{job="bunscope"}'), names), wanted), "the receiver has all sums")
        runs = dict((labels["cluster"], value) for labels, value in
                    receiver.query("sum by (cluster) (runtime_tool_execute_seconds_count)"))
        assert runs == {cluster: sum(value for key, value in wanted.items()
                                     if {("__name__", "runtime_tool_execute_seconds_count"), ("cluster", cluster)} <= key)
                        for cluster in CLUSTERS}
        check_rules(scraper, receiver)


def test_shards_write_on_sums_alone(fleet):
    """The centre knows which agents there are, and of their tools what the rules have summed."""
    receiver = fleet.start_receiver(QUICK)
    shards = [fleet.start_shard(receiver, QUICK, quick_rules(), number, 2) for number in range(2)]
    fleet.wait_found(*shards)
    fleet.start_hosts()
    with fleet.hub.inside():
        wait_until(lambda: len(receiver.query("up == 1")) == AGENTS, "each agent is scraped, by one shard")
        assert {labels["shard"] for labels, _ in receiver.query("up")} == {"0", "1"}
        runs = 'sum by (cluster) (cluster_tool_outcome:runtime_tool_runs:rate5m) > 0'
        wait_until(lambda: {labels["cluster"] for labels, _ in receiver.query(runs)} == set(CLUSTERS), "runs of both clusters")
        names = {labels["__name__"] for labels, _ in receiver.query('{__name__=~".+"}')}
    assert {name for name in names if not name.startswith("cluster_")} == {"up"}


def check_rules(scraper, receiver):
    """What the rules recorded is on the receiver, and is what they say of the nodes' own series there."""
    rules = [rule for group in scraper.get("rules", type="record")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} >= SILENT
    for rule in rules:
        if rule["name"] not in SILENT:
            wait_until(lambda rule=rule: agrees(receiver, rule), f"{rule['name']} agrees with {rule['query']}")


def agrees(receiver, rule):
    """At a moment in which runs ended. (A rule may be evaluated while a scrape of that moment is under way: hence one of them.)"""
    history = receiver.get("query", query=f"{rule['name']}[1m]")["result"]
    moments = sorted({time for series in history for time, value in series["values"] if float(value) > 0})
    for time in moments:
        recorded = [({**series["metric"]}, float(value)) for series in history for at, value in series["values"] if at == time]
        found = receiver.query(rule["query"], time=time)
        if same(plain(recorded), plain(found)):
            assert not any(OF_NODES & set(labels) for labels, _ in recorded)
            return True
    return False


def plain(samples):
    return {frozenset(pair for pair in labels.items() if pair[0] != "__name__"): value for labels, value in samples}
