"""What the node tells of volumes and of itself, as frozen records."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """How full a volume is. Inodes are 0 where the file system has no fixed number of them."""

    total_bytes: int
    used_bytes: int = 0
    available_bytes: int = 0
    total_inodes: int = 0
    used_inodes: int = 0
    available_inodes: int = 0
    block: bool = False


@dataclass(frozen=True)
class Finding:
    """Something wrong with a volume, or with the storage of this node."""

    severity: str  # degraded, inaccessible, data_loss, unreachable
    reason: str  # stable, CamelCase
    message: str


@dataclass(frozen=True)
class NodeInfo:
    """NodeGetInfo."""

    node_id: str
    zone_key: str
    zone: str
    max_volumes: int
