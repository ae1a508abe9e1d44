"""Droplets made, powered off and on, and deleted; only what volumes notice of it.

Source: DigitalOcean API "droplets_create", "droplets_destroy", "dropletActions_post".
"""

from dataclasses import replace
from typing import Literal

from localcloud import api_errors
from localcloud.cloud import Cloud
from localcloud.state.actions import Action
from localcloud.state.droplets import Droplet

Power = Literal["power_off", "power_on"]


class Machines:
    """What is done to droplets."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def create(self, name: str, region: str, tags: tuple[str, ...]) -> Droplet:
        """Make an active droplet."""
        cloud = self._cloud
        now = cloud.clock.now()
        with cloud.effect("droplet_created", name, region=region):
            droplet_id = cloud.droplets.add(name, region, now)
            cloud.tags.put_on("droplet", str(droplet_id), tags)
        await cloud.disks.switch_on(droplet_id)
        return cloud.droplets.get(droplet_id) or Droplet(droplet_id, name, region, "active", now)

    async def delete(self, droplet: Droplet) -> None:
        """Delete a droplet: its volumes are detached and stay, and what is under way there ends. Raises Problem."""
        cloud = self._cloud
        now = cloud.clock.now()
        volumes = cloud.volumes.of_droplet(droplet.id)
        disks = [cloud.disk(volume) for volume in volumes]
        stays = any(rule.kind == "attachments_stay" for rule in cloud.faults.of_droplet())
        with cloud.effect("droplet_deleted", str(droplet.id), volumes=len(volumes)):
            for volume in volumes:
                if not stays:
                    cloud.volumes.set_droplet(volume.id, None)
            for action in cloud.actions.of_droplet_under_way(droplet.id):
                cloud.actions.end(action.id, "errored", now)
            cloud.actions.add(Action(0, "destroy", "completed", None, droplet.id, None, droplet.region, now, now, now))
            cloud.tags.forget("droplet", str(droplet.id))
            cloud.droplets.remove(droplet.id)
        for disk in disks:
            if disk.droplet_id is not None:
                await cloud.disks.detach(disk)
        await cloud.disks.discard(droplet.id)

    async def power(self, droplet: Droplet, kind: Power) -> Action:
        """Switch a droplet off or on: its devices go or come, its attachments stay. Raises Problem."""
        cloud = self._cloud
        if cloud.actions.is_droplet_busy(droplet.id):
            raise api_errors.droplet_busy()
        now = cloud.clock.now()
        status = "off" if kind == "power_off" else "active"
        action = Action(0, kind, "completed", None, droplet.id, None, droplet.region, now, now, now)
        with cloud.effect(kind, str(droplet.id)):
            cloud.droplets.set_status(droplet.id, status)
            action = cloud.actions.add(action)
        await self._switch_disks(replace(droplet, status=status))
        return action

    async def _switch_disks(self, droplet: Droplet) -> None:
        cloud = self._cloud
        on = droplet.status == "active"
        await (cloud.disks.switch_on if on else cloud.disks.switch_off)(droplet.id)
        for volume in cloud.volumes.of_droplet(droplet.id):
            disk = replace(cloud.disk(volume), droplet_id=droplet.id)
            await (cloud.disks.attach if on else cloud.disks.detach)(disk)
