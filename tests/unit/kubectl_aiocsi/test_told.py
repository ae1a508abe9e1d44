"""What a person is told of each state of a cluster, word for word: ``told.txt``, which ``python -m`` of this writes."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.breakages import BREAKAGES
from tests.unit.kubectl_aiocsi.passing import PASSING, REMAINS
from tests.unit.kubectl_aiocsi.states import FURTHER
from tests.unit.kubectl_aiocsi.world import healthy

GOLDEN = Path(__file__).with_name("told.txt")
HEALTHY = "nothing is broken"
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


async def told(server: ApiServer, *asked: str) -> str:
    answers = [(words, await ask(server, *words)) for words in (("doctor",), ("why", *asked))]
    lines = (f"$ kubectl aiocsi {' '.join(words)}\n{each.text}# status {each.status}\n" for words, each in answers)
    return TIME.sub("TIME", "".join(lines))


def cases() -> Iterator[tuple[str, ApiServer, tuple[str, ...]]]:
    """Yield a cluster for each state, and what is asked about."""
    yield HEALTHY, healthy(), ("pod", "web")
    for breakage in BREAKAGES:
        server = healthy()
        breakage.make(server)
        yield str(breakage), server, breakage.asked
    over = {note: (make, ()) for note, (make, _) in REMAINS.items()}
    for note, (make, words) in {**PASSING, **over, **FURTHER}.items():
        server = healthy()
        make(server)
        yield note, server, words or ("pod", "web")


def read() -> dict[str, str]:
    parts = GOLDEN.read_text(encoding="utf-8").split("\n=== ")[1:]
    return dict(part.split(" ===\n", 1) for part in parts)


@pytest.mark.asyncio
async def test_each_state_is_told_word_for_word_as_before() -> None:
    golden = read()
    assert {name: await told(server, *asked) for name, server, asked in cases()} == golden


async def write() -> None:
    parts = [f"\n=== {name} ===\n{await told(server, *asked)}" for name, server, asked in cases()]
    GOLDEN.write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(write())
