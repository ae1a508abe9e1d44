"""What the node needs of its host: one line for each, and what to do where one fails."""

from pathlib import Path

import pytest

from common import checks, settings
from node import wiring
from node.host.command import Commands
from node.host.sysfs import Sysfs
from node.preconditions import PROGRAMS, preconditions
from node.refusals import Refusals
from node.settings import NodeSettings

pytestmark = pytest.mark.asyncio


class Able(Sysfs):
    """A kernel that lets the process mount, or not."""

    def __init__(self, *, able: bool) -> None:
        super().__init__()
        self.able = able

    def has_capability(self, number: int) -> bool:
        return self.able and number > 0


async def lines(folder: Path, *, able: bool = True) -> tuple[int, list[str]]:
    values = {
        "AIOCSI_NODE_ID": "101",
        "AIOCSI_REGION": "nyc1",
        "AIOCSI_STATE_DIR": str(folder / "state"),
        "AIOCSI_REGISTRATION_DIR": str(folder / "registry"),
        "AIOCSI_ENDPOINT": f"unix://{folder}/csi.sock",
    }
    chosen = settings.read(NodeSettings, [], "node", "tests", values)
    info = wiring.make_info(chosen, wiring.make_host(chosen, Commands()), Refusals())
    told: list[str] = []
    return await checks.report(preconditions(chosen, info, Able(able=able)), told.append), told


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host that has what is needed: all programs and kubelet's registry."""
    (tmp_path / "registry").mkdir()
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        (tmp_path / "bin" / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


async def test_a_host_that_has_everything_passes(folder: Path) -> None:
    status, told = await lines(folder)
    assert (status, [line[0] for line in told]) == (0, ["✓"] * 7)
    assert "101, in region nyc1" in told[0]


async def test_what_is_missing_is_named_with_the_remedy(folder: Path) -> None:
    (folder / "bin" / "e2undo").unlink()
    (folder / "registry").rmdir()
    status, told = await lines(folder, able=False)
    assert status == 1
    failed = [line for line in told if line.startswith("✗")]
    assert ["CAP_SYS_ADMIN" in failed[0], "missing: e2undo" in failed[1], "registry" in failed[2]] == [True] * 3
