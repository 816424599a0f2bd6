# SPDX-License-Identifier: Apache-2.0
"""Whose runs they are: containers and pods by their cgroups, laid out as the runtimes do."""
import pathlib
import uuid

import pytest

from harness import machine, parents
from harness.watch import verify_truths

pytestmark = pytest.mark.kernel

# Layouts of the runtimes: a pod's uid is {uid}, as systemd writes it {uid_}; a container's id is {id}.
KUBEPODS = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice"
LAYOUTS = {
    "containerd, systemd": f"{KUBEPODS}/cri-containerd-{{id}}.scope",
    "containerd, cgroupfs": "kubepods/burstable/pod{uid}/{id}",
    "CRI-O, systemd": f"{KUBEPODS}/crio-{{id}}.scope",
    "CRI-O, cgroupfs": "kubepods/pod{uid}/crio-{id}",
    "docker, systemd": "system.slice/docker-{id}.scope",
    "docker, cgroupfs": "docker/{id}",
    "podman, systemd": "machine.slice/libpod-{id}.scope/container",
    "podman, cgroupfs": "libpod_parent/libpod-{id}",
}


class Container:
    """A cgroup as a runtime makes it, in one of the machine's trees."""

    def __init__(self, top, layout):
        self.id = uuid.uuid4().hex + uuid.uuid4().hex
        self.uid = str(uuid.uuid4()) if "{uid" in layout else ""
        self.path = top / layout.format(id=self.id, uid=self.uid, uid_=self.uid.replace("-", "_"))
        self.path.mkdir(parents=True)

    def take(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid))

    def info(self, **names):
        return {"container_id": self.id, "pod_uid": self.uid, "namespace": "", "pod": "", "container": "", **names}


def trees():
    """Where cgroups can be made: by their version."""
    found = {}
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options = line.split()[:4]
        if kind == "cgroup2":
            found["v2"] = pathlib.Path(where)
        elif kind == "cgroup" and "memory" in options.split(","):
            found["v1"] = pathlib.Path(where)
    return found


@pytest.fixture(params=["v1", "v2"])
def tree(request):
    """A directory of the test's own in the tree of that version."""
    root = trees().get(request.param)
    if not root:
        pytest.skip(f"this machine has no cgroups of {request.param}")
    top = root / f"bunscope-e2e-{uuid.uuid4().hex[:8]}"
    top.mkdir()
    yield top
    remove(top)


def remove(top):
    """From the leaves up; a cgroup is no directory that could be emptied."""
    folders = sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
    for folder in [*folders, top]:
        machine.wait_until(lambda folder=folder: not (folder / "cgroup.procs").read_text().strip(), f"{folder} is empty")
        folder.rmdir()


@pytest.fixture
def run_in(tree, start_parent, newest_bun):  # pylint: disable=redefined-outer-name
    """Makes a container, and runs tools in it."""

    def run(layout, **job):
        container = Container(tree, layout)
        parent = start_parent(parents.c_parent, newest_bun)
        container.take(parent.process.pid)
        return container, parent.run(**job)

    yield run


@pytest.fixture(autouse=True)
def parents_first(tree, start_parent):  # pylint: disable=redefined-outer-name,unused-argument
    """Parents end before the tree is removed that they are in."""


def test_containers_and_pods_are_known_by_their_cgroups(agent, run_in):
    """Those of before are still there: an agent may be shared."""
    known = infos(agent.scrape())
    for name, layout in LAYOUTS.items():
        before = agent.scrape()
        container, truths = run_in(layout, tool="sum", input={"a": 1, "b": 2})
        after = verify_truths(agent, before, truths)
        known.append(container.info())
        assert by_id(infos(after)) == by_id(known), name


def test_run_is_known_whose_server_is_gone(agent, tree, start_parent, newest_bun):  # pylint: disable=redefined-outer-name
    """Nothing of the container is left when the record comes: its names were read when the run began."""
    container = Container(tree, LAYOUTS["docker, cgroupfs"])
    parent = start_parent(parents.c_parent, newest_bun)
    container.take(parent.process.pid)
    before = agent.scrape()
    parent.begin(tool="slow", input={"ms": 300})
    parent.next("start")
    parent.kill()
    after = agent.wait_runs(before, 1)
    assert container.info() in infos(after)


def infos(scraped):
    return [dict(labels) for (name, labels), value in scraped.samples.items() if name == "bunscope_target_info" and value == 1]


def by_id(found):
    return sorted(found, key=lambda info: info["container_id"])
