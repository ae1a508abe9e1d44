"""DigitalOcean Volumes behind the Cloud protocol: which request asks what, and what its refusals mean.

Sources: DigitalOcean API v2 (each method names its OpenAPI operation); the texts of 422 and 403 are those that
csi-digitalocean 4.16 meets.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from common import errors, sizes
from controller.cloud import base
from controller.digitalocean import models, origins
from controller.digitalocean.action_list import ActionList
from controller.digitalocean.http import ApiRequest, Http, Refusal, Value
from controller.digitalocean.ids import droplet_number, path
from controller.digitalocean.limits import TRAITS
from controller.pacing.lanes import Lane

PAGE_SIZE = 200  # the API's largest

_KINDS = {"attach": base.Kind.ATTACH, "detach": base.Kind.DETACH, "resize": base.Kind.RESIZE}
_STATES = {
    each.value: each for each in (base.ActionState.IN_PROGRESS, base.ActionState.COMPLETED, base.ActionState.ERRORED)
}
_LANES = {base.Kind.ATTACH: Lane.ATTACH, base.Kind.DETACH: Lane.DETACH, base.Kind.RESIZE: Lane.CHANGE}
_TEXTS: tuple[tuple[type[errors.DriverError], tuple[str, ...], str], ...] = (
    (base.EventPending, ("pending event", "is being processed", "another action"), ""),
    (base.AlreadyAttached, ("already attached",), ""),
    (base.NotAttached, ("attachment not found",), ""),
    (base.ServerFull, ("cannot attach more",), "schedule the pod on another node"),
    (
        base.SnapshotLimit,
        ("snapshot limit", "too many snapshots", "snapshots per volume", "snapshot every", "minutes"),
        "delete old snapshots of the volume, or wait: the cloud takes one of a volume every 10 minutes, 25 in all",
    ),
)


class DigitalOcean:
    """See base.Cloud for what each method promises."""

    traits = TRAITS
    page_size = PAGE_SIZE

    def __init__(self, http: Http) -> None:
        self._http = http
        self._actions = ActionList(self)

    async def create_volume(self, order: base.VolumeOrder) -> tuple[base.Volume, None]:
        """POST /v2/volumes (volumes_create)."""
        body: dict[str, Value] = {"name": order.name, "size_gigabytes": order.size_gib, "region": order.zone}
        body |= {"description": origins.describe(order.origin), "tags": list(order.labels)}
        if order.snapshot_id is not None:
            body |= {"snapshot_id": order.snapshot_id}
        call = ApiRequest("POST", "/v2/volumes", Lane.CHANGE, order.name, json=body)
        with _refusals(conflict=base.NameTaken):
            return _volume((await self._http.read(call, models.OneVolume)).volume), None

    async def delete_volume(self, volume_id: str) -> None:
        """DELETE /v2/volumes/{id} (volumes_delete)."""
        with _refusals(conflict=base.InUse):
            await self._http.send(ApiRequest("DELETE", path("volumes", volume_id), Lane.CHANGE, volume_id))

    async def get_volume(self, volume_id: str) -> base.Volume:
        """GET /v2/volumes/{id} (volumes_get)."""
        call = ApiRequest("GET", path("volumes", volume_id), Lane.READ, volume_id)
        with _refusals():
            return _volume((await self._http.read(call, models.OneVolume)).volume)

    async def find_volume(self, name: str, zone: str) -> base.Volume | None:
        """GET /v2/volumes?name= (volumes_list); the comparison is ours, in case the filter is not exact."""
        call = ApiRequest("GET", "/v2/volumes", Lane.READ, name, query={"name": name, "region": zone})
        with _refusals():
            found = await self._http.read(call, models.VolumesJson)
        same = (each for each in found.volumes if each.name == name and each.region.slug == zone)
        return next(map(_volume, same), None)

    async def list_volumes(self, zone: str | None, page: int) -> base.Page[base.Volume]:
        """GET /v2/volumes (volumes_list)."""
        call = ApiRequest("GET", "/v2/volumes", Lane.LIST, query=({"region": zone} if zone else {}) | _paging(page))
        with _refusals():
            found = await self._http.read(call, models.VolumesJson)
        return base.Page(tuple(map(_volume, found.volumes)), found.meta.total, found.more)

    async def attach(self, place: base.Place, labels: Sequence[str]) -> base.Pending | None:
        """POST /v2/volumes/{id}/actions, type attach (volumeActions_post_byId)."""
        more: dict[str, Value] = {"tags": list(labels)} if labels else {}
        return await self._act(place, base.Kind.ATTACH, {"droplet_id": droplet_number(place.server_id), **more})

    async def detach(self, place: base.Place) -> base.Pending | None:
        """POST /v2/volumes/{id}/actions, type detach (volumeActions_post_byId)."""
        return await self._act(place, base.Kind.DETACH, {"droplet_id": droplet_number(place.server_id)})

    async def resize(self, place: base.Place, size_gib: int) -> base.Pending | None:
        """POST /v2/volumes/{id}/actions, type resize (volumeActions_post_byId)."""
        return await self._act(place, base.Kind.RESIZE, {"size_gigabytes": size_gib, "region": place.zone})

    async def progress(self, due: Sequence[base.Pending], others: Sequence[base.Pending] = ()) -> list[base.Progress]:
        """GET of one action, or of the account's list."""
        return await self._actions.progress(due, others)

    async def recent(self, volume_id: str) -> tuple[base.Progress, ...]:
        """GET of the volume's actions."""
        return (await self.volume_actions(volume_id)).items

    async def blocking(self, place: base.Place) -> base.Pending | None:
        """GET of the volume's actions, then of the account's."""
        return await self._actions.blocking(place)

    async def changes(self, since: str) -> base.Changes | None:
        """GET of the account's actions."""
        return await self._actions.changes(since)

    async def get_action(self, volume_id: str, action_id: str) -> base.Progress:
        """GET /v2/volumes/{id}/actions/{action} (volumeActions_get), or /v2/actions/{action} (actions_get)."""
        where = path("volumes", volume_id, "actions", action_id) if volume_id else path("actions", action_id)
        call = ApiRequest("GET", where, Lane.POLL, volume_id)
        with _refusals():
            return _progress((await self._http.read(call, models.OneAction)).action, volume_id)

    async def volume_actions(self, volume_id: str) -> base.Page[base.Progress]:
        """GET /v2/volumes/{id}/actions (volumeActions_list)."""
        call = ApiRequest("GET", path("volumes", volume_id, "actions"), Lane.READ, volume_id, query={"per_page": "20"})
        with _refusals():
            found = await self._http.read(call, models.ActionsJson)
        told = tuple(_progress(each, volume_id) for each in found.actions)
        return base.Page(told, found.meta.total, found.more)

    async def account_actions(self, page: int) -> base.Page[base.Progress]:
        """GET /v2/actions (actions_list)."""
        with _refusals():
            found = await self._http.read(
                ApiRequest("GET", "/v2/actions", Lane.POLL, query=_paging(page)), models.ActionsJson
            )
        return base.Page(tuple(map(_progress, found.actions)), found.meta.total, found.more)

    async def create_snapshot(self, volume_id: str, name: str, labels: Sequence[str]) -> base.Snapshot:
        """POST /v2/volumes/{id}/snapshots (volumeSnapshots_create)."""
        body: dict[str, Value] = {"name": name, "tags": list(labels)}
        call = ApiRequest("POST", path("volumes", volume_id, "snapshots"), Lane.CHANGE, volume_id, json=body)
        with _refusals(conflict=base.NameTaken):
            return _snapshot((await self._http.read(call, models.OneSnapshot)).snapshot)

    async def delete_snapshot(self, snapshot_id: str) -> None:
        """DELETE /v2/snapshots/{id} (snapshots_delete)."""
        with _refusals(conflict=base.InUse):
            await self._http.send(ApiRequest("DELETE", path("snapshots", snapshot_id), Lane.CHANGE, snapshot_id))

    async def get_snapshot(self, snapshot_id: str) -> base.Snapshot:
        """GET /v2/snapshots/{id} (snapshots_get)."""
        call = ApiRequest("GET", path("snapshots", snapshot_id), Lane.READ, snapshot_id)
        with _refusals():
            found = (await self._http.read(call, models.OneSnapshot)).snapshot
        if found.resource_type != "volume":
            raise base.Gone(f"snapshot {snapshot_id} is not of a volume")
        return _snapshot(found)

    async def volume_snapshots(self, volume_id: str) -> tuple[base.Snapshot, ...]:
        """GET /v2/volumes/{id}/snapshots (volumeSnapshots_list); at most 25 exist, so one page is all."""
        call = ApiRequest("GET", path("volumes", volume_id, "snapshots"), Lane.READ, volume_id, query=_paging(1))
        with _refusals():
            return tuple(map(_snapshot, (await self._http.read(call, models.SnapshotsJson)).snapshots))

    async def list_snapshots(self, page: int) -> base.Page[base.Snapshot]:
        """GET /v2/snapshots?resource_type=volume (snapshots_list)."""
        call = ApiRequest("GET", "/v2/snapshots", Lane.LIST, query={"resource_type": "volume", **_paging(page)})
        with _refusals():
            found = await self._http.read(call, models.SnapshotsJson)
        of_volumes = (each for each in found.snapshots if each.resource_type == "volume")
        return base.Page(tuple(map(_snapshot, of_volumes)), found.meta.total, found.more)

    async def get_server(self, server_id: str) -> base.Server:
        """GET /v2/droplets/{id} (droplets_get)."""
        call = ApiRequest("GET", path("droplets", server_id), Lane.READ, server_id)
        with _refusals():
            return _server((await self._http.read(call, models.OneDroplet)).droplet)

    async def list_servers(self, page: int) -> base.Page[base.Server]:
        """GET /v2/droplets (droplets_list)."""
        with _refusals():
            found = await self._http.read(
                ApiRequest("GET", "/v2/droplets", Lane.LIST, query=_paging(page)), models.DropletsJson
            )
        return base.Page(tuple(map(_server, found.droplets)), found.meta.total, found.more)

    async def account(self) -> base.Account:
        """GET /v2/account (account_get)."""
        with _refusals():
            found = await self._http.read(ApiRequest("GET", "/v2/account", Lane.READ), models.OneAccount)
        return base.Account(found.account.volume_limit)

    async def zone_has_volumes(self, zone: str) -> bool:
        """GET /v2/regions (regions_list): a region without "storage" has no volumes."""
        with _refusals():
            found = await self._http.read(
                ApiRequest("GET", "/v2/regions", Lane.READ, query=_paging(1)), models.RegionsJson
            )
        return any(each.slug == zone and "storage" in each.features for each in found.regions)

    async def add_label(self, volume_id: str, label: str) -> None:
        """POST /v2/tags/{tag}/resources (tags_assign_resources), 404 until the tag exists."""
        try:
            await self._tag("POST", volume_id, label)
        except base.Gone:
            with _refusals():
                await self._http.send(ApiRequest("POST", "/v2/tags", Lane.CHANGE, volume_id, json={"name": label}))
            await self._tag("POST", volume_id, label)

    async def remove_label(self, volume_id: str, label: str) -> None:
        """DELETE /v2/tags/{tag}/resources (tags_unassign_resources)."""
        try:
            await self._tag("DELETE", volume_id, label)
        except base.Gone:
            return

    async def _tag(self, method: str, volume_id: str, tag: str) -> None:
        body: dict[str, Value] = {"resources": [{"resource_id": volume_id, "resource_type": "volume"}]}
        with _refusals():
            await self._http.send(ApiRequest(method, path("tags", tag, "resources"), Lane.CHANGE, volume_id, json=body))

    async def _act(self, place: base.Place, kind: base.Kind, more: dict[str, Value]) -> base.Pending | None:
        body: dict[str, Value] = {"type": kind.value, **more}
        where = path("volumes", place.volume_id, "actions")
        call = ApiRequest("POST", where, _LANES[kind], place.server_id or "", json=body)
        with _refusals():
            found = (await self._http.read(call, models.OneAction)).action
        done = found.status == base.ActionState.COMPLETED.value
        return None if done else base.Pending(str(found.id), kind, place.volume_id, place.server_id)


