"""The users of the cluster: they do what the plan says, when it says so."""

from collections.abc import Coroutine
from typing import Protocol

from csi_proto.csi import v1 as csi
from tests.faults.cluster import control
from tests.faults.cluster.objects import Claim, Pod, Snap
from tests.faults.invariants import is_source
from tests.faults.plan import Step
from tests.faults.sim.loop import sleep
from tools.csi.kubelet import mounted, raw


class Around(control.Around, Protocol):
    """What users see of the world."""

    def offers(self, rpc: str) -> bool: ...
    def begin(self, work: Coroutine[object, object, None]) -> None: ...


class Users:
    """Acts out the steps of a plan."""

    def __init__(self, around: Around, seed: int) -> None:
        self._around = around
        self._seed = seed
        self.claims: dict[int, Claim] = {}

    async def act(self, steps: tuple[Step, ...]) -> None:
        """Do every step at its time."""
        for step in steps:
            await sleep(max(0.0, step.at - self._around.now()))
            self._around.trace.note("user", str(step))
            self._step(step)
            self._around.bell.ring()

    def _step(self, step: Step) -> None:
        if step.kind in {"claim", "clone", "restore"}:
            self._claim(step)
            return
        claim = self.claims.get(step.claim)
        if claim is None or claim.deleted:
            return
        if step.kind == "pod":
            control.start(self._around, claim, step.host)
        elif step.kind == "stop" and claim.pod is not None:
            claim.pod.deleting = True
        elif step.kind == "move" and claim.pod is not None:
            control.move(self._around, claim, step.host)
        elif step.kind == "again" and claim.pod is not None and not claim.pod.deleting:
            claim.pod.deleting = True
            self._around.begin(self._again(claim, claim.pod))
        elif step.kind == "grow" and claim.volume is not None and self._around.offers("EXPAND_VOLUME"):
            claim.wanted_gib = max(claim.wanted_gib, claim.given_gib) + step.amount
        elif step.kind == "snapshot" and claim.synced and self._around.offers("CREATE_DELETE_SNAPSHOT"):
            self._around.store.snaps.append(Snap(f"snapshot-{len(self._around.store.snaps)}", claim))
        elif step.kind == "delete" and not is_source(self._around.store, claim):
            self.delete(claim)

    async def _again(self, claim: Claim, old: Pod) -> None:
        """Start the pod once more on its host, as soon as it has ended: the volume stays attached."""
        await self._around.bell.until(lambda: old.gone)
        if claim.pod is old:
            control.start(self._around, claim, old.host)

    def delete(self, claim: Claim) -> None:
        """Delete a claim and its pod."""
        claim.deleted = True
        if claim.pod is not None:
            claim.pod.deleting = True

    def delete_all(self) -> None:
        """Delete everything that nothing is copied from."""
        for claim in self._around.store.claims:
            if not claim.deleted and not is_source(self._around.store, claim):
                self.delete(claim)
        for snap in self._around.store.snaps:
            snap.deleted = snap.deleted or not is_source(self._around.store, snap)
        self._around.bell.ring()

    def _claim(self, step: Step) -> None:
        source: Claim | Snap | None = None
        if step.kind != "claim":
            source = self._source(step)
            if source is None:
                return
        origin = source.claim if isinstance(source, Snap) else source
        capability = origin.capability if origin is not None else _capability(self._seed + step.claim)
        size = max(origin.given_gib, origin.wanted_gib) + 1 if origin is not None else 1 + step.claim
        claim = Claim(step.claim, f"pvc-{self._seed}-{step.claim}", capability, size, source)
        self.claims[step.claim] = claim
        self._around.store.claims.append(claim)

    def _source(self, step: Step) -> Claim | Snap | None:
        origin = self.claims.get(step.amount)
        if origin is None or not origin.synced or origin.deleted:
            return None
        if step.kind == "clone":
            return origin if self._around.offers("CLONE_VOLUME") else None
        snaps = [each for each in self._around.store.snaps if each.claim is origin and not each.deleted]
        return snaps[-1] if snaps else None


def _capability(number: int) -> csi.VolumeCapability:
    if number % 4 == 0:
        return raw()
    return mounted("xfs" if number % 3 == 0 else "ext4")
