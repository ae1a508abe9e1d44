"""The environment of the targets where sudo make meets make."""

import os
from pathlib import Path

import pytest

from tools import venv


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_gives_what_it_wrote_to_whom_the_tree_belongs(tmp_path: Path) -> None:
    tree, written = tmp_path / "tree", tmp_path / "tree" / ".venv"
    written.mkdir(parents=True)
    (written / "file").touch()
    (written / "link").symlink_to("/nowhere")
    os.chown(tree, 12345, 12345)
    venv.hand_over(tree, written, tree / "not-there")
    assert {path.lstat().st_uid for path in (written, *written.iterdir())} == {12345}
