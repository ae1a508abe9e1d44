"""What a pod uses, and what is wrong with a pod of the driver, in the words of kubelet and of the container."""

from collections.abc import Iterator

from kubectl_aiocsi.records import Object, Snapshot

WAITS_WELL = {"ContainerCreating", "PodInitializing", ""}


def problem_of(snapshot: Snapshot, pod: Object) -> str:
    """Return why a pod does not serve, empty if it is ready."""
    if pod.condition("Ready").text("status") == "True":
        return ""
    containers = [*pod.each("status", "initContainerStatuses"), *pod.each("status", "containerStatuses")]
    waits = next((said for each in containers if (said := _waiting(each))), "")
    failed = [each for each in snapshot.events_of(pod, "Pod") if each.text("reason") in {"FailedMount", "Failed"}]
    scheduled = pod.condition("PodScheduled")
    unscheduled = scheduled.text("message") if scheduled.text("status") == "False" else ""
    mount = failed[0].text("message") if failed else ""
    page = snapshot.pages.get(pod.full_name)
    told = page.ready.strip() if page is not None and page.ready.strip() != "ready" else ""
    return unscheduled or waits or mount or told or _phase(pod)


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
