"""The parts of one cloud, which everything that it does works on."""

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from localcloud.clock import Clock
from localcloud.disks.base import Disk, Disks, Trouble
from localcloud.faults.faults import Faults
from localcloud.settings import Settings
from localcloud.state.actions import Actions
from localcloud.state.database import Database, Value
from localcloud.state.droplets import Droplets
from localcloud.state.ledger import Ledger
from localcloud.state.snapshots import Snapshots
from localcloud.state.tags import Tags
from localcloud.state.volumes import Volume, Volumes
from localcloud.tasks import Tasks

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request that is being served; work that it starts inherits it."""

why: ContextVar[str] = ContextVar("why", default="")
"""What became of that request: the fault that struck it, or what the API refused."""


class Cloud:
    """State, disks, clock and dice of one cloud."""

    def __init__(self, settings: Settings, database: Database, disks: Disks) -> None:
        self.settings = settings
        self.database = database
        self.disks = disks
        self.clock = Clock(settings.time_scale)
        self.dice = random.Random(settings.seed)  # noqa: S311 (a simulation that must be repeatable)
        self.tasks = Tasks()
        self.volumes = Volumes(database)
        self.droplets = Droplets(database)
        self.actions = Actions(database)
        self.snapshots = Snapshots(database)
        self.tags = Tags(database)
        self.ledger = Ledger(database)
        self.faults = Faults(settings.seed)
        self.disk_troubles: dict[str, Trouble] = {}  # by volume: what this run was asked to do to its disk

    @contextmanager
    def effect(self, kind: str, subject: str, **detail: Value) -> Iterator[None]:
        """One transaction with one effect, written to the ledger with it."""
        with self.database.transaction():
            yield
            self.ledger.effect(self.clock.now(), request_id.get(), kind, subject, **detail)

    def disk(self, volume: Volume) -> Disk:
        """Return the volume as its disk is concerned: only a running droplet sees its volumes."""
        droplet = None if volume.droplet_id is None else self.droplets.get(volume.droplet_id)
        running = droplet is not None and droplet.status == "active"
        return Disk(volume.id, volume.name, volume.size_gib, volume.droplet_id if running else None)

    def all_disks(self) -> list[Disk]:
        """Return all volumes as their disks are concerned."""
        return [self.disk(volume) for volume in self.volumes.all()]


def token(settings: Settings) -> str:
    """Return the token that was set, or that of the state folder; it is made on the first start."""
    if settings.token:
        return settings.token
    path = settings.state / "token"
    if not path.exists():
        fresh = path.with_name("token.part")
        fresh.touch(mode=0o600)
        fresh.write_text(f"dop_v1_{secrets.token_hex(32)}\n")
        fresh.rename(path)
    return path.read_text().strip()
