"""Nodes as the warden sees them."""

from warden.records import NodeRecord

DRIVER = "block.example.com"


def node(name: str = "n1", **fields: object) -> NodeRecord:
    return NodeRecord(name, "u", "7", **{"ready": False, "changed": "t", **fields})  # type: ignore[arg-type]


WELL = [node(name, ready=True) for name in "abc"]
