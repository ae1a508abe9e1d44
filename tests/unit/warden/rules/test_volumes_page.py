"""The controller's page, read line by line: whole, or not at all."""

import asyncio

import pytest

from common.drift_records import CloudVolume
from controller import volumes_page
from tests.unit.controller.world import World
from warden.rules.volumes_page import KnownVolumes, PageReader, UnreadablePageError


def read(page: str) -> KnownVolumes | None:
    reader = PageReader()
    for line in page.split("\n"):
        reader.take(line)
    return reader.known()


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_what_the_controller_serves_is_read_as_it_is_known() -> None:
    world = World()
    assert read(volumes_page.render(world.work.inventory).decode()) is None
    await world.work.inventory.refresh()
    assert read(volumes_page.render(world.work.inventory).decode()) == KnownVolumes((), 0.0)
    names = [await world.create(name) for name in ("pvc-a", "pvc-b")]
    await asyncio.sleep(60)
    await world.work.inventory.refresh()
    await asyncio.sleep(7)
    page = volumes_page.render(world.work.inventory).decode()
    found = read(page)
    assert found is not None
    assert found.age_seconds == 7.0
    assert [each.id for each in found.volumes] == names
    assert found.volumes[0] == CloudVolume(
        names[0], "pvc-a", "nyc1", found.volumes[0].size_bytes, (), found.volumes[0].tags, found.volumes[0].created_at
    )
    assert found.volumes[0].tags is found.volumes[1].tags


VOLUME = '{"id": "h", "name": "n", "zone": "z", "size_bytes": 1, "node_ids": [], "tags": [], "created_at": 1},'


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("", id="nothing"),
        pytest.param(f'{{"age_seconds": 1, "volumes": [\n{VOLUME}', id="no end"),
        pytest.param(f'{{"age_seconds": 1, "volumes": [\n{VOLUME[:-30]}\n]}}', id="half a volume"),
        pytest.param('{"age_seconds": 1, "volumes": [\n7\n]}', id="not a volume"),
        pytest.param("[\n]}", id="no object"),
        pytest.param("<html>", id="not JSON"),
        pytest.param('{"age_seconds": "old", "volumes": [\n]}', id="an age that is none"),
    ],
)
def test_a_list_that_is_not_whole_is_none(page: str) -> None:
    with pytest.raises(UnreadablePageError):
        read(page)
