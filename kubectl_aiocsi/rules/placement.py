"""Whether a DaemonSet is to have a pod on a node: by its selector, its required affinity and its tolerations.

Source: Kubernetes "Assigning Pods to Nodes", "Taints and Tolerations", "DaemonSet".
"""

from kubectl_aiocsi.records import Object

TOLERATED = "node.kubernetes.io/"  # taints of Kubernetes itself, which the pods of a DaemonSet tolerate
HARD = {"NoSchedule", "NoExecute"}


def is_placed(daemon_set: Object, node: Object) -> bool:
    """Tell whether the DaemonSet wants a pod on the node."""
    found = daemon_set.at("spec", "template", "spec")
    pod = Object(found if isinstance(found, dict) else {})
    selector = pod.at("nodeSelector")
    chosen = all(node.label(key) == value for key, value in (selector if isinstance(selector, dict) else {}).items())
    return chosen and _fits(pod, node) and _tolerates(pod, node)


def _fits(pod: Object, node: Object) -> bool:
    required = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    if pod.at(*required) is None:
        return True
    return any(_matches(term, node) for term in pod.each(*required, "nodeSelectorTerms"))


def _matches(term: Object, node: Object) -> bool:
    labels = [_holds(each, node.at("metadata", "labels", each.text("key"))) for each in term.each("matchExpressions")]
    fields = [_holds(each, node.name) for each in term.each("matchFields")]  # metadata.name is the only one
    return bool(labels or fields) and all((*labels, *fields))


def _holds(rule: Object, value: object) -> bool:
    values, operator = rule.words("values"), rule.text("operator")
    if operator in {"Gt", "Lt"}:
        numbers = [int(each) for each in (str(value), *values) if each.isdigit()]
        return len(numbers) == 2 and (numbers[0] > numbers[1] if operator == "Gt" else numbers[0] < numbers[1])
    found = value in values if operator.endswith("In") else value is not None
    return found is (operator in {"In", "Exists"})


def _tolerates(pod: Object, node: Object) -> bool:
    taints = [each for each in node.each("spec", "taints") if each.text("effect") in HARD]
    return all(
        each.text("key").startswith(TOLERATED) or any(_covers(one, each) for one in pod.each("tolerations"))
        for each in taints
    )


def _covers(toleration: Object, taint: Object) -> bool:
    exists = toleration.text("operator") == "Exists"
    key, effect = toleration.text("key"), toleration.text("effect")
    of_key = key == taint.text("key") or (exists and not key)
    return (
        of_key and effect in {"", taint.text("effect")} and (exists or toleration.text("value") == taint.text("value"))
    )
