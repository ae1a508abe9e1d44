"""Whether volumes can be made in the region: asked once, when the API has let the token in.

A region that the cloud does not know is a mistake, and readiness says so. One that takes no new volumes is warned of:
those that are there have to be attached, detached and deleted all the same.
Source: DigitalOcean API "regions_list".
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from common import deadlines, errors
from controller.cloud.cloud_errors import LookRefused
from controller.digitalocean.models import RegionJson
from controller.digitalocean.token_state import TokenState

log = structlog.get_logger("region")

REMEDY = "correct AIOCSI_REGION"
TRY_SECONDS = 30.0
AGAIN_SECONDS = 300.0  # while the answer is not known, or is that there is no such region


def problem(slug: str, region: RegionJson | None) -> str:
    """Say why no volumes can be made in the region of that slug; empty if they can."""
    if region is None:
        return f"the cloud has no region {slug}"
    if "storage" not in region.features:
        return f"region {slug} has no volumes"
    return "" if region.available else f"region {slug} takes no new volumes"


class RegionCheck:
    """``ask`` finds a region by its slug. ``reason``: why the driver is not ready; empty if it is."""

    def __init__(self, access: TokenState, ask: Callable[[str], Awaitable[RegionJson | None]]) -> None:
        self._access = access
        self._ask = ask
        self.reason = ""

    async def run(self, slug: str) -> None:
        """Ask until the region is known to be there."""
        await self._access.until_let_in()
        while True:
            if await self._is_there(slug):
                return
            await asyncio.sleep(AGAIN_SECONDS)  # noqa: TID251 (nothing tells when a cloud gets a region)

    async def _is_there(self, slug: str) -> bool:
        try:
            with deadlines.until(asyncio.get_running_loop().time() + TRY_SECONDS):
                region = await self._ask(slug)
        except LookRefused as error:
            log.info("region_not_checked", region=slug, **errors.fields(error))
            return True
        except errors.DriverError as error:
            log.warning("region_not_checked", region=slug, **errors.fields(error))
            return False
        text = problem(slug, region)
        self.reason = f"{text} (remedy: {REMEDY})" if region is None else ""
        if text:
            log.warning("region_without_volumes", region=slug, message=text, remedy=REMEDY)
        return region is not None
