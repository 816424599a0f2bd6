# SPDX-License-Identifier: Apache-2.0
"""bunscope tail: runs as they finish, one line each."""
import json

from harness import parents

CALLS = [
    ({"tool": "sum", "input": {"a": 1, "b": 2}}, "success"),
    ({"tool": "rejects"}, "error"),
    ({"tool": "exit", "input": {"code": 3}}, "error"),
    ({"tool": "sleep", "timeout_ms": 300}, "timeout"),
]


def test_json_line_per_run(start_tail, start_parent, newest_bun):
    tail = start_tail("--json")
    parent = start_parent(parents.c_parent, newest_bun)
    for job, outcome in CALLS:
        (truth,) = parent.run(**job)
        line = json.loads(tail.lines.get(timeout=10))
        assert truth["outcome"] == outcome
        assert (line["tool_id"], line["outcome"]) == (job["tool"], outcome)
        assert line["pid"] == truth["pid"]
        assert line["output_bytes"] == truth["output_bytes"]
        assert "result" not in json.dumps(line), "a payload was printed"
    assert tail.lines.empty()


def test_text_line_per_run(start_tail, start_parent, newest_bun):
    tail = start_tail()
    parent = start_parent(parents.c_parent, newest_bun)
    for job, outcome in CALLS:
        parent.run(**job)
        line = wait_line(tail, job["tool"])
        assert outcome in line
    assert tail.lines.empty()


def test_spans_as_trees(start_tail, start_parent, newest_bun):
    tail = start_tail("--spans")
    parent = start_parent(parents.c_parent, newest_bun)
    traces = set()
    for job, outcome in CALLS:
        (truth,) = parent.run(**job)
        trace, span, events = (tail.lines.get(timeout=10) for _ in range(3))
        assert trace.startswith("trace ") and len(trace.split()[1]) == 32
        traces.add(trace)
        assert span.split()[:2] == ["runtime.execute_tool", "+0.0"] and job["tool"] in span
        assert span.split()[-1] == (truth["error_kind"] or "ok")
        names = events.split()[::2]
        assert names[:2] == ["exec", "first_read"] and {"exit", "eof"} <= set(names)
        assert ("signal" in names) == (outcome == "timeout")
    assert len(traces) == len(CALLS) and tail.lines.empty()


def wait_line(tail, word):
    """The next line with that word: a header may come first."""
    while True:
        line = tail.lines.get(timeout=10)
        if word in line:
            return line
