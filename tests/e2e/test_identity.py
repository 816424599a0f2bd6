# SPDX-License-Identifier: Apache-2.0
"""Whose runs they are: containers and pods by their cgroups, laid out as the runtimes do, and the pods' names."""
import json
import threading
import time
import uuid

import pytest

from harness import parents
from harness.certificates import Authority
from harness.containers import LAYOUTS, Container, PodServer, infos, remove, send, trees
from harness.watch import verify_truths

POD_LAYOUT = LAYOUTS["containerd, systemd"]
HUGE_BYTES = 100 << 20
# A list that is read as it arrives needs no more than its largest pod.
GROWTH_BYTES_MAX = 8 << 20


def make_tree(version):
    root = trees().get(version)
    if not root:
        pytest.skip(f"this machine has no cgroups of {version}")
    top = root / f"bunscope-e2e-{uuid.uuid4().hex[:8]}"
    top.mkdir()
    return top


@pytest.fixture(params=["v1", "v2"])
def tree(request):
    """A directory of the test's own in the tree of that version."""
    top = make_tree(request.param)
    yield top
    remove(top)


@pytest.fixture
def any_tree():
    top = make_tree("v2" if "v2" in trees() else "v1")
    yield top
    remove(top)


@pytest.fixture
def parent_in(newest_bun):
    """Starts servers in containers; ends them before their cgroups are removed, so it is asked for behind the tree."""
    started = []

    def start(container):
        parent = parents.c_parent(newest_bun)
        started.append(parent)
        container.take(parent.process.pid)
        return parent

    yield start
    for parent in started:
        parent.stop()


@pytest.mark.kernel
def test_containers_and_pods_are_known_by_their_cgroups(agent, tree, parent_in):
    """Those of before are still there: an agent may be shared."""
    known = infos(agent.scrape())
    for name, layout in LAYOUTS.items():
        container = Container(tree, layout)
        before = agent.scrape()
        after = verify_truths(agent, before, parent_in(container).run(tool="sum", input={"a": 1, "b": 2}))
        known.append(container.info())
        assert by_id(infos(after)) == by_id(known), name


@pytest.mark.kernel
def test_run_is_known_whose_server_is_gone(agent, tree, parent_in):
    """Nothing of the container is left when the record comes: its names were read when the run began."""
    container = Container(tree, LAYOUTS["docker, cgroupfs"])
    parent = parent_in(container)
    before = agent.scrape()
    parent.begin(tool="slow", input={"ms": 300})
    parent.next("start")
    parent.kill()
    after = agent.wait_runs(before, 1)
    assert container.info() in infos(after)


def by_id(found):
    return sorted(found, key=lambda info: info["container_id"])


# ---- the pods' names ----


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("pods"))
    return authority, authority.sign("kubelet")


@pytest.fixture
def pod_server(certificate):
    _, files = certificate
    servers = []

    def start():
        servers.append(PodServer(*files))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def start_named(start_agent, certificate, tmp_path):
    """Starts agents that ask a server for names."""
    authority, _ = certificate
    token = tmp_path / "token"
    token.write_text(PodServer.TOKEN + "\n")

    def start(server, *flags, ca=authority.ca):
        return start_agent(f"--kubernetes.pods-url={server.url}", f"--kubernetes.ca-file={ca}",
                           f"--kubernetes.token-file={token}", *flags)

    return start


def lists(scraped, result):
    return scraped.value("bunscope_pod_lists_total", result=result)


def run_one(agent, container, parent_in):
    """One run, counted exactly; the scrape behind it."""
    before = agent.scrape()
    return verify_truths(agent, before, parent_in(container).run(tool="sum", input={"a": 1, "b": 2}))


def test_pods_have_names(start_named, pod_server, any_tree, parent_in):
    """Nobody is asked before there is something to ask for, nor when all is known."""
    server = pod_server()
    agent = start_named(server)
    container = Container(any_tree, POD_LAYOUT)
    other = Container(any_tree, LAYOUTS["docker, cgroupfs"])
    server.pods = [container.pod("shop", "web-0", "server"), {"metadata": {}}]
    run_one(agent, other, parent_in)
    assert server.asked == 0
    run_one(agent, container, parent_in)
    named = container.info("shop", "web-0", "server")
    after = agent.wait_for(lambda now: named in infos(now), "the pod has its names")
    assert by_id(infos(after)) == by_id([named, other.info()])
    assert (lists(after, "ok"), lists(after, "failed"), server.asked) == (1, 0, 1)


def test_slow_server_delays_nothing(start_named, pod_server, any_tree, parent_in):
    """While it keeps the list back runs are counted and scrapes answered; the names come when it does."""
    server = pod_server()
    agent = start_named(server)
    container = Container(any_tree, POD_LAYOUT)
    server.pods = [container.pod("shop", "web-0", "server")]
    asked, answer = threading.Event(), threading.Event()

    def slow(handler):
        asked.set()
        body = server.text()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:20])
        answer.wait(30)
        handler.wfile.write(body[20:])

    server.answer = slow
    run_one(agent, container, parent_in)
    assert asked.wait(20)
    parent = parent_in(container)
    for _ in range(3):
        before = agent.scrape()
        after = verify_truths(agent, before, parent.run(tool="sum", input={"a": 1, "b": 2}))
        assert infos(after) == [container.info()]
    assert not answer.is_set()
    answer.set()
    named = container.info("shop", "web-0", "server")
    agent.wait_for(lambda now: infos(now) == [named], "the pod has its names")


def forbidden(server):
    return lambda handler: send(handler, 403, server.text())


def no_json(server):
    return lambda handler: send(handler, 200, b"<html>" + server.text())


