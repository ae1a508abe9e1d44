import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.context_keys import volume_name_key, volume_seal_key, volume_size_key
from controller.cloud.records import Volume
from controller.records import PublishContext
from controller.rules import sealed_context

DRIVER = "dobs.csi.digitalocean.com"
VOLUME = Volume("506f78a4-e098-11e5-ad9f-000f53306ae1", "pvc-a", "nyc1", 1 << 30)
OTHER = Volume("506f78a4-e098-11e5-ad9f-000f53306ae2", "pvc-b", "nyc1", 1 << 30)
CONTEXT = sealed_context.write(VOLUME, DRIVER)


def test_the_seal_is_the_one_that_volumes_were_made_with() -> None:
    sealed = hashlib.sha256(f"{VOLUME.id}\npvc-a\n1073741824".encode()).hexdigest()[:16]
    assert {
        f"{DRIVER}/volume-name": "pvc-a",
        f"{DRIVER}/volume-size-bytes": "1073741824",
        f"{DRIVER}/volume-seal": sealed,
    } == CONTEXT


def test_what_was_written_of_a_volume_is_read_of_it() -> None:
    context = {"label": "x", **CONTEXT}
    assert sealed_context.read(VOLUME.id, context, DRIVER) == PublishContext("pvc-a", 1 << 30)


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({}, id="of csi-digitalocean: none"),
        pytest.param(sealed_context.write(OTHER, DRIVER), id="of another volume"),
        pytest.param({**CONTEXT, volume_name_key(DRIVER): "pvc-b"}, id="another name"),
        pytest.param({**CONTEXT, volume_size_key(DRIVER): "1"}, id="another size"),
        pytest.param({**CONTEXT, volume_seal_key(DRIVER): ""}, id="an empty seal"),
        pytest.param({volume_name_key(DRIVER): "pvc-a", volume_size_key(DRIVER): "1"}, id="no seal"),
        pytest.param(sealed_context.write(VOLUME, "other.driver"), id="of another driver"),
    ],
)
def test_what_does_not_fit_the_volume_tells_nothing(context: dict[str, str]) -> None:
    assert sealed_context.read(VOLUME.id, context, DRIVER) is None


KEYS = st.sampled_from([volume_name_key(DRIVER), volume_size_key(DRIVER), volume_seal_key(DRIVER)])


@given(st.dictionaries(KEYS, st.text(max_size=20)))
def test_whatever_is_changed_in_it_no_other_name_is_read(changes: dict[str, str]) -> None:
    assert sealed_context.read(VOLUME.id, {**CONTEXT, **changes}, DRIVER) in {None, PublishContext("pvc-a", 1 << 30)}
