#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the Grafana dashboards beside this file: `make dashboards`. The JSON is what users import; this is what people edit.

    dashboards.py [--check]     --check: exit 1 where a file is stale
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
NODES = 'cluster=~"$cluster",node=~"$node"'
TOOLS = NODES + ',tool_id=~"$tool"'
KINDS = NODES + ',kind=~"$kind"'
WORKFLOWS = NODES
COLUMNS = 24
LETTERS = "ABCDEF"  # of a panel's queries


def rate(series, selector, by=""):
    """Sums what each node's rate is: never the rate of a sum."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({series}{{{selector}}}[$__rate_interval]))"


def quantile(q, histogram, selector, by=""):
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, {rate(histogram + '_bucket', selector, labels)})"


def share(part, whole):
    return f"{part} / {whole}"


def target(expr, legend="", fmt="time_series", instant=False):
    return {
        "datasource": DATA_SOURCE, "editorMode": "code", "expr": expr, "legendFormat": legend,
        "format": fmt, "instant": instant, "range": not instant,
    }


def panel(kind, title, description, unit, targets, width=8, height=8, custom=None, options=None, links=None, minimum=0):
    """One panel without its place and number; layout() gives those. links: (title, panel's title) of this dashboard."""
    return {
        "type": kind, "title": title, "description": description, "datasource": DATA_SOURCE, "targets": targets,
        "size": (width, height), "jumps": links or [],
        "fieldConfig": {"defaults": {"unit": unit, "min": minimum, "custom": custom or {}}, "overrides": []},
        "options": options or {},
    }


def lines(title, description, unit, targets, **more):
    options = {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    custom = {"lineWidth": 1, "fillOpacity": 5, "showPoints": "never", "spanNulls": False}
    return panel("timeseries", title, description, unit, targets, custom=custom, options=options, **more)


def stacked(title, description, unit, targets, **more):
    made = lines(title, description, unit, targets, **more)
    made["fieldConfig"]["defaults"]["custom"] |= {"fillOpacity": 60, "lineWidth": 0, "stacking": {"mode": "normal"}}
    return made


def stat(title, description, unit, targets, **more):
    options = {"graphMode": "area", "colorMode": "value", "reduceOptions": {"calcs": ["lastNotNull"]}}
    return panel("stat", title, description, unit, targets, options=options, **{"width": 4, "height": 4, **more})


def heat_map(title, description, unit, targets, **more):
    """Rows are the targets' series; buckets of a histogram where their format is heatmap."""
    options = {"calculate": False, "color": {"scheme": "Oranges", "mode": "scheme"}, "cellGap": 1,
               "yAxis": {"unit": unit}, "tooltip": {"show": True}}
    return panel("heatmap", title, description, unit, targets, options=options, **more)


def table(title, description, key, columns, width):
    """One row for each value of the label `key`; columns: (name, unit, query). Each query answers with a table of its own,
    its numbers under "Value #" and the query's letter: "merge" makes one table of them, by the label."""
    values = {f"Value #{letter}": name for letter, (name, _, _) in zip(LETTERS, columns)}
    made = panel("table", title, description, "short", [target(expr, fmt="table", instant=True) for _, _, expr in columns],
                 width=width, options={"showHeader": True, "sortBy": [{"displayName": columns[0][0], "desc": True}]})
    made["transformations"] = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {
            "excludeByName": {"Time": True}, "renameByName": {key: "Tool", **values},
            "indexByName": {name: place for place, name in enumerate(["Time", key, *values])}}},
    ]
    made["fieldConfig"]["overrides"] = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]} for name, unit, _ in columns
    ]
    return made


def row(title):
    return {"type": "row", "title": title, "size": (COLUMNS, 1), "jumps": [], "collapsed": False, "panels": []}


# ---- Runtime tools ----

EXECUTE = "runtime_tool_execute_seconds"
LIFE = "runtime_tool_main_thread_seconds_total"
RUNS = rate(EXECUTE + "_count", TOOLS)
STARTUP = rate("runtime_tool_startup_seconds_sum", TOOLS)
# The main thread's life holds the startup: what is left of it is shared out as the whole is.
AFTER_STARTUP = f"scalar(clamp_min(1 - {STARTUP} / {rate(LIFE, TOOLS)}, 0))"
A_RUN = f"scalar({RUNS})"


def over_range(series, selector, by="tool_id"):
    return f"sum by ({by}) (increase({series}{{{selector}}}[$__range]))"


