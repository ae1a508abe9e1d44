"""An outage of the cloud: each error of two controllers names it, and each log has one beginning and one end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import pytest

from csi_proto.csi import v1 as csi
from tools.csi.client import ROUTES, Client
from tools.csi.kubelet import mounted
from tools.services.localcloud import Api, here
from tools.services.stack import REGION, Service

pytestmark = pytest.mark.asyncio
ROUNDS, CALL_SECONDS, BACK_SECONDS = 3, 2.0, 30.0
OUTAGE = {"kind": "error", "status": 503, "where": {"path": "/v2/*"}}


@asynccontextmanager
async def controller(name: str, api: Api, folder: Path) -> AsyncIterator[tuple[Service, Client]]:
    settings = {"AIOCSI_API_URL": api.address, "AIOCSI_TOKEN": api.token, "AIOCSI_REGION": REGION}
    service = Service(name, "controller", folder / name, settings)
    try:
        await service.up()
        async with Client(service.socket) as client:
            yield service, client
        assert await service.down() == 0
    finally:
        service.kill()


async def test_each_error_of_an_outage_names_it_and_each_log_has_one_beginning_and_one_end(tmp_path: Path) -> None:
    async with (
        here(tmp_path / "cloud", "--droplets=1", "--action-latency=0") as api,
        controller("first", api, tmp_path) as (first, one),
        controller("second", api, tmp_path) as (second, other),
    ):
        made = await one.call(
            csi.CreateVolumeRequest(name="pvc-a", volume_capabilities=[mounted()]), csi.CreateVolumeResponse
        )
        assert made.volume is not None
        node_id = str((await api.all("droplets"))[0]["id"])
        wanted = (
            csi.CreateVolumeRequest(name="pvc-b", volume_capabilities=[mounted()]),
            csi.ControllerPublishVolumeRequest(
                volume_id=made.volume.volume_id, node_id=node_id, volume_capability=mounted()
            ),
        )
        await api.ask("POST", "/_localcloud/faults", OUTAGE)
        for _ in range(ROUNDS):
            refusals = (
                client.refusal(request, seconds=CALL_SECONDS) for client, request in product((one, other), wanted)
            )
            answers = await asyncio.gather(*refusals, return_exceptions=True)
            in_time = [each for each in answers if not isinstance(each, TimeoutError)]  # a busy machine may be late
            assert in_time
            for answer in in_time:
                assert not isinstance(answer, BaseException), answer
                status, text = answer
                assert status.name in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
                assert "/v2/volumes" in text
                assert "the cloud answered 503" in text
        await api.ask("DELETE", "/_localcloud/faults")
        for client, request in product((one, other), wanted):
            await client.call(request, ROUTES[type(request)].reply, seconds=BACK_SECONDS)
    for service in (first, second):
        told = [json.loads(line)["event"] for line in service.log.read_text().splitlines() if line.startswith("{")]
        assert [event for event in told if event.startswith("cloud_")] == ["cloud_fails", "cloud_answers_again"]
