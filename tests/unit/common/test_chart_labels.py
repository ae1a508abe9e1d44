"""Whose an object of the driver is, by the chart's labels."""

import pytest

from common.chart_labels import is_part


@pytest.mark.parametrize(
    ("component", "is_one"),
    [("node", True), ("node-large", True), ("nodes", False), ("controller", False)],
)
def test_a_set_of_nodes_is_a_part_of_the_node_service(component: str, is_one: bool) -> None:
    assert is_part(component, "node") is is_one
