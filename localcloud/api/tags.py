"""Routes of tags, and of what carries them."""

from aiohttp import web

from localcloud.api import reading, replies, requests, writing
from localcloud.api_errors import Problem
from localcloud.cloud import Cloud
from localcloud.tags import Resource, Tagging


class TagRoutes:
    """Routes below /v2/tags."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._tagging = Tagging(cloud)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/v2/tags", self.list),
            web.post("/v2/tags", self.create),
            web.get("/v2/tags/{tag_id}", self.get),
            web.delete("/v2/tags/{tag_id}", self.delete),
            web.post("/v2/tags/{tag_id}/resources", self.put_on),
            web.delete("/v2/tags/{tag_id}/resources", self.take_off),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Answer with a page of the tags, by name."""
        asked = reading.page(request)
        return writing.many(request, "tags", self._cloud.tags.page(asked), asked, replies.tag)

    async def create(self, request: web.Request) -> web.Response:
        """Make a tag. A name that no tag may have is refused in a form that no other path has."""
        try:
            sent = await reading.body(request, requests.CreateTag)
        except Problem as error:
            return writing.other_problem(error)
        return writing.one("tag", replies.tag(self._tagging.create(sent.name)), 201)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one tag."""
        return writing.one("tag", replies.tag(self._tagging.get(request.match_info["tag_id"])))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a tag."""
        self._tagging.delete(request.match_info["tag_id"])
        return writing.nothing()

    async def put_on(self, request: web.Request) -> web.Response:
        """Put a tag on resources."""
        self._tagging.put_on(request.match_info["tag_id"], await _resources(request))
        return writing.nothing()

    async def take_off(self, request: web.Request) -> web.Response:
        """Take a tag off resources."""
        self._tagging.take_off(request.match_info["tag_id"], await _resources(request))
        return writing.nothing()


async def _resources(request: web.Request) -> list[Resource]:
    sent = await reading.body(request, requests.TagResources)
    return [Resource(each.resource_type, each.resource_id) for each in sent.resources]
