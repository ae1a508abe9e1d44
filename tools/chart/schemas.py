"""JSON schemas for kubeconform, from the API descriptions that Go modules carry.

Strict: a field that the API does not name is an error, as with the API server's strict field validation.
Sources: k8s.io/kubernetes api/openapi-spec/swagger.json; CRDs of external-snapshotter and the Prometheus operator.
"""

import json
import re
import shutil
from collections.abc import Iterator

import yaml

from tools import golang
from tools.chart import Json, branch

KUBERNETES = ("k8s.io/kubernetes", "v1.37.2")
SNAPSHOTS = ("github.com/kubernetes-csi/external-snapshotter/client/v8", "v8.7.0")
MONITORS = ("github.com/prometheus-operator/prometheus-operator", "v0.85.0")
CUSTOM = (
    (SNAPSHOTS, "config/crd/*_volumesnapshotclasses.yaml"),
    (MONITORS, "example/prometheus-operator-crd/*_podmonitors.yaml"),
    (MONITORS, "example/prometheus-operator-crd/*_prometheusrules.yaml"),
    (MONITORS, "example/prometheus-operator-crd/*_servicemonitors.yaml"),
)
FORMAT = 2  # of the files: a change here makes them anew
EITHER: dict[str, Json] = {"anyOf": [{"type": "string"}, {"type": "number"}]}
EITHER_KINDS = ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity")


def location() -> str:
    """Return the schema location to give to kubeconform, making the schemas the first time. Raises GoFailed."""
    folder = golang.CACHE / "schemas" / f"{KUBERNETES[1]}-{FORMAT}"
    if not folder.exists():
        unfinished = folder.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name, schema in (*_kubernetes(), *_custom()):
            (unfinished / f"{name.lower()}.json").write_text(json.dumps(schema))
        unfinished.replace(folder)
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def _kubernetes() -> Iterator[tuple[str, Json]]:
    swagger = json.loads((golang.module_folder(*KUBERNETES) / "api/openapi-spec/swagger.json").read_text())
    rules = {name: EITHER if name in EITHER_KINDS else strict(rule) for name, rule in swagger["definitions"].items()}
    for name, rule in swagger["definitions"].items():
        for kind in rule.get("x-kubernetes-group-version-kind", []):
            group = kind["group"].partition(".")[0]  # as kubeconform shortens it
            file = "-".join(part for part in (kind["kind"], group, kind["version"]) if part)
            yield (
                file,
                {"$ref": f"#/definitions/{name}", "definitions": {used: rules[used] for used in _uses(name, rules)}},
            )


def _uses(name: str, rules: dict[str, Json]) -> set[str]:
    """Return the names of all definitions that ``name`` leads to: kubeconform wants each schema whole."""
    found: set[str] = set()
    new = {name}
    while new:
        found |= new
        text = json.dumps([rules[one] for one in new])
        new = set(re.findall(r'"#/definitions/([^"]+)"', text)) - found
    return found


def _custom() -> Iterator[tuple[str, Json]]:
    for module, pattern in CUSTOM:
        for file in golang.module_folder(*module).glob(pattern):
            for document in yaml.safe_load_all(file.read_text()):
                yield from _of_definition(document)


def _of_definition(document: Json) -> Iterator[tuple[str, Json]]:
    spec = branch(document, "spec")
    versions = spec.get("versions")
    for version in versions if isinstance(versions, list) else []:
        assert isinstance(version, dict)  # noqa: S101  # a CRD's versions are objects
        group = str(spec["group"]).partition(".")[0]
        rule = branch(branch(version, "schema"), "openAPIV3Schema")
        properties = branch(rule, "properties")
        yield f"{branch(spec, 'names')['kind']}-{group}-{version['name']}", strict({**rule, "properties": properties})


def strict(rule: Json) -> Json:
    """Return ``rule`` with unknown fields refused."""
    if isinstance(rule, list):
        return [strict(item) for item in rule]
    if not isinstance(rule, dict):
        return rule
    if rule.get("x-kubernetes-int-or-string"):
        return EITHER
    closed = {key: strict(item) for key, item in rule.items() if key not in {"format", "default"}}
    if "properties" in rule and not rule.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed
