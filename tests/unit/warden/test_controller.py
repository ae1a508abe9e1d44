"""The controller, asked over its socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common import errors
from common.drift_records import CloudSnapshot
from common.metrics import Metrics
from common.rpc import Calls
from common.server import GrpcServer
from csi_proto.csi import v1 as csi
from warden import controller
from warden.controller import ControllerSocket
from warden.records import HealthCondition, ServerState

pytestmark = pytest.mark.asyncio

PAGES = 3


class Told(csi.ControllerBase):
    """A controller that holds volume ``v`` on server 1, whose health is of these reasons."""

    fails_at = 0  # which page of a list

    def __init__(self, *reasons: str) -> None:
        self._reasons = reasons

    async def controller_get_volume(self, message: csi.ControllerGetVolumeRequest) -> csi.ControllerGetVolumeResponse:
        status = csi.ControllerGetVolumeResponseVolumeStatus(published_node_ids=["1"])
        return csi.ControllerGetVolumeResponse(volume=csi.Volume(volume_id=message.volume_id), status=status)

    async def controller_get_volume_health(
        self, message: csi.ControllerGetVolumeHealthRequest
    ) -> csi.ControllerGetVolumeHealthResponse:
        if message.volume_id == "lost":
            raise errors.NotFound("there is no volume lost")
        inaccessible, degraded = csi.VolumeHealthErrorType.INACCESSIBLE, csi.VolumeHealthErrorType.DEGRADED
        entries = [csi.VolumeHealthVolumeHealthEntry(status=inaccessible, reason=each) for each in self._reasons]
        entries.append(csi.VolumeHealthVolumeHealthEntry(status=degraded, reason="ActionErrored"))
        health = csi.VolumeHealth(volume_id=message.volume_id, health_statuses=entries)
        return csi.ControllerGetVolumeHealthResponse(volume_health=health)

    async def controller_list_volume_health(
        self, message: csi.ControllerListVolumeHealthRequest
    ) -> csi.ControllerListVolumeHealthResponse:
        number = self._page(message.starting_token)
        unknown, lost = csi.VolumeHealthErrorType.UNKNOWN_VOLUME_HEALTH_TYPE, csi.VolumeHealthErrorType.DATA_LOSS
        entries = [csi.VolumeHealthVolumeHealthEntry(status=each, reason="R", message="m") for each in (unknown, lost)]
        health = csi.VolumeHealth(volume_id=f"v{number}", health_statuses=entries)
        return csi.ControllerListVolumeHealthResponse(entries=[health], next_token=_next(number))

    async def list_volumes(self, message: csi.ListVolumesRequest) -> csi.ListVolumesResponse:
        number = self._page(message.starting_token)
        entry = csi.ListVolumesResponseEntry(volume=csi.Volume(volume_id=f"v{number}"))
        return csi.ListVolumesResponse(entries=[entry], next_token=_next(number))

    def _page(self, token: str) -> int:
        if int(token or "1") == self.fails_at:
            raise errors.Unavailable("the cloud is away")
        return int(token or "1")

    async def list_snapshots(self, message: csi.ListSnapshotsRequest) -> csi.ListSnapshotsResponse:
        number = self._page(message.starting_token)
        made = datetime.fromtimestamp(number, UTC)
        snapshot = csi.Snapshot(snapshot_id=f"s{number}", source_volume_id="v", size_bytes=7, creation_time=made)
        entries = [csi.ListSnapshotsResponseEntry(snapshot=snapshot)]
        return csi.ListSnapshotsResponse(entries=entries, next_token=_next(number))


def _next(number: int) -> str:
    return str(number + 1) if number < PAGES else ""


@asynccontextmanager
async def serving(folder: Path, *reasons: str) -> AsyncIterator[ControllerSocket]:
    server = GrpcServer([Told(*reasons)], str(folder / "csi.sock"), Calls(Metrics()))
    await server.start()
    client = ControllerSocket(folder / "csi.sock")
    yield client
    client.close()
    await server.drain(1)


@pytest.mark.parametrize(
    ("reasons", "state"),
    [
        pytest.param([], ServerState.ACTIVE, id="degraded alone is active"),
        pytest.param(["ServerNotActive"], ServerState.OFF, id="off"),
        pytest.param(["ServerChanging"], ServerState.UNTOLD, id="changing"),
    ],
)
async def test_a_look_is_told_by_volume_health(tmp_path: Path, reasons: list[str], state: ServerState) -> None:
    async with serving(tmp_path, *reasons) as client:
        assert await client.look("v", "1") is state
        assert await client.look("v", "2") is ServerState.UNTOLD


async def test_a_controller_that_is_away_tells_nothing_and_is_found_again(tmp_path: Path) -> None:
    client = ControllerSocket(tmp_path / "csi.sock")
    assert await client.look("v", "1") is ServerState.UNTOLD
    async with serving(tmp_path, "ServerNotActive"):
        assert await client.look("v", "1") is ServerState.OFF
    assert await client.look("v", "1") is ServerState.UNTOLD
    client.close()


async def test_a_refusal_tells_nothing(tmp_path: Path) -> None:
    server = GrpcServer([csi.ControllerBase()], str(tmp_path / "csi.sock"), Calls(Metrics()))
    await server.start()
    client = ControllerSocket(tmp_path / "csi.sock")
    assert await client.look("v", "1") is ServerState.UNTOLD
    client.close()
    await server.drain(1)


async def test_lists_are_whole_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = HealthCondition("DataLoss", "R", "m")
    async with serving(tmp_path) as client:
        assert await client.snapshots() == [CloudSnapshot(f"s{number}", "v", 7, number) for number in (1, 2, 3)]
        assert await client.ailing() == {"v1": (lost,), "v2": (lost,), "v3": (lost,)}
        assert await client.unlisted(["v1", "lost", "v3"]) == frozenset({"lost"})
        monkeypatch.setattr(Told, "fails_at", PAGES)
        assert [await client.snapshots(), await client.ailing(), await client.unlisted([])] == [None] * 3
        monkeypatch.setattr(Told, "fails_at", 0)
        monkeypatch.setattr(controller, "LONGEST_LIST", PAGES - 1)
        assert [await client.snapshots(), await client.ailing(), await client.unlisted([])] == [None] * 3


async def test_a_volume_is_gone_if_the_driver_says_so_and_not_if_it_says_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        assert await client.is_gone("lost")
        assert not await client.is_gone("v")
    assert not await client.is_gone("lost")
