# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost: the agent stopped under load, killed and restarted, scraped all the time."""
import signal
import threading
import time

from harness.watch import adopted_run, begin_running, check_adopted, verify_runs, verify_truths

LOAD = {"tool": "sum", "input": {"a": 1, "b": 2}}
RUNS = 300  # twice what the ring holds
STOPPED_SECONDS = 5


def test_agent_stopped_under_load(agent, parent):
    """The ring fills meanwhile; what it cannot take is swept from the map."""
    before = agent.scrape()
    agent.process.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        truths = parent.run(count=RUNS, concurrency=16, **LOAD)
        while time.monotonic() - stopped < STOPPED_SECONDS:
            truths += parent.run(count=16, concurrency=16, **LOAD)
    finally:
        agent.process.send_signal(signal.SIGCONT)
    after = verify_truths(agent, before, truths, seconds=30)
    assert after.total("bunscope_runs_lost_total") == 0
    assert after.total("bunscope_runs_rescued_total") > 0


def test_agent_killed_and_restarted_mid_run(start_agent, start_tail, parent, tmp_path):
    first = start_agent()
    begin_running(parent, tmp_path, tool="slow", input={"ms": 5000})
    first.wait_for(lambda now: now.total("runtime_tool_runs_in_flight") == 1, "the run is in flight")
    first.process.kill()
    first.process.wait()
    first.stopped = True
    second = start_agent()
    tail = start_tail("--json")
    before = second.scrape()
    (truth,) = parent.finish()
    assert truth["outcome"] == "success"
    verify_runs(second, before, adopted_run(truth))
    check_adopted(tail, truth)


def test_scrapes_during_a_storm(agent, parent):
    before = agent.scrape()
    over = threading.Event()
    faults = []

    def scrape():
        while not over.is_set():
            try:
                agent.scrape()
            except Exception as error:  # pylint: disable=broad-except
                faults.append(error)
                return

    scrapers = [threading.Thread(target=scrape) for _ in range(4)]
    for scraper in scrapers:
        scraper.start()
    truths = parent.run(count=200, concurrency=16, **LOAD)
    over.set()
    for scraper in scrapers:
        scraper.join()
    assert not faults, faults[0]
    verify_truths(agent, before, truths)


def test_nothing_is_left_in_the_maps(agent, parent):
    parent.run(count=200, concurrency=16, **LOAD)
    parent.run(tool="sleep", timeout_ms=200, count=10, concurrency=10)
    parent.run(reap=True)

    def empty(now):
        return now.value("bunscope_map_entries", map="runs") == 0 and now.total("runtime_bun_unreaped") == 0

    after = agent.wait_for(empty, "the maps are empty")
    for (name, labels), entries in after.samples.items():
        if name == "bunscope_map_entries" and dict(labels)["map"] in ("runs", "streams"):
            assert entries == 0, labels


def test_ring_of_one_page(start_agent, parent):
    """It holds one record: with the agent stopped all the others wait in the map, and are counted as rescued."""
    agent = start_agent("--probe.ring-bytes=4096")
    before = agent.scrape()
    agent.process.send_signal(signal.SIGSTOP)
    try:
        truths = parent.run(count=40, concurrency=8, **LOAD)
    finally:
        agent.process.send_signal(signal.SIGCONT)
    after = verify_truths(agent, before, truths)
    assert after.total("bunscope_runs_rescued_total") == len(truths) - 1
    assert after.total("bunscope_runs_lost_total") == 0


def test_runs_map_of_16_entries(start_agent, parent):
    """64 runs at once: 16 are exact, 48 are counted as lost for that reason, and nothing else moves."""
    agent = start_agent("--probe.max-runs=16")
    truths = parent.run(tool="slow", input={"ms": 5000}, count=64, concurrency=64)
    assert {truth["outcome"] for truth in truths} == {"success"}

    def over(now):
        return now.total("bunscope_runs_finished_total") == 16

    after = agent.wait_for(over, "16 runs are over")
    assert after.value("bunscope_runs_lost_total", cause="map_full") == 48
    assert after.total("bunscope_runs_lost_total") == 48
    assert after.total("bunscope_runs_started_total") == 64
    assert after.value("runtime_tool_execute_seconds_count", tool_id="slow", outcome="success") == 16
    assert after.total("runtime_tool_execute_seconds_count") == 16
    assert after.total("runtime_tool_errors_total") == 0
    assert after.total("runtime_bun_process_exits_total") == 16
    assert after.value("bunscope_map_entries", map="runs") == 0
    assert after.value("bunscope_map_entries", map="streams") == 0
