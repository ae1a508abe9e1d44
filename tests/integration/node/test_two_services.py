"""A second node service on one host: it waits, and reads and changes nothing of what the first one keeps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.host.state import StateFolder
from node.records.state import Staged
from tools.services.stack import START_SECONDS, Service

RECORD = Staged("id", "name", "/staging", "8:0", "ext4")


@pytest.fixture
def services(short_folder: Path) -> Iterator[tuple[Service, Service]]:
    """Two node services that are to serve the same socket and keep their records in the same folder."""
    first, second = (Service(name, "node", short_folder / name, settings(short_folder)) for name in ("first", "second"))
    yield first, second
    for each in (first, second):
        each.kill()


def settings(folder: Path) -> dict[str, str]:
    return {"AIOCSI_STATE_DIR": str(folder / "state"), "AIOCSI_ENDPOINT": f"unix://{folder / 'first/csi.sock'}"}


@pytest.mark.asyncio
async def test_a_second_service_touches_the_records_of_the_first_once_that_has_ended(
    services: tuple[Service, Service], short_folder: Path
) -> None:
    first, second = services
    await first.up()
    StateFolder(short_folder / "state").write(RECORD)
    (short_folder / "state/boot").write_text("another boot: a service that starts forgets the record")
    second.start()
    await second.until(lambda: "state_directory_taken" in second.output() or None, "wait", START_SECONDS)
    assert [path.name for path in (short_folder / "state/staged").iterdir()] == ["id.json"]
    assert await first.down() == 0
    await second.until(lambda: '"serving"' in second.output() or None, "socket", START_SECONDS)
    assert list((short_folder / "state/staged").iterdir()) == []
