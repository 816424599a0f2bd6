# SPDX-License-Identifier: Apache-2.0
"""Whose spans are: the resource of each names the container and the pod, whichever batch they came in."""
import pytest

from harness import parents
from test_identity import LAYOUTS, Container, parents_first, tree  # noqa: F401 (fixtures)
from test_spans import SUM, receiver, start_tracing, wait_exported  # noqa: F401 (fixtures)
from test_traces import Caller, call, check_tree, server  # noqa: F401 (fixtures)

pytestmark = pytest.mark.kernel


def owner_of(span):
    return {key: value for key, value in span.resource.items() if key.startswith(("container.", "k8s."))}


def wanted(container):
    return {"container.id": container.id, **({"k8s.pod.uid": container.uid} if container.uid else {})}


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_runs_of_several_containers_in_one_batch(start_tracing, start_parent, newest_bun, receiver, tree, protocol):  # noqa: F811
    agent = start_tracing(receiver, f"--otlp.protocol={protocol}", "--otlp.batch-delay=3s")
    owners = {}
    for layout in (None, "containerd, systemd", "docker, cgroupfs"):
        parent = start_parent(parents.c_parent, newest_bun)
        container = Container(tree, LAYOUTS[layout]) if layout else None
        if container:
            container.take(parent.process.pid)
        for truth in parent.run(**SUM, count=2):
            owners[truth["pid"]] = wanted(container) if container else {}
    spans = receiver.wait(len(owners))
    assert {span.attributes["process.pid"]: owner_of(span) for span in spans} == owners
    assert {span.resource["service.name"] for span in spans} == {"bunscope"}
    assert len(receiver.requests) == 1
    wait_exported(agent, len(owners))


def test_an_exchange_is_its_servers(start_tracing, server, receiver, tree):  # noqa: F811
    container = Container(tree, LAYOUTS["containerd, cgroupfs"])
    container.take(server.process.pid)
    start_tracing(receiver, f"--server.port={server.port}")
    caller = Caller()
    call(server, "tasks", "sum", SUM, caller)
    check_tree(receiver.wait(2), caller)
    assert [owner_of(span) for span in receiver.spans] == [wanted(container)] * 2
