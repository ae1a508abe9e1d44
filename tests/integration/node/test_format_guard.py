"""Crafted disks: each is refused or used as it is, never formatted, by a foreseen answer, in bounded time.

``CRAFTED_SEED`` and ``CRAFTED_DISKS`` draw others, and more of them.
"""

import asyncio
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import pytest

from common import encryption, errors
from common.tasks import Tasks
from node.host.command import Commands
from node.records.requests import Keys, Stage
from tests.integration.node import crafted
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.crafted import Crafted, Family
from tests.integration.node.disks import Disk, Disks
from tools.processes.run import ToolFailed

SEED = os.environ.get("CRAFTED_SEED", "one")
COUNT = int(os.environ.get("CRAFTED_DISKS", "330"))
AT_ONCE = 4
ANSWER_SECONDS = 30
OTHERS_SECONDS = 30
ASKED = encryption.parse({"encryption": "luks2"})
UUID_AT = 1024 + 104  # of an ext


def request(bench: Bench, disk: Disk, recipe: Crafted) -> Stage:
    wanted = bench.stage_request(disk)
    if not recipe.encrypted:
        return wanted
    return replace(wanted, volume=replace(wanted.volume, encryption=ASKED), keys=Keys(b"a-passphrase"))


def uuid_on(disk: Disk) -> bytes:
    with disk.file.open("rb") as file:
        return os.pread(file.fileno(), 16, UUID_AT)


async def findings(bench: Bench, recipe: Crafted) -> list[str]:
    """Stage a crafted disk; return what is wrong with the answer."""
    file = bench.disks.file(recipe.size_bytes)
    try:
        await asyncio.to_thread(recipe.write, file)  # beside the node, which would wait for it
    except (ToolFailed, ValueError, struct.error) as error:
        return [f"{recipe.name}: cannot be made: {error}"]
    disk = bench.disks.attach(file)
    try:
        return [f"{recipe.name}: {text}" for text in await wrongs(bench, disk, recipe)]
    finally:
        bench.disks.detach(disk)
        file.unlink()


async def wrongs(bench: Bench, disk: Disk, recipe: Crafted) -> list[str]:
    before, uuid_before = disk.digest(), uuid_on(disk)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await bench.parts.staging.stage(request(bench, disk, recipe))
    except errors.DriverError as error:
        kept = uuid_on(disk) == uuid_before if recipe.ext else disk.digest() == before
        return [] if kept else [f"refused ({error}), and changed"]
    except TimeoutError:
        return ["no answer in time"]
    except Exception as error:  # noqa: BLE001  # what nobody has foreseen is what is looked for
        return [f"unforeseen {error!r}"]
    await bench.unstage(disk)
    return [] if recipe.ext and uuid_on(disk) == uuid_before else ["staged"]


async def others(bench: Bench) -> list[str]:
    """Stage somebody else's volume at the same time; return whether it had to wait."""
    disk = bench.disks.blank()
    try:
        async with asyncio.timeout(OTHERS_SECONDS):
            await bench.stage(disk)
    except (TimeoutError, errors.DriverError) as error:
        return [f"another volume had to wait: {error!r}"]
    await bench.unstage(disk)
    return []


@pytest.fixture
def programs() -> list[str]:
    """The programs that were run."""
    return []


@pytest.fixture
def watched(volumes: Disks, programs: list[str]) -> Bench:
    """A node's parts whose programs are known."""
    commands = Commands(observe=lambda program, *_: programs.append(program))
    return make_bench(volumes.folder, volumes, Tasks(), commands=commands)


async def all_findings(bench: Bench, disks: Iterable[Crafted]) -> list[str]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(recipe: Crafted) -> list[str]:
        async with slots:
            return await findings(bench, recipe)

    found = await asyncio.gather(*map(one, disks), others(bench))
    return [text for texts in found for text in texts]


@pytest.mark.asyncio
@pytest.mark.parametrize("family", crafted.FAMILIES, ids=lambda family: family.__name__)
async def test_no_crafted_disk_is_formatted_or_obeyed_or_holds_up_another_one(
    watched: Bench, programs: list[str], family: Family
) -> None:
    disks = crafted.crafted(family, SEED, -(-COUNT // len(crafted.FAMILIES)))
    assert await all_findings(watched, disks) == []
    assert "cryptsetup" not in programs


@pytest.mark.asyncio
async def test_a_header_that_asks_for_what_no_class_asks_for_is_refused_before_a_program_reads_it(
    watched: Bench, programs: list[str]
) -> None:
    assert await all_findings(watched, crafted.hostile_headers()) == []
    assert "cryptsetup" not in programs


@pytest.mark.asyncio
async def test_a_disk_that_is_blank_is_formatted(bench: Bench) -> None:
    """Else the test above would prove nothing."""
    disk = bench.disks.blank()
    await bench.stage(disk)
    with suppress(errors.DriverError):
        await bench.unstage(disk)
    assert disk.digest() != bench.disks.blank().digest()
