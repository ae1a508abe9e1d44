"""Objects of the API as the records of the port, and the comparison of an answer with what was asked for."""

from common import sizes
from controller.cloud import records
from controller.cloud.cloud_errors import OddAnswer
from controller.digitalocean import models, origins
from controller.digitalocean.api_answer import one_line
from controller.digitalocean.api_request import ApiRequest

_KINDS = {"attach": records.Kind.ATTACH, "detach": records.Kind.DETACH, "resize": records.Kind.RESIZE}


def demand(call: ApiRequest, **fields: tuple[str | int, str | int]) -> None:
    """Compare each field's wanted value with the one that came. Raises OutcomeUnknown: the answer is about another."""
    for field, (wanted, came) in fields.items():
        if wanted != came:
            raise OddAnswer(
                f"{call}: the answer is about something else: its {field} is {one_line(str(came), 80)}, not {wanted}"
            )


def volume(json: models.VolumeJson) -> records.Volume:
    """Return the volume."""
    return records.Volume(
        id=json.id,
        name=json.name,
        zone=json.region.slug,
        size_bytes=sizes.to_bytes(json.size_gigabytes),
        server_ids=tuple(dict.fromkeys(map(str, json.droplet_ids or ()))),
        labels=json.tags,
        origin=origins.read(json.description or ""),
        created_at=models.seconds(json.created_at),
    )


def progress(json: models.ActionJson, volume_id: str = "") -> records.Progress:
    """Return the action, of the volume if it is known, and how far it has come."""
    kind = next((kind for word, kind in _KINDS.items() if json.type.startswith(word)), records.Kind.OTHER)
    server_id = str(json.resource_id) if json.resource_type == "droplet" and json.resource_id else None
    action = records.Pending(str(json.id), kind, volume_id, server_id)
    started_at, ended_at = models.seconds(json.started_at), models.seconds(json.completed_at)
    return records.Progress(action, records.ActionState(json.status), started_at, ended_at)


def snapshot(json: models.SnapshotJson) -> records.Snapshot:
    """Return the snapshot."""
    return records.Snapshot(
        id=json.id,
        name=json.name,
        volume_id=json.resource_id,
        min_size_bytes=sizes.to_bytes(json.min_disk_size),
        zones=json.regions,
        created_at=models.seconds(json.created_at),
        labels=json.tags,
    )


def server(json: models.DropletJson) -> records.Server:
    """Return the droplet."""
    return records.Server(
        str(json.id),
        json.region.slug,
        active=json.status == "active",
        volume_ids=json.volume_ids,
        changing=json.locked or json.status not in {"active", "off"},
    )
