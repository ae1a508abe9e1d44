"""A namespace of the cluster for one test: makes objects in it, waits for them, looks into pods."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from lightkube import AsyncClient, codecs
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import BinaryOperator, SequenceOperator
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import Event, Namespace, PersistentVolume, PersistentVolumeClaim, Pod
from lightkube.resources.storage_v1 import VolumeAttachment

Document = dict[str, object]
Fields = dict[str, str | BinaryOperator | SequenceOperator]

ClusterWide = type[Namespace] | type[PersistentVolume] | type[VolumeAttachment]

VolumeSnapshot = create_namespaced_resource("snapshot.storage.k8s.io", "v1", "VolumeSnapshot", "volumesnapshots")

CLUSTER_WIDE = ("PersistentVolume", "StorageClass", "VolumeSnapshotClass", "VolumeSnapshotContent")
READY_SECONDS = 180.0
GONE_SECONDS = 180.0


@dataclass(frozen=True)
class Place:
    """One namespace."""

    client: AsyncClient
    namespace: str

    async def make(self, *documents: Document | Path) -> None:
        """Create objects, given as manifests or as files of manifests."""
        for document in documents:
            parts = yaml.safe_load_all(document.read_text()) if isinstance(document, Path) else [document]
            for part in parts:
                metadata = part["metadata"]
                assert isinstance(metadata, dict)
                if part["kind"] not in CLUSTER_WIDE:
                    metadata["namespace"] = self.namespace
                await self.client.create(cast("Pod", codecs.from_dict(part)))  # of any kind: it tells the client

    async def ready(self, pod: str, seconds: float = READY_SECONDS) -> Pod:
        """Wait until a pod is ready, and return it. Raises TimeoutError with what the events say."""
        try:
            async with asyncio.timeout(seconds):
                return await self.client.wait(Pod, pod, for_conditions=["Ready"], namespace=self.namespace)
        except TimeoutError as error:
            raise TimeoutError(f"{pod} is not ready after {seconds:g} s:\n" + "\n".join(await self.events())) from error

    async def scheduled(self, pod: str) -> bool:
        """Whether a pod has a node."""
        found = await self.client.get(Pod, pod, namespace=self.namespace)
        return found.spec is not None and bool(found.spec.nodeName)

    async def run(self, pod: str, *command: str, seconds: float = 60) -> str:
        """Run a command in a pod; return what it printed. Raises lightkube's error if it fails."""
        done = await self.client.exec(
            pod,
            namespace=self.namespace,
            command=command,
            stdout=True,
            stderr=True,
            raise_on_error=True,
            timeout=seconds,
        )
        return str(done.stdout).strip()

    async def sh(self, pod: str, script: str, seconds: float = 60) -> str:
        """Run a shell script in a pod; return what it printed."""
        return await self.run(pod, "sh", "-ec", script, seconds=seconds)

    async def remove(self, kind: type[Pod] | type[PersistentVolumeClaim], name: str) -> None:
        """Delete an object and wait until it is gone."""
        await self.client.delete(kind, name, namespace=self.namespace, grace_period=1)
        await self.gone(kind, name)

    async def gone(self, kind: type[Pod] | type[PersistentVolumeClaim], name: str) -> None:
        """Wait until an object is gone."""
        async with asyncio.timeout(GONE_SECONDS):
            await until_gone(self.client, kind, name, self.namespace)

    async def ask_for(self, claim: str, size: str) -> None:
        """Ask for a larger volume."""
        patch = {"spec": {"resources": {"requests": {"storage": size}}}}
        await self.client.patch(PersistentVolumeClaim, claim, patch, namespace=self.namespace)

    async def bound(self, claim: str) -> None:
        """Wait until a claim has its volume. Raises TimeoutError."""
        async with asyncio.timeout(READY_SECONDS):
            async for _, found in self.client.watch(
                PersistentVolumeClaim, namespace=self.namespace, fields={"metadata.name": claim}
            ):
                if found.status and found.status.phase == "Bound":
                    return

    async def grow(self, claim: str, size: str) -> None:
        """Ask for a larger volume, and wait until the pod that has it sees it so."""
        await self.ask_for(claim, size)
        await self.grown(claim, size)

    async def grown(self, claim: str, size: str) -> None:
        """Wait until the pod that has a volume sees it in this size."""
        async with asyncio.timeout(READY_SECONDS):
            async for _, found in self.client.watch(
                PersistentVolumeClaim, namespace=self.namespace, fields={"metadata.name": claim}
            ):
                if found.status and found.status.capacity == {"storage": size}:
                    return

    async def enlarged(self, claim: str, size: str) -> None:
        """Wait until the cloud's volume has this size; what is on it grows with the next pod."""
        name = await self.volume_name(claim)
        async with asyncio.timeout(READY_SECONDS):
            async for _, found in self.client.watch(PersistentVolume, fields={"metadata.name": name}):
                if found.spec and found.spec.capacity == {"storage": size}:
                    return

    async def snapshot_ready(self, name: str) -> None:
        """Wait until a snapshot can be used."""
        async with asyncio.timeout(READY_SECONDS):
            async for _, found in self.client.watch(
                VolumeSnapshot, namespace=self.namespace, fields={"metadata.name": name}
            ):
                status: object = found.status
                if isinstance(status, dict) and status.get("readyToUse"):
                    return

    async def scale(self, name: str, replicas: int) -> None:
        """Scale a StatefulSet, and wait until it has this many ready pods."""
        await self.client.patch(StatefulSet, name, {"spec": {"replicas": replicas}}, namespace=self.namespace)
        async with asyncio.timeout(READY_SECONDS):
            async for _, found in self.client.watch(
                StatefulSet, namespace=self.namespace, fields={"metadata.name": name}
            ):
                status = found.status
                if status and status.replicas == replicas and (status.readyReplicas or 0) == replicas:
                    return

    async def claim(self, name: str) -> PersistentVolumeClaim:
        """Return a claim."""
        return await self.client.get(PersistentVolumeClaim, name, namespace=self.namespace)

    async def volume_name(self, claim: str) -> str:
        """Return the name that a claim's volume has, or will have, in the cluster and in the cloud."""
        found = await self.claim(claim)
        return f"pvc-{found.metadata.uid if found.metadata else None}"

    async def volume(self, claim: str) -> PersistentVolume:
        """Return the volume that a claim is bound to."""
        found = await self.claim(claim)
        assert found.spec is not None
        assert found.spec.volumeName is not None, f"{claim} is bound to nothing"
        return await self.client.get(PersistentVolume, found.spec.volumeName)

    async def volume_id(self, claim: str) -> str:
        """Return the cloud's id of the volume that a claim is bound to."""
        found = await self.volume(claim)
        assert found.spec is not None
        assert found.spec.csi is not None
        return found.spec.csi.volumeHandle

    async def events(self) -> list[str]:
        """Return what the events of this namespace say, oldest first."""
        return [
            f"{event.involvedObject.kind}/{event.involvedObject.name} {event.reason}: {event.message}"
            async for event in self.client.list(Event, namespace=self.namespace)
        ]

    async def event(self, reason: str, words: str, seconds: float = 90) -> str:
        """Wait for an event of this reason that has these words in it; return its message. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            async for _, event in self.client.watch(Event, namespace=self.namespace):
                if event.reason == reason and words in (event.message or ""):
                    return str(event.message)
        raise TimeoutError(reason)


async def open_place(client: AsyncClient, name: str) -> Place:
    """Make a namespace, and wait until pods can run in it."""
    await client.create(Namespace(metadata=ObjectMeta(name=name)))
    return Place(client, name)


async def close_place(place: Place) -> None:
    """Delete a namespace with all that is in it, and wait until its volumes are gone from the cloud.

    Nobody waits for the namespace itself: it is looked at again only when the pods' time to end is long over.
    """
    claims = [one async for one in place.client.list(PersistentVolumeClaim, namespace=place.namespace)]
    volumes = [claim.spec.volumeName for claim in claims if claim.spec is not None]
    await place.client.delete(Namespace, place.namespace)
    async with asyncio.timeout(GONE_SECONDS):
        for volume in volumes:
            if volume is not None:
                await until_gone(place.client, PersistentVolume, volume)


async def until_gone(
    client: AsyncClient,
    kind: type[Pod] | type[PersistentVolumeClaim] | ClusterWide,
    name: str,
    namespace: str | None = None,
) -> None:
    """Wait until an object is gone. What is not cluster-wide has a namespace."""
    fields: Fields = {"metadata.name": name}
    one = cast("type[Pod]", kind)  # for the types alone: lightkube's tell the two sorts apart
    listed = client.list(one, fields=fields, namespace=namespace)
    if [found async for found in listed]:
        version = listed.resourceVersion  # what happens from here on; the object's own version may be forgotten
        async for operation, _ in client.watch(one, fields=fields, resource_version=version, namespace=namespace):
            if operation == "DELETED":
                return
