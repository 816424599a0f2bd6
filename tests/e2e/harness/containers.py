# SPDX-License-Identifier: Apache-2.0
"""Cgroups as containers' runtimes lay them out, and a server that knows the pods that they are of."""
import http.server
import json
import pathlib
import ssl
import threading
import uuid

from harness.wait import wait_until

# A pod's uid is {uid}, as systemd writes it {uid_}; a container's id is {id}.
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
    """A cgroup as a runtime makes it, below a directory of one of the machine's trees."""

    def __init__(self, top, layout):
        self.id = uuid.uuid4().hex + uuid.uuid4().hex
        self.uid = str(uuid.uuid4()) if "{uid" in layout else ""
        self.path = top / layout.format(id=self.id, uid=self.uid, uid_=self.uid.replace("-", "_"))
        self.path.mkdir(parents=True)

    def take(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid))

    def info(self, namespace="", pod="", container=""):
        """What the agent says of it."""
        return {"container_id": self.id, "pod_uid": self.uid, "namespace": namespace, "pod": pod, "container": container}

    def pod(self, namespace, name, container):
        """What the kubelet says of it."""
        return {
            "metadata": {"namespace": namespace, "name": name, "uid": self.uid, "labels": {"app": name}},
            "spec": {"containers": [{"name": container, "command": ["sh", "-c", 'echo "}]{["']}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": container, "containerID": f"containerd://{self.id}"}]},
        }


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


def remove(top):
    """From the leaves up; a cgroup is no directory that could be emptied."""
    folders = sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
    for folder in [*folders, top]:
        wait_until(lambda folder=folder: not (folder / "cgroup.procs").read_text().strip(), f"{folder} is empty")
        folder.rmdir()


def infos(scraped):
    """The containers that the agent says are there."""
    return [dict(labels) for (name, labels), value in scraped.samples.items() if name == "bunscope_target_info" and value == 1]


class PodServer:
    """Answers as the kubelet does, over TLS, to whoever has the token. `answer` may be replaced: it gets the handler."""

    TOKEN = "a token"

    def __init__(self, certificate, key):
        self.pods = []
        self.answer = self.good
        self.asked = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                outer.asked += 1
                if self.headers["Authorization"] != f"Bearer {outer.TOKEN}":
                    send(self, 401, b"Unauthorized")
                    return
                try:
                    outer.answer(self)
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    pass

            def log_message(self, *arguments):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.server.server_address[1]}/pods"

    def text(self):
        return json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self.pods}).encode()

    def good(self, handler):
        send(handler, 200, self.text())

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def send(handler, status, body):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
