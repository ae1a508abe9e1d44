"""The CSI Node service: each RPC is parse, act, reply. Errors are raised as ``common.errors``; no status is named."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from common import call_log, errors
from csi_proto.csi import v1 as csi
from node import capabilities, refusals, replies, requests
from node.expansion import Expansion
from node.health import Health
from node.node_info import Info
from node.publishing import Publishing
from node.refusals import Refusals
from node.requests import Requests
from node.rules import request_fields
from node.staging import Staging
from node.stats import Stats
from node.unstaging import Unstaging

log = structlog.get_logger()

Wanted = TypeVar("Wanted")


@dataclass(frozen=True)
class NodeDomains:
    """What does the work."""

    staging: Staging
    unstaging: Unstaging
    publishing: Publishing
    expansion: Expansion
    stats: Stats
    refusals: Refusals
    health: Health
    node_info: Info


class Node(csi.NodeBase):
    """Serves the Node RPCs."""

    def __init__(self, requests_: Requests, parts: NodeDomains) -> None:
        self._requests = requests_
        self._parts = parts

    async def _read(self, read: Callable[[], Wanted], path: str) -> Wanted:
        """Return what is wanted. Raises the error of a malformed request."""
        try:
            return read()
        except errors.Refused as refused:
            raise await self._parts.staging.malformed(path, refused) from refused

    async def node_stage_volume(self, message: csi.NodeStageVolumeRequest) -> csi.NodeStageVolumeResponse:
        """Format if blank, mount at the staging path."""
        with self._parts.refusals.noting(refusals.STAGE, *self._requests.subject(message)):
            wanted = await self._read(partial(self._requests.stage, message), message.staging_target_path)
            call_log.about(volume_name=wanted.volume.name)
            call_log.tell(outcome="was_staged")
            await self._parts.staging.stage(wanted)
        return csi.NodeStageVolumeResponse()

    async def node_unstage_volume(self, message: csi.NodeUnstageVolumeRequest) -> csi.NodeUnstageVolumeResponse:
        """Unmount, and return when the device is safe to detach."""
        place = requests.unstage(message)
        await self._parts.unstaging.unstage(place)
        self._parts.refusals.forget(place.volume_id)
        return csi.NodeUnstageVolumeResponse()

    async def node_publish_volume(self, message: csi.NodePublishVolumeRequest) -> csi.NodePublishVolumeResponse:
        """Bind to the target path."""
        with self._parts.refusals.noting(refusals.PUBLISH, *self._requests.subject(message)):
            wanted = await self._read(partial(self._requests.publish, message), message.target_path)
            pod = requests.pod(message)
            whose = {"pod": pod} if pod else {}
            call_log.about(volume_name=wanted.volume.name, target=wanted.target, **whose)
            call_log.tell(outcome="was_published")
            await self._parts.publishing.publish(wanted)
        log.info("published", volume_id=wanted.volume.id, target=wanted.target, **whose)
        return csi.NodePublishVolumeResponse()

    async def node_unpublish_volume(self, message: csi.NodeUnpublishVolumeRequest) -> csi.NodeUnpublishVolumeResponse:
        """Take the target path away."""
        await self._parts.publishing.unpublish(requests.unpublish(message))
        return csi.NodeUnpublishVolumeResponse()

    async def node_expand_volume(self, message: csi.NodeExpandVolumeRequest) -> csi.NodeExpandVolumeResponse:
        """Grow the file system to the size of its device."""
        with self._parts.refusals.noting(refusals.EXPAND, request_fields.volume_id(message.volume_id)):
            wanted = requests.expand(message)
            return csi.NodeExpandVolumeResponse(capacity_bytes=await self._parts.expansion.expand(wanted))

    async def node_get_volume_stats(self, message: csi.NodeGetVolumeStatsRequest) -> csi.NodeGetVolumeStatsResponse:
        """Tell how full a volume is."""
        return replies.stats(await self._parts.stats.usage(requests.stats(message)))

    async def node_get_volume_health(self, message: csi.NodeGetVolumeHealthRequest) -> csi.NodeGetVolumeHealthResponse:
        """Tell what is wrong with a volume."""
        place = requests.health(message)
        return replies.volume_health(place.volume_id, await self._parts.health.of_volume(place))

    async def node_get_storage_health(
        self,
        message: csi.NodeGetStorageHealthRequest,  # noqa: ARG002  # an empty message, but for secrets
    ) -> csi.NodeGetStorageHealthResponse:
        """Tell what is wrong with the storage of this node as a whole."""
        return replies.storage_health(await self._parts.health.of_storage())

    async def node_get_info(self, message: csi.NodeGetInfoRequest) -> csi.NodeGetInfoResponse:  # noqa: ARG002  # empty
        """Tell who this node is."""
        return replies.info(await self._parts.node_info.get())

    async def node_get_capabilities(
        self,
        message: csi.NodeGetCapabilitiesRequest,  # noqa: ARG002  # an empty message
    ) -> csi.NodeGetCapabilitiesResponse:
        """Tell which RPCs are offered."""
        return capabilities.offered()
