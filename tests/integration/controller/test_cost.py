"""What a volume's life costs in requests, from a cold start, as the sidecars call: with leases on different pods."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from common.clouds import CLOUDS, DEFAULT
from common.tasks import Tasks
from controller import wiring
from controller.digitalocean.client import DigitalOcean
from controller.digitalocean.connection import session
from controller.digitalocean.http import Http
from controller.digitalocean.limits import TRAITS
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.records import ControllerScope
from controller.service import Controller
from controller.shared import make_shared
from csi_proto.csi import v1 as csi
from tests.contract.cloud.clouds import Untold
from tools.csi.kubelet import mounted
from tools.services.localcloud import Api, here
from tools.services.stack import DRIVER_NAME, REGION

pytestmark = pytest.mark.asyncio
GIB = 1 << 30
MOST_REQUESTS = 8  # four changes, and two looks at each action while its duration is not known yet: the budget is full
ACTION_SECONDS = 1.5
CAPABILITY = mounted()


@asynccontextmanager
async def replica(api: Api) -> AsyncIterator[Controller]:
    """A controller that has just started: nothing is known, nothing is learned."""
    budget = Budget()
    access = TokenState(asyncio.get_running_loop().time)
    access.prove(api.token, "")
    http = Http(api.address, Token(api.token), budget, access, Untold())
    commits = Tasks()
    async with session() as http_session:
        http.open(http_session)
        identity = ControllerScope(DRIVER_NAME, REGION, CLOUDS[DEFAULT], TRAITS, ("k8s:one",))
        yield Controller(identity, wiring.make_domains(make_shared(DigitalOcean(http), commits, budget), identity, 250))
        await commits.close()


@asynccontextmanager
async def replicas(folder: Path, count: int) -> AsyncIterator[tuple[Api, list[Controller]]]:
    async with AsyncExitStack() as stack:
        options = ("--droplets=2", f"--action-latency={ACTION_SECONDS}", "--request-latency=0.08")
        api = await stack.enter_async_context(here(folder, *options, "--rate-hour=5000", "--rate-minute=250"))
        yield api, [await stack.enter_async_context(replica(api)) for _ in range(count)]


async def requests(api: Api) -> list[str]:
    told = await api.ask("GET", "/_localcloud/ledger/requests")
    return [f"{each['method']} {each['path']}" for each in told.parts("requests")]


async def create(provisioner: Controller) -> csi.Volume:
    wanted = csi.CreateVolumeRequest(
        name="pvc-a", capacity_range=csi.CapacityRange(required_bytes=GIB), volume_capabilities=[CAPABILITY]
    )
    made = (await provisioner.create_volume(wanted)).volume
    assert made is not None
    return made


async def attach(attacher: Controller, volume: csi.Volume, node_id: str) -> None:
    message = csi.ControllerPublishVolumeRequest(
        volume_id=volume.volume_id,
        node_id=node_id,
        volume_capability=CAPABILITY,
        volume_context=volume.volume_context,
    )
    told = (await attacher.controller_publish_volume(message)).publish_context
    assert told[f"{DRIVER_NAME}/volume-name"] == "pvc-a"


@pytest.mark.parametrize("count", [1, 2])
async def test_the_first_life_of_all_costs_eight_requests_wherever_the_sidecars_lead(
    count: int, tmp_path: Path
) -> None:
    async with replicas(tmp_path, count) as (api, controllers):
        node_id = str((await api.all("droplets"))[0]["id"])
        await api.ask("DELETE", "/_localcloud/ledger")
        provisioner, attacher = controllers[0], controllers[-1]
        volume = await create(provisioner)
        await attach(attacher, volume, node_id)
        await attacher.controller_unpublish_volume(
            csi.ControllerUnpublishVolumeRequest(volume_id=volume.volume_id, node_id=node_id)
        )
        for _ in range(2):  # external-provisioner asks twice for a claim whose volume it has just deleted
            await provisioner.delete_volume(csi.DeleteVolumeRequest(volume_id=volume.volume_id))
        made = await requests(api)
    assert len(made) <= MOST_REQUESTS, "\n".join(made)


async def test_the_first_growth_on_a_third_pod_costs_a_look_a_change_and_two_looks_at_its_end(tmp_path: Path) -> None:
    async with replicas(tmp_path, 3) as (api, (provisioner, attacher, resizer)):
        node_id = str((await api.all("droplets"))[0]["id"])
        volume = await create(provisioner)
        await attach(attacher, volume, node_id)
        await api.ask("DELETE", "/_localcloud/ledger")
        grown = await resizer.controller_expand_volume(
            csi.ControllerExpandVolumeRequest(
                volume_id=volume.volume_id,
                capacity_range=csi.CapacityRange(required_bytes=2 * GIB),
                volume_capability=CAPABILITY,
            )
        )
        made = await requests(api)
    assert grown.capacity_bytes == 2 * GIB
    assert len(made) <= 4, "\n".join(made)
