#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a fleet costs those that gather its numbers: docs/scale.md is computed from these figures.

    fleet.py --agent PATH --bun PATH [--agents N] [--tools N] [--seconds N]

Records steady runs of that many tools, serves the recording from that many hosts, scrapes them each 5 s, evaluates the rules of
deploy/ and writes everything on to a second server; all of it on this one machine.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))
# pylint: disable=wrong-import-position
from harness import agent as agents
from harness import exposition
from harness.fleet import Fleet
from harness.machine import watching
from harness.prometheus import RULES

PACE = {"scrape_interval": "5s", "scrape_timeout": "4s", "evaluation_interval": "30s"}
RUNS_PER_SECOND = 20
SETTLE_SECONDS = 20  # of which nothing is measured: series are new only once
SAMPLES = "prometheus_tsdb_head_samples_appended_total"
REMOTE_SAMPLES = "prometheus_remote_storage_samples_total"
REMOTE_BYTES = "prometheus_remote_storage_bytes_total"
CPU = "process_cpu_seconds_total"
TICKS = os.sysconf("SC_CLK_TCK")


def run_tool(bun, number):
    request = {"tool_id": f"example/tool-{number}", "tool_exec_id": f"{number:027}", "input": {}, "timeout_ms": 60000}
    subprocess.run([bun, "run", "fleet/.compozy/bun_worker.ts"], input=json.dumps(request).encode(), stdout=subprocess.PIPE, check=True)


def record(path, options):
    """Steady runs: as many a second, of one tool after the other."""
    with subprocess.Popen([options.agent, "record", str(path), *watching(())], stderr=subprocess.PIPE, text=True) as recorder:
        assert any("recording to" in line for line in recorder.stderr), "record did not start"
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for number in range(RUNS_PER_SECOND * (options.seconds + SETTLE_SECONDS)):
                time.sleep(max(0, begin + number / RUNS_PER_SECOND - time.monotonic()))
                pool.submit(run_tool, options.bun, number % options.tools)
        recorder.terminate()
        recorder.stderr.read()


def own_metrics(server):
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as response:
        return exposition.parse(response.read().decode())


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_of(pid):
    return int(re.search(r"VmRSS:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) * 1024


class Moment:
    """What all have used and counted until now."""

    def __init__(self, fleet, scraper, receiver):
        self.time = time.monotonic()
        self.agents = sum(cpu_of(host.player.pid) for host in fleet.hosts)
        with fleet.hub.inside():
            self.scraper, self.receiver = own_metrics(scraper), own_metrics(receiver)


def rate(before, after, server, name):
    return (getattr(after, server).total(name) - getattr(before, server).total(name)) / (after.time - before.time)


def row(name, value, unit=""):
    print(f"  {name:58}{value:>14} {unit}")


def scrape_sizes(host):
    with host.network.inside():
        return [len(host.player.get("/metrics", headers={"Accept": agents.OPENMETRICS, "Accept-Encoding": coding}).content)
                for coding in ("identity", "gzip")]


def report(fleet, scraper, before, after):
    host = fleet.hosts[0]
    with host.network.inside():
        lines = len(host.player.scrape().samples)
    plain, packed = scrape_sizes(host)
    samples = rate(before, after, "scraper", SAMPLES)
    sent = rate(before, after, "scraper", REMOTE_SAMPLES)
    with fleet.hub.inside():
        recorded = len(scraper.query('{__name__=~"cluster_.*"}'))
    row("series of an agent", f"{lines:,}")
    row("a scrape, plain and gzip", f"{plain:,} {packed:,}", "bytes")
    row("CPU of an agent, with a scrape each 5 s", f"{100 * (after.agents - before.agents) / (after.time - before.time) / len(fleet.hosts):.2f}",
        "% of one")
    row("memory of an agent", f"{max(resident_of(host.player.pid) for host in fleet.hosts) / 2**20:.1f}", "MiB")
    for server in ("scraper", "receiver"):
        now = getattr(after, server)
        series = now.total("prometheus_tsdb_head_series")
        row(f"{server}: series", f"{series:,.0f}")
        row(f"{server}: samples a second", f"{rate(before, after, server, SAMPLES):,.0f}")
        row(f"{server}: CPU a million samples", f"{rate(before, after, server, CPU) / rate(before, after, server, SAMPLES) * 1e6:.1f}", "s")
        row(f"{server}: memory a series", f"{now.total('process_resident_memory_bytes') / series:,.0f}", "bytes")
    row("written on: samples of those that were scraped", f"{100 * sent / samples:.0f}", "%")
    row("written on: bytes a sample", f"{rate(before, after, 'scraper', REMOTE_BYTES) / sent:.1f}", "bytes")
    row("series that the rules record, of both clusters", f"{recorded:,}")


def measure(fleet, seconds):
    receiver = fleet.start_receiver(PACE)
    rules = {name: (REPOSITORY / "deploy/prometheus" / name).read_text() for name in RULES}
    scraper = fleet.start_scraper(receiver, PACE, rules)
    fleet.wait_found(scraper)
    fleet.start_hosts()
    time.sleep(SETTLE_SECONDS)
    before = Moment(fleet, scraper, receiver)
    time.sleep(seconds)
    report(fleet, scraper, before, Moment(fleet, scraper, receiver))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--bun", required=True, type=os.path.abspath)  # agents of side by side sessions go by its path
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--tools", type=int, default=40)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    agents.BINARY = pathlib.Path(options.agent)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "fleet.rec"
        record(path, options)
        fleet = Fleet("prometheus", [(path,)], options.agents)
        try:
            measure(fleet, options.seconds)
        finally:
            fleet.stop()


if __name__ == "__main__":
    main()
