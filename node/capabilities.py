"""What the node service offers: NodeGetCapabilities."""

from csi_proto.csi import v1 as csi

Capabilities = csi.NodeServiceCapabilityRpcType

CAPABILITIES = (
    Capabilities.STAGE_UNSTAGE_VOLUME,
    Capabilities.GET_VOLUME_STATS,
    Capabilities.EXPAND_VOLUME,
    Capabilities.SINGLE_NODE_MULTI_WRITER,
    Capabilities.GET_VOLUME_HEALTH,
    Capabilities.GET_STORAGE_HEALTH,
)


def offered() -> csi.NodeGetCapabilitiesResponse:
    """What this node service offers."""
    return csi.NodeGetCapabilitiesResponse(
        capabilities=[
            csi.NodeServiceCapability(rpc=csi.NodeServiceCapabilityRpc(type=capability)) for capability in CAPABILITIES
        ]
    )
