"""The parts of the controller that do what the RPCs ask, joined."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controller.attachments import Attachments
from controller.health import VolumeHealth
from controller.inventory import Inventory
from controller.lists import Lists
from controller.offers import Offers
from controller.parts import Parts
from controller.snapshots import Snapshots
from controller.volumes import Volumes


@dataclass(frozen=True)
class Identity:
    """Who this controller is: its driver name, region, and the tags of its cluster."""

    driver_name: str
    region: str
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class Work:
    """What serves the RPCs."""

    volumes: Volumes
    attachments: Attachments
    snapshots: Snapshots
    lists: Lists
    offers: Offers
    health: VolumeHealth


def join(
    parts: Parts,
    identity: Identity,
    longest_page: int,
    *,
    confirm: bool = False,
    wall: Callable[[], float] = time.time,
) -> Work:
    """Join them. ``longest_page`` is in entries; ``confirm``: each attach is followed by a look at the volume.

    ``wall`` returns seconds since 1970.
    """
    inventory = Inventory(parts.cloud, parts.memory, identity.region)
    snapshots = Snapshots(parts, longest_page, wall)
    return Work(
        volumes=Volumes(parts),
        attachments=Attachments(parts, identity.tags, confirm=confirm),
        snapshots=snapshots,
        lists=Lists(inventory, snapshots, longest_page),
        offers=Offers(parts.cloud, identity.region),
        health=VolumeHealth(parts, inventory, longest_page),
    )
