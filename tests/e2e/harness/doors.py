# SPDX-License-Identifier: Apache-2.0
"""One agent for each way to see stdio, watching the same runs: what they expose must be equal but for times."""
import json

from harness.agent import Agent, is_idle, run_agent
from harness.machine import free_port
from harness.wait import wait_until

DOORS = ("fentry", "syscall")
# What the agents' own ways and moments decide: times, and how a record came to user space.
TIMES = ("_seconds", "_seconds_sum", "_seconds_bucket", "_seconds_total")
SAME = ("runtime_", "http_exec_", "workflow_", "bunscope_runs_started", "bunscope_runs_finished", "bunscope_runs_lost")


def doctor(door):
    return json.loads(run_agent("doctor", "--json", f"--probe.stdio={door}", seconds=60).stdout)


def lacks(report):
    """Why stdio cannot be served by that door, None when it can."""
    transfer = next(hook for hook in report["hooks"] if (hook["family"], hook["hook"]) == ("stdio", "transfer"))
    return transfer["lacks"] if transfer["state"] == "failed" else None


def readyz_line(hook):
    by = f" by {hook['flavour']}" if hook["flavour"] else ""
    why = f": {hook['reason']}" if hook["reason"] else ""
    return f"{hook['family']}/{hook['hook']}: {hook['state']}{by}{why}"


def comparable(scraped):
    return {
        sample: value
        for sample, value in scraped.samples.items()
        if sample[0].startswith(SAME) and not sample[0].endswith(TIMES)
    }


class Doors:
    """
    The agents live as long as this. `reports`: what the doctor says of each door. `missing`: those that this kernel does
    not have, and why. `port`: who listens there is a server to the agents.
    """

    def __init__(self):
        self.port = free_port()
        self.reports = {door: doctor(door) for door in DOORS}
        self.missing = {door: why for door, report in self.reports.items() if (why := lacks(report))}
        flags = (f"--server.port={self.port}",)
        self.agents = {door: Agent(f"--probe.stdio={door}", *flags) for door in DOORS if door not in self.missing}
        self.compared = {door: {} for door in self.agents}  # what they had counted when they were last compared
        self.missed = dict.fromkeys(self.agents, 0)  # and how often the kernel had left out programs of theirs
        for door, agent in self.agents.items():
            agent.wait_ready()
            for hook in self.reports[door]["hooks"]:
                name = f"{hook['family']}/{hook['hook']}"
                if hook["family"] in ("process", "stdio"):
                    assert f"{name}: {agent.hook(name)}" == readyz_line(hook), "the doctor said something else"

    @property
    def agent(self):
        """The one that a test asks; the others are compared with it."""
        return next(iter(self.agents.values()))

    def wait_idle(self):
        for agent in self.agents.values():
            agent.wait_for(is_idle, "nothing is left of the test before")

    def _differences(self, counted):
        """Of what was counted since they were last compared: one test's difference is not the next one's."""
        first, *others = (
            {sample: value - self.compared[door].get(sample, 0) for sample, value in samples.items()}
            for door, samples in counted.items()
        )
        return [
            f"{sample}: {first.get(sample, 0)}, {other.get(sample, 0)}"
            for other in others
            for sample in sorted(set(first) | set(other))
            if first.get(sample, 0) != other.get(sample, 0)
        ]

    def compare(self):
        """
        Waits until all have counted the same. Returns those that did: where the kernel says that it left out programs of
        another's than the first, that one may have counted less.
        """
        counted = {}

        def same():
            counted.update({door: comparable(agent.scrape()) for door, agent in self.agents.items()})
            return not self._differences(counted)

        try:
            wait_until(same, "both doors count the same", 5)
            return list(self.agents)
        except TimeoutError:
            first, *others = self._that_missed_none()
            differences = self._differences(counted)
            assert not others, f"{first} and {', '.join(others)} differ:\n  " + "\n  ".join(differences[:10])
            return [first]
        finally:
            self.compared = counted
            self.missed = self._count_missed()

    def _count_missed(self):
        event = {"event": "programs_missed"}
        return {door: agent.scrape().value("bunscope_kernel_events_total", **event) for door, agent in self.agents.items()}

    def _that_missed_none(self):
        """The first is held to the servers' truth by the test: it is excused by nothing."""
        missed = self._count_missed()
        first, *others = self.agents
        return [first, *(door for door in others if missed[door] == self.missed[door])]

    def stop(self):
        codes = {door: agent.stop()[0] for door, agent in self.agents.items()}
        assert not any(codes.values()), f"agents ended with {codes}"
