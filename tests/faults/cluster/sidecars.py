"""Models of external-provisioner 6.4, external-attacher 4.13, external-resizer 2.3 and external-snapshotter 8.7.

Facts: their time-outs (10, 15, 10 and 60 s); what they take as final. The provisioner goes on with a claim that was
deleted while CreateVolume may be in progress, and deletes what comes of it; after a final answer it does not. It
deletes no volume that has an attachment. The attacher calls ControllerPublish for every attachment that is wanted, and
again when a list of volumes says otherwise than the attachment; it repeats ControllerUnpublish until it succeeds.
"""

from collections.abc import Awaitable, Callable, Hashable

from grpclib.const import Status

from csi_proto.csi import v1 as csi
from tests.faults.cluster.objects import GIB, Attachment, Claim, Snap
from tests.faults.cluster.sidecar import Cluster, Sidecar
from tests.faults.sim.loop import sleep
from tests.faults.sim.rpc import Failed

CREATE_SECONDS, ATTACH_SECONDS, RESIZE_SECONDS, SNAPSHOT_SECONDS = 10.0, 15.0, 10.0, 60.0
RECONCILE_SECONDS = 60.0
BACKGROUND = frozenset({Status.CANCELLED, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE, Status.ABORTED})

Work = list[tuple[Hashable, Callable[[], Awaitable[None]]]]


class Provisioner(Sidecar):
    """Makes and deletes volumes."""

    def work(self) -> Work:
        todo: Work = []
        for claim in self.cluster.store.claims:
            if claim.volume is None and not claim.gone and self._is_ready(claim):
                todo.append((("create", claim.name), lambda claim=claim: self._create(claim)))  # type: ignore[misc]
            elif claim.deleted and claim.volume is not None and not claim.gone and self._is_unused(claim):
                todo.append((("delete", claim.name), lambda claim=claim: self._delete(claim)))  # type: ignore[misc]
        return todo

    def _is_ready(self, claim: Claim) -> bool:
        if claim.deleted and not claim.in_background:
            return True  # nothing was begun: it only has to be let go
        source = claim.source
        return source is None or (source.volume is not None if isinstance(source, Claim) else bool(source.snapshot_id))

    def _is_unused(self, claim: Claim) -> bool:
        return not self.cluster.store.attachments_of(claim) and (claim.pod is None or claim.pod.gone)

    async def _create(self, claim: Claim) -> None:
        if claim.deleted and not claim.in_background:
            claim.gone = True
            return
        if not claim.in_background:
            claim.at_start = list(claim.source.synced) if isinstance(claim.source, Claim) else []
        claim.in_background = True  # also if this process dies: a claim that it forgot would be its own leak, not ours
        try:
            reply = await self.cluster.ask(
                self.replica, _create_request(claim), csi.CreateVolumeResponse, CREATE_SECONDS
            )
        except Failed as failed:
            claim.in_background = failed.status in BACKGROUND
            raise
        assert reply.volume is not None
        claim.volume, claim.in_background = reply.volume, False
        claim.given_gib = reply.volume.capacity_bytes // GIB
        if isinstance(claim.source, Snap):
            claim.at_start, claim.at_most = claim.source.at_least, claim.source.at_most
        elif claim.source is not None:
            claim.at_most = list(claim.source.synced)

    async def _delete(self, claim: Claim) -> None:
        claim.removing = True
        request = csi.DeleteVolumeRequest(volume_id=claim.volume_id)
        await self.cluster.ask(self.replica, request, csi.DeleteVolumeResponse, CREATE_SECONDS)
        claim.gone = True


