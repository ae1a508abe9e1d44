"""The chart's package says which image it installs, and is the same each time."""

import io
import tarfile

import pytest

from tools.chart import CHART
from tools.release import NotReleased, chart_package

FILES = {"aiocsi/templates/node.yaml": b"node", "aiocsi/values.yaml": b"values", "aiocsi/Chart.yaml": b"chart"}


def packed(names: list[str], seconds: int) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as made:
        for name in names:
            header = tarfile.TarInfo(name)
            header.mtime, header.uid, header.uname, header.size = seconds, 1000, "helm", len(FILES[name])
            made.addfile(header, io.BytesIO(FILES[name]))
    return written.getvalue()


def test_packages_made_at_different_times_become_the_same() -> None:
    one, other = packed(sorted(FILES), 1), packed(sorted(FILES, reverse=True), 2)
    assert one != other
    assert chart_package.normal(one) == chart_package.normal(other)


def test_a_package_keeps_its_files_with_the_chart_s_description_first() -> None:
    with tarfile.open(fileobj=io.BytesIO(chart_package.normal(packed(list(FILES), 1)))) as made:
        names = made.getnames()
        assert names[0] == "aiocsi/Chart.yaml"
        assert {name: made.extractfile(name).read() for name in names} == FILES  # type: ignore[union-attr]  # files


def test_the_values_of_the_chart_take_the_image_s_digest() -> None:
    values = (CHART / "values.yaml").read_text()
    changed = chart_package.with_digest(values, "sha256:abc")
    assert changed.replace('  digest: "sha256:abc"', '  digest: ""') == values


def test_values_without_a_place_for_the_digest_are_refused() -> None:
    with pytest.raises(NotReleased, match="0 lines"):
        chart_package.with_digest("image: {}\n", "sha256:abc")
