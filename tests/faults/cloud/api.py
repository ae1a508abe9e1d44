"""The routes of the simulated cloud's API: a request in, status and JSON out. Source: DigitalOcean API v2 (OpenAPI)."""

import datetime as dt
from collections.abc import Callable, Mapping

from tests.faults.cloud.records import REGION, Action, Snapshot, Volume
from tests.faults.cloud.state import CloudState, Refused

Json = Mapping[str, object]
ERROR_IDS = {404: "not_found", 409: "conflict", 422: "unprocessable_entity", 429: "too_many_requests"}
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Api:
    """Answers requests. ``listed`` and ``taken`` return what lists show, volumes and snapshots: they may lag behind."""

    def __init__(
        self,
        state: CloudState,
        listed: Callable[[], list[Volume]],
        taken: Callable[[], list[Snapshot]],
        account: str = "simulated",
    ) -> None:
        self._state = state
        self._account = account
        self._listed = listed
        self._taken = taken

    def answer(self, method: str, path: str, query: Json, body: Json) -> tuple[int, Json]:
        """Do what is asked; return HTTP status and JSON."""
        parts = path.removeprefix("/v2/").split("/")
        handler = getattr(self, f"_{method.lower()}_{parts[0]}", None)
        if handler is None:
            return 404, {"id": "not_found", "message": "no such route"}
        try:
            status, answer = handler(parts[1:], query, body)
        except Refused as refused:
            return refused.status, {"id": ERROR_IDS[refused.status], "message": refused.text}
        return status, answer

    def _get_volumes(self, parts: list[str], query: Json, _body: Json) -> tuple[int, Json]:
        if not parts:
            named = (each for each in self._listed() if query.get("name") in {None, "", each.name})
            wanted = [each for each in named if query.get("region") in {None, "", each.region}]
            return _page("volumes", [_volume(each) for each in wanted], query)
        volume = self._state.volume(parts[0])
        if parts[1:] == ["snapshots"]:
            mine = [each for each in self._taken() if each.volume_id == volume.id]
            return _page("snapshots", [_snapshot(each) for each in mine], query)
        actions = [each for each in self._state.actions if each.volume_id == volume.id]
        if parts[1:] == ["actions"]:
            return _page("actions", [_action(each) for each in reversed(actions)], query)
        if len(parts) == 3:
            return 200, {"action": _action(_one(actions, int(parts[2])))}
        return 200, {"volume": _volume(volume)}

    def _post_volumes(self, parts: list[str], _query: Json, body: Json) -> tuple[int, Json]:
        if not parts:
            volume = self._state.make(
                str(body["name"]),
                int(str(body["size_gigabytes"])),
                str(body.get("description") or ""),
                _texts(body.get("tags")),
                str(body.get("snapshot_id") or ""),
            )
            return 201, {"volume": _volume(volume)}
        if parts[1:] == ["snapshots"]:
            snapshot = self._state.take(parts[0], str(body["name"]), _texts(body.get("tags")))
            return 201, {"snapshot": _snapshot(snapshot)}
        if body["type"] == "resize":
            return 202, {"action": _action(self._state.resize(parts[0], int(str(body["size_gigabytes"]))))}
        droplet_id = int(str(body["droplet_id"]))
        if body["type"] == "attach":
            return 202, {"action": _action(self._state.attach(parts[0], droplet_id, _texts(body.get("tags"))))}
        return 202, {"action": _action(self._state.detach(parts[0], droplet_id))}

    def _delete_volumes(self, parts: list[str], _query: Json, _body: Json) -> tuple[int, Json]:
        self._state.delete(parts[0])
        return 204, {}

    def _get_snapshots(self, parts: list[str], query: Json, _body: Json) -> tuple[int, Json]:
        if not parts:
            return _page("snapshots", [_snapshot(each) for each in self._taken()], query)
        if parts[0] not in self._state.snapshots:
            raise Refused(404, "The resource you were accessing could not be found.")
        return 200, {"snapshot": _snapshot(self._state.snapshots[parts[0]])}

    def _delete_snapshots(self, parts: list[str], _query: Json, _body: Json) -> tuple[int, Json]:
        self._state.drop(parts[0])
        return 204, {}

    def _get_actions(self, parts: list[str], query: Json, _body: Json) -> tuple[int, Json]:
        if parts:
            return 200, {"action": _action(_one(self._state.actions, int(parts[0])))}
        return _page("actions", [_action(each) for each in reversed(self._state.actions)], query)

    def _get_droplets(self, parts: list[str], query: Json, _body: Json) -> tuple[int, Json]:
        if parts:
            return 200, {"droplet": self._droplet(self._state.droplet(int(parts[0])).id)}
        return _page("droplets", [self._droplet(each) for each in self._state.droplets], query)

    def _get_account(self, _parts: list[str], _query: Json, _body: Json) -> tuple[int, Json]:
        return 200, {"account": {"uuid": self._account, "volume_limit": self._state.volume_limit}}

    def _get_regions(self, _parts: list[str], query: Json, _body: Json) -> tuple[int, Json]:
        return _page("regions", [{"slug": REGION, "features": ["storage"]}], query)

    def _post_tags(self, parts: list[str], _query: Json, body: Json) -> tuple[int, Json]:
        if not parts:
            return 201, {"tag": {"name": self._state.spelled(str(body["name"]))}}
        for volume in self._tagged(parts[0], body):
            volume.tags = [*(each for each in volume.tags if each != parts[0]), parts[0]]
        return 204, {}

    def _delete_tags(self, parts: list[str], _query: Json, body: Json) -> tuple[int, Json]:
        for volume in self._tagged(parts[0], body):
            volume.tags = [each for each in volume.tags if each != parts[0]]
        return 204, {}

    def _tagged(self, tag: str, body: Json) -> list[Volume]:
        if tag not in self._state.tags:
            raise Refused(404, "The resource you were accessing could not be found.")
        resources = body["resources"]
        assert isinstance(resources, list)
        return [self._state.volume(each["resource_id"]) for each in resources]

    def _droplet(self, droplet_id: int) -> Json:
        droplet = self._state.droplets[droplet_id]
        return {
            "id": droplet.id,
            "status": "active" if droplet.active else "off",
            "region": {"slug": REGION},
            "volume_ids": [each.id for each in self._state.volumes.values() if each.droplet_id == droplet_id],
            "locked": False,
        }


