# SPDX-License-Identifier: Apache-2.0
"""What the doctor says is what the agent then does: /readyz and bunscope_probe_info say the same, hook by hook."""
import json

import pytest

from conftest import require
from harness import agent as agents
from harness.wait import wait_until
from test_command_line import bpf_programs, in_mount_namespace

FULL, PART, NONE = 0, 1, 2
WORKS = {FULL: "in full", PART: "in part", NONE: "not at all"}


def doctor(*flags, prefix=()):
    done = agents.run_agent("doctor", "--json", *flags, prefix=prefix)
    report = json.loads(done.stdout)
    assert report["works"] == WORKS[done.returncode]
    return report, done.returncode


def without_tracefs():
    """No tracefs, and no CAP_SYS_ADMIN to mount one: bpf, perfmon, ptrace and no more."""
    hidden = "mount -t tmpfs none /sys/kernel/tracing; mount -t tmpfs none /sys/kernel/debug 2>/dev/null || true"
    kept = "+bpf,+perfmon,+sys_ptrace"
    return [*in_mount_namespace(hidden), require("setpriv"), f"--bounding-set=-all,{kept}", f"--inh-caps=-all,{kept}"]


SITUATIONS = {
    "all that there is": (lambda: [], []),
    "syscalls asked for": (lambda: [], ["--probe.stdio=syscall"]),
    "no tracefs": (without_tracefs, []),
}


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=list(SITUATIONS))
def test_doctor_readyz_and_probe_info_agree(start_agent, situation):
    make_prefix, flags = situation
    prefix = make_prefix()
    report, code = doctor(*flags, prefix=prefix)
    text = agents.run_agent("doctor", *flags, prefix=prefix)
    agent = start_agent(*flags, prefix=prefix)
    readyz = agent.get("/readyz").content.decode().splitlines()
    infos = {
        (values["family"], values["hook"], values["flavour"], values["state"])
        for (name, labels), _ in agent.scrape().samples.items()
        if name == "bunscope_probe_info" and (values := dict(labels))
    }
    assert infos == {(hook["family"], hook["hook"], hook["flavour"], hook["state"]) for hook in report["hooks"]}
    assert [line.split(":")[0] for line in readyz] == [f"{hook['family']}/{hook['hook']}" for hook in report["hooks"]]
    assert text.returncode == code
    assert [line for line in text.stdout.splitlines() if line in readyz] == readyz
    good = all(hook["state"] in ("attached", "off") for hook in report["hooks"])
    assert code == (FULL if good else PART)


def test_what_is_missing_is_explained():
    report, code = doctor("--probe.stdio=syscall", prefix=without_tracefs())
    hooks = {f"{hook['family']}/{hook['hook']}": hook for hook in report["hooks"]}
    failed = hooks["process/exec_failed"]
    assert code == PART
    assert failed["state"] == "failed" and not failed["required"]
    assert "failed to start" in failed["lost"]
    assert "tracefs" in failed["lacks"] and "mount" in failed["remedy"]


def test_no_privileges_is_not_at_all():
    prefix = [require("setpriv"), "--bounding-set=-all", "--inh-caps=-all"]
    report, code = doctor(prefix=prefix)
    assert code == NONE
    assert "CAP_BPF" in report["error"]
    assert {hook["state"] for hook in report["hooks"]} == {"failed"}
    said = agents.run_agent("doctor", prefix=prefix).stdout
    assert said.count("    do: ") == 1, "what helps all of them is said once"


def test_nothing_stays_attached():
    before = bpf_programs()
    doctor()
    wait_until(lambda: not bpf_programs() - before, "no new BPF program is left")
