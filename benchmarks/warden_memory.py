"""How much memory the warden takes for a large cluster: 1,000 nodes, 10,000 volumes with their attachments, pods.

``python -m benchmarks.warden_memory``. Everything is on. It asks an API server that makes its objects as they are asked
for, in another process, and compares them twice with the volumes that a controller knows. A pod of the node service is
on each node; 5,000 other pods are read, since a node is cordoned.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import ClientError, ClientSession, web

from tools.processes.program import Program
from tools.venv import ROOT

PORT, HTTP_PORT = 18431, 18432
DRIVER = "dobs.csi.digitalocean.com"
NODES, VOLUMES, PODS = 1_000, 10_000, 5_000
PADDING = {"manager": "m" * 200, "fieldsV1": {f"f:field-{number}": {} for number in range(60)}}
READY_SECONDS, LIMIT_MIB = 300.0, 64
COMPARED = 'aiocsi_drift_rounds_total{result="judged"}'
LEASE: dict[str, object] = {}

Json = dict[str, object]


def metadata(name: str) -> Json:
    """Return the metadata of an object, as large as a cluster's."""
    return {
        "name": name,
        "uid": f"{name}-0123456789abcdef",
        "resourceVersion": "7",
        "managedFields": [PADDING, PADDING],
    }


def node(number: int) -> Json:
    """Return a Node."""
    conditions = [
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-28T12:00:00Z", "message": "m" * 80}
    ]
    images = [{"names": [f"registry.example.com/image-{each}@sha256:{'0' * 64}"]} for each in range(50)]
    spec = {"unschedulable": True} if number == 0 else {}
    return {
        "metadata": metadata(f"node-{number}"),
        "spec": spec,
        "status": {"conditions": conditions, "images": images},
    }


def csi_node(number: int) -> Json:
    """Return what kubelet has registered on a node."""
    drivers = [{"name": DRIVER, "nodeID": str(number), "allocatable": {"count": 15}}]
    return {"metadata": metadata(f"node-{number}"), "spec": {"drivers": drivers}}


def volume(number: int) -> Json:
    """Return a bound PersistentVolume."""
    handle = f"01234567-89ab-cdef-0123-{number:012}"
    claim = {"namespace": f"team-{number % 100}", "name": f"data-{number}", "uid": handle}
    csi = {"driver": DRIVER, "volumeHandle": handle, "volumeAttributes": {"a": "b" * 100}}
    spec = {"csi": csi, "claimRef": claim, "capacity": {"storage": "10Gi"}}
    return {"metadata": metadata(f"pvc-{handle}"), "spec": spec, "status": {"phase": "Bound"}}


def attachment(number: int) -> Json:
    """Return the VolumeAttachment of a volume."""
    name = f"pvc-01234567-89ab-cdef-0123-{number:012}"
    spec = {"attacher": DRIVER, "nodeName": f"node-{number % NODES}", "source": {"persistentVolumeName": name}}
    return {"metadata": metadata(f"csi-{number:064}"), "spec": spec, "status": {"attached": True}}


def pod(number: int) -> Json:
    """Return a pod: the first ones are those of the node service, one a node."""
    labels = {"aiocsi.dev/driver": DRIVER, "app.kubernetes.io/component": "node"} if number < NODES else {}
    claim = {"persistentVolumeClaim": {"claimName": f"data-{number}"}}
    containers = [{"name": "main", "image": "registry.example.com/app:1", "env": [{"name": "A", "value": "b" * 400}]}]
    spec = {"nodeName": f"node-{number % NODES}", "containers": containers, "volumes": [claim]}
    found = {**metadata(f"pod-{number}"), "namespace": f"team-{number % 100}", "labels": labels}
    return {"metadata": found, "spec": spec, "status": {"phase": "Running"}}


def claim(number: int) -> Json:
    """Return a claim that is in use."""
    conditions = [{"type": "Unused", "status": "False", "lastTransitionTime": "2026-11-28T12:00:00Z"}]
    named = {**metadata(f"data-{number}"), "namespace": f"team-{number % 100}"}
    return {"metadata": named, "spec": {"volumeName": f"pvc-{number}"}, "status": {"conditions": conditions}}


def controller_pod(_number: int) -> Json:
    """Return the controller's pod."""
    labels = {"aiocsi.dev/driver": DRIVER, "app.kubernetes.io/component": "controller"}
    containers = [{"ports": [{"name": "http", "containerPort": PORT}]}]
    found = {**metadata("controller"), "labels": labels}
    return {"metadata": found, "spec": {"containers": containers}, "status": {"podIP": "127.0.0.1"}}


