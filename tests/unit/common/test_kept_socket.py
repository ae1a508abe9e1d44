"""A socket that stays in its place, over real sockets."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from common.identity import Identity
from common.kept_socket import KeptSocket
from common.metrics import Metrics
from common.rpc import Calls
from common.server import GrpcServer
from common.sockets import EndpointError
from common.tasks import Tasks
from csi_proto.csi import v1 as csi
from tools.csi.client import Client


@pytest_asyncio.fixture
async def tasks() -> AsyncIterator[Tasks]:
    made = Tasks()
    yield made
    await made.close()


def server(path: Path, name: str = "driver.example") -> GrpcServer:
    return GrpcServer([Identity(name, (), lambda: True)], f"unix://{path}", Calls(Metrics()))


def kept(path: Path, tasks: Tasks, *, after: KeptSocket | None = None) -> KeptSocket:
    return KeptSocket(server(path), tasks, after=after, look_seconds=0.01)


async def until(done: Callable[[], bool]) -> None:
    """Wait for what the watch does; it tells nobody."""
    async with asyncio.timeout(30):
        while not done():  # noqa: ASYNC110  # the watch says nothing when it has looked
            await asyncio.sleep(0.01)  # noqa: TID251  # same


async def name_at(path: Path) -> str:
    async with Client(path) as client:
        return (await client.call(csi.GetPluginInfoRequest(), csi.GetPluginInfoResponse)).name


@pytest.mark.asyncio
@pytest.mark.parametrize("removed", ["socket", "folder"])
async def test_a_removed_socket_comes_back(tmp_path: Path, tasks: Tasks, removed: str) -> None:
    path = tmp_path / "csi/csi.sock"
    part = kept(path, tasks)
    await part.start()
    shutil.rmtree(path.parent) if removed == "folder" else path.unlink()
    assert not part.is_served()
    await until(part.is_served)
    assert await name_at(path) == "driver.example"
    assert (part.not_ready(), part.broken()) == ("", "")
    await part.drain(1)


@pytest.mark.asyncio
async def test_a_socket_that_cannot_come_back_is_a_reason_to_restart(tmp_path: Path, tasks: Tasks) -> None:
    path = tmp_path / "csi/csi.sock"
    part = kept(path, tasks)
    await part.start()
    path.unlink()
    path.mkdir()
    await until(lambda: bool(part.broken()))
    assert "not a socket" in part.broken()
    path.rmdir()
    await until(part.is_served)
    assert part.broken() == ""
    await part.drain(1)


@pytest.mark.asyncio
async def test_a_predecessor_that_still_serves_is_waited_for(tmp_path: Path, tasks: Tasks) -> None:
    path = tmp_path / "csi.sock"
    before = server(path, "before.example")
    await before.start()
    part, follower = kept(path, tasks), Path(tmp_path / "follower.sock")
    later = kept(follower, tasks, after=part)
    await part.start()
    await later.start()
    assert "another process" in part.not_ready()
    assert part.broken() == ""
    assert await name_at(path) == "before.example"
    assert not follower.exists()  # noqa: ASYNC240  # a test's own folder
    await before.drain(1)
    await until(later.is_served)
    assert await name_at(path) == "driver.example"
    assert part.not_ready() == ""
    await later.drain(1)
    await part.drain(1)


@pytest.mark.asyncio
async def test_what_cannot_be_a_socket_ends_the_start(tmp_path: Path, tasks: Tasks) -> None:
    path = tmp_path / "csi.sock"
    path.write_text("a file")
    with pytest.raises(EndpointError, match="not a socket"):
        await kept(path, tasks).start()
