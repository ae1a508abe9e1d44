"""One cloud from start to end: state opened and put right, API up, and everything left on disk at the end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from localcloud import cloud as clouds
from localcloud.actions import VolumeActions
from localcloud.api import app
from localcloud.cloud import Cloud
from localcloud.disks.base import DiskError, Disks
from localcloud.disks.guests import METADATA_SOCKET, GuestDisks
from localcloud.disks.loop import LoopDisks
from localcloud.disks.none import NoDisks
from localcloud.faults.rules import Rule
from localcloud.guests.machine import Image
from localcloud.guests.paths import listening
from localcloud.settings import Settings
from localcloud.state.database import Database

CHECKPOINT_SECONDS = 5.0
SHUTDOWN_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    """A cloud that answers."""

    cloud: Cloud
    address: str
    token: str


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Let a cloud run inside. Raises OSError if its folder, its disks or its address can't be had; DiskError."""
    async with AsyncExitStack() as stack:
        database = Database(settings.state)
        stack.callback(database.close)
        cloud = Cloud(settings, database, _disks(settings))
        stack.push_async_callback(cloud.disks.close, for_good=settings.ephemeral)
        token = clouds.token(settings)
        _start_faults(cloud)
        await _put_right(cloud)
        stack.callback(cloud.ledger.flush)
        stack.push_async_callback(cloud.tasks.close)
        actions = VolumeActions(cloud)
        actions.resume()
        cloud.tasks.start(_checkpoints(cloud), "checkpoints")
        runner = web.AppRunner(
            app.make(cloud, actions, token),
            access_log=None,
            logger=_server_log(),
            shutdown_timeout=SHUTDOWN_SECONDS,
            handle_signals=False,
        )
        stack.push_async_callback(runner.cleanup)
        yield Running(cloud, await _listen(runner, settings), token)


def _disks(settings: Settings) -> Disks:
    if settings.disks == "qemu":
        return GuestDisks(settings.state, _guest_image(settings), settings.guest_driver, settings.guest_memory)
    return LoopDisks(settings.state) if settings.disks == "loop" else NoDisks()


def _guest_image(settings: Settings) -> Image:
    """Return the image of the droplets. Raises DiskError if there is none."""
    if settings.guest_image is None:
        raise DiskError("--disks qemu needs --guest-image: the folder of an image, which make droplets makes")
    image = Image(settings.guest_image)
    if image.missing():
        raise DiskError(f"no guest image in {settings.guest_image}: make droplets makes one")
    return image


def _start_faults(cloud: Cloud) -> None:
    """Turn on the faults of the file that the settings name. Raises OSError, ValueError."""
    if cloud.settings.faults is not None:
        try:
            rules = TypeAdapter(list[Rule]).validate_json(cloud.settings.faults.read_bytes())
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ValueError(f"--faults {cloud.settings.faults}: {where}: {first['msg']}") from None
        for rule in rules:
            cloud.faults.add(rule)


async def _put_right(cloud: Cloud) -> None:
    """Make the first droplets, once; then make the disks what the state says."""
    if cloud.database.number("SELECT seq FROM sqlite_sequence WHERE name = 'droplets'") == FIRST_DROPLET:
        with cloud.database.transaction():
            for number in range(1, cloud.settings.droplets + 1):
                cloud.droplets.add(f"droplet-{number}", cloud.settings.region, cloud.clock.now())
    droplets = {droplet.id: droplet.status == "active" for droplet in cloud.droplets.all()}
    await cloud.disks.reconcile(cloud.all_disks(), [each.id for each in cloud.snapshots.all()], droplets)


FIRST_DROPLET = 410_000_000  # as in schema.sql: no droplet was ever made


def _server_log() -> logging.Logger:
    """Return the web server's log without tracebacks: its errors quote the headers they are about, and so the token.

    What goes wrong in a handler is logged by the middleware, with its traceback.
    """
    server = logging.getLogger(f"{__name__}.server")
    server.filters = [_without_traceback]
    return server


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    await runner.setup()
    site = web.TCPSite(runner, settings.listen.host, settings.listen.port)
    await site.start()
    if settings.disks == "qemu":  # where the droplets' metadata requests come in
        await web.SockSite(runner, listening(settings.state / METADATA_SOCKET)).start()
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def _checkpoints(cloud: Cloud) -> None:
    """Keep the write-ahead log short, and the ledger's requests not long in memory."""
    while True:
        await cloud.clock.sleep_until(cloud.clock.now() + CHECKPOINT_SECONDS)
        cloud.ledger.flush()
        await asyncio.to_thread(cloud.database.checkpoint)
