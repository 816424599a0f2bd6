# SPDX-License-Identifier: Apache-2.0
"""A fleet: agents that serve recordings, each on a host of its own, and the servers that gather what they say."""
import json

import yaml

from harness.agent import REPOSITORY
from harness.network import Network
from harness.player import FINISHED, Player, replayed
from harness.prometheus import Prometheus
from harness.wait import wait_until

PORT = 9477
CLUSTERS = ("east", "west")
FOUND_SECONDS = 60
TARGETS = "targets.json"
AT_ONCE = {"queue_config": {"batch_send_deadline": "200ms"}}


class Host:
    """source: a recording, and flags of replay."""

    def __init__(self, hub, number, source):
        self.network = Network()
        self.address = f"{hub.connect(self.network, number)}:{PORT}"
        self.labels = {"cluster": CLUSTERS[number % len(CLUSTERS)], "node": f"node-{number}"}
        self.source = source
        self.wanted = replayed(*source)
        self.player = None

    def start(self):
        with self.network.inside():
            self.player = Player(*self.source, address=self.address)

    def wait_over(self):
        """What it serves once its recording has been played."""
        with self.network.inside():
            return self.player.wait_over(self.wanted.total(FINISHED))

    def stop(self):
        if self.player:
            self.player.stop()
        self.network.close()


class Fleet:
    """The servers are in the hub, which has a cable to each host."""

    def __init__(self, prometheus, sources, count):
        self.prometheus = prometheus
        self.hub = Network()
        self.hosts = []
        self.servers = []
        try:
            for number in range(count):
                self.hosts.append(Host(self.hub, number, sources[number % len(sources)]))
        except BaseException:
            self.stop()
            raise

    def start_server(self, configuration, files=None, flags=()):
        with self.hub.inside():
            self.servers.append(Prometheus(self.prometheus, configuration, files, flags))
        return self.servers[-1]

    def start_receiver(self, pace):
        return self.start_server({"global": pace}, flags=["--web.enable-remote-write-receiver"])

    def start_scraper(self, receiver, pace, rules):
        """It writes on all that it has."""
        return self.start_finder({
            "global": pace,
            "rule_files": list(rules),
            "scrape_configs": [{"job_name": "bunscope", "file_sd_configs": [{"files": [TARGETS]}]}],
            "remote_write": [{"url": f"{receiver.url}/api/v1/write", **AT_ONCE}],
        }, rules)

    def start_shard(self, receiver, pace, rules, number, count):
        """One of several that share the hosts, as deploy/prometheus/fleet.yml says; it writes on what that says."""
        configuration = yaml.safe_load((REPOSITORY / "deploy/prometheus/fleet.yml").read_text())
        configuration["global"] = {**pace, "external_labels": {"shard": str(number)}}
        hashmod, keep = configuration["scrape_configs"][0]["relabel_configs"]
        hashmod["modulus"], keep["regex"] = count, str(number)
        configuration["remote_write"][0] |= {"url": f"{receiver.url}/api/v1/write", **AT_ONCE}
        return self.start_finder(configuration, rules)

    def start_finder(self, configuration, rules):
        targets = [{"targets": [host.address], "labels": host.labels} for host in self.hosts]
        return self.start_server(configuration, {**rules, TARGETS: json.dumps(targets)})

    def wait_found(self, *scrapers):
        """All hosts, where nobody listens yet: so each counter is seen to rise from 0."""

        def all_are_down():
            found = [target["health"] for scraper in scrapers for target in scraper.targets()]
            return found == ["down"] * len(self.hosts)

        with self.hub.inside():
            wait_until(all_are_down, "all hosts are found, each by one", FOUND_SECONDS)

    def start_hosts(self):
        for host in self.hosts:
            host.start()

    def stop(self):
        for server in reversed(self.servers):  # who writes to another one ends first
            server.stop()
        for host in self.hosts:
            host.stop()
        self.hub.close()
