"""Routes of the account and of the regions."""

import uuid

from aiohttp import web
from pydantic import BaseModel

from localcloud.api import reading, replies, writing
from localcloud.cloud import Cloud
from localcloud.regions import RegionInfo, region_info
from localcloud.settings import REGIONS
from localcloud.state.paging import Page

ACCOUNT_ID = str(uuid.uuid5(uuid.NAMESPACE_DNS, "localcloud.invalid"))


class Team(BaseModel, frozen=True):
    """The team of the account."""

    uuid: str
    name: str


class Account(BaseModel, frozen=True):
    """The one account there is."""

    droplet_limit: int
    floating_ip_limit: int
    volume_limit: int
    email: str
    name: str
    uuid: str
    email_verified: bool
    status: str
    status_message: str
    team: Team


class AccountRoutes:
    """GET of account and regions."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/v2/account", self.get), web.get("/v2/regions", self.regions)]

    async def get(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler gets the request)
        """Answer with the account and its limits."""
        account = Account(
            droplet_limit=1000,
            floating_ip_limit=5,
            volume_limit=self._cloud.settings.account_volumes,
            email="laptop@localcloud.invalid",
            name="localcloud",
            uuid=ACCOUNT_ID,
            email_verified=True,
            status="active",
            status_message="",
            team=Team(uuid=ACCOUNT_ID, name="localcloud"),
        )
        return writing.one("account", account)

    async def regions(self, request: web.Request) -> web.Response:
        """Answer with a page of the regions."""
        asked = reading.page(request)
        wanted = REGIONS[asked.offset : asked.offset + asked.per_page]
        page = Page(tuple(self._region(slug) for slug in wanted), len(REGIONS))
        return writing.many(request, "regions", page, asked, replies.region_json)

    def _region(self, slug: str) -> RegionInfo:
        return region_info(slug, storage=slug not in self._cloud.settings.storageless_regions)
