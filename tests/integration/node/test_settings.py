"""Settings of the node that only its cloud can judge."""

import sys

from tools.processes.run import complaint


def test_the_name_of_the_node_is_refused_in_place_of_its_id_in_the_cloud() -> None:
    said = complaint("env", "AIOCSI_NODE_ID=node-1", sys.executable, "-m", "node", status=2)
    assert said.startswith("aiocsi-node: AIOCSI_NODE_ID: must be the id of a server of digitalocean")
