"""Records to CSI messages."""

from collections.abc import Sequence

from common.printable import CONDITION_BYTES, bounded
from csi_proto.csi import v1 as csi
from node.records.findings import Finding, NodeInfo, Usage

CONDITIONS = 16  # more make the API server refuse the status of the whole node
_OF_A_VOLUME = {
    "degraded": csi.VolumeHealthErrorType.DEGRADED,
    "inaccessible": csi.VolumeHealthErrorType.INACCESSIBLE,
    "data_loss": csi.VolumeHealthErrorType.DATA_LOSS,
}
_OF_THE_STORAGE = {
    "degraded": csi.StorageHealthErrorType.STORAGE_DEGRADED,
    "unreachable": csi.StorageHealthErrorType.STORAGE_UNREACHABLE,
}


def info(node: NodeInfo) -> csi.NodeGetInfoResponse:
    """Who this node is."""
    return csi.NodeGetInfoResponse(
        node_id=node.node_id,
        max_volumes_per_node=node.max_volumes,
        accessible_topology=csi.Topology(segments={node.zone_key: node.zone}),
    )


def stats(usage: Usage) -> csi.NodeGetVolumeStatsResponse:
    """How full a volume is; of a raw block device only its size is known."""
    size = csi.VolumeUsage(
        unit=csi.VolumeUsageUnit.BYTES,
        total=usage.total_bytes,
        used=usage.used_bytes,
        available=usage.available_bytes,
    )
    inodes = csi.VolumeUsage(
        unit=csi.VolumeUsageUnit.INODES,
        total=usage.total_inodes,
        used=usage.used_inodes,
        available=usage.available_inodes,
    )
    return csi.NodeGetVolumeStatsResponse(usage=[size] if usage.total_inodes == 0 else [size, inodes])


def volume_health(volume_id: str, findings: Sequence[Finding]) -> csi.NodeGetVolumeHealthResponse:
    """What is wrong with a volume; nothing, if nothing is."""
    entries = [
        csi.VolumeHealthVolumeHealthEntry(
            status=_OF_A_VOLUME[finding.severity],
            reason=finding.reason,
            message=bounded(finding.message, CONDITION_BYTES),
        )
        for finding in findings[:CONDITIONS]
    ]
    return csi.NodeGetVolumeHealthResponse(volume_health=csi.VolumeHealth(volume_id=volume_id, health_statuses=entries))


def storage_health(findings: Sequence[Finding]) -> csi.NodeGetStorageHealthResponse:
    """What is wrong with this node's storage as a whole."""
    return csi.NodeGetStorageHealthResponse(
        backend_health=[
            csi.NodeGetStorageHealthResponseStorageBackendHealth(
                status=_OF_THE_STORAGE[finding.severity],
                reason=finding.reason,
                message=bounded(finding.message, CONDITION_BYTES),
            )
            for finding in findings[:CONDITIONS]
        ]
    )
