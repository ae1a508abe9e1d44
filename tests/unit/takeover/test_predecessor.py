"""What of a PersistentVolume of csi-digitalocean aiocsi refuses, and what is saved of an object."""

import pytest

from kubectl_aiocsi.records import Object
from takeover import predecessor


def volume(**spec: object) -> Object:
    return Object({"metadata": {"name": "pv"}, "spec": {"accessModes": ["ReadWriteOnce"], "csi": {}, **spec}})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(volume(), "", id="nothing"),
        pytest.param(volume(mountOptions=["noatime,discard"]), "", id="a list by commas"),
        pytest.param(volume(mountOptions=["exotic"]), "exotic", id="a mount option"),
        pytest.param(volume(accessModes=["ReadWriteMany"]), "access mode ReadWriteMany", id="several nodes"),
        pytest.param(volume(csi={"fsType": "ntfs"}), "file system ntfs", id="a file system"),
        pytest.param(volume(volumeMode="Block", mountOptions=["exotic"]), "", id="a raw block volume"),
    ],
)
def test_what_aiocsi_refuses_is_said_before(found: Object, said: str) -> None:
    told = list(predecessor.refused(found))
    assert (len(told), said in "".join(told)) == (bool(said), True)


def test_an_object_is_saved_without_what_the_cluster_put_into_it() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "kept"}
    metadata = {"name": "x", "uid": "1", "resourceVersion": "2", "annotations": annotations}
    found: dict[str, object] = {"kind": "DaemonSet", "metadata": metadata, "spec": {}, "status": {"ready": 1}}
    saved = {"kind": "DaemonSet", "metadata": {"name": "x", "annotations": {"mine": "kept"}}, "spec": {}}
    assert predecessor.applicable(found) == saved
    assert "uid" in metadata, "the object itself stays as it is"
