"""Metrics that a scrape can read."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from common.exposition import Form
from common.metrics import CallsUnderWay, Metrics


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    metrics.calls.labels("csi.v1.Node/X", "OK").inc()
    metrics.seconds.labels("csi.v1.Node/X").observe(0.2)
    return metrics


def test_what_is_rendered_can_be_parsed(metrics: Metrics) -> None:
    page = metrics.render(Form.OPEN_METRICS).decode()
    parsed = text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    assert {"aiocsi_calls", "aiocsi_call_seconds", "aiocsi_calls_in_flight", "aiocsi_build_info"} <= set(families)
    resident = families["process_resident_memory_bytes"].samples[0].value
    virtual = families["process_virtual_memory_bytes"].samples[0].value
    assert 5e6 < resident < min(virtual, 5e9)
    assert families["process_open_fds"].samples[0].value < families["process_max_fds"].samples[0].value
    assert families["process_cpu_seconds"].samples[0].name == "process_cpu_seconds_total"


def test_every_metric_tells_what_it_is_for(metrics: Metrics) -> None:
    described = list(metrics.describe())
    assert len(described) >= 8
    assert all(text.endswith(".") and kind in {"counter", "gauge", "histogram"} for _, kind, text in described)


def test_two_instances_count_apart(metrics: Metrics) -> None:
    assert b"csi.v1.Node/X" not in Metrics().render()
    assert b"csi.v1.Node/X" in metrics.render()


def test_readiness_is_asked_at_each_scrape(metrics: Metrics) -> None:
    reasons = ["no token", ""]
    metrics.watch_readiness(lambda: reasons.pop(0))
    assert b"\naiocsi_ready 0.0\n" in metrics.render()
    assert b"\naiocsi_ready 1.0\n" in metrics.render()


def test_the_age_of_the_oldest_call_of_each_method_is_told() -> None:
    now = iter((10.0, 14.0, 15.0, 20.0, 20.0, 20.0))
    under_way = CallsUnderWay(lambda: next(now))
    with under_way.one("A"), under_way.one("A"), under_way.one("B"):
        (family,) = under_way.collect()
    assert [(each.labels["method"], each.value) for each in family.samples] == [("A", 10.0), ("B", 5.0)]
    (family,) = under_way.collect()
    assert family.samples == []
