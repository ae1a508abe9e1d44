"""Of two wardens one acts."""

import asyncio

import pytest

from tests.unit.warden.cluster import KEY, PROVEN, Cluster

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_of_two_wardens_the_second_acts_when_the_first_is_killed(cluster: Cluster) -> None:
    first, second = cluster.warden(), cluster.warden(me="w2")
    await first.start()
    await asyncio.sleep(1)
    await second.start()
    await asyncio.sleep(30)
    assert (cluster.holder(), cluster.transitions()) == ("w1", 1)
    await first.kill()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    assert (cluster.holder(), cluster.transitions(), cluster.taints("n1")) == ("w2", 2, [KEY])
    await second.stop()
    assert cluster.holder() == ""
