"""The JSON patches of a Node's taints, each of which changes nothing if the Node is not as it was seen.

Sources: RFC 6902 "test"; Kubernetes "Non-graceful node shutdown" (node.kubernetes.io/out-of-service).
"""

from collections.abc import Sequence

from warden.records import NodeRecord, Taint

OUT_OF_SERVICE = Taint("node.kubernetes.io/out-of-service", "nodeshutdown", "NoExecute")
OURS = "aiocsi"  # what the annotation says of a taint that the warden has set

Patch = list[dict[str, object]]


def tainted_by(driver: str) -> str:
    """Return the annotation that says who set the out-of-service taint."""
    return f"{driver}/tainted-by"


def ignored(driver: str) -> str:
    """Return the annotation by which an operator keeps the warden from tainting a node."""
    return f"{driver}/ignore-failover"


def start_taint(driver: str) -> str:
    """Return the key of the taint with which a node may join until the driver is there."""
    return f"{driver}/agent-not-ready"


def is_claimed(node: NodeRecord, driver: str) -> bool:
    """Tell whether the warden has written on the node that the taint is its own."""
    return node.annotation(tainted_by(driver)) == OURS


def is_out_of_service(node: NodeRecord) -> bool:
    """Tell whether anybody has tainted the node so."""
    return any(taint.key == OUT_OF_SERVICE.key for taint in node.taints)


def set_out_of_service(node: NodeRecord, driver: str) -> Patch:
    """Return the patch that taints the node, and says by whom."""
    taint = _json(OUT_OF_SERVICE)
    add: Patch = (
        [{"op": "add", "path": "/spec/taints/-", "value": taint}]
        if node.taints
        else [{"op": "add", "path": "/spec/taints", "value": [taint]}]
    )
    claim: Patch = (
        [{"op": "add", "path": _annotation(driver), "value": OURS}]
        if node.is_annotated
        else [{"op": "add", "path": "/metadata/annotations", "value": {tainted_by(driver): OURS}}]
    )
    return [*_unchanged(node), *add, *claim]


def clear_out_of_service(node: NodeRecord, driver: str) -> Patch:
    """Return the patch that takes our taint off, and what we wrote about it. A taint that is not ours stays."""
    forget: Patch = [{"op": "remove", "path": _annotation(driver)}]
    return [*_unchanged(node), *_without(node.taints, [OUT_OF_SERVICE]), *forget]


def clear_start_taint(node: NodeRecord, key: str) -> Patch:
    """Return the patch that takes the startup taint off, whatever its value and effect."""
    return [*_unchanged(node), *_without(node.taints, [taint for taint in node.taints if taint.key == key])]


def _without(taints: Sequence[Taint], unwanted: Sequence[Taint]) -> Patch:
    steps: Patch = []
    for place in range(len(taints) - 1, -1, -1):  # from the end, so that the places before it stay
        if taints[place] in unwanted:
            path = f"/spec/taints/{place}"
            steps += [{"op": "test", "path": f"{path}/key", "value": taints[place].key}, {"op": "remove", "path": path}]
    return steps


def _unchanged(node: NodeRecord) -> Patch:
    return [
        {"op": "test", "path": "/metadata/uid", "value": node.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": node.version},
    ]


def _annotation(driver: str) -> str:
    return f"/metadata/annotations/{tainted_by(driver).replace('~', '~0').replace('/', '~1')}"


def _json(taint: Taint) -> dict[str, str]:
    return {"key": taint.key, "value": taint.value, "effect": taint.effect}
