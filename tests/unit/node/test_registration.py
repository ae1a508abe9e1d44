"""Registration with kubelet, over the real socket in its folder."""

import asyncio
from collections.abc import AsyncIterator
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


@pytest.mark.asyncio
async def test_the_socket_is_gone_after_the_drain(tmp_path: Path, tasks: Tasks) -> None:
    part = RegistrationSocket(tmp_path, Registration(NAME, ENDPOINT), Calls(Metrics()), tasks)
    await part.start()
    await part.drain(1)
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240  # a test's own folder
