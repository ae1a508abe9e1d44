"""Who leads, by a Lease: as client-go does it, without trusting any clock but our own.

A lease is free when its holder has not renewed it for its duration while *we* watched; what the lease says of the time
is compared with what it said before, and never with our clock. Source: client-go tools/leaderelection.
"""

from dataclasses import dataclass
from enum import Enum, auto

from warden.rules.objects import Json, at, text


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease as it was read."""

    holder: str
    renewed: str
    duration: float
    version: str
    transitions: int


@dataclass(frozen=True, slots=True)
class Observed:
    """A lease, and when it was first seen as it is, loop seconds."""

    lease: Lease
    since: float


class LeaseStep(Enum):
    """What to do about a lease."""

    RENEW = auto()
    TAKE = auto()
    WAIT = auto()


def lease(json: Json) -> Lease:
    """Return a Lease of coordination.k8s.io/v1."""
    seconds, transitions = at(json, "spec", "leaseDurationSeconds"), at(json, "spec", "leaseTransitions")
    return Lease(
        holder=text(json, "spec", "holderIdentity"),
        renewed=text(json, "spec", "renewTime"),
        duration=float(seconds) if isinstance(seconds, int) else 0.0,
        version=text(json, "metadata", "resourceVersion"),
        transitions=transitions if isinstance(transitions, int) else 0,
    )


def observe(before: Observed | None, found: Lease, now: float) -> Observed:
    """Return the lease with the time since which it is so."""
    if before is not None and (before.lease.holder, before.lease.renewed) == (found.holder, found.renewed):
        return Observed(found, before.since)
    return Observed(found, now)


def step(observed: Observed, me: str, now: float) -> LeaseStep:
    """Say what ``me`` may do."""
    if observed.lease.holder == me:
        return LeaseStep.RENEW
    expired = now >= observed.since + observed.lease.duration
    return LeaseStep.TAKE if expired or not observed.lease.holder else LeaseStep.WAIT


FREE = Lease("", "", 0.0, "", 0)
