import pytest

from common import errors
from controller.records import BLANK, Source
from controller.rules import origins

ID = "506f78a4-e098-11e5-ad9f-000f53306ae1"
OTHER = "506f78a4-e098-11e5-ad9f-000f53306ae2"


@pytest.mark.parametrize("source", [BLANK, Source(snapshot_id=ID), Source(volume_id=ID)], ids=str)
def test_a_description_tells_what_the_volume_was_made_of(source: Source) -> None:
    assert origins.read(origins.describe(source)) == source


def test_a_blank_volume_looks_like_one_of_csi_digitalocean() -> None:
    assert origins.describe(BLANK) == "Created by DigitalOcean CSI driver"


@pytest.mark.parametrize("wanted", [BLANK, Source(snapshot_id=OTHER), Source(volume_id=ID)], ids=str)
def test_another_source_is_another_volume(wanted: Source) -> None:
    with pytest.raises(errors.AlreadyExists):
        origins.check("pvc-a", wanted, origins.describe(Source(snapshot_id=ID)))


def test_a_description_of_somebody_else_tells_nothing_and_passes() -> None:
    origins.check("pvc-a", Source(snapshot_id=ID), "made by hand")
