"""What the domain modules of the controller share: one of each in a process."""

from dataclasses import dataclass

from common.locks import Locks
from common.tasks import Tasks
from controller.actions import Actions
from controller.cache import VolumeCache
from controller.cloud.base import Cloud
from controller.cloud.records import Volume
from controller.pacing.action_poll import ActionPoll
from controller.pacing.look_price import Allowance
from controller.reading import read_volume
from controller.work_metrics import WorkMetrics


@dataclass(frozen=True)
class SharedParts:
    """The cloud, what is known of it, what is under way, and who works on what."""

    cloud: Cloud
    tasks: Tasks
    locks: Locks
    cache: VolumeCache
    action_poll: ActionPoll
    actions: Actions
    work: WorkMetrics

    async def look(self, volume_id: str) -> Volume:
        """Read a volume, as it is in the cloud. Raises Gone; OutcomeUnknown if it has become another one."""
        return await read_volume(self.cloud, self.cache, volume_id)


def make_shared(cloud: Cloud, tasks: Tasks, allowance: Allowance, work: WorkMetrics | None = None) -> SharedParts:
    """Make the parts of a controller on that cloud."""
    locks, cache, action_poll = Locks(), VolumeCache(), ActionPoll(cloud, tasks, allowance)
    work = work or WorkMetrics()
    actions = Actions(cloud, action_poll, tasks, locks, cache)
    actions.watch(work.action_ended)
    return SharedParts(cloud, tasks, locks, cache, action_poll, actions, work)
