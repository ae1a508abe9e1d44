"""Secrets are told to nobody."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import redaction
from csi_proto import csi
from csi_proto.csi import v1
from tools.csi.client import ROUTES

SECRETS = {"token": "s3cr3t-token", "key": "s3cr3t-key"}
REQUEST = v1.CreateVolumeRequest(
    name="n", parameters={"type": "ssd"}, secrets=SECRETS, capacity_range=v1.CapacityRange(required_bytes=5)
)


@pytest.fixture
def token() -> Iterator[str]:
    value = "dop_v1_0123456789"
    redaction.register(value)
    yield value
    redaction.forget(value)


def test_a_message_is_described_without_its_secrets() -> None:
    assert redaction.describe(REQUEST) == {
        "name": "n",
        "parameters": {"type": "ssd"},
        "secrets": {"token": "***", "key": "***"},
        "capacity_range": {"required_bytes": 5},
    }


def test_every_request_is_described_without_its_secrets() -> None:
    with_secrets = [message for kind in ROUTES if hasattr(message := kind(), "secrets")]
    for message in with_secrets:
        setattr(message, "secrets", SECRETS)  # noqa: B010  # they have no common base that declares it
        assert "s3cr3t" not in str(redaction.describe(message))
        assert set(redaction.secrets_of(message)) == set(SECRETS.values())
    assert len(with_secrets) > 10


def test_every_field_that_the_specification_marks_secret_is_known_by_its_name() -> None:
    text = (Path(csi.__file__).parents[1] / "csi.proto").read_text(encoding="utf-8")
    marked = re.findall(r"(\w+)\s*=\s*\d+\s*\[[^\]]*csi_secret[^\]]*\]", text)
    assert len(marked) == text.count("map<string, string> secrets") > 15
    assert set(marked) == redaction.SECRET_FIELDS


def test_a_registered_value_is_blanked_wherever_it_is(token: str) -> None:
    value = {"a": [f"Bearer {token}", 5, None, True], f"k{token}": (token, ValueError(token))}
    assert redaction.scrub_all(value) == {"a": ["Bearer ***", 5, None, True], "k***": ["***", "***"]}


def test_the_longer_of_two_secrets_is_blanked_first(token: str) -> None:
    redaction.register(token + "-longer")
    assert redaction.scrub(f"{token}-longer {token}") == "*** ***"
    redaction.forget(token + "-longer")


@pytest.mark.parametrize("value", ["", "a", "abc"])
def test_a_value_too_short_to_be_a_secret_mangles_nothing(value: str) -> None:
    redaction.register(value)
    assert redaction.scrub("abc of a volume") == "abc of a volume"


@pytest.mark.asyncio
async def test_a_calls_secrets_are_blanked_in_its_tasks_and_nowhere_else() -> None:
    async def child() -> str:
        return redaction.scrub("has s3cr3t-token")

    async def call() -> str:
        redaction.hide(*redaction.secrets_of(REQUEST))
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(child())
        return task.result()

    async with asyncio.TaskGroup() as tasks:
        inside = tasks.create_task(call())
    assert (inside.result(), redaction.scrub("has s3cr3t-token")) == ("has ***", "has s3cr3t-token")
