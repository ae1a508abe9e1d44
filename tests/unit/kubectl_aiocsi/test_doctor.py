"""The checks, where the table of breakages does not go: rights, what is not ours, what has only begun."""

import pytest

from kubectl_aiocsi.records import DEFAULT_DRIVER, DRIVER_LABEL, Json, Object
from kubectl_aiocsi.rules.doctor import CHECKS, EXPLAINED_BY
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.ways import (
    attaching,
    controllers_say,
    growth_on_node,
    growth_refused,
    merge,
    refused,
    snapshot_waits,
    taint_forgotten,
    unready,
    volume_left,
)
from tests.unit.kubectl_aiocsi.world import (
    METRICS,
    ago,
    answers,
    event,
    healthy,
    made,
    metadata,
    unbound,
)

COMPONENT = "app.kubernetes.io/component"


async def found(server: ApiServer) -> set[str]:
    return set((await ask(server, "doctor", "-o", "json")).found())


def young(one: Json) -> None:
    one["metadata"] = {**metadata(Object(one)), "creationTimestamp": ago(1)}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "plural", ["nodes", "events", "leases", "pods", "clusterroles", "persistentvolumeclaims", "csidrivers"]
)
async def test_a_check_that_lacks_a_right_says_so_and_the_others_are_done(plural: str) -> None:
    server = healthy()
    volume_left(server)
    server.forbidden.add(plural)
    answer = await ask(server, "doctor", "-o", "json")
    skipped = [each for each in answer.json.each("checks") if each.text("status") == "SKIPPED"]
    assert skipped
    assert all(f'cannot list resource "{plural}"' in each.text("skipped") for each in skipped)
    assert set(answer.found()) == (set() if plural == "events" else {"pv-released"})
    assert "SKIPPED " in (await ask(server, "doctor")).text


@pytest.mark.asyncio
async def test_the_text_shows_the_worst_first_and_what_to_type() -> None:
    server = healthy()
    taint_forgotten(server)
    attaching("there is no volume 1cdb")(server)
    lines = (await ask(server, "doctor")).text.splitlines()
    assert [line[:8] for line in lines if not line.startswith(" ")] == ["CRITICAL", "WARNING ", "CRITICAL"]
    assert any("next: kubectl taint node two" in line for line in lines)
    assert lines[-1].endswith(f"of {len(CHECKS)} checks are well")


@pytest.mark.asyncio
async def test_a_set_of_nodes_is_a_part_of_the_node_service() -> None:
    server = healthy()
    for each in (*server.objects["daemonsets"], *server.objects["pods"]):
        about = metadata(Object(each))
        if Object(each).label(COMPONENT) == "node":
            about["labels"] = {COMPONENT: "node-large", DRIVER_LABEL: DEFAULT_DRIVER}
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_many_findings_of_one_check_are_counted_in_the_text() -> None:
    server = healthy()
    for _ in range(7):
        volume_left(server)
    assert "and 2 more" in (await ask(server, "doctor")).text


@pytest.mark.asyncio
async def test_what_has_only_begun_is_no_finding() -> None:
    server = healthy()
    young(unbound(server))
    attachment = made("VolumeAttachment", "csi-9", minutes=1, spec={"attacher": DEFAULT_DRIVER, "nodeName": "one"})
    server.add("volumeattachments", attachment)
    server.add(
        "nodes", {**made("Node", "new", minutes=1), "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    )
    snapshot_waits("")(server)
    young(server.get("volumesnapshots", "nightly"))
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_a_node_that_the_node_service_is_kept_off_is_not_missed() -> None:
    server = healthy()
    server.drop("csinodes", "one")
    server.drop("volumeattachments")
    server.drop("pods", "aiocsi-node-0")
    assert "csinode-missing" in await found(server)
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["one"]}]}
    merge(server.get("nodes", "one"), metadata={"labels": {"kubernetes.io/hostname": "one"}})
    affinity = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [here]}}
    spec = {"template": {"spec": {"affinity": {"nodeAffinity": affinity}}}}
    merge(server.get("daemonsets", "aiocsi-node"), spec=spec)
    assert "csinode-missing" not in await found(server)


@pytest.mark.asyncio
async def test_what_is_of_another_driver_is_left_alone() -> None:
    server = healthy()
    volume_left(server)
    merge(server.get("persistentvolumes", "pv-left"), spec={"csi": {"driver": "other.example.com"}})
    server.add("volumeattachments", made("VolumeAttachment", "csi-9", spec={"attacher": "other.example.com"}))
    snapshot_waits("")(server)
    merge(server.get("volumesnapshots", "nightly"), spec={"source": {"persistentVolumeClaimName": "elsewhere"}})
    growth_refused(server)
    merge(server.get("persistentvolumes", "pv-orders"), spec={"csi": {"driver": "other.example.com"}})
    server.add("leases", made("Lease", "other-example-com", "kube-system", spec={"holderIdentity": "x"}))
    server.add("leases", made("Lease", "dobs-csi-digitalocean-com", "of-before", spec={"holderIdentity": "x"}))
    server.drop("volumeattachments", "csi-1")
    subjects = [{"kind": "ServiceAccount", "namespace": "other", "name": "other"}]
    server.add("clusterrolebindings", made("ClusterRoleBinding", "other", subjects=subjects))
    assert await found(server) == set()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("said", "is_absent"),
    [
        ('MountVolume.SetUp failed for volume "token" : secret "digitalocean" not found', True),
        ('MountVolume.SetUp failed for volume "token" : references non-existent secret key: access-token', True),
        ("Error: couldn't find key access-token in Secret kube-system/digitalocean", True),
        ('volume "token" : failed to sync secret cache: timed out waiting for the condition', False),
        ("Readiness probe failed", False),
    ],
)
async def test_only_a_secret_that_is_not_there_is_one_that_is_missing(said: str, is_absent: bool) -> None:
    server = healthy()
    unready(server, "aiocsi-controller-0")
    server.add("events", event(server.get("pods", "aiocsi-controller-0"), "FailedMount", said))
    assert ("token-secret" in await found(server)) is is_absent


