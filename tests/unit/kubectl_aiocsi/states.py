"""Further states of a cluster, of which ``told.txt`` alone claims something: what a person is told."""

from collections.abc import Callable
from functools import partial

from kubectl_aiocsi.records import DEFAULT_DRIVER, Json, Object
from tests.unit.kubectl_aiocsi import ways
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.passing import CONTROLLERS, LONG_AGO, NODE, VA, WEB, both, going, on, since, waits
from tests.unit.kubectl_aiocsi.ways import Way, merge, unready
from tests.unit.kubectl_aiocsi.world import LEASES, METRICS, ago, answers, event, made, unbound

CLAIM, VOLUME = partial(on, "persistentvolumeclaims", "orders"), partial(on, "persistentvolumes", "pv-orders")
DEPLOYMENT = partial(on, "deployments", "aiocsi-controller")
REFUSED = 'aiocsi_cloud_requests_total{method="GET",route="/v2/volumes",status="403"} 1.0\n'


def with_(**changes: object) -> Callable[[Json], None]:
    return lambda one: merge(one, **changes)


def without(plural: str, *names: str) -> Way:
    return lambda server: server.drop(plural, *names)


def forbidden(plural: str) -> Way:
    return lambda server: server.forbidden.add(plural)


def unbound_with(**spec: object) -> Way:
    def make(server: ApiServer) -> None:
        unbound(server)["spec"] = spec
        server.add("storageclasses", made("StorageClass", "nfs", provisioner="nfs.csi.example.com"))

    return make


def error(kind: str, said: str) -> Callable[[Json], None]:
    return with_(status={"attached": False, kind: {"message": said, "time": ago(2)}})


def replicas(wanted: int, ready: int) -> Way:
    return DEPLOYMENT(with_(spec={"replicas": wanted}, status={"readyReplicas": ready}))


def one_controller_serves_for_a_while(server: ApiServer) -> None:
    replicas(2, 1)(server)
    since(server.get("pods", CONTROLLERS[0]), "Ready")
    since(unready(server, CONTROLLERS[1]), "Ready", LONG_AGO, status="False")


def measured(metrics: str) -> Way:
    return lambda server: answers(server, CONTROLLERS[0], metrics=metrics)


def growing(kind: str) -> Way:
    condition = {"type": kind, "status": "True", "message": "said", "lastTransitionTime": ago(8)}
    return CLAIM(with_(status={"conditions": [condition]}))


def ill(name: str) -> Way:
    conditions = [{"status": "Inaccessible", "reason": "DeviceErrors", "message": "I/O errors"}]
    health = [{"name": name, "healthConditions": conditions, "lastTransitionTime": ago(7)}]
    return WEB(with_(status={"volumeHealth": health}))


def limits(told: int, configured: str) -> Way:
    def make(server: ApiServer) -> None:
        daemons = Object(server.get("daemonsets", "aiocsi-node"))
        environment = [{"name": "AIOCSI_VOLUME_LIMIT", "value": configured}]
        daemons.each("spec", "template", "spec", "containers")[0].json["env"] = environment
        ways.limit_told(told)(server)

    return make


def told(plural: str, name: str, reason: str, said: str = "it said so") -> Way:
    return lambda server: server.add("events", event(server.get(plural, name), reason, said))


def renewed(minutes: float) -> Way:
    return both(*(on("leases", lease, with_(spec={"renewTime": ago(minutes)})) for lease in LEASES))


def old_sidecars(server: ApiServer) -> None:
    for each in Object(server.get("deployments", "aiocsi-controller")).each("spec", "template", "spec", "containers"):
        each.json["image"] = f"registry.example.com/{each.text('name')}:v1.9.0"


def serves(plural: str, **container: object) -> Way:
    """Return the way that adds a workload with such a container."""
    spec = {"template": {"spec": {"containers": [{"name": "a", **container}]}}}
    return lambda server: server.add(plural, made("Workload", "csi-do", "other", spec=spec))


