"""What a look at a volume proves of a server."""

import pytest

from warden.records import ServerState
from warden.rules import looks


@pytest.mark.parametrize(
    ("holders", "reasons", "state"),
    [
        pytest.param(["1"], [], ServerState.ACTIVE, id="well"),
        pytest.param(["1"], ["ServerNotActive"], ServerState.OFF, id="off"),
        pytest.param(["1"], ["AttachedToUnknownServer"], ServerState.GONE, id="gone"),
        pytest.param(["1"], ["ServerChanging"], ServerState.UNTOLD, id="an action is under way"),
        pytest.param(["1"], ["ServerNotActive", "DiskFailed"], ServerState.UNTOLD, id="two reasons"),
        pytest.param([], [], ServerState.UNTOLD, id="held by nobody"),
        pytest.param(["2"], ["ServerNotActive"], ServerState.UNTOLD, id="held by another"),
        pytest.param(["1", "2"], ["ServerNotActive"], ServerState.UNTOLD, id="held by two"),
    ],
)
def test_a_look(holders: list[str], reasons: list[str], state: ServerState) -> None:
    assert looks.judge("1", holders, reasons) is state
