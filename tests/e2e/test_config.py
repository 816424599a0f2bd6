# SPDX-License-Identifier: Apache-2.0
"""--config, --check-config and SIGHUP."""
import signal

import pytest

from harness.agent import run_agent
from harness.wait import wait_until


def test_a_good_configuration(tmp_path):
    path = tmp_path / "bunscope.yml"
    path.write_text("web.listen-address: 127.0.0.1:0\nlog.format: json\n")
    done = run_agent(f"--config={path}", "--check-config")
    assert (done.returncode, done.stdout, done.stderr) == (0, "bunscope: the configuration is good\n", "")


def test_a_bad_key_is_named_with_its_file_and_line(tmp_path):
    path = tmp_path / "bunscope.yml"
    path.write_text("# mine\nweb.listen-adress: 127.0.0.1:0\n")
    for flags in ([], ["--check-config"]):
        done = run_agent(f"--config={path}", *flags)
        assert done.returncode == 2
        assert done.stderr == f"bunscope: {path}:2: web.listen-adress: unknown key\n"


@pytest.mark.parametrize("flag", ["config", "web.config.file"])
def test_a_file_that_everybody_may_write(tmp_path, flag):
    """Whoever writes it decides what a process of root's does: it is refused."""
    path = tmp_path / "bunscope.yml"
    path.write_text("")
    path.chmod(0o646)
    done = run_agent(f"--{flag}={path}", "--check-config")
    assert done.returncode == 2
    assert done.stderr.startswith(f"bunscope: {path}:") and "everybody may write it: chmod o-w" in done.stderr
    path.chmod(0o664)
    assert run_agent(f"--{flag}={path}", "--check-config").returncode == 0


def test_sighup_reads_again_what_can_be(start_agent, tmp_path):
    path = tmp_path / "bunscope.yml"
    path.write_text("track: workers\n")
    agent = start_agent(f"--config={path}")
    # A URL is understood, though nothing that could ask there is loaded, or can be any more.
    path.write_text("track: all\nlog.format: json\notlp.endpoint: http://127.0.0.1:4318\n")
    agent.process.send_signal(signal.SIGHUP)
    said = '"takes effect when the agent is started again: track otlp.endpoint"'
    wait_until(lambda: said in agent.log, "it says what cannot be")
    assert '"read the configuration again; changed: log.format"' in agent.log

    path.write_text("track: some\n")
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "bunscope.yml:1: track: 'some'" in agent.log, "it says what is wrong")
    path.write_text("")
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: agent.log.count("read the configuration again") == 2, "an empty file has no keys, and is none the worse")
    assert agent.scrape().value("bunscope_up") == 1
