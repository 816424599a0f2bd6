# SPDX-License-Identifier: Apache-2.0
"""The agent under test: starts, scrapes and ends build/bunscope."""
import http.client
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from harness import exposition
from harness.machine import watching
from harness.wait import SLOWNESS, wait_until

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
# What was built for another architecture lies in a folder of its own.
BUILD = pathlib.Path(os.environ.get("BUNSCOPE_BUILD", REPOSITORY / "build"))
BINARY = pathlib.Path(os.environ.get("BUNSCOPE", BUILD / "bunscope"))
LISTENING = re.compile(r"listening on ([0-9.]+):([0-9]+)")
READY_SECONDS = 60
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Agent:
    """
    log_path: where the agent's log goes; a temporary file when it is not given.
    prefix: a command that runs the agent, and becomes it: setpriv, unshare …
    command: which of its commands; flags are then taken as they are.
    binary: another one than that of the build.
    """

    def __init__(self, *flags, address="127.0.0.1:0", log_path=None, prefix=(), command=(), binary=BINARY):
        self.log_path = pathlib.Path(log_path or tempfile.mkstemp(prefix="bunscope-e2e-", suffix=".log")[1])
        self.keeps_log = log_path is not None
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*prefix, str(binary), *command, f"--web.listen-address={address}", *(flags if command else watching(flags))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        self.address = None
        self.stopped = False

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def _find_address(self):
        assert self.process.poll() is None, f"the agent ended: {self.log}"
        match = LISTENING.search(self.log)
        return match and (match.group(1), int(match.group(2)))

    def wait_listening(self):
        self.address = wait_until(self._find_address, "the agent listens", READY_SECONDS)
        return self

    def wait_ready(self):
        self.wait_listening()
        wait_until(lambda: self.get("/readyz").status == 200, "/readyz says 200", READY_SECONDS)
        return self

    def get(self, path, method="GET", headers=None):
        """One request on a connection of its own. The response has its body in .content."""
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            response.content = response.read()
            return response
        finally:
            connection.close()

    def scrape(self):
        """One scrape; the identity of the agent's own counters must hold in each."""
        response = self.get("/metrics")
        assert response.status == 200, response.status
        scraped = exposition.parse(response.content.decode())
        check_identity(scraped)
        return scraped

    def hook(self, name):
        """What /readyz says of a hook: "attached by tp_btf", "failed: …"."""
        lines = self.get("/readyz").content.decode().splitlines()
        return dict(line.split(": ", 1) for line in lines)[name]

    def wait_for(self, condition, what, seconds=20):
        """Scrapes until condition(scrape) is true, and returns that scrape."""

        def ask():
            assert self.process.poll() is None, f"the agent ended: {self.log}"
            scraped = self.scrape()
            return scraped if condition(scraped) else None

        return wait_until(ask, what + self.log_text(), seconds)

    def wait_runs(self, before, count, seconds=20):
        """The scrape by which so many more runs are over than before."""
        name = "runtime_tool_execute_seconds_count"
        wanted = before.total(name) + count
        return self.wait_for(lambda now: now.total(name) >= wanted, f"{count} runs are over", seconds)

    def log_text(self):
        return "\nagent's log:\n" + "\n".join(self.log.splitlines()[-20:])

    def bpf_ids(self):
        return bpf_ids(self.pid)

    def stop(self, number=signal.SIGTERM, limit=10):
        """Ends the agent and returns its exit code and how long that took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(limit * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        seconds = time.monotonic() - started
        self.stopped = True
        check_sandbox(self.log)
        if not self.keeps_log:
            self.log_path.unlink(missing_ok=True)
        return code, seconds

    def end(self):
        code, _ = self.stop()
        assert code == 0, f"the agent ended with {code}"


def bpf_ids(pid):
    """Ids of the BPF programs, maps and links that a process holds, as (kind, id)."""
    ids = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = info.read_text()
        except FileNotFoundError:
            continue
        ids |= set(re.findall(r"^(prog_id|map_id|link_id):\s*(\d+)$", text, re.M))
    return ids


def is_idle(scraped):
    """Nothing runs, and nothing is left to wait for."""
    return scraped.value("bunscope_map_entries", map="runs") == 0 and scraped.total("runtime_bun_unreaped") == 0


def check_sandbox(log):
    """No test may make the agent meet a system call that its own filter refuses."""
    assert "the sandbox refused" not in log, log


def check_identity(scraped):
    started = scraped.total("bunscope_runs_started_total")
    finished = scraped.total("bunscope_runs_finished_total")
    lost = scraped.total("bunscope_runs_lost_total")
    in_flight = scraped.value("bunscope_map_entries", map="runs")
    assert started == finished + in_flight + lost, (
        f"started {started} != finished {finished} + in flight {in_flight} + lost {lost}"
    )


def run_agent(*flags, prefix=(), seconds=20):
    """Runs the agent to its end: for command lines that must fail or only print."""
    done = subprocess.run(
        [*prefix, str(BINARY), *flags], capture_output=True, text=True, timeout=seconds * SLOWNESS, check=False
    )
    check_sandbox(done.stderr)
    return done
