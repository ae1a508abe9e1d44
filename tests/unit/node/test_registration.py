"""Registration with kubelet, over the real socket in its folder."""

import asyncio
import socket as unix
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from common.metrics import Metrics
from common.rpc import Calls
from common.tasks import Tasks
from csi_proto import pluginregistration as kubelet
from node.registration import Registration, RegistrationRefused, RegistrationSocket
from tools.csi.client import Client

NAME = "driver.example"
ENDPOINT = Path("/var/lib/kubelet/plugins/driver.example/csi.sock")
TAKEN = kubelet.RegistrationStatus(plugin_registered=True)
REFUSED = kubelet.RegistrationStatus(plugin_registered=False, error="no such version")


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest_asyncio.fixture
async def socket(tmp_path: Path, tasks: Tasks) -> AsyncIterator[Path]:
    part = RegistrationSocket(tmp_path / "registry", Registration(NAME, ENDPOINT), Calls(Metrics()), tasks)
    await part.start()
    yield tmp_path / "registry" / f"{NAME}-reg.sock"
    await part.drain(1)
    await tasks.close()


@pytest.mark.asyncio
async def test_kubelet_learns_who_serves_and_where(socket: Path) -> None:
    async with Client(socket) as client:
        info = await client.call(kubelet.InfoRequest(), kubelet.PluginInfo)
    assert info == kubelet.PluginInfo(type="CSIPlugin", name=NAME, endpoint=str(ENDPOINT), supported_versions=["1.0.0"])


@pytest.mark.asyncio
async def test_a_refused_registration_ends_nothing_while_kubelet_asks_again(socket: Path, tasks: Tasks) -> None:
    async with Client(socket) as client:
        for _ in range(3):
            assert (
                await client.call(REFUSED, kubelet.RegistrationStatusResponse) == kubelet.RegistrationStatusResponse()
            )
            assert (await client.call(kubelet.InfoRequest(), kubelet.PluginInfo)).name == NAME
        await client.call(TAKEN, kubelet.RegistrationStatusResponse)
    assert tasks.failure is None


@pytest.mark.asyncio
async def test_a_kubelet_that_refused_and_is_silent_ends_the_process(tmp_path: Path, tasks: Tasks) -> None:
    service, failed = Registration(NAME, ENDPOINT, patience_seconds=0.05), asyncio.Event()
    tasks.watch(failed.set)
    part = RegistrationSocket(tmp_path / "registry", service, Calls(Metrics()), tasks)
    await part.start()
    async with Client(part.path) as client, asyncio.timeout(30):
        await client.call(REFUSED, kubelet.RegistrationStatusResponse)
        await failed.wait()
    assert isinstance(tasks.failure, RegistrationRefused)
    assert "no such version" in str(tasks.failure)
    await part.drain(1)
    await tasks.close()


@pytest.mark.asyncio
async def test_a_taken_registration_ends_nothing(socket: Path, tasks: Tasks) -> None:
    async with Client(socket) as client:
        await client.call(TAKEN, kubelet.RegistrationStatusResponse)
    assert tasks.failure is None


@asynccontextmanager
async def serving(folder: Path, told: str = "", *, keep: bool = True) -> AsyncIterator[RegistrationSocket]:
    """Serve until the end, as one process does."""
    tasks = Tasks()
    part = RegistrationSocket(folder, Registration(NAME, ENDPOINT, told, keep=keep), Calls(Metrics()), tasks)
    await part.start()
    try:
        yield part
    finally:
        await part.drain(1)
        await tasks.close()


async def answers(link: Path) -> bool:
    async with Client(link) as client:
        return (await client.call(kubelet.InfoRequest(), kubelet.PluginInfo)).name == NAME


async def until(done: Callable[[], bool]) -> None:
    """Wait for what the watch does; it tells nobody."""
    async with asyncio.timeout(30):
        while not done():  # noqa: ASYNC110  # the watch says nothing when it has looked
            await asyncio.sleep(0.05)  # noqa: TID251  # same


def watched(link: Path) -> tuple[int, int]:
    """Return what changes when kubelet is told of a change."""
    status = link.lstat()
    return status.st_ino, status.st_ctime_ns


@pytest.mark.asyncio
async def test_nothing_is_left_after_the_drain_unless_a_successor_is_expected(tmp_path: Path) -> None:
    async with serving(tmp_path, keep=False):
        pass
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240  # a test's own folder


@pytest.mark.asyncio
async def test_a_successor_serves_again_what_kubelet_watches_without_a_change_of_it(tmp_path: Path) -> None:
    link = tmp_path / f"{NAME}-reg.sock"
    async with serving(tmp_path):
        before = watched(link)
    with pytest.raises(ConnectionRefusedError):
        await answers(link)
    async with serving(tmp_path):
        assert watched(link) == before
        assert await answers(link)


@pytest.mark.asyncio
async def test_a_node_that_tells_something_else_is_registered_again(tmp_path: Path) -> None:
    link = tmp_path / f"{NAME}-reg.sock"
    async with serving(tmp_path, "limit 15"):
        before = link.resolve()
    async with serving(tmp_path, "limit 7"):
        assert link.resolve() != before
        assert not before.exists()
        assert await answers(link)


@pytest.mark.asyncio
async def test_a_dangling_link_which_kubelet_has_overlooked_is_made_again(tmp_path: Path) -> None:
    link = tmp_path / f"{NAME}-reg.sock"
    async with serving(tmp_path):
        before = watched(link)
    link.resolve().unlink()
    async with serving(tmp_path):
        assert watched(link) != before
        assert await answers(link)


@pytest.mark.asyncio
async def test_the_socket_of_a_registrar_is_waited_for_and_then_replaced(tmp_path: Path) -> None:
    link = tmp_path / f"{NAME}-reg.sock"
    with unix.socket(unix.AF_UNIX) as registrar:
        registrar.bind(str(link))
        registrar.listen()
        async with serving(tmp_path) as part:
            assert "another process" in part.not_ready()
            registrar.close()
            await until(part.is_served)
            assert await answers(link)


@pytest.mark.asyncio
async def test_a_link_that_was_removed_comes_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as part:
        (tmp_path / f"{NAME}-reg.sock").unlink()
        assert not part.is_served()
        await until(part.is_served)
        assert await answers(tmp_path / f"{NAME}-reg.sock")