def mean_over_range(histogram):
    return share(over_range(histogram + "_sum", TOOLS), over_range(histogram + "_count", TOOLS))


SHOW_ERRORS = [("Errors by tool", "Errors by tool"), ("How they ended", "Exit codes")]


def tool_panels():
    return [
        stat("Runs", "Runs that ended, a second.", "reqps", [target(RUNS)]),
        stat("Errors", "Share of the runs that ended with an error, timeouts not among them.", "percentunit",
             [target(share(rate(EXECUTE + "_count", TOOLS + ',outcome="error"'), RUNS))], links=SHOW_ERRORS),
        stat("Timeouts", "Share of the runs that the server killed at their deadline.", "percentunit",
             [target(share(rate("runtime_tool_timeouts_total", TOOLS), RUNS))],
             links=[("Timeouts by tool", "Timeouts by tool")]),
        stat("In flight", "Runs under way.", "short", [target(f"sum (runtime_tool_runs_in_flight{{{TOOLS}}})")]),
        stat("Oldest run", "Age of the oldest run under way; far beyond a deadline nobody will end it.", "s",
             [target(f"max (runtime_tool_oldest_run_seconds{{{NODES}}})")]),
        stat("Zombies", "Bun processes that ended and that their server has not waited for.", "short",
             [target(f"sum (runtime_bun_unreaped{{{NODES}}})")]),

        row("Latency"),
        lines("Latency, p95 by tool", "95 % of a tool's runs took less, fork to the later of exit and the end of output. "
              "No more than the last bound, 30 s, can be shown.", "s",
              [target(quantile(0.95, EXECUTE, TOOLS, "tool_id"), "{{tool_id}}")], width=12,
              links=[("Where the time goes", "Where the time goes, a run")]),
        lines("Latency, all tools", "Quantiles over all chosen tools.", "s",
              [target(quantile(q, EXECUTE, TOOLS), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)], width=12),
        stacked("Where the time goes, a run", "Mean of a run's main thread: starting Bun up to the first read of the request; then on a "
                "CPU, waiting for one, waiting for something else, in the proportions of its whole life.", "s",
                [target(f"{STARTUP} / {A_RUN}", "startup"),
                 target(f"{rate(LIFE, TOOLS, 'state')} / {A_RUN} * {AFTER_STARTUP}", "{{state}}")], width=12),
        lines("Startup, p95 by tool", "Fork to the first read of the request: what starting Bun costs.", "s",
              [target(quantile(0.95, "runtime_tool_startup_seconds", TOOLS, "tool_id"), "{{tool_id}}")], width=12),

        row("Errors"),
        stacked("Errors by kind", "Runs that did not succeed, a second, by the step that failed; stderr also beside any outcome.", "reqps",
                [target(rate("runtime_tool_errors_total", TOOLS, "error_kind"), "{{error_kind}}")], links=SHOW_ERRORS),
        stacked("Errors by tool", "Runs that did not succeed, a second.", "reqps",
                [target(rate(EXECUTE + "_count", TOOLS + ',outcome!="success"', "tool_id"), "{{tool_id}}")],
                links=[("Errors by kind", "Errors by kind"), ("How they ended", "Exit codes")]),
        lines("Timeouts by tool", "Share of a tool's runs that the server killed at their deadline.", "percentunit",
              [target(share(rate("runtime_tool_timeouts_total", TOOLS, "tool_id"), rate(EXECUTE + "_count", TOOLS, "tool_id")),
                      "{{tool_id}}")], links=[("Where the time goes", "Where the time goes, a run")]),
        heat_map("Exit codes", "How Bun processes ended, a second: exit codes, and 128 plus the number for signals.", "reqps",
                 [target(rate("runtime_bun_process_exits_total", NODES, "code, signal"), "{{code}} {{signal}}")], width=12,
                 links=[("Who sent the signals", "Fatal signals by sender")]),
        stacked("Fatal signals by sender", "Who ended Bun processes: the server, the process itself, the kernel (crashes), the OOM "
                "killer, others.", "reqps",
                [target(rate("runtime_bun_signals_total", NODES, "signal, sender"), "{{signal}} by {{sender}}")], width=12,
                links=[("Memory", "Memory, p95 by tool")]),

        row("Use"),
        heat_map("Output size", "Bytes that the server read of a run's stdout, runs a second by size.", "bytes",
                 [target(rate("runtime_tool_output_bytes_bucket", TOOLS, "le"), "{{le}}", fmt="heatmap")]),
        lines("Memory, p95 by tool", "Largest resident memory of a run.", "bytes",
              [target(quantile(0.95, "runtime_tool_max_rss_bytes", TOOLS, "tool_id"), "{{tool_id}}")]),
        stacked("CPU by tool", "CPUs that a tool's runs keep busy; a run's time is counted when it ends.", "short",
                [target(rate("runtime_tool_cpu_seconds_sum", TOOLS, "tool_id"), "{{tool_id}}")]),
        stacked("Runs in flight by tool", "Runs under way.", "short",
                [target(f"sum by (tool_id) (runtime_tool_runs_in_flight{{{TOOLS}}})", "{{tool_id}}")]),
        table("Tools", "Over the chosen time.", "tool_id", [
            ("Runs", "short", over_range(EXECUTE + "_count", TOOLS)),
            ("Not successful", "short", over_range(EXECUTE + "_count", TOOLS + ',outcome!="success"')),
            ("p95", "s", f"histogram_quantile(0.95, {over_range(EXECUTE + '_bucket', TOOLS, 'le, tool_id')})"),
            ("CPU a run", "s", mean_over_range("runtime_tool_cpu_seconds")),
            ("Memory a run", "bytes", mean_over_range("runtime_tool_max_rss_bytes")),
        ], width=16),

        row("The agents"),
        lines("Agents", "1 for each agent with all required probes attached.", "short",
              [target(f"bunscope_up{{{NODES}}}", "{{node}} {{instance}}")]),
        lines("Bun processes lost", "Bun processes that are in no other number, a second, by cause. Should be 0.", "reqps",
              [target(rate("bunscope_runs_lost_total", NODES, "cause"), "{{cause}}")]),
        lines("What the agents use", "Memory that is resident, by agent.", "bytes",
              [target(f"process_resident_memory_bytes{{{NODES}}} and on (instance) bunscope_build_info", "{{node}} {{instance}}")]),
    ]


