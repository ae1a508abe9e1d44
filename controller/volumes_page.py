"""The volumes that the controller knows of, as JSON, for who compares them with the cluster. Asks the cloud nothing.

The port is open to whoever reaches it over the network, so the path ends with what only those know who may read the
controller's pod in Kubernetes: its UID.
"""

import json
from collections.abc import Callable

from controller.cloud.records import Volume
from controller.inventory import Inventory


def pages(pod_uid: str, inventory: Inventory) -> dict[str, Callable[[], bytes]]:
    """Return the page by its path; without a UID there is none."""
    return {f"/volumes/{pod_uid}": lambda: render(inventory)} if pod_uid else {}


def render(inventory: Inventory) -> bytes:
    """Return the page; ``volumes`` is null until all of them were read, on the replica that leads the attacher.

    So it is while some that the list lacks may be gone. Each volume has a line of its own, between the first and the
    last, so that the page can be read without being held.
    """
    known = inventory.known()
    if known is None:
        return json.dumps({"age_seconds": None, "volumes": None}).encode()
    volumes = ",\n".join(json.dumps(_plain(each)) for each in known[0])
    return f'{{"age_seconds": {known[1]:.1f}, "volumes": [\n{volumes}\n]}}\n'.encode()


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
