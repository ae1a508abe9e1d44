"""The tree that is released: clean, with the version written into it, and committed."""

import os
import subprocess
import sys
from datetime import UTC, datetime

from tools.image import ROOT
from tools.release import NotReleased, changelog, versions

CHANGELOG = ROOT / "CHANGELOG.md"
REGENERATE = (("tools.chart.snapshots",), ("tools.generated", "update"))


def git(*words: str, environment: dict[str, str] | None = None) -> str:
    """Return what git printed. Raises CalledProcessError."""
    argv = ["git", "-C", str(ROOT), *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def must_be_clean() -> None:
    """Raise NotReleased if the tree has a change that is not committed."""
    if changed := git("status", "--porcelain"):
        raise NotReleased(f"the tree is not clean; commit or remove:\n{changed}")


def commit() -> str:
    """Return the commit that is released."""
    return git("rev-parse", "HEAD")


def seconds() -> int:
    """Return when the commit was made, in seconds since the epoch."""
    return int(git("log", "-1", "--format=%ct"))


def prepare(version: str) -> None:
    """Cut the changelog, write the version, and commit both, unless that is done. Raises NotReleased.

    The commit has the time of the one before it: from one commit comes always the same release.
    """
    text = CHANGELOG.read_text()
    if changelog.is_cut(text, version):
        _must_be_written(version)
        return
    moment = seconds()
    day = datetime.fromtimestamp(moment, UTC).date().isoformat()
    CHANGELOG.write_text(changelog.cut(text, version, day))
    for name in versions.PLACES:
        file = ROOT / name
        file.write_text(versions.written(name, file.read_text(), version))
    for module in REGENERATE:
        subprocess.run([sys.executable, "-m", *module], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    _commit(version, moment)


def _must_be_written(version: str) -> None:
    for name in versions.PLACES:
        text = (ROOT / name).read_text()
        if versions.written(name, text, version) != text:
            raise NotReleased(
                f"CHANGELOG.md has version {version}, {name} another: release from the commit of {version}"
            )


def _commit(version: str, moment: int) -> None:
    when = {"GIT_AUTHOR_DATE": f"{moment} +0000", "GIT_COMMITTER_DATE": f"{moment} +0000"}
    git("commit", "--quiet", "--all", "--message", f"Release {version}", environment={**os.environ, **when})
