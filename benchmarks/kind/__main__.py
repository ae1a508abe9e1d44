"""From a claim to a ready pod on the cluster of ``make e2e-up``: alone, and thirty at once on two nodes.

With both binding modes: p50 and p95 of each phase, and requests to the cloud in a life, with the real sidecars.
Then the memory of the driver's pods. ``python -m benchmarks.kind`` needs root, and a cluster without other volumes.
"""

import asyncio
import os
import platform
import sys
import time
from collections import Counter

from lightkube import AsyncClient, KubeConfig
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod
from lightkube.resources.storage_v1 import StorageClass

from benchmarks.kind import phases
from benchmarks.kind.footprint import footprint
from benchmarks.kind.phases import Claim
from tests.e2e import manifests
from tests.e2e.cluster import cloud, images, nodes
from tests.e2e.cluster.driver import NAMESPACE, RELEASE
from tests.e2e.cluster.workspace import Workspace
from tests.e2e.place import Place, close_place, open_place, until_gone
from tests.e2e.test_cost import is_a_look, is_of_the_reconciler, requests
from tools import go_programs
from tools.services.embedded_cloud import EmbeddedCloud, objects

MODES = ("WaitForFirstConsumer", "Immediate")
AT_ONCE = (1, 30)
ALONE_TIMES = 10
MOST_REQUESTS = 10
LIMITS = {"WaitForFirstConsumer": 3.0, "Immediate": 2.6}
SERIAL_RATIO = 1.25
ORDINARY: dict[str, object] = {"tolerations": []}  # so none goes to the control plane


async def measure(workspace: Workspace) -> None:
    """Print all figures."""
    embedded = cloud.up(workspace, nodes.gateway(workspace))
    if volumes := await embedded.volumes():
        sys.exit(f"{len(volumes)} volumes exist already: the figures would be others")
    tell_against_what()
    client = AsyncClient(KubeConfig.from_file(str(workspace.kubeconfig)).get())
    for mode in MODES:
        for at_once in AT_ONCE:
            await lives(workspace, embedded, client, mode, at_once)
    for pod, containers in sorted((await footprint(client)).items()):
        parts = ", ".join(f"{name} {mib:.1f}" for name, mib in containers.items())
        print(f"{pod}: {sum(containers.values()):.1f} MiB resident ({parts})")
    await client.aclose()


async def lives(workspace: Workspace, embedded: EmbeddedCloud, client: AsyncClient, mode: str, at_once: int) -> None:
    """Let so many volumes live at once, and print what that took."""
    claims: list[Claim] = []
    lines: list[str] = []
    before = len(await requests(embedded))
    for number in range(ALONE_TIMES if at_once == 1 else 1):
        place = await open_place(client, f"bench-{os.getpid()}-{mode.lower()}-{at_once}-{number}")
        try:
            claims += await live(place, embedded, mode, at_once)
            lines += await asyncio.to_thread(log, workspace)
            await die(place, at_once)
        finally:
            await close_place(place)
    tell(mode, at_once, claims, lines)
    tell_requests(Counter(kind(one) for one in (await requests(embedded))[before:]), len(claims))


async def live(place: Place, embedded: EmbeddedCloud, mode: str, at_once: int) -> list[Claim]:
    """Make claims with their pods at once, and wait until all of them are ready."""
    name = f"{place.namespace}-class"
    await place.make(manifests.storage_class(name, volumeBindingMode=mode))
    made, ready = {}, []
    for number in range(at_once):
        made[number] = time.time()
        pod = manifests.pod(f"pod-{number}", f"data-{number}", more=ORDINARY)
        await place.make(manifests.claim(f"data-{number}", storage_class=name), pod)
        ready.append(asyncio.create_task(seen_ready(place, f"pod-{number}")))  # noqa: TID251 (awaited below)
    seen = await asyncio.gather(*ready)
    await place.client.delete(StorageClass, name)
    took = await action_seconds(embedded)
    ids = [await place.volume_id(f"data-{number}") for number in range(at_once)]
    return [Claim(made[number], *seen[number], ids[number], took[ids[number]]) for number in range(at_once)]


async def action_seconds(embedded: EmbeddedCloud) -> dict[str, float]:
    """Return how long the cloud took to attach each volume, by its ledger."""
    effects = objects(await embedded.get("/_localcloud/ledger/effects"), "effects")
    at = {(str(one["kind"]), str(one["subject"])): float(str(one["at"])) for one in reversed(effects)}
    return {volume: end - at["action_started", volume] for (what, volume), end in at.items() if what == "attached"}


