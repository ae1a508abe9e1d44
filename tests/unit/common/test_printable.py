"""What a header or a log cannot carry is shown otherwise."""

import os

import pytest
from grpclib.const import Status

from common import errors
from common.printable import bounded
from tests.harness.raw_http2 import RawClient, framed
from tests.unit.common.captured import Captured
from tests.unit.common.conftest import DELETE, VOLUME, raises
from tests.unit.common.serving import Served
from tools.csi.client import Client


@pytest.mark.asyncio
async def test_an_error_whose_text_a_header_cannot_carry_arrives(served: Served) -> None:
    served.controller.act = raises(errors.NotFound("\r\n ü \0 " + "x" * 9999 + " ")).act
    async with RawClient(served.socket) as client:
        answer = await client.call(f"/{DELETE}", framed(bytes(VOLUME)))
    assert answer.status == Status.NOT_FOUND.value
    assert answer.headers["grpc-message"].startswith(r"AIOCSI-G001: \x0d\x0a %C3%BC \x00 xxx")
    assert len(answer.headers["grpc-message"]) < 3000


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(os.fsdecode(b"/m\x80\xff\xfe"), r"/m\x80\xff\xfe", id="bytes that are no UTF-8"),
        pytest.param("half \ud800\udc7f\udd00 of a pair", r"half \ud800\udc7f\udd00 of a pair", id="lone surrogates"),
        pytest.param("label \x1b[2J\r\nmore\x9b", r"label \x1b[2J\x0d\x0amore\x9b", id="terminal codes"),
        pytest.param("a\u2028b\u202ec", r"a\u2028b\u202ec", id="separators and directions"),
    ],
)
async def test_an_error_text_with_any_bytes_gets_an_answer_that_can_be_shown(
    log: Captured, served: Served, client: Client, text: str, told: str
) -> None:
    served.controller.act = raises(errors.NotFound(text, remedy="look")).act
    assert await client.refusal(VOLUME) == (Status.NOT_FOUND, f"AIOCSI-G001: {told} (remedy: look)")
    (line,) = log.lines("call")
    assert (line["error_class"], line["message"]) == ("NotFound", told)


@pytest.mark.parametrize(("text", "told"), [("x" * 40, "x" * 40), ("\n" * 10, r"\x0a" * 10)])
def test_a_text_that_just_fits_is_told_whole(text: str, told: str) -> None:
    assert bounded(text, 40) == told
    assert len(bounded(text, 39).encode()) == 39
    assert bounded(text, 39)[-1] == "…"
