"""Lives of an encrypted volume on a node that is killed, run in a guest: ``lives VOLUME_ID [every]``.

In a life the blank volume is staged, written to, unstaged, and staged again. Each of these three calls is made by a
process that dies in it, and then repeated by others until it is done. Where one may die is found by living once in
peace (see ``killpoints``): before each point, a moment after, and half-way through a program, and it with it, as all
that is in a container. Without ``every`` there are only the lives of ``FEW``.

Each process is forked from this one, which knows the driver's modules already: to start Python takes an emulated
machine seconds. A line of JSON tells of each call that was killed; what must not be ends everything.
"""

import asyncio
import fcntl
import json
import os
import shutil
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from common import encryption, errors, logs, settings
from common.tasks import Tasks
from node import wiring
from node.formats import luks_header
from node.host.command import Commands
from node.host.sysfs import Sysfs
from node.host.volume_locks import VolumeLocks
from node.records.luks import Header
from node.records.requests import Filesystem, Keys, Stage, VolumePath, VolumeSpec
from node.rules.encryption import IN_USE, mapper_name
from node.service import NodeDomains
from node.settings import NodeSettings
from tests.integration.node.killpoints import Killer

STATE = Path("/run/lives/state")
POINTS = Path("/run/lives/points")
STAGING = Path("/run/lives/staging")
DATA = STAGING / "file"
NOT_FINAL = 75  # exit status: call again
REPEAT_SECONDS = 120.0
BACK_OFF_SECONDS = 0.2
BLKZEROOUT, BLKGETSIZE64 = 0x127F, 0x80081272
USUAL_SECONDS = 0.1  # half of what the last program takes, whose end is not told
BEFORE, HALF = "", "!"
FEW = (  # for each call a program, and when
    (("luksFormat", HALF), ("umount", HALF), ("open", HALF)),
    (("mkfs.ext4", HALF), ("close", BEFORE), ("mount", BEFORE)),
    (("config", BEFORE), ("close", HALF), ("open", BEFORE)),
)
CALLS = ("stage blank", "unstage", "stage again")

ASKED = encryption.parse({"encryption": "luks2", "encryptionPbkdf": "pbkdf2", "encryptionPbkdfIterations": "1000"})
KEYS = Keys(b"the-passphrase-of-these-lives")


@dataclass(frozen=True)
class Told:
    """One killed call: what is printed of it."""

    call: str
    at: str
    point: str  # before which, or after which, it died
    died: bool  # a point that is a moment after a program's start may lie behind the call's end
    repeats: int
    header: str  # what was on the disk then: nothing, or how far it had come


class Life:
    """The volume, and what each process does with it."""

    def __init__(self, volume_id: str) -> None:
        self._volume = VolumeSpec(volume_id, f"pvc-{volume_id}", encryption=ASKED)
        self._link = f"/dev/disk/by-id/scsi-0DO_Volume_{self._volume.name}"

    async def call(self, call: str) -> None:
        """Make a call. Raises errors.DriverError."""
        commits = Tasks()
        parts = self._parts(commits)
        if call == "unstage":
            await parts.unstaging.unstage(VolumePath(self._volume.id, str(STAGING)))
        else:
            await parts.staging.stage(Stage(self._volume, str(STAGING), Filesystem("ext4"), read_only=False, keys=KEYS))
        await commits.close()

    def blank(self) -> None:
        """Make the disk blank, and the node one that has never seen it."""
        shutil.rmtree(STATE, ignore_errors=True)
        disk = os.open(self._link, os.O_WRONLY | os.O_EXCL)
        size = struct.unpack("Q", fcntl.ioctl(disk, BLKGETSIZE64, bytes(8)))[0]
        fcntl.ioctl(disk, BLKZEROOUT, struct.pack("QQ", 0, size))
        os.close(disk)

    def header(self) -> Header | None:
        """Return the header as it is on the disk."""
        disk = os.open(self._link, os.O_RDONLY)
        head = os.pread(disk, luks_header.HEAD_BYTES, 0)
        os.close(disk)
        return luks_header.parse(head)

    def check_unstaged(self) -> None:
        """Nothing is mounted, open, remembered or held."""
        assert not STAGING.is_mount()
        assert Sysfs().mapper(mapper_name(self._volume.id)) is None
        assert [path.name for path in Path("/dev/mapper").iterdir()] == ["control"]
        assert [path.name for path in STATE.rglob("*.json")] == []
        os.close(os.open(self._link, os.O_RDONLY | os.O_EXCL))

    def _parts(self, commits: Tasks) -> NodeDomains:
        variables = {"AIOCSI_STATE_DIR": str(STATE), "AIOCSI_KUBELET_DIR": str(STAGING.parent)}
        chosen = settings.read(NodeSettings, [], "node", "lives", variables)
        return wiring.make_parts(chosen, wiring.make_host(chosen, Commands(owner=str(STATE))), VolumeLocks(commits))


