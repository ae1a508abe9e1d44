"""Metrics, alerts and dashboards belong together: promtool takes the page, and each alert fires on what it is for."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import CollectorRegistry
from prometheus_client.samples import Sample

from common import exposition
from tests.chart.documents import at, conform, items, render
from tests.chart.record import HOUR
from tools import go_programs, reference
from tools.chart import CHART, Json, helm
from tools.venv import ROOT

RULES = CHART / "files" / "rules.yaml"
DASHBOARDS = tuple(sorted((CHART / "files").glob("dashboard-*.json")))
RUNBOOKS = ROOT / "docs/guides/runbooks.md"
NAME = re.compile(r"\b(?:aiocsi|process)_[a-z_]+\b")
ON = "metrics: {enabled: true, rules: {enabled: true, labels: {release: prometheus}}, dashboards: {enabled: true}}"
ALERTS = ("spec", "groups", 0, "rules")
MINUTES = 60
VOLUME = 'persistentvolume="pv-1",volume_id="v"'


@dataclass(frozen=True)
class Breakage:
    """What an alert is for: series over time, and the labels and minute with which it fires."""

    series: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    minute: int = 30


def steady(rate: int) -> str:
    """A counter that grows by so many each minute."""
    return f"0+{rate}x{MINUTES}"


def level(value: float) -> str:
    """A number that stays."""
    return f"{value}x{MINUTES}"


NODE = {"instance": "node-a"}
PV = {"persistentvolume": "pv-1"}
BREAKAGES = {
    "AiocsiNotReady": Breakage({'aiocsi_ready{instance="node-a"}': level(0)}, NODE),
    "AiocsiControllerGone": Breakage({'aiocsi_ready{instance="node-a"}': level(1)}, minute=11),
    "AiocsiNodeServicesGone": Breakage({}, minute=11),
    "AiocsiTokenRefused": Breakage({'aiocsi_token_accepted{instance="node-a"}': level(0)}, NODE),
    "AiocsiCloudFails": Breakage(
        {
            'aiocsi_cloud_requests_total{status="503"}': steady(30),
            'aiocsi_cloud_requests_total{status="0"}': steady(10),
            'aiocsi_cloud_requests_total{status="200"}': steady(60),
        }
    ),
    "AiocsiRateLimitLow": Breakage(
        {
            'aiocsi_cloud_rate_limit_remaining{instance="node-a"}': level(400),
            'aiocsi_cloud_rate_limit{instance="node-a"}': level(5000),
        },
        NODE,
    ),
    "AiocsiDetachPending": Breakage({'aiocsi_detach_pending_seconds{instance="node-a"}': "0+60x60"}, NODE),
    "AiocsiActionsFail": Breakage(
        {'aiocsi_action_seconds_count{kind="attach",result="errored"}': steady(1)}, {"kind": "attach"}
    ),
    "AiocsiCallsFail": Breakage(
        {
            'aiocsi_calls_total{method="M",code="UNAVAILABLE"}': steady(3),
            'aiocsi_calls_total{method="M",code="OK"}': steady(2),
        },
        {"method": "M"},
    ),
    "AiocsiCallHangs": Breakage(
        {'aiocsi_oldest_call_seconds{instance="node-a",method="M"}': "0+60x60"}, {**NODE, "method": "M"}
    ),
    "AiocsiKernelHangs": Breakage({'aiocsi_hung_calls{instance="node-a"}': level(1)}, NODE),
    "AiocsiVolumeUnhealthy": Breakage(
        {f'aiocsi_volume_health{{{VOLUME},status="inaccessible",reason="DeviceGone"}}': level(1)},
        {**PV, "status": "inaccessible", "reason": "DeviceGone"},
    ),
    "AiocsiVolumeFull": Breakage(
        {
            f"aiocsi_volume_available_bytes{{{VOLUME}}}": level(9),
            f"aiocsi_volume_size_bytes{{{VOLUME}}}": level(100),
        },
        PV,
    ),
    "AiocsiVolumeInodesFull": Breakage(
        {f"aiocsi_volume_inodes_used{{{VOLUME}}}": level(95), f"aiocsi_volume_inodes{{{VOLUME}}}": level(100)}, PV
    ),
    "AiocsiVolumeErrors": Breakage({f"aiocsi_volume_io_errors_total{{{VOLUME}}}": steady(2)}, PV),
    "AiocsiNodesLost": Breakage({'aiocsi_nodes_lost{state="off"}': level(1)}, {"state": "off"}),
    "AiocsiDrift": Breakage({'aiocsi_drift{kind="size-differs"}': level(1)}, {"kind": "size-differs"}),
    "AiocsiWardenLeaderless": Breakage(
        {
            'aiocsi_warden_leading{instance="a"}': level(0),
            'aiocsi_warden_leading{instance="b"}': level(0),
        }
    ),
}


WARDEN_IS_WELL = {  # the recorded hour has no API server, hence no warden
    'aiocsi_warden_leading{instance="a"}': level(1),
    'aiocsi_warden_leading{instance="b"}': level(0),
    'aiocsi_nodes_lost{state="off"}': level(0),
    'aiocsi_drift{kind="size-differs"}': level(0),
    'aiocsi_drift{kind="released-pv"}': level(3),
}


@pytest.fixture(scope="session", autouse=True)
def _promtool() -> None:
    if not go_programs.path("promtool").exists():
        pytest.skip("promtool is not built: make chart builds it")


def alerts() -> dict[str, dict[str, Json]]:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    return {str(rule["alert"]): rule for rule in rules}


def promtool(*arguments: str, stdin: str = "") -> str:
    """Raises ChartRefused if promtool finds something."""
    return helm.run("promtool", *arguments, stdin=stdin)


def known() -> set[str]:
    """Return the names of all series, as promtool and PromQL have them."""
    names: set[str] = set()
    for registry in reference.registries().values():
        for family in registry.collect():
            suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
            names |= {family.name + suffix for suffix in suffixes}
    return names


def with_samples(registry: CollectorRegistry) -> str:
    """Return the page of a registry after something has happened."""
    for collector in set(registry._names_to_collectors.values()):  # no list of them is offered
        if isinstance(collector, MetricWrapperBase) and collector._labelnames:  # the same
            collector.labels(*("x" for _ in collector._labelnames))  # the same
    page = exposition.render(registry, exposition.Form.TEXT).decode()
    for family in registry.collect():
        if not family.samples:
            page += exposition._line(Sample(family.name + {"counter": "_total"}.get(family.type, ""), {"x": "y"}, 1))
    return page


def used() -> Iterator[tuple[str, str]]:
    """Yield where a metric is used, and its name."""
    for name, rule in alerts().items():
        yield from ((name, metric) for metric in NAME.findall(str(rule["expr"])))
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield from ((f"{file.name}: {panel['title']}", metric) for metric in NAME.findall(target["expr"]))


@pytest.mark.parametrize("title", reference.registries())
def test_promtool_finds_nothing_wrong_with_the_page(title: str) -> None:
    assert promtool("check", "metrics", stdin=with_samples(reference.registries()[title])) == ""


def test_every_metric_of_a_rule_or_panel_exists() -> None:
    names = known()
    assert [(where, name) for where, name in used() if name not in names] == []


def test_every_panel_asks_something_that_promtool_can_parse() -> None:
    panels = [panel for file in DASHBOARDS for panel in json.loads(file.read_text())["panels"]]
    exprs = [target["expr"].replace("$volume", "pv-1") for panel in panels for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    page = yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    assert f"{len(exprs)} rules found" in promtool("check", "rules", stdin=page)


def test_every_alert_has_a_breakage_and_a_runbook() -> None:
    sections = re.findall(r"^## (Aiocsi\w+)$", RUNBOOKS.read_text(), re.MULTILINE)
    assert sorted(alerts()) == sorted(BREAKAGES) == sorted(sections)
    for name, rule in alerts().items():
        assert at(rule, "annotations", "runbook_url") == f"RUNBOOKS#{name.lower()}"


@pytest.mark.parametrize("name", BREAKAGES)
def test_an_alert_fires_on_what_it_is_for_and_no_other_does(name: str, tmp_path: Path) -> None:
    breakage = BREAKAGES[name]
    tests = [
        {"eval_time": f"{breakage.minute}m", "alertname": each, "exp_alerts": [firing(name, breakage)] * (each == name)}
        for each in alerts()
    ]
    all_scraped = {
        "AiocsiControllerGone": {'aiocsi_token_accepted{instance="controller"}': level(1)},
        "AiocsiNodeServicesGone": {'aiocsi_hung_calls{instance="node"}': level(0)},
    }
    scraped = {series: value for gone, told in all_scraped.items() if gone != name for series, value in told.items()}
    play(tmp_path, scraped | breakage.series, tests)


def test_a_healthy_hour_is_silent(tmp_path: Path) -> None:
    series = json.loads(HOUR.read_text()) | WARDEN_IS_WELL
    told = {name.partition("{")[0] for name in series}
    assert {name for where, name in used() if where in alerts()} - told == {
        "aiocsi_volume_health"
    }  # only where one is ill
    minutes = range(1, MINUTES)
    tests = [{"eval_time": f"{at_minute}m", "alertname": name} for name in alerts() for at_minute in minutes]
    play(tmp_path, series, tests)


def firing(name: str, breakage: Breakage) -> dict[str, dict[str, str]]:
    """Return what promtool has to find."""
    rule = alerts()[name]
    labels = {**breakage.labels, "severity": str(at(rule, "labels", "severity"))}
    told = at(rule, "annotations")
    assert isinstance(told, dict)

    def filled(text: str) -> str:
        return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: labels[match[1]], text)

    return {"exp_labels": labels, "exp_annotations": {key: filled(str(text)) for key, text in told.items()}}


def play(folder: Path, series: dict[str, str], tests: Sequence[Mapping[str, object]]) -> None:
    """Let promtool try the rules on series. Raises ChartRefused if an alert fires that should not, or does not."""
    page = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": tests,
            }
        ],
    }
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(page))
    promtool("test", "rules", str(file))


def test_rules_and_dashboards_are_off_by_default() -> None:
    assert not [name for name in render() if name.startswith("PrometheusRule/") or name.endswith("-dashboards")]


def test_rules_and_dashboards_are_objects_that_the_operator_and_grafana_take() -> None:
    rendered = render(ON)
    rule, dashboards = rendered["PrometheusRule/aiocsi"], rendered["ConfigMap/aiocsi-dashboards"]
    assert "Valid: " in conform(helm.template(ON))
    assert at(rule, "metadata", "labels", "release") == "prometheus"
    assert at(dashboards, "metadata", "labels", "grafana_dashboard") == "1"
    first = items(rule, *ALERTS)[0]
    assert at(first, "annotations", "runbook_url") == "docs/guides/runbooks.md#aiocsinotready"
    pages = [at(dashboards, "data", file.name.replace("dashboard-", "aiocsi-")) for file in DASHBOARDS]
    assert [json.loads(str(page))["uid"] for page in pages] == ["aiocsi-operators", "aiocsi-volume"]


def test_the_runbooks_are_where_the_chart_is_told() -> None:
    rule = render(ON.replace("rules: {", "rules: {runbooks: 'https://docs.example.com/runbooks', "))[
        "PrometheusRule/aiocsi"
    ]
    urls = [str(at(each, "annotations", "runbook_url")) for each in items(rule, *ALERTS)]
    assert {url.partition("#")[0] for url in urls} == {"https://docs.example.com/runbooks"}
