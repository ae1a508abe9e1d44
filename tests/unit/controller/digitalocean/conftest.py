"""Where a token is."""

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file that the secret is mounted as."""
    return tmp_path / "token"
