"""Our restated .proto files say what the official ones say: names, numbers, types, labels, options, streaming."""

from pathlib import Path

import pytest

from tests.contract.csi import descriptors
from tools import golang
from tools.protos import PROTO_FOLDER

OFFICIAL = (
    pytest.param("csi.proto", "github.com/container-storage-interface/spec", "v1.13.0", "csi.proto", id="csi"),
    pytest.param(
        "pluginregistration.proto",
        "k8s.io/kubelet",
        "v0.37.2",
        "pkg/apis/pluginregistration/v1/api.proto",
        id="pluginregistration",
    ),
)


@pytest.mark.timeout(600)  # the first run fetches Go and the modules
@pytest.mark.parametrize(("ours", "module", "version", "official"), OFFICIAL)
def test_our_descriptors_equal_the_official_ones(ours: str, module: str, version: str, official: str) -> None:
    theirs = official_file(module, version, official)
    expected = descriptors.pieces(theirs.parent, theirs.name)
    actual = descriptors.pieces(PROTO_FOLDER, ours)
    assert sorted(actual) == sorted(expected)
    assert [f"{name}:\n{actual[name]}\nis officially\n{expected[name]}" for name in differing(actual, expected)] == []


def test_every_secret_field_has_the_name_by_which_secrets_are_blanked() -> None:
    assert descriptors.fields_with("csi_secret", PROTO_FOLDER, "csi.proto") == {"secrets"}


def test_every_field_with_that_name_is_marked_secret() -> None:
    pieces = descriptors.pieces(PROTO_FOLDER, "csi.proto").values()
    named = sum(piece.count('  name: "secrets"\n') for piece in pieces)
    marked = sum(piece.count("[csi.v1.csi_secret]: true\n") for piece in pieces)
    assert named == marked > 0


def differing(actual: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Return the names of the pieces that both have and that are not the same."""
    return [name for name in sorted(actual.keys() & expected.keys()) if actual[name] != expected[name]]


def official_file(module: str, version: str, path: str) -> Path:
    """Return the official .proto file; skip the test if Go cannot provide it."""
    try:
        return golang.module_folder(module, version) / path
    except golang.GoFailed as reason:
        pytest.skip(str(reason))
