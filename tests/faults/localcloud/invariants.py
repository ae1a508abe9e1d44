"""What holds after each restart of an embedded cloud, whenever it was killed.

The state is replayed from the ledger of effects and compared with what the API says, what the clients were answered,
and what is on the machine: files, device nodes, loop devices.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from localcloud.disks import loopdevices
from tests.faults.localcloud.work import Notes
from tools.services.localcloud import Api, Process

Detail = TypeAdapter(dict[str, int | str | float | None])


@dataclass(frozen=True)
class Seen:
    """A volume, from whichever source."""

    name: str
    size_gib: int
    droplet_id: int | None


def replay(effects: list[dict[str, object]]) -> tuple[dict[str, Seen], set[str]]:
    """Return the volumes and snapshots that the effects lead to."""
    volumes: dict[str, Seen] = {}
    snapshots: set[str] = set()
    for effect in effects:
        kind, subject = effect["kind"], str(effect["subject"])
        detail = Detail.validate_python(effect["detail"])
        match kind:
            case "volume_created":
                volumes[subject] = Seen(str(detail["name"]), int(detail["size_gib"] or 0), None)
            case "volume_deleted":
                del volumes[subject]
            case "attached" | "detached":
                droplet = int(detail["droplet_id"] or 0) if kind == "attached" else None
                volumes[subject] = Seen(volumes[subject].name, volumes[subject].size_gib, droplet)
            case "resized":
                before = volumes[subject]
                volumes[subject] = Seen(before.name, int(detail["size_gib"] or 0), before.droplet_id)
            case "snapshot_created":
                snapshots.add(subject)
            case _:
                pass
    return volumes, snapshots


async def volumes(api: Api) -> dict[str, Seen]:
    """Return what the API says."""
    found: dict[str, Seen] = {}
    for each in await api.all("volumes"):
        droplets = TypeAdapter(list[int]).validate_python(each["droplet_ids"])
        size_gib = TypeAdapter(int).validate_python(each["size_gigabytes"])
        found[str(each["id"])] = Seen(str(each["name"]), size_gib, droplets[0] if droplets else None)
    return found


async def check(process: Process, api: Api, notes: Notes, *, disks: bool) -> None:
    """Wait until no action is under way, check everything, and note volumes whose makers had no answer."""
    for action in (await api.ask("GET", "/v2/actions?per_page=200")).parts("actions"):
        if action["status"] == "in-progress":
            assert (await api.ended(action["id"]))["status"] == "completed"
    effects = (await api.ask("GET", "/_localcloud/ledger/effects")).parts("effects")
    replayed, snapshots = replay(effects)
    found = await volumes(api)
    assert found == replayed
    assert notes.sure() <= found.keys()
    assert not notes.deleted & found.keys()
    assert {str(each["id"]) for each in await api.all("snapshots")} == snapshots
    assert notes.snapshots <= snapshots
    if disks:
        _check_disks(process, found, snapshots)
    notes.learn({volume_id: volume.size_gib for volume_id, volume in found.items()})


def _check_disks(process: Process, found: dict[str, Seen], snapshots: set[str]) -> None:
    state = process.ready.state
    assert {file.stem for file in (state / "volumes").iterdir()} == found.keys()
    assert {file.stem for file in (state / "snapshots").iterdir()} == snapshots
    for volume_id, volume in found.items():
        assert (state / "volumes" / f"{volume_id}.img").stat().st_size == volume.size_gib << 30
    bound = loopdevices.bound_below(state / "volumes")
    attached = {volume_id: volume for volume_id, volume in found.items() if volume.droplet_id is not None}
    assert sorted(Path(backing).stem for backing in bound.values()) == sorted(attached)
    numbers = {Path(backing).stem: loopdevices.device_number(number) for number, backing in bound.items()}
    nodes = {
        (int(node.parts[-3]), node.name.removeprefix("scsi-0DO_Volume_")): node.stat().st_rdev
        for node in (state / "droplets").glob("*/dev/*")
    }
    assert nodes == {(each.droplet_id, each.name): numbers[volume_id] for volume_id, each in attached.items()}
