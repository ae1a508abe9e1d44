"""The chain of pods, claims, volumes and nodes, where the table of breakages does not go."""

import pytest

from kubectl_aiocsi.records import DEFAULT_DRIVER, Json, Object
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.ways import attaching, merge, mount_kept, mounting, node_off, refused, unready
from tests.unit.kubectl_aiocsi.world import ago, event, healthy, made, metadata, pending, running, unbound

pytestmark = pytest.mark.asyncio


async def broken(server: ApiServer, *words: str) -> list[tuple[str, str]]:
    return (await ask(server, "why", *words, "-o", "json")).broken()


def claim_of(server: ApiServer) -> Json:
    return server.get("persistentvolumeclaims", "orders")


@pytest.mark.parametrize(
    "words", [["web"], ["pod", "web"], ["po/web"], ["pvc", "orders"], ["pv/pv-orders"], ["node", "one"]]
)
async def test_of_what_is_well_no_link_is_broken(words: list[str]) -> None:
    answer = await ask(healthy(), "why", *words, "-o", "json")
    assert (answer.status, set(answer.states())) == (0, {"ok"})


@pytest.mark.parametrize("words", [["nobody"], ["pvc", "nobody"], ["pv", "nobody"], ["node", "nobody"]])
async def test_what_does_not_exist_is_said(words: list[str]) -> None:
    answer = await ask(healthy(), "why", *words)
    assert answer.status == 1
    assert "there is no" in answer.errors


async def test_a_pod_without_a_claim_is_said_to_have_none() -> None:
    server = healthy()
    server.add("pods", made("Pod", "plain", "shop", status=running("a")))
    answer = await ask(server, "why", "plain")
    assert (answer.status, answer.text) == (0, "the pod uses no claim\n")


async def test_an_ephemeral_volume_has_the_claim_of_its_pod() -> None:
    server = healthy()
    spec = {"nodeName": "one", "volumes": [{"name": "scratch", "ephemeral": {}}, {"name": "empty", "emptyDir": {}}]}
    server.add("pods", made("Pod", "job", "shop", spec=spec, status=running("a")))
    server.add("persistentvolumeclaims", {**claim_of(server), "metadata": {"name": "job-scratch", "namespace": "shop"}})
    answer = await ask(server, "why", "job")
    assert "claim shop/job-scratch: bound to pv-orders" in answer.text


@pytest.mark.parametrize(
    "forbidden", ["persistentvolumeclaims", "persistentvolumes", "volumeattachments", "nodes", "csinodes"]
)
async def test_a_link_that_may_not_be_read_is_unknown_and_the_others_are_told(forbidden: str) -> None:
    server = healthy()
    server.forbidden.add(forbidden)
    answer = await ask(server, "why", "web", "-o", "json")
    assert "unknown" in answer.states()
    assert "broken" not in answer.states()
    assert "not readable: " in (await ask(server, "why", "web")).text


async def test_without_the_right_to_read_pods_of_the_driver_the_node_s_registration_is_believed() -> None:
    server = healthy()
    server.forbidden.add("pods")
    answer = await ask(server, "why", "node", "one")
    assert "Ready, and the driver is registered\n" in answer.text


async def test_a_pod_that_may_not_be_read_is_said_so() -> None:
    server = healthy()
    server.forbidden.add("pods")
    answer = await ask(server, "why", "web")
    assert "pods is forbidden" in answer.errors


async def test_a_claim_that_a_pod_names_and_nobody_made() -> None:
    server = healthy()
    server.drop("persistentvolumeclaims")
    assert await broken(server, "web") == [("claim", "claim-stuck")]


async def test_a_claim_without_a_class_where_none_is_the_default() -> None:
    server = healthy()
    unbound(server)["spec"] = {}
    assert await broken(server, "pvc", "orders") == [("claim", "class-missing")]


async def test_a_claim_of_another_driver_s_class_is_said_to_be_that() -> None:
    server = healthy()
    unbound(server)["spec"] = {"storageClassName": "nfs"}
    server.add("storageclasses", made("StorageClass", "nfs", provisioner="nfs.csi.example.com"))
    assert await broken(server, "pvc", "orders") == [("claim", "not-ours")]


async def test_a_claim_waits_while_classes_may_not_be_read() -> None:
    server = healthy()
    unbound(server)
    server.forbidden.add("storageclasses")
    assert await broken(server, "pvc", "orders") == [("claim", "claim-stuck")]


async def test_a_claim_that_is_being_deleted_names_its_finalizers() -> None:
    server = healthy()
    merge(claim_of(server), metadata={"deletionTimestamp": ago(3), "finalizers": ["kubernetes.io/pvc-protection"]})
    answer = await ask(server, "why", "pvc", "orders")
    assert "waits for kubernetes.io/pvc-protection" in answer.text
    assert "since 3m [claim-deleting]" in answer.text
    assert (await ask(server, "doctor", "-o", "json")).found() == {}


