"""What the embedded cloud did, by its ledger: which actions it started on which volumes; and how to make them slow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tools.services.embedded_cloud import CloudAnswered, EmbeddedCloud, Json, objects

FAULTS = "/_localcloud/faults"
LOOK_AGAIN_SECONDS = 0.2
SLOW_SECONDS = 8
FREE_SECONDS = 90.0


@asynccontextmanager
async def slow(cloud: EmbeddedCloud, action: str) -> AsyncIterator[None]:
    """Let each action of this kind (attach, resize) take SLOW_SECONDS, so that it can be met while it is under way."""
    async with taking(cloud, SLOW_SECONDS, {"action": action}):
        yield


@asynccontextmanager
async def taking(cloud: EmbeddedCloud, seconds: float, where: Json) -> AsyncIterator[None]:
    """Let each action that fits ``where`` take so long."""
    rule: Json = {"kind": "action_latency", "where": where, "seconds": str(seconds)}
    fault = await cloud.send("POST", FAULTS, rule)
    assert isinstance(fault, dict)
    try:
        yield
    finally:
        await cloud.send("DELETE", f"{FAULTS}/{fault['id']}")


async def ask_when_free(cloud: EmbeddedCloud, method: str, path: str, body: Json = None) -> Json:
    """Ask for a change, again while a volume or a droplet has another under way. Raises TimeoutError."""
    async with asyncio.timeout(FREE_SECONDS):
        while True:
            with suppress(CloudAnswered):
                return await cloud.send(method, path, body)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251  # the cloud tells nobody


async def started(cloud: EmbeddedCloud, action: str, volumes: set[str]) -> list[str]:
    """Return the id of a volume for each action of this kind that the cloud took on."""
    effects = objects(await cloud.get("/_localcloud/ledger/effects?kind=action_started"), "effects")
    told = [(str(effect["subject"]), effect["detail"]) for effect in effects]
    return [
        volume
        for volume, detail in told
        if volume in volumes and isinstance(detail, dict) and detail["type"] == f"{action}_volume"
    ]


async def created(cloud: EmbeddedCloud) -> list[str]:
    """Return the name of each volume that the cloud ever made."""
    effects = objects(await cloud.get("/_localcloud/ledger/effects?kind=volume_created"), "effects")
    return [str(detail["name"]) for effect in effects if isinstance(detail := effect["detail"], dict)]


async def until_started(cloud: EmbeddedCloud, action: str, names: set[str], seconds: float = 120) -> None:
    """Wait until an action of this kind is under way on one of the volumes with these names. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await started(cloud, action, await ids(cloud, names)):  # noqa: ASYNC110  # see the next line
            await asyncio.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251  # the ledger tells nobody that it has grown


async def ids(cloud: EmbeddedCloud, names: set[str]) -> set[str]:
    """Return the ids of the volumes with these names, as far as they exist."""
    return {str(volume["id"]) for volume in await cloud.volumes() if volume["name"] in names}
