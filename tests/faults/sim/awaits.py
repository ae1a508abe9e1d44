"""Where a process died: at which of all the awaits in the driver's code its tasks stood."""

import ast
import asyncio
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("common", "controller", "node")


def of(tasks: Iterable[asyncio.Task[object]]) -> set[str]:
    """Return the awaits of the driver's code, "file:line", in which tasks stand that have not ended."""
    return {place for task in tasks if not task.done() for place in _stack(task.get_coro())}


@cache
def everywhere(package: str) -> frozenset[str]:
    """Return every await in a package."""
    files = (ROOT / package).rglob("*.py")
    return frozenset(f"{file.relative_to(ROOT)}:{line}" for file in files for line in set(_lines(str(file)).values()))


def _stack(waiting: object) -> Iterator[str]:
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
        if frame is not None and (place := _place(frame.f_code.co_filename, frame.f_lineno)):
            yield place
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None)


@cache
def _place(file: str, line: int) -> str:
    path = Path(file)
    if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in PACKAGES:
        return ""
    found = _lines(file).get(line)
    return f"{path.relative_to(ROOT)}:{found}" if found else ""


@cache
def _lines(file: str) -> dict[int, int]:
    """Return, for each line that belongs to an await, the line where that begins; an inner one has its own."""
    found: dict[int, int] = {}
    for start, end in sorted(_spans(ast.parse(Path(file).read_text(encoding="utf-8"))), key=lambda span: span[0]):
        found |= dict.fromkeys(range(start, end + 1), start)
    return found


def _spans(tree: ast.AST) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Await):
            yield node.lineno, node.end_lineno or node.lineno
        elif isinstance(node, ast.AsyncWith):
            yield node.lineno, max(item.context_expr.end_lineno or node.lineno for item in node.items)
        elif isinstance(node, ast.AsyncFor):
            yield node.lineno, node.iter.end_lineno or node.lineno
