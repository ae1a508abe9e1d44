"""What one client sends costs little memory, and holds up no probe: bounded floods of a real process, under a cap."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.harness import floods
from tests.harness.floods import poured, poured_by, silent
from tests.harness.slow import Service

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

KIB = 1 << 10
MIB = 1 << 20
Flood = Callable[[Service], AbstractAsyncContextManager[object]]

FLOODS: list[object] = [
    pytest.param(lambda it: poured(it.socket, floods.resets(6000)), 5, id="calls that are reset at once"),
    pytest.param(
        lambda it: poured(it.socket, floods.resets(3000, floods.PROBE)), 5, id="probes that are reset at once"
    ),
    pytest.param(
        lambda it: poured(it.socket, floods.half_sent(64, 256 * KIB, told=4 * MIB)), 5, id="messages that are too large"
    ),
    pytest.param(
        lambda it: poured(it.socket, floods.half_sent(1, 60_000, told=MIB, piece=1)),
        5,
        id="a message in frames of a byte",
    ),
    pytest.param(lambda it: poured(it.socket, floods.empty_frames(30_000)), 5, id="frames without data"),
    pytest.param(lambda it: poured(it.socket, floods.pings(200_000), read=False), 5, id="pings whose answers wait"),
    pytest.param(lambda it: poured(it.socket, floods.odd_settings(50_000)), 5, id="settings that do not exist"),
    pytest.param(
        lambda it: poured_by(it.socket, 8, lambda: floods.endless_headers(80)), 5, id="headers without an end"
    ),
    pytest.param(lambda it: poured_by(it.socket, 4, floods.long_frame), 5, id="a frame of 16 MiB"),
    pytest.param(lambda it: poured_by(it.socket, 2, lambda: floods.open_calls(1200)), 40, id="calls without a message"),
    pytest.param(lambda it: silent(400, socket=it.socket), 25, id="silent connections"),
    pytest.param(lambda it: silent(256, port=it.health_port), 5, id="silent connections to the health page"),
]


@pytest.mark.parametrize(("flood", "most_mib"), FLOODS)
async def test_a_flood_takes_little_memory_and_delays_no_probe(tmp_path: Path, flood: Flood, most_mib: float) -> None:
    cost = await floods.cost(tmp_path, flood, cap_mib=96, probes=5)
    assert max(cost.during, cost.after) <= most_mib
