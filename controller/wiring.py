"""The parts of the controller that do what the RPCs ask, joined."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from controller.attachments import Attachments
from controller.capacity import Capacity
from controller.health import VolumeHealth
from controller.inventory import Inventory
from controller.leftover_sweep import LeftoverSweep
from controller.listing import Listing
from controller.records import ControllerScope
from controller.shared import SharedParts
from controller.snapshots import Snapshots
from controller.sources import Sources
from controller.volumes import Volumes


@dataclass(frozen=True)
class ControllerDomains:
    """What serves the RPCs."""

    volumes: Volumes
    attachments: Attachments
    snapshots: Snapshots
    listing: Listing
    capacity: Capacity
    health: VolumeHealth
    inventory: Inventory


def make_domains(
    parts: SharedParts,
    identity: ControllerScope,
    longest_page: int,
    *,
    confirm: bool = False,
    wall: Callable[[], float] = time.time,
) -> ControllerDomains:
    """Join them. ``longest_page`` is in entries; ``confirm``: each attach is followed by a look at the volume.

    ``wall`` returns seconds since 1970.
    """
    inventory = Inventory(parts.cloud, parts.cache, None if identity.traits.several_zones else identity.zone)
    snapshots = Snapshots(parts, longest_page, wall)
    sources = Sources(parts.cloud, parts.tasks, parts.cache)
    leftovers = LeftoverSweep(parts.cloud, parts.tasks, identity.labels, sources.is_wanted)
    return ControllerDomains(
        volumes=Volumes(parts, sources),
        attachments=Attachments(parts, identity.labels, confirm=confirm),
        snapshots=snapshots,
        listing=Listing(inventory, snapshots, leftovers, longest_page),
        capacity=Capacity(parts.cloud),
        health=VolumeHealth(parts, inventory, longest_page),
        inventory=inventory,
    )
