"""The controller's process: reads the settings, joins the parts, serves until it is told to stop."""

# ruff: noqa: E402  # nothing may be imported before the process is made light
from common import slim_imports

slim_imports.shed_for_all()

import asyncio
import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from common import call_log, converters, core_dumps, entry, errors, logs
from common.checks import directory, report
from common.clouds import CLOUDS
from common.health import HealthServer
from common.identity import Identity, plugin_capabilities
from common.kept_socket import KeptSocket
from common.metadata import Metadata
from common.metrics import Metrics
from common.rpc import Calls
from common.server import LOST_CLIENT_SECONDS, GrpcServer, Servable, run
from common.settings import CHECK, read
from common.sockets import parse
from common.tasks import Tasks
from controller import volumes_page, wiring
from controller.digitalocean.client import DigitalOcean
from controller.digitalocean.connection import proxy_for, session, tls
from controller.digitalocean.http import Http
from controller.digitalocean.limits import TRAITS
from controller.digitalocean.preconditions import preconditions
from controller.digitalocean.region_check import RegionCheck
from controller.digitalocean.request_metrics import LEVELS, CountedRequests
from controller.digitalocean.token import Token
from controller.digitalocean.token_check import TokenCheck
from controller.digitalocean.token_state import TokenState
from controller.inventory import Inventory
from controller.pacing.budget import Budget
from controller.pacing.lane_metrics import LaneMetrics
from controller.records import ControllerScope
from controller.rules import labels
from controller.service import Controller
from controller.settings import ControllerSettings
from controller.shared import make_shared
from controller.work_metrics import Levels, WorkMetrics

log = structlog.get_logger("controller")

COLLECT = (2_000, 20, 200)  # a full collection takes 40 ms with 10,000 volumes known: it comes seldom
CALLS_AT_ONCE = 1000  # a call that waits costs little here, and the budget must see a detach behind a hundred creates
PROGRAM = "aiocsi-controller"
DESCRIPTION = "The controller of aiocsi: makes, deletes, attaches and detaches volumes through the cloud's API."


