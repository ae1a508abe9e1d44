"""Any of the processes is killed, at any point; what was done stays done, and the next call carries on."""

import asyncio
from itertools import cycle

import pytest

from tests.harness import life
from tests.harness.life import Life
from tests.harness.stack import Stack
from tests.integration.main_job.journey import Journey, until_done
from tests.integration.main_job.killing import kill, victim

VICTIMS = ["localcloud", "controller", "node-a"]
MOMENTS_SECONDS = (0.002, 0.01, 0.03, 0.06, 0.1)


@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", VICTIMS)
async def test_a_call_that_succeeded_before_the_kill_is_answered_the_same_after_it(
    name: str, fresh_stack: Stack
) -> None:
    journey = Journey(fresh_stack, Life("same-answer", life.mounted("ext4")))
    for step in journey.steps():
        first = await step()
        before = await fresh_stack.state()
        await kill(victim(fresh_stack, name))
        await victim(fresh_stack, name).up()
        assert await step() == first
        assert await fresh_stack.state() == before
    assert await fresh_stack.cloud.volumes() == []
    assert (await fresh_stack.state()).mounts == []


@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", VICTIMS)
async def test_a_process_that_is_killed_during_every_step_loses_nothing(name: str, fresh_stack: Stack) -> None:
    """Killed a moment after the call was sent; the sidecar calls again until it is done."""
    journey = Journey(fresh_stack, Life("shaken", life.mounted("ext4")))
    moments = cycle(MOMENTS_SECONDS)
    for step in journey.steps():
        if step in (journey.write, journey.read):
            await step()
            continue
        under_way = asyncio.gather(until_done(step))
        await asyncio.wait([under_way], timeout=next(moments))
        await kill(victim(fresh_stack, name))
        await victim(fresh_stack, name).up()
        await under_way
    assert await fresh_stack.cloud.volumes() == []
    assert (await fresh_stack.state()).mounts == []
