"""The controller of the stand-in: it asks the cloud for each thing once, and waits for its actions by looking."""

import asyncio
import json
import os
import urllib.error
import urllib.request
from typing import cast

from grpclib import GRPCError, Status

from csi_proto.csi import v1 as csi

from .serving import SOCKET, VOLUME_NAME, serve, topology

GIB = 1 << 30
DEFAULT_GIB = 16
SECONDS = 60
LOOK_AGAIN_SECONDS = 1.0

Json = dict[str, object]
Capability = csi.ControllerServiceCapabilityRpcType


class Controller(csi.ControllerBase):
    async def controller_get_capabilities(
        self,
        message: csi.ControllerGetCapabilitiesRequest,  # noqa: ARG002
    ) -> csi.ControllerGetCapabilitiesResponse:
        kinds = (
            Capability.CREATE_DELETE_VOLUME,
            Capability.PUBLISH_UNPUBLISH_VOLUME,
            Capability.CREATE_DELETE_SNAPSHOT,
            Capability.EXPAND_VOLUME,
        )
        told = [csi.ControllerServiceCapability(rpc=csi.ControllerServiceCapabilityRpc(type=kind)) for kind in kinds]
        return csi.ControllerGetCapabilitiesResponse(capabilities=told)

    async def create_volume(self, message: csi.CreateVolumeRequest) -> csi.CreateVolumeResponse:
        wanted = message.capacity_range.required_bytes if message.capacity_range else 0
        body: Json = {"name": message.name, "region": os.environ["REGION"], "size_gigabytes": _gib(wanted)}
        body["description"] = "Created by DigitalOcean CSI driver"
        source = message.volume_content_source
        if source is not None and source.snapshot is not None:
            body["snapshot_id"] = source.snapshot.snapshot_id
        found = await cloud("GET", f"volumes?name={message.name}&region={os.environ['REGION']}")
        same = cast("list[Json]", found["volumes"])
        volume = same[0] if same else cast("Json", (await cloud("POST", "volumes", body))["volume"])
        made = csi.Volume(
            volume_id=str(volume["id"]),
            capacity_bytes=cast("int", volume["size_gigabytes"]) * GIB,
            accessible_topology=[topology()],
            content_source=source,
        )
        return csi.CreateVolumeResponse(volume=made)

    async def delete_volume(self, message: csi.DeleteVolumeRequest) -> csi.DeleteVolumeResponse:
        await cloud("DELETE", f"volumes/{message.volume_id}")
        return csi.DeleteVolumeResponse()

    async def controller_publish_volume(
        self, message: csi.ControllerPublishVolumeRequest
    ) -> csi.ControllerPublishVolumeResponse:
        volume = await _volume(message.volume_id)
        holders = cast("list[int]", volume["droplet_ids"])
        if holders and str(holders[0]) != message.node_id:
            raise GRPCError(Status.FAILED_PRECONDITION, f"attached to {holders[0]}")
        if not holders:
            await act(message.volume_id, {"type": "attach", "droplet_id": int(message.node_id)})
        return csi.ControllerPublishVolumeResponse(publish_context={VOLUME_NAME: str(volume["name"])})

    async def controller_unpublish_volume(
        self, message: csi.ControllerUnpublishVolumeRequest
    ) -> csi.ControllerUnpublishVolumeResponse:
        holders = cast("list[int]", (await _volume(message.volume_id))["droplet_ids"])
        if int(message.node_id) in holders:
            await act(message.volume_id, {"type": "detach", "droplet_id": int(message.node_id)})
        return csi.ControllerUnpublishVolumeResponse()

    async def controller_expand_volume(
        self, message: csi.ControllerExpandVolumeRequest
    ) -> csi.ControllerExpandVolumeResponse:
        size = _gib(message.capacity_range.required_bytes if message.capacity_range else 0)
        if cast("int", (await _volume(message.volume_id))["size_gigabytes"]) < size:
            await act(message.volume_id, {"type": "resize", "size_gigabytes": size})
        return csi.ControllerExpandVolumeResponse(capacity_bytes=size * GIB, node_expansion_required=True)

    async def create_snapshot(self, message: csi.CreateSnapshotRequest) -> csi.CreateSnapshotResponse:
        path = f"volumes/{message.source_volume_id}/snapshots"
        found = cast("list[Json]", (await cloud("GET", path))["snapshots"])
        same = [each for each in found if each["name"] == message.name]
        made = same[0] if same else cast("Json", (await cloud("POST", path, {"name": message.name}))["snapshot"])
        snapshot = csi.Snapshot(
            snapshot_id=str(made["id"]),
            source_volume_id=message.source_volume_id,
            size_bytes=cast("int", made["min_disk_size"]) * GIB,
            ready_to_use=True,
        )
        return csi.CreateSnapshotResponse(snapshot=snapshot)

    async def delete_snapshot(self, message: csi.DeleteSnapshotRequest) -> csi.DeleteSnapshotResponse:
        await cloud("DELETE", f"snapshots/{message.snapshot_id}")
        return csi.DeleteSnapshotResponse()


async def cloud(method: str, path: str, body: Json | None = None) -> Json:
    """Ask the cloud; return its JSON, nothing for a DELETE. Raises GRPCError."""
    return await asyncio.to_thread(_ask, method, f"{os.environ['API_URL'].rstrip('/')}/v2/{path}", body)


async def act(volume_id: str, body: Json) -> None:
    """Do an action on a volume, and wait until it is done. Raises GRPCError."""
    action = cast("Json", (await cloud("POST", f"volumes/{volume_id}/actions", body))["action"])
    async with asyncio.timeout(SECONDS):
        while action["status"] == "in-progress":
            await asyncio.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251  # so it does
            action = cast("Json", (await cloud("GET", f"volumes/{volume_id}/actions/{action['id']}"))["action"])
    if action["status"] != "completed":
        raise GRPCError(Status.INTERNAL, f"action {action['id']} {action['status']}")


def _ask(method: str, url: str, body: Json | None) -> Json:
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  # the embedded cloud's
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310  # the same
            text = reply.read()
    except urllib.error.HTTPError as error:
        if error.code == 404 and method == "DELETE":
            return {}
        raise GRPCError(Status.ABORTED, f"{method} {url}: {error.code}") from error
    return cast("Json", json.loads(text)) if text else {}


async def _volume(volume_id: str) -> Json:
    return cast("Json", (await cloud("GET", f"volumes/{volume_id}"))["volume"])


def _gib(size_bytes: int) -> int:
    return -(-size_bytes // GIB) or DEFAULT_GIB


if __name__ == "__main__":
    asyncio.run(serve({SOCKET: Controller()}))
