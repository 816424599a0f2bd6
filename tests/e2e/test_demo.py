# SPDX-License-Identifier: Apache-2.0
"""`make run` as a newcomer has it: the URL is printed, charts have something to draw, Ctrl-C ends everything."""
import json
import re
import signal
import subprocess
import sys
import urllib.request

from harness.agent import REPOSITORY
from harness.machine import free_port
from harness.wait import wait_until

DEMO = REPOSITORY / "scripts/demo"


def steps_with(family, url):
    with urllib.request.urlopen(f"{url}api/live", timeout=10) as response:
        live = json.load(response)
    number = [one["name"] for one in live["families"]].index(family)
    rows = {index for index, row in enumerate(live["rows"]) if row[0] == number}
    return sum(any(entry[0] in rows for entry in step[1:]) for step in live["steps"])


def test_demo_keeps_charts_alive(newest_bun):
    # The lock is this test run's already.
    process = subprocess.Popen([sys.executable, DEMO, "--keep", "--no-lock", f"--address=127.0.0.1:{free_port()}", f"--bun={newest_bun}"],
                               stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("look at "):
                break
        url = re.search(r"look at (\S+/);", said[-1]).group(1)
        for family in ("runtime_tool_execute_seconds", "http_exec_sync_latency_seconds"):
            seen = steps_with(family, url)
            wait_until(lambda family=family, seen=seen: steps_with(family, url) >= seen + 2, f"two more steps have {family}", 30)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, "".join(said)
        assert "all that was started has ended" in process.stdout.read()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