async def test_a_claim_that_no_pod_uses_ends_with_its_volume() -> None:
    server = healthy()
    server.drop("pods", "web")
    server.add("pods", made("Pod", "plain", "shop", status=running("a")))
    answer = await ask(server, "why", "pvc", "orders")
    assert answer.status == 0
    assert "claim shop/orders, used by no pod" in answer.text


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_a_pod_that_has_ended_does_not_count_as_a_user(phase: str) -> None:
    server = healthy()
    server.get("pods", "web")["status"] = {"phase": phase}
    assert "used by no pod" in (await ask(server, "why", "pvc", "orders")).text


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        pytest.param({"spec": {"csi": {"driver": "other.example.com"}}}, "not-ours", id="of another driver"),
        pytest.param({"status": {"phase": "Failed"}}, "pv-released", id="failed"),
        pytest.param(
            {"metadata": {"deletionTimestamp": ago(9), "finalizers": ["external-attacher/x"]}},
            "pv-deleting",
            id="deleting",
        ),
    ],
)
async def test_a_volume_that_is_not_well(change: Json, cause: str) -> None:
    server = healthy()
    merge(server.get("persistentvolumes", "pv-orders"), **change)
    assert await broken(server, "pv", "pv-orders") == [("volume", cause)]


async def test_a_claim_whose_volume_object_was_deleted() -> None:
    server = healthy()
    server.drop("persistentvolumes")
    assert await broken(server, "web") == [("volume", "claim-lost")]


async def test_a_volume_that_is_left_over_and_still_attached_shows_where() -> None:
    server = healthy()
    server.drop("persistentvolumeclaims")
    answer = await ask(server, "why", "pv", "pv-orders")
    assert "attachment csi-1: attached to one" in answer.text


async def test_a_volume_that_nobody_asks_to_attach() -> None:
    server = healthy()
    server.drop("volumeattachments")
    assert await broken(server, "web") == [("attachment", "va-stuck")]


async def test_an_attachment_waits_for_a_node_that_is_not_there() -> None:
    server = healthy()
    server.drop("volumeattachments")
    server.drop("nodes", "one")
    assert await broken(server, "web") == [("server", "node-lost")]


async def test_a_volume_that_hangs_on_another_node_names_what_its_detach_says() -> None:
    server = healthy()
    node_off(server)
    error = {"message": refused("Unavailable", "the API rate limit is used up"), "time": ago(2)}
    merge(server.get("volumeattachments", "csi-1"), status={"detachError": error})
    assert await broken(server, "web") == [("attachment", "rate-limit")]


async def test_a_detach_from_another_node_that_is_under_way_is_said() -> None:
    server = healthy()
    node_off(server)
    merge(server.get("volumeattachments", "csi-1"), metadata={"deletionTimestamp": ago(1)})
    assert "its detach is under way" in (await ask(server, "why", "web")).text


async def test_an_attach_that_has_failed_is_told_with_the_time_of_its_error() -> None:
    server = healthy()
    attaching(refused("NotFound", "there is no volume 1cdb"), minutes=77)(server)
    answer = await ask(server, "why", "web", "-o", "json")
    told = {link.text("since") for each in answer.json.each("chains") for link in each.each("links")}
    error = Object(server.get("volumeattachments", "csi-1")).time("status", "attachError", "time")
    assert error is not None
    assert error.isoformat() in told


async def test_an_attach_that_has_failed_is_told_although_another_attachment_is_left() -> None:
    server = healthy()
    attaching(refused("NotFound", "there is no volume 1cdb"))(server)
    other = {**server.get("volumeattachments", "csi-1")}
    other["metadata"] = {**metadata(Object(other)), "name": "csi-2"}
    other["spec"] = {"attacher": DEFAULT_DRIVER, "nodeName": "two", "source": {"persistentVolumeName": "pv-orders"}}
    server.add("volumeattachments", other)
    assert await broken(server, "web") == [("attachment", "volume-gone")]


@pytest.mark.parametrize(("lost", "first"), [(True, ("server", "node-lost")), (False, ("attachment", "va-stuck"))])
async def test_an_attach_that_lacks_a_csinode_follows_from_a_node_that_is_lost(
    first: tuple[str, str], *, lost: bool
) -> None:
    server = healthy()
    ready = {"type": "Ready", "status": "Unknown" if lost else "True"}
    merge(server.get("nodes", "one"), status={"conditions": [ready]})
    attaching('the CSINode "one" cannot be read')(server)
    assert await broken(server, "web") == [first]


