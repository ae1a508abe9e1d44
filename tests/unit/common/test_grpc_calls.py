"""How a call ends: at its deadline, and not behind others."""

import asyncio
from pathlib import Path

import pytest
from grpclib.const import Status

from common import deadlines
from csi_proto.csi import v1 as csi
from tests.fakes.services import Deleting, Gate
from tests.harness.raw_http2 import RawClient, framed
from tests.unit.common.captured import Captured
from tests.unit.common.conftest import DELETE, REPLY, VOLUME
from tests.unit.common.serving import Served, serving
from tools.csi.client import Client


@pytest.mark.asyncio
@pytest.mark.parametrize("seconds", [None, 20.0])
async def test_the_servicer_knows_how_long_the_caller_waits(served: Served, seconds: float | None) -> None:
    left: list[float] = []

    async def act(_message: csi.DeleteVolumeRequest) -> None:
        left.append(deadlines.remaining())

    served.controller.act = act
    async with RawClient(served.socket) as client:
        timeout = () if seconds is None else (("grpc-timeout", f"{seconds:.0f}S"),)
        await client.call(f"/{DELETE}", framed(bytes(VOLUME)), *timeout)
    assert left[0] == pytest.approx(seconds or deadlines.UNBOUNDED_SECONDS, abs=15)


@pytest.mark.asyncio
@pytest.mark.parametrize("seconds", [0.02, 0.1])
async def test_a_call_ends_at_its_deadline(log: Captured, served: Served, seconds: float) -> None:
    gate = Gate()
    served.controller.act = gate
    async with RawClient(served.socket) as client:
        timeout = ("grpc-timeout", f"{seconds * 1000:.0f}m")
        answer = await client.call(f"/{DELETE}", framed(bytes(VOLUME)), timeout)
    assert (answer.status, gate.cancelled) == (Status.DEADLINE_EXCEEDED.value, gate.arrived)
    assert "Traceback" not in log.text


@pytest.mark.asyncio
async def test_health_never_waits_behind_work(tmp_path: Path) -> None:
    gate = Gate()
    async with (
        serving(tmp_path, Deleting(gate), at_once=2) as served,
        Client(served.socket) as client,
        asyncio.TaskGroup() as tasks,
    ):
        calls = [tasks.create_task(client.call(VOLUME, REPLY)) for _ in range(200)]
        await gate.until(2)
        async with asyncio.timeout(20):
            assert (await client.call(csi.ProbeRequest(), csi.ProbeResponse)).ready
            await client.call(csi.GetPluginInfoRequest(), csi.GetPluginInfoResponse)
        assert gate.arrived == 2
        gate.open()
        assert [await call for call in calls] == [REPLY()] * 200


@pytest.mark.asyncio
async def test_a_call_that_waits_for_its_turn_ends_at_its_deadline(tmp_path: Path) -> None:
    gate = Gate()
    async with (
        serving(tmp_path, Deleting(gate), at_once=1) as served,
        Client(served.socket) as client,
        RawClient(served.socket) as other,
        asyncio.TaskGroup() as tasks,
    ):
        first = tasks.create_task(client.call(VOLUME, REPLY))
        await gate.until(1)
        answer = await other.call(f"/{DELETE}", framed(bytes(VOLUME)), ("grpc-timeout", "20m"))
        assert (answer.status, gate.arrived) == (Status.DEADLINE_EXCEEDED.value, 1)
        assert "are under way, and 0 came before this one" in answer.headers["grpc-message"]
        gate.open()
        await first
