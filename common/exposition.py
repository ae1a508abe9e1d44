"""The page that a scrape reads: as text, or as OpenMetrics where the client prefers it.

prometheus_client has the text form in a module that imports an HTTP server and ssl; so it is written here.

Sources: Prometheus "Exposition formats" (text 0.0.4); RFC 9110, 12.4.2 and 12.5.1.
"""

from collections.abc import Iterator
from enum import Enum

from common import slim_imports

slim_imports.skip_init("prometheus_client")

from prometheus_client.metrics_core import Metric  # noqa: E402  # only after the line above
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: E402  # same
from prometheus_client.registry import CollectorRegistry  # noqa: E402  # same
from prometheus_client.samples import Sample  # noqa: E402  # same
from prometheus_client.utils import floatToGoString  # noqa: E402  # same

_ESCAPED = {ord("\\"): r"\\", ord("\n"): r"\n", ord('"'): r"\""}
_ESCAPED_HELP = {ord("\\"): r"\\", ord("\n"): r"\n"}


class Form(Enum):
    """A form of the page, by its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPEN_METRICS = CONTENT_TYPE_LATEST


def preferred(accept: str) -> Form:
    """Return the form that an Accept header prefers; text if it names neither."""
    weights = dict(_weights(accept))
    open_metrics = weights.get("application/openmetrics-text", 0.0)
    return Form.OPEN_METRICS if open_metrics > weights.get("text/plain", 0.0) else Form.TEXT


def _weights(accept: str) -> Iterator[tuple[str, float]]:
    """Yield the media types with their weights, the largest of one type last."""
    found = []
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        told = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        try:
            found.append((float(told), name))
        except ValueError:
            continue
    for weight, name in sorted(found):
        yield name, weight


def render(registry: CollectorRegistry, form: Form) -> bytes:
    """Return all metrics of a registry."""
    if form is Form.OPEN_METRICS:
        page: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # prometheus_client has no types here
        return page
    return "".join(line for family in registry.collect() for line in _family(family)).encode()


def _family(family: Metric) -> Iterator[str]:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    yield f"# HELP {name} {family.documentation.translate(_ESCAPED_HELP)}\n"
    yield f"# TYPE {name} {family.type}\n"
    yield from map(_line, family.samples)


def _line(sample: Sample) -> str:
    labels = ",".join(f'{key}="{value.translate(_ESCAPED)}"' for key, value in sorted(sample.labels.items()))
    value = floatToGoString(sample.value)  # type: ignore[no-untyped-call]  # prometheus_client has no types here
    return f"{sample.name}{{{labels}}} {value}\n" if labels else f"{sample.name} {value}\n"
