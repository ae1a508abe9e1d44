"""How a service's process begins and ends, with clients that stay connected; the claim is often a wait's limit."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
import pytest_asyncio
from grpclib.const import Status
from grpclib.exceptions import StreamTerminatedError

from common import entry
from csi_proto.csi import v1 as csi
from tests.harness.slow import SOON_SECONDS, START_SECONDS, Service
from tools.csi.client import Client

pytestmark = [pytest.mark.every_python, pytest.mark.asyncio]

REPLY = csi.DeleteVolumeResponse


@pytest_asyncio.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    service = Service(tmp_path)
    await service.up()
    yield service
    service.kill()


@pytest_asyncio.fixture
async def clients(service: Service) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as connections:
        yield [await connections.enter_async_context(Client(service.socket)) for _ in range(4)]


def delete(seconds: float | str) -> csi.DeleteVolumeRequest:
    return csi.DeleteVolumeRequest(volume_id=str(seconds))


def until(folder: Path) -> csi.DeleteVolumeRequest:
    return delete(f"until:{folder / 'go'}")


async def test_every_call_in_flight_at_sigterm_is_answered(
    service: Service, clients: list[Client], tmp_path: Path
) -> None:
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(clients[n % 4].call(until(tmp_path), REPLY)) for n in range(20)]
        await service.said("arrived", 20)
        service.signal(signal.SIGTERM)
        await service.said("stopping")
        assert not any(call.done() for call in calls)
        (tmp_path / "go").touch()
        assert await service.ended(SOON_SECONDS) == 0
    assert [call.result() for call in calls] == [REPLY()] * 20
    assert sorted(each.name for each in service.socket.parent.iterdir()) == ["go", "service.log"]
    assert "Traceback" not in service.output()


async def test_calls_that_outlast_the_grace_are_answered_and_delay_nothing(tmp_path: Path) -> None:
    service = Service(tmp_path, grace_seconds=1)
    await service.up()
    async with Client(service.socket) as client, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(client.refusal(delete(600), seconds=300)) for _ in range(20)]
        await service.said("arrived", 20)
        assert await service.stop(SOON_SECONDS) == 0
    assert {call.result()[0] for call in calls} == {Status.UNAVAILABLE}


async def test_a_call_that_comes_after_sigterm_is_refused(
    service: Service, clients: list[Client], tmp_path: Path
) -> None:
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(clients[0].call(until(tmp_path), REPLY))
        await service.said("arrived")
        service.signal(signal.SIGTERM)
        await service.said("stopping")
        assert (await clients[0].refusal(delete(0)))[0] is Status.UNAVAILABLE
        (tmp_path / "go").touch()
        assert await slow == REPLY()
    assert await service.ended(SOON_SECONDS) == 0


async def test_a_second_sigterm_ends_the_process_at_once(service: Service, clients: list[Client]) -> None:
    async with asyncio.TaskGroup() as tasks:
        call = tasks.create_task(_any_end(clients[0], delete(600)))
        await service.said("arrived")
        service.signal(signal.SIGTERM)
        await service.said("stopping")
        service.signal(signal.SIGTERM)
        assert await service.ended(SOON_SECONDS) == 128 + signal.SIGTERM
        await call
    assert not service.socket.exists()


async def _any_end(client: Client, request: csi.DeleteVolumeRequest) -> None:
    with suppress(StreamTerminatedError):
        await client.refusal(request)


async def test_committed_work_whose_caller_is_gone_is_done_before_the_process_ends(
    service: Service, tmp_path: Path
) -> None:
    async with Client(service.socket) as client, asyncio.TaskGroup() as tasks:
        call = tasks.create_task(client.call(delete(f"commit:{tmp_path / 'go'}:{tmp_path / 'done'}"), REPLY))
        await service.said("arrived")
        call.cancel()
    service.signal(signal.SIGTERM)
    await service.said("stopping")
    (tmp_path / "go").touch()
    assert await service.ended(SOON_SECONDS) == 0
    assert (tmp_path / "done").exists()


async def test_an_idle_process_with_clients_connected_ends_at_once(service: Service, clients: list[Client]) -> None:
    for client in clients:
        await client.call(csi.ProbeRequest(), csi.ProbeResponse)
    service.signal(signal.SIGINT)
    assert await service.ended(SOON_SECONDS) == 0


async def test_signals_that_make_other_programs_reload_end_nothing(
    service: Service, clients: list[Client], tmp_path: Path
) -> None:
    async with asyncio.TaskGroup() as tasks:
        call = tasks.create_task(clients[0].call(until(tmp_path), REPLY))
        await service.said("arrived")
        for times, number in enumerate(entry.IGNORED, 1):
            service.signal(number)
            await service.said("signal_ignored", times)
        (tmp_path / "go").touch()
        assert await call == REPLY()
    service.signal(signal.SIGQUIT)
    assert await service.ended(SOON_SECONDS) == 0
    assert not service.socket.exists()


async def test_a_killed_process_leaves_no_obstacle(service: Service, tmp_path: Path) -> None:
    service.kill()
    assert service.socket.exists()
    successor = Service(tmp_path, "successor")
    await successor.up()
    assert await successor.stop(SOON_SECONDS) == 0


async def test_a_second_process_does_not_steal_the_socket(service: Service, tmp_path: Path) -> None:
    second = Service(tmp_path, "second")
    second.start()
    assert await second.ended(START_SECONDS) == 1
    *_, line = second.output().splitlines()
    assert "held by another process" in line
    async with Client(service.socket) as client:
        assert (await client.call(csi.ProbeRequest(), csi.ProbeResponse)).ready


async def test_a_successor_takes_the_socket_while_its_predecessor_drains(
    service: Service, clients: list[Client], tmp_path: Path
) -> None:
    successor = Service(tmp_path, "successor")
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(clients[0].call(until(tmp_path), REPLY))
        await service.said("arrived")
        service.signal(signal.SIGTERM)
        await service.said("stopping")
        await successor.up()
        (tmp_path / "go").touch()
        assert await slow == REPLY()
    assert await service.ended(SOON_SECONDS) == 0
    async with Client(successor.socket) as client:
        assert (await client.call(csi.ProbeRequest(), csi.ProbeResponse)).ready
    assert await successor.stop(SOON_SECONDS) == 0
