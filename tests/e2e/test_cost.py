"""What a volume's life costs with the real sidecars: requests to the cloud's API."""

import re

import pytest
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod

from tests.e2e import actions, manifests
from tests.e2e.place import Place, until_gone
from tools.services.embedded_cloud import EmbeddedCloud, objects

CHANGES = 4
"""Create, attach, detach, delete."""
LOOKS = 14
"""At the attach and the detach together, at the most. The budget is full, and the tests before have taught a wide range
of durations, so an action is looked at every few tenths of a second (docs/explanation/how-requests-are-saved.md)."""
FOR_ALL = {f"/v2/{kind}" for kind in ("account", "actions", "droplets", "regions", "snapshots")}
LIVES = 5
NOT_FOUND = 404
STEADY_SECONDS = 1.5  # how often an action is looked at whose duration varies is for the controller's own tests

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio, pytest.mark.alone]


async def test_a_life_from_claim_to_deletion_costs_four_changes_and_the_looks_that_a_full_budget_allows(
    place: Place, embedded_cloud: EmbeddedCloud
) -> None:
    before = len(await requests(embedded_cloud))
    async with actions.taking(embedded_cloud, STEADY_SECONDS, {}):
        for number in range(LIVES):
            await live(place, f"life-{number}")
    made = (await requests(embedded_cloud))[before:]
    lives = {volume_of(one) for one in made if one["method"] == "POST"}
    of_lives = [one for one in made if not is_of_no_life(one) and volume_of(one) in lives]
    told = [f"{one['method']} {one['path']}" for one in of_lives]
    assert {"POST", "GET", "DELETE"} == {one.split()[0] for one in told}
    looks = sum(map(is_a_look, of_lives))
    assert len(told) - looks <= CHANGES * LIVES, "\n".join(told)
    assert looks <= LOOKS * LIVES, "\n".join(told)


async def live(place: Place, name: str) -> None:
    """Let a volume be made, attached, detached and deleted."""
    await place.make(manifests.claim(name), manifests.pod(name, name))
    await place.ready(name)
    volume = await place.volume_name(name)
    await place.remove(Pod, name)
    await place.remove(PersistentVolumeClaim, name)
    await until_gone(place.client, PersistentVolume, volume)


async def requests(cloud: EmbeddedCloud) -> list[dict[str, object]]:
    """Return every request of the driver so far, oldest first."""
    found = objects(await cloud.get("/_localcloud/ledger/requests"), "requests")
    return [dict(one) for one in found if str(one["path"]).startswith("/v2/")]


def volume_of(request: dict[str, object]) -> str:
    """Return the id of the volume that a request is about; empty for one that is about none yet."""
    return "".join(str(request["path"]).split("/")[3:4])


def is_a_look(request: dict[str, object]) -> bool:
    """Whether it asks how far an action is."""
    return request["method"] == "GET" and "/actions" in str(request["path"])


def is_of_no_life(request: dict[str, object]) -> bool:
    """Whether it is for all volumes, or for none: nobody shares a look at actions while one volume lives at a time."""
    return is_of_the_reconciler(request) or (request["method"] == "GET" and request["path"] in FOR_ALL)


def is_of_the_reconciler(request: dict[str, object]) -> bool:
    """Whether it is for the list of all volumes: the attacher's every five minutes, and the warden's.

    Another process than the one that has deleted a volume asks for what a list lacks: it believes no list alone.
    """
    if request["method"] != "GET":
        return False
    path = str(request["path"])
    if path == "/v2/volumes":
        return "name=" not in str(request["query"])
    return request["status"] == NOT_FOUND and re.fullmatch(r"/v2/volumes/[^/]+", path) is not None
