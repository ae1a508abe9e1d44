"""A droplet that loses its power while a volume is encrypted for the first time, and another one that stages it then.

What it has sent to the disk by then is there, and nothing after it. So one life is recorded, write by write, and each
moment of it is a disk that a power cut would have left (see ``writes``); one power is really cut.
"""

import asyncio
import itertools
import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from grpclib.exceptions import GRPCError

from localcloud.guests.drives import Drive
from localcloud.guests.guest import Guest
from localcloud.guests.server import DiskServer
from node.formats import luks_header
from node.records.luks import Header
from node.rules.encryption import IN_USE
from tests.vm.conftest import MakeGuest
from tests.vm.encryption import writes
from tests.vm.encryption.calls import SECONDS, Kubelet, Volume, serving
from tools.guest import guests
from tools.processes.program import until

pytestmark = pytest.mark.asyncio

EVERY = os.environ.get("AIOCSI_TEST_POWER_CUTS") == "every"
SIZE_BYTES = 32 << 20
PAYLOAD_AT = 16 << 20
SLOW_BYTES_PER_SECOND = 1 << 20  # a header is made of 32 MiB of writes


@dataclass(frozen=True)
class Left:
    """What a power cut has left on a disk."""

    disk: bytes | bytearray

    @property
    def header(self) -> Header | None:
        return luks_header.parse(bytes(self.disk[: luks_header.HEAD_BYTES]))

    @property
    def may_have_data(self) -> bool:
        """Whether it could be somebody's data for all that the disk itself says."""
        return self.header is None and has_data(self.disk)

    @property
    def kind(self) -> tuple[object, ...]:
        """One of the handful of states that the driver tells apart, or ought to."""
        header = self.header
        torn = self.disk[:6] == b"LUKS\xba\xbe"
        if header is None:
            return "no header", has_data(self.disk), torn
        return header.subsystem, len(header.slots), torn, has_data(self.disk[PAYLOAD_AT:])


@dataclass(frozen=True)
class Outcome:
    """What the other droplet made of it."""

    refusal: str
    formatted: bool
    left: Left


def blank(folder: Path, volume_id: str = "") -> Volume:
    """Make a volume."""
    name = uuid.uuid4().hex[:8]  # a socket beside the file has 107 bytes of path
    made = Volume(volume_id or str(uuid.uuid4()), folder / f"{name}.img")
    with made.file.open("wb") as file:
        file.truncate(SIZE_BYTES)
    return made


async def recorded(kubelet: Kubelet, volume: Volume) -> list[writes.Write]:
    """Stage and unstage a volume; return what was written to it meanwhile."""
    record = volume.file.with_suffix(".record")
    async with DiskServer(volume.file, record) as server:
        await kubelet.guest.drives.attach(Drive(volume.name, server.socket, served=True))
        await kubelet.stage(volume)
        await kubelet.unstage(volume)
        await kubelet.detach(volume)
    return writes.read(record)


def has_data(disk: bytes | bytearray) -> bool:
    """Say whether any byte is not zero."""
    return disk != bytes(len(disk))


def moments(volume: Volume, done: list[writes.Write]) -> Iterator[Left]:
    """Yield what a power cut would have left: at each moment, or half-way through each state that is not blank."""
    *_, last = writes.replay(done, SIZE_BYTES)
    assert last == volume.file.read_bytes()  # the record is the whole truth
    kinds = [Left(disk).kind for disk in writes.replay(done, SIZE_BYTES)]
    states = (list(group) for _, group in itertools.groupby(range(len(kinds)), key=kinds.__getitem__))
    blank = kinds[0]  # of the disk before the first write
    chosen = range(len(kinds)) if EVERY else {state[len(state) // 2] for state in states if kinds[state[0]] != blank}
    for number, disk in enumerate(writes.replay(done, SIZE_BYTES)):
        if number in chosen:
            yield Left(bytes(disk))


async def cut_while_encrypting(guest: Guest, kubelet: Kubelet, volume: Volume) -> Left:
    """Cut the power when the header is there and no key; return what that left."""
    await kubelet.attach(volume)
    await guest.drives.hold(volume.name, SLOW_BYTES_PER_SECOND, reads=False)
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        staging = group.create_task(kubelet.stage(volume))
        await until(lambda: Left(volume.file.read_bytes()).header is not None or None, SECONDS)
        assert not staging.done()
        staging.cancel()  # the caller goes away; the node works on
        os.kill(int((guest.folder / "pid").read_text()), signal.SIGKILL)
    await guest.end()
    return Left(volume.file.read_bytes())


async def use(kubelet: Kubelet, volume: Volume) -> Outcome:
    """Stage what is left of a volume, and use it if that succeeds."""
    await kubelet.attach(volume)
    refusal, known = "", len((await kubelet.guest.agent.read(guests.NODE_LOG)).splitlines())
    try:
        await kubelet.stage(volume)
    except GRPCError as error:
        refusal = f"{error.status.name}: {error.message}"
    else:
        await kubelet.shell(f"echo mine > {volume.staging}/file; sync -f {volume.staging}")
        await kubelet.unstage(volume)
    await kubelet.detach(volume)
    log = (await kubelet.guest.agent.read(guests.NODE_LOG)).decode().splitlines()[known:]
    return Outcome(refusal, any('"event": "formatted"' in line for line in log), Left(volume.file.read_bytes()))


def check(left: Left, outcome: Outcome) -> None:
    """What may be data is refused, with a way out, and as it was; what is ours is used, and never made anew."""
    if left.may_have_data:
        assert outcome.refusal.startswith("FAILED_PRECONDITION: ")
        assert "blkdiscard" in outcome.refusal
        assert outcome.left.disk == left.disk
        return
    assert outcome.refusal == ""
    before, after = left.header, outcome.left.header
    assert after is not None
    assert after.subsystem == IN_USE
    if before is not None and before.slots:
        assert after.uuid == before.uuid
        assert not (before.subsystem == IN_USE and outcome.formatted)


@pytest.mark.timeout(3600 if EVERY else 600)
async def test_a_volume_whose_encryption_lost_its_power_is_used_by_another_droplet_or_refused_as_it_is(
    make_node: MakeGuest, tmp_path: Path
) -> None:
    first = await make_node("a")
    async with serving(first, tmp_path / "a") as one, serving(await make_node("b"), tmp_path / "b") as two:
        volume, other = blank(tmp_path), blank(tmp_path)
        answers = set[bool]()
        for left in moments(volume, await recorded(one, volume)):
            answers.add(left.may_have_data)
            volume.file.write_bytes(left.disk)
            outcome = await use(two, volume)
            print(left.kind, outcome.refusal or outcome.formatted)  # noqa: T201  # shown when something is wrong
            check(left, outcome)
        assert answers == {True, False}
        cut = await cut_while_encrypting(first, one, other)
        assert cut.header is not None
        check(cut, await use(two, other))
