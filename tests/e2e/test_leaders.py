"""Controllers are killed in the middle of a change: the next leader joins what was begun, and doubles nothing."""

import pytest
from lightkube import AsyncClient

from tests.e2e import actions, manifests
from tests.e2e.cluster.workspace import NODES
from tests.e2e.parts import kill_controllers, leader
from tests.e2e.place import Place
from tools.services.embedded_cloud import EmbeddedCloud

_, FIRST, SECOND = NODES
WRITE = "dd if=/dev/urandom of=/data/file bs=1M count=4 2>/dev/null && sync && sha256sum < /data/file"
READ = "sha256sum < /data/file"
SIZE = "df -P -k /data | tail -n 1 | awk '{print $2}'"
CLAIMS = [f"data-{number}" for number in range(4)]
ATTACHER = "external-attacher-leader-dobs-csi-digitalocean-com"
RESIZER = "external-resizer-dobs-csi-digitalocean-com"

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio]


async def test_controllers_killed_while_volumes_are_attached_attach_each_of_them_once(
    place: Place, client: AsyncClient, embedded_cloud: EmbeddedCloud
) -> None:
    async with actions.slow(embedded_cloud, "attach"):
        await start(place, "do-block-storage")
        names = {await place.volume_name(claim) for claim in CLAIMS}
        await actions.until_started(embedded_cloud, "attach", names)
        killed = await kill_controllers(client)
        for claim in CLAIMS:
            await place.ready(f"pod-of-{claim}", seconds=300)
    volumes = await actions.ids(embedded_cloud, names)
    assert len(volumes) == len(CLAIMS)
    assert sorted(await actions.started(embedded_cloud, "attach", volumes)) == sorted(volumes)
    assert await leader(client, ATTACHER) not in killed


async def test_controllers_killed_while_volumes_are_resized_resize_each_of_them_once(
    place: Place, client: AsyncClient, embedded_cloud: EmbeddedCloud
) -> None:
    await start(place, "do-block-storage-xfs")
    written = {}
    for claim in CLAIMS:
        await place.ready(f"pod-of-{claim}")
        written[claim] = await place.sh(f"pod-of-{claim}", WRITE)
    names = {await place.volume_name(claim) for claim in CLAIMS}
    async with actions.slow(embedded_cloud, "resize"):
        for claim in CLAIMS:
            await place.ask_for(claim, "3Gi")
        await actions.until_started(embedded_cloud, "resize", names)
        killed = await kill_controllers(client)
        for claim in CLAIMS:
            await place.grown(claim, "3Gi")
    assert {claim: await place.sh(f"pod-of-{claim}", READ) for claim in CLAIMS} == written
    for claim in CLAIMS:
        assert int(await place.sh(f"pod-of-{claim}", SIZE)) > 2.8 * 1024 * 1024
    volumes = await actions.ids(embedded_cloud, names)
    assert sorted(await actions.started(embedded_cloud, "resize", volumes)) == sorted(volumes)
    assert await leader(client, RESIZER) not in killed


async def start(place: Place, storage_class: str) -> None:
    """Make the claims, each with a pod, half of them on each node."""
    for number, claim in enumerate(CLAIMS):
        node = (FIRST, SECOND)[number % 2]
        await place.make(manifests.claim(claim, storage_class=storage_class))
        await place.make(manifests.pod(f"pod-of-{claim}", claim, node=node))
