"""What goes wrong in a cluster: a part is killed, the cloud is away, the token is wrong, the driver is uninstalled."""

import asyncio

import pytest
from lightkube import AsyncClient
from lightkube.resources.core_v1 import Pod
from lightkube.resources.storage_v1 import CSINode

from tests.e2e import actions, manifests
from tests.e2e.breakages import until_named
from tests.e2e.cluster import driver
from tests.e2e.cluster.workspace import NODES, Workspace
from tests.e2e.parts import (
    CONTROLLER,
    kill_controllers,
    node_part,
    parts,
    replaced,
    until_all_are_ready,
    until_none_is_ready,
    wait_for_token,
)
from tests.e2e.place import Place
from tools.services.embedded_cloud import EmbeddedCloud

_, FIRST, SECOND = NODES
WRITE = "dd if=/dev/urandom of=/data/file bs=1M count=4 2>/dev/null && sync && sha256sum < /data/file"
READ = "sha256sum < /data/file"
WRONG = "no-token-at-all"
DRIVER = "dobs.csi.digitalocean.com"

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio]


async def test_controllers_killed_while_volumes_are_made_leave_one_volume_for_each_claim(
    place: Place, client: AsyncClient, embedded_cloud: EmbeddedCloud
) -> None:
    names = [f"data-{number}" for number in range(6)]
    for number, name in enumerate(names):
        node = (FIRST, SECOND)[number % 2]
        await place.make(manifests.claim(name), manifests.pod(f"pod-{number}", name, node=node))
    await kill_controllers(client)
    for number in range(6):
        await place.ready(f"pod-{number}", seconds=300)
    wanted = [await place.volume_name(name) for name in names]
    made = [name for name in await actions.created(embedded_cloud) if name in wanted]
    assert sorted(made) == sorted(wanted)


async def test_a_node_part_that_was_killed_finds_every_mount_in_place_and_registers_again(
    place: Place, client: AsyncClient
) -> None:
    await place.make(manifests.claim("data"), manifests.pod("app", "data", node=FIRST))
    await place.ready("app")
    written = await place.sh("app", WRITE)
    [killed] = await parts(client, node_part(FIRST))
    await client.delete(Pod, killed, namespace=driver.NAMESPACE, grace_period=0)
    await place.make(manifests.claim("more"), manifests.pod("starts-meanwhile", "more", node=FIRST))
    await replaced(client, node_part(FIRST), {killed})
    assert await place.sh("app", READ) == written
    await place.ready("starts-meanwhile")
    found = await client.get(CSINode, FIRST)
    assert [one.name for one in found.spec.drivers] == [DRIVER]
    await place.remove(Pod, "app")


@pytest.mark.alone
async def test_a_wrong_token_shows_in_readiness_and_events_and_the_right_one_is_taken_without_a_restart(
    place: Place, client: AsyncClient, workspace: Workspace, embedded_cloud: EmbeddedCloud
) -> None:
    before = await parts(client, CONTROLLER)
    await asyncio.to_thread(driver.secret, workspace, WRONG)
    try:
        await wait_for_token(client, WRONG)
        await place.make(manifests.claim("data"), manifests.pod("app", "data"))
        message = await place.event("ProvisioningFailed", "token", seconds=240)
        assert WRONG not in message
        await until_none_is_ready(client, CONTROLLER, seconds=300)
        await until_named(workspace, {"token"})
    finally:
        await asyncio.to_thread(driver.secret, workspace, embedded_cloud.token)
        await wait_for_token(client, embedded_cloud.token)
    await place.ready("app", seconds=300)
    await until_all_are_ready(client, CONTROLLER, seconds=120)
    assert await parts(client, CONTROLLER) == before


@pytest.mark.alone
async def test_uninstalling_leaves_volumes_and_running_pods_alone_and_installing_again_takes_them_over(
    place: Place, workspace: Workspace, embedded_cloud: EmbeddedCloud
) -> None:
    await place.make(manifests.claim("data"), manifests.pod("app", "data", node=FIRST))
    await place.ready("app")
    written = await place.sh("app", WRITE)
    volumes = await embedded_cloud.volumes()
    try:
        await asyncio.to_thread(driver.uninstall, workspace)
        assert await place.sh("app", READ) == written
        assert await embedded_cloud.volumes() == volumes
        await until_named(workspace, {"driver-missing"})
    finally:
        await asyncio.to_thread(driver.install, workspace, embedded_cloud)
    await place.remove(Pod, "app")
    await place.make(manifests.pod("next", "data", node=SECOND))
    await place.ready("next")
    assert await place.sh("next", READ) == written
