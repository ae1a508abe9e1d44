"""Ways to break a healthy cluster: each changes the objects as the breakage would."""

from collections.abc import Callable

from kubectl_aiocsi.records import DEFAULT_DRIVER, Json, Object
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.world import METRICS, ago, answers, event, made, pending, unbound

Way = Callable[[ApiServer], None]


def merge(one: Json, **changes: object) -> None:
    """Change an object in place, dictionaries key by key."""
    for key, value in changes.items():
        old = one.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            merge(old, **value)
        else:
            one[key] = value


def refused(code: str, text: str) -> str:
    return f"rpc error: code = {code} desc = {text}"


def provisioning(message: str) -> Way:
    def make(server: ApiServer) -> None:
        claim = unbound(server)
        server.add("events", event(claim, "ProvisioningFailed", message, by="external-provisioner"))

    return make


def attaching(message: str, minutes: float = 10) -> Way:
    def make(server: ApiServer) -> None:
        pending(server.get("pods", "web"))
        attachment = server.get("volumeattachments", "csi-1")
        error = {"message": message, "time": ago(minutes)} if message else None
        attachment["status"] = {"attached": False, **({"attachError": error} if error else {})}

    return make


def mounting(message: str, *, where: str = "MountDevice") -> Way:
    def make(server: ApiServer) -> None:
        pod = server.get("pods", "web")
        pending(pod)
        said = f'MountVolume.{where} failed for volume "pv-orders" : {message}'
        server.add("events", event(pod, "FailedMount", said))
        server.add("events", event(pod, "FailedMount", "Unable to attach or mount volumes: timed out"))

    return make


def controllers_say(ready: str) -> Way:
    """Let the controller's pods be not ready, and a claim wait since."""

    def make(server: ApiServer) -> None:
        merge(server.get("deployments", "aiocsi-controller"), status={"readyReplicas": 0})
        for number in (0, 1):
            pod = f"aiocsi-controller-{number}"
            unready(server, pod)
            answers(server, pod, ready)
        unbound(server)

    return make


def unready(server: ApiServer, pod: str, **state: object) -> Json:
    found = server.get("pods", pod)
    containers = [
        {"name": each.text("name"), "ready": False, "state": state}
        for each in Object(found).each("status", "containerStatuses")
    ]
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}]
    merge(found, status={"phase": "Running", "conditions": conditions, "containerStatuses": containers})
    return found


def no_token_secret(server: ApiServer) -> None:
    controllers_say("")(server)
    for number in (0, 1):
        said = 'MountVolume.SetUp failed for volume "token" : secret "digitalocean" not found'
        server.add("events", event(server.get("pods", f"aiocsi-controller-{number}"), "FailedMount", said))


def no_scope(server: ApiServer) -> None:
    refused_lists = METRICS.replace('"/v2/volumes",status="200"', '"/v2/volumes",status="403"')
    answers(server, "aiocsi-controller-0", metrics=refused_lists)


def few_requests_left(server: ApiServer) -> None:
    answers(server, "aiocsi-controller-0", metrics=METRICS.replace("4900.0", "12.0"))


def not_installed(server: ApiServer) -> None:
    unbound(server)
    for plural in ("csidrivers", "deployments", "daemonsets", "clusterroles", "clusterrolebindings", "leases"):
        server.drop(plural)
    server.objects["pods"] = [each for each in server.objects["pods"] if Object(each).namespace == "shop"]


def predecessor_is_there(server: ApiServer) -> None:
    folder = {"name": "plugin", "hostPath": {"path": f"/var/lib/kubelet/plugins/{DEFAULT_DRIVER}"}}
    server.add(
        "daemonsets",
        made("DaemonSet", "csi-do-node", "kube-system", spec={"template": {"spec": {"volumes": [folder]}}}),
    )


def other_owner(server: ApiServer) -> None:
    server.get("csidrivers", DEFAULT_DRIVER)["metadata"] = {"name": DEFAULT_DRIVER}


def no_role(server: ApiServer) -> None:
    server.drop("clusterrolebindings", "kube-system-aiocsi-attacher")
    attaching("")(server)