# ---- Execution overview ----

SYNC = "http_exec_sync_latency_seconds"


def execution_panels():
    return [
        stat("Synchronous", "Synchronous executions answered, a second.", "reqps", [target(rate(SYNC + "_count", KINDS))]),
        stat("Errors", "Share of the synchronous executions that were answered with an error, 408 not among them.", "percentunit",
             [target(share(rate(SYNC + "_count", KINDS + ',outcome="error"'), rate(SYNC + "_count", KINDS)))],
             links=[("By kind and code", "Errors by kind and code")]),
        stat("Timeouts", "Share of the synchronous executions that were answered 408.", "percentunit",
             [target(share(rate("http_exec_timeouts_total", KINDS), rate(SYNC + "_count", KINDS)))],
             links=[("By kind", "Timeouts by kind")]),
        stat("Asynchronous", "Executions started with a 202, a second.", "reqps", [target(rate("http_exec_started_total", KINDS))]),

        row("Latency"),
        lines("Latency by kind", "Synchronous executions, first byte of the request to first byte of the answer.", "s",
              [target(quantile(q, SYNC, KINDS, "kind"), "{{kind}} " + f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)], width=12,
              links=[("Errors by kind and code", "Errors by kind and code")]),
        stacked("Synchronous executions by outcome", "Answered, a second.", "reqps",
                [target(rate(SYNC + "_count", KINDS, "kind, outcome"), "{{kind}} {{outcome}}")], width=12),
        stacked("Asynchronous starts", "Executions started with a 202, a second.", "reqps",
                [target(rate("http_exec_started_total", KINDS, "kind"), "{{kind}}")], width=12),
        heat_map("Synchronous latency", "Answers a second by latency.", "s",
                 [target(rate(SYNC + "_bucket", KINDS, "le"), "{{le}}", fmt="heatmap")], width=12),

        row("Errors"),
        heat_map("Errors by kind and code", "Answers of 400 and above, a second; none: the connection ended without an answer.", "reqps",
                 [target(rate("http_exec_errors_total", KINDS, "kind, code"), "{{kind}} {{code}}")], width=12,
                 links=[("Latency by kind", "Latency by kind")]),
        stacked("Timeouts by kind", "Synchronous executions answered 408, a second.", "reqps",
                [target(rate("http_exec_timeouts_total", KINDS, "kind"), "{{kind}}")], width=12,
                links=[("Latency by kind", "Latency by kind")]),

        row("Polls of synchronous workflows"),
        heat_map("Poll time", "How long synchronous workflows were polled for, a second by duration.", "s",
                 [target(rate("workflow_sync_poll_duration_seconds_bucket", WORKFLOWS, "le"), "{{le}}", fmt="heatmap")], width=12),
        lines("Polls an execution", "Polls that one synchronous execution took, mean by workflow.", "short",
              [target(share(rate("workflow_sync_polls_total", WORKFLOWS, "workflow_id"),
                            rate("workflow_sync_poll_duration_seconds_count", WORKFLOWS, "workflow_id")), "{{workflow_id}}")], width=12),

        row("Tools at the same time"),
        lines("Tools, latency p95", "What executions wait for: 95 % of a tool's runs took less. The tools of all servers on these nodes.", "s",
              [target(quantile(0.95, EXECUTE, TOOLS, "tool_id"), "{{tool_id}}")], width=12),
        stacked("Tools, errors", "Runs that did not succeed, a second.", "reqps",
                [target(rate(EXECUTE + "_count", TOOLS + ',outcome!="success"', "tool_id"), "{{tool_id}}")], width=12,
                links=[("Errors by kind and code", "Errors by kind and code")]),
    ]


