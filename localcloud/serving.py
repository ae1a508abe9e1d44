"""Run a cloud until SIGTERM or SIGINT, and say where it is: to a person on a terminal, to a program as JSON."""

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Sequence

from localcloud import settings as options
from localcloud.api.control import droplet_sights
from localcloud.disks.base import DiskError
from localcloud.lifecycle import Running, running
from localcloud.settings import Settings

DISKS = {
    "loop": "loop devices",
    "qemu": "SCSI disks of virtual machines",
    "none": "none: the API alone (as root: --disks loop)",
}


def run(argv: Sequence[str]) -> int:
    """Return the exit status: 0 it was told to end, 1 it could not start, 2 wrong usage."""
    settings = options.read(argv, os.environ)
    os.umask(0o077)  # disks and database may hold whatever is written to volumes
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(_serve(settings))
    except BlockingIOError:
        print(f"aiocsi-localcloud: another cloud runs on {settings.state}", file=sys.stderr)
        return 1
    except (OSError, ValueError, DiskError) as error:
        print(f"aiocsi-localcloud: cannot start: {error}", file=sys.stderr)
        return 1
    if settings.ephemeral:
        shutil.rmtree(settings.state)
    return 0


async def _serve(settings: Settings) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):  # the last: its terminal is closed
        loop.add_signal_handler(number, ended.set)
    async with running(settings) as cloud:
        said = greeting(cloud) if sys.stdout.isatty() else json.dumps(_ready(cloud))
        print(said, flush=True)
        await ended.wait()


def _ready(running_cloud: Running) -> dict[str, object]:
    """Return the ready line: where the cloud is, and what each droplet's driver has to be told."""
    cloud = running_cloud.cloud
    return {
        "ready": True,
        "address": running_cloud.address,
        "token": running_cloud.token,
        "state": str(cloud.settings.state.resolve()),
        "droplets": [
            sight.model_dump(include={"id", "name", "region", "metadata_url", "device_dir"})
            for sight in droplet_sights(cloud, running_cloud.address.rstrip("/"))
        ],
    }


def greeting(running_cloud: Running) -> str:
    """Return what a person needs first."""
    url, settings = running_cloud.address.rstrip("/"), running_cloud.cloud.settings
    droplets = running_cloud.cloud.droplets.all()
    names = ", ".join(f"{droplet.name} ({droplet.id})" for droplet in droplets) or "none"
    lines = [
        f"localcloud: the block-storage part of the DigitalOcean API, at {url}",
        "",
        f"  page      {url}/",
        f"  droplets  {names}",
        f"  disks     {DISKS[settings.disks]}",
        f"  state     {settings.state.resolve()}",
        "",
        "For a client:",
        f"  export DIGITALOCEAN_API_URL={url} DIGITALOCEAN_TOKEN={running_cloud.token}",
        "",
        "Ctrl-C stops it" + (", and deletes its state." if settings.ephemeral else "; the state stays."),
    ]
    return "\n".join(lines)
