"""Making and deleting snapshots.

The answer comes when the copy is whole, so that what is written afterwards is never in it; meanwhile everything else is
served. A crash in the middle leaves no snapshot: the client had no answer.

Source: DigitalOcean API "volumeSnapshots_create"; limits as documented (25 a volume, one every 10 minutes); the
refusal of an early one as users saw it (digitalocean/velero-plugin#6). Whether a deleted snapshot counts is believed.
"""

import uuid

from localcloud import api_errors
from localcloud.cloud import Cloud
from localcloud.state.snapshots import Snapshot
from localcloud.state.volumes import Volume


class Snapshotting:
    """Making and deleting snapshots."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._under_way: dict[str, Snapshot] = {}  # by id

    @property
    def under_way(self) -> tuple[Snapshot, ...]:
        """Return the snapshots whose copy is not whole yet."""
        return tuple(self._under_way.values())

    async def create(self, volume: Volume, name: str, tags: tuple[str, ...]) -> Snapshot:
        """Keep the volume's data as it is now. Raises Problem."""
        cloud = self._cloud
        self._check(volume, name)
        snapshot = Snapshot(str(uuid.uuid4()), name, volume.id, volume.region, volume.size_gib, cloud.clock.now())
        self._under_way[snapshot.id] = snapshot
        try:
            await cloud.disks.snapshot(volume.id, snapshot.id)
            with cloud.effect("snapshot_created", snapshot.id, volume_id=volume.id, name=name):
                cloud.snapshots.add(snapshot)
                cloud.volumes.set_last_snapshot(volume.id, snapshot.created_at)
                cloud.tags.put_on("volume_snapshot", snapshot.id, tags)
        except BaseException:
            await cloud.disks.remove_snapshot(snapshot.id)
            raise
        finally:
            del self._under_way[snapshot.id]
        return cloud.snapshots.get(snapshot.id) or snapshot  # with its tags as the cloud spells them

    async def delete(self, snapshot: Snapshot) -> None:
        """Delete a snapshot. Raises Problem."""
        cloud = self._cloud
        with cloud.effect("snapshot_deleted", snapshot.id, volume_id=snapshot.volume_id):
            cloud.snapshots.remove(snapshot.id)
            cloud.tags.forget("volume_snapshot", snapshot.id)
        await cloud.disks.remove_snapshot(snapshot.id)

    def _check(self, volume: Volume, name: str) -> None:
        """Raise the Problem that forbids a snapshot, if there is one; copies under way count as made."""
        cloud, limits = self._cloud, self._cloud.settings
        copying = [each for each in self.under_way if each.volume_id == volume.id]
        if cloud.snapshots.is_name_taken(name) or any(each.name == name for each in self.under_way):
            raise api_errors.conflict("A snapshot with the same name already exists.")
        if len(cloud.snapshots.of_volume(volume.id) + copying) >= limits.volume_snapshots:
            raise api_errors.unprocessable("snapshot limit reached for this volume")
        wait = cloud.clock.real_seconds(limits.snapshot_interval)
        newest = max([volume.last_snapshot_at or 0.0, *(each.created_at for each in copying)])
        if newest + wait > cloud.clock.now():
            raise api_errors.early_snapshot(limits.snapshot_interval)
