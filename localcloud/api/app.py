"""The web application: all routes, and what surrounds them."""

from aiohttp import web

from localcloud.actions import VolumeActions
from localcloud.api.account import AccountRoutes
from localcloud.api.actions import ActionRoutes
from localcloud.api.control import ControlRoutes
from localcloud.api.droplets import DropletRoutes
from localcloud.api.faults import FaultRoutes
from localcloud.api.metadata import MetadataRoutes
from localcloud.api.middleware import Surround
from localcloud.api.page import PageRoutes
from localcloud.api.snapshots import SnapshotRoutes
from localcloud.api.tags import TagRoutes
from localcloud.api.volumes import VolumeRoutes
from localcloud.cloud import Cloud
from localcloud.page.overview import Views
from localcloud.page.timeline import Timeline
from localcloud.rates import Rates
from localcloud.snapshots import Snapshotting

LARGEST_BODY_BYTES = 1 << 20


def make(cloud: Cloud, actions: VolumeActions, token: str) -> web.Application:
    """Return the application of a cloud."""
    rates = Rates(cloud.clock, cloud.settings.rate_hour, cloud.settings.rate_minute)
    snapshotting = Snapshotting(cloud)
    timeline = Timeline(cloud.ledger, cloud.database.tell)
    page = PageRoutes(cloud, Views(cloud, rates, snapshotting, timeline), token)
    surround = Surround(cloud, rates, timeline, token)
    app = web.Application(middlewares=[surround.observe], client_max_size=LARGEST_BODY_BYTES)
    for part in (
        ActionRoutes(cloud, actions),  # before the volumes: "actions" and "snapshots" are no ids of volumes
        SnapshotRoutes(cloud, snapshotting),
        VolumeRoutes(cloud),
        DropletRoutes(cloud),
        TagRoutes(cloud),
        AccountRoutes(cloud),
        MetadataRoutes(cloud),
        ControlRoutes(cloud),
        FaultRoutes(cloud),
        page,
    ):
        app.add_routes(part.routes())
    app.on_shutdown.append(page.close)
    return app