def cut(server):
    return lambda handler: send(handler, 200, server.text()[:-30])


def pods_of_others(_server):
    pod = json.dumps({"metadata": {"namespace": "a", "name": "b", "uid": "c"}, "spec": "x" * 20000})

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b'{"items":[')
        for _ in range(HUGE_BYTES // len(pod)):
            handler.wfile.write(pod.encode() + b",")

    return answer


WRONG = {"forbidden": forbidden, "no JSON": no_json, "cut": cut, "huge": pods_of_others}


def test_names_stay_away_with_a_server_that_is_wrong_and_come_when_it_is_right(start_named, pod_server, any_tree, parent_in):
    """Each has an agent of its own, and what they count is exact all the while."""
    container = Container(any_tree, POD_LAYOUT)
    servers = {name: pod_server() for name in [*WRONG, "stranger"]}
    for name, make in WRONG.items():
        servers[name].answer = make(servers[name])
    agents = {name: start_named(server) for name, server in servers.items() if name != "stranger"}
    # One that the agent has no reason to trust never gets to see the token.
    agents["stranger"] = start_named(servers["stranger"], ca="/etc/ssl/certs/ca-certificates.crt")
    before = {name: agent.scrape() for name, agent in agents.items()}
    truths = parent_in(container).run(tool="sum", input={"a": 1, "b": 2})
    for name, agent in agents.items():
        verify_truths(agent, before[name], truths)
        after = agent.wait_for(lambda now: lists(now, "failed") == 1, f"{name}: the list has failed")
        assert infos(after) == [container.info()], name
        grown = after.value("process_resident_memory_bytes") - before[name].value("process_resident_memory_bytes")
        assert grown < GROWTH_BYTES_MAX, name
        assert agent.log.count("pods have no names") == 1, agent.log
    assert servers["stranger"].asked == 0
    named = container.info("shop", "web-0", "server")
    for name in WRONG:
        servers[name].pods = [container.pod("shop", "web-0", "server")]
        servers[name].answer = servers[name].good
    for name in WRONG:
        agents[name].wait_for(lambda now: infos(now) == [named], f"{name}: the pod has its names")
        assert agents[name].log.count("pods have names again") == 1, agents[name].log


def test_server_that_is_gone_is_asked_again_and_again_but_not_often(start_named, pod_server, any_tree, parent_in):
    server = pod_server()
    agent = start_named(server)
    server.stop()
    container = Container(any_tree, POD_LAYOUT)
    run_one(agent, container, parent_in)
    agent.wait_for(lambda now: lists(now, "failed") == 1, "the first try has failed")
    began = time.monotonic()
    agent.wait_for(lambda now: lists(now, "failed") == 2, "the second try has failed")
    assert time.monotonic() - began > 4
    assert infos(agent.scrape()) == [container.info()]


# ---- as labels of the runs ----

NAMES = ("namespace", "pod", "container")
NOBODY = {"namespace": "unknown", "pod": "unknown", "container": "unknown"}


def moved(before, after, name, **labels):
    return after.value(name, **labels) - before.value(name, **labels)


def test_runs_carry_their_pods_names(start_named, pod_server, any_tree, parent_in):
    """Each run is counted once, under its own pod; those of no pod, or of one without a name yet, under `unknown`."""
    server = pod_server()
    agent = start_named(server, "--labels=namespace,pod,container")
    pods = {
        Container(any_tree, layout): dict(zip(NAMES, ("shop", f"web-{i}", "server")))
        for i, layout in enumerate((LAYOUTS["containerd, systemd"], LAYOUTS["CRI-O, cgroupfs"]))
    }
    server.pods = [container.pod(*names.values()) for container, names in pods.items()]
    outside = Container(any_tree, LAYOUTS["docker, systemd"])
    servers = {container: parent_in(container) for container in [*pods, outside]}
    for parent in servers.values():
        parent.run(tool="sum", input={"a": 1, "b": 2})
    named = by_id([outside.info(), *(container.info(**names) for container, names in pods.items())])
    before = agent.wait_for(lambda now: by_id(infos(now)) == named, "all pods have their names")
    counts = {container: 3 + i for i, container in enumerate(servers)}
    for container, parent in servers.items():
        parent.run(tool="echo", count=counts[container], concurrency=2)
        parent.run(tool="exit", input={"code": 3})
    total = sum(counts.values()) + len(counts)
    after = agent.wait_runs(before, total)
    for container, names in {**pods, outside: NOBODY}.items():
        assert moved(before, after, "runtime_tool_execute_seconds_count", tool_id="echo", outcome="success",
                     **names) == counts[container]
        assert moved(before, after, "runtime_tool_errors_total", tool_id="exit", error_kind="wait", **names) == 1
        assert moved(before, after, "runtime_bun_process_exits_total", status="exit", code="3", signal="", **names) == 1
        assert after.value("runtime_tool_runs_in_flight", tool_id="echo", **names) == 0
    assert after.total("runtime_tool_execute_seconds_count") - before.total("runtime_tool_execute_seconds_count") == total
    labelled = [name for name, labels in after.samples if name.startswith("runtime_tool_") and dict(labels).keys() & set(NAMES)]
    unlabelled = {name for name, labels in after.samples if name.startswith("runtime_") and not dict(labels).keys() & set(NAMES)}
    assert labelled and unlabelled == {"runtime_tool_oldest_run_seconds", "runtime_bun_unreaped"}


def test_labels_are_off_by_default(agent):
    scraped = agent.scrape()
    assert not [name for name, labels in scraped.samples if name.startswith("runtime_") and dict(labels).keys() & set(NAMES)]