@pytest.mark.asyncio
async def test_a_final_refusal_is_told_at_once() -> None:
    server = healthy()
    attaching(refused("FailedPrecondition", "AIOCSI-C040: volume 1 is attached to node 102"), minutes=0.2)(server)
    merge(server.get("volumeattachments", "csi-1"), metadata={"creationTimestamp": ago(0.2)})
    assert await found(server) == {"attached-elsewhere"}


@pytest.mark.asyncio
async def test_a_claim_that_waits_for_a_volume_made_by_hand_is_left_alone() -> None:
    server = healthy()
    unbound(server)["spec"] = {"storageClassName": ""}
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_a_claim_whose_class_is_gone_is_of_the_provisioner_that_it_names() -> None:
    server = healthy()
    claim = unbound(server)
    claim["spec"] = {"storageClassName": "gone"}
    assert await found(server) == {"class-missing"}
    merge(claim, metadata={"annotations": {"volume.kubernetes.io/storage-provisioner": "other.example.com"}})
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_a_claim_that_waits_for_its_first_pod_is_left_alone() -> None:
    server = healthy()
    unbound(server)["metadata"] = {"name": "orders", "namespace": "shop", "creationTimestamp": ago(60)}
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_the_snapshotter_s_own_words_are_told() -> None:
    server = healthy()
    snapshot_waits("")(server)
    reference = {"driver": DEFAULT_DRIVER, "volumeSnapshotRef": {"uid": "uid-nightly"}}
    status = {"error": {"message": "too many snapshots"}}
    server.add("volumesnapshotcontents", made("VolumeSnapshotContent", "content", spec=reference, status=status))
    assert await found(server) == {"snapshot-limit"}


@pytest.mark.asyncio
async def test_a_snapshot_that_is_ready_is_well() -> None:
    server = healthy()
    snapshot_waits("")(server)
    server.get("volumesnapshots", "nightly")["status"] = {"readyToUse": True}
    assert await found(server) == set()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("version", "is_tried"), [("v1.33.9", 0), ("v1.34.0", 1), ("v1.37.2+k3s1", 1), ("v1.38.0", 0), ("", 1)]
)
async def test_a_version_of_kubernetes_that_was_not_tried_is_a_warning(version: str, is_tried: int) -> None:
    server = healthy()
    server.texts["/version"] = (200, f'{{"gitVersion": "{version}"}}')
    assert await found(server) == (set() if is_tried else {"kubernetes-version"})


@pytest.mark.asyncio
async def test_a_replica_that_was_never_answered_tells_nothing_of_the_rate_limit() -> None:
    server = healthy()
    answers(server, "aiocsi-controller-0", metrics="aiocsi_cloud_rate_limit_remaining 0.0\n")
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_a_change_that_was_answered_403_is_not_taken_for_a_missing_scope() -> None:
    server = healthy()
    post = 'aiocsi_cloud_requests_total{method="POST",route="/v2/volumes",status="403"} 2.0\n'
    answers(server, "aiocsi-controller-0", metrics=post + METRICS)
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_pods_that_cannot_be_asked_leave_the_other_checks_as_they_are() -> None:
    server = healthy()
    server.texts.clear()
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_a_role_for_everything_is_enough() -> None:
    server = healthy()
    for role in server.objects["clusterroles"]:
        role["rules"] = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_a_cause_hides_what_follows_from_it_and_nothing_else() -> None:
    server = healthy()
    controllers_say("the cloud refuses the API token")(server)
    taint_forgotten(server)
    assert await found(server) == {"token", "taint-stuck"}


def test_what_explains_and_is_explained_are_checks() -> None:
    ids = {check.id for check in CHECKS}
    assert len(ids) == len(CHECKS)
    assert {*EXPLAINED_BY, *(each for causes in EXPLAINED_BY.values() for each in causes)} <= ids


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "told",
    [
        "the cloud has not let the API token in yet",
        "GET /v2/account: no answer in 10 s (for 75 s)",
        "GET /v2/account: the cloud answered 503",
        "GET /v2/account: the answer was 200 (text/html): <html>, which is not the API's own",
    ],
)
async def test_each_way_in_which_the_cloud_is_away_is_known(told: str) -> None:
    server = healthy()
    controllers_say(told)(server)
    assert await found(server) == {"cloud-unreachable"}


@pytest.mark.asyncio
async def test_a_growth_of_which_no_time_is_told_is_as_old_as_its_claim() -> None:
    server = healthy()
    growth_refused(server)
    claim = server.get("persistentvolumeclaims", "orders")
    del claim["status"]["conditions"][0]["lastTransitionTime"]  # type: ignore[index]
    assert await found(server) == {"expand-stuck"}
    young(claim)
    assert await found(server) == set()


@pytest.mark.asyncio
async def test_a_growth_is_known_by_the_claim_s_resources_alone() -> None:
    server = healthy()
    growth_on_node(server)
    status = {"phase": "Bound", "allocatedResourceStatuses": {"storage": "NodeResizePending"}}
    server.get("persistentvolumeclaims", "orders")["status"] = status
    assert await found(server) == {"expand-stuck"}
