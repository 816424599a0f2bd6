# SPDX-License-Identifier: Apache-2.0
"""The life of the package, from its installation to its purge: each test goes on from where the one before it ended."""
import base64
import os
import pathlib
import re
import shutil
import signal
from dataclasses import replace

from conftest import CONFIGURATION, SERVICE, install, journal, run
from harness.wait import wait_until
from harness.watch import adopted_run, begin_running, verify_runs, verify_truths

GRANTED = {"cap_dac_read_search": 2, "cap_sys_ptrace": 19, "cap_perfmon": 38, "cap_bpf": 39}
WEB = CONFIGURATION.with_name("web.yml")
GROUP = "users"
BCRYPT = {
    "old": "$2b$04$Tb6/7va.aKp/KSu0d6vweekNocllPpXjaKHxAgz2iqbcXR98t7S6W",
    "new": "$2b$04$8D.0xKXwDipWXVWsL4KrFuAcXtykobkYYclH71wOSrVQszE4Tc6CW",
}
PARANOID = pathlib.Path("/proc/sys/kernel/perf_event_paranoid")
WATCHDOG_SECONDS = 10
DROP_IN = pathlib.Path(f"/etc/systemd/system/{SERVICE}.d/test.conf")
FAILED = re.compile(r"^(\S+: failed.*)$", re.M)
# Of Debian's kernels up to 12: docs/operating.md.
WANTS_PERF_EVENTS = "go/polls: failed: this kernel lets only CAP_SYS_ADMIN open perf events (kernel.perf_event_paranoid)"


def drop_in(*lines):
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text("\n".join(["[Service]", *lines, ""]))
    run("systemctl", "daemon-reload")


def sees_runs(service, parent):
    before = service.scrape()
    truths = parent.run(tool="sum", input={"a": 1, "b": 2}, count=2) + parent.run(tool="rejects")
    verify_truths(service, before, truths)


def test_installing_starts_it(service, packages):
    install(packages[0])
    assert run("systemctl", "is-enabled", SERVICE) == "enabled"
    # Active: it has said that it is ready, so it answers at once.
    assert run("systemctl", "is-active", SERVICE) == "active"
    ready = service.get("/readyz")
    assert ready.status == 200
    assert set(FAILED.findall(ready.content.decode())) <= {WANTS_PERF_EVENTS}
    assert service.scrape().value("bunscope_up") == 1


def test_what_the_unit_leaves_it(service):
    status = service.status()
    assert status["Uid"].split()[0] != "0"
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    granted = sum(1 << number for number in GRANTED.values())
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) & ~granted == 0, kind
    # It has given up what nothing needs any more, tracefs first of all.
    assert int(status["CapEff"], 16) & 1 << GRANTED["cap_dac_read_search"] == 0


def test_runs_are_counted(service, parent):
    sees_runs(service, parent)


def test_reload_reads_the_configuration_again(service):
    pid = service.pid
    CONFIGURATION.write_text("log.level: debug\nprobe.max-runs: 128\n")
    run("systemctl", "reload", SERVICE)
    wait_until(lambda: "probe.max-runs" in journal(), "the journal says what wants a restart")
    CONFIGURATION.write_text("log.levle: debug\n")
    run("systemctl", "reload", SERVICE)
    wait_until(lambda: "log.levle" in journal(), "the journal says what is wrong")
    assert (service.pid, service.property("ActiveState")) == (pid, "active")


def set_password(service, password):
    """In a file that root and one group may read."""
    WEB.write_text(f"basic_auth_users:\n  scraper: {BCRYPT[password]}\n")
    shutil.chown(WEB, "root", GROUP)
    WEB.chmod(0o640)
    service.headers = {"Authorization": "Basic " + base64.b64encode(f"scraper:{password}".encode()).decode()}


def test_the_other_door_and_a_password_that_changes(service, parent):
    """By tracepoints, whose files are root's; and with a file that is read again, as docs/configuring.md has it."""
    PARANOID.write_text("2")  # docs/operating.md: Debian's older kernels have 3
    set_password(service, "old")
    CONFIGURATION.write_text(f"probe.stdio: syscall\nweb.config.file: {WEB}\n")
    # An emulated machine would take its time to start with half a CPU; it has once.
    drop_in(f"SupplementaryGroups={GROUP}", f"WatchdogSec={WATCHDOG_SECONDS}", "CPUQuota=")
    run("systemctl", "restart", SERVICE)
    assert FAILED.findall(service.get("/readyz").content.decode()) == []
    sees_runs(service, parent)
    set_password(service, "new")
    wait_until(lambda: service.get("/metrics").status == 200, "the new password counts")


def test_an_agent_that_stands_still_is_replaced(service, parent):
    pid, restarts = service.pid, service.restarts()
    os.kill(pid, signal.SIGSTOP)
    service.wait_up(after=pid)
    assert service.restarts() == restarts + 1
    assert "Watchdog timeout" in journal()
    sees_runs(service, parent)


def test_an_upgrade_keeps_the_configuration_and_adopts_runs(service, parent, packages, tmp_path):
    CONFIGURATION.write_text("# mine\n")
    service.headers = {}
    pid = service.pid
    bun = begin_running(parent, tmp_path, tool="slow", input={"ms": 600_000})
    install(packages[-1])
    assert CONFIGURATION.read_text() == "# mine\n"
    assert run("dpkg-query", "--show", "--showformat=${Version}", "bunscope") == "99.0"
    assert service.property("ActiveState") == "active" and service.pid != pid
    before = service.scrape()
    assert before.total("runtime_tool_runs_in_flight") == 1
    os.kill(bun, signal.SIGKILL)
    (truth,) = parent.finish()
    verify_runs(service, before, replace(adopted_run(truth), sender="other"))


def test_purge_removes_all(service):
    pid = service.pid
    WEB.unlink()
    DROP_IN.unlink()
    DROP_IN.parent.rmdir()
    run("apt-get", "purge", "--yes", "bunscope")
    assert not os.path.exists(f"/proc/{pid}")
    assert service.property("LoadState") == "not-found"
    left = run("find", "/", "-xdev", "-name", "*bunscope*", "-not", "-path", "/srv/*", "-not", "-path", "/var/cache/*",
               "-not", "-path", "/var/log/*")
    assert left == ""
    # It was ended four times: for a restart, by the watchdog, for the upgrade, and now.
    assert re.findall("Failed with result '(.*)'", journal()) == ["watchdog"]
