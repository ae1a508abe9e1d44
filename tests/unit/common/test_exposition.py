"""The page that a scrape reads, in the form that its client asks for."""

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics import Counter, Gauge, Histogram
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from common.exposition import Form, preferred, render

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("odd", 'Help with "quotes" and a \\.', ["label"], registry=registry).labels('a\\b"c\nd').inc(3)
    Gauge("plain", "A number.", registry=registry).set(0.25)
    Histogram("seconds", "How long.", ["kind"], buckets=(0.5, 1), registry=registry).labels("x").observe(0.7)
    Gauge("none_yet", "Nobody has set it.", ["label"], registry=registry)
    return registry


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        pytest.param("", Form.TEXT, id="none"),
        pytest.param("*/*", Form.TEXT, id="anything, as curl asks"),
        pytest.param("text/plain;version=0.0.4", Form.TEXT, id="text"),
        pytest.param("application/openmetrics-text; version=1.0.0", Form.OPEN_METRICS, id="OpenMetrics"),
        pytest.param(PROMETHEUS, Form.OPEN_METRICS, id="Prometheus"),
        pytest.param("application/openmetrics-text;q=0.1, text/plain;q=0.9", Form.TEXT, id="text rather"),
        pytest.param("Application/OpenMetrics-Text; Q=0.5", Form.OPEN_METRICS, id="in capitals"),
        pytest.param("application/openmetrics-text;q=x", Form.TEXT, id="no number"),
        pytest.param(";;,=,;q=", Form.TEXT, id="noise"),
    ],
)
def test_the_client_chooses_the_form(accept: str, form: Form) -> None:
    assert preferred(accept) is form


def test_the_text_is_that_of_the_client_library(registry: CollectorRegistry) -> None:
    library = generate_latest(registry)
    series = [line for line in library.splitlines() if b"_created" not in line]
    assert render(registry, Form.TEXT).splitlines() == series


def test_open_metrics_can_be_parsed(registry: CollectorRegistry) -> None:
    page = render(registry, Form.OPEN_METRICS).decode()
    names = {family.name for family in text_string_to_metric_families(page)}  # type: ignore[no-untyped-call]
    assert names == {"odd", "plain", "seconds", "none_yet"}


@pytest.mark.parametrize("form", Form)
def test_a_counter_has_one_series(registry: CollectorRegistry, form: Form) -> None:
    assert b"_created" not in render(registry, form)
