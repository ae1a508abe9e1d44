"""How the walkthrough is shown: live on a terminal, as plain lines elsewhere."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tools.walkthrough.evidence import Happened


@dataclass(frozen=True)
class Done:
    """A step that is over: how long it took, what happened, what was seen."""

    folder: str
    title: str
    seconds: float
    happened: Happened
    seen: tuple[str, ...]

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield each fact with its kind; the run's folder, which is in nearly all of them, is written as ``$RUN``."""
        for kind, lines in (
            ("api", self.happened.requests),
            ("program", self.happened.programs),
            ("mount", self.happened.mounts),
            ("seen", self.seen),
        ):
            yield from ((kind, line.replace(self.folder, "$RUN")) for line in lines)


class Display(Protocol):
    """Where steps are shown as they happen."""

    def begin(self, number: int, title: str) -> None:
        """Show that a step has begun."""

    def end(self, number: int, done: Done) -> None:
        """Show what came of it."""

    def say(self, text: str) -> None:
        """Show a line."""

    def table(self, steps: Iterable[Done]) -> None:
        """Show all steps with their figures."""


class Plain:
    """Plain lines, for a pipe or a log."""

    def begin(self, number: int, title: str) -> None:
        """Say nothing: a line tells of the step when it is over."""

    def end(self, number: int, done: Done) -> None:
        """Print the step and its facts."""
        self.say(f"{number:>2}. {done.title} ({done.seconds:.2f} s)")
        for kind, fact in done.facts():
            self.say(f"      {kind:<8}{fact}")

    def say(self, text: str) -> None:
        """Print a line at once, also into a pipe."""
        print(text, flush=True)

    def table(self, steps: Iterable[Done]) -> None:
        """Print one line a step."""
        rows = [_row(done) for done in steps]
        width = max(len(row[0]) for row in rows)
        for title, *figures in [("step", "seconds", "requests", "programs", "mounts"), *rows]:
            self.say(f"{title:<{width}}" + "".join(f"{figure:>10}" for figure in figures))


class Live:
    """A terminal: the step under way with a spinner and its time, the facts above it as they come in."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self._progress = progress
        self._steps = steps
        self._task = progress.add_task("", total=steps)

    def begin(self, number: int, title: str) -> None:
        """Show the step in the bar."""
        self._progress.update(self._task, description=f"{number} of {self._steps}: {escape(title)}")

    def end(self, number: int, done: Done) -> None:
        """Print the step above the bar, and move it on."""
        self._progress.print(
            f"[bold green]✓[/] [bold]{number:>2}. {escape(done.title)}[/] [dim]{done.seconds:.2f} s[/]"
        )
        for kind, fact in done.facts():
            self._progress.print(f"      [cyan]{kind:<8}[/]{escape(fact)}", highlight=False)
        self._progress.advance(self._task)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.print(escape(text), highlight=False)

    def table(self, steps: Iterable[Done]) -> None:
        """Print the table."""
        table = Table("step")
        for column in ("seconds", "API requests", "programs", "mounts changed"):
            table.add_column(column, justify="right")
        for done in steps:
            table.add_row(*_row(done))
        self._progress.print(table)


@contextmanager
def shown(steps: int) -> Iterator[Display]:
    """Give the display that suits stdout."""
    if not sys.stdout.isatty():
        yield Plain()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(), transient=True) as progress:
        yield Live(progress, steps)


def _row(done: Done) -> tuple[str, ...]:
    happened = done.happened
    counts = (len(happened.requests), len(happened.programs), len(happened.mounts))
    return (done.title, f"{done.seconds:.2f}", *(str(count) for count in counts))
