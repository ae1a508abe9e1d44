"""Fixtures for tests of programs that use DigitalOcean Volumes. pytest finds them once aiocsi[localcloud] is installed.

``localcloud`` is an empty cloud of the test's own; ``localcloud_options`` are its settings, to be overridden.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

END_SECONDS = 20


@dataclass(frozen=True)
class LocalCloud:
    """A cloud that runs. ``url`` is the root of its API, without /v2."""

    url: str
    token: str = field(repr=False)
    droplet_ids: tuple[int, ...]

    def break_(self, kind: str, **rule: object) -> int:
        """Turn a fault on and return its id; see "Faults" in docs/reference/localcloud.md. Raises HTTPError."""
        return int(str(self.ask("POST", "/_localcloud/faults", {"kind": kind, **rule})["id"]))

    def repair(self) -> None:
        """Turn all faults off."""
        self.ask("DELETE", "/_localcloud/faults")

    def effects(self, kind: str = "") -> list[Mapping[str, object]]:
        """Return what was done in the cloud so far, oldest first, or all of one kind: see "Ledger" in the reference."""
        found = self.ask("GET", f"/_localcloud/ledger/effects{f'?kind={kind}' if kind else ''}")["effects"]
        return list(found) if isinstance(found, list) else []

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Mapping[str, object]:
        """Send a request and return the JSON of its answer. Raises urllib.error.HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 (our own http URL)
        with urllib.request.urlopen(request, timeout=END_SECONDS) as answer:  # noqa: S310 (our own http URL)
            text = answer.read()
        return dict(json.loads(text)) if text else {}


@contextmanager
def run(state: Path, options: Sequence[str]) -> Iterator[LocalCloud]:
    """Run a cloud in a process of its own, on a free port of loopback. Raises RuntimeError if it does not start."""
    argv = [sys.executable, "-m", "localcloud", "--listen=127.0.0.1:0", f"--state={state}", "--ephemeral", *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line:
                raise RuntimeError(f"localcloud does not start: exit status {process.wait(END_SECONDS)}")
            ready = json.loads(line)
            ids = tuple(droplet["id"] for droplet in ready["droplets"])
            yield LocalCloud(ready["address"].rstrip("/"), ready["token"], ids)
        finally:
            process.terminate()
            process.wait(END_SECONDS)


@pytest.fixture
def localcloud_options() -> Sequence[str]:
    """Return the options of the cloud: no disks, no limits, and actions that take no time."""
    return "--disks=none", "--action-latency=0", "--rate-hour=0", "--rate-minute=0"


@pytest.fixture
def localcloud(tmp_path: Path, localcloud_options: Sequence[str]) -> Iterator[LocalCloud]:
    """Run an empty cloud with two droplets for one test."""
    with run(tmp_path / "localcloud", localcloud_options) as cloud:
        yield cloud