def role_cut_short(server: ApiServer) -> None:
    server.get("clusterroles", "kube-system-aiocsi-provisioner")["rules"] = []


def no_snapshot_crds(server: ApiServer) -> None:
    server.not_served.add("snapshot.storage.k8s.io")
    merge(server.get("deployments", "aiocsi-controller"), status={"readyReplicas": 0})
    for number in (0, 1):
        unready(server, f"aiocsi-controller-{number}", waiting={"reason": "CrashLoopBackOff", "message": "back-off"})


def other_region(server: ApiServer) -> None:
    [container, *_] = Object(server.get("deployments", "aiocsi-controller")).each(
        "spec", "template", "spec", "containers"
    )
    environment = container.json["env"]
    assert isinstance(environment, list)
    environment.append({"name": "AIOCSI_REGION", "value": "fra1"})


def image_missing(server: ApiServer) -> None:
    controllers_say("")(server)
    for number in (0, 1):
        waits = {
            "reason": "ImagePullBackOff",
            "message": 'pulling image "registry.example.com/aiocsi:0.1.0": not found',
        }
        unready(server, f"aiocsi-controller-{number}", waiting=waits)
        server.texts.clear()


def scaled_to_nothing(server: ApiServer) -> None:
    deployment = server.get("deployments", "aiocsi-controller")
    merge(deployment, spec={"replicas": 0}, status={"readyReplicas": 0})
    for number in (0, 1):
        server.drop("pods", f"aiocsi-controller-{number}")


def lease_stuck(server: ApiServer) -> None:
    name = "external-attacher-leader-dobs-csi-digitalocean-com"
    merge(server.get("leases", name), spec={"holderIdentity": "gone-pod", "renewTime": ago(20)})
    attaching("")(server)


def not_registered(server: ApiServer) -> None:
    server.get("csinodes", "one")["spec"] = {"drivers": []}
    attaching("CSINode one does not contain driver dobs.csi.digitalocean.com")(server)
    server.drop("pods", "aiocsi-node-0")


def wrong_kubelet_path(server: ApiServer) -> None:
    for node in ("one", "two"):
        server.get("csinodes", node)["spec"] = {}
    attaching("CSINode one does not contain driver dobs.csi.digitalocean.com")(server)


def plugin_crashes(server: ApiServer) -> None:
    unready(server, "aiocsi-node-0", waiting={"reason": "CrashLoopBackOff", "message": "back-off 5m"})
    said = "driver name dobs.csi.digitalocean.com not found in the list of registered CSI drivers"
    mounting(said)(server)


def node_off(server: ApiServer) -> None:
    ready = {
        "type": "Ready",
        "status": "Unknown",
        "lastTransitionTime": ago(9),
        "message": "Kubelet stopped posting node status.",
    }
    server.get("nodes", "one")["status"] = {"conditions": [ready]}
    pod = server.get("pods", "web")
    pending(pod)
    merge(pod, spec={"nodeName": "two"})
    said = 'Multi-Attach error for volume "pv-orders" Volume is already exclusively attached to one node'
    server.add("events", event(pod, "FailedAttachVolume", said, by="attachdetach-controller"))


def node_deleted(server: ApiServer) -> None:
    server.drop("nodes", "one")
    server.drop("csinodes", "one")
    server.drop("pods", "aiocsi-node-0")


def taint_forgotten(server: ApiServer) -> None:
    taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    merge(server.get("nodes", "two"), spec={"taints": [taint]})


def limit_told(count: int | None) -> Way:
    def make(server: ApiServer) -> None:
        [driver] = Object(server.get("csinodes", "one")).each("spec", "drivers")
        driver.json["allocatable"] = {} if count is None else {"count": count}

    return make


def rule_kept(server: ApiServer) -> None:
    merge(server.get("daemonsets", "aiocsi-node"), spec={"template": {"spec": {"initContainers": []}}})


