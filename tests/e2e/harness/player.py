# SPDX-License-Identifier: Apache-2.0
"""bunscope replay --serve: serves what a recording holds. It needs neither BPF nor Bun."""
from harness import exposition
from harness.agent import Agent, run_agent

FINISHED = "bunscope_runs_finished_total"


def replayed(recording, *flags):
    """What `bunscope replay` prints."""
    done = run_agent("replay", str(recording), *flags)
    assert done.returncode == 0, done.stderr
    return exposition.parse(done.stdout)


class Player(Agent):
    def __init__(self, recording, *flags, **options):
        super().__init__(*flags, command=("replay", str(recording), "--serve"), **options)
        self.wait_listening()

    def scrape(self):
        """Without the identity of a live agent's counters: a recording knows of none that are under way."""
        response = self.get("/metrics")
        assert response.status == 200, response.status
        return exposition.parse(response.content.decode())

    def wait_over(self, runs, seconds=20):
        return self.wait_for(lambda now: now.total(FINISHED) == runs, "the recording has been played", seconds)
