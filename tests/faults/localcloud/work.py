"""Mixed work on an embedded cloud, by clients who note what they were answered, until the cloud is gone."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from tools.services.localcloud import Api, Reply

WORKERS = 4


@dataclass
class Notes:
    """What the clients know for sure: they had an answer."""

    made: dict[str, int] = field(default_factory=dict)  # volume id to its size in GiB when it was last seen
    doubtful: set[str] = field(default_factory=set)  # a delete was sent; its answer may be missing
    deleted: set[str] = field(default_factory=set)
    snapshots: set[str] = field(default_factory=set)
    last_name: int = 0

    def fresh_name(self) -> str:
        self.last_name += 1
        return f"v{self.last_name}"

    def learn(self, found: dict[str, int]) -> None:
        """Take over what is there: it settles what was in doubt."""
        self.made |= found
        self.deleted |= self.doubtful - found.keys()
        self.doubtful.clear()

    def sure(self) -> set[str]:
        """Return the volumes that must be there."""
        return self.made.keys() - self.doubtful - self.deleted


class Work:
    """One worker's steps, each drawn by chance."""

    def __init__(self, api: Api, notes: Notes, dice: random.Random, droplets: list[int]) -> None:
        self._api = api
        self._notes = notes
        self._dice = dice
        self._droplets = droplets

    async def until_the_end(self) -> None:
        """Work until the cloud does not answer any more."""
        steps = (self._create, self._create, self._attach, self._attach, self._detach, self._resize, self._snapshot)
        with suppress(aiohttp.ClientError):
            while True:
                step = self._delete if len(self._notes.sure()) > 25 else self._dice.choice(steps)
                await step()

    async def _create(self) -> None:
        body = {"name": self._notes.fresh_name(), "size_gigabytes": 1, "region": "nyc1", "tags": ["t"]}
        reply = await self._api.ask("POST", "/v2/volumes", body)
        if reply.status == 201:
            self._notes.made[str(reply.part("volume")["id"])] = 1

    async def _delete(self) -> None:
        volume_id = self._any()
        self._notes.doubtful.add(volume_id)
        reply = await self._api.ask("DELETE", f"/v2/volumes/{volume_id}")
        if reply.status == 204:
            self._notes.deleted.add(volume_id)
        self._notes.doubtful.discard(volume_id)

    async def _attach(self) -> None:
        await self._act({"type": "attach", "droplet_id": self._dice.choice(self._droplets)})

    async def _detach(self) -> None:
        await self._act({"type": "detach", "droplet_id": self._dice.choice(self._droplets)})

    async def _resize(self) -> None:
        await self._act({"type": "resize", "size_gigabytes": self._dice.randint(2, 9)})

    async def _snapshot(self) -> None:
        path = f"/v2/volumes/{self._any()}/snapshots"
        reply = await self._api.ask("POST", path, {"name": self._notes.fresh_name()})
        if reply.status == 201:
            self._notes.snapshots.add(str(reply.part("snapshot")["id"]))

    async def _act(self, body: dict[str, object]) -> Reply:
        return await self._api.ask("POST", f"/v2/volumes/{self._any()}/actions", body)

    def _any(self) -> str:
        return self._dice.choice(sorted(self._notes.sure()) or ["00000000-0000-4000-8000-000000000000"])


async def work(api: Api, notes: Notes, dice: random.Random, droplets: list[int]) -> None:
    """Let several workers work until the cloud is gone."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(WORKERS):
            tasks.create_task(Work(api, notes, dice, droplets).until_the_end())
