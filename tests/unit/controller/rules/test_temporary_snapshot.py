"""Which snapshots a clone has made for itself, and may delete."""

import hashlib

import pytest

from controller.cloud.records import Snapshot
from controller.rules import temporary_snapshot
from controller.rules.temporary_snapshot import LABEL, PREFIX

NAME = temporary_snapshot.name_of("pvc-1")


def test_what_clones_have_made_before_is_known_by_the_same_name_and_label() -> None:
    made = Snapshot("id", f"csi-clone-{'0' * 32}", "volume", 1 << 30, ("nyc1",), 0.0, ("aiocsi-temporary-snapshot",))
    assert temporary_snapshot.is_temporary(made)
    assert NAME.removeprefix("csi-clone-") == hashlib.sha256(b"pvc-1").hexdigest()[:32]


def test_each_volume_has_a_temporary_snapshot_of_its_own() -> None:
    assert temporary_snapshot.name_of("pvc-1") == NAME
    assert temporary_snapshot.name_of("pvc-2") != NAME


@pytest.mark.parametrize(
    ("name", "labels", "temporary"),
    [
        pytest.param(NAME, (LABEL,), True, id="made by a clone"),
        pytest.param(NAME, ("other", LABEL.upper()), True, id="its label in another case"),
        pytest.param(NAME, (), False, id="a person gave it that name"),
        pytest.param("snapshot-1", (LABEL,), False, id="a person gave it that label"),
        pytest.param(f"{PREFIX}of-mine", (LABEL,), False, id="a name that only begins like it"),
        pytest.param(f"{NAME}0", (LABEL,), False, id="a longer name"),
        pytest.param(f"my-{NAME}", (LABEL,), False, id="a name that only ends like it"),
    ],
)
def test_a_snapshot_is_temporary_by_name_and_label_together(
    name: str, labels: tuple[str, ...], *, temporary: bool
) -> None:
    snapshot = Snapshot("id", name, "volume", 1 << 30, ("nyc1",), 0.0, labels)
    assert temporary_snapshot.is_temporary(snapshot) is temporary
