"""The page of the warden's rights: what each feature adds to them, as the chart renders it.

``python -m tools.chart.rights`` writes it; a test compares.
"""

import sys
from collections.abc import Iterator

import yaml

from tools.chart import helm
from tools.venv import ROOT

PAGE = ROOT / "docs" / "reference" / "warden-rights.md"
OFF = {"failover": {"mode": "off"}, "drift": {"intervalSeconds": 0}}
FEATURES: dict[str, dict[str, object]] = {
    "`warden.failover.mode: report`": {"warden": {**OFF, "failover": {"mode": "report"}}},
    "`warden.failover.mode: taint`": {"warden": {**OFF, "failover": {"mode": "taint"}}},
    "`warden.startTaint: true`": {"warden": {**OFF, "startTaint": True}},
    "`warden.drift.intervalSeconds` not 0": {"warden": {"failover": {"mode": "off"}}},
    "`warden.maxVolumes: true`": {"warden": {**OFF, "maxVolumes": True}},
    "`node.drainWaitSeconds` not 0": {"warden": OFF, "node": {"drainWaitSeconds": 90}},
}
HEAD = """\
<!-- Generated from the chart by `python -m tools.chart.rights`: change the chart, not this page. -->

# Rights of the warden

What the service account of the warden may do, by the values that are on; each adds to the first row. The node has no
service account token. [Why, and what bounds a patch](../explanation/warden.md).

| value | of the cluster | in its own namespace | policies | runs |
|---|---|---|---|---|"""


def made() -> str:
    """Return the page. Raises ChartRefused."""
    least = _rights({"warden": OFF})
    rows = [("always", least, set[str]())]
    rows += [(name, _rights(values), least) for name, values in FEATURES.items()]
    return "\n".join([HEAD, *(_row(name, rights, without) for name, rights, without in rows), ""])


def _row(name: str, rights: set[str], without: set[str]) -> str:
    more = rights - without
    columns = [", ".join(sorted(_after(each, more))) or "none" for each in ("ClusterRole ", "Role ", "policy ")]
    where = "a Deployment of its own" if "alone" in rights else "beside the controller"
    return f"| {name} | {' | '.join(columns)} | {where} |"


def _after(prefix: str, rights: set[str]) -> list[str]:
    return [each.removeprefix(prefix) for each in rights if each.startswith(prefix)]


def _rights(values: dict[str, object]) -> set[str]:
    found: set[str] = set()
    for document in yaml.safe_load_all(helm.template(yaml.safe_dump(values))):
        if not document or not str(document["metadata"]["name"]).partition("warden")[1]:
            continue
        kind = str(document["kind"])
        found |= {f"{kind} {right}" for right in _granted(document)} if kind in {"ClusterRole", "Role"} else set()
        found |= {"alone"} if kind == "Deployment" else set()
        if kind == "ValidatingAdmissionPolicy":
            found |= {f"policy {_bounds(document)}"}
    return found


def _granted(role: dict[str, list[dict[str, list[str]]]]) -> Iterator[str]:
    for rule in role["rules"]:
        of = f" {rule['resourceNames'][0]}" if "resourceNames" in rule else ""
        for resource in rule["resources"]:
            yield f"{resource}{of}: {' '.join(rule['verbs'])}"


def _bounds(policy: dict[str, dict[str, list[dict[str, str]]]]) -> str:
    """Return what a policy lets be changed."""
    variables = {one["name"]: yaml.safe_load(one["expression"]) for one in policy["spec"]["variables"][:2]}
    changed = [("taints", variables.get("taintKeys")), ("annotations", variables.get("keys"))]
    told = [f"{name} {' '.join(keys)}" for name, keys in changed if isinstance(keys, list) and keys]
    return f"only {' and '.join(told) or 'the health in the status of claims'}"


def main() -> int:
    """Write the page; return the exit status."""
    PAGE.write_text(made())
    return 0


if __name__ == "__main__":
    sys.exit(main())
