"""What the node answers can be sent and shown, whatever a disk or a mount point is named."""

import os

import pytest

from csi_proto.csi import v1 as csi
from node import replies
from node.records.findings import Finding

FINDING = Finding("degraded", "Odd", f"seen at {os.fsdecode(b'/m')}{os.fsdecode(bytes([0xFF]))}\x1b[2J")


@pytest.mark.parametrize("letter", ["x", "ü", "\x1b"])
def test_health_is_told_within_the_limits_of_the_api_server(letter: str) -> None:
    many = [Finding("degraded", "Odd", letter * length) for length in (5, 5000)] * 20
    told = replies.volume_health("v", many).volume_health
    assert told is not None
    lengths = [len(each.message.encode()) for each in told.health_statuses]
    assert len(lengths) == 16
    assert 999 <= max(lengths) <= 1000
    assert told.health_statuses[1].message.endswith("…")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(replies.volume_health("v", [FINDING]), id="volume"),
        pytest.param(replies.storage_health([FINDING]), id="storage"),
    ],
)
def test_health_is_told_of_what_has_a_name_of_any_bytes(
    reply: csi.NodeGetVolumeHealthResponse | csi.NodeGetStorageHealthResponse,
) -> None:
    assert rb"seen at /m\xff\x1b[2J" in bytes(reply)
