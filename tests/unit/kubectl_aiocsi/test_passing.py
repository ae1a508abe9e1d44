"""What passes by itself, or is over, is no finding: what has only begun, a rollout, a deletion, an old event."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.unit.kubectl_aiocsi.api_server import NOW
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.passing import BUSY, PASSING, REMAINS, failed_mount, told_long_ago
from tests.unit.kubectl_aiocsi.ways import unready
from tests.unit.kubectl_aiocsi.world import healthy, pending, running

UNTOLD = "nobody has told"


@pytest.mark.asyncio
@pytest.mark.parametrize("note", PASSING)
async def test_what_passes_by_itself_is_no_finding_and_breaks_no_link(note: str) -> None:
    make, asked = PASSING[note]
    server = healthy()
    make(server)
    assert (await ask(server, "doctor", "-o", "json")).found() == {}
    if asked:
        answer = await ask(server, "why", *asked, "-o", "json")
        assert answer.broken() == [], answer.text


@pytest.mark.asyncio
@pytest.mark.parametrize("note", REMAINS)
async def test_what_is_over_is_not_taken_for_the_cause(note: str) -> None:
    make, remains = REMAINS[note]
    server = healthy()
    make(server)
    assert set((await ask(server, "doctor", "-o", "json")).found()) == remains


@pytest.mark.asyncio
async def test_what_is_told_now_goes_before_a_cause_that_was_told_long_ago() -> None:
    server = healthy()
    pod = server.get("pods", "web")
    pending(pod)
    failed_mount(BUSY)(server)
    told_long_ago(server)
    failed_mount('MountVolume.MountDevice failed for volume "pv-orders" : permission denied')(server)
    assert (await ask(server, "why", "web", "-o", "json")).broken() == [("device", "mount-stuck")]
    assert set((await ask(server, "doctor", "-o", "json")).found()) == {"mount-stuck"}
    pod["status"] = running("web")
    assert (await ask(server, "doctor", "-o", "json")).found() == {}


@pytest.mark.asyncio
async def test_the_clock_of_the_api_server_counts() -> None:
    server = healthy()
    server.date = format_datetime(NOW + timedelta(hours=1))
    assert set((await ask(server, "doctor", "-o", "json")).found()) == {"leases"}
    server.date = "yesterday"  # no date: our own clock counts, which is far ahead
    assert set((await ask(server, "doctor", "-o", "json")).found()) == {"leases"}


@pytest.mark.asyncio
async def test_a_reason_from_before_a_driver_s_pod_has_started_is_not_told_of_it() -> None:
    server = healthy()
    unready(server, "aiocsi-node-0", running={})
    failed_mount(UNTOLD, "aiocsi-node-0")(server)
    found = (await ask(server, "doctor", "-o", "json")).found()
    assert set(found) == {"node-plugin-down"}
    assert UNTOLD not in found["node-plugin-down"]
