"""A snapshot's life: taken, restored to a volume, both deleted."""

from benchmarks.api_cost.stand import CALL_SECONDS, Stand, standing
from csi_proto.csi import v1 as csi

TARGET = 6


async def run() -> bool:
    """Measure; return whether the target is met."""
    async with standing(1) as stand:
        source = await stand.create("pvc-source")
        cost = await stand.measured(_life(stand, source))
    ok = cost.requests <= TARGET
    kinds = ", ".join(f"{count} {kind}" for kind, count in cost.by_kind.items())
    print(
        f"snapshot, restore, delete both: {cost.requests} requests (target {TARGET}): {kinds}   {_word(ok)}", flush=True
    )
    return ok


async def _life(stand: Stand, volume_id: str) -> None:
    wanted = csi.CreateSnapshotRequest(source_volume_id=volume_id, name="snapshot-one")
    made = await stand.client.call(wanted, csi.CreateSnapshotResponse, seconds=CALL_SECONDS)
    assert made.snapshot is not None  # noqa: S101 (a benchmark that goes wrong must stop)
    snapshot = csi.VolumeContentSourceSnapshotSource(snapshot_id=made.snapshot.snapshot_id)
    copy = await stand.create("pvc-copy", csi.VolumeContentSource(snapshot=snapshot))
    await stand.delete(copy)
    gone = csi.DeleteSnapshotRequest(snapshot_id=made.snapshot.snapshot_id)
    await stand.client.call(gone, csi.DeleteSnapshotResponse, seconds=CALL_SECONDS)


def _word(ok: bool) -> str:
    return "ok" if ok else "MISSED"
