"""Where the cluster's images come from: built here from Go modules, or pulled as their projects publish them.

Published images are taken where a docker engine runs already and can pull; a machine without a registry builds them.
AIOCSI_E2E_IMAGES=built or =published decides otherwise. A version of Kubernetes that was asked for is always built:
kind's node image is of one version. Source: kind's quick start (its release names its node image).
"""

import os
import shutil
from collections.abc import Mapping
from enum import Enum

from tests.e2e.cluster.workspace import Workspace
from tools import go_programs
from tools.processes.run import ToolFailed, run

VARIABLE = "AIOCSI_E2E_IMAGES"
PROBE = "busybox:1.37"
"""The image of the tests' own pods: whether it can be pulled says whether the others can."""
PULL_SECONDS = 120.0
ASK_SECONDS = 30.0


class Way(Enum):
    """Where images come from."""

    BUILT = "built"
    PUBLISHED = "published"


def choose(wanted: str, *, engine: bool, pulls: bool) -> Way:
    """Return the way. ``wanted`` is the variable's value, ``engine`` and ``pulls`` are what the host has.

    Raises ValueError if ``wanted`` is neither empty nor a way, or cannot be had.
    """
    if wanted == Way.PUBLISHED.value and not (engine and pulls):
        raise ValueError(f"{VARIABLE}={wanted}, but no docker engine answers, or it cannot pull {PROBE}")
    if wanted:
        return Way(wanted)
    return Way.PUBLISHED if engine and pulls else Way.BUILT


def found(environment: Mapping[str, str] = os.environ) -> Way:
    """Look at this machine, and return the way. Raises ValueError."""
    wanted = environment.get(VARIABLE, "")
    if go_programs.chosen(environment.get(go_programs.VARIABLE, "")):
        if wanted == Way.PUBLISHED.value:
            raise ValueError(f"{VARIABLE}={wanted} takes kind's own version of Kubernetes: leave KUBERNETES out")
        return Way.BUILT
    engine = wanted != Way.BUILT.value and _answers(ASK_SECONDS, "docker", "info")
    return choose(wanted, engine=engine, pulls=engine and _answers(PULL_SECONDS, "docker", "pull", "--quiet", PROBE))


def _answers(seconds: float, *argv: str) -> bool:
    if shutil.which(argv[0]) is None:
        return False
    try:
        run("timeout", f"{seconds:g}", *argv, seconds=seconds + 10)
    except ToolFailed:
        return False
    return True


def kept(workspace: Workspace) -> Way:
    """Return the way in which the cluster was made, or will be: it is looked for once, and noted."""
    note = workspace.way
    if not note.exists():
        way = found()
        workspace.folder.mkdir(parents=True, exist_ok=True)
        note.write_text(way.value)
    return Way(note.read_text())
