"""Tags put on volumes, snapshots and droplets, and taken off.

Source: DigitalOcean API "tags_assign_resources", "tags_unassign_resources" (404 until the tag exists), "tags_create"
(names are case stable: only the first spelling is found).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from localcloud import api_errors
from localcloud.cloud import Cloud
from localcloud.state.tags import Tag


@dataclass(frozen=True)
class Resource:
    """Something that can carry a tag: its type (droplet, image, volume, volume_snapshot) and id."""

    type: str
    id: str


class Tagging:
    """What is done with tags."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def create(self, name: str) -> Tag:
        """Make a tag; one that is there is returned as it is, in its first spelling."""
        with self._cloud.effect("tag_created", name):
            canonical = self._cloud.tags.add(name)
        return self._cloud.tags.get(canonical)

    def get(self, name: str) -> Tag:
        """Return a tag. Raises Problem."""
        if not self._cloud.tags.exists(name):
            raise api_errors.not_found()
        return self._cloud.tags.get(name)

    def delete(self, name: str) -> None:
        """Delete a tag and take it off everything. Raises Problem."""
        self.get(name)
        with self._cloud.effect("tag_deleted", name):
            self._cloud.tags.remove(name)

    def put_on(self, name: str, resources: Iterable[Resource]) -> None:
        """Put a tag on resources, all or none. Raises Problem."""
        wanted = self._existing(name, resources)
        with self._cloud.effect("tagged", name, resources=len(wanted)):
            for each in wanted:
                self._cloud.tags.put_on(each.type, each.id, [name])

    def take_off(self, name: str, resources: Iterable[Resource]) -> None:
        """Take a tag off resources, all or none. Raises Problem."""
        wanted = self._existing(name, resources)
        with self._cloud.effect("untagged", name, resources=len(wanted)):
            for each in wanted:
                self._cloud.tags.take_off(each.type, each.id, name)

    def _existing(self, name: str, resources: Iterable[Resource]) -> list[Resource]:
        self.get(name)
        wanted = list(resources)
        if not all(self._exists(each) for each in wanted):
            raise api_errors.not_found()
        return wanted

    def _exists(self, resource: Resource) -> bool:
        cloud = self._cloud
        if resource.type == "volume":
            return cloud.volumes.get(resource.id) is not None
        if resource.type == "volume_snapshot":
            return cloud.snapshots.get(resource.id) is not None
        if resource.type == "droplet":
            is_id = resource.id.isascii() and resource.id.isdecimal() and len(resource.id) < 19
            return is_id and cloud.droplets.get(int(resource.id)) is not None
        return False