async def test_a_pod_that_the_scheduler_has_not_looked_at_waits() -> None:
    server = healthy()
    merge(server.get("pods", "web"), spec={"nodeName": ""}, status={"phase": "Pending", "conditions": []})
    answer = await ask(server, "why", "web", "-o", "json")
    assert answer.states() == ["ok", "ok", "waiting", "waiting", "waiting", "waiting"]


async def test_a_node_is_asked_for_its_own_volumes_alone() -> None:
    answer = await ask(healthy(), "why", "node", "two", "-o", "json")
    assert [each.text("title") for each in answer.json.each("chains")] == ["node two"]


async def test_a_node_whose_pod_of_the_driver_is_gone() -> None:
    server = healthy()
    server.drop("pods", "aiocsi-node-0")
    answer = await ask(server, "why", "node", "one")
    assert "no pod of the driver runs there any more" in answer.text
    assert "kubectl get daemonsets -A -l aiocsi.dev/driver" in answer.text


async def test_a_node_whose_pod_is_not_ready_and_nobody_says_why() -> None:
    server = healthy()
    pod = unready(server, "aiocsi-node-0", running={})
    merge(pod, status={"containerStatuses": [{"name": "registrar", "ready": True}, {"name": "node"}]})
    assert "it is Running, not ready: node\n" in (await ask(server, "why", "node", "one")).text
    merge(pod, status={"containerStatuses": [{"name": "node"}]})
    server.add("events", event(pod, "Failed", "Error: no such device"))
    assert "Error: no such device" in (await ask(server, "why", "node", "one")).text


@pytest.mark.parametrize("step", ["MapVolume.SetUpDevice", "MountVolume.MountDevice", "MountVolume.WaitForAttach"])
async def test_what_fails_on_the_device_is_told_of_the_device(step: str) -> None:
    server = healthy()
    pod = server.get("pods", "web")
    pending(pod)
    said = f'{step} failed for volume "pv-orders" : AIOCSI-N014: in use'
    server.add("events", event(pod, "FailedMapVolume", said))
    assert await broken(server, "web") == [("device", "device-busy")]


async def test_what_kubelet_knows_of_a_volume_s_health_is_told() -> None:
    server = healthy()
    ill = [{"status": "Inaccessible", "reason": "DeviceErrors", "message": "the disk answers with I/O errors"}]
    health = [{"name": "data", "healthConditions": ill, "lastTransitionTime": ago(7)}]
    merge(server.get("pods", "web"), status={"volumeHealth": health})
    answer = await ask(server, "why", "web")
    assert "Inaccessible/DeviceErrors: the disk answers with I/O errors" in answer.text
    assert "volume health, by kubelet, since 7m [device-errors]" in answer.text


async def test_a_pod_that_does_not_end_is_a_user_of_its_claim_and_the_driver_on_its_node_is_asked() -> None:
    server = healthy()
    mount_kept(server)
    assert await broken(server, "pvc", "orders") == [("mount", "pod-terminating")]
    assert "next   kubectl logs -n kube-system aiocsi-node-0 -c node" in (await ask(server, "why", "web")).text


async def test_a_mount_that_is_under_way_is_not_called_broken() -> None:
    server = healthy()
    pending(server.get("pods", "web"))
    answer = await ask(server, "why", "web", "-o", "json")
    assert (answer.status, answer.states()[-2:]) == (0, ["ok", "waiting"])


async def test_a_failed_mount_of_another_volume_is_not_meant() -> None:
    server = healthy()
    pod = server.get("pods", "web")
    pending(pod)
    server.add("events", event(pod, "FailedMount", 'MountVolume.SetUp failed for volume "other" : secret missing'))
    assert await broken(server, "web") == []


async def test_a_pod_that_runs_again_has_no_failed_mount_any_more() -> None:
    server = healthy()
    mounting("is in use by dm-3")(server)
    server.get("pods", "web")["status"] = running("web")
    assert await broken(server, "web") == []


async def test_an_event_of_a_pod_that_had_the_name_before_is_not_believed() -> None:
    server = healthy()
    mounting("is in use by dm-3")(server)
    merge(server.get("pods", "web"), metadata={"uid": "another"})
    assert await broken(server, "web") == []


async def test_colours_are_for_terminals_and_what_is_told_cannot_write_on_them() -> None:
    server = healthy()
    attaching("\x1b[2J there is no volume ")(server)
    assert "\x1b" not in (await ask(server, "why", "web")).text
    coloured = (await ask(server, "why", "web", colour="always")).text
    assert "\x1b[31m" in coloured
    assert "\x1b[2J" not in coloured