# ---- the whole ----

def variable(name, label, query, description):
    return {
        "type": "query", "name": name, "label": label, "description": description, "datasource": DATA_SOURCE,
        "query": {"query": query, "refId": name}, "definition": query, "refresh": 2, "sort": 1,
        "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
    }


def variables(own):
    return [
        {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus",
         "description": "The Prometheus that scrapes the agents."},
        variable("cluster", "Cluster", "label_values(bunscope_build_info, cluster)", "The label cluster, where the scrape puts one on."),
        variable("node", "Node", 'label_values(bunscope_build_info{cluster=~"$cluster"}, node)', "The label node, where the scrape puts one on."),
        *own,
    ]


TOOL = variable("tool", "Tool", f"label_values({EXECUTE}_count{{{NODES}}}, tool_id)", "Tools with runs.")
KIND = variable("kind", "Kind", f"label_values({SYNC}_count{{{NODES}}}, kind)", "task, agent, workflow.")
URL = {"bunscope-tools": "Runtime tools", "bunscope-executions": "Execution overview"}


def layout(uid, panels):
    """Places panels from left to right, as in a text; numbers them; turns jumps into links to panels."""
    numbers = {made["title"]: number for number, made in enumerate(panels, 1) if made["type"] != "row"}
    x = y = height = 0
    for number, made in enumerate(panels, 1):
        width, own_height = made.pop("size")
        if x + width > COLUMNS:
            x, y, height = 0, y + height, 0
        made |= {"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": own_height}}
        x, height = x + width, max(height, own_height)
        jumps = [
            {"title": title, "url": f"/d/{uid}?viewPanel={numbers[to]}&${{__url_time_range}}&${{__all_variables}}"}
            for title, to in made.pop("jumps")
        ]
        if jumps:
            made["links"] = jumps
        for letter, one in zip(LETTERS, made.get("targets", [])):
            one["refId"] = letter
    return panels


def dashboard(uid, own_variables, panels):
    others = [
        {"type": "link", "title": title, "url": f"/d/{other}", "keepTime": True, "includeVars": True, "icon": "dashboard"}
        for other, title in URL.items() if other != uid
    ]
    return {
        "uid": uid, "title": f"bunscope: {URL[uid]}", "tags": ["bunscope"], "timezone": "browser", "editable": True,
        "schemaVersion": 38, "version": 1, "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
        "graphTooltip": 1, "links": others, "templating": {"list": variables(own_variables)},
        "panels": layout(uid, panels),
    }


def files():
    return {
        "runtime-tools.json": dashboard("bunscope-tools", [TOOL], tool_panels()),
        "execution-overview.json": dashboard("bunscope-executions", [KIND, TOOL], execution_panels()),
    }


def main():
    check = sys.argv[1:] == ["--check"]
    for name, content in files().items():
        text = json.dumps(content, indent=1) + "\n"
        path = HERE / name
        if check and (not path.exists() or path.read_text() != text):
            sys.exit(f"{path} is stale: run `make dashboards`")
        if not check:
            path.write_text(text)


if __name__ == "__main__":
    main()
