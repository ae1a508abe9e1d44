"""A disk that completes no command hangs; one that completes any of them works."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest

from node.host.hung_disks import silent
from node.host.sysfs import Sysfs
from node.host.threads import Threads
from node.records.kernel import Traffic

SECONDS = 0.25  # a limit that some looks fit into


class Counted(Sysfs):
    """Disks whose counters stand as written, look by look; after the last one they do not move."""

    def __init__(self, disks: Mapping[str, Sequence[Traffic]]) -> None:
        super().__init__()
        self._disks = disks
        self.looks: dict[str, int] = defaultdict(int)

    def traffic(self, number: str) -> Traffic:
        seen = self._disks[number]
        self.looks[number] += 1
        return seen[min(self.looks[number], len(seen)) - 1]


@pytest.mark.asyncio
async def test_only_a_disk_that_completes_nothing_hangs() -> None:
    sysfs = Counted(
        {
            "8:0": [Traffic(5, 3)],
            "8:16": [Traffic(5, 3), Traffic(6, 2)],
            "8:32": [Traffic(5, 1), Traffic(5, 0)],
        }
    )
    assert await silent(sysfs, Threads(1), ("8:0", "8:16", "8:32"), SECONDS) == {"8:0": 3}
    assert (sysfs.looks["8:16"], sysfs.looks["8:32"]) == (2, 2)


@pytest.mark.asyncio
async def test_a_disk_that_has_nothing_to_do_is_looked_at_once() -> None:
    sysfs = Counted({"8:0": [Traffic(5, 0)]})
    assert await silent(sysfs, Threads(1), ("8:0",)) == {}
    assert sysfs.looks["8:0"] == 1
