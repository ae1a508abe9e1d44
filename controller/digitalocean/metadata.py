"""The droplet's metadata service, asked once, for the region. Source: DigitalOcean Metadata API."""

import asyncio

import aiohttp

from common import errors

SECONDS = 5.0


async def region(session: aiohttp.ClientSession, root: str) -> str:
    """Return the region of the droplet on which this runs. Raises Unavailable."""
    address = f"{root}metadata/v1/region"
    try:
        async with asyncio.timeout(SECONDS), session.get(address) as reply:
            found = (await reply.text()).strip() if reply.status == 200 else ""
    except (aiohttp.ClientError, TimeoutError) as error:
        found, why = "", type(error).__name__
    else:
        why = f"it answered {reply.status}"
    if not found:
        raise errors.Unavailable(f"{address} does not tell the region ({why})", remedy="set AIOCSI_REGION")
    return found
