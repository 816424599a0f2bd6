# SPDX-License-Identifier: Apache-2.0
"""A fleet: agents that serve recordings, each on a host of its own, and the servers that gather what they say."""
import json

from harness.network import Network
from harness.player import FINISHED, Player, replayed
from harness.prometheus import Prometheus
from harness.wait import wait_until

PORT = 9477
CLUSTERS = ("east", "west")
FOUND_SECONDS = 60


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
        """It has found all hosts, where nobody listens yet: so it sees each counter rise from 0."""
        targets = [{"targets": [host.address], "labels": host.labels} for host in self.hosts]
        server = self.start_server({
            "global": pace,
            "rule_files": list(rules),
            "scrape_configs": [{"job_name": "bunscope", "file_sd_configs": [{"files": ["targets.json"]}]}],
            "remote_write": [{"url": f"{receiver.url}/api/v1/write", "queue_config": {"batch_send_deadline": "200ms"}}],
        }, {**rules, "targets.json": json.dumps(targets)})
        with self.hub.inside():
            wait_until(lambda: [target["health"] for target in server.targets()] == ["down"] * len(self.hosts),
                       "all hosts are found", FOUND_SECONDS)
        return server

    def start_hosts(self):
        for host in self.hosts:
            host.start()

    def stop(self):
        for server in reversed(self.servers):  # who writes to another one ends first
            server.stop()
        for host in self.hosts:
            host.stop()
        self.hub.close()
