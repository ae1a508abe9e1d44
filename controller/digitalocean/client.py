"""DigitalOcean Volumes behind the Cloud protocol: which request asks what, and whether the answer is about that.

Source: DigitalOcean API v2 (each method names its OpenAPI operation).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog

from controller.cloud import cloud_errors, records
from controller.cloud.paging import everything
from controller.digitalocean import list_pages, models, objects, origins, region_check
from controller.digitalocean.action_list import ActionList
from controller.digitalocean.api_request import PAGE_BYTES, SHORT_LIST_BYTES, ApiRequest, Value
from controller.digitalocean.deletion import delete
from controller.digitalocean.http import Http, UnprovenSuccess
from controller.digitalocean.ids import droplet_number, path
from controller.digitalocean.limits import TRAITS
from controller.digitalocean.meanings import refusals
from controller.digitalocean.objects import demand
from controller.digitalocean.snapshots import DigitalOceanSnapshots
from controller.pacing.lanes import Lane

ACTIONS = 20  # of a volume that are read: the newest ones decide
WITHOUT_LIST_SECONDS = 3600.0  # after the list of actions was refused: a token gets no scopes by waiting

_LANES = {records.Kind.ATTACH: Lane.ATTACH, records.Kind.DETACH: Lane.DETACH, records.Kind.RESIZE: Lane.CHANGE}

log = structlog.get_logger("cloud")


class DigitalOcean:
    """See base.Cloud for what each method promises."""

    traits = TRAITS
    page_size = list_pages.PAGE_SIZE

    def __init__(self, http: Http) -> None:
        self._http = http
        self._actions = ActionList(self)
        self._list_refused_until = float("-inf")
        self.snapshots = DigitalOceanSnapshots(http)

    async def create_volume(self, order: records.VolumeOrder) -> tuple[records.Volume, None]:
        """POST /v2/volumes (volumes_create)."""
        body: dict[str, Value] = {"name": order.name, "size_gigabytes": order.size_gib, "region": order.zone}
        body |= {"description": origins.describe(order.origin), "tags": list(order.labels)}
        if order.snapshot_id is not None:
            body |= {"snapshot_id": order.snapshot_id}
        call = ApiRequest("POST", "/v2/volumes", Lane.CHANGE, order.name, json=body, success=201)
        with refusals(conflict=cloud_errors.NameTaken):
            made = (await self._http.read(call, models.OneVolume)).volume
        demand(call, name=(order.name, made.name), region=(order.zone, made.region.slug))
        if order.snapshot_id is None or made.size_gigabytes > order.size_gib:  # a restore may begin smaller
            demand(call, size_gigabytes=(order.size_gib, made.size_gigabytes))
        return objects.volume(made), None

    async def delete_volume(self, volume_id: str) -> None:
        """DELETE /v2/volumes/{id} (volumes_delete)."""
        await delete(self._http, path("volumes", volume_id), volume_id)

    async def get_volume(self, volume_id: str, *, proves: bool = False) -> records.Volume:
        """GET /v2/volumes/{id} (volumes_get). ``proves``: it is asked to prove the token."""
        call = ApiRequest("GET", path("volumes", volume_id), Lane.READ, volume_id, proves=proves)
        with refusals():
            found = (await self._http.read(call, models.OneVolume)).volume
        demand(call, id=(volume_id, found.id))
        return objects.volume(found)

    async def find_volume(self, name: str, zone: str) -> records.Volume | None:
        """GET /v2/volumes?name= (volumes_list); the comparison is ours, in case the filter is not exact."""

        async def named(page: int) -> records.Page[records.Volume]:
            return await self._volumes({"name": name, "region": zone}, page, Lane.READ, name)

        return next((each for each in await everything(named) if (each.name, each.zone) == (name, zone)), None)

    async def list_volumes(self, zone: str | None, page: int) -> records.Page[records.Volume]:
        """GET /v2/volumes (volumes_list)."""
        return await self._volumes({"region": zone} if zone else {}, page, Lane.LIST)

    async def attach(self, place: records.Place, labels: Sequence[str]) -> records.Pending:
        """POST /v2/volumes/{id}/actions, type attach (volumeActions_post_byId)."""
        more: dict[str, Value] = {"tags": list(labels)} if labels else {}
        return await self._act(place, records.Kind.ATTACH, {"droplet_id": droplet_number(place.server_id), **more})

    async def detach(self, place: records.Place) -> records.Pending:
        """POST /v2/volumes/{id}/actions, type detach (volumeActions_post_byId)."""
        return await self._act(place, records.Kind.DETACH, {"droplet_id": droplet_number(place.server_id)})

    async def resize(self, place: records.Place, size_gib: int) -> records.Pending:
        """POST /v2/volumes/{id}/actions, type resize (volumeActions_post_byId)."""
        return await self._act(place, records.Kind.RESIZE, {"size_gigabytes": size_gib, "region": place.zone})

    async def progress(
        self, due: Sequence[records.Pending], others: Sequence[records.Pending] = ()
    ) -> list[records.Progress]:
        """GET of one action, or of the account's list."""
        return await self._actions.progress(due, others)

    async def recent(self, volume_id: str) -> tuple[records.Progress, ...]:
        """GET of the volume's actions."""
        return (await self.volume_actions(volume_id)).items

    async def blocking(self, place: records.Place) -> records.Pending | None:
        """GET of the volume's actions, then of the account's."""
        return await self._actions.blocking(place)

    async def changes(self, since: str) -> records.Changes | None:
        """GET of the account's actions."""
        return await self._actions.changes(since)

    async def get_action(self, volume_id: str, action_id: str) -> records.Progress:
        """GET /v2/volumes/{id}/actions/{action} (volumeActions_get), or /v2/actions/{action} (actions_get)."""
        where = path("volumes", volume_id, "actions", action_id) if volume_id else path("actions", action_id)
        call = ApiRequest("GET", where, Lane.POLL, volume_id)
        with refusals():
            found = (await self._http.read(call, models.OneAction)).action
        demand(call, id=(action_id, str(found.id)))
        return objects.progress(found, volume_id)

    async def volume_actions(self, volume_id: str) -> records.Page[records.Progress]:
        """GET /v2/volumes/{id}/actions (volumeActions_list)."""
        where = path("volumes", volume_id, "actions")
        query = list_pages.query(1, ACTIONS)
        call = ApiRequest("GET", where, Lane.READ, volume_id, query=query, longest=SHORT_LIST_BYTES)
        with refusals():
            found = await self._http.read(call, models.VolumeActionsJson)
        list_pages.demand_whole(call, found, len(found.actions))
        told = tuple(objects.progress(each, volume_id) for each in _newest_first(found.actions))
        return records.Page(told, found.meta.total, found.more)

    async def account_actions(self, page: int) -> records.Page[records.Progress]:
        """GET /v2/actions (actions_list). A token without the scope for it sees an empty list, for an hour."""
        now = asyncio.get_running_loop().time()
        if now < self._list_refused_until:
            return records.Page()
        call = ApiRequest("GET", "/v2/actions", Lane.POLL, query=list_pages.query(page), longest=PAGE_BYTES)
        try:
            with refusals():
                found = await self._http.read(call, models.ActionsJson)
        except cloud_errors.LookForbidden as refused:
            self._list_refused_until = now + WITHOUT_LIST_SECONDS
            log.warning(
                "list_of_actions_refused",
                error_class=type(refused).__name__,
                message=refused.message,
                remedy="give the token actions:read: it saves requests",
            )
            return records.Page()
        newest_first = sorted(
            (each for each in found.actions if each is not None), key=lambda each: each.id, reverse=True
        )
        return records.Page(tuple(map(objects.progress, newest_first)), found.meta.total, found.more)

    async def get_server(self, server_id: str) -> records.Server:
        """GET /v2/droplets/{id} (droplets_get)."""
        call = ApiRequest("GET", path("droplets", server_id), Lane.READ, server_id)
        with refusals():
            found = (await self._http.read(call, models.OneDroplet)).droplet
        demand(call, id=(server_id, str(found.id)))
        return objects.server(found)

    async def list_servers(self, page: int) -> records.Page[records.Server]:
        """GET /v2/droplets (droplets_list)."""
        call = ApiRequest("GET", "/v2/droplets", Lane.LIST, query=list_pages.query(page), longest=PAGE_BYTES)
        with refusals():
            found = await self._http.read(call, models.DropletsJson)
        return list_pages.page_of(call, found, found.droplets, objects.server)

    @property
    def may_list_actions(self) -> bool:
        """Whether the API has not refused the list of the account's actions."""
        return self._list_refused_until == float("-inf")

    async def account(self) -> records.Account:
        """GET /v2/account (account_get)."""
        with refusals():
            found = await self._http.read(ApiRequest("GET", "/v2/account", Lane.READ), models.AccountLimits)
        return records.Account(found.account.volume_limit)

    async def account_id(self) -> str:
        """Return whose volumes the token sees: the team, else the account; empty if the token may not see that."""
        try:
            with refusals():
                call = ApiRequest("GET", "/v2/account", Lane.READ, proves=True)
                found = (await self._http.read(call, models.OneAccount)).account
        except cloud_errors.LookForbidden:
            return ""  # 403 in the API's own shape: it knows the token, which was asked
        return found.uuid if found.team is None else found.team.uuid

    async def zone_has_volumes(self, zone: str) -> bool:
        """GET /v2/regions (regions_list)."""
        return not region_check.problem(zone, await self.region(zone))

    async def region(self, slug: str) -> models.RegionJson | None:
        """GET /v2/regions (regions_list); None if there is no such region."""
        number, more = 1, True
        while more:
            query = list_pages.query(number)
            call = ApiRequest("GET", "/v2/regions", Lane.READ, query=query, longest=SHORT_LIST_BYTES)
            with refusals():
                found = await self._http.read(call, models.RegionsJson)
            page = list_pages.page_of(call, found, found.regions, lambda each: each)
            if here := next((each for each in page.items if each.slug == slug), None):
                return here
            number, more = number + 1, page.more
        return None

    async def add_label(self, volume_id: str, label: str) -> None:
        """POST /v2/tags/{tag}/resources (tags_assign_resources), 404 until the tag exists.

        The cloud keeps a tag in the spelling that was used first, and finds it by that alone (tags_create).
        """
        try:
            await self._tag("POST", volume_id, label)
        except cloud_errors.Gone:
            await self._tag("POST", volume_id, await self._make_tag(volume_id, label))

    async def remove_label(self, volume_id: str, label: str) -> None:
        """DELETE /v2/tags/{tag}/resources (tags_unassign_resources)."""
        try:
            await self._tag("DELETE", volume_id, label)
        except cloud_errors.Gone:
            return

    async def _make_tag(self, volume_id: str, label: str) -> str:
        """POST /v2/tags (tags_create); return the tag as the cloud spells it."""
        call = ApiRequest("POST", "/v2/tags", Lane.CHANGE, volume_id, json={"name": label}, success=201)
        with refusals():
            made = (await self._http.read(call, models.OneTag)).tag
        demand(call, name=(label.lower(), made.name.lower()))
        return made.name

    async def _tag(self, method: str, volume_id: str, tag: str) -> None:
        body: dict[str, Value] = {"resources": [{"resource_id": volume_id, "resource_type": "volume"}]}
        where = path("tags", tag, "resources")
        with refusals():
            try:
                await self._http.send(ApiRequest(method, where, Lane.CHANGE, volume_id, json=body, success=204))
            except UnprovenSuccess as unproven:
                if (tag in (await self.get_volume(volume_id)).labels) != (method == "POST"):
                    raise unproven from None

    async def _volumes(
        self, query: Mapping[str, str], page: int, lane: Lane, share: str = ""
    ) -> records.Page[records.Volume]:
        longest = SHORT_LIST_BYTES if "name" in query else PAGE_BYTES  # of which http reads few at once
        call = ApiRequest("GET", "/v2/volumes", lane, share, {**query, **list_pages.query(page)}, longest=longest)
        with refusals():
            found = await self._http.read(call, models.VolumesJson)
        zones = {query.get("region")}
        return list_pages.page_of(
            call, found, found.volumes, objects.volume, lambda each: zones <= {None, each.region.slug}
        )

    async def _act(self, place: records.Place, kind: records.Kind, more: dict[str, Value]) -> records.Pending:
        """Start an action. That it has ended, only the volume's own action tells, which is read below the volume."""
        body: dict[str, Value] = {"type": kind.value, **more}
        where = path("volumes", place.volume_id, "actions")
        call = ApiRequest("POST", where, _LANES[kind], place.server_id or "", json=body, success=202)
        with refusals():
            action = objects.progress((await self._http.read(call, models.OneAction)).action).action
        demand(call, type=(kind.value, action.kind.value))
        if place.server_id is not None and action.server_id is not None:
            demand(call, resource_id=(place.server_id, action.server_id))
        return records.Pending(action.id, kind, place.volume_id, place.server_id)


def _newest_first(actions: Iterable[models.ActionJson | None]) -> list[models.ActionJson]:
    """Return the actions in the order that the API promises; ids of actions grow with time."""
    return sorted(filter(None, actions), key=lambda each: each.id, reverse=True)
