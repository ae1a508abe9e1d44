"""The part of ``guest_cycle`` that runs in the guest, on the driver's own packages: cycles of one volume, as JSON.

``inside_guest.py NAME CYCLES CLASS``: stage, publish, unpublish, unstage the attached volume NAME, which is blank at
first; CLASS is JSON, what the StorageClass says of encryption.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from common import encryption, logs, settings
from common.tasks import Tasks
from node import wiring
from node.host.command import Commands, watch_children_without_threads
from node.host.volume_locks import VolumeLocks
from node.records.requests import Filesystem, Keys, Publish, Stage, VolumePath, VolumeSpec
from node.service import NodeDomains
from node.settings import NodeSettings

FOLDER = Path("/run/guest-cycle")


async def cycle(parts: NodeDomains, volume: VolumeSpec) -> None:
    """Stage, publish, unpublish, unstage."""
    wanted, keys = Filesystem("ext4"), Keys(b"a passphrase of a benchmark" if volume.encryption else b"")
    staging_path, target = str(FOLDER / "globalmount"), str(FOLDER / "mount")
    await parts.staging.stage(Stage(volume, staging_path, wanted, read_only=False, keys=keys))
    await parts.publishing.publish(Publish(volume, staging_path, target, wanted, read_only=False, alone=False))
    await parts.publishing.unpublish(VolumePath(volume.id, target))
    await parts.unstaging.unstage(VolumePath(volume.id, staging_path))


def processor(who: int) -> float:
    """Return the processor time of this process, or of the programs that it has run, seconds."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


async def measure(volume: VolumeSpec, cycles: int) -> None:
    """Print a line for each cycle: its programs, and seconds."""
    programs: list[tuple[str, float]] = []
    commands = Commands(lambda program, seconds, _status: programs.append((program, seconds)))
    variables = {"AIOCSI_STATE_DIR": str(FOLDER / "state"), "AIOCSI_KUBELET_DIR": str(FOLDER)}
    chosen = settings.read(NodeSettings, [], "guest_cycle", "", variables)
    parts = wiring.make_parts(chosen, wiring.make_host(chosen, commands), VolumeLocks(Tasks()))
    for _ in range(cycles):
        programs.clear()
        before = processor(resource.RUSAGE_SELF), processor(resource.RUSAGE_CHILDREN), time.monotonic()
        await cycle(parts, volume)
        after = processor(resource.RUSAGE_SELF), processor(resource.RUSAGE_CHILDREN), time.monotonic()
        own, others, wall = (end - begin for begin, end in zip(before, after, strict=True))
        figures = {"programs": [program for program, _ in programs], "in_programs": sum(taken for _, taken in programs)}
        print(json.dumps({**figures, "wall": wall, "own": own, "others": others}), flush=True)


if __name__ == "__main__":
    logs.configure("console", "error")
    watch_children_without_threads()
    name, count, wanted_class = sys.argv[1:]
    asyncio.run(measure(VolumeSpec(name, name, encryption=encryption.parse(json.loads(wanted_class))), int(count)))
