"""Write the reference pages that are made from code: settings, errors, metrics and the kubectl plugin.

Each page says of itself that it is generated; what is told in it stands in the code, and nowhere else.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import CollectorRegistry

import common
import controller
import node
from common import errors
from common.errors import DriverError, NotFinal, Refused
from common.metrics import Metrics
from common.settings import describe
from controller.digitalocean.request_metrics import LEVELS, CountedRequests
from controller.pacing.lane_metrics import LaneMetrics
from controller.settings import ControllerSettings
from controller.work_metrics import Levels, WorkMetrics
from localcloud import settings as localcloud_settings
from node.metrics import NodeMetrics
from node.settings import NodeSettings
from node.volume_metrics import VolumeMetrics
from tools import error_sites, kubectl_page, log_events
from warden.metrics import WardenMetrics
from warden.settings import WardenSettings

PROGRAMS = (
    ("aiocsi-controller", ControllerSettings),
    ("aiocsi-node", NodeSettings),
    ("aiocsi-warden", WardenSettings),
)
_ESCAPED = {ord("|"): "&#124;", ord("<"): "&lt;"}
NOTE = "<!-- Generated from the code by `make update`: change the code, not this page. -->"

SETTINGS_HEAD = """\
# Settings

The controller, the node and the warden read environment variables, once, at their start. One that is set but empty
counts as unset. A wrong value is one line on stderr and exit status 2. `--help` prints the same list."""

ERRORS_HEAD = """\
# Errors

Every error of the driver is one of these, and a call that fails has the status of one. The log line of the call
tells the message and a remedy. `error_code` has its code; [each code](codes.md) has a section that
says what to do. INTERNAL and UNKNOWN are never answered: the sidecars take both for final.

The log line of a call that ends well tells in `outcome` whether the call has changed anything:

| call | changed by this call | as wanted before | also told |
|---|---|---|---|
| CreateVolume | `created` | `found` | `volume_id`, `size_bytes` |
| DeleteVolume | `deleted` | `was_gone` | |
| ControllerPublishVolume | `attached` | `was_attached` | |
| ControllerUnpublishVolume | `detached` | `was_detached` | |
| CreateSnapshot | `created` | `found` | `snapshot_id`, `size_bytes` |
| ControllerExpandVolume, NodeExpandVolume | `grown` | `was_grown` | `size_bytes` |
| ControllerModifyVolume | `modified` | `was_modified` | `tags`, `absent_tags` |
| DeleteSnapshot | `deleted` | `was_gone` | |
| NodeStageVolume | `staged` | `was_staged` | `device` |
| NodeUnstageVolume | `unstaged` | `was_unstaged` | |
| NodePublishVolume | `published` | `was_published` | `target`, `pod` |
| NodeUnpublishVolume | `unpublished` | `was_unpublished` | `target` |"""

EVENTS_HEAD = """\
# Events of the logs

Each line is one event, as JSON, with its keys in one order: `timestamp`, `level`, `event`, `method`, `code` (the gRPC
status), `outcome`, `error_class`, `error_code` ([what to do](codes.md)), `volume_id`, `volume_name`,
`message`, `remedy`, then the rest. Each line of a call for a volume has the volume's id
and, where it is known, its name.
Lines of one call have one `request_id`. [What `outcome` tells](errors.md): created, deleted and already gone are told
apart. A line that tells of an error has `error_class`, `message` and, if the error is the driver's own, `error_code`
and `remedy`."""

METRICS_HEAD = """\
# Metrics

Served at `/metrics` of `AIOCSI_HTTP_ADDR`, as text or as OpenMetrics: whichever the Accept header prefers. A counter's
name ends in `_total` there, a histogram's in `_bucket`, `_sum` and `_count`."""


def generate(folder: Path) -> None:
    """Write the pages below ``folder``/docs/reference."""
    pages = folder / "docs" / "reference"
    pages.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (pages / f"{name}.md").write_text("\n".join([NOTE, "", *make(), ""]))


