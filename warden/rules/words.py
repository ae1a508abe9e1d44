"""What the Events say: what is wrong, with which object, and what to do."""

from dataclasses import dataclass
from datetime import datetime

from warden.records import ServerState
from warden.rules.taints import OUT_OF_SERVICE

TAINT = f"{OUT_OF_SERVICE.key}={OUT_OF_SERVICE.value}:{OUT_OF_SERVICE.effect}"
DETACH_MINUTES = 6  # Kubernetes' maximum wait for unmount, before it detaches from a node that is gone


@dataclass(frozen=True, slots=True)
class Where:
    """A node, its server, and how many volumes are attached to it."""

    node: str
    server_id: str
    volumes: int

    @property
    def server(self) -> str:
        """The node's server, in words."""
        return f"server {self.server_id} of node {self.node}"

    @property
    def counted(self) -> str:
        """How many volumes, in words."""
        return "1 volume" if self.volumes == 1 else f"{self.volumes} volumes"


def lost_node(where: Where, state: ServerState, since: datetime, held_back: str) -> str:
    """Say that a node's server does not run, and how its volumes are set free."""
    how = "is off" if state is ServerState.OFF else "does not exist"
    what = f"{where.server} {how}, seen since {since:%H:%M} UTC; {where.counted} cannot move"
    do = f"If it stays off: kubectl taint node {where.node} {TAINT}"
    why = f" It is not tainted automatically: {held_back}." if held_back else ""
    return f"{what}.{why} {do}"


def tainted_node(where: Where) -> str:
    """Say that a node was tainted, and how that ends."""
    what = f"{where.server} does not run: tainted {OUT_OF_SERVICE.key}, so that {where.counted} can move"
    return f"{what}. The taint is removed when the server runs and the node is ready again"


def cleared_node(node: str) -> str:
    """Say that a node's taint was removed."""
    return f"node {node} runs again: the taint {OUT_OF_SERVICE.key} that aiocsi had set is removed"


def deleted_node(node: str, volume: str) -> str:
    """Say that a Node object was deleted while a volume is attached to it."""
    return (
        f"node {node} was deleted with volume {volume} attached: Kubernetes detaches it {DETACH_MINUTES} minutes "
        "after. If its server still runs, stop it first"
    )