class Attacher(Sidecar):
    """Attaches and detaches."""

    def __init__(self, cluster: Cluster, name: str, replica: int) -> None:
        super().__init__(cluster, name, replica)
        self.process.start(self._reconcile())

    def work(self) -> Work:
        todo: Work = []
        for each in self.cluster.store.attachments:
            if each.deleting and not each.gone:
                todo.append((id(each), lambda each=each: self._detach(each)))  # type: ignore[misc]
            elif not each.deleting and (not each.attached or each.force_sync):
                todo.append((id(each), lambda each=each: self._attach(each)))  # type: ignore[misc]
        return todo

    async def _attach(self, wanted: Attachment) -> None:
        claim = wanted.claim
        wanted.force_sync = False
        request = csi.ControllerPublishVolumeRequest(
            volume_id=claim.volume_id,
            node_id=str(100 + wanted.host),
            volume_capability=claim.capability,
            volume_context=dict(claim.volume.volume_context) if claim.volume is not None else {},
        )
        reply = await self.cluster.ask(self.replica, request, csi.ControllerPublishVolumeResponse, ATTACH_SECONDS)
        wanted.attached, wanted.publish_context = True, dict(reply.publish_context)

    async def _detach(self, wanted: Attachment) -> None:
        request = csi.ControllerUnpublishVolumeRequest(volume_id=wanted.claim.volume_id, node_id=str(100 + wanted.host))
        await self.cluster.ask(self.replica, request, csi.ControllerUnpublishVolumeResponse, ATTACH_SECONDS)
        if not wanted.gone:
            wanted.gone = True
            self.cluster.store.attachments.remove(wanted)

    async def _reconcile(self) -> None:
        while True:
            await sleep(RECONCILE_SECONDS)
            if not self.cluster.offers("LIST_VOLUMES_PUBLISHED_NODES"):
                continue
            try:
                published = await self._published()
            except Failed:
                continue
            for each in self.cluster.store.attachments:
                there = str(100 + each.host) in published.get(each.claim.volume_id, ())
                each.force_sync = each.force_sync or (each.attached and not there and not each.deleting)
            self.cluster.bell.ring()

    async def _published(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        token = ""
        while True:
            request = csi.ListVolumesRequest(starting_token=token)
            page = await self.cluster.ask(self.replica, request, csi.ListVolumesResponse, ATTACH_SECONDS)
            for entry in page.entries:
                if entry.volume is not None and entry.status is not None:
                    found[entry.volume.volume_id] = list(entry.status.published_node_ids)
            token = page.next_token
            if not token:
                return found


class Resizer(Sidecar):
    """Grows volumes; kubelet grows what is on them."""

    def work(self) -> Work:
        return [
            (("resize", claim.name), lambda claim=claim: self._resize(claim))  # type: ignore[misc]
            for claim in self.cluster.store.claims
            if claim.volume is not None and claim.wanted_gib > claim.given_gib and not claim.deleted
        ]

    async def _resize(self, claim: Claim) -> None:
        request = csi.ControllerExpandVolumeRequest(
            volume_id=claim.volume_id,
            capacity_range=csi.CapacityRange(required_bytes=claim.wanted_gib * GIB),
            volume_capability=claim.capability,
        )
        reply = await self.cluster.ask(self.replica, request, csi.ControllerExpandVolumeResponse, RESIZE_SECONDS)
        claim.given_gib = reply.capacity_bytes // GIB
        if reply.node_expansion_required:
            claim.node_wanted_gib = claim.given_gib


class Snapshotter(Sidecar):
    """Takes and deletes snapshots."""

    def work(self) -> Work:
        todo: Work = []
        for snap in self.cluster.store.snaps:
            ready = not snap.snapshot_id and not snap.gone and not snap.given_up and snap.claim.volume is not None
            if ready and (not snap.deleted or snap.in_background):
                todo.append((("take", snap.name), lambda snap=snap: self._take(snap)))  # type: ignore[misc]
            elif snap.deleted and not snap.gone:
                todo.append((("drop", snap.name), lambda snap=snap: self._drop(snap)))  # type: ignore[misc]
        return todo

    async def _take(self, snap: Snap) -> None:
        request = csi.CreateSnapshotRequest(source_volume_id=snap.claim.volume_id, name=snap.name)
        if not snap.in_background:
            snap.at_least = list(snap.claim.synced)
        snap.in_background = True
        try:
            reply = await self.cluster.ask(self.replica, request, csi.CreateSnapshotResponse, SNAPSHOT_SECONDS)
        except Failed as failed:
            snap.in_background = not failed.final
            snap.given_up = failed.final and (snap.claim.deleted or failed.status is Status.NOT_FOUND)
            raise
        assert reply.snapshot is not None
        snap.snapshot_id, snap.in_background = reply.snapshot.snapshot_id, False
        snap.at_most = list(snap.claim.synced)

    async def _drop(self, snap: Snap) -> None:
        if snap.snapshot_id:
            request = csi.DeleteSnapshotRequest(snapshot_id=snap.snapshot_id)
            await self.cluster.ask(self.replica, request, csi.DeleteSnapshotResponse, SNAPSHOT_SECONDS)
        snap.gone = True


def _create_request(claim: Claim) -> csi.CreateVolumeRequest:
    source = None
    if isinstance(claim.source, Snap):
        of_snapshot = csi.VolumeContentSourceSnapshotSource(snapshot_id=claim.source.snapshot_id)
        source = csi.VolumeContentSource(snapshot=of_snapshot)
    elif claim.source is not None:
        source = csi.VolumeContentSource(volume=csi.VolumeContentSourceVolumeSource(volume_id=claim.source.volume_id))
    return csi.CreateVolumeRequest(
        name=claim.name,
        capacity_range=csi.CapacityRange(required_bytes=claim.size_gib * GIB),
        volume_capabilities=[claim.capability],
        volume_content_source=source,
    )
