"""From a claim to a running pod on the cluster of ``make e2e-up``: alone, and thirty at once on two nodes.

p50 and p95 of each phase, requests to the cloud in a volume's life with the real sidecars, and the memory of the
driver's pods. ``python -m benchmarks.kind``; needs root, and a cluster on which nothing else has volumes.
"""

import asyncio
import os
import platform
import sys
import time
from collections import Counter

from lightkube import AsyncClient, KubeConfig
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod

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

AT_ONCE = (1, 30)
ALONE_TIMES = 5
MOST_REQUESTS = 6
ORDINARY: dict[str, object] = {"tolerations": []}  # so none goes to the control plane


async def measure(workspace: Workspace) -> None:
    """Print all figures."""
    embedded = cloud.up(workspace, nodes.gateway(workspace))
    if volumes := await embedded.volumes():
        sys.exit(f"{len(volumes)} volumes exist already: the figures would be others")
    tell_against_what()
    client = AsyncClient(KubeConfig.from_file(str(workspace.kubeconfig)).get())
    for at_once in AT_ONCE:
        claims: list[Claim] = []
        lines: list[str] = []
        spent: Counter[str] = Counter()
        for number in range(ALONE_TIMES if at_once == 1 else 1):
            place = await open_place(client, f"bench-{os.getpid()}-{at_once}-{number}")
            before = len(await requests(embedded))
            try:
                claims += await live(place, at_once)
                lines += await asyncio.to_thread(log, workspace)
                await die(place, at_once)
                spent += Counter(kind(one) for one in (await requests(embedded))[before:])
            finally:
                await close_place(place)
        tell(at_once, claims, lines)
        tell_requests(spent, len(claims))
    for pod, containers in sorted((await footprint(client)).items()):
        parts = ", ".join(f"{name} {mib:.1f}" for name, mib in containers.items())
        print(f"{pod}: {sum(containers.values()):.1f} MiB resident ({parts})")
    await client.aclose()


async def live(place: Place, at_once: int) -> list[Claim]:
    """Make claims with their pods at once, and wait until all of them are ready."""
    made = {}
    for number in range(at_once):
        made[number] = time.time()
        await place.make(
            manifests.claim(f"data-{number}"), manifests.pod(f"pod-{number}", f"data-{number}", more=ORDINARY)
        )
    ready = await asyncio.gather(*(seen_ready(place, f"pod-{number}") for number in range(at_once)))
    return [await claim(place, number, made[number], ready[number]) for number in range(at_once)]


async def seen_ready(place: Place, pod: str) -> float:
    """Wait until a pod is ready; return when that was, epoch seconds."""
    await place.ready(pod, seconds=600)
    return time.time()


async def claim(place: Place, number: int, made: float, ready: float) -> Claim:
    """Return one claim's times, with the name and id of its volume."""
    name = f"data-{number}"
    return Claim(made, ready, await place.volume_name(name), await place.volume_id(name))


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
        for part, name in (("=controller", "controller"), ("!=controller", "node"))
    ]
    return "".join(told).splitlines()


def kind(request: dict[str, object]) -> str:
    """Return what a request was for."""
    if is_of_the_reconciler(request):
        return "the attacher's look at all attachments"
    return "looks at actions" if is_a_look(request) else f"{request['method']} {request['path']}"


def tell_against_what() -> None:
    """Print what is measured, and on what."""
    sidecars = ", ".join(f"{recipe.program} {go_programs.version(recipe.program)}" for recipe in images.SIDECARS)
    print(f"Kubernetes {images.KUBERNETES} on kind, 2 workers; {sidecars}")
    print(f"localcloud {' '.join(cloud.OPTIONS)}")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} processors, {platform.release()}, load {load}")


def tell(at_once: int, claims: list[Claim], lines: list[str]) -> None:
    """Print p50 and p95 of each phase."""
    done = phases.calls(lines)
    found = [phases.split(one, done) for one in claims]
    print(f"{at_once} at once, {len(found)} claims; seconds from claim to running pod, p50 / p95:")
    for phase, meaning in phases.PHASES.items():
        seconds = [one[phase] for one in found]
        print(
            f"  {phase:10} {phases.percentile(seconds, 0.5):6.2f} / {phases.percentile(seconds, 0.95):6.2f}   {meaning}"
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
