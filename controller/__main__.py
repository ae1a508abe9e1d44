"""The controller's process: reads the settings, joins the parts, serves until it is told to stop."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from common import errors, logs, redaction
from common.commit import Commits
from common.health import Health
from common.identity import Identity
from common.metrics import Metrics
from common.rpc import Calls
from common.server import Part, Server, run
from common.settings import read
from controller import work
from controller.cloud.access import Access
from controller.cloud.budget import Budget
from controller.cloud.digitalocean import DigitalOcean
from controller.cloud.http import Http, session
from controller.cloud.metadata import region
from controller.cloud.token import Token
from controller.cloud.tracing import CountedRequests
from controller.parts import join
from controller.service import Controller
from controller.settings import ControllerSettings
from csi_proto.csi import v1 as csi

PROGRAM = "aiocsi-controller"
DESCRIPTION = "The controller of aiocsi: makes, deletes, attaches and detaches volumes through the cloud's API."

OFFERS = (
    csi.PluginCapabilityServiceType.CONTROLLER_SERVICE,
    csi.PluginCapabilityServiceType.VOLUME_ACCESSIBILITY_CONSTRAINTS,
    csi.PluginCapabilityVolumeExpansionType.ONLINE,
)


@dataclass(frozen=True)
class Api:
    """The way to the cloud."""

    http: Http
    budget: Budget
    access: Access


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; return the exit status."""
    settings = read(ControllerSettings, sys.argv[1:] if argv is None else argv, PROGRAM, DESCRIPTION)
    logs.configure(settings.log_format, settings.log_level)
    try:
        asyncio.run(serve(settings))
    except errors.DriverError as error:
        sys.stderr.write(f"{PROGRAM}: {redaction.scrub(str(error))}\n")
        return 1
    return 0


async def serve(settings: ControllerSettings) -> None:
    """Serve until a signal comes. Raises Unavailable if the region cannot be learned."""
    metrics, commits = Metrics(), Commits()
    api = _api(settings, metrics)
    async with session(str(settings.ca_file or "")) as http_session:
        api.http.open(http_session)
        controller = await _controller(settings, api, commits, http_session)
        identity = Identity(settings.driver_name, OFFERS, api.access.ready)
        parts: list[Part] = [Server([identity, controller], settings.endpoint, Calls(metrics))]
        if settings.http_addr is not None:
            parts.append(Health(settings.http_addr, metrics, lambda: api.access.reason))
        await run(parts, commits, settings.drain_seconds)


def _api(settings: ControllerSettings, metrics: Metrics) -> Api:
    if settings.token is None and settings.token_file is None:
        raise errors.Unavailable("there is no API token", remedy="set AIOCSI_TOKEN or AIOCSI_TOKEN_FILE")
    budget = Budget(settings.requests_per_minute)
    access = Access(asyncio.get_running_loop().time)
    token = Token(settings.token.reveal() if settings.token else "", settings.token_file)
    http = Http(settings.api_url, token, budget, access, CountedRequests(metrics.registry))
    return Api(http, budget, access)


async def _controller(
    settings: ControllerSettings, api: Api, commits: Commits, http_session: aiohttp.ClientSession
) -> Controller:
    parts = join(DigitalOcean(api.http), commits, api.budget)
    here = settings.region or await region(http_session, settings.metadata_url)
    identity = work.Identity(settings.driver_name, here, settings.tag)
    return Controller(identity, work.join(parts, identity, settings.list_page, confirm=settings.validate_attachment))


if __name__ == "__main__":
    sys.exit(main())
