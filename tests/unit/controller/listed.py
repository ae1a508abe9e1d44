"""Worlds with volumes that are listed."""

from collections.abc import Sequence

from controller.cloud.records import Page
from controller.records import ListRequest
from tests.fakes.cloud import FakeCloud, Item
from tests.unit.controller.world import World


async def names(world: World, length: int = 0) -> list[str]:
    """List all volumes, page by page."""
    found, token = await world.work.listing.volumes(ListRequest(length, ""))
    while token:
        more, token = await world.work.listing.volumes(ListRequest(length, token))
        found += more
    return [each.name for each in found]


def many(count: int, servers: int = 700) -> FakeCloud:
    cloud = FakeCloud([str(number) for number in range(1, servers + 1)])
    for number in range(count):
        cloud.make_volume(f"pvc-{number}")
    return cloud


async def ailing(world: World, length: int = 0) -> list[list[str]]:
    """List the health of all volumes, page by page."""
    found, token = [], ""
    while True:
        told, token = await world.work.health.page(ListRequest(length, token))
        found.append([each.volume_id for each in told])
        if not token:
            return found


class Partial(FakeCloud):
    """A cloud whose lists lack what is there, and say nothing of that."""

    lacking: frozenset[str] = frozenset()

    def _page(self, items: Sequence[Item], number: int) -> Page[Item]:
        return super()._page([each for each in items if getattr(each, "id", "") not in self.lacking], number)
