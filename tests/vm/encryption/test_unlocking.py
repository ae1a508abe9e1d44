"""Mappers that an earlier call has left, and a disk that goes while its mapper is in use."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vm.conftest import MakeGuest
from tests.vm.encryption.calls import OLD, Volume, serving, used

pytestmark = pytest.mark.asyncio

MakeDisk = Callable[[str], Path]

OPEN = "printf %s {key} | cryptsetup open --key-file - {link} {mapper}"


def volume_on(file: Path) -> Volume:
    """Return a volume whose disk is that file."""
    return Volume(str(uuid.uuid4()), file)


async def test_a_mapper_that_is_left_is_used_upon_the_right_disk_alone(
    make_node: MakeGuest, disk: MakeDisk, tmp_path: Path
) -> None:
    async with serving(await make_node("a"), tmp_path / "a") as kubelet:
        one, two = [await used(kubelet, volume_on(disk(name))) for name in ("one", "two")]

        await kubelet.shell(OPEN.format(key=OLD, link=one.link, mapper=one.mapper))
        assert "does not open" in await kubelet.refusal(one.keyed("another-passphrase"))
        await kubelet.stage(one)
        assert await kubelet.shell(f"cat {one.staging}/file") == "data\n"
        await kubelet.unstage(one)

        await kubelet.shell(OPEN.format(key=OLD, link=one.link, mapper=one.mapper))
        await kubelet.unstage(one)  # nothing is staged, nothing is remembered, and the mapper is closed all the same
        assert await kubelet.shell("dmsetup ls") == "No devices found\n"

        await kubelet.shell(f"dmsetup create {one.mapper} --notable")  # as if killed before it had a table
        await kubelet.stage(one)
        await kubelet.unstage(one)

        await kubelet.shell(OPEN.format(key=OLD, link=two.link, mapper=one.mapper))
        assert f"cryptsetup close {one.mapper}" in await kubelet.refusal(one)
        assert "in use by dm-" in await kubelet.refusal(two)
        await kubelet.shell(f"cryptsetup close {one.mapper}")
        await kubelet.stage(one)
        await kubelet.stage(two)
        assert await kubelet.shell(f"cat {two.staging}/file") == "data\n"


async def test_a_disk_that_goes_under_a_mount_is_told_and_the_volume_recovers(
    make_node: MakeGuest, disk: MakeDisk, tmp_path: Path
) -> None:
    async with serving(await make_node("a"), tmp_path / "a") as kubelet:
        volume = await used(kubelet, volume_on(disk("one")))
        raw = Volume(str(uuid.uuid4()), disk("raw"), "")
        await kubelet.attach(raw)
        for each in (volume, raw):
            await kubelet.stage(each)
            await kubelet.publish(each)
        await kubelet.shell(f"echo synced > {volume.target}/file; sync -f {volume.target}")
        for each in (volume, raw):
            await kubelet.detach(each)
            await kubelet.until_ailing(each, "DeviceGone")
        await kubelet.attach(volume)
        assert "was detached while it was mounted" in await kubelet.refusal(volume)
        await kubelet.unpublish(volume)
        await kubelet.stage(volume)  # takes the dead mount and mapper away
        await kubelet.publish(volume)
        assert await kubelet.ailments(volume) == set()
        assert await kubelet.shell(f"cat {volume.target}/file") == "synced\n"
        await kubelet.detach(volume)
        for each in (volume, raw):
            await kubelet.unpublish(each)
            await kubelet.unstage(each)
        assert await kubelet.shell("dmsetup ls") == "No devices found\n"
