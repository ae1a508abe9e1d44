"""What passes by itself, or is over: what has only begun, a rollout, a deletion, an old event."""

from collections.abc import Callable
from functools import partial

from kubectl_aiocsi.records import Json, Object
from tests.unit.kubectl_aiocsi import ways
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.ways import Way, attaching, merge, mounting, unready
from tests.unit.kubectl_aiocsi.world import ago, answers, event, pending, unbound

JUST, SOON, LONG_AGO = ago(0.2), ago(-0.5), ago(25)
CONTROLLERS = ("aiocsi-controller-0", "aiocsi-controller-1")


def began(one: Json, when: str = JUST) -> None:
    merge(one, metadata={"creationTimestamp": when})


def going(one: Json, when: str = JUST, **more: object) -> None:
    merge(one, metadata={"deletionTimestamp": when, **more})


def since(one: Json, kind: str, when: str = JUST, **more: object) -> None:
    """Let a condition of an object have changed then."""
    kept = [each.json for each in Object(one).each("status", "conditions") if each.text("type") != kind]
    merge(one, status={"conditions": [*kept, {"type": kind, "status": "True", "lastTransitionTime": when, **more}]})


def told_long_ago(server: ApiServer) -> None:
    for each in server.objects["events"]:
        each["lastTimestamp"] = LONG_AGO


def both(*made: Way) -> Way:
    def make(server: ApiServer) -> None:
        for each in made:
            each(server)

    return make


def on(plural: str, name: str, *changes: Callable[[Json], None]) -> Way:
    """Return the way that changes one object."""

    def make(server: ApiServer) -> None:
        for change in changes:
            change(server.get(plural, name))

    return make


def waits(server: ApiServer) -> None:
    pending(server.get("pods", "web"))


def failed_mount(said: str, pod: str = "web") -> Way:
    return lambda server: server.add("events", event(server.get("pods", pod), "FailedMount", said))


def controllers(*changes: Callable[[Json], None], says: str = "") -> Way:
    """Let no pod of the controller be ready."""

    def make(server: ApiServer) -> None:
        merge(server.get("deployments", "aiocsi-controller"), status={"readyReplicas": 0})
        for name in CONTROLLERS:
            pod = unready(server, name)
            answers(server, name, says)
            for change in changes:
                change(pod)

    return make


def evicted(server: ApiServer) -> None:
    pod = {**server.get("pods", "aiocsi-controller-0")}
    old = [{"name": "controller", "image": "registry.example.com/aiocsi:0.0.9"}]
    pod |= {"metadata": {**pod["metadata"], "name": "evicted"}, "status": {"phase": "Failed"}}  # type: ignore[dict-item]
    server.add("pods", {**pod, "spec": {"containers": old}})


def rolled_out(server: ApiServer) -> None:
    ways.two_versions(server)
    merge(server.get("daemonsets", "aiocsi-node"), status={"updatedNumberScheduled": 1})


def left_by_a_sidecar(server: ApiServer) -> None:
    deployment = server.get("deployments", "aiocsi-controller")
    merge(server.get("leases", "external-snapshotter-leader-dobs-csi-digitalocean-com"), spec={"renewTime": LONG_AGO})
    for each in (pod for pod in Object(deployment).each("spec", "template", "spec", "containers")):
        if each.text("name") == "csi-snapshotter":
            each.json["name"] = "another"


def a_replica_on_a_lost_node(server: ApiServer) -> None:
    ways.node_off(server)
    merge(server.get("deployments", "aiocsi-controller"), status={"readyReplicas": 1})
    since(unready(server, "aiocsi-controller-0"), "Ready", LONG_AGO, status="False")


def grows_again(server: ApiServer) -> None:
    ways.growth_on_node(server)
    since(server.get("persistentvolumeclaims", "orders"), "FileSystemResizePending")
    told_long_ago(server)


def deleted_with_its_claim(server: ApiServer) -> None:
    ways.delete_fails(server)
    change = {"spec": {"persistentVolumeReclaimPolicy": "Delete"}, "status": {"lastPhaseTransitionTime": JUST}}
    merge(server.get("persistentvolumes", "pv-left"), **change)


def unscheduled_yet(server: ApiServer) -> None:
    began(unbound(server))
    said = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    pod = server.get("pods", "web")
    merge(pod, spec={"nodeName": ""})
    since(pod, "PodScheduled", status="False", message=said)


def held_there(server: ApiServer) -> None:
    pod = server.get("pods", "web")
    pending(pod)
    said = 'Multi-Attach error for volume "pv-orders" Volume is already exclusively attached to one node'
    server.add("events", event(pod, "FailedAttachVolume", said, by="attachdetach-controller"))


def full_of_others(server: ApiServer) -> None:
    ways.no_room(server)
    merge(server.get("storageclasses", "do-block-storage"), provisioner="nfs.csi.example.com")


def snapshot_goes(server: ApiServer) -> None:
    ways.snapshot_waits("")(server)
    going(server.get("volumesnapshots", "nightly"))


def held_by(*finalizers: str) -> Callable[[Json], None]:
    return partial(going, when=LONG_AGO, finalizers=[*finalizers], deletionGracePeriodSeconds=0)


