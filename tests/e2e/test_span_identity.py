# SPDX-License-Identifier: Apache-2.0
"""Whose spans are: the resource of each names the container and the pod, whichever batch they came in."""
import pytest

from harness import servers
from harness.containers import LAYOUTS, Container, infos
from test_identity import any_tree, certificate, parent_in, pod_server, start_named, tree  # noqa: F401 (fixtures)
from test_spans import AT_ONCE, SUM, receiver, start_tracing, wait_exported  # noqa: F401 (fixtures)
from test_traces import Caller, call, check_tree

pytestmark = pytest.mark.kernel


def owner_of(span):
    return {key: value for key, value in span.resource.items() if key.startswith(("container.", "k8s."))}


def wanted(container):
    return {"container.id": container.id, **({"k8s.pod.uid": container.uid} if container.uid else {})}


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_runs_of_several_containers_in_one_batch(start_tracing, tree, parent_in, receiver, protocol):  # noqa: F811
    agent = start_tracing(receiver, f"--otlp.protocol={protocol}", "--otlp.batch-delay=3s")
    owners = {}
    for layout in ("containerd, systemd", "docker, cgroupfs"):
        container = Container(tree, LAYOUTS[layout])
        owners |= {truth["pid"]: wanted(container) for truth in parent_in(container).run(**SUM, count=2)}
    spans = receiver.wait(len(owners))
    assert {span.attributes["process.pid"]: owner_of(span) for span in spans} == owners
    assert {span.resource["service.name"] for span in spans} == {"bunscope"}
    assert len(receiver.requests) == 1
    wait_exported(agent, len(owners))


def test_a_run_of_no_container_is_nobodys(start_tracing, start_parent, newest_bun, receiver):  # noqa: F811
    start_tracing(receiver)
    start_parent(servers.parents.c_parent, newest_bun).run(**SUM)
    (span,) = receiver.wait(1)
    assert owner_of(span) == {}


@pytest.fixture
def server_in(newest_bun):
    """A Go server in a container; it ends before the cgroup is removed, so it is asked for behind the tree."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    server = servers.go_server(newest_bun)

    def start(container):
        container.take(server.process.pid)
        return server

    yield start
    server.stop()


def test_an_exchange_is_its_servers(start_tracing, any_tree, server_in, receiver):  # noqa: F811
    container = Container(any_tree, LAYOUTS["containerd, cgroupfs"])
    server = server_in(container)
    start_tracing(receiver, f"--server.port={server.port}")
    caller = Caller()
    call(server, "tasks", "sum", SUM, caller)
    check_tree(receiver.wait(2), caller)
    assert [owner_of(span) for span in receiver.spans] == [wanted(container)] * 2


def test_pods_have_names(start_named, pod_server, any_tree, parent_in, receiver):  # noqa: F811
    pods = pod_server()
    container = Container(any_tree, LAYOUTS["containerd, systemd"])
    pods.pods = [container.pod("shop", "web-0", "server")]
    agent = start_named(pods, f"--otlp.endpoint={receiver.url}", *AT_ONCE)
    parent = parent_in(container)
    parent.run(**SUM)
    agent.wait_for(lambda now: container.info("shop", "web-0", "server") in infos(now), "the pod has its names")
    parent.run(**SUM)
    named = {**wanted(container), "k8s.namespace.name": "shop", "k8s.pod.name": "web-0", "k8s.container.name": "server"}
    assert owner_of(receiver.wait(2)[-1]) == named
