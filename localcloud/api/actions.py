"""Routes of actions: start one on a volume, by id or by name; list and get them."""

from aiohttp import web

from localcloud import api_errors
from localcloud.actions import VolumeActions
from localcloud.api import reading, replies, requests, writing
from localcloud.cloud import Cloud
from localcloud.state.actions import Action
from localcloud.state.volumes import Volume


class ActionRoutes:
    """GET and POST of actions."""

    def __init__(self, cloud: Cloud, actions: VolumeActions) -> None:
        self._cloud = cloud
        self._actions = actions

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/v2/actions", self.list),
            web.get("/v2/actions/{action_id}", self.get),
            web.post("/v2/volumes/actions", self.start_by_name),
            web.get("/v2/volumes/{volume_id}/actions", self.list_of_volume),
            web.post("/v2/volumes/{volume_id}/actions", self.start),
            web.get("/v2/volumes/{volume_id}/actions/{action_id}", self.get_of_volume),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Answer with a page of the account's actions, newest first."""
        asked = reading.page(request)
        page = self._cloud.actions.page(asked, of_volumes=self._cloud.settings.account_actions)
        return writing.many(request, "actions", page, asked, replies.action)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one action."""
        if (action := self._cloud.actions.visible(reading.number_in_path(request, "action_id"))) is None:
            raise api_errors.not_found()
        return writing.one("action", replies.action(action))

    async def list_of_volume(self, request: web.Request) -> web.Response:
        """Answer with a page of a volume's actions, newest first."""
        volume_id = request.match_info["volume_id"]
        if self._cloud.volumes.get(volume_id) is None:
            raise api_errors.not_found()
        asked = reading.page(request)
        return writing.many(request, "actions", self._cloud.actions.page(asked, volume_id), asked, replies.action)

    async def get_of_volume(self, request: web.Request) -> web.Response:
        """Answer with one action of a volume."""
        action = self._cloud.actions.visible(reading.number_in_path(request, "action_id"))
        if action is None or action.volume_id != request.match_info["volume_id"]:
            raise api_errors.not_found()
        return writing.one("action", replies.action(action))

    async def start(self, request: web.Request) -> web.Response:
        """Start an action on a volume named by its id."""
        sent = await reading.body(request, requests.VolumeAction)
        return _started(self._start(sent, self._cloud.volumes.get(request.match_info["volume_id"])))

    async def start_by_name(self, request: web.Request) -> web.Response:
        """Start an action on a volume named by its name and region."""
        sent = await reading.body(request, requests.VolumeAction)
        if not sent.volume_name or not sent.region:
            raise api_errors.unprocessable("volume_name and region are required")
        return _started(self._start(sent, self._cloud.volumes.find(sent.volume_name, sent.region)))

    def _start(self, sent: requests.VolumeAction, volume: Volume | None) -> Action:
        if sent.type == "resize":
            if sent.size_gigabytes is None:
                raise api_errors.unprocessable("size_gigabytes is required")
            return self._actions.resize(volume, sent.size_gigabytes)
        if sent.droplet_id is None:
            raise api_errors.unprocessable("droplet_id is required")
        if sent.type == "attach":
            return self._actions.attach(volume, sent.droplet_id, sent.tags or ())
        return self._actions.detach(volume, sent.droplet_id)


def _started(action: Action) -> web.Response:
    return writing.one("action", replies.action(action), 202)