def _settings() -> Iterator[str]:
    yield SETTINGS_HEAD
    for program, kind in PROGRAMS:
        yield from ("", f"## {program}", "")
        variables = describe(kind)
        yield from _table(
            ("variable", "default", "what it is"),
            ((f"`{each.name}`", _default(each.default, required=each.required), each.help) for each in variables),
        )
    yield from (
        "",
        "## aiocsi-localcloud",
        "",
        "Each is an option of the command line, or else an environment variable.",
        "",
    )
    yield from _table(
        ("option", "variable", "default", "what it is"),
        (
            (
                f"`--{name.replace('_', '-')}`",
                f"`{localcloud_settings.PREFIX}{name.upper()}`",
                _default(each.default),
                each.help,
            )
            for name, each in localcloud_settings.OPTIONS.items()
        ),
    )


def _default(text: str, *, required: bool = False) -> str:
    if required:
        return "required"
    return "unset" if text in {"", "()"} else f"`{text}`"


def _errors() -> Iterator[str]:
    if missing := list(error_sites.without_code()):
        raise ValueError(f"an error without error_code (see common/codes.py, node/codes.py): {', '.join(missing)}")
    yield ERRORS_HEAD
    roots = (
        (Refused, "Refused: nothing was done", "The same call will be refused again, until its cause is removed."),
        (NotFinal, "Not final: it may have been done", "The sidecars and kubelet call again by themselves."),
    )
    _import_all(common, controller, node)
    for root, title, meaning in roots:
        yield from ("", f"## {title}", "", meaning, "")
        kinds = {root, *errors.tree(root)}
        found = sorted((kind for kind in kinds if not kind.__name__.startswith("_")), key=_by_status)
        yield from _table(
            ("gRPC status", "error", "when"), ((f"`{kind.status.name}`", kind.__name__, _first(kind)) for kind in found)
        )


def _by_status(kind: type[DriverError]) -> tuple[str, str]:
    return kind.status.name, kind.__name__


def _first(kind: type) -> str:
    """Return the first paragraph of a class's docstring as one line."""
    return " ".join((kind.__doc__ or "").strip().partition("\n\n")[0].split()).replace("``", "`")


def _import_all(*packages: ModuleType) -> None:
    """Import every module, so that each class of error is known; a ``__main__`` changes its process, and has none."""
    for package in packages:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)


def _events() -> Iterator[str]:
    yield EVENTS_HEAD
    events = log_events.found()
    if wrong := log_events.problems(events, log_events.MEANINGS):
        raise ValueError("; ".join(wrong))
    yield ""
    yield from _table(
        ("event", "by", "level", "fields", "what it tells"),
        (
            (
                f"`{event.name}`",
                ", ".join(sorted("all" if each == "common" else each for each in event.services)),
                ", ".join(sorted(event.levels)).replace("exception", "error"),
                ", ".join(f"`{name}`" for name in sorted(event.fields - {"exc_info"})),
                log_events.MEANINGS[event.name],
            )
            for event in sorted(events.values(), key=lambda event: event.name)
        ),
    )


def registries() -> dict[str, CollectorRegistry]:
    """Return each process's own metrics, and those that all have."""
    both, controllers, nodes, wardens = Metrics().registry, *(CollectorRegistry() for _ in range(3))
    CountedRequests(controllers)
    Levels(controllers, LEVELS)
    LaneMetrics(controllers)
    WorkMetrics(controllers)
    NodeMetrics(nodes)
    VolumeMetrics(nodes)
    WardenMetrics(wardens)
    return {"All processes": both, "The controller": controllers, "The node": nodes, "The warden": wardens}


def _metrics() -> Iterator[str]:
    yield METRICS_HEAD
    for title, registry in registries().items():
        yield from ("", f"## {title}", "")
        yield from _table(
            ("metric", "type", "labels", "what it tells"),
            (
                (f"`{family.name}`", family.type, ", ".join(_labels(registry, family)), family.documentation)
                for family in registry.collect()
            ),
        )


def _labels(registry: CollectorRegistry, family: Metric) -> Sequence[str]:
    """Return the names of a metric's labels, which prometheus_client shows nowhere else."""
    if isinstance(family, GaugeMetricFamily | CounterMetricFamily):
        return family._labelnames  # noqa: SLF001
    collector = registry._names_to_collectors.get(family.name)  # noqa: SLF001
    return collector._labelnames if isinstance(collector, MetricWrapperBase) else ()  # noqa: SLF001


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.translate(_ESCAPED) for cell in row)} |"


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "settings": _settings,
    "errors": _errors,
    "events": _events,
    "metrics": _metrics,
    "kubectl": lambda: kubectl_page.lines(_table),
}
