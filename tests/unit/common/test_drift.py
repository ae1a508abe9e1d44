"""Where cluster and cloud disagree: each kind in both directions, and nothing of a list that is not known."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from common.drift import NEAR_LIMIT, judge
from common.drift_records import (
    CloudSide,
    CloudSnapshot,
    CloudVolume,
    ClusterAttachment,
    ClusterContent,
    ClusterSide,
    ClusterVolume,
    DriftKind,
    KubernetesName,
    UnusedClaim,
)

GIB, DAY = 1 << 30, 86_400.0
NOW = 1_000 * DAY
VOLUME = CloudVolume("h1", "pvc-1", "nyc1", 10 * GIB, ("101",), ("ours", "more"), 1.0)
SNAPSHOT = CloudSnapshot("s1", "h1", 10 * GIB, 1.0)
CLOUD = CloudSide((VOLUME,), (SNAPSHOT,))
ONE = ClusterVolume("v1", "h1", 10 * GIB, "Bound", "apps/data", 1.0)
ATTACHED = ClusterAttachment("va1", "v1", "101", attached=True)
CLUSTER = ClusterSide(
    NOW, [ONE], [ATTACHED], frozenset({"101", "102"}), [ClusterContent("c1", "s1", 1.0)], [], frozenset({"ours"})
)
ABOUT_V1 = KubernetesName("PersistentVolume", "", "v1")
MANY = tuple(replace(SNAPSHOT, id=f"s{number}") for number in range(1, NEAR_LIMIT + 1))

Sides = tuple[ClusterSide, CloudSide]


def attached(*volume_nodes: str, told: ClusterAttachment | None = ATTACHED) -> Sides:
    found = [] if told is None else [told]
    return replace(CLUSTER, attachments=found), replace(CLOUD, volumes=(replace(VOLUME, node_ids=volume_nodes),))


def listed(*volumes: CloudVolume) -> Sides:
    return CLUSTER, replace(CLOUD, volumes=volumes)


def claims(days: float, volume: str = "v1") -> Sides:
    return replace(CLUSTER, claims=[UnusedClaim("apps", "data", volume, NOW - days * DAY)]), CLOUD


CONTENTS = [ClusterContent(f"c{number}", each.id, 1.0) for number, each in enumerate(MANY)]
DIFFERENT: Mapping[str, tuple[DriftKind, Sides]] = {
    "a volume of ours that no object names": (
        DriftKind.VOLUME_WITHOUT_PV,
        listed(VOLUME, replace(VOLUME, id="h2", node_ids=())),
    ),
    "a volume with the cluster's tags alone": (
        DriftKind.VOLUME_WITHOUT_PV,
        listed(VOLUME, replace(VOLUME, id="h2", tags=("ours",))),
    ),
    "an object whose volume is gone": (DriftKind.PV_WITHOUT_VOLUME, listed()),
    "a smaller volume": (DriftKind.SIZE_DIFFERS, listed(replace(VOLUME, size_bytes=9 * GIB))),
    "a larger volume": (DriftKind.SIZE_DIFFERS, listed(replace(VOLUME, size_bytes=11 * GIB))),
    "a second holder": (DriftKind.ATTACHED_UNKNOWN, attached("101", "102")),
    "a holder without an attachment": (DriftKind.ATTACHED_UNKNOWN, attached("999", told=None)),
    "an attachment without a holder": (DriftKind.ATTACHED_MISSING, attached()),
    "a released volume": (
        DriftKind.RELEASED_PV,
        (replace(CLUSTER, volumes=[replace(ONE, phase="Released")]), CLOUD),
    ),
    "a claim that is not used": (DriftKind.CLAIM_UNUSED, claims(31)),
    "a content without its snapshot": (DriftKind.CONTENT_WITHOUT_SNAPSHOT, (CLUSTER, replace(CLOUD, snapshots=()))),
    "a snapshot without a content": (DriftKind.SNAPSHOT_WITHOUT_CONTENT, (replace(CLUSTER, contents=[]), CLOUD)),
    "many snapshots": (
        DriftKind.SNAPSHOTS_NEAR_LIMIT,
        (replace(CLUSTER, contents=CONTENTS), replace(CLOUD, snapshots=MANY)),
    ),
}
YOUNG = NOW - 60
EXCUSED: Mapping[str, Sides] = {
    "as it should be": (CLUSTER, CLOUD),
    "a volume that is being made": listed(VOLUME, replace(VOLUME, id="h2", created_at=YOUNG)),
    "a volume with one of two tags": (
        replace(CLUSTER, tags=frozenset({"ours", "cluster-2"})),
        replace(CLOUD, volumes=(VOLUME, replace(VOLUME, id="h2"))),
    ),
    "a volume of a cluster without tags": (
        replace(CLUSTER, tags=frozenset()),
        replace(CLOUD, volumes=(VOLUME, replace(VOLUME, id="h2"))),
    ),
    "an object that is new": (replace(CLUSTER, volumes=[replace(ONE, created_at=YOUNG)]), CloudSide(())),
    "an object that is just old enough to be known": (
        replace(CLUSTER, volumes=[replace(ONE, created_at=NOW - CLUSTER.young_seconds)]),
        CloudSide(()),
    ),
    "a size that nobody can read": (replace(CLUSTER, volumes=[replace(ONE, size_bytes=0)]), CLOUD),
    "a part of a GiB": (replace(CLUSTER, volumes=[replace(ONE, size_bytes=10 * GIB - 5)]), CLOUD),
    "an attachment that is being made": attached(told=replace(ATTACHED, attached=False)),
    "an attachment that is being undone": attached("101", told=replace(ATTACHED, attached=False)),
    "an attachment to a node without the driver": attached("999", told=replace(ATTACHED, node_id="")),
    "a claim that was used a month ago": claims(29),
    "a claim that was used 30 days ago": claims(30),
    "a claim of another driver": claims(31, "other"),
    "a content that is new": (
        replace(CLUSTER, contents=[ClusterContent("c1", "s1", YOUNG)]),
        replace(CLOUD, snapshots=()),
    ),
    "a snapshot that is being taken": (
        replace(CLUSTER, contents=[]),
        replace(CLOUD, snapshots=(replace(SNAPSHOT, created_at=YOUNG),)),
    ),
    "a snapshot of another cluster's volume": (
        CLUSTER,
        replace(CLOUD, snapshots=(SNAPSHOT, replace(SNAPSHOT, id="s2", volume_id="h9"))),
    ),
}


@pytest.mark.parametrize(("kind", "sides"), DIFFERENT.values(), ids=DIFFERENT)
def test_each_difference_is_told_as_its_kind_and_as_nothing_else(kind: DriftKind, sides: Sides) -> None:
    (found,) = judge(*sides).found
    assert found.kind is kind
    assert all((found.what, found.said, found.remove))


def test_each_difference_tells_the_object_and_the_bytes_that_it_is_about() -> None:
    told = {note: judge(*sides).found[0] for note, (_, sides) in DIFFERENT.items()}
    content = KubernetesName("VolumeSnapshotContent", "", "c1")
    assert {note: (found.about, found.size_bytes // GIB) for note, found in told.items()} == {
        "a volume of ours that no object names": (KubernetesName(), 10),
        "a volume with the cluster's tags alone": (KubernetesName(), 10),
        "an object whose volume is gone": (ABOUT_V1, 10),
        "a smaller volume": (ABOUT_V1, 1),
        "a larger volume": (ABOUT_V1, 1),
        "a second holder": (ABOUT_V1, 10),
        "a holder without an attachment": (ABOUT_V1, 10),
        "an attachment without a holder": (ABOUT_V1, 10),
        "a released volume": (ABOUT_V1, 10),
        "a claim that is not used": (KubernetesName("PersistentVolumeClaim", "apps", "data"), 10),
        "a content without its snapshot": (content, 0),
        "a snapshot without a content": (ABOUT_V1, 10),
        "many snapshots": (ABOUT_V1, 0),
    }


def test_every_kind_is_tried() -> None:
    assert {kind for kind, _ in DIFFERENT.values()} == set(DriftKind)


@pytest.mark.parametrize("sides", EXCUSED.values(), ids=EXCUSED)
def test_what_is_new_in_motion_or_not_ours_is_no_difference(sides: Sides) -> None:
    assert judge(*sides).found == ()


SNAPSHOT_KINDS = {DriftKind.CONTENT_WITHOUT_SNAPSHOT, DriftKind.SNAPSHOT_WITHOUT_CONTENT}
ATTACHED_KINDS = {DriftKind.ATTACHED_MISSING, DriftKind.ATTACHED_UNKNOWN}
VOLUME_KINDS = {DriftKind.VOLUME_WITHOUT_PV, DriftKind.PV_WITHOUT_VOLUME, DriftKind.SIZE_DIFFERS, *ATTACHED_KINDS}


@pytest.mark.parametrize(
    ("cluster", "cloud", "unjudged"),
    [
        pytest.param({}, {}, set(), id="all is known"),
        pytest.param({}, {"volumes": None}, VOLUME_KINDS, id="no volumes of the cloud"),
        pytest.param({}, {"snapshots": None}, {*SNAPSHOT_KINDS, DriftKind.SNAPSHOTS_NEAR_LIMIT}, id="no snapshots"),
        pytest.param({"contents": None}, {}, SNAPSHOT_KINDS, id="no contents"),
        pytest.param({"attachments": None}, {}, ATTACHED_KINDS, id="no attachments"),
        pytest.param({"claims": None}, {}, {DriftKind.CLAIM_UNUSED}, id="no claims"),
        pytest.param({"tags": frozenset()}, {}, {DriftKind.VOLUME_WITHOUT_PV}, id="no tags"),
    ],
)
def test_what_needs_a_list_that_is_not_known_is_not_judged(
    cluster: Mapping[str, object], cloud: Mapping[str, object], unjudged: set[DriftKind]
) -> None:
    verdict = judge(replace(CLUSTER, **cluster), replace(CLOUD, **cloud))  # type: ignore[arg-type]  # of each field's kind
    assert (verdict.found, set(DriftKind) - verdict.judged) == ((), unjudged)


def test_what_is_told_names_the_object_the_bytes_and_the_command() -> None:
    (found,) = judge(*DIFFERENT["a second holder"][1]).found
    assert (found.about, found.size_bytes) == (ABOUT_V1, 10 * GIB)
    assert (found.what, found.said) == ("volume v1", "it is on server 102")
    assert found.remove == "doctl compute volume-action detach h1 102  # once nothing there uses it"
    (strange,) = judge(*DIFFERENT["a holder without an attachment"][1]).found
    assert strange.said == "it is on server 999, which is not a node of this cluster"
    (unowned,) = judge(*DIFFERENT["a volume of ours that no object names"][1]).found
    assert (unowned.about, unowned.size_bytes) == (KubernetesName(), 10 * GIB)
    (unused,) = judge(*DIFFERENT["a claim that is not used"][1]).found
    assert unused.about == KubernetesName("PersistentVolumeClaim", "apps", "data")
    assert unused.said == "no pod has used it since 1972-08-27T00:00:00Z"
