"""Who the node is, and how many volumes it can take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from common import errors, settings
from common.metadata import Metadata
from common.tasks import Tasks
from node import refusals, wiring
from node.host.command import Commands
from node.host.sysfs import Sysfs
from node.node_info import Info
from node.records.findings import NodeInfo
from node.refusals import Refusals
from node.settings import NodeSettings

NOWHERE = "http://127.0.0.1:1/"


def make(folder: Path, metadata_url: str = NOWHERE, noted: Refusals | None = None, **changes: str) -> Info:
    variables = {f"AIOCSI_{name.upper()}": value for name, value in {"state_dir": str(folder), **changes}.items()}
    chosen = settings.read(NodeSettings, [], "test", "", variables)
    host = replace(wiring.make_host(chosen, Commands()), sysfs=Sysfs(folder / "sys", folder / "proc"))
    return Info(host, Metadata(metadata_url, "set AIOCSI_NODE_ID"), noted or Refusals(), chosen)


def firmware(folder: Path, vendor: str, serial: str) -> None:
    made = folder / "sys/class/dmi/id"
    made.mkdir(parents=True, exist_ok=True)
    (made / "sys_vendor").write_text(f"{vendor}\n")
    (made / "product_serial").write_text(f"{serial}\n")


def attached(folder: Path, name: str) -> None:
    """A volume of the cloud in /sys."""
    device = folder / "sys/devices/sda/device"
    device.mkdir(parents=True)
    for path, text in {"dev": "8:0", "size": "2048", "device/vendor": "DO", "device/model": "Volume"}.items():
        (device.parent / path).write_text(text)
    (device / "vpd_pg83").write_bytes(bytes((0, 0x83, 0, len(name) + 4, 2, 0, 0, len(name))) + name.encode())
    for link in ("class/block/sda", "dev/block/8:0"):
        (folder / "sys" / link).parent.mkdir(parents=True, exist_ok=True)
        (folder / "sys" / link).symlink_to(device.parent)


@asynccontextmanager
async def answering(*values: str) -> AsyncIterator[str]:
    """A metadata service that gives one value after the other."""
    left = list(values)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(left[0])}\r\n\r\n{left.pop(0)}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.asyncio
async def test_a_node_is_known_by_its_setting_else_its_firmware_else_the_metadata_service(tmp_path: Path) -> None:
    assert await make(tmp_path, node_id="5", region="ams3").get() == NodeInfo("5", "region", "ams3", 15)
    firmware(tmp_path, "DigitalOcean", "4711")
    assert await make(tmp_path, region="nyc1").get() == NodeInfo("4711", "region", "nyc1", 15)
    firmware(tmp_path, "QEMU", "4711")
    async with answering("99", "fra1") as url:
        assert await make(tmp_path, url).get() == NodeInfo("99", "region", "fra1", 15)


@pytest.mark.asyncio
async def test_how_many_volumes_it_takes_is_read_again_each_time_from_what_the_warden_says(tmp_path: Path) -> None:
    info = make(tmp_path, node_id="5", region="ams3", volume_reserve="2", pod_facts_dir=str(tmp_path))
    assert (await info.get()).max_volumes == 13
    (tmp_path / "max-volumes").write_text("8\n")
    assert (await info.get()).max_volumes == 6


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", ["<html>login</html>", "a b", "no-digit", "x" * 200, "login1"])
async def test_what_could_not_be_a_setting_is_no_id_from_the_metadata_service_either(
    tmp_path: Path, answer: str
) -> None:
    async with answering(answer) as url:
        with pytest.raises(errors.Unavailable):
            await make(tmp_path, url, region="nyc1").get()


@pytest.mark.asyncio
async def test_a_node_that_does_not_know_who_it_is_says_why_until_it_knows(tmp_path: Path) -> None:
    info = make(tmp_path, region="nyc1")
    asking = Tasks().background(info.identify(), "identity")
    async with asyncio.timeout(30):
        while "does not answer" not in info.reason:  # noqa: ASYNC110  # there is no event
            await asyncio.sleep(0.01)  # noqa: TID251  # the same
    asking.cancel()
    firmware(tmp_path, "DigitalOcean", "4711")
    await info.identify()
    assert info.reason == ""


@pytest.mark.asyncio
async def test_a_volume_that_nobody_uses_counts_after_a_while_unless_a_call_was_about_it(tmp_path: Path) -> None:
    attached(tmp_path, "pvc-1")
    noted = Refusals()
    info = make(tmp_path, noted=noted, node_id="5", region="nyc1")
    assert (await info.get()).max_volumes == 15
    info.idle_seconds = 0.0
    assert (await info.get()).max_volumes == 14
    with pytest.raises(errors.Unavailable), noted.noting(refusals.STAGE, "id", "pvc-1"):
        raise errors.Unavailable("not yet")
    assert (await info.get()).max_volumes == 15
