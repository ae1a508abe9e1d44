"""How the walkthrough is shown: live on a terminal, as plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tools.walkthrough.evidence import Happened

NODES = ("node-a", "node-b")
LANE = "{:<33.33}{:<27.27}{:<26.26}{}"  # title, cloud, node A, node B


@dataclass(frozen=True)
class Done:
    """A step that is over: how long it took, what happened, what was seen. ``mark``: see ``steps``."""

    folder: str
    title: str
    seconds: float
    happened: Happened
    seen: tuple[str, ...]
    mark: str = ""

    def line(self, number: int) -> str:
        """Return the step as one line, in a lane each for the cloud and the nodes."""
        lanes = (self.happened.cloud, *(self.happened.node(name) for name in NODES))
        cloud = f"{lanes[0]}, {self.seconds:.1f} s" if lanes[0] else ""
        return LANE.format(f"{number:>2} {self.title}", cloud, *lanes[1:]).rstrip()

    @property
    def told(self) -> str:
        """Return what is shown behind the mark, with the mark; empty: nothing."""
        return f" {self.mark} {self.seen[0]}" if self.mark and self.seen else ""

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield each fact with its kind; the run's folder, which is in nearly all of them, is written as ``$RUN``."""
        for kind, lines in (
            ("api", tuple(request.line for request in self.happened.requests)),
            ("program", tuple(ran.line for ran in self.happened.programs)),
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


class Plain:
    """Plain lines, for a pipe or a log; with ``facts`` those of each step below it."""

    def __init__(self, *, facts: bool) -> None:
        self._facts = facts

    def begin(self, number: int, title: str) -> None:
        """Say nothing: a line tells of the step when it is over."""

    def end(self, number: int, done: Done) -> None:
        """Print the step and its facts."""
        self.say(done.line(number))
        if done.told:
            self.say(done.told)
        for kind, fact in done.facts() if self._facts else ():
            self.say(f"      {kind:<8}{fact}")

    def say(self, text: str) -> None:
        """Print a line at once, also into a pipe."""
        print(text, flush=True)


class Live:
    """A terminal: the step under way with a spinner and its time, those that are over above it."""

    def __init__(self, progress: Progress, steps: int, *, facts: bool) -> None:
        self._progress = progress
        self._steps = steps
        self._facts = facts
        self._task = progress.add_task("", total=steps)

    def begin(self, number: int, title: str) -> None:
        """Show the step in the bar."""
        self._progress.update(self._task, description=f"{number} of {self._steps}: {escape(title)}")

    def end(self, number: int, done: Done) -> None:
        """Print the step above the bar, and move it on."""
        self._print(f"[bold]{escape(done.line(number))}[/]")
        if done.told:
            self._print(f"[{'red' if done.mark == '✗' else 'green'}]{escape(done.told[:3])}[/]{escape(done.told[3:])}")
        for kind, fact in done.facts() if self._facts else ():
            self._print(f"      [cyan]{kind:<8}[/]{escape(fact)}")
        self._progress.advance(self._task)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._print(escape(text))

    def _print(self, markup: str) -> None:
        self._progress.console.print(markup, highlight=False, soft_wrap=not self._facts)


@contextmanager
def shown(steps: int, *, facts: bool) -> Iterator[Display]:
    """Give the display that suits stdout."""
    if not sys.stdout.isatty():
        yield Plain(facts=facts)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(), transient=True) as progress:
        yield Live(progress, steps, facts=facts)
