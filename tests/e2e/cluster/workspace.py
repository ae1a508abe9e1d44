"""Where a cluster's files are, and how programs are run for it."""

import os
from dataclasses import dataclass
from pathlib import Path

from tools import go_programs
from tools.golang import CACHE
from tools.processes.run import run

NAME = "aiocsi"
NODES = (f"{NAME}-control-plane", f"{NAME}-worker", f"{NAME}-worker2")
KUBERNETES = go_programs.version("kubelet")
MINOR = int(KUBERNETES.split(".")[1])


@dataclass(frozen=True)
class Workspace:
    """The folder of one cluster: sockets, configuration, logs, disks."""

    folder: Path = CACHE / "kind"

    @property
    def kubeconfig(self) -> Path:
        """How the cluster is reached."""
        return self.folder / "kubeconfig"

    @property
    def cloud(self) -> Path:
        """The state of the embedded cloud: its disks too."""
        return self.folder / "cloud"

    @property
    def way(self) -> Path:
        """Where it is noted how the cluster was made."""
        return self.folder / "way"

    @property
    def logs(self) -> Path:
        """The logs of what runs on the host."""
        return self.folder / "logs"

    @property
    def engine_socket(self) -> Path:
        """Where an engine of our own listens."""
        return self.folder / "docker.sock"

    @property
    def environment(self) -> dict[str, str]:
        """Variables for every program that talks to the engine or the cluster."""
        mine = {"KUBECONFIG": str(self.kubeconfig), "KIND_EXPERIMENTAL_DOCKER_NETWORK": NAME}
        if self.engine_socket.exists():
            mine["DOCKER_HOST"] = f"unix://{self.engine_socket}"
        return {**os.environ, **mine}

    def docker(self, *arguments: str, seconds: float = 120, stdin: bytes = b"") -> str:
        """Run docker. Raises ToolFailed."""
        return self._run("docker", *arguments, seconds=seconds, stdin=stdin)

    def program(self, name: str, *arguments: str, seconds: float = 300, stdin: bytes = b"") -> str:
        """Run a program that was built from its Go module. Raises ToolFailed."""
        return self._run(str(go_programs.path(name)), *arguments, seconds=seconds, stdin=stdin)

    def kubectl(self, *arguments: str, seconds: float = 300, stdin: bytes = b"") -> str:
        """Run kubectl on the cluster. Raises ToolFailed."""
        return self.program("kubectl", *arguments, seconds=seconds, stdin=stdin)

    def _run(self, *argv: str, seconds: float, stdin: bytes) -> str:
        mine = [f"{name}={value}" for name, value in self.environment.items() if os.environ.get(name) != value]
        return run("env", *mine, *argv, seconds=seconds, stdin=stdin)
