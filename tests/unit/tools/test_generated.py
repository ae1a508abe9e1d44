"""How a generated file is compared with the one in the tree."""

from pathlib import Path

import pytest

from tools import generated


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_same_folder_has_no_diff(tmp_path: Path) -> None:
    for base in ("tree", "made"):
        write(tmp_path / base / "a/b.py", "one\n")
    write(tmp_path / "tree/a/__pycache__/b.pyc", "compiled\n")
    assert list(generated.differing(tmp_path / "tree", tmp_path / "made")) == []


@pytest.mark.parametrize(
    ("in_tree", "made", "shown"),
    [
        pytest.param("one\n", "two\n", ["-one\n", "+two\n"], id="changed"),
        pytest.param("one\n", None, ["-one\n"], id="no longer generated"),
        pytest.param(None, "two\n", ["+two\n"], id="not in the tree"),
    ],
)
def test_a_difference_is_shown_as_a_diff(
    tmp_path: Path, in_tree: str | None, made: str | None, shown: list[str]
) -> None:
    for base, text in (("tree", in_tree), ("made", made)):
        (tmp_path / base).mkdir()
        if text is not None:
            write(tmp_path / base / "page.md", text)
    lines = list(generated.differing(tmp_path / "tree", tmp_path / "made"))
    assert lines[:2] == ["--- tree/tree/page.md\n", "+++ generated/tree/page.md\n"]
    assert lines[3:] == shown


def test_a_single_file_is_compared_under_its_own_name(tmp_path: Path) -> None:
    lines = list(generated.differing(write(tmp_path / "1/page.md", "one\n"), write(tmp_path / "2/page.md", "two\n")))
    assert lines[0] == "--- tree/page.md\n"
