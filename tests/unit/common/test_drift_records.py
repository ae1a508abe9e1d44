"""Volumes as the controller's page tells them, and quantities as Kubernetes writes them."""

from collections.abc import Mapping

import pytest

from common.drift_records import CloudVolume, DriftKind, cloud_volume, in_bytes

JSON: Mapping[str, object] = {
    "id": "h1", "name": "pvc-1", "zone": "nyc1", "size_bytes": 1 << 30, "node_ids": ["101"], "tags": ["ours", "more"],
    "created_at": 1,
}  # fmt: skip


def test_a_volume_is_read_from_the_controller_s_page() -> None:
    assert cloud_volume(JSON) == CloudVolume("h1", "pvc-1", "nyc1", 1 << 30, ("101",), ("ours", "more"), 1.0)


def test_the_kinds_are_the_words_of_a_metric() -> None:
    assert [*DriftKind] == [
        *("volume-without-pv", "pv-without-volume", "content-without-snapshot", "snapshot-without-content"),
        *("attached-unknown", "attached-missing", "released-pv", "claim-unused", "size-differs"),
        "snapshots-near-limit",
    ]


@pytest.mark.parametrize(
    "change", [*({key: None} for key in JSON), {"id": ""}, {"name": 5}, {"size_bytes": "1"}, {"tags": "ours"}], ids=str
)
def test_a_volume_that_lacks_anything_is_none(change: Mapping[str, object]) -> None:
    with pytest.raises(ValueError, match="not a volume"):
        cloud_volume({**JSON, **change})


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("3Ki", 3 << 10), ("3Mi", 3 << 20), ("10Gi", 10 << 30), ("2Ti", 2 << 40)),
        *(("3k", 3_000), ("3M", 3 * 10**6), ("5G", 5 * 10**9), ("2T", 2 * 10**12)),
        *(("7", 7), ("", 0), ("1.5Gi", 0), ("Gi", 0)),
    ],
)
def test_a_quantity_is_read_or_not_believed(text: str, size: int) -> None:
    assert in_bytes(text) == size
