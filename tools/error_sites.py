"""Where the services make an error, and whether each place has a code that says more than the status.

A class whose own code is one of GENERIC needs ``error_code`` wherever it is made.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from common import errors
from common.codes import GENERIC
from tools.venv import ROOT

PACKAGES = ("common", "controller", "node", "warden")
NEEDY = frozenset(
    kind.__name__ for kind in errors.tree() if kind.__module__ == errors.__name__ and kind.default_code in GENERIC
)


def without_code(root: Path = ROOT) -> Iterator[str]:
    """Yield path and line of each place that lacks a code."""
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for line in sorted(node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and _lacks(node)):
                yield f"{file.relative_to(root)}:{line}"


def _lacks(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return name in NEEDY and not any(keyword.arg == "error_code" for keyword in call.keywords)
