#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Scrapes the same series from an agent and from two Go libraries; prints one table.

    compare.py BUILD_DIR [--agent PORT PID | --series FILE] [--count N]

BUILD_DIR holds scrape_client and rival. With --agent the series are those of that agent's /metrics.
"""
import argparse
import json
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

OPENMETRICS = "Accept: application/openmetrics-text; version=1.0.0"
GZIP = "Accept-Encoding: gzip"
REQUESTS = {"text": [], "gzip": [GZIP], "OpenMetrics": [OPENMETRICS],
            "OpenMetrics gzip": [OPENMETRICS, GZIP]}
COLUMNS = ("best_ms", "median_ms", "cpu_ms", "rss_mib", "bytes")
LIBRARIES = ("client_golang", "victoriametrics")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_listening(port, process):
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise SystemExit("the rival did not start")


def measure(build, name, port, pid, count):
    for what, headers in REQUESTS.items():
        if name == "victoriametrics" and what.startswith("OpenMetrics"):
            continue  # it has no such format
        line = subprocess.run([build / "scrape_client", str(port), str(pid), str(count), *headers],
                              check=True, capture_output=True, text=True).stdout
        row = json.loads(line)
        print(f"{name:16} {what:17}" + "".join(f"{row[column]:>12}" for column in COLUMNS), flush=True)


def measure_rival(build, library, series, count):
    port = free_port()
    process = subprocess.Popen([build / "rival", "-library", library, "-series", series,
                                "-listen", f"127.0.0.1:{port}"])
    try:
        wait_listening(port, process)
        measure(build, library, port, process.pid, count)
    finally:
        process.terminate()
        process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--agent", nargs=2, type=int, metavar=("PORT", "PID"))
    source.add_argument("--series", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()

    print(f"{'':34}" + "".join(f"{column:>12}" for column in COLUMNS))
    with tempfile.NamedTemporaryFile() as fetched:
        series = options.series
        if options.agent:
            port, pid = options.agent
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
                fetched.write(response.read())
            fetched.flush()
            series = fetched.name
            measure(options.build, "bunscope", port, pid, options.count)
        for library in LIBRARIES:
            measure_rival(options.build, library, series, options.count)


if __name__ == "__main__":
    main()
