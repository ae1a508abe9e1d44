"""Any of the processes is killed, at any point; what was done stays done, and the next call carries on."""

import asyncio
from itertools import cycle

import pytest

from tests.integration.main_job.journey import CONTROLLER, POD, Journey, Step, until_done
from tests.integration.main_job.killing import kill, victim
from tools.csi import kubelet
from tools.csi.life import Life
from tools.services.stack import Stack

VICTIMS = ["localcloud", "controller", "node-a"]
MOMENTS_SECONDS = (0.002, 0.01, 0.03, 0.06, 0.1)


def concerns(name: str, step: Step) -> bool:
    """Say whether that process has a part in the step, or in what the step leaves behind."""
    return {"localcloud": True, "controller": step.by == CONTROLLER, "node-a": step.by in ("node-a", POD)}[name]


@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", VICTIMS)
async def test_a_call_that_succeeded_before_the_kill_is_answered_the_same_after_it(
    name: str, fresh_stack: Stack
) -> None:
    journey = Journey(fresh_stack, Life("same-answer", kubelet.mounted("ext4")))
    for step in journey.steps():
        first = await step.take()
        if not concerns(name, step):
            continue
        before = await fresh_stack.state()
        await kill(victim(fresh_stack, name))
        await victim(fresh_stack, name).up()
        assert await step.take() == first
        assert await fresh_stack.state() == before
    assert await fresh_stack.cloud.volumes() == []
    assert (await fresh_stack.state()).mounts == []


@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", VICTIMS)
async def test_a_process_that_is_killed_during_every_step_loses_nothing(name: str, fresh_stack: Stack) -> None:
    """Killed a moment after the call was sent; the sidecar calls again until it is done."""
    journey = Journey(fresh_stack, Life("shaken", kubelet.mounted("ext4")))
    moments = cycle(MOMENTS_SECONDS)
    for step in journey.steps():
        if step.by == POD or not concerns(name, step):
            await step.take()
            continue
        under_way = asyncio.gather(until_done(step.take))
        await asyncio.wait([under_way], timeout=next(moments))
        await kill(victim(fresh_stack, name))
        await victim(fresh_stack, name).up()
        await under_way
    assert await fresh_stack.cloud.volumes() == []
    assert (await fresh_stack.state()).mounts == []
