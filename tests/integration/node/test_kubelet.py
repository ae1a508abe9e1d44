"""What kubelet expects of the node, on real disks."""

import uuid
from pathlib import Path

import pytest
from grpclib.const import Status

from csi_proto.csi import v1 as csi
from tests.harness.kubelet_table import FILE_SYSTEMS, TABLE, Row
from tests.harness.kubelets_node import refusal
from tests.integration.node.real_node import RealNode


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_kubelet_gets_what_it_expects(disk_folder: Path, row: Row) -> None:
    with RealNode(disk_folder / f"kubelet-{uuid.uuid4().hex[:8]}", row.fs_type, formatted=row.formatted) as node:
        row.check(node)


@pytest.mark.parametrize("fs_type", FILE_SYSTEMS)
def test_what_is_dead_has_no_figures_and_is_not_well(disk_folder: Path, fs_type: str) -> None:
    with RealNode(disk_folder / f"dead-{uuid.uuid4().hex[:8]}", fs_type, formatted=True) as node:
        node.stage()
        node.publish("first")
        asked = node.asked("first")

        def figures() -> csi.NodeGetVolumeStatsResponse:
            return node.call(asked.stats(), csi.NodeGetVolumeStatsResponse)

        def ills() -> set[str]:
            reply = node.call(asked.health(), csi.NodeGetVolumeHealthResponse)
            assert reply.volume_health is not None
            return {each.reason for each in reply.volume_health.health_statuses}

        assert (figures().usage[0].total > 0, ills()) == (True, set())
        node.die()
        status, message = refusal(figures)
        assert (status, "is dead at" in message, "pod with uid first" in message) == (Status.UNAVAILABLE, True, True)
        assert ills() & {"FilesystemDead", "FilesystemReadOnly"}
