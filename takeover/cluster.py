"""The operator's own kubectl and helm, with the operator's rights; what they print is what is known of the cluster."""

import json
import subprocess  # noqa: TID251 (the operator's programs, one after the other)
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from kubectl_aiocsi.records import Json, Object

SECONDS = 60.0
LONGEST_SECONDS = 400.0  # of helm install --wait


class NotDoneError(Exception):
    """A command failed; the text is its command line and what it printed."""


@dataclass(frozen=True)
class Cluster:
    """A cluster; ``namespace`` is that of both drivers."""

    namespace: str

    def kubectl(self, *arguments: str, stdin: str = "", seconds: float = SECONDS) -> str:
        """Run kubectl. Raises NotDoneError."""
        return _run(["kubectl", *arguments], stdin, seconds)

    def helm(self, *arguments: str) -> str:
        """Run helm. Raises NotDoneError."""
        return _run(["helm", *arguments, "--namespace", self.namespace], "", LONGEST_SECONDS)

    def every(self, kind: str, *, everywhere: bool = False) -> list[Object]:
        """Return the objects of a kind, none if the cluster does not know it. Raises NotDoneError."""
        where = "--all-namespaces" if everywhere else f"--namespace={self.namespace}"
        try:
            found = json.loads(self.kubectl("get", kind, where, "--output=json"))
        except NotDoneError as error:
            if "the server doesn't have a resource type" in str(error):
                return []
            raise
        return [Object(item) for item in found["items"]]

    def rendered(self, release: str, chart: str, words: Sequence[str]) -> list[Json]:
        """Return the objects that the chart makes of these words. Raises NotDoneError."""
        text = self.helm("template", release, chart, *words)
        return [each for each in yaml.safe_load_all(text) if each]

    def install(self, release: str, chart: str, *words: str) -> None:
        """Install or upgrade the chart, which may adopt what exists. Raises NotDoneError."""
        if self.helm("version", "--short").startswith("v4"):
            words = (*words, "--server-side=false")  # what exists has fields of another manager
        self.helm("upgrade", "--install", release, chart, "--take-ownership", *words)

    def released(self, release: str) -> bool:
        """Whether the release exists. Raises NotDoneError."""
        try:
            self.helm("status", release)
        except NotDoneError as error:
            if "not found" in str(error):
                return False
            raise
        return True

    def until_no_pod(self, selector: str, seconds: float) -> None:
        """Wait until no pod has these labels. Raises NotDoneError."""
        words = (f"--namespace={self.namespace}", f"--selector={selector}")
        if self.kubectl("get", "pods", *words, "--output=name").strip():
            self.kubectl("wait", "--for=delete", "pod", *words, f"--timeout={seconds:.0f}s", seconds=seconds + SECONDS)

    def until_ready(self, workload: str, seconds: float) -> None:
        """Wait until all pods of a workload are ready. Raises NotDoneError."""
        words = ("rollout", "status", workload, f"--namespace={self.namespace}", f"--timeout={seconds:.0f}s")
        self.kubectl(*words, seconds=seconds + SECONDS)


def _run(argv: Sequence[str], stdin: str, seconds: float) -> str:
    try:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, input=stdin, timeout=seconds)
    except FileNotFoundError:
        raise NotDoneError(f"{argv[0]} is not installed, or not in PATH") from None
    except subprocess.TimeoutExpired:
        raise NotDoneError(f"{' '.join(argv)}: did not end within {seconds:.0f} s") from None
    if done.returncode != 0:
        raise NotDoneError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout
