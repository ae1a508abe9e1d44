"""Where the version stands in the tree, and how another one is written there. Pure."""

import re
from collections.abc import Mapping

from tools.release import NotReleased

PLACES: Mapping[str, tuple[str, ...]] = {  # file: the lines before and after which the version stands
    "pyproject.toml": (r'^(version = ")[^"]+(")$',),
    "common/__init__.py": (r'^(__version__ = ")[^"]+(")$',),
    "charts/aiocsi/Chart.yaml": (r"^(version: )\S+()$", r"^(appVersion: )\S+()$"),
}
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-rc\.[1-9]\d*)?")


def checked(version: str) -> str:
    """Return the version. Raises NotReleased if it is not one that a release may have."""
    if VERSION.fullmatch(version) is None:
        raise NotReleased(f"VERSION={version} is not MAJOR.MINOR.PATCH, or that with -rc.N")
    return version


def written(file: str, text: str, version: str) -> str:
    """Return the text of one of ``PLACES`` with this version. Raises NotReleased if a place is not there once."""
    for pattern in PLACES[file]:
        text, count = re.subn(pattern, rf"\g<1>{version}\g<2>", text, flags=re.MULTILINE)
        if count != 1:
            raise NotReleased(f"{file} has {count} lines like {pattern}, not one")
    return text