@dataclass(frozen=True)
class Api:
    """The way to the cloud."""

    cloud: DigitalOcean
    http: Http
    token: Token
    budget: Budget
    access: TokenState
    token_check: TokenCheck


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; return the exit status."""
    core_dumps.forbid()
    arguments = sys.argv[1:] if argv is None else argv
    settings = read(ControllerSettings, arguments, PROGRAM, DESCRIPTION)
    if (settings.token is None) == (settings.token_file is None):
        print(f"{PROGRAM}: one of AIOCSI_TOKEN and AIOCSI_TOKEN_FILE must be set, and not both", file=sys.stderr)
        return 2
    if text := next(filter(None, (labels.problem(each, TRAITS.labels) for each in settings.tag)), ""):
        print(f"{PROGRAM}: AIOCSI_TAG: {text}", file=sys.stderr)
        return 2
    if text := _unusable(settings):
        print(f"{PROGRAM}: {text}", file=sys.stderr)
        return 2
    if CHECK in arguments:
        logs.configure(settings.log_format, "error")
        return asyncio.run(check(settings))
    logs.configure(settings.log_format, settings.log_level)
    return entry.main(serve(settings))


async def check(settings: ControllerSettings) -> int:
    """Try what the controller needs; return the exit status."""
    api = _api(settings, Metrics())
    async with session(settings.ca_file) as http_session:
        api.http.open(http_session)

        async def zone() -> str:
            return settings.region or await _region(settings)

        needed = preconditions(api.cloud, api.token, api.access, _api_root(settings), zone)
        folder = parse(settings.endpoint).parent
        return await report(
            [*needed, directory("directory of the CSI socket", folder, "mount a volume there", made=True)]
        )


async def serve(settings: ControllerSettings) -> None:
    """Serve until a signal comes. Raises Unavailable if the region cannot be learned."""
    metrics, tasks = Metrics(), Tasks()
    api = _api(settings, metrics)
    async with session(settings.ca_file) as http_session:
        api.http.open(http_session)
        tasks.background(api.token_check.run(), "token check")
        here = settings.region or await _region(settings)
        region = RegionCheck(api.access, api.cloud.region)
        tasks.background(region.run(here), "region check")
        controller, inventory = _controller(settings, api, tasks, metrics, here)
        offered = plugin_capabilities(snapshots=CLOUDS[settings.cloud].snapshots)
        identity = Identity(settings.driver_name, offered, api.access.ready)
        calls = Calls(metrics, at_once=CALLS_AT_ONCE)
        server = GrpcServer([identity, controller], settings.endpoint, calls, silent_seconds=LOST_CLIENT_SECONDS)
        socket = KeptSocket(server, tasks)
        parts: list[Servable] = [socket]
        if settings.http_addr is not None:

            def not_ready() -> str:
                return socket.not_ready() or api.access.reason or region.reason

            health = HealthServer(settings.http_addr, metrics, not_ready, socket.broken)
            for path, page in volumes_page.pages(settings.pod_uid, inventory).items():
                health.add(path, page)
            parts.insert(0, health)  # answers to the last
        gc.collect()
        gc.freeze()  # what is there now stays: later collections, which hold up every call, need not look at it
        gc.set_threshold(*COLLECT)
        await run(parts, tasks, settings.drain_seconds)


def _unusable(settings: ControllerSettings) -> str:
    """Say which setting cannot work on this host; an empty text if all may."""
    try:
        proxy_for(_api_root(settings))
        tls(settings.ca_file)
    except errors.FailedPrecondition as error:
        return str(error)
    return ""


async def _region(settings: ControllerSettings) -> str:
    facts = CLOUDS[settings.cloud]
    metadata = Metadata(settings.metadata_url or facts.metadata_root, "set AIOCSI_REGION")
    return await metadata.get(facts.metadata_zone_path, converters.zone)


def _api_root(settings: ControllerSettings) -> str:
    return settings.api_url or CLOUDS[settings.cloud].api_root


def _api(settings: ControllerSettings, metrics: Metrics) -> Api:
    budget = Budget(settings.requests_per_minute, quota=TRAITS.quota)
    access = TokenState(asyncio.get_running_loop().time)
    token = Token(settings.token.reveal() if settings.token else "", settings.token_file)
    http = Http(_api_root(settings), token, budget, access, CountedRequests(metrics.registry))
    cloud = DigitalOcean(http)
    return Api(cloud, http, token, budget, access, TokenCheck(token, access, cloud.account_id))


def _controller(
    settings: ControllerSettings, api: Api, tasks: Tasks, metrics: Metrics, here: str
) -> tuple[Controller, Inventory]:
    parts = make_shared(api.cloud, tasks, api.budget, WorkMetrics(metrics.registry))
    call_log.know_names(parts.cache.name_of)
    api.token_check.know(lambda: (each.id for each in parts.cache), partial(api.cloud.get_volume, proves=True))
    log.info("cloud", name=settings.cloud, detach_names_server=api.cloud.traits.detach_names_server)
    levels: dict[str, Callable[[], float | None]] = {
        "aiocsi_cloud_rate_limit": lambda: api.budget.quota.limit or None,
        "aiocsi_cloud_rate_limit_remaining": lambda: api.budget.quota.told(asyncio.get_running_loop().time()),
        "aiocsi_cloud_rate_allowance": lambda: api.budget.window.allowance,
        "aiocsi_token_accepted": lambda: float(not api.access.kept_out),
        "aiocsi_actions_awaited": lambda: len(parts.action_poll),
        "aiocsi_volumes_known": lambda: len(parts.cache),
    }
    Levels(metrics.registry, LEVELS).watch(levels)
    LaneMetrics(metrics.registry).watch(api.budget.waiting_in)
    tags = labels.merged(settings.tag)
    identity = ControllerScope(settings.driver_name, here, CLOUDS[settings.cloud], api.cloud.traits, tags)
    domains = wiring.make_domains(parts, identity, settings.list_page, confirm=settings.validate_attachment)
    return Controller(identity, domains), domains.inventory


if __name__ == "__main__":
    sys.exit(main())
