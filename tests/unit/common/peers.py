"""A server, and peers that break its rules."""

from common.grpc_connection import Connection
from csi_proto.csi import v1 as csi
from tests.unit.common.serving import Served

VOLUME = csi.DeleteVolumeRequest(volume_id="v")


def connections(served: Served) -> list[Connection]:
    return list(served.server._connections)
