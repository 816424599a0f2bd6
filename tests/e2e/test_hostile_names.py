# SPDX-License-Identifier: Apache-2.0
"""Who chooses a tool's id chooses what stands on operators' screens: it stays text on each of them, and one line."""
import json
import queue
import unicodedata

import pytest

from harness import parents
from harness.agent import run_agent
from harness.live import wait_step
from test_hostile import request_of
from test_page import look

NAMES = {
    "terminal": "a\x1b[2J\x1b]0;owned\x07",
    "8-bit terminal": "a\x9b31m\x90",
    "lines": "good\r\nlevel=error msg=forged\x0b",
    "HTML": "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
    "JSON": '"},{"tool_id":"forged","x":"\\',
    "metrics": 'a"} 1\nforged_total 7\n# EOF\n',
    "formula": "=cmd|' /C calc'!A1",
}


def run_all(parent, tmp_path):
    for case, name in NAMES.items():
        (tmp_path / "request").write_bytes(request_of(json.dumps(name)[1:-1].encode()))
        (truth,) = parent.run(tool=case, request_file=str(tmp_path / "request"))
        assert truth["exit"] == 1, "the worker refuses such an id"


def is_plain(text):
    """Nothing that a terminal obeys."""
    return not any(unicodedata.category(letter) == "Cc" for letter in text)


def strings_of(value):
    if isinstance(value, str):
        return {value}
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(strings_of, inside), value if isinstance(value, dict) else ())


@pytest.fixture
def seen(start_agent, start_parent, newest_bun, tmp_path):
    agent = start_agent()
    run_all(start_parent(parents.c_parent, newest_bun), tmp_path)
    wait_step(agent, len(NAMES))
    return agent


def test_of_an_agent(seen):
    scrape = seen.scrape()
    assert {dict(labels)["tool_id"] for (name, labels) in scrape.samples if name == "runtime_tool_execute_seconds_count"} == set(NAMES.values())
    assert not any("forged" in name for name, _ in scrape.samples)

    # The exposition itself has escapes for three characters only, and keeps the others.
    for line in [*seen.get("/api/runs").content.splitlines(), *seen.get("/api/live").content.splitlines()]:
        assert is_plain(line.decode()), line
    assert set(NAMES.values()) <= strings_of(json.loads(seen.get("/api/live").content))
    assert [json.loads(line)["tool_id"] for line in seen.get("/api/runs").content.splitlines()] == list(NAMES.values())

    top = run_agent("top", f"http://{seen.address[0]}:{seen.address[1]}").stdout
    assert len(top.splitlines()) == 2 + len(NAMES) and all(map(is_plain, top.split("\n"))), top
    assert all(map(is_plain, seen.log.split("\n"))) and "forged" not in seen.log and "owned" not in seen.log

    found = look(seen)
    assert (found["complaints"], found["strangers"]) == ([], [])
    assert {row["tool"] for row in found["table"]} == set(NAMES.values())


@pytest.mark.parametrize("flags", [[], ["--spans"], ["--json"]], ids=lambda flags: "".join(flags) or "text")
def test_of_tail(start_tail, start_parent, newest_bun, tmp_path, flags):
    tail = start_tail(*flags)
    run_all(start_parent(parents.c_parent, newest_bun), tmp_path)
    wanted = len(NAMES) * (3 if flags == ["--spans"] else 1) + (not flags)
    lines = [tail.lines.get(timeout=10).rstrip("\n") for _ in range(wanted)]
    with pytest.raises(queue.Empty):
        tail.lines.get(timeout=0.5)
    assert all(map(is_plain, lines)), lines
    if flags == ["--json"]:
        assert [json.loads(line)["tool_id"] for line in lines] == list(NAMES.values())
