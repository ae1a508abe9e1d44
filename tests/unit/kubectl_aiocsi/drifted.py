"""Volumes of which cluster and cloud tell otherwise."""

from kubectl_aiocsi.records import Json
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.ways import Way, merge
from tests.unit.kubectl_aiocsi.world import ago, cloud_has

LEFT: Json = {"id": "left", "name": "pvc-left", "node_ids": []}


def left_volume(server: ApiServer) -> None:
    cloud_has(server, LEFT)


def gone_volume(server: ApiServer) -> None:
    cloud_has(server, {"id": "another", "tags": []}, drop=True)


def smaller(server: ApiServer) -> None:
    merge(server.get("persistentvolumes", "pv-orders"), spec={"capacity": {"storage": "20Gi"}})


def on_another_droplet(server: ApiServer) -> None:
    server.drop("volumeattachments")


def on_a_strange_droplet(server: ApiServer) -> None:
    cloud_has(server, {"node_ids": ["1", "999"]}, drop=True)


def on_no_droplet(server: ApiServer) -> None:
    cloud_has(server, {"node_ids": []}, drop=True)


def released(server: ApiServer) -> None:
    merge(server.get("persistentvolumes", "pv-orders"), status={"phase": "Released"})


def unused(server: ApiServer) -> None:
    condition = {"type": "Unused", "status": "True", "lastTransitionTime": ago(60 * 24 * 40)}
    merge(server.get("persistentvolumeclaims", "orders"), status={"conditions": [condition]})


DRIFTS = {
    "volume-without-pv": left_volume,
    "pv-without-volume": gone_volume,
    "size-differs": smaller,
    "attached-unknown": on_another_droplet,
    "attached-missing": on_no_droplet,
    "released-pv": released,
    "claim-unused": unused,
}


def compared(make: Way) -> Way:
    """Let the controller know of the cloud's volumes, and then a cluster differ."""

    def make_both(server: ApiServer) -> None:
        cloud_has(server)
        make(server)

    return make_both
