"""Volumes of which cluster and cloud tell otherwise."""

from kubectl_aiocsi.records import Json
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.world import cloud_has

LEFT: Json = {"id": "left", "name": "pvc-left", "node_ids": []}


def left_volume(server: ApiServer) -> None:
    cloud_has(server, LEFT)
