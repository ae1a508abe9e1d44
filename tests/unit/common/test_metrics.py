"""Metrics that a scrape can read."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from common.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    metrics.calls.labels("csi.v1.Node/X", "OK").inc()
    metrics.seconds.labels("csi.v1.Node/X").observe(0.2)
    return metrics


def test_what_is_rendered_can_be_parsed(metrics: Metrics) -> None:
    parsed = text_string_to_metric_families(metrics.render().decode())  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    assert {"aiocsi_calls", "aiocsi_call_seconds", "aiocsi_calls_in_flight", "aiocsi_build_info"} <= set(families)
    resident = families["process_resident_memory_bytes"].samples[0].value
    assert 5e6 < resident < 5e9
    assert families["process_cpu_seconds"].samples[0].name == "process_cpu_seconds_total"


def test_every_metric_tells_what_it_is_for(metrics: Metrics) -> None:
    described = list(metrics.describe())
    assert len(described) >= 8
    assert all(text.endswith(".") and kind in {"counter", "gauge", "histogram"} for _, kind, text in described)


def test_two_instances_count_apart(metrics: Metrics) -> None:
    assert b"csi.v1.Node/X" not in Metrics().render()
    assert b"csi.v1.Node/X" in metrics.render()
