"""The floods that once killed a process at the chart's memory limit, in full; the unit tier has more kinds of them."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.harness import floods
from tests.harness.floods import cost, poured, silent
from tests.harness.slow import Service

pytestmark = [pytest.mark.every_python, pytest.mark.asyncio, pytest.mark.timeout(240)]

MIB = 1 << 20
PROBES = 60


async def test_60000_resets_take_10_mib_at_most(tmp_path: Path) -> None:
    taken = await cost(tmp_path, lambda it: poured(it.socket, floods.resets(60_000)), cap_mib=96, probes=PROBES)
    assert max(taken.during, taken.after) <= 10


@pytest.mark.parametrize("told", [pytest.param(4 * MIB - 1, id="4 MiB"), pytest.param(MIB - 1, id="1 MiB")])
async def test_64_half_sent_messages_take_40_mib_at_most(tmp_path: Path, told: int) -> None:
    def flood(service: Service) -> AbstractAsyncContextManager[None]:
        return poured(service.socket, floods.half_sent(64, told - 16384, told=told))

    taken = await cost(tmp_path, flood, cap_mib=128, probes=PROBES)
    assert max(taken.during, taken.after) <= 40


async def test_256_silent_connections_to_the_health_page_leave_60_of_60_probes_answered(tmp_path: Path) -> None:
    taken = await cost(tmp_path, lambda it: silent(256, port=it.health_port), cap_mib=96, probes=PROBES)
    assert taken.during <= 10
