"""The guides of docs/guides, played: their commands and manifests are taken from the page."""

import re
import shlex
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.e2e.cluster.workspace import Workspace
from tests.e2e.manifests import Document
from tools import go_programs
from tools.processes.run import run
from tools.venv import ROOT

FOLDER = ROOT / "docs" / "guides"
SECONDS = 420


@dataclass(frozen=True)
class Guide:
    """One page."""

    text: str

    @classmethod
    def read(cls, name: str) -> "Guide":
        """Read a page of docs/guides."""
        return cls((FOLDER / f"{name}.md").read_text())

    def commands(self, heading: str = "") -> list[str]:
        """Return the blocks of commands below a heading, or on the whole page."""
        return self._blocks("sh", heading)

    def manifests(self, fill: Mapping[str, str] | None = None) -> list[Document]:
        """Return the manifests of the page; ``fill`` has what an operator puts in place of its examples."""
        return [part for block in self._blocks("yaml", "") for part in yaml.safe_load_all(filled(block, fill or {}))]

    def _blocks(self, language: str, heading: str) -> list[str]:
        section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert section is not None or not heading, f"there is no heading {heading!r}"
        text = self.text if section is None or not heading else section[1]
        found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
        assert found, f"there is no block of {language} below {heading!r}"
        return [textwrap.dedent(block) for _, block in found]


@dataclass(frozen=True)
class Operator:
    """Whoever follows a guide: has a shell with kubectl, helm and cosign, a namespace, and a folder to work in."""

    workspace: Workspace
    folder: Path
    namespace: str = "default"

    def play(self, script: str, fill: Mapping[str, str] | None = None) -> str:
        """Run commands; ``fill`` has what an operator puts in place of the page's examples. Raises ToolFailed."""
        folders = [
            Path(sys.executable).parent,
            *(go_programs.path(name).parent for name in ("kubectl", "helm", "cosign")),
        ]
        path = ":".join(map(str, folders))
        prepared = f"export KUBECONFIG={shlex.quote(str(self._kubeconfig()))} PATH={path}:$PATH\ncd {self.folder}\n"
        return run("bash", "-euo", "pipefail", "-c", prepared + filled(script, fill or {}), seconds=SECONDS)

    def _kubeconfig(self) -> Path:
        """Write how the cluster is reached, with the namespace; return where."""
        told = yaml.safe_load(self.workspace.kubeconfig.read_text())
        for context in told["contexts"]:
            context["context"]["namespace"] = self.namespace
        own = self.folder / "kubeconfig"
        own.write_text(yaml.safe_dump(told))
        return own


def filled(text: str, fill: Mapping[str, str]) -> str:
    """Return a text of a page with examples replaced; each must be there."""
    for example, own in fill.items():
        assert example in text, f"{example!r} is not in:\n{text}"
        text = text.replace(example, own)
    return text
