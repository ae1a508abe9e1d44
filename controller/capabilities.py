"""What the controller offers: ControllerGetCapabilities."""

from csi_proto.csi import v1 as csi

Rpc = csi.ControllerServiceCapabilityRpcType

OFFERED = (
    Rpc.CREATE_DELETE_VOLUME,
    Rpc.PUBLISH_UNPUBLISH_VOLUME,
    Rpc.LIST_VOLUMES,
    Rpc.LIST_VOLUMES_PUBLISHED_NODES,
    Rpc.GET_CAPACITY,
    Rpc.CREATE_DELETE_SNAPSHOT,
    Rpc.LIST_SNAPSHOTS,
    Rpc.GET_SNAPSHOT,
    Rpc.CLONE_VOLUME,
    Rpc.EXPAND_VOLUME,
    Rpc.GET_VOLUME,
    Rpc.SINGLE_NODE_MULTI_WRITER,
    Rpc.MODIFY_VOLUME,
    Rpc.GET_VOLUME_HEALTH,
    Rpc.LIST_VOLUME_HEALTH,
)
OF_SNAPSHOTS = frozenset({Rpc.CREATE_DELETE_SNAPSHOT, Rpc.LIST_SNAPSHOTS, Rpc.GET_SNAPSHOT, Rpc.CLONE_VOLUME})


def offered(*, snapshots: bool) -> csi.ControllerGetCapabilitiesResponse:
    """Say what the controller offers on a cloud that has snapshots or not."""
    kinds = OFFERED if snapshots else [kind for kind in OFFERED if kind not in OF_SNAPSHOTS]
    told = [csi.ControllerServiceCapability(rpc=csi.ControllerServiceCapabilityRpc(type=kind)) for kind in kinds]
    return csi.ControllerGetCapabilitiesResponse(capabilities=told)
