"""What a volume's life costs with the real sidecars: requests to the cloud's API."""

import pytest
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod

from tests.e2e import manifests
from tests.e2e.place import Place, until_gone
from tests.harness.embedded_cloud import EmbeddedCloud, objects

MOST_REQUESTS = 6
"""Create, attach, detach, delete: four.

One more when provisioner and attacher lead on different pods: the one that attaches must ask for the volume's name. And
one for the provisioner, which may ask for the deletion of one volume twice. How often an action is looked at depends on
how long it takes, and is for the controller's own tests.
"""

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio, pytest.mark.alone]


async def test_a_life_from_claim_to_deletion_costs_at_most_six_requests_beside_the_looks_at_its_actions(
    place: Place, embedded_cloud: EmbeddedCloud
) -> None:
    before = len(await requests(embedded_cloud))
    await place.make(manifests.claim("data"), manifests.pod("app", "data"))
    await place.ready("app")
    volume = await place.volume("data")
    assert volume.metadata is not None
    await place.remove(Pod, "app")
    await place.remove(PersistentVolumeClaim, "data")
    await until_gone(place.client, PersistentVolume, str(volume.metadata.name))
    made = (await requests(embedded_cloud))[before:]
    told = [f"{one['method']} {one['path']}" for one in made if not (is_of_the_reconciler(one) or is_a_look(one))]
    assert len(told) <= MOST_REQUESTS, "\n".join(told)


async def requests(cloud: EmbeddedCloud) -> list[dict[str, object]]:
    """Return every request of the driver so far, oldest first."""
    found = objects(await cloud.get("/_localcloud/ledger/requests"), "requests")
    return [dict(one) for one in found if str(one["path"]).startswith("/v2/")]


def is_a_look(request: dict[str, object]) -> bool:
    """Whether it asks how far an action is."""
    return request["method"] == "GET" and "/actions" in str(request["path"])


def is_of_the_reconciler(request: dict[str, object]) -> bool:
    """Whether it is the attacher's look at all attachments, which comes every five minutes whatever happens."""
    return (request["method"], request["path"]) == ("GET", "/v2/volumes") and "name=" not in str(request["query"])
