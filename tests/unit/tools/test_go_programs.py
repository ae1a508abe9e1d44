"""The programs that are built from Go modules, and other versions of Kubernetes among them."""

import pytest

from tools import go_programs

OTHER = go_programs.others()[0]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param("kubelet", True, id="of the cluster"),
        pytest.param("agnhost", False, id="of the test pods"),
        pytest.param("e2e.test", False, id="of the suite"),
        pytest.param("helm", False, id="of another project"),
    ],
)
def test_another_kubernetes_changes_the_programs_of_the_cluster_alone(
    name: str, other: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(go_programs.VARIABLE, raising=False)
    listed = go_programs.version(name)
    monkeypatch.setenv(go_programs.VARIABLE, OTHER.minor)
    assert go_programs.version(name) == (OTHER.version if other else listed)


def test_a_version_that_nobody_listed_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(go_programs.VARIABLE, "1.2")
    with pytest.raises(SystemExit, match=rf"KUBERNETES=1.2 is not one of {OTHER.minor}"):
        go_programs.version("kubelet")
