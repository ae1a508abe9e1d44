"""Whatever a well-formed request says, the node refuses it on purpose, or finds it right: parsing has no accidents."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import NoReturn, cast

import pytest
from betterproto2 import Message
from grpclib.exceptions import GRPCError
from hypothesis import given, settings
from hypothesis import strategies as st

from common import errors
from csi_proto.csi import v1 as csi
from node.refusals import Refusals
from node.requests import Requests
from node.service import Node, NodeDomains
from tests.harness.message_strategies import messages
from tests.harness.serving_once import handlers, serve_once

KINDS = sorted(handlers(csi.NodeBase()), key=lambda kind: kind.__name__)


class Nowhere:
    """A part of the node that finds nothing of what it is asked for."""

    def __getattr__(self, name: str) -> object:
        async def refuse(*_: object) -> NoReturn:
            raise errors.NotFound(name)

        return refuse


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@given(request=st.sampled_from(KINDS).flatmap(messages))
@settings(max_examples=400)
def test_every_request_is_understood_or_refused_on_purpose(runner: asyncio.Runner, request: Message) -> None:
    nothing = cast("dict[str, None]", dict.fromkeys(NodeDomains.__dataclass_fields__, Nowhere()))
    parts = NodeDomains(**{**nothing, "refusals": Refusals()})  # type: ignore[arg-type]  # one stands for each
    node = Node(Requests("dobs.csi.digitalocean.com"), parts)
    with suppress(errors.DriverError, GRPCError):
        runner.run(serve_once(node, request))
