"""``kubectl aiocsi bundle``: objects, logs and metrics for a bug report, redacted, with a list of what was left out.

Secrets are not among what is read. What is kept passes the driver's own redaction (``common.redaction``), and values
that are secrets by their place (environment, annotations that repeat an object) are blanked.
"""

import io
import json
import os
import re
import tarfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from common import redaction
from common.printable import printable, printable_lines
from kubectl_aiocsi import reading
from kubectl_aiocsi.api import Api, NotReadError
from kubectl_aiocsi.options import Options, UsageError
from kubectl_aiocsi.records import Kind, Object, Snapshot
from kubectl_aiocsi.rules import sensitive
from kubectl_aiocsi.terminal import Terminal

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_LOG = 16 * 1024 * 1024  # bytes of one container


async def run(api: Api, options: Options, driver: str, terminal: Terminal) -> int:
    """Write the archive; return 0. Raises UsageError if it cannot be written."""
    since = seconds(options.since)
    path = Path(options.file or f"aiocsi-bundle-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz")
    snapshot = await reading.for_doctor(api, driver, terminal.step)
    values = {word for each in sensitive.values(snapshot) for word in (each, unquote(each))}
    redaction.hide(*(form for each in values for form in sensitive.forms(each)))
    files = dict(_objects(snapshot))
    left_out = [f"{kind.plural}: {why}" for kind, why in snapshot.unread.items()]
    left_out += [
        "Secrets: never read",
        "objects that are not about the driver",
        "what has the form of a token: blanked",
    ]
    for name, page in snapshot.pages.items():
        files[f"pods/{name}/readyz.txt"], files[f"pods/{name}/metrics.txt"] = page.ready, page.metrics
        left_out += [f"pages of pod {name}: {page.problem}"] if page.problem else []
    for pod in (each for part in ("controller", "warden", "node") for each in snapshot.pods(part)):
        await _logs(api, pod, since, files, left_out)
    terminal.done()
    files["LEFT-OUT.txt"] = "\n".join(left_out) + "\n"
    try:
        _write(path, {name: _clean(text) for name, text in files.items()})
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    terminal.line(f"{path}: {len(files)} files; left out:")
    for each in left_out:
        terminal.line(f"  {printable(each)}")
    return 0


def seconds(text: str) -> int:
    """Return the seconds of a duration such as 30m. Raises UsageError."""
    if (found := re.fullmatch(r"([0-9]{1,6})([smhd])", text)) is None:
        raise UsageError(f"--since {text!r}: use a number and s, m, h or d, as in 30m")
    return int(found[1]) * UNITS[found[2]]


def _objects(snapshot: Snapshot) -> Iterable[tuple[str, str]]:
    for kind, objects in snapshot.lists.items():
        wanted = (each for each in objects if sensitive.is_wanted(snapshot, kind, each))
        kept = [redaction.scrub_all(sensitive.without_secrets(each)) for each in wanted]
        yield f"objects/{kind.plural}{_which(kind)}.json", json.dumps(kept, indent=1)
    yield "version.txt", f"Kubernetes {snapshot.server_version}\ndriver {snapshot.driver}\n"


def _which(kind: Kind) -> str:
    marks = {
        "-of-the-driver": "aiocsi" in kind.query,
        "-pending": "Pending" in kind.query,
        "-terminating": kind.deleting,
    }
    return "".join(mark for mark, meant in marks.items() if meant)


async def _logs(api: Api, pod: Object, since: int, files: dict[str, str], left_out: list[str]) -> None:
    for container in (*pod.each("spec", "initContainers"), *pod.each("spec", "containers")):
        name = container.text("name")
        for previous in ("false", "true"):
            query = (
                f"container={name}&sinceSeconds={since}&timestamps=true&previous={previous}&limitBytes={LONGEST_LOG}"
            )
            path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log?{query}"
            kept = f"pods/{pod.full_name}/{name}{'-previous' if previous == 'true' else ''}.log"
            try:
                files[kept] = await api.text(path)
            except NotReadError as error:
                if previous == "false":
                    left_out.append(f"log of {pod.full_name} {name}: {error}")


def _clean(text: str) -> bytes:
    """Return a text without the secrets that are known or recognized, as they are and in base64."""
    return printable_lines(redaction.scrub(sensitive.blanked(text))).encode()


def _write(path: Path, files: dict[str, bytes]) -> None:
    path.unlink(missing_ok=True)  # one that others may read, or a link to elsewhere
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"aiocsi-bundle/{name}")
            entry.size, entry.mtime = len(content), int(time.time())
            archive.addfile(entry, io.BytesIO(content))
