import asyncio
from itertools import groupby
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from common import errors
from tests.unit.controller.digitalocean.checked import A_LOOK, GOOD, HOUR, MINUTE, OTHER, WRONG, door, put

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.mark.parametrize("account", ["team-1", ""], ids=["told", "not told to this token"])
async def test_a_token_that_is_let_in_is_tried_once(file: Path, account: str) -> None:
    put(file, GOOD)
    async with door(file) as found:
        found.accounts[GOOD] = account
        await asyncio.sleep(HOUR)
        assert found.asked == [GOOD]
        assert found.access.ready()


async def test_nothing_is_ready_before_the_first_token_was_let_in(file: Path) -> None:
    put(file, WRONG)
    async with door(file) as found:
        assert not found.access.ready()
        await asyncio.sleep(1)
        assert "refuses the API token" in found.access.reason
        assert "put a valid token into its Secret" in found.access.reason


async def test_a_cloud_that_never_answered_is_the_reason_and_is_asked_again(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        found.answers = False
        await asyncio.sleep(MINUTE)
        assert "503" in found.access.reason
        found.answers = True
        await asyncio.sleep(2 * MINUTE)
        assert found.access.ready()


async def test_a_token_of_another_account_makes_the_process_unready_and_changes_nothing(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        found.accounts[OTHER] = "team-2"
        await asyncio.sleep(A_LOOK)
        put(file, OTHER)
        with pytest.raises(errors.Unavailable, match="team-2"):
            await found.access.admit(OTHER)
        assert not found.access.is_proven(OTHER)
        await asyncio.sleep(2 * MINUTE)
        assert "account team-2" in found.access.reason
        put(file, GOOD)
        await asyncio.sleep(A_LOOK)
        assert found.access.ready()


async def test_a_change_waits_until_a_new_token_was_tried(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        await asyncio.sleep(A_LOOK)
        put(file, OTHER)
        await found.access.admit(OTHER)
        assert found.asked == [GOOD, OTHER]


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
        assert "refuses the API token" in found.access.reason
        put(file, OTHER)
        await asyncio.sleep(A_LOOK)
        assert found.access.ready()
        assert [token for token, _ in groupby(found.asked)] == [GOOD, WRONG, OTHER]


async def test_a_refused_token_is_tried_again_seldom(file: Path) -> None:
    put(file, WRONG)
    async with door(file) as found:
        await asyncio.sleep(HOUR)
        assert 10 <= len(found.asked) <= 17
        assert not found.access.ready()


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


async def test_each_reason_why_no_token_is_let_in_is_logged_once(file: Path) -> None:
    with capture_logs() as lines:
        async with door(file):
            await asyncio.sleep(2 * MINUTE)
            put(file, WRONG)
            await asyncio.sleep(HOUR)
    assert [line["remedy"] for line in lines] == [
        "check that the secret is mounted",
        "put a valid token into its Secret",
    ]


ACCOUNTS = pytest.mark.parametrize(("first", "then"), [("team-1", ""), ("", ""), ("", "team-2")])


@ACCOUNTS
async def test_another_token_is_used_if_it_sees_a_volume_that_is_known_where_accounts_do_not_tell(
    file: Path, first: str, then: str
) -> None:
    put(file, GOOD)
    async with door(file) as found:
        found.accounts |= {GOOD: first, OTHER: then}
        found.known, found.seen = ["deleted-meanwhile", "a"], {(OTHER, "a")}
        await asyncio.sleep(A_LOOK)
        put(file, OTHER)
        await found.access.admit(OTHER)
        assert found.access.is_proven(OTHER)


async def test_a_volume_is_no_witness_against_what_the_accounts_tell(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        found.accounts[OTHER] = "team-2"
        found.known, found.seen = ["a"], {(OTHER, "a")}
        await asyncio.sleep(A_LOOK)
        put(file, OTHER)
        with pytest.raises(errors.Unavailable, match="team-2"):
            await found.access.admit(OTHER)


@ACCOUNTS
async def test_another_token_that_does_not_tell_its_account_is_of_nobody_knows_whom(
    file: Path, first: str, then: str
) -> None:
    put(file, GOOD)
    async with door(file) as found:
        found.accounts |= {GOOD: first, OTHER: then}
        found.known = ["a"]
        await asyncio.sleep(A_LOOK)
        put(file, OTHER)
        with pytest.raises(errors.Unavailable, match="not let in"):
            await found.access.admit(OTHER)
        await asyncio.sleep(2 * MINUTE)
        assert "account:read" in found.access.reason
        put(file, GOOD)
        await asyncio.sleep(A_LOOK)
        assert found.access.ready()
