"""The PersistentVolume is read from kubelet's paths."""

import pytest

from node.rules.kubelet_paths import persistent_volume

KUBELET = "/var/lib/kubelet"
CSI = f"{KUBELET}/plugins/kubernetes.io/csi"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{KUBELET}/pods/5b1c/volumes/kubernetes.io~csi/pv-1/mount", id="mounted for a pod"),
        pytest.param(f"{CSI}/volumeDevices/publish/pv-1/5b1c", id="raw block, for a pod"),
        pytest.param(f"{CSI}/volumeDevices/staging/pv-1", id="raw block, staged"),
        pytest.param(f"{CSI}/pv/pv-1/globalmount", id="staged by an old kubelet"),
    ],
)
def test_a_path_of_kubelet_names_the_persistent_volume(path: str) -> None:
    assert persistent_volume(["/odd", path], "pvc-1") == "pv-1"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{CSI}/dobs.csi.digitalocean.com/0a1b/globalmount", id="staged: the path has a hash"),
        pytest.param(f"{KUBELET}/pods/5b1c/volumes/kubernetes.io~csi/pv-1/mount/inside", id="inside of a volume"),
        pytest.param(f"{KUBELET}/pods/5b1c/volumes/kubernetes.io~nfs/pv-1/mount", id="another plugin's"),
    ],
)
def test_without_such_a_path_it_has_the_name_of_the_volume(path: str) -> None:
    assert persistent_volume([path], "pvc-1") == "pvc-1"
