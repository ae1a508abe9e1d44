"""The environment of the targets: what is said when it cannot be made."""

import os
from pathlib import Path

import pytest

from tools import venv


def test_an_environment_of_another_user_is_named_with_the_line_that_repairs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "env.lock"
    lock.touch(mode=0o400)
    if os.access(lock, os.W_OK):
        pytest.skip("needs a user without CAP_DAC_OVERRIDE, as make test runs the unit tier")
    assert venv.main([str(tmp_path / "env")]) == 1
    said = capsys.readouterr().err
    assert f"{lock} belongs to another user" in said
    assert f'sudo chown -R "$USER" {tmp_path}/env {lock}' in said
