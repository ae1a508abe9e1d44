"""What a peer can make a connection keep, and how it ends. Each test leans on private names of grpclib or h2."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from grpclib.const import Status
from h2.errors import ErrorCodes

from common.http2_state import STREAMS
from common.request_memory import HEALTH_BYTES, WORK_BYTES
from common.server import CONNECTIONS
from csi_proto.csi import v1 as csi
from tests.fakes.services import Deleting, Gate
from tests.harness import floods
from tests.harness.raw_http2 import RawClient, framed
from tests.unit.common.peers import VOLUME, connections
from tests.unit.common.serving import Served, serving
from tools.csi.client import Client
from tools.processes.program import until

pytestmark = pytest.mark.asyncio

DELETE = "/csi.v1.Controller/DeleteVolume"

PROBE = "/csi.v1.Identity/Probe"


def kept(served: Served) -> list[object]:
    """Return what is kept of calls: streams, bodies, tasks, and bytes of both budgets."""
    calls = served.server._calls
    found: list[object] = [
        part
        for each in connections(served)
        for part in (*each.processor.streams, *each._acceptor._bodies, *each._acceptor.running())
    ]
    return [*found, calls.memory.left - WORK_BYTES, calls._health_memory.left - HEALTH_BYTES]


NOTHING = [0, 0]


async def test_nothing_is_kept_of_calls_however_they_end(served: Served) -> None:
    async with RawClient(served.socket) as client:
        await client.call(DELETE, framed(bytes(VOLUME)))
        await client.call(PROBE, framed(b""))
        await client.call(DELETE, b"")
        await client.call("/no/such", framed(b""))
        await client.call(PROBE, framed(b""), left_out=["te"])
        client.reset(client.begin(DELETE))
        client.reset(client.begin(PROBE))
        await client.ping()
        await until(lambda: kept(served) == NOTHING or None, 30)


async def test_nothing_is_kept_of_calls_whose_connection_is_gone(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, Deleting(gate)) as served:
        async with RawClient(served.socket) as client:
            client.send(client.begin(DELETE), framed(bytes(VOLUME)))
            client.begin(DELETE)
            await gate.until(1)
        await until(lambda: (not connections(served) and kept(served) == NOTHING) or None, 30)


async def test_calls_of_a_client_that_answers_no_ping_are_given_up(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, Deleting(gate), silent_seconds=0.1) as served, RawClient(served.socket) as stopped:
        stopped.send(stopped.begin(DELETE), framed(bytes(VOLUME)))
        async with asyncio.timeout(30):
            await gate.left.wait()
        await until(lambda: (not connections(served) and kept(served) == NOTHING) or None, 30)


async def test_calls_of_a_client_that_answers_pings_are_waited_for(tmp_path: Path) -> None:
    gate = Gate()
    async with (
        serving(tmp_path, Deleting(gate), silent_seconds=1000.0) as served,
        Client(served.socket) as client,
        asyncio.timeout(30),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(client.call(VOLUME, csi.DeleteVolumeResponse))
        await gate.until(1)
        (connection,) = connections(served)
        connection.connection._ping()
        assert connection.connection._close_by_ping_handler is not None
        await until(lambda: connection.connection._close_by_ping_handler is None or None, 30)
        gate.open()
    assert gate.cancelled == 0


async def test_a_caller_who_never_ends_its_side_is_answered_and_its_stream_is_closed(served: Served) -> None:
    async with RawClient(served.socket) as client:
        stream = client.begin(DELETE)
        client.send(stream, framed(bytes(VOLUME)), end=False)
        assert (await client.answer(stream)).status == Status.OK.value
        await client.ping()
        (connection,) = connections(served)
        assert connection._h2.open_inbound_streams == 0
        assert not any(stream.open for stream in connection._h2.streams.values())


async def test_one_call_too_many_is_refused_alone(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, Deleting(gate), at_once=1) as served, RawClient(served.socket) as client:
        first = client.begin(DELETE)
        client.send(first, framed(bytes(VOLUME)))
        await gate.until(1)
        for _ in range(STREAMS - 1):
            client.begin(DELETE)
        extra = client.begin(DELETE)
        assert (await client.answer(extra)).reset is ErrorCodes.REFUSED_STREAM
        gate.open()
        assert (await client.answer(first)).status == Status.OK.value


async def test_whoever_breaks_the_rules_is_told_which_calls_were_taken(served: Served) -> None:
    async with RawClient(served.socket) as client:
        await client.call(DELETE, framed(bytes(VOLUME)))
        client.write(floods.frame(floods.DATA, 0))
        await client.closed()
        assert client.goaway is not None
        assert (client.goaway.error_code, client.goaway.last_stream_id) == (ErrorCodes.PROTOCOL_ERROR, 1)


async def test_at_the_limit_the_connection_that_was_of_no_use_for_longest_gives_way(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, Deleting(gate)) as served, AsyncExitStack() as stack:
        busy = await stack.enter_async_context(RawClient(served.socket))
        waiting = busy.begin(DELETE)
        busy.send(waiting, framed(bytes(VOLUME)))
        await gate.until(1)
        useful = await stack.enter_async_context(RawClient(served.socket))
        await useful.call(PROBE, framed(b""))
        silent = [await stack.enter_async_context(RawClient(served.socket)) for _ in range(CONNECTIONS - 2)]
        await silent[-1].ping()
        async with Client(served.socket) as newest:
            assert (await newest.call(csi.ProbeRequest(), csi.ProbeResponse)).ready
        await silent[0].closed()
        assert silent[0].goaway is not None
        await silent[1].ping()
        await useful.call(PROBE, framed(b""))
        gate.open()
        assert (await busy.answer(waiting)).status == Status.OK.value


async def test_a_half_sent_message_gives_way_to_a_younger_whole_one(served: Served) -> None:
    size = 1 << 20
    async with RawClient(served.socket) as client, Client(served.socket) as other:
        streams = []
        for _ in range(WORK_BYTES // size + 1):
            streams.append(client.begin(DELETE))
            await client.send_much(streams[-1], framed(bytes(size - 16), length=size))
        answer = await client.answer(streams[0])
        assert answer.status == Status.RESOURCE_EXHAUSTED.value
        await other.call(VOLUME, csi.DeleteVolumeResponse)


async def test_a_client_that_reads_nothing_is_read_no_more_and_then_cut(served: Served) -> None:
    served.server._connections.stalled_seconds = 0.1
    async with floods.poured(served.socket, floods.pings(400_000), read=False, patience=30):
        await until(lambda: not connections(served) or None, 30)
