"""The controller's process tries its token by itself, also when no sidecar ever calls it."""

import asyncio
from pathlib import Path

import pytest

from tools.services.localcloud import Api, here
from tools.services.stack import REGION, Service

pytestmark = pytest.mark.asyncio
WRONG = "no-token-at-all"
TRY = "GET /v2/account"
TRIED_SECONDS = 30.0


async def tried(api: Api, status: int) -> set[str]:
    """Wait until a try of the token was answered with that status; return all requests that were sent."""
    async with asyncio.timeout(TRIED_SECONDS):
        while True:
            sent = (await api.ask("GET", "/_localcloud/ledger/requests")).parts("requests")
            if (TRY, status) in {(f"{each['method']} {each['path']}", each["status"]) for each in sent}:
                return {f"{each['method']} {each['path']}" for each in sent}
            await asyncio.sleep(0.1)  # noqa: TID251 (the ledger is asked; nothing tells of an entry)


async def test_a_controller_that_nobody_calls_tries_its_token_and_the_one_that_replaces_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(WRONG)
    async with here(tmp_path / "cloud") as api:
        settings = {"AIOCSI_API_URL": api.address, "AIOCSI_TOKEN_FILE": str(file), "AIOCSI_REGION": REGION}
        controller = Service("controller", "controller", tmp_path / "controller", settings)
        try:
            await controller.up()
            assert await tried(api, 401) == {TRY}
            await api.ask("DELETE", "/_localcloud/ledger")
            await asyncio.to_thread(file.write_text, api.token)
            assert await tried(api, 200) - {"GET /v2/regions"} == {TRY}
            await controller.until(lambda: "token_accepted" in controller.output() or None, "success", TRIED_SECONDS)
            assert await controller.down() == 0
        finally:
            controller.kill()
    assert WRONG not in controller.log.read_text()
