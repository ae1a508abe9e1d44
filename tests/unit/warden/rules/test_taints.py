"""Patches of a node's taints."""

from tests.unit.warden.rules.nodes import DRIVER, node
from warden.records import Taint
from warden.rules import taints


def test_a_patch_is_refused_unless_the_node_is_as_it_was_seen() -> None:
    unchanged = [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
    ]
    key = "node.kubernetes.io/out-of-service"
    taint = {"key": key, "value": "nodeshutdown", "effect": "NoExecute"}
    ours = {taints.tainted_by(DRIVER): "aiocsi"}
    path = f"/metadata/annotations/{DRIVER}~1tainted-by"
    assert taints.set_out_of_service(node(), DRIVER) == [
        *unchanged,
        {"op": "add", "path": "/spec/taints", "value": [taint]},
        {"op": "add", "path": "/metadata/annotations", "value": ours},
    ]
    other = Taint("other", "", "NoSchedule")
    assert taints.set_out_of_service(node(taints=(other,), is_annotated=True), DRIVER) == [
        *unchanged,
        {"op": "add", "path": "/spec/taints/-", "value": taint},
        {"op": "add", "path": path, "value": "aiocsi"},
    ]
    assert taints.clear_out_of_service(node(taints=(other, taints.OUT_OF_SERVICE)), DRIVER) == [
        *unchanged,
        {"op": "test", "path": "/spec/taints/1/key", "value": key},
        {"op": "remove", "path": "/spec/taints/1"},
        {"op": "remove", "path": path},
    ]


def test_the_start_taint_goes_with_every_effect() -> None:
    key = f"{DRIVER}/agent-not-ready"
    both = (Taint(key, "", "NoSchedule"), Taint("other", "", "NoExecute"), Taint(key, "x", "NoExecute"))
    removed = [step["path"] for step in taints.clear_start_taint(node(taints=both), key) if step["op"] == "remove"]
    assert removed == ["/spec/taints/2", "/spec/taints/0"]
