import pytest

from controller.digitalocean import origins
from controller.records import BLANK, Source

ID = "506f78a4-e098-11e5-ad9f-000f53306ae1"
OTHERS = "Created by DigitalOcean CSI driver"


@pytest.mark.parametrize("source", [BLANK, Source(snapshot_id=ID), Source(volume_id=ID)], ids=str)
def test_a_description_tells_what_the_volume_was_made_of(source: Source) -> None:
    assert origins.read(origins.describe(source)) == source
    assert origins.read(f"{origins.describe(source)}, and more") == source


def test_a_blank_volume_begins_like_one_of_csi_digitalocean() -> None:
    assert origins.describe(BLANK).startswith(OTHERS)


@pytest.mark.parametrize(
    "description",
    [
        "made by hand",
        "",
        OTHERS,
        *(f"{OTHERS}, {more}" for more in ("blanket", f"from volume {ID}0", f"from disk {ID}")),
    ],
)
def test_a_description_of_somebody_else_tells_nothing(description: str) -> None:
    assert origins.read(description) is None
