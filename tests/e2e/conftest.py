# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a Bun of each version, an agent of the test's own, a parent of the test's own."""
import json
import os
import shutil

import pytest

from harness import agent as agents
from harness import machine, parents
from harness.doors import DOORS, Doors
from harness.prometheus import Prometheus
from harness.tail import Tail, links

MEMORY_BYTES = 150 << 20  # of a control group in which a tool eats too much
BUN_VERSIONS = ("1.4.5", "1.3.0")
BUN_DIRECTORY = os.environ.get("BUNSCOPE_BUNS", str(agents.BUILD / "bun"))


class Bun(str):
    """The path of a Bun binary that knows its version."""

    version = ""


def bun_of(version):
    path = Bun(f"{BUN_DIRECTORY}/{version}/node_modules/.bin/bun")
    path.version = version
    return path


def pytest_addoption(parser):
    parser.addoption("--repeat", type=int, default=1, help="run each test so often")
    parser.addoption(
        "--both-doors", action="store_true", help="two agents for all tests, one a --probe.stdio; they must count the same"
    )
    parser.addoption("--storm-runs", type=int, default=50_000, help="runs of a storm")
    parser.addoption("--one-agent", action="store_true", help="one agent for all tests that need no flags: quicker")


def pytest_generate_tests(metafunc):
    count = metafunc.config.getoption("--repeat")
    if count > 1:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(count))


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the e2e tests load BPF programs: run them as root", 2)
    if not agents.BINARY.exists():
        pytest.exit(f"{agents.BINARY} is missing: run make", 2)
    if not session.config.option.collectonly:
        session.config.machine_lock = machine.lock_machine()


@pytest.fixture(params=BUN_VERSIONS)
def bun(request):
    """Each test with it runs for every Bun version."""
    return require_bun(request.param)


@pytest.fixture
def newest_bun():
    return require_bun(BUN_VERSIONS[0])


def require_bun(version):
    path = bun_of(version)
    if not os.path.exists(path):
        pytest.skip(f"Bun {version} is not installed: run make bun")
    return path


def agents_to_start():
    """Starts agents with flags; ends those that are left. ready=False: /readyz cannot be asked in plain HTTP."""
    started = []

    def start(*flags, ready=True, **options):
        agent = agents.Agent(*flags, **options)
        try:
            if ready:
                agent.wait_ready()
            else:
                agent.wait_listening()
        except (AssertionError, TimeoutError):
            agent.stop()
            raise
        started.append(agent)
        return agent

    yield start
    for agent in started:
        if not agent.stopped:
            agent.end()


@pytest.fixture
def start_agent():
    yield from agents_to_start()


@pytest.fixture(scope="module")
def start_agent_of_module():
    """Agents that all tests of a file share."""
    yield from agents_to_start()


@pytest.fixture(scope="session")
def doors(record_testsuite_property):
    both = Doors()
    for door in DOORS:
        record_testsuite_property(door, both.missing.get(door, "attached"))
        record_testsuite_property(f"doctor-{door}", json.dumps(both.reports[door]))
    yield both
    both.stop()


@pytest.fixture(scope="session")
def lasting_agent():
    lasting = agents.Agent().wait_ready()
    yield lasting
    lasting.end()


@pytest.fixture
def agent(request):
    """An agent of the test's own; with --one-agent one, with --both-doors one of two that all tests share."""
    if request.config.getoption("--both-doors"):
        both = request.getfixturevalue("doors")
        both.wait_idle()
        yield both.agent
        request.node.user_properties.append(("equal", " ".join(both.compare())))
    elif request.config.getoption("--one-agent"):
        lasting = request.getfixturevalue("lasting_agent")
        lasting.wait_for(agents.is_idle, "nothing is left of the test before")
        yield lasting
    else:
        yield request.getfixturevalue("start_agent")()


@pytest.fixture
def start_each_door(request, start_agent):
    """Starts one agent of the test's own; with --both-doors one for each way to see stdio that this kernel has."""

    def start(*flags):
        if not request.config.getoption("--both-doors"):
            return [start_agent(*flags)]
        doors = list(request.getfixturevalue("doors").agents)
        request.node.user_properties.append(("equal", " ".join(doors)))
        return [start_agent(f"--probe.stdio={door}", *flags) for door in doors]

    return start


@pytest.fixture
def start_tail(start_agent):
    agent = start_agent()
    wanted_links = links(agent.pid)
    agent.stop()
    started = []

    def start(*flags):
        started.append(Tail(wanted_links, *flags))
        return started[-1]

    yield start
    for tail in started:
        assert tail.stop() == 0


def parents_to_start():
    """Starts parents by their maker (parents.c_parent …); ends them and what they left behind."""
    started = []

    def start(maker, *arguments, **options):
        parent = maker(*arguments, **options)
        started.append(parent)
        return parent

    yield start
    for parent in started:
        parent.stop()


@pytest.fixture
def start_parent():
    yield from parents_to_start()


@pytest.fixture(scope="module")
def start_parent_of_module():
    yield from parents_to_start()


@pytest.fixture
def parent(start_parent, bun):
    return start_parent(parents.c_parent, bun)


def prometheus_to_start():
    """Starts a Prometheus of agents, one job, with the rules of deploy/."""
    started = []

    def start(*agents_of_it, **options):
        started.append(Prometheus.of_agents(require("prometheus"), agents_of_it, **options))
        return started[-1]

    yield start
    for prometheus in started:
        prometheus.stop()


@pytest.fixture
def start_prometheus():
    yield from prometheus_to_start()


@pytest.fixture(scope="module")
def start_prometheus_of_module():
    """It takes five seconds until one knows its targets: tests share it where they can."""
    yield from prometheus_to_start()


@pytest.fixture
def memory_cgroup():
    try:
        cgroup = machine.MemoryCgroup(MEMORY_BYTES)
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    yield cgroup
    cgroup.remove()


def require_small_pid_namespace():
    require("unshare")
    if not machine.has_own_pid_limits():
        pytest.skip("pid_max is the whole machine's before Linux 6.14")


def require(program, reason=""):
    """Path of a program; skips the test where it is missing."""
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/go/bin")
    if not path:
        pytest.skip(f"{program} is not installed{reason}")
    return path
