"""What the steps share: the services, the volumes, and what was written on them."""

from dataclasses import dataclass, field
from pathlib import Path

from tools.csi import kubelet
from tools.csi.client import Client
from tools.csi.life import Life
from tools.services.stack import Node, Stack


class Unexpected(Exception):
    """Something is not as it must be."""


@dataclass
class Story:
    """What the steps share: the services, a client of each, the two volumes, and what was written on them."""

    stack: Stack
    controller: Client
    clients: dict[str, Client]
    filesystem: Life = field(default_factory=lambda: Life("first-volume", kubelet.mounted("ext4")))
    raw: Life = field(default_factory=lambda: Life("raw-volume", kubelet.raw()))
    sums: dict[str, str] = field(default_factory=dict)
    synced: int = 0  # writes of which a pod was told that they are on the disk

    @property
    def volumes(self) -> tuple[Life, Life]:
        """Both volumes."""
        return (self.filesystem, self.raw)

    def client(self, node: Node) -> Client:
        """The client of that node's service."""
        return self.clients[node.name]

    def file(self, node: Node) -> Path:
        """The file on the published file system."""
        return self.filesystem.target_path(node) / "greeting"
