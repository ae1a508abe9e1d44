"""An outage is told once."""

import pytest
from structlog.testing import capture_logs

from controller.digitalocean import models
from tests.unit.controller.digitalocean.scripted import ACCOUNT, READ, Script, api

pytestmark = pytest.mark.asyncio


async def test_an_outage_is_told_at_its_beginning_and_at_its_end_and_each_request_at_debug() -> None:
    script = Script(*[(503, "<html>busy</html>")] * 5, (200, ACCOUNT))
    script.headers = {"x-request-id": "id-of-the-cloud"}
    with capture_logs() as lines:
        async with api(script) as http:
            await http.read(READ, models.OneAccount)
    told = [(each["log_level"], each["event"]) for each in lines]
    assert told.count(("warning", "cloud_fails")) == told.count(("warning", "cloud_answers_again")) == 1
    requests = [each for each in lines if each["event"] == "request"]
    assert [each["status"] for each in requests] == [503] * 5 + [200]
    assert {each["cloud_request_id"] for each in requests} == {"id-of-the-cloud"}
    assert {each["route"] for each in requests} == {"/v2/account"}
