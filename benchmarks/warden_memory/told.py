"""What an API server and a controller of a large cluster tell; made as it is asked for."""

import asyncio
import json
from collections.abc import Callable

from aiohttp import web

from common.metrics import Metrics
from common.rpc import Calls
from common.server import GrpcServer
from csi_proto.csi import v1 as csi

PORT = 18431
DRIVER = "dobs.csi.digitalocean.com"
NODES, VOLUMES, PODS = 1_000, 10_000, 5_000
PAGE, AILING = 250, 100  # volumes of a list's page, and one of how many is not well
CONTEXT = {"a": "b" * 100}
PADDING = {"manager": "m" * 200, "fieldsV1": {f"f:field-{number}": {} for number in range(60)}}
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


def handle_of(number: int) -> str:
    """Return the cloud's id of a volume."""
    return f"01234567-89ab-cdef-0123-{number:012}"


def volume(number: int) -> Json:
    """Return a bound PersistentVolume."""
    handle = handle_of(number)
    claim = {"namespace": f"team-{number % 100}", "name": f"data-{number}", "uid": handle}
    csi = {"driver": DRIVER, "volumeHandle": handle, "volumeAttributes": CONTEXT}
    spec = {"csi": csi, "claimRef": claim, "capacity": {"storage": "10Gi"}}
    return {"metadata": metadata(f"pvc-{handle}"), "spec": spec, "status": {"phase": "Bound"}}


def attachment(number: int) -> Json:
    """Return the VolumeAttachment of a volume."""
    name = f"pvc-{handle_of(number)}"
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
                "id": handle_of(number),
                "name": f"pvc-{handle_of(number)}",
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


class Told(csi.ControllerBase):
    """The controller's lists."""

    async def list_volumes(self, message: csi.ListVolumesRequest) -> csi.ListVolumesResponse:
        """Answer a page of the volumes."""
        numbers, token = page(message.starting_token, 1)
        entries = [
            csi.ListVolumesResponseEntry(
                volume=csi.Volume(volume_id=handle_of(number), capacity_bytes=10 << 30, volume_context=CONTEXT),
                status=csi.ListVolumesResponseVolumeStatus(published_node_ids=[str(number % NODES)]),
            )
            for number in numbers
        ]
        return csi.ListVolumesResponse(entries=entries, next_token=token)

    async def controller_list_volume_health(
        self, message: csi.ControllerListVolumeHealthRequest
    ) -> csi.ControllerListVolumeHealthResponse:
        """Answer a page of the volumes that are not well."""
        numbers, token = page(message.starting_token, AILING)
        inaccessible = csi.VolumeHealthErrorType.INACCESSIBLE
        entries = [
            csi.VolumeHealth(
                volume_id=handle_of(number),
                health_statuses=[
                    csi.VolumeHealthVolumeHealthEntry(
                        status=inaccessible,
                        reason="ServerNotActive",
                        message=f"volume {handle_of(number)} is attached to node {number % NODES}, which is not active",
                    )
                ],
            )
            for number in numbers
        ]
        return csi.ControllerListVolumeHealthResponse(entries=entries, next_token=token)


def page(token: str, step: int) -> tuple[range, str]:
    """Return the numbers of a page, each ``step``-th, and the token of the next one."""
    first = int(token or "0")
    end = min(VOLUMES, first + PAGE * step)
    return range(first, end, step), str(end) if end < VOLUMES else ""


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


def serve(socket: str) -> None:
    """Serve both, until told to stop."""
    controller = GrpcServer([Told()], socket, Calls(Metrics()))
    app = web.Application()
    app.on_startup.append(lambda _app: controller.start())
    app.router.add_get("/volumes/{uid}", known)
    app.router.add_route("*", "/{path:.*}", answer)
    web.run_app(app, host="127.0.0.1", port=PORT, print=None)