async def known(_request: web.Request) -> web.Response:
    """Answer what the controller knows of the cloud's volumes."""
    volumes = ",\n".join(
        json.dumps(
            {
                "id": f"01234567-89ab-cdef-0123-{number:012}",
                "name": f"pvc-01234567-89ab-cdef-0123-{number:012}",
                "zone": "nyc1",
                "size_bytes": 10 << 30,
                "node_ids": [str(number % NODES)],
                "tags": ["k8s", "cluster-1"],
                "created_at": 1.0,
            }
        )
        for number in range(VOLUMES)
    )
    return web.Response(text=f'{{"age_seconds": 0.0, "volumes": [\n{volumes}\n]}}\n')


KINDS: dict[str, tuple[int, Callable[[int], Json]]] = {
    "nodes": (NODES, node),
    "csinodes": (NODES, csi_node),
    "persistentvolumes": (VOLUMES, volume),
    "volumeattachments": (VOLUMES, attachment),
    "pods": (NODES + PODS, pod),
    "persistentvolumeclaims": (VOLUMES, claim),
}


async def answer(request: web.Request) -> web.StreamResponse:
    """Answer a page of a list, or a watch in which nothing happens."""
    kind = request.path.rpartition("/")[2]
    if "/leases" in request.path:
        return await lease(request)
    if kind not in KINDS:
        return web.json_response({"code": 404, "message": "not here"}, status=404)
    if "watch" in request.query:
        stream = web.StreamResponse()
        await stream.prepare(request)
        await asyncio.Event().wait()
        return stream
    count, make = KINDS[kind] if kind != "pods" or "fieldSelector" in request.query else (NODES, pod)
    if "component=controller" in request.query.get("labelSelector", ""):
        count, make = 1, controller_pod
    first, limit = int(request.query.get("continue", "0")), int(request.query["limit"])
    more = {"continue": str(first + limit)} if first + limit < count else {}
    items = [make(number) for number in range(first, min(count, first + limit))]
    return web.json_response({"metadata": {"resourceVersion": "7", **more}, "items": items})


async def lease(request: web.Request) -> web.StreamResponse:
    """Keep the one lease."""
    if request.method != "GET":
        LEASE.update(await request.json())
        LEASE["metadata"] = {**metadata("lease"), "namespace": "kube-system"}
    return web.json_response(LEASE or {"code": 404, "message": "not here"}, status=200 if LEASE else 404)


async def measure() -> int:
    """Return the exit status: 0 the warden stays within its memory."""
    with TemporaryDirectory() as name:
        python, config = (sys.executable, "-m"), Path(name) / "kubeconfig"
        config.write_text(json.dumps(kubeconfig()))
        settings = {
            "KUBECONFIG": str(config),
            "AIOCSI_NAMESPACE": "kube-system",
            "AIOCSI_HTTP_ADDR": f"127.0.0.1:{HTTP_PORT}",
            "AIOCSI_LOG_LEVEL": "error",
            "AIOCSI_FAILOVER_MODE": "taint",
            "AIOCSI_START_TAINT": "true",
            "AIOCSI_DRAIN_WAIT": "true",
            "AIOCSI_MAX_VOLUMES": "true",
            "AIOCSI_DRIFT_SECONDS": "10",
            "AIOCSI_TAG": "cluster-1",
        }
        server = Program("server", [*python, "benchmarks.warden_memory", "serve"], os.environ, Path(name, "log"), ROOT)
        warden = Program("warden", [*python, "warden"], {**os.environ, **settings}, Path(name, "log"), ROOT)
        try:
            server.start()
            warden.start()
            await until_compared()
            now, most = (memory(warden.pid, key) for key in ("VmRSS", "VmHWM"))
        finally:
            warden.end()
            server.end()
    what = f"{NODES} nodes, {VOLUMES} volumes and attachments, {PODS} pods"
    print(f"{what}: {now:.1f} MiB, at most {most:.1f} of {LIMIT_MIB}")
    return int(most > LIMIT_MIB)


def kubeconfig() -> Json:
    """Return how the server is reached."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{PORT}"}}],
        "users": [{"name": "me", "user": {"token": "none"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "current-context": "here",
    }


async def until_compared() -> None:
    """Wait until the warden has compared everything twice. Raises TimeoutError."""
    async with asyncio.timeout(READY_SECONDS), ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{HTTP_PORT}/metrics") as told:
                    if f"{COMPARED} 2.0" in await told.text():
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.5)  # noqa: TID251  # a process of its own


def memory(pid: int, key: str) -> float:
    """Return a value of /proc/PID/status, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def main() -> int:
    """Serve, or measure."""
    if sys.argv[1:] == ["serve"]:
        app = web.Application()
        app.router.add_get("/volumes/{uid}", known)
        app.router.add_route("*", "/{path:.*}", answer)
        web.run_app(app, host="127.0.0.1", port=PORT, print=None)
        return 0
    return asyncio.run(measure())


if __name__ == "__main__":
    sys.exit(main())
