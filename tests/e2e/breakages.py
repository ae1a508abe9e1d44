"""Breakages made on purpose on the cluster: kubelets, sidecars, driver and cloud say what is wrong by themselves.

Those in ``SIDE_BY_SIDE`` each concern one claim, so all of them are there at once. A breakage's name is that of its
claim, and of its pod if it has one.
"""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from kubectl_aiocsi.records import CLAIMS, PODS, Kind, Object
from tests.chart.cluster.breakages import World
from tests.chart.cluster.world import Writer
from tests.e2e import manifests
from tests.e2e.actions import FAULTS, LOOK_AGAIN_SECONDS, ask_when_free
from tests.e2e.cluster.workspace import NODES, Workspace
from tools.processes.run import run
from tools.services.embedded_cloud import EmbeddedCloud, Json

Found = TypeVar("Found")
CONTROL_PLANE, FIRST, SECOND = NODES
TOLD_SECONDS = 90.0  # the sidecars and kubelet try again after 10 s at most
MENDED_SECONDS = 120.0


@dataclass(frozen=True)
class Shop:
    """A namespace of the cluster, and what is behind it."""

    world: World
    workspace: Workspace
    cloud: EmbeddedCloud
    opened: list[int] = field(default_factory=list)  # disks that the test itself has for itself

    @property
    def namespace(self) -> str:
        return self.world.namespace

    def make(self, *documents: Mapping[str, object]) -> None:
        """Create objects; what has a namespace is created in this one."""
        for document in documents:
            argv = ("create", f"--namespace={self.namespace}", "--filename=-")
            self.workspace.kubectl(*argv, stdin=json.dumps(document).encode())

    def path(self, claim: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims/{claim}"

    def storage_class(self, name: str, **more: object) -> str:
        """Make a class that makes volumes at once; return its name."""
        full = f"{self.namespace}-{name}"
        self.make(manifests.storage_class(full, **{"volumeBindingMode": "Immediate", **more}))
        return full

    def claim(self, name: str, storage_class: str = "") -> None:
        """Make a claim, by the namespace's own class if none is named."""
        self.make(manifests.claim(name, storage_class=storage_class or f"{self.namespace}-{PLAIN}"))

    def bound(self, name: str) -> Object:
        """Return the volume of a claim, once it has one."""

        def look() -> Object | None:
            claim = self.world.writer.get(self.path(name))
            return claim if claim.text("status", "phase") == "Bound" else None

        claim = until(look, TOLD_SECONDS)
        return self.world.writer.get(f"/api/v1/persistentvolumes/{claim.text('spec', 'volumeName')}")

    def volume_id(self, name: str) -> str:
        """Return the cloud's id of a claim's volume, once it has one."""
        return self.bound(name).text("spec", "csi", "volumeHandle")

    def pod(self, name: str) -> None:
        self.make(manifests.pod(name, name, node=FIRST))

    def ask_cloud(self, method: str, path: str, body: Json = None) -> Json:
        return asyncio.run(self.cloud.send(method, path, body))

    def fault(self, path: str, status: int, message: str) -> str:
        """Let the cloud refuse these requests; return the path of the fault."""
        return self.rule(path, {"kind": "error", "status": status, "message": message})

    def rule(self, path: str, rule: dict[str, Json]) -> str:
        """Let something go wrong with these requests; return the path of the fault."""
        made = self.ask_cloud("POST", FAULTS, {"where": {"method": "POST", "path": path}, **rule})
        assert isinstance(made, dict)
        return f"{FAULTS}/{made['id']}"


def until(look: Callable[[], Found | None], seconds: float) -> Found:
    """Return what ``look`` returns once it is not None. Raises TimeoutError. Nothing tells of many objects at once."""

    async def wait() -> Found:
        async with asyncio.timeout(seconds):
            while (found := await asyncio.to_thread(look)) is None:  # noqa: ASYNC110  # see above
                await asyncio.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251  # nothing tells
        return found

    return asyncio.run(wait())


PLAIN = "plain"
Make = Callable[[Shop, str], None]


@dataclass(frozen=True)
class Breakage:
    """A claim, or its pod, that waits; ``link`` is what ``why`` names."""

    name: str
    id: str
    make: Make
    link: str = ""  # empty: there is nothing to ask ``why`` about
    kind: Kind = PODS
    bound: bool = True  # it begins with a claim that has its volume

    def __str__(self) -> str:
        return self.name


def no_secret(shop: Shop, name: str) -> None:
    secret = {"name": "nobody-has-it", "namespace": shop.namespace}
    parameters = {f"csi.storage.k8s.io/provisioner-secret-{key}": text for key, text in secret.items()}
    shop.claim(name, shop.storage_class(name, parameters=parameters))


def elsewhere(shop: Shop, name: str) -> None:
    shop.claim(name, shop.storage_class(name, allowedTopologies=manifests.region("fra1")))


def odd_parameter(shop: Shop, name: str) -> None:
    shop.claim(name, shop.storage_class(name, parameters={"blockSize": "999"}))


def no_class(shop: Shop, name: str) -> None:
    shop.claim(name, f"{shop.namespace}-nobody-has-it")


def deleted_in_the_cloud(shop: Shop, name: str) -> None:
    shop.ask_cloud("DELETE", f"/v2/volumes/{shop.volume_id(name)}")
    shop.pod(name)


def attached_by_hand(shop: Shop, name: str) -> None:
    by_hand(shop, "attach", shop.volume_id(name))
    shop.pod(name)


def held_by_another(shop: Shop, name: str) -> None:
    """The disk is on the pod's node before the pod, and another program has it for itself."""
    volume_id = shop.volume_id(name)
    by_hand(shop, "attach", volume_id, FIRST)

    def claim() -> int | None:
        found = shop.ask_cloud("GET", f"/_localcloud/volumes/{volume_id}")
        with suppress(OSError):  # it is not there yet
            return os.open(str(found["device"]), os.O_RDONLY | os.O_EXCL) if isinstance(found, dict) else None
        return None

    shop.opened.append(until(claim, TOLD_SECONDS))
    shop.pod(name)


def by_hand(shop: Shop, action: str, volume_id: str, node: str = SECOND) -> None:
    """Attach a volume to a node's droplet, or detach it."""
    droplet = shop.cloud.droplets[NODES.index(node)].id
    body: Json = {"type": action, "droplet_id": droplet, "region": "nyc1"}
    asyncio.run(ask_when_free(shop.cloud, "POST", f"/v2/volumes/{volume_id}/actions", body))


def without_scope(shop: Shop, name: str) -> None:
    path = f"/v2/volumes/{shop.volume_id(name)}/actions"
    shop.fault(path, 403, "You are not authorized to perform this operation")
    shop.pod(name)


def somebody_s_data(shop: Shop, name: str) -> None:
    with _file(shop.workspace, shop.volume_id(name)).open("r+b") as disk:
        disk.write(b"somebody's data" * 1000)
    shop.pod(name)


def damaged(shop: Shop, name: str) -> None:
    damage(shop.workspace, shop.volume_id(name))
    shop.pod(name)


def damage(workspace: Workspace, volume_id: str) -> None:
    """Make an ext4 that only a person can repair, on a volume that is attached nowhere."""
    file = str(_file(workspace, volume_id))
    run("mkfs.ext4", "-q", "-F", file)
    run("debugfs", "-w", "-R", "clri <2>", file)  # the root directory
    run("debugfs", "-w", "-R", "ssv state 0", file)  # not unmounted cleanly: it is checked


def _file(workspace: Workspace, volume_id: str) -> Path:
    return workspace.cloud / "volumes" / f"{volume_id}.img"


def left_over(shop: Shop, name: str) -> None:
    shop.claim(name, shop.storage_class(name, reclaimPolicy="Retain"))
    shop.bound(name)
    shop.world.writer.delete(shop.path(name))


def volume_object_gone(shop: Shop, name: str) -> None:
    path = f"/api/v1/persistentvolumes/{shop.bound(name).name}"
    shop.world.writer.delete(path)
    shop.world.writer.merge(path, {"metadata": {"finalizers": None}})


def far_too_large(shop: Shop, name: str) -> None:
    shop.bound(name)
    shop.world.writer.merge(shop.path(name), {"spec": {"resources": {"requests": {"storage": "20Ti"}}}})


def too_many_snapshots(shop: Shop, name: str) -> None:
    shop.fault(f"/v2/volumes/{shop.volume_id(name)}/snapshots", 422, "too many snapshots of the volume")
    shop.make(manifests.snapshot(name, name))


SIDE_BY_SIDE = (
    Breakage("no-secret", "class-secret-missing", no_secret, "claim", CLAIMS, bound=False),
    Breakage("elsewhere", "region", elsewhere, "claim", CLAIMS, bound=False),
    Breakage("odd-parameter", "class-parameters", odd_parameter, "claim", CLAIMS, bound=False),
    Breakage("no-class", "class-missing", no_class, "claim", CLAIMS, bound=False),
    Breakage("deleted", "volume-gone", deleted_in_the_cloud, "attachment"),
    Breakage("by-hand", "attached-elsewhere", attached_by_hand, "attachment"),
    Breakage("no-scope", "token-scopes", without_scope, "attachment"),
    Breakage("held", "device-busy", held_by_another, "device"),
    Breakage("foreign", "disk-foreign", somebody_s_data, "device"),
    Breakage("damaged", "filesystem-damaged", damaged, "device"),
    Breakage("left-over", "pv-released", left_over, bound=False),
    Breakage("lost", "claim-lost", volume_object_gone, "claim", CLAIMS),
    Breakage("too-large", "class-parameters", far_too_large, "claim", CLAIMS),
    Breakage("snapshots", "snapshot-limit", too_many_snapshots),
)


async def until_named(workspace: Workspace, wanted: set[str]) -> None:
    """Wait until these are the ids of all that doctor finds on the cluster. Raises TimeoutError."""
    writer, found = Writer(workspace.kubeconfig), {"nothing yet"}
    world = World(workspace.kubeconfig, writer, timedelta(0))
    try:
        async with asyncio.timeout(TOLD_SECONDS):
            while (found := set(await asyncio.to_thread(world.findings))) != wanted:  # noqa: ASYNC110  # see ``until``
                await asyncio.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251  # the same
    except TimeoutError as error:
        raise TimeoutError(f"doctor finds {found}, not {wanted}") from error
    finally:
        writer.close()
