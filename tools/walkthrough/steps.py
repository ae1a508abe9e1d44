"""The steps of the main job, in order: each acts through the sockets, looks itself, and tells what it saw."""

import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.services.stack import Node
from tools.walkthrough import promises
from tools.walkthrough.story import Story, Unexpected

FILE_BYTES = 8 << 20
RAW_BYTES = 1 << 20
RAW_OFFSET = 512 << 20


@dataclass(frozen=True)
class Step:
    """One step: what it is called, and what it does. ``act`` returns lines on what it saw.

    The first of them is shown behind ``mark``, if there is one: ✗ for what was broken, and how a promise was kept all
    the same, ✓ for what was found right.
    """

    title: str
    act: Callable[[Story], Awaitable[list[str]]]
    mark: str = ""


async def create(story: Story) -> list[str]:
    """Create both volumes, though a reply is lost."""
    return [
        *await promises.lose_reply(story),
        *(
            f"{each.name}: volume {each.volume.volume_id}, {_size(each.volume.capacity_bytes)}"
            for each in story.volumes
        ),
    ]


async def attach(story: Story, index: int, breaking: Callable[[Story], Awaitable[list[str]]]) -> list[str]:
    """Attach both volumes to one node while something breaks; their devices must appear there, and nowhere else."""
    proof, node = await breaking(story), story.stack.nodes[index]
    for other in story.stack.nodes:
        expected = sorted(volume.device(node).name for volume in story.volumes) if other is node else []
        if (found := sorted(path.name for path in other.device_dir.iterdir())) != expected:
            raise Unexpected(f"{other.name} has the devices {found}, not {expected}")
    return [*proof, *(_devices(each) for each in story.stack.nodes)]


async def up(story: Story, index: int) -> list[str]:
    """Stage and publish both volumes on one node."""
    return [*await stage(story, index), *await publish(story, index)]


async def down(story: Story, index: int) -> list[str]:
    """Unpublish, unstage and detach both volumes."""
    return [*await unpublish(story, index), *await unstage(story, index), *await detach(story, index)]


async def stage(story: Story, index: int) -> list[str]:
    """Stage both volumes on one node."""
    node = story.stack.nodes[index]
    for volume in story.volumes:
        await volume.stage(story.client(node), node)
    return []


async def publish(story: Story, index: int) -> list[str]:
    """Publish both volumes on one node."""
    node = story.stack.nodes[index]
    for volume in story.volumes:
        await volume.publish(story.client(node), node)
    return [
        f"{node.name}: {volume.target_path(node)} is a {_kind(volume.target_path(node))}" for volume in story.volumes
    ]


async def write(story: Story) -> list[str]:
    """Write a file and raw bytes on node A, and remember their checksums."""
    node = story.stack.nodes[0]
    file, device = story.file(node), story.raw.target_path(node)
    _write(file, 0, content := os.urandom(FILE_BYTES))
    _write(device, RAW_OFFSET, raw := os.urandom(RAW_BYTES))
    story.sums = {"file": _sum(content), "raw": _sum(raw)}
    return [
        f"{_size(FILE_BYTES)} in {file}, sha256 {story.sums['file']}",
        f"{_size(RAW_BYTES)} at byte {RAW_OFFSET} of {device}, sha256 {story.sums['raw']}",
    ]


async def read(story: Story) -> list[str]:
    """Read both on node B; the checksums must be the same."""
    node = story.stack.nodes[1]
    file, device = story.file(node), story.raw.target_path(node)
    found = {"file": _sum(_read(file, 0, FILE_BYTES)), "raw": _sum(_read(device, RAW_OFFSET, RAW_BYTES))}
    if found != story.sums:
        raise Unexpected(f"the checksums are {found}, and not {story.sums} as written on {story.stack.nodes[0].name}")
    journal = file.with_name("journal")
    kept = promises.check_journal(story, journal)
    return [
        f"file and raw bytes have the sha256 that node A wrote, and {kept} are there",
        f"{_size(FILE_BYTES)} from {file}, sha256 {found['file']}: the same",
        f"{_size(RAW_BYTES)} from byte {RAW_OFFSET} of {device}, sha256 {found['raw']}: the same",
    ]


async def unpublish(story: Story, index: int) -> list[str]:
    """Unpublish both volumes on one node; the target paths must be gone."""
    node = story.stack.nodes[index]
    for volume in story.volumes:
        await volume.unpublish(story.client(node), node)
        if volume.target_path(node).exists():
            raise Unexpected(f"{volume.target_path(node)} is still there")
    return []


async def unstage(story: Story, index: int) -> list[str]:
    """Unstage both volumes on one node."""
    node = story.stack.nodes[index]
    for volume in story.volumes:
        await volume.unstage(story.client(node), node)
    return []


async def detach(story: Story, index: int) -> list[str]:
    """Detach both volumes from one node; their devices must be gone."""
    node = story.stack.nodes[index]
    for volume in story.volumes:
        await volume.detach(story.controller, node)
    if left := sorted(path.name for path in node.device_dir.iterdir()):
        raise Unexpected(f"{node.name} still has the devices {left}")
    return [_devices(node)]


async def delete(story: Story) -> list[str]:
    """Delete both volumes; the cloud must hold none."""
    for volume in story.volumes:
        await volume.delete(story.controller)
    if left := await story.stack.cloud.volumes():
        raise Unexpected(f"the cloud still holds {left}")
    return ["the cloud holds no volume any more"]


STEPS = (
    Step("create both", create, "✗"),
    Step("attach both to node A", partial(attach, index=0, breaking=promises.kill_controller), "✗"),
    Step("stage and publish on node A", partial(up, index=0)),
    Step("write a file and raw bytes", write),
    Step("stage a third one on node A", promises.keep_foreign_data, "✗"),
    Step("write on, and on", promises.detach_under_writer, "✗"),
    Step("take both off node A", partial(down, index=0)),
    Step("attach both to node B", partial(attach, index=1, breaking=promises.refuse_requests), "✗"),
    Step("stage and publish on node B", partial(up, index=1)),
    Step("read all of it on node B", read, "✓"),
    Step("take both off node B", partial(down, index=1)),
    Step("delete both", delete, "✓"),
)


def _write(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(offset)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _devices(node: Node) -> str:
    nodes = [f"{each.name} ({_numbers(each)})" for each in sorted(node.device_dir.iterdir())]
    return f"{node.name} sees {', '.join(nodes) or 'no device'}"


def _numbers(path: Path) -> str:
    device = path.stat().st_rdev
    return f"block device {os.major(device)}:{os.minor(device)}"


def _kind(path: Path) -> str:
    return "directory" if path.is_dir() else _numbers(path)


def _size(number: int) -> str:
    return f"{number >> 30} GiB" if number >= 1 << 30 else f"{number >> 20} MiB"