@contextmanager
def _refusals(conflict: type[errors.Refused] = errors.FailedPrecondition) -> Iterator[None]:
    """Turn an HTTP refusal into what it means; ``conflict`` is what 409 means for this request."""
    try:
        yield
    except Refusal as refusal:
        raise _meaning(refusal, conflict) from None


def _meaning(refusal: Refusal, conflict: type[errors.Refused]) -> errors.DriverError:
    text, message = refusal.text.lower(), refusal.message
    if refusal.code == 404:
        return base.Gone(message)
    if refusal.code == 403:
        return _forbidden(text, message)
    for kind, words, remedy in _TEXTS:
        if any(each in text for each in words):
            return kind(message, remedy=remedy)
    if refusal.code == 409:
        return conflict(message)
    return errors.InvalidArgument(message) if refusal.code == 400 else errors.FailedPrecondition(message)


def _forbidden(text: str, message: str) -> errors.DriverError:
    if "limit" in text:
        return base.AccountFull(message, remedy="delete volumes, or ask the cloud to raise the account's limit")
    return errors.FailedPrecondition(message, remedy="give the API token the scopes that the driver needs")


def _paging(page: int) -> dict[str, str]:
    return {"page": str(page), "per_page": str(PAGE_SIZE)}


def _volume(json: models.VolumeJson) -> base.Volume:
    return base.Volume(
        id=json.id,
        name=json.name,
        zone=json.region.slug,
        size_bytes=sizes.to_bytes(json.size_gigabytes),
        server_ids=tuple(map(str, json.droplet_ids or ())),
        labels=json.tags,
        origin=origins.read(json.description or ""),
        created_at=models.seconds(json.created_at),
    )


def _progress(json: models.ActionJson, volume_id: str = "") -> base.Progress:
    kind = next((kind for word, kind in _KINDS.items() if json.type.startswith(word)), base.Kind.OTHER)
    server_id = str(json.resource_id) if json.resource_type == "droplet" and json.resource_id else None
    if (state := _STATES.get(json.status)) is None:
        raise errors.OutcomeUnknown(f"action {json.id} has the unknown status {json.status!r}")
    action = base.Pending(str(json.id), kind, volume_id, server_id)
    return base.Progress(action, state, models.seconds(json.started_at), models.seconds(json.completed_at))


def _snapshot(json: models.SnapshotJson) -> base.Snapshot:
    return base.Snapshot(
        id=json.id,
        name=json.name,
        volume_id=json.resource_id,
        min_size_bytes=sizes.to_bytes(json.min_disk_size),
        zones=json.regions,
        created_at=models.seconds(json.created_at),
        labels=json.tags,
    )


def _server(json: models.DropletJson) -> base.Server:
    return base.Server(str(json.id), json.region.slug, json.status == "active", json.volume_ids)
