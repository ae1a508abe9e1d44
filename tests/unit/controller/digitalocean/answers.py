"""A client of the API on answers that a test gives."""

import uuid
from collections.abc import Callable, Coroutine

from controller.digitalocean.client import DigitalOcean
from tests.fakes.wire import Reply, said

MINE, OTHER, SNAPSHOT = (str(uuid.UUID(int=number)) for number in (0xA1, 0xA2, 0xA3))

MOMENT = "2026-01-01T00:00:00Z"

REGION = {"slug": "nyc1"}

VOLUME = {"id": MINE, "name": "pvc-a", "size_gigabytes": 2, "region": REGION, "droplet_ids": [], "created_at": MOMENT}

ACTION = {"id": 7, "status": "in-progress", "type": "attach_volume", "resource_id": 101, "resource_type": "droplet"}

TAKEN = {
    "id": SNAPSHOT,
    "name": "snap",
    "resource_id": MINE,
    "resource_type": "volume",
    "min_disk_size": 2,
    "regions": ["nyc1"],
    "created_at": MOMENT,
}

DROPLET = {"id": 101, "status": "active", "locked": False, "region": REGION, "volume_ids": []}

Work = Callable[[DigitalOcean], Coroutine[object, object, object]]


def page(kind: str, *items: object) -> Reply:
    return said(200, {kind: items, "meta": {"total": len(items)}, "links": {}})
