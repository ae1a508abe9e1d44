from dataclasses import replace

from controller.cloud.records import ActionState, Kind, Pending, Progress, Server, Volume
from controller.rules import health

VOLUME = Volume("v", "pvc-a", "nyc1", 1, server_ids=("1",))
WELL = {"1": Server("1", "nyc1", active=True, volume_ids=("v",))}


def test_a_well_volume_has_no_ailment() -> None:
    assert not health.of_volume(VOLUME, WELL, ())


def test_each_ailment_has_its_reason() -> None:
    errored = Progress(Pending("7", Kind.ATTACH), ActionState.ERRORED, error="the disk is on fire")
    off = {"1": Server("1", "nyc1", active=False, volume_ids=("v",))}
    changing = {"1": replace(off["1"], changing=True)}
    assert [each.reason for each in health.of_volume(VOLUME, changing, ())] == ["ServerChanging"]
    assert [each.reason for each in health.of_volume(VOLUME, {"1": None}, ())] == ["AttachedToUnknownServer"]
    assert [each.reason for each in health.of_volume(VOLUME, off, (errored,))] == [
        "ServerNotActive",
        "ActionErrored",
    ]
    assert "on fire" in health.of_volume(VOLUME, WELL, (errored,))[0].message


def test_one_reason_is_told_once_though_several_servers_give_it() -> None:
    twice = replace(VOLUME, server_ids=("1", "2"))
    found = health.of_volume(twice, {"1": None, "2": None}, ())
    assert [each.reason for each in found] == ["AttachedToUnknownServer", "AttachedTwice"]
    assert ["node 1" in found[0].message, "node 2" in found[0].message] == [True, True]
