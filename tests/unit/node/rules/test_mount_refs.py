"""Which mounts of a volume are uses of it."""

import pytest

from node.rules import mount_refs

ROOT, BOUND = "/var/lib/kubelet", "/data/kubelet"
OLD, NEW = "/plugins/kubernetes.io/csi/pv/pvc-1/globalmount", "/plugins/kubernetes.io/csi/dobs.example/0abc/globalmount"
POD = "/pods/1-2/volumes/kubernetes.io~csi/pvc-1/mount"
SUBPATH = "/pods/1-2/volume-subpaths/pvc-1/app/0"


@pytest.mark.parametrize(
    ("points", "uses", "stagings"),
    [
        pytest.param([ROOT + NEW], [], [], id="itself"),
        pytest.param([ROOT + NEW, BOUND + NEW], [], [], id="itself under the other path of kubelet's directory"),
        pytest.param([ROOT + NEW, ROOT + OLD], [], [ROOT + OLD], id="staged by an older kubelet, too"),
        pytest.param([ROOT + NEW, "/else/where"], [], ["/else/where"], id="staged at a path that only we know"),
        pytest.param([ROOT + NEW, ROOT + POD], [ROOT + POD], [], id="published"),
        pytest.param([ROOT + NEW, ROOT + SUBPATH], [ROOT + SUBPATH], [], id="a subpath that was left"),
        pytest.param([ROOT + NEW, "/mnt"], ["/mnt"], [], id="mounted by a person"),
        pytest.param([ROOT + NEW, "/mnt/globalmount"], ["/mnt/globalmount"], [], id="a name alone is no staging path"),
    ],
)
def test_the_mounts_of_a_staged_volume(points: list[str], uses: list[str], stagings: list[str]) -> None:
    known = (ROOT + NEW, "/else/where")
    assert mount_refs.uses(points, known, ROOT + NEW) == uses
    assert mount_refs.other_stagings(points, known, ROOT + NEW) == stagings


def test_a_publish_is_not_another_one_under_the_other_path_of_kubelets_directory() -> None:
    points = [ROOT + NEW, ROOT + POD, BOUND + POD, ROOT + POD.replace("1-2", "3-4")]
    assert mount_refs.uses(points, (ROOT + NEW,), ROOT + POD) == [ROOT + POD.replace("1-2", "3-4")]


def test_a_part_of_kubelets_own_directory_may_be_named_as_one_in_it() -> None:
    below = "/srv/pods/kubelet"
    points = [below + NEW, ROOT + NEW, below + POD, ROOT + POD]
    assert mount_refs.uses(points, (below + NEW,), below + NEW) == [below + POD, ROOT + POD]
    assert mount_refs.other_stagings(points, (below + NEW,), below + NEW) == []
    assert mount_refs.uses(points, (below + NEW,), below + POD) == []
