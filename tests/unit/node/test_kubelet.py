"""What kubelet expects of the node, on a simulated host."""

import pytest

from tests.harness.kubelet_table import TABLE, Row
from tests.unit.node.world import World


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_kubelet_gets_what_it_expects(row: Row) -> None:
    with World(row.fs_type, filesystem=row.formatted) as world:
        row.check(world)
