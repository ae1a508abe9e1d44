"""What a request is for: the order in which requests are let through when not all can go at once."""

from enum import IntEnum


class Lane(IntEnum):
    """The lower value goes first. What frees a node goes before what fills it, what a pod waits for before lists."""

    DETACH = 0
    POLL = 1  # one request that answers for many waiters
    ATTACH = 2
    CHANGE = 3  # create, delete, resize, snapshot, labels
    READ = 4
    LIST = 5
