"""Disks that hang: they have commands to answer and answer none, without an error.

Such a disk is seen only by its traffic. A command that waits is nothing yet (a busy disk has some at any moment), so
it is looked at until one command is completed, which takes a disk that works some milliseconds. A disk that no one
asks for anything may hang unseen: no command of ours is sent to find out, it could not be taken back.

Source: kernel Documentation/block/stat.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

from node.host.sysfs import Sysfs
from node.host.threads import SECONDS, Threads
from node.records.kernel import Traffic

SILENT_SECONDS = 5.0  # no disk that works takes so long to complete one of its commands
LOOK_PAUSE = 0.1  # s


async def silent(
    sysfs: Sysfs, threads: Threads, numbers: Iterable[str], seconds: float = SILENT_SECONDS
) -> dict[str, int]:
    """Return the disks that complete nothing for ``seconds``, each with how many commands it owes.

    ``numbers`` are major:minor. It takes that long only if there is such a disk, and one look if no command waits.
    """
    clock = asyncio.get_running_loop().time
    last = clock() + seconds
    waiting = await _look(sysfs, threads, dict.fromkeys(numbers))
    while waiting and clock() < last:
        await asyncio.sleep(LOOK_PAUSE)  # noqa: TID251  # the kernel tells nobody when a command is completed
        waiting = await _look(sysfs, threads, waiting)
    return {number: traffic.outstanding for number, traffic in waiting.items()}


async def _look(sysfs: Sysfs, threads: Threads, before: Mapping[str, Traffic | None]) -> dict[str, Traffic]:
    """Return what is still outstanding of the disks that have completed nothing since ``before``."""
    return await threads.call(partial(_unanswered, sysfs, before), SECONDS, "reading /sys")


def _unanswered(sysfs: Sysfs, before: Mapping[str, Traffic | None]) -> dict[str, Traffic]:
    found = {}
    for number, earlier in before.items():
        now = sysfs.traffic(number)
        if now.outstanding and (earlier is None or earlier.completed == now.completed):
            found[number] = now
    return found
