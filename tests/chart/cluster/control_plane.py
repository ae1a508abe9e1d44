"""etcd, API server, controllers and scheduler of Kubernetes as plain processes; nodes are objects alone.

No kubelet runs: pods are scheduled and never start. Everything listens on 127.0.0.1.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from tools import go_programs, golang
from tools.chart.schemas import MONITORS, SNAPSHOTS
from tools.processes.program import Program
from tools.processes.run import ToolFailed, run
from tools.services.stack import free_port

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "helm", "helm4")
NODES = {"one": {}, "two": {}, "three": {"example.com/size": "big"}}
READY_SECONDS = 60.0
STOP_SECONDS = 15.0
TOKEN = "of-the-test"  # noqa: S105  # of an API server on the loopback interface, for one run
NO_KUBELET = "*,-node-lifecycle-controller,-taint-eviction-controller"  # they would judge nodes that nobody serves


class Metadata(BaseModel):
    """What is read of an object's metadata."""

    name: str
    deletionTimestamp: str = ""  # noqa: N815  # the API's name


class PodSpec(BaseModel):
    """What is read of a pod's specification."""

    nodeName: str = ""  # noqa: N815  # the API's name


class Pod(BaseModel):
    """What is read of a pod."""

    metadata: Metadata
    spec: PodSpec


class ControlPlane:
    """One control plane; its files are in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._etcd, self._api = free_port(), free_port()
        self._programs: dict[str, Program] = {}

    async def start(self) -> None:
        """Start everything, and make the nodes and the custom resources that the chart may use."""
        self._write_files()
        peers = f"http://127.0.0.1:{free_port()}"
        self._run(
            "etcd",
            {
                "data-dir": str(self.folder / "etcd"),
                "listen-client-urls": self._etcd_url,
                "advertise-client-urls": self._etcd_url,
                "listen-peer-urls": peers,
                "initial-advertise-peer-urls": peers,
                "initial-cluster": f"default={peers}",
                "unsafe-no-fsync": "true",
            },
        )
        self._run("kube-apiserver", self._api_flags())
        api = self._programs["kube-apiserver"]
        await api.until(self._is_ready, "answer at /readyz", READY_SECONDS)
        common = {"kubeconfig": str(self.kubeconfig), "leader-elect": "false", "secure-port": "0"}
        keys = {"service-account-private-key-file": str(self.folder / "sa.key"), "controllers": NO_KUBELET}
        self._run("kube-controller-manager", {**common, **keys})
        self._run("kube-scheduler", common)
        for module, pattern in ((SNAPSHOTS, "config/crd/snapshot*.yaml"), (MONITORS, "example/*/*monitors.yaml")):
            for file in sorted(golang.module_folder(*module).glob(pattern)):
                self.kubectl("apply", "--server-side", f"--filename={file}")
        for name, labels in NODES.items():
            self._make_node(name, labels)

    async def stop(self) -> None:
        """End everything."""
        for name in reversed(list(self._programs)):
            await self._programs[name].stop(STOP_SECONDS)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl. Raises ToolFailed."""
        return self._call("kubectl", *arguments, stdin=stdin)

    def helm(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run Helm, ``helm`` or ``helm4``. Raises ToolFailed."""
        return self._call(program, *arguments, stdin=stdin)

    def get(self, *arguments: str) -> list[dict[str, object]]:
        """Return the objects that ``kubectl get`` finds."""
        found = json.loads(self.kubectl("get", *arguments, "--output=json"))["items"]
        assert isinstance(found, list)
        return found

    def pods(self) -> dict[str, str]:
        """Return the node of each pod of the chart, empty if it has none; what is being deleted ends now.

        A kubelet would end it.
        """
        nodes: dict[str, str] = {}
        for pod in map(Pod.model_validate, self.get("pods", "--namespace=kube-system", "--selector=aiocsi.dev/driver")):
            if pod.metadata.deletionTimestamp:
                self.kubectl("delete", "pod", pod.metadata.name, "--namespace=kube-system", "--force", "--wait=false")
            else:
                nodes[pod.metadata.name] = pod.spec.nodeName
        return nodes

    def releases(self) -> list[str]:
        """Return the names of the chart's releases."""
        return self.helm("helm4", "list", "--namespace=kube-system", "--short").split()

    def _call(self, name: str, *arguments: str, stdin: str) -> str:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder)}
        program = str(go_programs.path(name))
        return run(program, *arguments, stdin=stdin.encode(), environment=environment, seconds=READY_SECONDS)

    @property
    def _etcd_url(self) -> str:
        return f"http://127.0.0.1:{self._etcd}"

    def _api_flags(self) -> Mapping[str, str]:
        return {
            "etcd-servers": self._etcd_url,
            "bind-address": "127.0.0.1",
            "secure-port": str(self._api),
            "cert-dir": str(self.folder / "certificates"),
            "token-auth-file": str(self.folder / "tokens.csv"),
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": str(self.folder / "sa.key"),
            "service-account-signing-key-file": str(self.folder / "sa.key"),
            "allow-privileged": "true",
            "feature-gates": "CSIVolumeHealth=true",
            "disable-admission-plugins": "TaintNodesByCondition",  # nobody reports the nodes' conditions
        }

    def _write_files(self) -> None:
        (self.folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
        run("openssl", "genrsa", "-out", str(self.folder / "sa.key"), "2048")
        cluster = {"server": f"https://127.0.0.1:{self._api}", "insecure-skip-tls-verify": True}
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "here", "cluster": cluster}],
                    "users": [{"name": "admin", "user": {"token": TOKEN}}],
                    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin"}}],
                    "current-context": "here",
                }
            )
        )

    def _make_node(self, name: str, labels: Mapping[str, str]) -> None:
        told = {"kubernetes.io/os": "linux", "kubernetes.io/hostname": name, **labels}
        room = {"cpu": "4", "memory": "8Gi", "pods": "110"}
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": told},
            "status": {"capacity": room, "allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]},
        }
        self.kubectl("create", "--filename=-", stdin=json.dumps(node))

    def _is_ready(self) -> bool | None:
        try:
            return self.kubectl("get", "--raw=/readyz") == "ok" or None
        except ToolFailed:
            return None

    def _run(self, name: str, flags: Mapping[str, str]) -> None:
        argv = [str(go_programs.path(name)), *(f"--{flag}={value}" for flag, value in flags.items())]
        program = Program(name, argv, os.environ, self.folder / f"{name}.log", self.folder)
        program.start()
        self._programs[name] = program
