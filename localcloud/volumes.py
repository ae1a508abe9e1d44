"""Making and deleting volumes.

Source: DigitalOcean API "volumes_create", "volumes_delete", "volumes_delete_byName".
"""

import re
import uuid
from dataclasses import dataclass

from localcloud import api_errors
from localcloud.cloud import Cloud
from localcloud.state.snapshots import Snapshot
from localcloud.state.volumes import Volume

NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Wanted:
    """A volume that is asked for; ``region`` is None when it follows from the snapshot.

    A volume of a snapshot begins as large as the snapshot, whatever size is asked for: it has to be resized.
    """

    name: str
    size_gib: int
    region: str | None
    description: str
    filesystem_type: str
    filesystem_label: str
    snapshot_id: str | None
    tags: tuple[str, ...]


class Provisioning:
    """Making and deleting volumes."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def create(self, wanted: Wanted) -> Volume:
        """Make a volume. Raises Problem."""
        cloud = self._cloud
        volume = self._check(wanted)
        await cloud.disks.create(volume.id, volume.size_gib, wanted.snapshot_id)
        try:
            with cloud.effect("volume_created", volume.id, name=volume.name, size_gib=volume.size_gib):
                self._check(wanted)  # once more: the disk took its time
                cloud.volumes.add(volume)
                cloud.tags.put_on("volume", volume.id, wanted.tags)
        except BaseException:
            await cloud.disks.remove(volume.id)
            raise
        return cloud.volumes.get(volume.id) or volume  # with its tags as the cloud spells them

    async def delete(self, volume: Volume | None) -> None:
        """Delete a volume that is attached to nothing. Raises Problem."""
        cloud = self._cloud
        if volume is None:
            raise api_errors.not_found()
        if volume.droplet_id is not None:
            raise api_errors.conflict("Can not delete volume that is attached to a droplet. Please detach it first.")
        if cloud.actions.is_volume_busy(volume.id):
            raise api_errors.conflict("Volume has a pending event.")
        with cloud.effect("volume_deleted", volume.id, name=volume.name):
            cloud.volumes.remove(volume.id)
            cloud.tags.forget("volume", volume.id)
        await cloud.disks.remove(volume.id)

    def _check(self, wanted: Wanted) -> Volume:
        """Return the volume to make, or raise the Problem that forbids it."""
        cloud, limits = self._cloud, self._cloud.settings
        snapshot = self._snapshot(wanted)
        size_gib = wanted.size_gib if snapshot is None else snapshot.size_gib
        region = wanted.region or (snapshot.region if snapshot else "")
        if NAME.fullmatch(wanted.name) is None or len(wanted.name) > limits.longest_name:
            raise api_errors.unprocessable(
                f"Name must be at most {limits.longest_name} lower-case letters, digits and dashes,"
                " and start with a letter"
            )
        if not 1 <= wanted.size_gib <= limits.largest_volume_gib:
            raise api_errors.unprocessable(f"Size must be between 1 and {limits.largest_volume_gib} GB")
        if not region or region in limits.storageless_regions:
            raise api_errors.unprocessable("Region does not support volumes")
        if snapshot is not None:
            _check_snapshot(snapshot, region, wanted.size_gib)
        if cloud.volumes.find(wanted.name, region) is not None:
            raise api_errors.conflict("A volume with the same name already exists in this region.")
        if limits.account_volumes and cloud.volumes.count() >= limits.account_volumes:
            raise api_errors.capacity_exceeded()
        return self._fresh(wanted, region, size_gib)

    def _snapshot(self, wanted: Wanted) -> Snapshot | None:
        if wanted.snapshot_id is None:
            return None
        snapshot = self._cloud.snapshots.get(wanted.snapshot_id)
        if snapshot is None:
            raise api_errors.not_found()
        return snapshot

    def _fresh(self, wanted: Wanted, region: str, size_gib: int) -> Volume:
        return Volume(
            id=str(uuid.uuid4()),
            name=wanted.name,
            region=region,
            size_gib=size_gib,
            description=wanted.description,
            filesystem_type=wanted.filesystem_type,
            filesystem_label=wanted.filesystem_label,
            created_at=self._cloud.clock.now(),
            tags=tuple(sorted(set(wanted.tags))),
        )


def _check_snapshot(snapshot: Snapshot, region: str, size_gib: int) -> None:
    if snapshot.region != region:
        raise api_errors.unprocessable("Snapshot is not available in this region")
    if size_gib < snapshot.size_gib:
        raise api_errors.unprocessable("Size can not be smaller than the snapshot's minimum disk size")
