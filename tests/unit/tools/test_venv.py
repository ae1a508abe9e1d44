"""The environment of the targets: what is said when it cannot be made."""

import os
from pathlib import Path

import pytest

from tools import venv


@pytest.mark.skipif(os.geteuid() == 0, reason="needs a user who is not root: root may write everywhere")
def test_an_environment_of_another_user_is_named_with_the_line_that_repairs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "env.lock").touch(mode=0o400)
    assert venv.main([str(tmp_path / "env")]) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path}/env.lock belongs to another user" in said
    assert f'sudo chown -R "$USER" {tmp_path}/env {tmp_path}/env.lock' in said