def old_attacher(server: ApiServer) -> None:
    for each in Object(server.get("deployments", "aiocsi-controller")).each("spec", "template", "spec", "containers"):
        if each.text("name") == "csi-attacher":
            each.json["image"] = "registry.k8s.io/sig-storage/csi-attacher:v3.5.0"


def two_versions(server: ApiServer) -> None:
    pod = server.get("pods", "aiocsi-node-1")
    merge(pod, spec={"containers": [{"name": "node", "image": "registry.example.com/aiocsi:0.0.9"}]})


def volume_left(server: ApiServer) -> None:
    csi = {"driver": DEFAULT_DRIVER, "volumeHandle": "1cdb2c84-0000-4000-8000-000000000002"}
    spec = {"csi": csi, "persistentVolumeReclaimPolicy": "Retain"}
    server.add("persistentvolumes", made("PersistentVolume", "pv-left", spec=spec, status={"phase": "Released"}))


def delete_fails(server: ApiServer) -> None:
    volume_left(server)
    volume = server.get("persistentvolumes", "pv-left")
    merge(volume, status={"phase": "Failed", "message": "the volume has snapshots"})
    said = refused("FailedPrecondition", "the volume is attached to node 42")
    server.add("events", event(volume, "VolumeFailedDelete", said, by="external-provisioner"))


def two_defaults(server: ApiServer) -> None:
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    merge(server.get("storageclasses", "do-block-storage-xfs"), metadata={"annotations": default})


def no_room(server: ApiServer) -> None:
    unbound(server)
    pod = server.get("pods", "web")
    said = "0/2 nodes are available: 2 node(s) exceed max volume count."
    conditions = [{"type": "PodScheduled", "status": "False", "message": said, "lastTransitionTime": ago(4)}]
    merge(pod, spec={"nodeName": ""}, status={"phase": "Pending", "conditions": conditions})
    server.get("persistentvolumeclaims", "orders")["metadata"] = {
        "name": "orders",
        "namespace": "shop",
        "uid": "uid-orders",
    }


def volume_object_gone(server: ApiServer) -> None:
    server.drop("persistentvolumes")
    server.get("persistentvolumeclaims", "orders")["status"] = {"phase": "Lost"}


def class_gone(server: ApiServer) -> None:
    unbound(server)
    server.drop("storageclasses", "do-block-storage")


def growth_refused(server: ApiServer) -> None:
    claim = server.get("persistentvolumeclaims", "orders")
    said = refused("Unavailable", "attach 7 failed in the cloud: it does not say why")
    condition = {"type": "ControllerResizeError", "status": "True", "message": said, "lastTransitionTime": ago(30)}
    claim["status"] = {"phase": "Bound", "conditions": [condition]}


def growth_on_node(server: ApiServer) -> None:
    claim = server.get("persistentvolumeclaims", "orders")
    claim["status"] = {"phase": "Bound", "conditions": [{"type": "FileSystemResizePending", "status": "True"}]}
    said = refused("FailedPrecondition", "the device of volume 1cdb has 10 bytes, not yet 20")
    server.add("events", event(claim, "VolumeResizeFailed", said, minutes=20))


def snapshot_waits(message: str) -> Way:
    def make(server: ApiServer) -> None:
        source = {"source": {"persistentVolumeClaimName": "orders"}}
        status = {"readyToUse": False, **({"error": {"message": message}} if message else {})}
        server.add("volumesnapshots", made("VolumeSnapshot", "nightly", "shop", spec=source, status=status))

    return make


def detach_stuck(server: ApiServer) -> None:
    attachment = server.get("volumeattachments", "csi-1")
    merge(attachment, metadata={"deletionTimestamp": ago(11)})
    error = {"message": refused("Unavailable", "detach 7 failed in the cloud: it does not say why"), "time": ago(10)}
    attachment["status"] = {"attached": True, "detachError": error}
    pod = server.get("pods", "web")
    pending(pod)


def mount_kept(server: ApiServer) -> None:
    pod = server.get("pods", "web")
    merge(pod, metadata={"deletionTimestamp": ago(20)}, status={"phase": "Failed"})


def waits_for_nobody(server: ApiServer) -> None:
    unbound(server)
