# SPDX-License-Identifier: Apache-2.0
"""Runs tools in Bun children with subprocess. Jobs on stdin and truth on stdout: see ../README.md."""
import concurrent.futures
import json
import subprocess
import sys
import threading
import time

EXE, ROOT = sys.argv[1:3]
PRINTING = threading.Lock()


def emit(line):
    with PRINTING:
        print(json.dumps(line), flush=True)


def make_request(job):
    pad = job.get("input_pad_bytes")
    request = {
        "tool_id": job["tool"],
        "tool_exec_id": "34fQ0bZk1xYvT7mN2cR8sL5pWdA",
        "input": {"pad": "p" * pad} if pad else job.get("input", {}),
        "config": None,
        "env": {},
        "timeout_ms": job.get("timeout_ms", 60000),
    }
    return json.dumps(request, separators=(",", ":")).encode()


def reply_is_success(output):
    if not output.strip():
        return True
    try:
        reply = json.loads(output)
    except ValueError:
        return False
    return reply is None or (isinstance(reply, dict) and reply.get("error") is None)


def verdict(late, status, output):
    if late:
        return "timeout", "timeout"
    if status != 0:
        return "error", "wait"
    return ("success", None) if reply_is_success(output) else ("error", "parse")


def run(job):
    request = make_request(job)
    start = time.monotonic()
    worker = f"{ROOT}/.compozy/bun_worker.ts"
    child = subprocess.Popen(
        ["bun", "--smol", "run", "--allow-read", worker],
        executable=EXE, cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    emit({"event": "start", "tool": job["tool"], "pid": child.pid})
    late = False
    try:
        output, errors = child.communicate(request, timeout=job.get("timeout_ms", 60000) / 1000)
    except subprocess.TimeoutExpired:
        late = True
        child.kill()
        output, errors = child.communicate()
    outcome, kind = verdict(late, child.returncode, output)
    status = child.returncode
    return {
        "event": "run", "run": 0, "tool": job["tool"], "outcome": outcome, "error_kind": kind,
        "timed_out": late, "pid": child.pid, "input_bytes": len(request),
        "output_bytes": len(output), "output_ended": True, "stderr_bytes": len(errors),
        "waited": True, "killed": late,
        **({"signal": -status} if status < 0 else {"exit": status}),
        "seconds_min": 0, "seconds_max": time.monotonic() - start,
    }


def main():
    for line in sys.stdin:
        job = json.loads(line)
        with concurrent.futures.ThreadPoolExecutor(job.get("concurrency", 1)) as pool:
            for truth in pool.map(run, [job] * job.get("count", 1)):
                emit(truth)
        emit({"event": "done"})


main()
