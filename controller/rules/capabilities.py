"""Which ways to use a volume the cloud can provide: a volume is attached to one server at a time.

Source: CSI 1.13 "VolumeCapability".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.records import AccessType

FILE_SYSTEMS = ("", "ext3", "ext4", "xfs", "btrfs")  # empty: the node's default
SINGLE_NODE = frozenset(
    {"SINGLE_NODE_WRITER", "SINGLE_NODE_READER_ONLY", "SINGLE_NODE_SINGLE_WRITER", "SINGLE_NODE_MULTI_WRITER"}
)
LONGEST_FLAG = 128


@dataclass(frozen=True)
class Capability:
    """One way to use a volume; ``mode`` is the name of the access mode in CSI, ``access`` None if none was named."""

    mode: str
    access: AccessType | None
    fs_type: str = ""
    mount_flags: tuple[str, ...] = ()


def problem(capability: Capability) -> str:
    """Say what is wrong with a capability; empty if the driver can provide it."""
    if capability.access is None:
        return "a volume capability names neither mount nor block"
    if capability.mode not in SINGLE_NODE:
        return f"access mode {capability.mode or 'of none'} is not offered: a volume is attached to one node at a time"
    if capability.fs_type not in FILE_SYSTEMS:
        return f"unknown file system {capability.fs_type[:40]!r}: {', '.join(FILE_SYSTEMS[1:])} are offered"
    odd = next((flag for flag in capability.mount_flags if _is_odd(flag)), None)
    return f"mount flag {odd[:40]!r} is refused: one option, without commas" if odd is not None else ""


def first_problem(capabilities: Sequence[Capability]) -> str:
    """Say what is wrong with the first capability that is; empty if all can be provided."""
    return next((text for text in map(problem, capabilities) if text), "")


def _is_odd(flag: str) -> bool:
    refused = not flag or len(flag) > LONGEST_FLAG or "," in flag or not flag.isprintable() or " " in flag
    return refused or flag in {"remount", "bind", "rbind", "move"}