async def seen_ready(place: Place, pod: str) -> tuple[float, str, float]:
    """Watch a pod until it is ready; return when it had a node, which, and when it was ready, epoch seconds."""
    scheduled, node = 0.0, ""
    async for _, seen in place.client.watch(Pod, namespace=place.namespace, fields={"metadata.name": pod}):
        if not scheduled and seen.spec is not None and seen.spec.nodeName:
            scheduled, node = time.time(), seen.spec.nodeName
        conditions = (seen.status.conditions if seen.status else None) or []
        if any((one.type, one.status) == ("Ready", "True") for one in conditions):
            break
    return scheduled, node, time.time()


async def die(place: Place, at_once: int) -> None:
    """Delete pods, then claims, and wait until the volumes are gone."""
    volumes = [await place.volume_name(f"data-{number}") for number in range(at_once)]
    for kind_of, name in ((Pod, "pod"), (PersistentVolumeClaim, "data")):
        await asyncio.gather(*(place.remove(kind_of, f"{name}-{number}") for number in range(at_once)))
    for volume in volumes:
        await until_gone(place.client, PersistentVolume, volume)


def log(workspace: Workspace) -> list[str]:
    """Return what the driver logged, in all its pods."""
    mine = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component"
    told = [
        workspace.kubectl(
            "logs", f"--namespace={NAMESPACE}", f"--selector={mine}{part}", "--tail=-1", "--container", name
        )
        for part, name in (("=controller", "controller"), (" notin (controller, warden)", "node"))
    ]
    return "".join(told).splitlines()


def kind(request: dict[str, object]) -> str:
    """Return what a request was for."""
    if is_of_the_reconciler(request) or (request["method"], request["path"]) == ("GET", "/v2/droplets"):
        return "the attacher's look at all attachments, and the warden's"
    return "looks at actions" if is_a_look(request) else f"{request['method']} {request['path']}"


def tell_against_what() -> None:
    """Print what is measured, and on what."""
    sidecars = ", ".join(f"{recipe.program} {go_programs.version(recipe.program)}" for recipe in images.SIDECARS)
    print(f"Kubernetes {images.KUBERNETES} on kind, 2 workers; {sidecars}")
    print(f"localcloud {' '.join(cloud.OPTIONS)}")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} processors, {platform.release()}, load {load}")


def tell(mode: str, at_once: int, claims: list[Claim], lines: list[str]) -> None:
    """Print p50 and p95 of each phase, and the figure that has a limit."""
    done = phases.calls(lines)
    found = [phases.split(one, done) for one in claims]
    print(f"{mode}, {at_once} at once, {len(found)} claims; seconds from claim to ready pod, p50 / p95:")
    for phase, meaning in phases.PHASES.items():
        half, most = (phases.percentile([one[phase] for one in found], share) for share in (0.5, 0.95))
        print(f"  {phase:10} {half:6.2f} / {most:6.2f}   {meaning}")
    whole = [one["all"] for one in found]
    if at_once == 1:
        print(f"  p50 {phases.percentile(whole, 0.5):.2f} s, of at most {LIMITS[mode]:.2f} s", flush=True)
        return
    busy: dict[str, float] = {}
    for one in claims:
        busy[one.node] = busy.get(one.node, 0.0) + one.action_seconds
    serial, most = max(busy.values()), phases.percentile(whole, 0.95)
    print(
        f"  p95 {most:.2f} s, {most / serial:.2f} x the {serial:.2f} s of a node's actions, of at most {SERIAL_RATIO}"
    )


def tell_requests(spent: Counter[str], lives: int) -> None:
    """Print the requests of a life, by kind."""
    by_kind: Counter[str] = Counter()
    for what, times in spent.items():
        by_kind[general(what)] += times
    total = sum(times for what, times in by_kind.items() if "all attachments" not in what)
    print(f"  requests a life: {total / lives:.1f}, of at most {MOST_REQUESTS}")
    for what, times in by_kind.most_common():
        print(f"    {times / lives:5.2f} {what}")


def general(what: str) -> str:
    """Return a request with {id} in place of a volume's id."""
    return "/".join("{id}" if part.count("-") == 4 else part for part in what.split("/"))


if __name__ == "__main__":
    asyncio.run(measure(Workspace()))
