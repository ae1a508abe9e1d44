"""The chart's tests need helm and kubeconform, which ``make chart`` builds."""

import pytest

from tools import go_programs


@pytest.fixture(scope="session", autouse=True)
def _programs() -> None:
    for name in ("helm", "kubeconform"):
        if not go_programs.path(name).exists():
            pytest.skip(f"{name} is not built: make chart builds it")
