"""The kubeconfig as kubectl finds and reads it: which files, what of them goes together, who the caller is there.

Source: Kubernetes "Organizing Cluster Access Using kubeconfig Files", "client-go credential plugins".
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import httpx2
import msgspec
import yaml
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

ANSWER_SECONDS = 15.0
BAD = (ConfigError, ImportError, LookupError, OSError, TypeError, ValueError, msgspec.MsgspecError, yaml.YAMLError)
KINDS = {  # what is said of each, and what of that are files
    "clusters": ("cluster", ("certificate-authority",)),
    "contexts": ("context", ()),
    "users": ("user", ("client-certificate", "client-key", "tokenFile")),
}
IMPERSONATED = {"as": "Impersonate-User", "as-uid": "Impersonate-Uid"}
PLUGIN = "client.authentication.k8s.io/"
Json = Mapping[str, object]


def opened(kubeconfig: str, context: str) -> tuple[httpx2.AsyncClient, str]:
    """Return a client of the cluster, and the namespace of the context. Raises one of BAD."""
    if not (files := _files(kubeconfig)):
        return _client(KubeConfig.from_service_account(), context, {}, {})
    merged = _merged(files)
    chosen = context or str(merged["current-context"] or "")
    if not chosen:
        raise ConfigError("it has no current context: kubectl config use-context NAME")
    names = _named(merged, "contexts", chosen)
    cluster, user = (_named(merged, f"{kind}s", str(names.get(kind, ""))) for kind in ("cluster", "user"))
    return _client(KubeConfig.from_dict(dict(merged)), chosen, cluster, user)


def _files(kubeconfig: str) -> list[Path]:
    """Return the files; none where a pod's service account is to be used."""
    told = kubeconfig or os.environ.get("KUBECONFIG", "")
    paths = [kubeconfig] if kubeconfig else told.split(os.pathsep) if told else ["~/.kube/config"]
    found = [path for each in paths if each and (path := Path(each).expanduser()).is_file()]
    if not found and (told or "KUBERNETES_SERVICE_HOST" not in os.environ):
        raise ConfigError(f"Configuration file {told or paths[0]} not found")
    return found


def _merged(files: Sequence[Path]) -> Json:
    """Return the files as one: of two things of one name the first file's is taken."""
    found: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
    current = ""
    for file in files:
        read = yaml.safe_load(file.read_text()) or {}
        if not isinstance(read, dict):
            raise ConfigError(f"{file} is none")
        current = current or read.get("current-context") or ""
        for kind, (key, paths) in KINDS.items():
            for each in read.get(kind) or ():
                found[kind].setdefault(each["name"], _placed(each[key] or {}, paths, file.parent))
    lists = {kind: [{"name": name, KINDS[kind][0]: each} for name, each in of.items()] for kind, of in found.items()}
    return {**lists, "current-context": current}


def _placed(told: Json, paths: Sequence[str], folder: Path) -> Json:
    """Return what is said of a thing: files beside the kubeconfig, nothing that is empty, data before a file."""
    found = {key: each for key, each in told.items() if each not in ("", None)}
    for path in paths:
        if f"{path}-data" in found:
            found.pop(path, None)
        elif path in found:
            found[path] = str(folder / str(found[path]))
    return {**found, "exec": _plugin(cast("Json", found["exec"]), folder)} if "exec" in found else found


def _plugin(told: Json, folder: Path) -> Json:
    """Return a credential plugin as lightkube takes it: what it answers is the same in v1 and v1beta1."""
    version, command = str(told.get("apiVersion")), str(told["command"])
    info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}})
    variables = [*cast("list[object]", told.get("env") or []), {"name": "KUBERNETES_EXEC_INFO", "value": info}]
    known = f"{PLUGIN}v1beta1" if version == f"{PLUGIN}v1" else version
    placed = str(folder / command) if "/" in command else command
    return {**told, "apiVersion": known, "command": placed, "env": variables}


def _named(merged: Json, kind: str, name: str) -> Json:
    found = (each for each in cast("list[dict[str, object]]", merged[kind]) if each["name"] == name)
    return cast("Json", next(found, {}).get(KINDS[kind][0], {}))


def _client(configs: KubeConfig, context: str, cluster: Json, user: Json) -> tuple[httpx2.AsyncClient, str]:
    config = configs.get(context_name=context or None)
    assert config is not None  # noqa: S101  # for the types alone: get() raises
    proxy = cast("str | None", cluster.get("proxy-url"))
    limits = ConnectionParams(timeout=httpx2.Timeout(ANSWER_SECONDS), proxy=proxy)
    client = AsyncClient(config._replace(user=config.user or User()), limits)
    groups = [("Impersonate-Group", str(group)) for group in cast("list[object]", user.get("as-groups") or [])]
    names = [(header, str(user[key])) for key, header in IMPERSONATED.items() if key in user]
    client.headers = httpx2.Headers([*client.headers.multi_items(), *names, *groups])
    if server := cluster.get("tls-server-name"):

        async def name(request: httpx2.Request) -> None:
            request.extensions["sni_hostname"] = str(server)

        client.event_hooks = {"request": [name]}
    return client, config.namespace
