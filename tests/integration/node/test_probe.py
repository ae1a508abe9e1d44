"""Everything that a volume may hold: what stage does with it, and that not one byte changed where it refused."""

import os
from pathlib import Path

import pytest

from common import errors
from common.tasks import Tasks
from tests.integration.node import images
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import GIB, MIB, Disk, Disks
from tests.integration.node.images import Image
from tools.processes import traces
from tools.processes.run import run

IMAGES = images.all_images()
USABLE = {
    "ext2": "ext2",
    "ext3": "ext3",
    "ext4": "ext4",
    "ext4 with 1 KiB blocks": "ext4",
    "ext4 without a journal": "ext4",
    "xfs": "xfs",
    "btrfs": "btrfs",
}


def made(bench: Bench, image: Image) -> Disk:
    if image.missing:
        pytest.skip(image.missing)
    file = bench.disks.file(images.SIZE_BYTES)
    image.make(file)
    return bench.disks.attach(file)


def test_the_corpus_has_at_least_sixty_images() -> None:
    assert len({image.name for image in IMAGES}) >= 60


@pytest.mark.asyncio
@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
async def test_a_volume_with_something_on_it_is_never_formatted(bench: Bench, image: Image) -> None:
    disk = made(bench, image)
    before = disk.digest()
    asked = "xfs" if USABLE.get(image.name, "").startswith("ext") else "ext4"
    error = await bench.refusal(disk, asked)
    assert isinstance(error, errors.FailedPrecondition)
    assert error.remedy
    assert disk.digest() == before
    assert traces.mounts(bench.folder) == ()


@pytest.mark.asyncio
@pytest.mark.parametrize("name", USABLE)
async def test_a_file_system_that_is_asked_for_is_mounted_and_not_made_anew(bench: Bench, name: str) -> None:
    disk = made(bench, next(image for image in IMAGES if image.name == name))
    before = uuid_on(disk)
    await bench.stage(disk, USABLE[name])
    assert uuid_on(disk) == before


def uuid_on(disk: Disk) -> str:
    return run("blkid", "-p", "-s", "UUID", "-o", "value", str(disk.node))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"never_format": "its attribute says so"}, id="noformat"),
        pytest.param({"never_format": "it was made from a snapshot"}, id="from a snapshot"),
    ],
)
async def test_a_blank_volume_that_must_not_be_formatted_stays_blank(bench: Bench, context: dict[str, str]) -> None:
    disk = bench.disks.blank()
    before = disk.digest()
    assert "never formatted" in str(await bench.refusal(disk, **context))
    assert disk.digest() == before


@pytest.mark.asyncio
async def test_a_blank_device_that_is_read_only_is_not_formatted(bench: Bench) -> None:
    disk = bench.disks.attach(bench.disks.file(GIB), read_only=True)
    before = disk.digest()
    assert "read-only" in str(await bench.refusal(disk))
    assert disk.digest() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("kept", [pytest.param(0, id="nothing"), pytest.param(512 * MIB, id="the first half")])
async def test_a_device_that_cannot_be_read_is_not_taken_for_blank(bench: Bench, kept: int) -> None:
    disk = bench.disks.blank()
    os.truncate(disk.file, kept)  # reads behind the end of the file are I/O errors
    error = await bench.refusal(disk)
    assert "cannot be read" in str(error)
    assert disk.file.stat().st_size == kept


@pytest.mark.asyncio
async def test_a_file_system_larger_than_its_device_is_not_mounted(bench: Bench) -> None:
    file = bench.disks.file(GIB)
    images.tool("mkfs.ext4", "-q", "-F")(file)
    os.truncate(file, 512 * MIB)
    disk = bench.disks.attach(file)
    before = disk.digest()
    assert "its device only" in str(await bench.refusal(disk))
    assert disk.digest() == before


@pytest.mark.asyncio
async def test_a_device_smaller_than_the_volume_is_not_the_volume(bench: Bench) -> None:
    disk = bench.disks.blank()
    before = disk.digest()
    assert "less than the volume's" in str(await bench.refusal(disk, min_bytes=2 * GIB))
    assert disk.digest() == before


@pytest.mark.asyncio
async def test_a_missing_device_is_waited_for_and_never_guessed(bench: Bench) -> None:
    disk = bench.disks.blank()
    disk.node.rename(disk.node.with_name("elsewhere"))
    error = await bench.refusal(disk)
    assert isinstance(error, errors.Unavailable)
    disk.node.with_name("elsewhere").rename(disk.node)


@pytest.mark.asyncio
async def test_two_devices_that_have_swapped_their_names_are_both_refused(bench: Bench) -> None:
    first, second = bench.disks.blank(), bench.disks.blank()
    before = (first.digest(), second.digest())
    aside = first.node.with_name("aside")
    for source, target in ((first.node, aside), (second.node, first.node), (aside, second.node)):
        source.rename(target)
    for disk in (first, second):
        assert "is not volume" in str(await bench.refusal(disk))
    assert (first.digest(), second.digest()) == before


@pytest.mark.asyncio
async def test_a_name_that_leads_to_a_plain_file_is_refused(bench: Bench) -> None:
    disk = bench.disks.blank()
    disk.node.rename(disk.node.with_name("elsewhere"))
    disk.node.write_bytes(bytes(4096))
    assert "not a block device" in str(await bench.refusal(disk))
    disk.node.unlink()
    disk.node.with_name("elsewhere").rename(disk.node)


@pytest.mark.asyncio
@pytest.mark.parametrize(("kind", "disks"), [("ext4", 1), ("btrfs", 1), ("btrfs", 2)])
async def test_the_disks_that_hold_kubelets_directory_are_refused_also_of_a_btrfs(
    volumes: Disks, tmp_path: Path, kind: str, disks: int
) -> None:
    made = [volumes.blank() for _ in range(disks)]
    run(f"mkfs.{kind}", "-q", *(["-F"] if kind == "ext4" else []), *(disk.loop for disk in made))
    run("mount", made[0].loop, str(tmp_path))
    try:
        host = make_bench(tmp_path, volumes, Tasks())
        for disk in made:
            assert "holds files of this host" in str(await host.refusal(disk, kind))
    finally:
        run("umount", str(tmp_path))


@pytest.mark.asyncio
async def test_the_disk_that_holds_the_root_file_system_is_refused_whatever_its_name(bench: Bench) -> None:
    disk = bench.disks.blank()
    disk.node.rename(disk.node.with_name("elsewhere"))
    os.mknod(disk.node, 0o60600, Path("/").stat().st_dev)  # noqa: ASYNC240  # a test
    error = await bench.refusal(disk)
    assert isinstance(error, errors.FailedPrecondition)
    disk.node.unlink()
    disk.node.with_name("elsewhere").rename(disk.node)
