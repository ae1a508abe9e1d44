"""The volumes that the controller knows of, as JSON, for who compares them with the cluster. Asks the cloud nothing."""

import json

from controller.cloud.base import Volume
from controller.inventory import Inventory

PATH = "/volumes"


def render(inventory: Inventory) -> bytes:
    """Return the page; ``volumes`` is null until all of them were read, on the replica that leads the attacher."""
    known = inventory.known()
    volumes, age = (None, None) if known is None else ([_plain(each) for each in known[0]], round(known[1], 1))
    return json.dumps({"age_seconds": age, "volumes": volumes}).encode()


def _plain(volume: Volume) -> dict[str, object]:
    return {
        "id": volume.id,
        "name": volume.name,
        "zone": volume.zone,
        "size_bytes": volume.size_bytes,
        "node_ids": volume.server_ids,
        "tags": volume.labels,
        "created_at": volume.created_at,
    }