def moment(seconds: float) -> str:
    """Return a virtual time as the API writes times."""
    return (EPOCH + dt.timedelta(seconds=int(seconds))).isoformat().replace("+00:00", "Z")


def _one(actions: list[Action], action_id: int) -> Action:
    found = next((each for each in actions if each.id == action_id), None)
    if found is None:
        raise Refused(404, "The resource you were accessing could not be found.")
    return found


def _page(key: str, items: list[Json], query: Json) -> tuple[int, Json]:
    page, length = int(str(query.get("page", 1))), int(str(query.get("per_page", 20)))
    start = (page - 1) * length
    more = {"pages": {"next": "further"}} if start + length < len(items) else {}
    return 200, {key: items[start : start + length], "links": more, "meta": {"total": len(items)}}


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _volume(volume: Volume) -> Json:
    return {
        "id": volume.id,
        "name": volume.name,
        "size_gigabytes": volume.size_gib,
        "region": {"slug": volume.region},
        "droplet_ids": [volume.droplet_id] if volume.droplet_id else [],
        "created_at": moment(volume.created),
        "description": volume.description,
        "tags": list(volume.tags),
    }


def _action(action: Action) -> Json:
    return {
        "id": action.id,
        "status": action.status,
        "type": f"{action.kind}_volume" if action.volume_id else action.kind,
        "started_at": moment(action.started),
        "resource_id": action.droplet_id or None,
        "resource_type": "droplet" if action.droplet_id else "backend",
    }


def _snapshot(snapshot: Snapshot) -> Json:
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "resource_id": snapshot.volume_id,
        "resource_type": "volume",
        "min_disk_size": snapshot.size_gib,
        "regions": [REGION],
        "created_at": moment(snapshot.created),
        "tags": list(snapshot.tags),
    }
