"""The pages made from values.yaml: the chart's README and docs/reference/chart-values.md."""

import json
from itertools import groupby
from pathlib import Path

from tools import tested
from tools.chart import values

PAGE = Path("docs/reference/chart-values.md")
README = Path("charts/aiocsi/README.md")

README_HEAD = """\
# aiocsi

A CSI driver for DigitalOcean Volumes, in place of csi-digitalocean: a Deployment with the controller and its sidecars,
a DaemonSet with the node service, the CSIDriver, StorageClasses and a VolumeSnapshotClass.

```sh
kubectl --namespace kube-system create secret generic digitalocean --from-file=access-token=FILE
helm install aiocsi charts/aiocsi --namespace kube-system --set image.repository=REGISTRY/aiocsi
```

It needs Kubernetes 1.29 or newer (tested on a cluster: {tested}), Helm 3.14 or newer, and the right to run privileged
pods in its namespace: the node service mounts file systems. Whether a value is right is checked before anything is
changed; a key that does not exist is an error.

- Guides: install, take over from csi-digitalocean, upgrade and more, in `docs/guides/` of the project.
- `charts/snapshots/` shows what the chart makes of some values.

## Values
"""

PAGE_HEAD = """\
# Values of the Helm chart

Every value of `charts/aiocsi`, its default and what it may be. A map or list is given as in a pod's manifest unless the
text says otherwise.
"""


def make(folder: Path) -> None:
    """Write the generated pages below ``folder``."""
    readme = README_HEAD.replace("{tested}", tested.minors())
    for path, head in ((README, readme), (PAGE, PAGE_HEAD)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{head}\n{tables()}")


def tables() -> str:
    """Return one table for each group of values: those without a group first."""
    found = sorted(values.documented(), key=_group)  # a stable sort: within a group, as in values.yaml
    return "\n".join(_table(group, list(members)) for group, members in groupby(found, _group))


def _group(value: values.Value) -> str:
    return value.path[0] if len(value.path) > 1 else ""


def _table(group: str, members: list[values.Value]) -> str:
    title = f"### {group}\n\n" if group else ""
    rows = "".join(f"| `{'.'.join(one.path)}` | {_default(one)} | {one.allowed} | {one.about} |\n" for one in members)
    return f"{title}| value | default | may be | what it does |\n|---|---|---|---|\n{rows}"


def _default(value: values.Value) -> str:
    text = json.dumps(value.default)
    return f"`{text}`" if len(text) <= 100 else "see values.yaml"
