"""The server over a real Unix socket: it serves, and it ends well."""

import asyncio
from pathlib import Path

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from common.http2_state import CLOSED_STREAMS
from common.tasks import Tasks
from csi_proto.csi import v1 as csi
from tests.fakes.services import Deleting, Gate
from tests.harness.raw_http2 import RawClient, framed
from tests.unit.common.serving import serving
from tools.csi.client import Client

VOLUME = csi.DeleteVolumeRequest(volume_id="v")
DELETE = "/csi.v1.Controller/DeleteVolume"


@pytest.mark.asyncio
async def test_the_socket_is_served_until_the_drain_and_gone_afterwards(tmp_path: Path) -> None:
    async with serving(tmp_path / "made" / "for it") as served, Client(served.socket) as client:
        assert (await client.call(csi.ProbeRequest(), csi.ProbeResponse)).ready
        assert served.socket.stat().st_mode & 0o777 == 0o600
    assert list(served.socket.parent.iterdir()) == []


@pytest.mark.asyncio
async def test_calls_under_way_are_answered_and_new_ones_refused_while_draining(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, Deleting(gate)) as served, Client(served.socket) as client:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(client.call(VOLUME, csi.DeleteVolumeResponse)) for _ in range(20)]
            await gate.until(20)
            drain = group.create_task(served.server.drain(60))
            await asyncio.sleep(0)  # noqa: TID251  # one turn of the loop: the drain begins
            refused, _ = await client.refusal(csi.ProbeRequest())
            gate.open()
            await drain
        assert [call.result() for call in calls] == [csi.DeleteVolumeResponse()] * 20
        assert refused is Status.UNAVAILABLE


@pytest.mark.asyncio
async def test_calls_that_outlast_the_grace_are_answered_unavailable(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, Deleting(gate)) as served, Client(served.socket) as client:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(client.refusal(VOLUME))
            await gate.until(1)
            await served.server.drain(0.01)
        assert call.result()[0] is Status.UNAVAILABLE
        assert "shut down" in call.result()[1]
        assert gate.cancelled == 1


@pytest.mark.asyncio
async def test_work_past_its_commit_point_outlives_its_call_and_is_awaited(tmp_path: Path) -> None:
    gate, tasks = Gate(), Tasks()
    controller = Deleting(lambda _: tasks.finish(gate()))
    async with serving(tmp_path, controller) as served, Client(served.socket) as client:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(client.refusal(VOLUME))
            await gate.until(1)
            await served.server.drain(0.01)
        assert call.result()[0] is Status.UNAVAILABLE
        gate.open()
        assert (await tasks.settle(10), gate.cancelled) == (0, 0)


@pytest.mark.asyncio
@pytest.mark.parametrize("seconds", [0.1, 0.3])
async def test_a_deadline_that_cancels_twice_loses_no_committed_work(tmp_path: Path, seconds: float) -> None:
    gate, tasks = Gate(), Tasks()
    controller = Deleting(lambda _: tasks.finish(gate()))
    async with serving(tmp_path, controller) as served, Client(served.socket) as client:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(_outcome(client, seconds)) for _ in range(15)]
        assert {call.result() for call in calls} <= {Status.DEADLINE_EXCEEDED}
        gate.open()
        begun = len(controller.requests)  # on a busy machine some are too late to begin at all
        assert (await tasks.settle(10), gate.arrived, gate.cancelled) == (0, begun, 0)


async def _outcome(client: Client, seconds: float) -> Status:
    """Return how the call ended; the client's own timer and the server's fire at the same time."""
    try:
        await client.call(VOLUME, csi.DeleteVolumeResponse, seconds=seconds)
    except TimeoutError:
        return Status.DEADLINE_EXCEEDED
    except GRPCError as error:
        return error.status
    return Status.OK


@pytest.mark.asyncio
async def test_a_client_that_stays_connected_delays_no_drain_and_is_told_goodbye(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        await client.ping()
        async with asyncio.timeout(30):
            await served.server.drain(60)
        await client.closed()
        assert client.goaway is not None


@pytest.mark.asyncio
async def test_goodbye_comes_after_the_client_has_answered_a_ping_and_so_has_read_all(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client, asyncio.TaskGroup() as group:
        await client.call(DELETE, framed(bytes(VOLUME)))
        group.create_task(served.server.drain(60))
        await client.closed()
        assert client.pinged
        assert client.goaway is not None


@pytest.mark.asyncio
async def test_a_connection_with_nothing_under_way_is_closed_while_another_is_still_waited_for(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, Deleting(gate)) as served, Client(served.socket) as busy, asyncio.TaskGroup() as group:
        async with RawClient(served.socket) as idle:
            await idle.ping()
            call = group.create_task(busy.call(VOLUME, csi.DeleteVolumeResponse))
            await gate.until(1)
            drain = group.create_task(served.server.drain(60))
            await idle.closed()
            assert not call.done()
            gate.open()
            await drain
        assert call.result() == csi.DeleteVolumeResponse()


@pytest.mark.asyncio
async def test_a_connection_that_lives_long_remembers_little(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        for _ in range(CLOSED_STREAMS + 20):
            await client.call("/csi.v1.Identity/Probe", framed(b""))
        (connection,) = served.server._connections
        assert len(connection.connection._connection._closed_streams) == CLOSED_STREAMS


@pytest.mark.asyncio
async def test_goodbye_tells_which_calls_were_taken(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        await client.call(DELETE, framed(bytes(VOLUME)))
        await served.server.drain(1)
        await client.closed()
        assert client.goaway is not None
        assert client.goaway.last_stream_id == 1


@pytest.mark.asyncio
async def test_a_server_whose_socket_file_was_removed_can_listen_anew(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, Client(served.socket) as old:
        assert (await old.call(csi.ProbeRequest(), csi.ProbeResponse)).ready
        served.socket.unlink()
        assert not served.server.is_in_place()
        await served.server.rebind()
        assert served.server.is_in_place()
        async with Client(served.socket) as new:
            for client in (old, new):
                assert (await client.call(csi.ProbeRequest(), csi.ProbeResponse)).ready
