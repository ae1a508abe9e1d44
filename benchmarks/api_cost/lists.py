"""ListVolumes of 10,000 volumes, as the attacher asks for them: all pages, once a minute.

The hour of lists runs in virtual time against a cloud in memory that counts requests (tests/fakes/cloud): it is exact,
and takes seconds. What a list costs in real time, and how soon a change by somebody else shows, is measured on
localcloud.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import looptime

from benchmarks.api_cost.stand import CALL_SECONDS, Stand, standing
from common.clouds import CLOUDS, DEFAULT
from common.tasks import Tasks
from controller.records import Attach, ControllerScope, ListRequest
from controller.shared import make_shared as join_parts
from controller.wiring import make_domains
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import FakeCloud
from tests.unit.controller.world import Calm
from tools.services.localcloud import Process, client

VOLUMES = 10_000
HOUR_TARGET = 150
SHOWN_TARGET_SECONDS = 120.0
MINUTE_SECONDS = 60.0
MAKERS = 8


async def run() -> bool:
    """Measure; return whether the targets are met."""
    return all([await asyncio.to_thread(_hour), await _real()])


def _hour() -> bool:
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
        first, hour = runner.run(_count())
    ok = hour <= HOUR_TARGET
    print(
        f"ListVolumes of {VOLUMES} volumes once a minute: {hour} requests an hour (target {HOUR_TARGET};"
        f" {first} for the first list) [cloud in memory, virtual time]   {'ok' if ok else 'MISSED'}",
        flush=True,
    )
    return ok


async def _count() -> tuple[int, int]:
    cloud = FakeCloud([str(number) for number in range(1, 701)])
    for number in range(VOLUMES):
        cloud.make_volume(f"pvc-{number}")
    work = make_domains(
        join_parts(cloud, Tasks(), Calm()), ControllerScope("d", "nyc1", CLOUDS[DEFAULT], cloud.traits), 250
    )
    lists = work.listing
    await work.attachments.publish(Attach(next(iter(cloud.volumes)), "1"))  # the list of actions proves itself
    cloud.requests.clear()
    await lists.volumes(ListRequest(0, ""))
    first = len(cloud.requests)
    for _ in range(60):
        await asyncio.sleep(MINUTE_SECONDS)  # noqa: TID251 (virtual time)
        await lists.volumes(ListRequest(0, ""))
    return first, len(cloud.requests) - first


async def _real() -> bool:
    with TemporaryDirectory(prefix="aiocsi-cost-") as name:
        folder = Path(name) / "state"
        await fill(folder)
        async with standing(2, folder=folder) as stand:
            loop = asyncio.get_running_loop()
            start = loop.time()
            volumes = await list_all(stand)
            first = loop.time() - start
            start = loop.time()
            await list_all(stand)
            again = loop.time() - start
            shown = await _shown_after(stand, next(iter(volumes)))
    ok = shown <= SHOWN_TARGET_SECONDS
    print(
        f"  on localcloud: first list of {len(volumes)} in {first:.1f} s, from memory in {again:.2f} s;"
        f" an attach by somebody else showed after {shown:.0f} s of lists once a minute"
        f" (target {SHOWN_TARGET_SECONDS:.0f})   {'ok' if ok else 'MISSED'}",
        flush=True,
    )
    return ok


async def fill(folder: Path) -> None:
    """Make the volumes, through the API, on a localcloud without limits."""
    with Process(folder, "--disks=none") as process:
        async with client(process) as api:

            async def make(first: int) -> None:
                for number in range(first, VOLUMES, MAKERS):
                    await api.create(f"pvc-{number}")

            await asyncio.gather(*(make(first) for first in range(MAKERS)))


async def list_all(stand: Stand) -> dict[str, list[str]]:
    """List all volumes, page by page: ids, and who holds them."""
    found: dict[str, list[str]] = {}
    token = ""
    while True:
        wanted = csi.ListVolumesRequest(starting_token=token)
        page = await stand.client.call(wanted, csi.ListVolumesResponse, seconds=CALL_SECONDS)
        for entry in page.entries:
            if entry.volume is not None and entry.status is not None:
                found[entry.volume.volume_id] = entry.status.published_node_ids
        token = page.next_token
        if not token:
            return found


async def _shown_after(stand: Stand, volume_id: str) -> float:
    """Attach behind the driver's back, right after a list; return how long it takes until a list shows it."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    await stand.api.act(volume_id, "attach", droplet_id=stand.droplets[0])
    while loop.time() - start < 4 * MINUTE_SECONDS:
        await asyncio.sleep(MINUTE_SECONDS)  # noqa: TID251 (as the attacher does)
        if (await list_all(stand))[volume_id]:
            break
    return loop.time() - start
