"""Encrypted volumes whose disks answer with I/O errors: that is told, is not final, and nothing is made anew."""

import uuid
from pathlib import Path

import pytest
from grpclib.exceptions import GRPCError

from node.formats import luks_header
from node.records.luks import Header
from tests.vm.conftest import DISK_ERRORS, MakeGuest
from tests.vm.encryption.calls import Kubelet, Volume, serving

MIB = 1 << 20
UNREAD = "sync; echo 3 > /proc/sys/vm/drop_caches"


def header(volume: Volume) -> Header | None:
    """Return the header as the disk has it."""
    return luks_header.parse(volume.file.read_bytes()[: luks_header.HEAD_BYTES])


async def refused_under(kubelet: Kubelet, volume: Volume, kind: str, size_bytes: int = 0) -> str:
    """Stage a volume, or grow it, while requests of one kind fail; return what is said."""
    await kubelet.shell(UNREAD)
    await kubelet.guest.drives.fail(volume.name, kind)
    try:
        if size_bytes:
            await kubelet.expand(volume, size_bytes)
        else:
            await kubelet.stage(volume)
    except GRPCError as error:
        return f"{error.status.name}: {error.message}"
    finally:
        await kubelet.guest.drives.fail(volume.name)
    raise AssertionError(f"no error while the disk fails to {kind}")


async def unstage_after_errors(kubelet: Kubelet, volume: Volume) -> None:
    """Unstage a volume; that not everything could be written is told once, if the kernel had something to write."""
    try:
        await kubelet.unstage(volume)
    except GRPCError as error:
        assert "has reached it" in (error.message or "")  # noqa: PT017  # it may as well succeed
        await kubelet.unstage(volume)


def blame_of_the_disk(said: str, *words: str) -> bool:
    """Say whether an error blames the disk, and may end by itself."""
    return said.startswith("UNAVAILABLE: ") and DISK_ERRORS in said and any(word in said for word in words)


@pytest.mark.asyncio
async def test_errors_of_the_disk_are_told_as_such_and_an_encrypted_volume_goes_on_when_they_are_over(
    make_node: MakeGuest, tmp_path: Path
) -> None:
    async with serving(await make_node("a"), tmp_path / "a") as kubelet:
        volume = Volume(str(uuid.uuid4()), tmp_path / "disk")
        with volume.file.open("wb") as file:
            file.truncate(64 * MIB)
        await kubelet.attach(volume)
        await kubelet.shell("udevadm settle --timeout=60")
        said = await refused_under(kubelet, volume, "read")
        assert blame_of_the_disk(said, "cannot be read"), said
        assert volume.file.stat().st_blocks == 0
        said = await refused_under(kubelet, volume, "write")
        assert blame_of_the_disk(said, "luksFormat"), said
        await kubelet.stage(volume)
        await kubelet.publish(volume)
        await kubelet.shell(f"echo data > {volume.target}/file; sync -f {volume.target}")
        made = header(volume)
        assert made is not None

        await kubelet.guest.drives.resize(volume.name, 128 * MIB)
        said = await refused_under(kubelet, volume, "write", 128 * MIB)
        assert blame_of_the_disk(said, "resize"), said
        await kubelet.unpublish(volume)
        await unstage_after_errors(kubelet, volume)

        said = await refused_under(kubelet, volume, "read")
        assert blame_of_the_disk(said, ""), said
        await kubelet.stage(volume)
        await kubelet.publish(volume)
        await kubelet.expand(volume, 128 * MIB)
        assert await kubelet.total_bytes(volume) > 80 * MIB
        assert await kubelet.shell(f"cat {volume.target}/file") == "data\n"
        assert header(volume) == made
