"""What a pod uses, and what is wrong with a pod of the driver, in the words of kubelet and of the container."""

from collections.abc import Iterator

from kubectl_aiocsi.records import Object, Snapshot
from kubectl_aiocsi.rules.lasting import has_lasted

WAITS_WELL = {"ContainerCreating", "PodInitializing", ""}


def is_ready(one: Object) -> bool:
    """Whether a pod or a node serves."""
    return one.condition("Ready").text("status") == "True"


def problem_of(snapshot: Snapshot, pod: Object) -> str:
    """Return why a pod does not serve, empty if it is ready."""
    if is_ready(pod):
        return ""
    failed = [each for each in snapshot.events_of(pod, "Pod") if each.text("reason") in {"FailedMount", "Failed"}]
    mount = failed[0].text("message") if failed and not has_started(pod) else ""
    page = snapshot.pages.get(pod.full_name)
    told = page.ready.strip() if page is not None and page.ready.strip() != "ready" else ""
    return _refused(pod) or mount or told or _phase(pod)


def is_settling(snapshot: Snapshot, one: Object) -> bool:
    """Whether a pod or a node has only just become what it is, ready or not, and nothing has refused it."""
    since = one.condition("Ready").time("lastTransitionTime") or one.created
    return not _refused(one) and not has_lasted(snapshot, since)


def has_started(pod: Object) -> bool:
    """Whether kubelet has mounted what the pod asks for: a container of it runs or has run."""
    begun = (("state", "running"), ("state", "terminated"), ("lastState", "terminated"))
    return any(each.at(*path) is not None for each in _containers(pod) for path in begun)


def _containers(pod: Object) -> list[Object]:
    return [*pod.each("status", "initContainerStatuses"), *pod.each("status", "containerStatuses")]


def _refused(pod: Object) -> str:
    """Return why no node takes the pod, or why kubelet does not start a container of it."""
    scheduled = pod.condition("PodScheduled")
    unscheduled = scheduled.text("message") if scheduled.text("status") == "False" else ""
    return unscheduled or next((said for each in _containers(pod) if (said := _waiting(each))), "")


def _waiting(container: Object) -> str:
    reason = container.text("state", "waiting", "reason")
    last = container.text("lastState", "terminated", "message").strip()
    message = last or container.text("state", "waiting", "message")
    return "" if reason in WAITS_WELL else f"container {container.text('name')}: {reason}: {message}"


def _phase(pod: Object) -> str:
    unready = [each.text("name") for each in pod.each("status", "containerStatuses") if each.at("ready") is not True]
    return f"it is {pod.text('status', 'phase') or 'not there'}, not ready: {', '.join(unready) or 'no container runs'}"


def claims_of(pod: Object) -> Iterator[tuple[str, str]]:
    """Yield name and claim of each volume of a pod that has one."""
    for volume in pod.each("spec", "volumes"):
        if name := volume.text("persistentVolumeClaim", "claimName"):
            yield volume.text("name"), name
        elif volume.at("ephemeral") is not None:
            yield volume.text("name"), f"{pod.name}-{volume.text('name')}"


def used_claims(pod: Object) -> set[str]:
    """Return the claims of a pod."""
    return {claim for _, claim in claims_of(pod)}
