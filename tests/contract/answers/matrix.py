"""The matrix: each call, from each state of the cloud, with each answer that is not the API's, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.contract.answers.answers import Foreign, everything
from tests.contract.answers.calls import CASES, Case
from tests.contract.answers.world import Ended, Strikes, World, virtual

HEAD = f"{'call':<27}{'cloud before':<20}" + "".join(
    f"{name:>11}" for name in ("answers", "OK", "not final", "final", "broken", "read, KiB")
)
PROPERTY = "answers"  # of a test that ran a line: what the summary finds it by
TRIES_AFTERWARDS = 4
MOST_BYTES = 5 << 20  # that may be read of one answer


@dataclass
class Row:
    """What came of one call from one state."""

    case: Case
    runs: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    longest_read: int = 0


async def _one(case: Case, foreign: Foreign, strikes: Strikes, row: Row) -> None:
    world = World(foreign, strikes)
    case.prepare(world)
    before = world.fingerprint()
    ended = await world.call(case.call(world))
    row.runs += 1
    row.codes[ended.code] += 1
    row.longest_read = max([row.longest_read, *(each.read_bytes for each in world.bodies)])
    for what in _wrong(case, world, ended, unchanged=world.fingerprint() == before):
        row.broken.append(f"{case} | {foreign.name} | {strikes.value}: {what} ({ended.code} {ended.text[:200]})")
    world.lift()
    for _ in range(TRIES_AFTERWARDS):
        ended = await world.call(case.call(world))
        if ended.code in {"OK", case.ends}:
            break
    if ended.code not in {"OK", case.ends} or (ended.code == "OK" and not case.holds(world, ended.reply)):
        row.broken.append(f"{case} | {foreign.name} | {strikes.value}: afterwards {ended.code} {ended.text[:200]}")
    await world.close()


def _wrong(case: Case, world: World, ended: Ended, *, unchanged: bool) -> Iterator[str]:
    """Yield what must never be."""
    if ended.code == "OK" and not case.holds(world, ended.reply):
        yield "OK, but the cloud is not so"
    if ended.final and not unchanged:
        yield "a final code, but something was done"
    if ended.final and ended.code != case.ends:
        yield "a final code, though the cloud has refused nothing"
    if ended.code in {"INTERNAL", "UNKNOWN"}:
        yield "a code that nobody may answer"
    if any(each.read_bytes > MOST_BYTES for each in world.bodies):
        yield "an answer was read without a bound"
    if "<" in ended.text:
        yield "the text of a page in an error"


def run(case: Case, strikes: Iterable[Strikes] = tuple(Strikes)) -> Row:
    """Run one line of the matrix."""
    row = Row(case)
    for kind in strikes:
        for foreign in everything():
            virtual(_one(case, foreign, kind, row))
    return row


def line(row: Row) -> str:
    """Return a row of the table."""
    final = sum(count for code, count in row.codes.items() if Ended(code).final)
    okay = row.codes["OK"]
    numbers = (row.runs, okay, row.runs - okay - final, final, len(row.broken), row.longest_read // 1024)
    return f"{row.case.rpc:<27}{row.case.before:<20}" + "".join(f"{number:>11}" for number in numbers)


def main() -> int:
    """Run all, print the table; return 1 if something is broken."""
    rows = [run(case) for case in CASES]
    print("\n".join([HEAD, *map(line, rows)]))  # noqa: T201 (it is a command)
    broken = [text for row in rows for text in row.broken]
    print("\n".join(broken[:100]))  # noqa: T201 (the same)
    return 1 if broken else 0
