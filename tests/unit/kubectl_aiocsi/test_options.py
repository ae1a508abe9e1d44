"""The words of the command."""

import pytest

from kubectl_aiocsi.options import UsageError, named
from kubectl_aiocsi.records import CLAIMS, NODES, PODS, VOLUMES, Kind


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["web"], (PODS, "web")),
        (["pod", "web"], (PODS, "web")),
        (["pvc/orders"], (CLAIMS, "orders")),
        (["PV", "x"], (VOLUMES, "x")),
        (["no/one"], (NODES, "one")),
    ],
)
def test_an_object_is_named_as_for_kubectl(words: list[str], meant: tuple[Kind, str]) -> None:
    assert named(words) == meant


@pytest.mark.parametrize("words", [["service", "web"], ["pod", "a", "b"], ["pvc/"]])
def test_what_names_no_object_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        named(words)
