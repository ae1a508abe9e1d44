import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from common import errors
from common.tasks import Tasks
from controller.cloud.base import Account
from controller.digitalocean.token import Token
from controller.digitalocean.token_check import TokenCheck
from controller.digitalocean.token_state import TokenState

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]
HOUR, MINUTE, A_LOOK = 3600.0, 60.0, 11.0
GOOD, OTHER, WRONG = "dop_v1_good", "dop_v1_other", "dop_v1_wrong"


class Door:
    """The cloud as a token meets it. ``status`` 0: no answer comes."""

    def __init__(self, file: Path) -> None:
        self.token = Token(file=file)
        self.access = TokenState(asyncio.get_running_loop().time)
        self.asked: list[str] = []
        self.answers = True
        self.scoped = False  # the token may not read the account

    async def ask(self) -> Account:
        token = self.token.current()
        self.asked.append(token)
        status = (401 if token == WRONG else 403 if self.scoped else 200) if self.answers else 0
        self.access.learn(status)
        if status in {0, 401}:
            raise errors.Unavailable(f"{status}")
        if status == 403:
            raise errors.FailedPrecondition("scopes")
        return Account(0)


@asynccontextmanager
async def door(file: Path) -> AsyncIterator[Door]:
    """A door at which tokens of that file are tried."""
    found, tasks = Door(file), Tasks()
    tasks.background(TokenCheck(found.token, found.access, found.ask).run(), "trial")
    yield found
    await tasks.close()


def put(file: Path, token: str | None) -> None:
    """Let the secret hold that token, or nothing."""
    if token is None:
        file.unlink()
    else:
        file.write_text(token)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


@pytest.mark.parametrize("scoped", [True, False])
async def test_a_token_that_is_let_in_is_tried_once(file: Path, scoped: bool) -> None:
    put(file, GOOD)
    async with door(file) as found:
        found.scoped = scoped
        await asyncio.sleep(HOUR)
        assert found.asked == [GOOD]
        assert found.access.ready()


async def test_each_new_token_is_tried_once(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        await asyncio.sleep(MINUTE)
        put(file, OTHER)
        await asyncio.sleep(HOUR)
        assert found.asked == [GOOD, OTHER]


async def test_a_replica_that_nobody_calls_is_not_ready_with_a_wrong_token_until_it_is_replaced(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        await asyncio.sleep(MINUTE)
        put(file, WRONG)
        await asyncio.sleep(A_LOOK)
        assert found.access.ready()  # for a moment it may be the cloud's fault
        await asyncio.sleep(MINUTE)
        assert "refused the API token" in found.access.reason
        put(file, OTHER)
        await asyncio.sleep(A_LOOK)
        assert found.access.ready()
        assert found.asked == [GOOD, WRONG, OTHER]


async def test_a_refused_token_is_tried_again_seldom(file: Path) -> None:
    put(file, WRONG)
    async with door(file) as found:
        await asyncio.sleep(HOUR)
        assert 10 <= len(found.asked) <= 12
        assert not found.access.ready()


async def test_a_token_that_got_no_answer_is_tried_again_and_the_replica_stays_ready(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        found.answers = False
        await asyncio.sleep(2 * MINUTE)
        assert found.access.ready()
        found.answers = True
        await asyncio.sleep(HOUR)
        assert found.asked == [GOOD, GOOD]


async def test_a_token_that_is_missing_makes_the_replica_unready_until_it_is_there(file: Path) -> None:
    async with door(file) as found:
        await asyncio.sleep(2 * MINUTE)
        assert str(file) in found.access.reason
        assert not found.asked
        put(file, GOOD)
        await asyncio.sleep(A_LOOK)
        assert found.access.ready()


async def test_a_token_that_vanishes_and_comes_back_is_tried_again(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        await asyncio.sleep(A_LOOK)
        put(file, None)
        await asyncio.sleep(2 * MINUTE)
        assert not found.access.ready()
        put(file, GOOD)
        await asyncio.sleep(A_LOOK)
        assert found.access.ready()


async def test_no_token_is_told_in_the_log(file: Path) -> None:
    put(file, WRONG)
    with capture_logs() as lines:
        async with door(file):
            await asyncio.sleep(HOUR)
    assert lines
    assert WRONG not in str(lines)
