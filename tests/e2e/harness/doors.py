# SPDX-License-Identifier: Apache-2.0
"""One agent for each way to see stdio, watching the same runs: what they expose must be equal but for times."""
import json

from harness.agent import Agent, run_agent
from harness.wait import wait_until

DOORS = ("fentry", "syscall")
# What the agents' own ways and moments decide: times, and how a record came to user space.
TIMES = ("_seconds", "_seconds_sum", "_seconds_bucket", "_seconds_total")
SAME = ("runtime_", "bunscope_runs_started", "bunscope_runs_finished", "bunscope_runs_lost")


def doctor(door):
    """Its lines about the hooks, as /readyz has them, and why stdio cannot be served by that door, None when it can."""
    report = json.loads(run_agent("doctor", "--json", f"--probe.stdio={door}", seconds=60).stdout)
    transfer = next(hook for hook in report["hooks"] if (hook["family"], hook["hook"]) == ("stdio", "transfer"))
    return report["hooks"], transfer["lacks"] if transfer["state"] == "failed" else None


def readyz_line(hook):
    by = f" by {hook['flavour']}" if hook["flavour"] else ""
    why = f": {hook['reason']}" if hook["reason"] else ""
    return f"{hook['family']}/{hook['hook']}: {hook['state']}{by}{why}"


def comparable(scraped):
    return {
        sample: value
        for sample, value in scraped.samples.items()
        if sample[0].startswith(SAME) and not sample[0].endswith(TIMES) and "le" not in dict(sample[1])
    }


class Doors:
    """The agents live as long as this. `missing`: doors that this kernel does not have, and why."""

    def __init__(self):
        said = {door: doctor(door) for door in DOORS}
        self.missing = {door: lacks for door, (_, lacks) in said.items() if lacks}
        self.agents = {door: Agent(f"--probe.stdio={door}") for door in DOORS if door not in self.missing}
        for door, agent in self.agents.items():
            agent.wait_ready()
            for hook in said[door][0]:
                name = f"{hook['family']}/{hook['hook']}"
                if hook["family"] in ("process", "stdio"):
                    assert f"{name}: {agent.hook(name)}" == readyz_line(hook), "the doctor said something else"

    @property
    def agent(self):
        """The one that a test asks; the others are compared with it."""
        return next(iter(self.agents.values()))

    def _differences(self):
        first, *others = (comparable(agent.scrape()) for agent in self.agents.values())
        return [
            f"{sample}: {first.get(sample)}, {other.get(sample)}"
            for other in others
            for sample in sorted(set(first) | set(other))
            if first.get(sample, 0) != other.get(sample, 0)
        ]

    def compare(self):
        """Waits until all have counted the same."""
        try:
            wait_until(lambda: not self._differences(), "both doors count the same", 5)
        except TimeoutError:
            differences = self._differences()
            assert not differences, f"{' and '.join(self.agents)} differ:\n  " + "\n  ".join(differences[:10])

    def stop(self):
        codes = {door: agent.stop()[0] for door, agent in self.agents.items()}
        assert not any(codes.values()), f"agents ended with {codes}"
