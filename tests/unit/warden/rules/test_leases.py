"""Who may take a lease."""

import pytest

from warden.rules import leases
from warden.rules.leases import Lease, LeaseStep, Observed


def lease(holder: str, renewed: str = "t") -> Lease:
    return Lease(holder, renewed, 15.0, "7", 1)


def test_a_lease_is_read() -> None:
    spec = {"holderIdentity": "a", "renewTime": "t", "leaseDurationSeconds": 15, "leaseTransitions": 1}
    assert leases.lease({"metadata": {"resourceVersion": "7"}, "spec": spec}) == lease("a")
    assert leases.lease({}) == Lease("", "", 0.0, "", 0)


def test_time_counts_from_when_the_lease_was_first_seen_so() -> None:
    first = leases.observe(None, lease("a"), 5.0)
    assert leases.observe(first, lease("a"), 9.0).since == 5.0
    assert leases.observe(first, lease("a", "t2"), 9.0).since == 9.0


@pytest.mark.parametrize(
    ("holder", "now", "step"),
    [
        pytest.param("me", 99.0, LeaseStep.RENEW, id="ours"),
        pytest.param("", 0.0, LeaseStep.TAKE, id="given back"),
        pytest.param("a", 14.9, LeaseStep.WAIT, id="another's"),
        pytest.param("a", 15.0, LeaseStep.TAKE, id="not renewed for its duration"),
    ],
)
def test_who_may_do_what(holder: str, now: float, step: LeaseStep) -> None:
    assert leases.step(Observed(lease(holder), 0.0), "me", now) is step
