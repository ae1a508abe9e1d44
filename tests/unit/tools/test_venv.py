"""The environment of the targets: which Python makes it, whose it is, and what is said when it cannot be made."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tools import venv
from tools.processes.run import run

SCRIPT = venv.ROOT / "tools" / "python"
OTHER = """\
#!/bin/sh
case "$2" in *executable*) echo "$0" ;; *version_info*) echo 3.13 ;; esac
"""


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


def test_what_another_user_wrote_is_named_with_the_line_that_repairs_it(tmp_path: Path) -> None:
    (tmp_path / ".pytest_cache").mkdir(mode=0o500)
    (tmp_path / "dist").mkdir()
    if os.access(tmp_path / ".pytest_cache", os.W_OK):
        pytest.skip("needs a user without CAP_DAC_OVERRIDE, as make test runs the unit tier")
    assert venv.not_ours(tmp_path) == [tmp_path / ".pytest_cache"]
    assert venv.repair("/a b/.pytest_cache").endswith("""sudo chown -R "$USER" '/a b/.pytest_cache'""")


def test_the_python_of_the_environment_is_kept_where_the_search_path_has_another_one(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    script = str(shutil.copy(SCRIPT, tmp_path / "tools"))
    other = tmp_path / "python3.13"
    other.write_text(OTHER)
    other.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    assert run(script, environment=environment) == f"{other}\n"
    base = Path(sys.executable).resolve()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(base)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    assert Path(run(script, environment=environment).strip()).resolve() == base
    assert run(script, environment={**environment, "PYTHON": str(other)}) == f"{other}\n"
