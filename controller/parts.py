"""What the domain modules of the controller share: one of each in a process."""

from dataclasses import dataclass

from common.commit import Commits
from common.locks import Locks
from controller.actions import Actions
from controller.cloud.base import Cloud, Gone, Volume
from controller.cloud.feed import Feed, Pressure
from controller.memory import Memory


@dataclass(frozen=True)
class Parts:
    """The cloud, what is known of it, what is under way, and who works on what."""

    cloud: Cloud
    commits: Commits
    locks: Locks
    memory: Memory
    feed: Feed
    actions: Actions

    async def look(self, volume_id: str) -> Volume:
        """Read a volume, as it is in the cloud. Raises Gone."""
        try:
            return self.memory.see(await self.cloud.get_volume(volume_id))
        except Gone:
            self.memory.forget(volume_id)
            raise Gone(f"there is no volume {volume_id}") from None


def join(cloud: Cloud, commits: Commits, pressure: Pressure) -> Parts:
    """Make the parts of a controller on that cloud."""
    locks, memory, feed = Locks(), Memory(), Feed(cloud, commits, pressure)
    return Parts(cloud, commits, locks, memory, feed, Actions(cloud, feed, commits, locks, memory))
