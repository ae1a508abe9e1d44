"""kill -9 of the node, and of what it has started, in the middle of the calls of an encrypted volume's life."""

import json
import os
import uuid
from pathlib import Path

import pytest

from localcloud.guests.drives import Drive
from tests.integration.node import killpoints
from tests.vm.conftest import MakeGuest
from tests.vm.encryption import lives

EVERY = os.environ.get("AIOCSI_TEST_KILLED_LIVES") == "every"
SECONDS = 1800.0 if EVERY else 300.0
SIZE_BYTES = 32 << 20
ROOT = Path(__file__).resolve().parents[3]
CODE = "/run/lives/code"
FILES = [Path(str(module.__file__)) for module in (lives, killpoints)]
SOURCES = {file.relative_to(ROOT): file.read_bytes() for file in FILES}


@pytest.mark.asyncio
@pytest.mark.timeout(SECONDS + 120)
async def test_an_encrypted_volumes_calls_that_were_killed_end_right_when_they_are_repeated(
    make_guest: MakeGuest, tmp_path: Path
) -> None:
    guest, volume_id, file = await make_guest("a"), str(uuid.uuid4()), tmp_path / "disk"
    with file.open("wb") as made:
        made.truncate(SIZE_BYTES)
    await guest.drives.attach(Drive(f"pvc-{volume_id}", file))
    for path, code in SOURCES.items():
        await guest.agent.write(f"{CODE}/{path}", code)
    link = f"/dev/disk/by-id/scsi-0DO_Volume_pvc-{volume_id}"
    await guest.agent.shell(f"udevadm wait --timeout=60 {link}; udevadm settle --timeout=60; mkdir {lives.STAGING}")
    argv = ("python3", "-m", lives.__name__, volume_id, *(["every"] if EVERY else []))
    done = await guest.agent.run(*argv, seconds=SECONDS, environment={"PYTHONPATH": CODE})
    assert done.status == 0, done.stdout + done.stderr
    told = [lives.Told(**json.loads(line)) for line in done.stdout.splitlines()]
    for each in told:
        print(each)  # noqa: T201  # shown when something is wrong, or by -s
    assert {each.call for each in told if each.died} == set(lives.CALLS)
    assert all(each.died for each in told if "+" not in each.at)
    assert await guest.agent.shell("dmsetup ls") == "No devices found\n"
