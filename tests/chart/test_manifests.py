"""The manifests as a whole: the samples in git are what helm renders, and the API server's schemas accept them."""

from pathlib import Path

import pytest

from tests.chart.documents import conform, realistic
from tools.chart import CHART, helm, snapshots

SAMPLES = [pytest.param(values, id=snapshots.name(values)) for values in snapshots.inputs()]

REALISTIC = [pytest.param(values, id=name) for name, values in realistic()]


@pytest.mark.parametrize("values", SAMPLES)
def test_a_sample_in_git_is_what_helm_renders(values: Path) -> None:
    assert snapshots.sample(values).read_text() == snapshots.made(values), (
        "run `python -m tools.chart.snapshots` and look at the diff"
    )


@pytest.mark.parametrize("values", SAMPLES)
def test_the_api_s_schemas_accept_every_object(values: Path) -> None:
    summary = conform(helm.template(values.read_text()))
    assert "Invalid: 0, Errors: 0, Skipped: 0" in summary


@pytest.mark.parametrize("values", REALISTIC)
def test_the_api_s_schemas_accept_what_is_made_of_realistic_values(values: str) -> None:
    assert "Invalid: 0, Errors: 0, Skipped: 0" in conform(helm.template(values))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("replicas: 2", "replica: 2", id="unknown field"),
        pytest.param("replicas: 2", "replicas: two", id="wrong type"),
        pytest.param("    - {name: socket, mountPath: /csi}", "    - {name: socket, path: /csi}", id="deep inside"),
        pytest.param("deletionPolicy: Delete", "deletionPolicy: Perhaps", id="value of a custom resource"),
    ],
)
def test_the_schemas_do_refuse_what_is_wrong(right: str, wrong: str) -> None:
    manifests = helm.template()
    assert right in manifests
    with pytest.raises(helm.ChartRefused, match="Invalid: 1"):
        conform(manifests.replace(right, wrong, 1))


def test_helm_lint_finds_nothing() -> None:
    assert "0 chart(s) failed" in helm.run("helm", "lint", "--strict", "--values", str(helm.REQUIRED), str(CHART))
