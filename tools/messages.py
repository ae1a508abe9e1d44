"""The messages that a user can get, read from the code, with what each says to do: ``python -m tools.messages``.

Draws ``--count`` of them by lot, for a person to judge: does each say what is wrong, with which object, and what to do?
``--seed N`` draws the same again. What the embedded cloud's API refuses is left out: its words are the original's.
"""

import argparse
import ast
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from common import codes as common_codes
from common.codes import ErrorCode
from controller import codes as controller_codes
from node import codes as node_codes
from node.rules.condition import REMEDIES
from tools.venv import ROOT
from warden import codes as warden_codes

PACKAGES = ("common", "controller", "kubectl_aiocsi", "localcloud", "node", "takeover", "warden")
CODES: dict[str, type[ErrorCode]] = {
    "controller": controller_codes.Code,
    "node": node_codes.Code,
    "warden": warden_codes.Code,
}
COMMANDS = ("NotDoneError", "NotReadError", "ForbiddenError", "UsageError", "NotAdoptableError", "DiskError")
ROOTS = ("DriverError", *COMMANDS)
FINDING, HEALTH, EVENT, SETTING = "Finding", "_found", "tell", "_fail"
SETTINGS = {
    "common/converters.py",
    "localcloud/settings.py",
    "node/settings.py",
}  # each ValueError there follows a name


@dataclass(frozen=True)
class Message:
    """One place that makes a message; what differs is in braces, as in the code."""

    where: str
    kind: str
    text: str
    do: str  # empty: the text itself says it, or nothing does

    def __str__(self) -> str:
        return f"{self.where} {self.kind}\n  {self.text}" + (f"\n  do: {self.do}" if self.do else "")


def every(root: Path = ROOT) -> Iterator[Message]:
    """Yield all messages, in the order of their places."""
    trees = {file: _parsed(file) for package in PACKAGES for file in sorted((root / package).rglob("*.py"))}
    kinds = _kinds(trees.values())
    for file, tree in trees.items():
        path = str(file.relative_to(root))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: call.lineno):
            yield from _messages(path, call, kinds)


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.messages", description="Draw messages by lot, to be judged.")
    parser.add_argument("--count", type=int, default=30, help="how many")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16), help="of the lot")  # noqa: S311
    options = parser.parse_args(argv)
    found = list(every())
    drawn = random.Random(options.seed).sample(found, options.count)  # noqa: S311  # a lot, not a secret
    print(f"{options.count} of {len(found)} messages, seed {options.seed}", *drawn, sep="\n")
    return 0


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _kinds(trees: Iterable[ast.Module]) -> dict[str, str]:
    """Return the classes of errors that a user sees, each with the name of its own code."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = dict.fromkeys(ROOTS, "")
    while more := [
        one for one in classes if one.name not in found and {_name(base) for base in one.bases} & set(found)
    ]:
        for one in more:
            found[one.name] = _own_code(one) or next(found[_name(base)] for base in one.bases if _name(base) in found)
    return found


def _own_code(one: ast.ClassDef) -> str:
    for line in one.body:
        if isinstance(line, ast.AnnAssign | ast.Assign) and line.value is not None:
            target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
            if _name(target) == "default_code":
                return _name(line.value)
    return ""


def _messages(path: str, call: ast.Call, kinds: dict[str, str]) -> Iterator[Message]:
    name, where = _name(call.func), f"{path}:{call.lineno}"
    texts = [_text(argument) for argument in call.args]
    if name in kinds and texts and not texts[0].startswith("<"):
        yield Message(where, name, texts[0], _remedy(path, call, kinds[name]))
    if name == FINDING and path.startswith("kubectl_aiocsi") and len(texts) > 3:  # id, what, said, next
        yield Message(where, "doctor", f"{texts[1]}: {texts[2]}", texts[3])
    if name == HEALTH and path == "node/rules/condition.py" and len(texts) > 2:  # severity, reason, message
        yield Message(where, "volume health", texts[2], REMEDIES.get(texts[1], ""))
    if name == SETTING and path == "common/settings.py":
        yield Message(where, "setting", texts[1], "")
    if name == "ValueError" and path in SETTINGS:
        yield Message(where, "setting", f"{{the setting's name}}: {texts[0]}", "")
    if name == EVENT and path.startswith("warden") and len(texts) > 2:  # object, reason, message
        yield Message(where, "event", f"{texts[0]}: {texts[2]}", "")


def _remedy(path: str, call: ast.Call, own_code: str) -> str:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "remedy" in given:
        return _text(given["remedy"])
    code = _name(given["error_code"]) if "error_code" in given else own_code
    for table in (CODES.get(path.partition("/")[0]), common_codes.Code):
        if table is not None and code in table.__members__:
            return f"{table[code].remedy} ({table[code].value})"
    return ""


def _name(node: ast.expr) -> str:
    """Return the last name of ``a.b.c``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    """Return a text as it is written, anything else as ``<code>``."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = (str(part.value) if isinstance(part, ast.Constant) else f"{{{_code(part)}}}" for part in node.values)
        return "".join(parts)
    return f"<{ast.unparse(node)}>"


def _code(part: ast.expr) -> str:
    return ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ast.unparse(part)


if __name__ == "__main__":
    sys.exit(main())
