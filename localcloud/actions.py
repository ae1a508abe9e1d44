"""Attach, detach and resize: each an action that is promised at once and done later.

An action is a row before anything is done and ends in one transaction with its effect, so that after a kill it is
taken up where it stood. One action at a time per volume, and one event at a time per droplet.

Source: DigitalOcean API "volumeActions_post_byId"; texts as csi-digitalocean 4.16 reads them.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from localcloud import api_errors
from localcloud.cloud import Cloud
from localcloud.disks.base import DiskError
from localcloud.droplets import Machines
from localcloud.faults.rules import ActionType
from localcloud.state.actions import Action, Kind, Plan, Shown
from localcloud.state.volumes import Volume

log = logging.getLogger(__name__)


ACTION_TYPES: Mapping[Kind, ActionType] = {
    "attach_volume": "attach",
    "detach_volume": "detach",
    "resize_volume": "resize",
}


@dataclass(frozen=True)
class Fate:
    """How long an action takes, in the cloud's seconds (None: it never ends), how it ends, and how the API shows it."""

    seconds: float | None
    plan: Plan
    shown: Shown


class VolumeActions:
    """The actions on volumes."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._machines = Machines(cloud)

    def attach(self, volume: Volume | None, droplet_id: int, tags: tuple[str, ...]) -> Action:
        """Promise to attach a volume; its tags are put on at once. Raises Problem."""
        cloud = self._cloud
        droplet = cloud.droplets.get(droplet_id)
        if volume is None or droplet is None:
            raise api_errors.not_found()
        if volume.droplet_id is not None:
            raise api_errors.already_attached()
        if volume.region != droplet.region:
            raise api_errors.unprocessable("The volume and the Droplet must be in the same region")
        self._check_idle(volume.id, droplet_id)
        if len(droplet.volume_ids) >= cloud.settings.droplet_volumes:
            raise api_errors.droplet_full(cloud.settings.droplet_volumes)
        return self._promise("attach_volume", volume, droplet_id=droplet_id, tags=tags)

    def detach(self, volume: Volume | None, droplet_id: int) -> Action:
        """Promise to detach a volume from that droplet, and from no other. Raises Problem."""
        if volume is None or self._cloud.droplets.get(droplet_id) is None:
            raise api_errors.not_found()
        self._check_idle(volume.id, droplet_id)
        if volume.droplet_id != droplet_id:
            raise api_errors.not_attached()
        return self._promise("detach_volume", volume, droplet_id=droplet_id)

    def resize(self, volume: Volume | None, size_gib: int) -> Action:
        """Promise to grow a volume. Raises Problem."""
        if volume is None:
            raise api_errors.not_found()
        if size_gib <= volume.size_gib:
            raise api_errors.unprocessable("New size must be greater than the current size of the volume")
        if size_gib > self._cloud.settings.largest_volume_gib:
            raise api_errors.unprocessable(f"Size must be at most {self._cloud.settings.largest_volume_gib} GB")
        self._check_idle(volume.id, volume.droplet_id)
        return self._promise("resize_volume", volume, droplet_id=volume.droplet_id, size_gib=size_gib)

    def resume(self) -> None:
        """Take up the actions that were under way when the last process ended."""
        for action in self._cloud.actions.under_way():
            self._cloud.tasks.start(self._run(action), f"action {action.id}")

    def _check_idle(self, volume_id: str, droplet_id: int | None) -> None:
        if droplet_id is not None and self._cloud.actions.is_droplet_busy(droplet_id):
            raise api_errors.droplet_busy()
        if self._cloud.actions.is_volume_busy(volume_id):
            raise api_errors.volume_busy()

    def _promise(
        self,
        kind: Kind,
        volume: Volume,
        *,
        droplet_id: int | None,
        size_gib: int | None = None,
        tags: tuple[str, ...] = (),
    ) -> Action:
        cloud = self._cloud
        now, fate = cloud.clock.now(), self._fate(kind)
        ends_at = None if fate.seconds is None else now + cloud.clock.real_seconds(fate.seconds)
        action = Action(
            id=0,
            kind=kind,
            status="in-progress",
            volume_id=volume.id,
            droplet_id=droplet_id,
            size_gib=size_gib,
            region=volume.region,
            started_at=now,
            ends_at=ends_at,
            plan=fate.plan,
            shown=fate.shown,
        )
        with cloud.effect("action_started", volume.id, type=kind, droplet_id=droplet_id):
            action = cloud.actions.add(action)
            cloud.tags.put_on("volume", volume.id, tags)
        cloud.tasks.start(self._run(action), f"action {action.id}")
        return action

    def _fate(self, kind: Kind) -> Fate:
        """Say how long an action takes and how it ends: as usual, or as the faults want it."""
        cloud = self._cloud
        rules = {rule.kind: rule for rule in cloud.faults.of_action(ACTION_TYPES[kind])}
        latency = rules["action_latency"].latency if "action_latency" in rules else cloud.settings.action_latency
        plan: Plan = "completed"
        if "action_error" in rules:
            plan = "errored"
        elif "droplet_vanishes" in rules:
            plan = "droplet_vanishes"
        shown: Shown = "as_it_is"
        if "action_forgotten" in rules:
            shown = "never"
        elif "action_unseen" in rules:
            shown = "in_progress"
        return Fate(None if "action_stuck" in rules else latency.draw(cloud.dice), plan, shown)

    async def _run(self, action: Action) -> None:
        """Carry an action out when its time has come."""
        if action.ends_at is None:  # it never ends
            return
        await self._cloud.clock.sleep_until(action.ends_at)
        try:
            await self._do(action)
        except DiskError as error:
            log.exception("action %d (%s) of volume %s failed", action.id, action.kind, action.volume_id)
            self._end_badly(action, str(error))

    async def _do(self, action: Action) -> None:
        if action.plan == "droplet_vanishes" and (droplet := self._cloud.droplets.get(action.droplet_id or 0)):
            await self._machines.delete(droplet)
        if not self._is_under_way(action):  # it ended with its droplet
            return
        volume = self._cloud.volumes.get(action.volume_id or "")
        if action.plan == "errored":
            self._end_badly(action, "a fault")
        elif volume is None:
            self._end_badly(action, "the volume is gone")
        elif action.kind == "attach_volume":
            await self._do_attach(action, volume)
        elif action.kind == "detach_volume":
            await self._do_detach(action, volume)
        else:
            await self._do_resize(action, volume)

    async def _do_attach(self, action: Action, volume: Volume) -> None:
        cloud = self._cloud
        disk = cloud.disk(replace(volume, droplet_id=action.droplet_id))
        if disk.droplet_id is not None:
            await cloud.disks.attach(disk)
        if not self._is_under_way(action):  # it ended with its droplet, which was deleted meanwhile
            if disk.droplet_id is not None:
                await cloud.disks.detach(disk)
            return
        with cloud.effect("attached", volume.id, droplet_id=action.droplet_id, action_id=action.id):
            cloud.volumes.set_droplet(volume.id, action.droplet_id)
            cloud.actions.end(action.id, "completed", cloud.clock.now())

    async def _do_detach(self, action: Action, volume: Volume) -> None:
        cloud = self._cloud
        disk = cloud.disk(volume)
        if disk.droplet_id is not None:
            await cloud.disks.detach(disk)
        if not self._is_under_way(action):
            return
        with cloud.effect("detached", volume.id, droplet_id=action.droplet_id, action_id=action.id):
            cloud.volumes.set_droplet(volume.id, None)
            cloud.actions.end(action.id, "completed", cloud.clock.now())

    async def _do_resize(self, action: Action, volume: Volume) -> None:
        cloud = self._cloud
        size_gib = max(volume.size_gib, action.size_gib or 0)
        await cloud.disks.resize(volume.id, size_gib)
        with cloud.effect("resized", volume.id, size_gib=size_gib, action_id=action.id):
            cloud.volumes.set_size(volume.id, size_gib)
            cloud.actions.end(action.id, "completed", cloud.clock.now())

    def _is_under_way(self, action: Action) -> bool:
        now = self._cloud.actions.get(action.id)
        return now is not None and now.status == "in-progress"

    def _end_badly(self, action: Action, reason: str) -> None:
        with self._cloud.effect("action_errored", action.volume_id or "", action_id=action.id, reason=reason):
            self._cloud.actions.end(action.id, "errored", self._cloud.clock.now())
