"""The steps in which another process breaks something: each proves that a promise was kept, and says by what."""

import asyncio
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from tools.csi import kubelet
from tools.csi.life import Life
from tools.services.embedded_cloud import Json, objects
from tools.services.stack import Stack
from tools.walkthrough.story import Story, Unexpected

CHUNK_BYTES = 64 << 10
CHUNKS_BEFORE = 20
FOREIGN = b"somebody else's data " * 200_000  # 4 MiB
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.05


async def lose_reply(story: Story) -> list[str]:
    """Lose the cloud's reply to the creation of a volume; there must be one volume, not two, and not none."""
    where: Json = {"method": "POST", "path": "/v2/volumes"}
    await story.stack.cloud.send("POST", "/_localcloud/faults", {"kind": "drop_after", "where": where, "nth": [1]})
    for volume in story.volumes:
        await volume.create(story.controller)
    made = [each for each in await story.stack.cloud.volumes() if each["name"] == story.filesystem.name]
    _expect(len(made) == 1 and made[0]["id"] == story.filesystem.volume.volume_id, f"the cloud holds {made}")
    await _repair(story.stack)
    return ["the cloud made the volume and lost its reply: the same volume was found, none was made twice"]


async def kill_controller(story: Story) -> list[str]:
    """Kill the controller in the middle of an attach; its successor must find the action, and start no second one."""
    node, volume = story.stack.nodes[0], story.filesystem
    attach = asyncio.create_task(_attach_in_vain(story, volume))
    async with asyncio.timeout(WAIT_SECONDS):
        await _happens(story.stack, "action_started", volume.volume.volume_id)
    story.stack.controller.kill()
    await attach
    await story.stack.controller.up()
    for each in story.volumes:
        await each.attach(story.controller, node)
    begun = await _effects(story.stack, "action_started", volume.volume.volume_id)
    _expect(begun == 1, f"{begun} actions were started")
    return ["the controller was killed (kill -9) in the attach: its successor found it begun, and began no second one"]


async def _attach_in_vain(story: Story, volume: Life) -> None:
    with suppress(GRPCError, StreamTerminatedError, OSError):  # the controller dies
        await volume.attach(story.controller, story.stack.nodes[0])


async def keep_foreign_data(story: Story) -> list[str]:
    """Put a disk with other data under the name of a volume; it must be refused, and not be touched."""
    node, volume = story.stack.nodes[0], Life("foreign", kubelet.mounted("ext4"))
    await volume.create(story.controller)
    await volume.attach(story.controller, node)
    device = volume.device(node)
    _write(device, FOREIGN)
    before = _sum(device)
    staging_path = volume.staging_path(node)
    staging_path.mkdir(parents=True, exist_ok=True)
    code, message = await story.client(node).refusal(volume.on(node).stage(), seconds=60)
    _expect(code is Status.FAILED_PRECONDITION, f"{code}: {message}")
    _expect(_sum(device) == before, "the disk was changed")
    await volume.detach(story.controller, node)
    await volume.delete(story.controller)
    return [f"a disk with other data: refused, not formatted, sha256 {before[:8]}… unchanged"]


async def refuse_requests(story: Story) -> list[str]:
    """Refuse requests for too many requests while both volumes move; every call must succeed all the same."""
    node = story.stack.nodes[1]
    rule: Json = {"kind": "rate_limited", "times": 2, "retry_after": 0}
    fault = await story.stack.cloud.send("POST", "/_localcloud/faults", rule)
    for volume in story.volumes:
        await volume.attach(story.controller, node)
    (left,) = objects(await story.stack.cloud.get("/_localcloud/faults"), "faults")
    _expect(left["strikes"] == 2, f"{fault} struck {left['strikes']} times")
    await _repair(story.stack)
    return ["2 requests in a row were refused (429): waited for, both volumes attached, no call failed"]


@dataclass
class Writer:
    """A pod that writes chunk after chunk, each synced, until it is stopped or its disk fails."""

    path: Path
    synced: int = 0
    stopped: bool = False
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write. Blocks."""
        with suppress(OSError), self.path.open("wb", buffering=0) as file:
            while not self.stopped:
                file.write(chunk(self.synced))
                os.fsync(file.fileno())
                self.synced += 1
                if self.synced == CHUNKS_BEFORE:
                    loop.call_soon_threadsafe(self.enough.set)


def chunk(number: int) -> bytes:
    """Return what the writer has written as chunk ``number``."""
    return hashlib.sha256(b"%d" % number).digest() * (CHUNK_BYTES // 32)


async def detach_under_writer(story: Story) -> list[str]:
    """Detach the volume in the panel while a pod writes to it; what was synced must be there on the other node.

    What the cloud's disk still takes after that is lost, so what counts is what was synced before.
    """
    node, volume, cloud = story.stack.nodes[0], story.filesystem, story.stack.cloud
    writer = Writer(volume.target_path(node) / "journal")
    path = f"/v2/volumes/{volume.volume.volume_id}"
    writing = asyncio.create_task(asyncio.to_thread(writer.run, asyncio.get_running_loop()))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await writer.enough.wait()
            story.synced = writer.synced
            await cloud.send("POST", f"{path}/actions", {"type": "detach", "droplet_id": node.droplet_id})
            await _happens(story.stack, "detached", volume.volume.volume_id)
    finally:
        writer.stopped = True
        await writing
    return [f"it was detached in the panel under a pod that wrote, after {story.synced} synced writes"]


def check_journal(story: Story, path: Path) -> str:
    """Read what the writer had synced, on the other node. Raises Unexpected."""
    count = story.synced
    _expect(count >= CHUNKS_BEFORE, f"only {count} writes were synced")
    with path.open("rb") as file:
        lost = [number for number in range(count) if file.read(CHUNK_BYTES) != chunk(number)]
    _expect(not lost, f"of {count} synced writes, {len(lost)} are lost: {lost[:3]}")
    return f"all {count} synced writes"


def _expect(kept: bool, otherwise: str) -> None:
    if not kept:
        raise Unexpected(otherwise)


async def _repair(stack: Stack) -> None:
    await stack.cloud.send("DELETE", "/_localcloud/faults")


async def _effects(stack: Stack, kind: str, volume_id: str) -> int:
    path = f"/_localcloud/ledger/effects?kind={kind}&subject={volume_id}"
    return len(objects(await stack.cloud.get(path), "effects"))


async def _happens(stack: Stack, kind: str, volume_id: str) -> None:
    while not await _effects(stack, kind, volume_id):  # noqa: ASYNC110  # another process has no event
        await asyncio.sleep(LOOK_SECONDS)


def _write(device: Path, content: bytes) -> None:
    with device.open("r+b") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sum(device: Path) -> str:
    with device.open("rb") as file:
        return hashlib.sha256(file.read(2 * len(FOREIGN))).hexdigest()
