"""What the domain modules of the controller share: one of each in a process."""

from dataclasses import dataclass

from common.commit import Commits
from common.locks import Locks
from controller.actions import Actions
from controller.cloud.base import Cloud
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


def join(cloud: Cloud, commits: Commits, pressure: Pressure) -> Parts:
    """Make the parts of a controller on that cloud."""
    locks, memory, feed = Locks(), Memory(), Feed(cloud, commits, pressure)
    return Parts(cloud, commits, locks, memory, feed, Actions(cloud, feed, commits, locks, memory))
