"""A reply that does not fit is not believed."""

import uuid

import pytest

from common import errors
from controller.digitalocean import models
from tests.unit.controller.digitalocean.scripted import READ, Script, api

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param("{}", "account", id="empty"),
        pytest.param('{"account": {"uuid": "a", "volume_limit": "many"}}', "account.volume_limit", id="wrong type"),
        pytest.param("<html>", "whole reply", id="no JSON"),
    ],
)
async def test_a_reply_that_does_not_fit_is_not_final_and_names_the_field(body: str, field: str) -> None:
    async with api(Script((200, body))) as http:
        with pytest.raises(errors.NotFinal, match=field):
            await http.read(READ, models.AccountLimits)


async def test_a_volume_without_its_droplets_does_not_read_as_detached() -> None:
    volume = {
        "id": str(uuid.UUID(int=1)),
        "name": "pvc-a",
        "size_gigabytes": 1,
        "region": {"slug": "nyc1"},
        "created_at": "2026-01-01T00:00:00Z",
    }
    async with api(Script((200, {"volume": volume}), (200, {"volume": {**volume, "droplet_ids": None}}))) as http:
        with pytest.raises(errors.NotFinal, match=r"volume\.droplet_ids"):
            await http.read(READ, models.OneVolume)
        assert (await http.read(READ, models.OneVolume)).volume.droplet_ids is None
