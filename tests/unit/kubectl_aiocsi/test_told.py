"""What a person is told of each state of a cluster, word for word: ``told.txt``, which ``python -m`` of this writes."""

import asyncio
import re
from functools import cache
from pathlib import Path

import pytest

from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.breakages import BREAKAGES, POD
from tests.unit.kubectl_aiocsi.drifted import DRIFTS, compared, on_a_strange_droplet
from tests.unit.kubectl_aiocsi.passing import PASSING, REMAINS
from tests.unit.kubectl_aiocsi.states import FURTHER
from tests.unit.kubectl_aiocsi.ways import Way
from tests.unit.kubectl_aiocsi.world import healthy

GOLDEN = Path(__file__).with_name("told.txt")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=since )\d+(?=s )")  # of what goes on meanwhile


ASKED_WHY: dict[str, tuple[Way, tuple[str, ...]]] = {
    "nothing is broken": (lambda _: None, ()),
    **{str(breakage): (breakage.make, breakage.asked) for breakage in BREAKAGES},
    **PASSING,
    **{note: (make, ()) for note, (make, _) in REMAINS.items()},
    **FURTHER,
}
STATES: dict[str, tuple[Way, tuple[tuple[str, ...], ...]]] = {
    **{note: (make, (("doctor",), ("why", *(asked or POD)))) for note, (make, asked) in ASKED_WHY.items()},
    **{f"drift: {kind}": (compared(make), (("drift",),)) for kind, make in DRIFTS.items()},
    "drift: a strange server": (compared(on_a_strange_droplet), (("drift",),)),
}


async def told(state: str) -> str:
    make, commands = STATES[state]
    server = healthy()
    make(server)
    answers = [(words, await ask(server, *words)) for words in commands]
    lines = (f"$ kubectl aiocsi {' '.join(words)}\n{each.text}# status {each.status}\n" for words, each in answers)
    return TIME.sub("TIME", "".join(lines))


@cache
def golden() -> dict[str, str]:
    parts = GOLDEN.read_text(encoding="utf-8").split("\n=== ")[1:]
    return dict(part.split(" ===\n", 1) for part in parts)


@pytest.mark.asyncio
@pytest.mark.parametrize("state", STATES)
async def test_each_state_is_told_word_for_word_as_before(state: str) -> None:
    assert await told(state) == golden()[state]


def test_nothing_is_in_the_golden_file_that_is_not_told_any_more() -> None:
    assert golden().keys() == STATES.keys()


async def write() -> None:
    GOLDEN.write_text("".join([f"\n=== {state} ===\n{await told(state)}" for state in STATES]), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(write())