ABSENT = 'MountVolume.SetUp failed for volume "token" : secret "digitalocean" not found'
OTHERS = 'MountVolume.SetUp failed for volume "config" : secret "config" not found'
OTHERS_MOUNT = "Unable to attach or mount volumes: unmounted volumes=[config], unattached volumes=[]: timed out"
BUSY = 'MountVolume.MountDevice failed for volume "pv-orders" : AIOCSI-N014: in use'
NOT_YET = "driver name dobs.csi.digitalocean.com not found in the list of registered CSI drivers"
NODE_POD, NODE = partial(on, "pods", "aiocsi-node-0"), partial(on, "nodes", "one")
WEB, VA = partial(on, "pods", "web"), partial(on, "volumeattachments", "csi-1")
PASSING: dict[str, tuple[Way, tuple[str, ...]]] = {
    "the controller has only begun": (controllers(began, says="the cloud has not let the API token in yet"), ()),
    "a controller was evicted": (evicted, ()),
    "a rollout is under way": (rolled_out, ()),
    "a sidecar that is not there any more has left its lease": (left_by_a_sidecar, ()),
    "the node's pod has only begun": (
        both(lambda server: began(unready(server, "aiocsi-node-0")), mounting(NOT_YET), WEB(began)),
        ("node", "one"),
    ),
    "the node's pod is being replaced": (NODE_POD(partial(going, when=SOON)), ("node", "one")),
    "the node's pod is ready, and not registered yet": (
        both(ways.wrong_kubelet_path, NODE_POD(lambda pod: since(pod, "Ready")), *[
            on("pods", "aiocsi-node-1", lambda pod: since(pod, "Ready")), VA(began, lambda va: merge(va, status={})),
        ]),
        ("node", "one"),
    ),
    "a node boots": (NODE(lambda node: since(node, "Ready", status="False", message="starting")), ()),
    "a node has come back": (
        both(ways.taint_forgotten, on("nodes", "two", lambda node: since(node, "Ready"))), ()),
    "a volume leaves a node that takes no more": (both(ways.limit_told(0), VA(going)), ()),
    "a claim has only begun": (lambda server: began(unbound(server)), ("pvc", "orders")),
    "a claim that waits is being deleted": (
        both(ways.provisioning("AIOCSI-C011: x"), on("persistentvolumeclaims", "orders", going)), ()),
    "a pod waits for its claim to be bound": (unscheduled_yet, ("pod", "web")),
    "a claim grows again after a growth that failed": (grows_again, ("pvc", "orders")),
    "a volume is being deleted with its claim": (deleted_with_its_claim, ("pv", "pv-left")),
    "a snapshot is being deleted": (snapshot_goes, ()),
    "an attach has only begun": (both(attaching(""), VA(began)), ("pod", "web")),
    "an attach is not even asked for": (
        both(lambda server: server.drop("volumeattachments"), WEB(lambda pod: since(pod, "PodScheduled"))),
        ("pod", "web"),
    ),
    "a disk has not come yet": (
        both(mounting("code = Unavailable desc = AIOCSI-N010: x"), WEB(lambda pod: since(pod, "PodScheduled"))),
        (),
    ),
    "a detach has only begun": (both(waits, VA(going)), ("pod", "web")),
    "a volume leaves another node": (
        both(waits, WEB(lambda pod: merge(pod, spec={"nodeName": "two"})),
             VA(going)),
        ("pod", "web"),
    ),
    "a volume was held elsewhere and is attached here now": (held_there, ("pod", "web")),
    "a pod waits for a Secret of its own": (
        both(waits, failed_mount(OTHERS), failed_mount(OTHERS_MOUNT)),
        ("pod", "web"),
    ),
    "a pod that waited long for a node mounts": (
        both(mounting("permission denied"), WEB(lambda pod: since(pod, "PodScheduled"))), ()),
    "a pod's first container runs": (
        both(mounting("AIOCSI-N014: x"), WEB(lambda pod: merge(pod, status={"initContainerStatuses": [
            {"name": "init", "state": {"running": {}}}]}))),
        ("pod", "web"),
    ),
    "a pod that could not mount is being deleted": (both(mounting("AIOCSI-N014: x"), WEB(going)), ()),
    "no node has room for another driver's volume": (full_of_others, ()),
    "a pod has only been told to end": (WEB(partial(going, when=SOON)), ("pod", "web")),
    "a pod that has ended waits for others": (
        WEB(held_by("example.com/wait"), lambda pod: merge(pod, status={"phase": "Succeeded"})), ("pod", "web")),
}  # fmt: skip
REMAINS = {
    "a lost node explains its replica": (a_replica_on_a_lost_node, {"node-lost"}),
    "a Secret that was missing is there": (
        both(controllers(lambda pod: merge(pod, status={"containerStatuses": [
            {"name": "controller", "ready": False, "state": {"running": {}}}]})), *[
            failed_mount(ABSENT, pod) for pod in CONTROLLERS]),
        {"controller-down"},
    ),
    "a client of the API server was slow": (
        ways.provisioning("client rate limiter Wait returned an error: context deadline exceeded"), {"claim-stuck"}),
    "a rollout has given up": (
        both(rolled_out, on("daemonsets", "aiocsi-node", lambda one: merge(one, spec={
            "updateStrategy": {"type": "OnDelete"}}))),
        {"version-skew"},
    ),
}  # fmt: skip