FURTHER: dict[str, tuple[Way, tuple[str, ...]]] = {
    **{f"{plural} may not be read": (forbidden(plural), ()) for plural in (
        "persistentvolumeclaims", "persistentvolumes", "volumeattachments", "nodes", "csinodes")},
    "a volume hangs on another node, which cannot let it go": (
        both(ways.node_off, VA(error("detachError", "busy for now"))), ()),
    "a detach has failed at once": (both(waits, VA(going, error("detachError", "busy for now"))), ()),
    "nobody asks to attach a volume": (without("volumeattachments"), ()),
    "nobody asks to attach a volume to a node that is gone": (
        both(without("volumeattachments"), without("nodes", "one")), ()),
    "no node has processors left": (
        WEB(with_(spec={"nodeName": ""}), lambda pod: since(
            pod, "PodScheduled", LONG_AGO, status="False", message="0/2 nodes: insufficient cpu")),
        (),
    ),
    "the scheduler has not looked": (WEB(with_(spec={"nodeName": ""}, status={"conditions": []})), ()),
    "nobody has made the claim": (without("persistentvolumeclaims"), ()),
    "a claim has no class": (unbound_with(), ("pvc", "orders")),
    "a claim has another driver's class": (unbound_with(storageClassName="nfs"), ("pvc", "orders")),
    "a claim waits, and classes may not be read": (
        both(unbound_with(storageClassName="nfs"), forbidden("storageclasses")), ("pvc", "orders")),
    "a claim is being deleted": (
        CLAIM(partial(going, when=ago(3), finalizers=["kubernetes.io/pvc-protection", "b"])), ("pvc", "orders")),
    "a volume is of another driver": (VOLUME(with_(spec={"csi": {"driver": "other.example.com"}})), ()),
    "a volume is of no driver": (VOLUME(with_(spec={"csi": {"driver": ""}})), ()),
    "a volume has failed, and nothing tells why": (VOLUME(with_(status={"phase": "Failed"})), ()),
    "a volume is being deleted": (VOLUME(partial(going, when=ago(9), finalizers=["a/x", "b"])), ()),
    "a volume is being deleted, and nothing holds it": (VOLUME(partial(going, when=ago(9))), ()),
    "a claim's volume is gone": (without("persistentvolumes"), ()),
    "a volume without its claim is attached": (without("persistentvolumeclaims"), ("pv", "pv-orders")),
    "a volume without its claim is not attached": (
        both(without("persistentvolumeclaims"), without("volumeattachments")), ("pv", "pv-orders")),
    "the driver's pod is gone": (without("pods", "aiocsi-node-0"), ("node", "one")),
    "a node is not ready, and does not say why": (
        NODE(lambda node: since(node, "Ready", LONG_AGO, status="False")), ("node", "one")),
    "a node of another system is left alone": (
        both(NODE(with_(metadata={"labels": {"kubernetes.io/os": "windows"}})), without("csinodes", "one")), ()),
    "a pod has ended, and kubelet has not let it go": (
        WEB(partial(going, when=LONG_AGO, finalizers=["x"], deletionGracePeriodSeconds=30), with_(
            status={"phase": "Succeeded"})),
        (),
    ),
    "a pod runs after its time": (
        WEB(partial(going, when=LONG_AGO, finalizers=["x"], deletionGracePeriodSeconds=0)), ()),
    "a volume is ill": (ill("data"), ()),
    "another volume of the pod is ill": (ill("cache"), ()),
    "a growth has failed on the node": (growing("NodeResizeError"), ("pvc", "orders")),
    "a change has failed": (growing("ModifyVolumeError"), ("pvc", "orders")),
    "one controller serves for a while": (one_controller_serves_for_a_while, ()),
    "one controller is enough where one is wanted": (replicas(1, 1), ()),
    "the one controller is not ready": (replicas(1, 0), ()),
    "a list was refused once, and then let through": (measured(REFUSED + METRICS), ()),
    "enough requests are left": (measured(METRICS.replace("4900", "250")), ()),
    "as many volumes are attached as a node takes": (limits(1, "1"), ()),
    "a node tells one more than it may take": (limits(8, "7"), ()),
    **{f"a claim has {reason}": (
        both(ways.waits_for_nobody, told("persistentvolumeclaims", "orders", reason)), ("pvc", "orders"))
        for reason in ("ProvisioningFailed", "FailedBinding", "ProvisioningCleanupFailed", "ExternalProvisioning")},
    **{f"a claim that grows has {reason}": (
        both(growing("Resizing"), told("persistentvolumeclaims", "orders", reason)), ("pvc", "orders"))
        for reason in (
            "VolumeResizeFailed", "FileSystemResizeFailed", "ExternalExpandFailed", "VolumeModifyFailed", "Resizing")},
    **{f"a pod has {reason}": (
        both(waits, told("pods", "web", reason, 'MountVolume.SetUp failed for volume "pv-orders" : no')), ())
        for reason in ("FailedMount", "FailedMapVolume", "VolumeResizeFailed", "FileSystemResizeFailed", "Pulled")},
    **{f"a volume that is left has {reason}": (
        both(ways.volume_left, told("persistentvolumes", "pv-left", reason)), ("pv", "pv-left"))
        for reason in ("VolumeFailedDelete", "VolumeFailedRecycle", "FailedBinding", "VolumeDelete")},
    "a rollout of the controller is under way": (
        both(ways.two_versions, DEPLOYMENT(with_(status={"updatedReplicas": 1}))), ()),
    "a rollout of the controller is halted": (
        both(ways.two_versions, DEPLOYMENT(with_(status={"updatedReplicas": 1}, spec={"paused": True}))), ()),
    "a rollout of the controller has given up": (
        both(ways.two_versions, DEPLOYMENT(with_(status={"updatedReplicas": 1, "conditions": [
            {"type": "Progressing", "status": "False"}]}))),
        (),
    ),
    "the leases were renewed half a minute ago": (renewed(0.5), ()),
    "the leases were renewed more than a minute ago": (renewed(1.5), ()),
    "no sidecar has its rights": (without("clusterrolebindings"), ()),
    "all sidecars are old": (old_sidecars, ()),
    "a node that joined four minutes ago is not served": (
        both(without("csinodes", "one"), NODE(with_(metadata={"creationTimestamp": ago(4)}))), ("node", "one")),
    "a node that joined before is not served": (
        both(without("csinodes", "one"), NODE(with_(metadata={"creationTimestamp": ago(5.5)}))), ("node", "one")),
    "another workload serves the driver's name": (
        serves("deployments", args=[f"--dir=/plugins/{DEFAULT_DRIVER}"]), ()),
    "another set serves the driver's name": (serves("statefulsets", args=[f"/plugins/{DEFAULT_DRIVER}/x"]), ()),
    "another workload serves another name": (serves("daemonsets", args=["/plugins/other"]), ()),
}  # fmt: skip
