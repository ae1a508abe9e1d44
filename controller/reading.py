"""Reads a volume, and remembers it: what the cloud has told of it is not asked for again, nor sent."""

from controller.cache import VolumeCache
from controller.cloud.base import Cloud
from controller.cloud.cloud_errors import Gone, OddAnswer
from controller.cloud.records import Volume


async def read_volume(cloud: Cloud, cache: VolumeCache, volume_id: str) -> Volume:
    """Read a volume, as it is in the cloud. Raises Gone; OutcomeUnknown if it has become another one."""
    known = cache.get(volume_id)
    try:
        found = await cloud.get_volume(volume_id)
    except Gone:
        cache.forget(volume_id)
        raise Gone(f"there is no volume {volume_id}") from None
    if known is not None and (known.name, known.zone) != (found.name, found.zone):
        cache.forget(volume_id)  # which of the two was wrong is not known: the next call reads it again
        raise OddAnswer(
            f"volume {volume_id} was {known.name} in {known.zone} before, and is {found.name} in {found.zone} now"
        )
    return cache.see(found)
