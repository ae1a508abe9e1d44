"""What HTTP/2 keeps of a connection."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common.http2_state import Http2State, settings
from csi_proto.csi import v1 as csi
from tests.fakes.services import Deleting, Gate
from tests.harness import floods
from tests.unit.common.peers import VOLUME, connections
from tests.unit.common.serving import Served, serving
from tools.csi.client import Client

pytestmark = pytest.mark.asyncio


async def test_settings_that_do_not_exist_are_not_kept(served: Served) -> None:
    async with floods.poured(served.socket, floods.odd_settings(5000)), Client(served.socket) as client:
        await client.call(csi.ProbeRequest(), csi.ProbeResponse)
        assert all(len(each._h2.remote_settings._settings) < 20 for each in connections(served))


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        pytest.param((100, 4096, 50, 3000) * 1000, [50, 3000], id="often"),
        pytest.param((1 << 31,), [], id="larger than ours"),
        pytest.param((100, 1 << 31), [100, 4096], id="smaller, then larger"),
    ],
)
async def test_of_the_sizes_of_the_header_table_only_what_is_to_be_told_is_kept(
    sizes: tuple[int, ...], kept: list[int]
) -> None:
    state = Http2State(settings())
    state.initiate_connection()
    state.receive_data(floods.PREFACE + b"".join(floods.table_sizes(*sizes)))
    assert state.encoder.table_size_changes == kept
    assert state.encoder.header_table_size <= 4096


@pytest.mark.parametrize("frames", [floods.pings, floods.empty_frames], ids=lambda it: it.__name__)
async def test_connections_that_send_many_frames_read_one_after_the_other(
    served: Served, frames: Callable[[int], Iterator[bytes]]
) -> None:
    async def most_that_wait() -> int:
        most = 0
        for _ in range(100):
            await asyncio.sleep(0)  # noqa: TID251  # a turn of the loop
            most = max(most, len(served.server._connections.turns))
        return most

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(most_that_wait())
        async with floods.poured_by(served.socket, 4, lambda: frames(5000)):
            await waiting
    assert waiting.result() > 1


async def test_many_calls_at_once_leave_turns_of_the_loop_to_others(tmp_path: Path) -> None:
    gate = Gate()
    async with (
        serving(tmp_path, Deleting(gate), at_once=2000) as served,
        Client(served.socket) as client,
        Client(served.socket) as other,
        asyncio.TaskGroup() as tasks,
    ):
        calls = [tasks.create_task(client.call(VOLUME, csi.DeleteVolumeResponse)) for _ in range(500)]
        await gate.until(1)
        assert (await other.call(csi.ProbeRequest(), csi.ProbeResponse)).ready
        gate.open()
        assert [await call for call in calls] == [csi.DeleteVolumeResponse()] * 500
