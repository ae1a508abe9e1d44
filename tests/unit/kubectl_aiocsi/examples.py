"""What the page of symptoms shows: for each symptom a breakage with the driver's own words, and what is asked about it.

``python -m tests.unit.kubectl_aiocsi.examples`` writes the answers into the page; a test compares.
"""

import asyncio
import re
from dataclasses import dataclass
from textwrap import fill

from common import errors
from common.codes import ErrorCode
from controller.codes import Code as ControllerCode
from node.codes import Code as NodeCode
from tests.unit.kubectl_aiocsi import ways
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.ways import Way, attaching, mounting, provisioning, refused, snapshot_waits
from tests.unit.kubectl_aiocsi.world import healthy
from tools.venv import ROOT

PAGE = ROOT / "docs" / "guides" / "troubleshoot.md"
VOLUME = "volume 1cdb2c84-0000-4000-8000-000000000001"
LONG = 112  # columns: a longer line of an answer is wrapped on the page


@dataclass(frozen=True)
class Example:
    """A section of the page, and the command of which it shows the answer."""

    section: str
    make: Way
    words: str = "why pod/web"


def said(status: str, code: ErrorCode, message: str) -> str:
    """Return an error of the driver as the sidecars and kubelet pass it on."""
    return refused(status, errors.Refused(message, error_code=code).coded)


def too_large(server: ApiServer) -> None:
    ways.growth_refused(server)
    message = said(
        "OutOfRange", ControllerCode.SIZE, "21990232555520 bytes are asked for; a volume holds at most 16384 GiB"
    )
    [condition] = server.get("persistentvolumeclaims", "orders")["status"]["conditions"]  # type: ignore[index]
    condition["message"] = message


EXAMPLES = (
    Example(
        "The claim is Pending",
        provisioning(
            said(
                "ResourceExhausted",
                ControllerCode.ACCOUNT_FULL,
                "POST /v2/volumes: 403 failed to create volume: volume/snapshot capacity limit exceeded",
            )
        ),
        "why pvc/orders",
    ),
    Example("The pod has no node", ways.no_room),
    Example(
        "The volume is not attached",
        attaching(said("FailedPrecondition", ControllerCode.ATTACHED_ELSEWHERE, f"{VOLUME} is attached to node 43")),
    ),
    Example(
        "The volume is not mounted",
        mounting(
            said("FailedPrecondition", NodeCode.NOT_FORMATTED, f"{VOLUME} is not formatted: its device sda holds ntfs")
        ),
    ),
    Example("The pod is Terminating", ways.mount_kept),
    Example("The claim does not grow", too_large, "why pvc/orders"),
    Example(
        "The snapshot is not ready",
        snapshot_waits(
            said(
                "ResourceExhausted",
                ControllerCode.SNAPSHOT_LIMIT,
                "the cloud takes one snapshot of a volume every 10 minutes: retry after 312 s",
            )
        ),
        "doctor",
    ),
)


def shown(example: Example) -> str:
    """Return the block that the page shows."""
    server = healthy()
    example.make(server)
    words = example.words.split()
    answer = asyncio.run(ask(server, *words, *(("-n", "shop") if words[0] == "why" else ())))
    lines = (fill(line, LONG, subsequent_indent=" " * 9, break_long_words=False) for line in answer.text.splitlines())
    asked = f"$ kubectl aiocsi {words[0]}{' -n shop' if words[0] == 'why' else ''} {' '.join(words[1:])}".rstrip()
    return "\n".join(["```text", asked, *lines, "```"])


def written(page: str) -> str:
    """Return the page with each example in its section, below the heading."""
    for example in EXAMPLES:
        head, heading, rest = page.partition(f"## {example.section}\n")
        assert heading, example.section
        body, following, others = rest.partition("\n## ")
        body = re.sub(r"\n```text\n\$ kubectl aiocsi [\s\S]*?\n```\n", "", body, count=1)
        page = f"{head}{heading}\n{shown(example)}\n{body}{following}{others}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
