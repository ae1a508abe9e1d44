"""The controller, asked over its CSI socket as a sidecar does: how a volume is, and who holds it.

Source: CSI 1.13 "ControllerGetVolume", "ControllerGetVolumeHealth", "ControllerListVolumeHealth", "ListSnapshots".
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import structlog
from betterproto2 import Message
from grpclib.client import Channel
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from common.drift_records import CloudSnapshot
from csi_proto.csi import v1 as csi
from warden.records import HealthCondition, ServerState
from warden.rules import looks

log = structlog.get_logger("controller_client")

Reply = TypeVar("Reply", bound=Message)

CALL_SECONDS = 10.0
LIST_SECONDS = 60.0  # for one page, of which the first lets all be read
LONGEST_LIST = 10_000  # pages
SERVICE = "/csi.v1.Controller/"
FAILURES = (GRPCError, StreamTerminatedError, ProtocolError, OSError, TimeoutError)


STATUSES: Mapping[csi.VolumeHealthErrorType, str] = {  # Kubernetes 1.37 "VolumeHealthStatusType"
    csi.VolumeHealthErrorType.INACCESSIBLE: "Inaccessible",
    csi.VolumeHealthErrorType.DEGRADED: "Degraded",
    csi.VolumeHealthErrorType.DATA_LOSS: "DataLoss",
}


class ListPart(Protocol):
    """One page of a list."""

    next_token: str


Part = TypeVar("Part", bound=ListPart)


class AskedController(Protocol):
    """What the warden asks of the controller."""

    async def look(self, handle: str, server_id: str) -> ServerState:
        """Return how the server is that should hold the volume, as the cloud tells it now. Never raises."""
        ...


class AskedLists(Protocol):
    """What the controller lists."""

    async def snapshots(self) -> list[CloudSnapshot] | None:
        """Return all snapshots; None if they are not known in full. Never raises."""
        ...


class AskedHealth(Protocol):
    """What the controller tells of the health of all volumes. No method raises."""

    async def ailing(self) -> Mapping[str, tuple[HealthCondition, ...]] | None:
        """Return what is wrong with each volume that is not well, by its handle; None if not all were told of."""
        ...

    async def unlisted(self, handles: Iterable[str]) -> frozenset[str] | None:
        """Return which of the handles the list of all volumes lacks; None if not all were told of."""
        ...

    async def is_gone(self, handle: str) -> bool:
        """Tell whether the driver says that there is no such volume."""
        ...


class ControllerSocket:
    """One connection to the controller's socket, made when it is needed."""

    def __init__(self, socket: Path) -> None:
        self._channel = Channel(path=str(socket))

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    async def look(self, handle: str, server_id: str) -> ServerState:
        """Return how the server is that should hold the volume. A controller that is away tells nothing."""
        try:
            health = await self._health(handle)
            holders = await self._holders(handle)
        except FAILURES as error:
            log.info("look_failed", volume_id=handle, message=str(error) or type(error).__name__)
            return ServerState.UNTOLD
        return looks.judge(server_id, holders, health)

    async def snapshots(self) -> list[CloudSnapshot] | None:
        """Return all snapshots; None if they are not known in full, or the driver has none."""
        found: list[CloudSnapshot] = []

        async def ask(token: str) -> csi.ListSnapshotsResponse:
            request = csi.ListSnapshotsRequest(starting_token=token)
            return await self._call("ListSnapshots", request, csi.ListSnapshotsResponse, LIST_SECONDS)

        def keep(page: csi.ListSnapshotsResponse) -> None:
            found.extend(_snapshot(each.snapshot) for each in page.entries if each.snapshot)

        return found if await _is_whole("ListSnapshots", ask, keep) else None

    async def ailing(self) -> Mapping[str, tuple[HealthCondition, ...]] | None:
        """Return what is wrong with each volume that is not well; None if not all were told of."""
        found: dict[str, tuple[HealthCondition, ...]] = {}

        async def ask(token: str) -> csi.ControllerListVolumeHealthResponse:
            request = csi.ControllerListVolumeHealthRequest(starting_token=token)
            reply = csi.ControllerListVolumeHealthResponse
            return await self._call("ControllerListVolumeHealth", request, reply, LIST_SECONDS)

        def keep(page: csi.ControllerListVolumeHealthResponse) -> None:
            found.update((each.volume_id, _conditions(each)) for each in page.entries)

        return found if await _is_whole("ControllerListVolumeHealth", ask, keep) else None

    async def unlisted(self, handles: Iterable[str]) -> frozenset[str] | None:
        """Return which of the handles the list lacks, without keeping it; None if not all were told of."""
        left = set(handles)

        async def ask(token: str) -> csi.ListVolumesResponse:
            request = csi.ListVolumesRequest(starting_token=token)
            return await self._call("ListVolumes", request, csi.ListVolumesResponse, LIST_SECONDS)

        def strike(page: csi.ListVolumesResponse) -> None:
            left.difference_update(each.volume.volume_id for each in page.entries if each.volume)

        return frozenset(left) if await _is_whole("ListVolumes", ask, strike) else None

    async def is_gone(self, handle: str) -> bool:
        """Tell whether the driver says that there is no such volume; a driver that says nothing does not."""
        try:
            await self._health(handle)
        except FAILURES as error:
            return isinstance(error, GRPCError) and error.status is Status.NOT_FOUND
        return False

    async def _holders(self, handle: str) -> list[str]:
        request = csi.ControllerGetVolumeRequest(volume_id=handle)
        told = await self._call("ControllerGetVolume", request, csi.ControllerGetVolumeResponse)
        return [] if told.status is None else list(told.status.published_node_ids)

    async def _health(self, handle: str) -> list[str]:
        """Return the reasons for which the volume is inaccessible."""
        request = csi.ControllerGetVolumeHealthRequest(volume_id=handle)
        told = await self._call("ControllerGetVolumeHealth", request, csi.ControllerGetVolumeHealthResponse)
        entries = [] if told.volume_health is None else told.volume_health.health_statuses
        return [each.reason for each in entries if each.status == csi.VolumeHealthErrorType.INACCESSIBLE]

    async def _call(self, method: str, request: Message, reply: type[Reply], seconds: float = CALL_SECONDS) -> Reply:
        async with (
            asyncio.timeout(seconds),
            self._channel.request(
                SERVICE + method, Cardinality.UNARY_UNARY, type(request), reply, timeout=seconds
            ) as stream,
        ):
            await stream.send_message(request, end=True)
            answer = await stream.recv_message()
        if answer is None:
            raise ProtocolError(f"{method} was answered with nothing")
        return answer


