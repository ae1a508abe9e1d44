"""The token, and the file that it may be in."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common import errors, redaction
from controller.digitalocean.token import Token
from tests.unit.controller.digitalocean.scripted import ACCOUNT, READ, SECRET, Script, api

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.fixture
def secret() -> Iterator[str]:
    yield "dop_v1_from_a_file"
    redaction.forget("dop_v1_from_a_file")


async def test_a_token_from_a_file_is_blanked_in_logs_and_errors(tmp_path: Path, secret: str) -> None:
    (tmp_path / "token").write_text(f"{secret}\n")
    assert Token(file=tmp_path / "token").current() == secret
    assert redaction.scrub(f"the proxy echoed {secret}") == "the proxy echoed ***"


@pytest.mark.parametrize("text", ["two\nlines", "dop\x00", "caf\u00e9"])
async def test_a_file_that_holds_no_token_is_a_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    with pytest.raises(errors.Unavailable, match="holds no token") as refused:
        Token(file=tmp_path / "token").current()
    assert text not in str(refused.value)


async def test_a_replaced_token_file_is_used_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    script = Script((200, ACCOUNT))
    async with api(script, Token(file=file)) as http:
        await http.send(READ)
        file.write_text("second\n")
        await http.send(READ)
    assert script.tokens == ["first", "second"]


async def test_no_token_appears_in_a_repr_or_an_error(tmp_path: Path) -> None:
    assert SECRET not in repr(Token(SECRET))
    with pytest.raises(errors.Unavailable) as refused:
        Token(file=tmp_path / "missing").current()
    assert "missing" in str(refused.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(Path.touch, "is empty", id="empty"),
        pytest.param(os.mkfifo, "not a regular file", id="a FIFO"),
        pytest.param(Path.mkdir, "s a directory", id="a directory"),
        pytest.param(lambda file: file.write_text("two words"), "holds no token", id="two words"),
        pytest.param(lambda file: file.write_text("x" * 10_000), "holds no token", id="too long"),
    ],
)
async def test_a_token_file_that_holds_no_token_is_named_and_never_waited_for(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    file = tmp_path / "token"
    make(file)
    with pytest.raises(errors.Unavailable, match=words) as refused:
        Token(file=file).current()
    assert str(file) in str(refused.value)


async def test_a_file_that_becomes_empty_is_no_token_any_more(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    token = Token(file=file)
    token.current()
    file.write_text("")
    with pytest.raises(errors.Unavailable, match="is empty"):
        token.current()
