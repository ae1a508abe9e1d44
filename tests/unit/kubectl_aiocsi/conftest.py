"""Clusters that cannot be asked."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def unreachable(tmp_path: Path) -> str:
    """A kubeconfig of a cluster that nobody serves."""
    file = tmp_path / "kubeconfig"
    config = {
        "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}],
        "current-context": "here",
    }
    file.write_text(json.dumps(config))
    return str(file)
