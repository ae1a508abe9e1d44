"""Whether the token is let in, as the answers tell."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from common import errors
from controller.digitalocean.token_state import TokenState
from tests.unit.controller.digitalocean.checked import A_LOOK, GOOD, HOUR, door, put
from tests.unit.controller.digitalocean.scripted import ACCOUNT, CHANGE, READ, SECRET, Script, api

pytestmark = pytest.mark.asyncio

UNAUTHORIZED = {"id": "Unauthorized", "message": "Unable to authenticate you"}


async def test_a_refused_token_is_tried_twice_and_then_told_as_not_final() -> None:
    script = Script((401, UNAUTHORIZED))
    async with api(script) as http:
        with pytest.raises(errors.Unavailable, match="token") as refused:
            await http.send(CHANGE)
    assert len(script.tokens) == 2
    assert SECRET not in str(refused.value)


@pytest.mark.looptime
async def test_an_answer_ends_a_doubt_and_silence_does_not_prolong_it(file: Path) -> None:
    put(file, GOOD)
    async with door(file) as found:
        await asyncio.sleep(A_LOOK)
        found.access.lack("one lost answer")
        await asyncio.sleep(HOUR)
        assert found.access.ready()
        assert found.asked == [GOOD, GOOD]


@pytest.mark.looptime
async def test_a_token_that_was_not_let_in_is_used_for_no_list_either() -> None:
    script = Script((200, ACCOUNT))
    access = TokenState(asyncio.get_running_loop().time)
    access.prove("dop_v1_of_before", "team-1")
    async with api(script, access=access) as http:
        with pytest.raises(errors.Unavailable, match="not let in"):
            await http.send(READ)
        assert script.tokens == []
        await http.send(replace(READ, proves=True))
    assert script.tokens == [SECRET]
