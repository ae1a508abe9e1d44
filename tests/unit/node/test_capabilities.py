"""What the node service offers is what it has."""

from csi_proto.csi import v1 as csi
from node import capabilities
from node.service import Node

RPCS = {
    "STAGE_UNSTAGE_VOLUME": "node_stage_volume",
    "GET_VOLUME_STATS": "node_get_volume_stats",
    "EXPAND_VOLUME": "node_expand_volume",
    "GET_VOLUME_HEALTH": "node_get_volume_health",
    "GET_STORAGE_HEALTH": "node_get_storage_health",
    "SINGLE_NODE_MULTI_WRITER": "node_publish_volume",
}


def test_each_rpc_that_is_offered_is_implemented() -> None:
    offered = {each.rpc.type.name for each in capabilities.offered().capabilities if each.rpc}
    assert offered == RPCS.keys()
    assert [rpc for rpc in RPCS.values() if getattr(Node, rpc) is getattr(csi.NodeBase, rpc)] == []
