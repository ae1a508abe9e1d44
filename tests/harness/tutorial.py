"""A page of docs/tutorials, typed in as it stands: its commands run in one shell, what it shows is compared.

What is different each time is one and the same to a reader: ids, sums, tokens, numbers, dates, the folder of a run.
A line of ``…`` stands for any lines, ``…`` in a line for the rest of a thing.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.venv import ROOT

FOLDER = ROOT / "docs" / "tutorials"
LIKE = (
    (re.compile(r"/tmp/aiocsi-\w+"), "FOLDER"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b"), "ID"),
    (re.compile(r"\bdop_v1_[0-9a-f]+"), "TOKEN"),
    (re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{16})\b"), "SUM"),
    (re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ [\d:]+"), "DATE"),
    (re.compile(r"\d+(?:\.\d+)?"), "N"),
    (re.compile(r"[ \t]+"), " "),
)
_END = "__typed__"


@dataclass(frozen=True)
class Block:
    """Commands, and what the page shows of their output; None: nothing."""

    commands: str
    shown: str | None


def blocks(page: Path) -> list[Block]:
    """Return what a page has its reader type, in order."""
    found: list[Block] = []
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        if language == "sh":
            found.append(Block(text, None))
        elif language in {"text", "json"} and found and found[-1].shown is None:
            found[-1] = Block(found[-1].commands, text)
    return found


def fits(shown: str, said: str) -> bool:
    """Tell whether a program said what the page shows."""
    lines = [re.escape(_like(line)).replace("…", ".*") for line in shown.strip().splitlines()]
    pattern = "\n".join("(?s:.*)" if line == ".*" else line for line in lines)
    return re.fullmatch(pattern, "\n".join(_like(line) for line in said.strip().splitlines())) is not None


def wrong(page: Sequence[Block], shell: "Shell", fill: Mapping[str, str]) -> list[str]:
    """Type what the page says; return what was printed and is not what is shown. Blocks.

    ``fill``: what a test has in place of what is on the page.
    """
    found = []
    for block in page:
        commands = block.commands
        for example, own in fill.items():
            commands = commands.replace(example, own)
        said = shell.type(commands)
        for example, own in fill.items():
            said = said.replace(own, example)
        if block.shown is not None and not fits(block.shown, said):
            found.append(f"{block.commands}printed:\n{said}")
    return found


def _like(line: str) -> str:
    for what, name in LIKE:
        line = what.sub(name, line)
    return line.strip()


class Shell:
    """A reader's shell; ``argv`` may lead to one on another machine."""

    def __init__(self, environment: Mapping[str, str], argv: Sequence[str] = ("/bin/bash", "--norc")) -> None:
        self._bash = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={"LANG": "C.UTF-8", **environment},
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bash.kill()
        self._bash.communicate()

    def type(self, commands: str) -> str:
        """Return what the commands print. Blocks; raises EOFError if they end the shell."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{commands}\necho {_END[:2]}''{_END[2:]}\n")  # its own echo differs
        self._bash.stdin.flush()
        said: list[str] = []
        for line in self._bash.stdout:
            if line.endswith(f"{_END}\n"):
                return "".join([*said, line.removesuffix(f"{_END}\n")])
            said.append(line)
        raise EOFError("".join(said))
