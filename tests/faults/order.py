"""Sets of strings must have the same order in every run; the interpreter decides on that when it starts."""

import os
import sys
from collections.abc import Sequence

SEED = "PYTHONHASHSEED"


def fix(module: str, argv: Sequence[str]) -> None:
    """Return if the order is fixed; otherwise replace this process by one in which it is, which runs ``module``."""
    if os.environ.get(SEED) != "0":
        os.execve(sys.executable, [sys.executable, "-m", module, *argv], {**os.environ, SEED: "0"})  # noqa: S606  # itself
