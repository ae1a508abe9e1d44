"""What is refused, each with its own remedy; and copies, which are not."""

import asyncio
import hashlib
import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vm.conftest import MakeGuest
from tests.vm.encryption.calls import NEW, OLD, QUICK, Kubelet, Volume, serving, used
from tools.services.stack import DRIVER_NAME

pytestmark = pytest.mark.asyncio

MIB = 1 << 20
SIZE = 64 * MIB
XFS_SIZE = 320 * MIB  # mkfs.xfs takes no less than 300 MiB

MAKE = "cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file -"


def volume(folder: Path, kind: str = "ext4", like: Volume | None = None) -> Volume:
    """Make a volume, blank or a copy of another one's disk."""
    made = Volume(str(uuid.uuid4()), folder / f"{uuid.uuid4()}.img", kind)
    if like is None:
        with made.file.open("wb") as file:
            file.truncate(XFS_SIZE if kind == "xfs" else SIZE)
    else:
        shutil.copyfile(like.file, made.file)
    return made


async def digest(kubelet: Kubelet, wanted: Volume) -> str:
    """Return a hash of what is on the disk."""
    await kubelet.shell("sync")
    return hashlib.sha256(wanted.file.read_bytes()).hexdigest()


async def test_a_volume_that_is_not_what_is_asked_for_is_refused_unchanged(
    make_node: MakeGuest, tmp_path: Path
) -> None:
    async with serving(await make_node("a"), tmp_path / "a") as kubelet:
        good = await used(kubelet, volume(tmp_path))
        before = await digest(kubelet, good)
        assert "does not open" in await kubelet.refusal(good.keyed(NEW))
        assert "does not open" in await kubelet.refusal(good.keyed(NEW, "neither-this-one"))
        assert "node-stage-secret-name" in await kubelet.refusal(replace(good, secrets={}))
        for kind in ("ext4", ""):
            assert "asks for no encryption" in await kubelet.refusal(replace(good, kind=kind, context={}))
        assert "holds ext4, but xfs is asked for" in await kubelet.refusal(replace(good, kind="xfs"))
        assert await kubelet.shell("dmsetup ls") == "No devices found\n"  # opened, since the kind is known only inside
        assert await digest(kubelet, good) == before
        await kubelet.stage(good)
        assert await kubelet.shell(f"cat {good.staging}/file") == "data\n"


async def test_a_header_that_is_not_the_volumes_own_is_refused_unchanged(make_node: MakeGuest, tmp_path: Path) -> None:
    make = f"printf %s {OLD} | {MAKE}"
    name = "--label {id} --subsystem"
    cases = {
        "copy its data": "mkfs.ext4 -q {link}",
        "this driver has not made": make + " {link}",
        "is that of volume other": make + " --label other --subsystem aiocsi {link}",
        "luksHeaderRestore": make + f" {name} aiocsi {{link}}; for at in 5000 21384; do printf x | "
        "dd of={link} bs=1 seek=$at conv=notrunc status=none; done",
        "has no key slots left": make + f" {name} aiocsi {{link}}; cryptsetup luksErase -q {{link}}",
        "at byte 33000": "printf x | dd of={link} bs=1 seek=33000 status=none",
    }
    async with serving(await make_node("a"), tmp_path / "a") as kubelet:

        async def refuse(said: str, script: str) -> None:
            wanted = volume(tmp_path)
            await kubelet.attach(wanted)
            await kubelet.shell(script.format(id=wanted.id, link=wanted.link))
            before = await digest(kubelet, wanted)
            assert said in await kubelet.refusal(wanted)
            assert await digest(kubelet, wanted) == before

        await asyncio.gather(*(refuse(said, script) for said, script in cases.items()))
        begun = volume(tmp_path)  # a format that was cut short before there was a key: nobody can have stored anything
        await kubelet.attach(begun)
        await kubelet.shell(
            (make + f" {name} aiocsi-new {{link}}; cryptsetup luksErase -q {{link}}").format(
                id=begun.id, link=begun.link
            )
        )
        await kubelet.stage(begun)
        await kubelet.unstage(begun)


@pytest.mark.parametrize("kind", ["xfs", "ext4"])
async def test_a_copy_opens_with_its_origins_passphrase_beside_it_and_gets_its_own_name(
    make_node: MakeGuest, tmp_path: Path, kind: str
) -> None:
    async with serving(await make_node("a"), tmp_path / "a") as kubelet:
        origin = await used(kubelet, volume(tmp_path, kind))
        copy = volume(tmp_path, kind, like=origin)
        await kubelet.attach(copy)
        assert f"is that of volume {origin.id}" in await kubelet.refusal(copy)
        restored = replace(copy, context={**QUICK, f"{DRIVER_NAME}/volume-origin": "snapshot"})
        assert "does not open" in await kubelet.refusal(restored.keyed(NEW))
        await kubelet.stage(origin)
        await kubelet.stage(restored)
        assert await kubelet.shell(f"cat {copy.staging}/file {origin.staging}/file") == "data\ndata\n"
        assert f"Label:         \t{copy.id}\n" in await kubelet.shell(f"cryptsetup luksDump {copy.link}")
        await kubelet.unstage(restored)
        await kubelet.stage(copy)  # it names itself now
