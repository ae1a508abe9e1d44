from controller.cloud.base import Action, Kind, Progress, Server, Volume
from controller.rules import health

VOLUME = Volume("v", "pvc-a", "nyc1", 1, server_ids=("1",))
WELL = {"1": Server("1", "nyc1", active=True, volume_ids=("v",))}


def test_a_well_volume_has_no_ailment() -> None:
    assert not health.of_volume(VOLUME, WELL, ())


def test_each_ailment_has_its_reason() -> None:
    errored = Action("7", Kind.ATTACH, Progress.ERRORED)
    off = {"1": Server("1", "nyc1", active=False, volume_ids=("v",))}
    assert [each.reason for each in health.of_volume(VOLUME, {"1": None}, ())] == ["AttachedToUnknownServer"]
    assert [each.reason for each in health.of_volume(VOLUME, off, (errored,))] == [
        "ServerNotActive",
        "ActionErrored",
    ]
    assert health.lost("v").reason == "VolumeGone"
