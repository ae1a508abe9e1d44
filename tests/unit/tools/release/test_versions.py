"""Where the version stands."""

import pytest

from tools.image import ROOT, version
from tools.release import NotReleased, versions


@pytest.mark.parametrize("good", ["0.2.0", "1.0.0-rc.1", "10.20.30"])
def test_a_version_that_a_release_may_have(good: str) -> None:
    assert versions.checked(good) == good


@pytest.mark.parametrize("bad", ["", "1", "v1.2.3", "1.2.3.4", "01.2.3", "1.2.3-beta", "1.2.3-rc.0", "1.2.3\n"])
def test_another_version_is_refused(bad: str) -> None:
    with pytest.raises(NotReleased, match="VERSION="):
        versions.checked(bad)


@pytest.mark.parametrize("file", versions.PLACES)
def test_each_place_of_the_tree_has_the_project_s_version_and_takes_another(file: str) -> None:
    text = (ROOT / file).read_text()
    assert versions.written(file, text, version()) == text
    other = versions.written(file, text, "98.7.6")
    assert other.count("98.7.6") == len(versions.PLACES[file])
    assert versions.written(file, other, version()) == text


def test_a_file_without_the_version_is_refused() -> None:
    with pytest.raises(NotReleased, match=r"pyproject\.toml has 0 lines"):
        versions.written("pyproject.toml", "[project]\n", "1.2.3")
