"""The changelog of a release: what was unreleased gets the version as its heading. Pure."""

import re

from tools.release import NotReleased

UNRELEASED = "## Unreleased\n"


def cut(text: str, version: str, day: str) -> str:
    """Return the changelog with all unreleased entries below a heading of the version. Raises NotReleased."""
    before, found, after = text.partition(UNRELEASED)
    if not found or after.lstrip().startswith("## ") or not after.strip():
        raise NotReleased("CHANGELOG.md has no entry below '## Unreleased': there is nothing to release")
    return f"{before}{UNRELEASED}\n## {version} ({day})\n{after}"


def is_cut(text: str, version: str) -> bool:
    """Whether the changelog has a section of this version."""
    return _section(text, version) is not None


def notes(text: str, version: str) -> str:
    """Return the entries of a version. Raises NotReleased if it has no section."""
    if (found := _section(text, version)) is None:
        raise NotReleased(f"CHANGELOG.md has no section '## {version}'")
    return found[1].strip() + "\n"


def _section(text: str, version: str) -> re.Match[str] | None:
    return re.search(rf"^## {re.escape(version)} \([^\n]*\)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
