"""The command aiocsi-localcloud: reads the settings, runs a cloud until SIGTERM or SIGINT."""

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


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 it was told to end, 1 it could not start, 2 wrong usage."""
    settings = options.read(sys.argv[1:] if argv is None else argv, os.environ)
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
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with running(settings) as cloud:
        print(json.dumps(_ready(cloud)), flush=True)
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


if __name__ == "__main__":
    sys.exit(main())