async def _is_whole(method: str, ask: Callable[[str], Awaitable[Part]], take: Callable[[Part], None]) -> bool:
    """Take each page of a list; tell whether all of them were to be had."""
    try:
        async for page in _pages(ask):
            take(page)
    except FAILURES as error:
        log.info("list_failed", method=method, message=str(error) or type(error).__name__)
        return False
    return True


async def _pages(ask: Callable[[str], Awaitable[Part]]) -> AsyncIterator[Part]:
    """Yield all pages of a list. Raises what ``ask`` does, and ProtocolError if there is no end."""
    token = ""
    for _ in range(LONGEST_LIST):
        page = await ask(token)
        yield page
        token = page.next_token
        if not token:
            return
    raise ProtocolError("the list has no end")


def _conditions(told: csi.VolumeHealth) -> tuple[HealthCondition, ...]:
    """Return what Kubernetes has a word for."""
    return tuple(
        HealthCondition(STATUSES[each.status], each.reason, each.message)
        for each in told.health_statuses
        if each.status in STATUSES
    )


def _snapshot(told: csi.Snapshot) -> CloudSnapshot:
    created_at = 0.0 if told.creation_time is None else told.creation_time.timestamp()
    return CloudSnapshot(told.snapshot_id, told.source_volume_id, told.size_bytes, created_at)
