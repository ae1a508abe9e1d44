from controller.cloud.base import ActionState, Kind, Pending, Progress, Server, Volume
from controller.rules import health

VOLUME = Volume("v", "pvc-a", "nyc1", 1, server_ids=("1",))
WELL = {"1": Server("1", "nyc1", active=True, volume_ids=("v",))}


def test_a_well_volume_has_no_ailment() -> None:
    assert not health.of_volume(VOLUME, WELL, ())


def test_each_ailment_has_its_reason() -> None:
    errored = Progress(Pending("7", Kind.ATTACH), ActionState.ERRORED, error="the disk is on fire")
    off = {"1": Server("1", "nyc1", active=False, volume_ids=("v",))}
    assert [each.reason for each in health.of_volume(VOLUME, {"1": None}, ())] == ["AttachedToUnknownServer"]
    assert [each.reason for each in health.of_volume(VOLUME, off, (errored,))] == [
        "ServerNotActive",
        "ActionErrored",
    ]
    assert "on fire" in health.of_volume(VOLUME, WELL, (errored,))[0].message
    assert health.lost("v").reason == "VolumeGone"
