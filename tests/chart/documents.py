"""Rendered manifests, and ways to look into them."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from tools.chart import Json, helm, schemas


def render(values: str = "", *, kubernetes: str = "", served: str = helm.SERVED) -> dict[str, Json]:
    """Return what the chart makes of ``values`` (YAML): each object by ``Kind/name``."""
    documents = yaml.safe_load_all(helm.template(values, kubernetes=kubernetes, served=served))
    return {f"{document['kind']}/{document['metadata']['name']}": document for document in documents if document}


def realistic() -> Iterator[tuple[str, str]]:
    """Yield name and values (YAML) of each document of realistic.yaml."""
    for document in yaml.safe_load_all((Path(__file__).with_name("realistic.yaml")).read_text()):
        yield document["name"], yaml.safe_dump(document["values"])


def conform(manifests: str) -> str:
    """Return what kubeconform says of manifests. Raises ChartRefused if one of them is not valid."""
    return helm.run("kubeconform", "-strict", "-summary", "-schema-location", schemas.location(), stdin=manifests)


def at(value: Json, *path: str | int) -> Json:
    """Return what lies at ``path``. Raises KeyError, IndexError or AssertionError if nothing does."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value[step]
            continue
        assert isinstance(value, list), f"there is no {step!r} in {value!r}"
        assert isinstance(step, int), f"there is no {step!r} in a list"
        value = value[step]
    return value


def items(value: Json, *path: str | int) -> list[dict[str, Json]]:
    """Return the list of objects at ``path``."""
    found = at(value, *path)
    assert isinstance(found, list)
    return [item for item in found if isinstance(item, dict)]


def containers(workload: Json) -> dict[str, dict[str, Json]]:
    """Return the containers of a Deployment or DaemonSet by name."""
    return {str(one["name"]): one for one in items(workload, "spec", "template", "spec", "containers")}


def environment(container: Json) -> dict[str, Json]:
    """Return the plain environment variables of a container."""
    return {str(one["name"]): one.get("value") for one in items(container, "env")}


def flags(container: Json) -> dict[str, str]:
    """Return a sidecar's arguments by flag."""
    arguments = at(container, "args")
    assert isinstance(arguments, list)
    pairs = (str(argument).removeprefix("--").partition("=") for argument in arguments)
    return {flag: value for flag, _, value in pairs}


def mounts(container: Json) -> dict[str, str]:
    """Return the mount paths of a container by the volume's name."""
    return {str(one["name"]): str(one["mountPath"]) for one in items(container, "volumeMounts")}


def host_folders(workload: Json) -> dict[str, str]:
    """Return the folders of the host that a Deployment or DaemonSet has, by the volume's name."""
    volumes = items(workload, "spec", "template", "spec", "volumes")
    return {str(one["name"]): str(at(one, "hostPath", "path")) for one in volumes if "hostPath" in one}


def images(value: Json) -> Iterator[str]:
    """Yield every image that is named anywhere."""
    if isinstance(value, dict):
        if isinstance(image := value.get("image"), str):
            yield image
        for item in value.values():
            yield from images(item)
    elif isinstance(value, list):
        for item in value:
            yield from images(item)