def in_a_process(work: Callable[[], None]) -> int:
    """Do it in a process of its own; return how that ended: its exit status, minus the signal's number."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except errors.NotFinal:
            status = NOT_FINAL
        except BaseException:  # noqa: BLE001  # whatever it is, it must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def call(life: Life, name: str, at: str = "0") -> tuple[int, list[str]]:
    """Make a call in a process that dies at a point; return how it ended, and the points that it came by."""
    POINTS.unlink(missing_ok=True)

    def work() -> None:
        sys.addaudithook(Killer(at, os.open(POINTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)))
        asyncio.run(life.call(name))

    status = in_a_process(work)
    return status, POINTS.read_text().splitlines()


def repeat(life: Life, name: str) -> tuple[int, list[str]]:
    """Call until it is done, as a sidecar would; return how often that was, and all points that were come by."""
    begin, came_by = time.monotonic(), list[str]()
    for times in range(1, 1000):
        status, points = call(life, name)
        came_by += points
        if status == 0:
            return times, came_by
        assert status == NOT_FINAL, f"{name}: {status} ({points[-1:]})"
        assert time.monotonic() < begin + REPEAT_SECONDS, f"{name}: not done after {times} calls"
        time.sleep(BACK_OFF_SECONDS)
    raise AssertionError(name)


def die_in(life: Life, name: str, at: str) -> Told:
    """Make a call that is killed, and repeat it: nothing is made anew that may have been used."""
    status, points = call(life, name, at)
    assert status in {0, NOT_FINAL, -signal.SIGKILL}, f"{name} at {at}: {status}"
    before = life.header()
    repeats, came_by = repeat(life, name)
    after = life.header()
    if before is not None and before.slots:
        assert after is not None
        assert after.uuid == before.uuid, f"{name} at {at}: encrypted anew"
        if before.subsystem == IN_USE:
            made = [point for point in came_by if " mkfs" in point]
            assert made == [], f"{name} at {at}: {made}"
    found = "" if before is None else f"{before.subsystem}, {len(before.slots)} keys"
    number = int(at.partition("+")[0])
    point = points[number - 1] if number <= len(points) else ""
    return Told(name, at, point, died=status == -signal.SIGKILL, repeats=repeats, header=found)


def every_place(points: list[str]) -> list[str]:
    """Return all places where a call may die."""
    chosen = list[str]()
    for index, point in enumerate(points):
        number, _, event = point.split()[:3]
        chosen += [number, f"{number}+", _half(points, index)] if event == "subprocess.Popen" else [number]
    return chosen


def place(points: list[str], word: str, when: str) -> str:
    """Return the place of a program that has a word."""
    index = next(index for index, point in enumerate(points) if word in point.split()[3:])
    return _half(points, index) if when == HALF else points[index].split()[0]


def _half(points: list[str], index: int) -> str:
    number, begin = points[index].split()[:2]
    seconds = float(points[index + 1].split()[1]) - float(begin) if index + 1 < len(points) else 2 * USUAL_SECONDS
    return f"{number}+{seconds / 2:.3f}!"


def live(life: Life, at: list[str]) -> Iterator[Told]:
    """Live a life that is killed three times."""
    life.blank()
    yield die_in(life, CALLS[0], at[0])
    write()
    yield die_in(life, CALLS[1], at[1])
    life.check_unstaged()
    yield die_in(life, CALLS[2], at[2])
    check_and_end(life)


def write() -> None:
    """Write as a pod does, down to the disk."""
    with DATA.open("w") as file:
        file.write("synced")
        file.flush()
        os.fsync(file.fileno())


def check_and_end(life: Life) -> None:
    """What was written is there; then nothing is left."""
    assert STAGING.is_mount()
    assert DATA.read_text() == "synced"
    repeat(life, "unstage")
    life.check_unstaged()


def main(volume_id: str, how_many: str = "") -> int:
    """Return the exit status: 0 all is well."""
    logs.configure("json", "warning")
    life = Life(volume_id)
    for told in every_life(life, trace(life)) if how_many == "every" else few_lives(life, trace(life)):
        print(json.dumps(asdict(told)), flush=True)
    return 0


def trace(life: Life) -> list[list[str]]:
    """Live in peace; return the points of each call."""
    life.blank()
    found = []
    for name in CALLS:
        status, points = call(life, name)
        assert status == 0, f"{name}: {status}"
        found.append(points)
        if name == CALLS[0]:
            write()
    check_and_end(life)
    return found


def few_lives(life: Life, points: list[list[str]]) -> Iterator[Told]:
    """Live those of ``FEW``."""
    for chosen in FEW:
        yield from live(life, [place(each, *where) for each, where in zip(points, chosen, strict=True)])


def every_life(life: Life, points: list[list[str]]) -> Iterator[Told]:
    """Live as often as the call with the most places has some."""
    found = [every_place(each) for each in points]
    most = max(map(len, found))
    for number in range(most):
        yield from live(life, [each[number * len(each) // most] for each in found])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
