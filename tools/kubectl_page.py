"""The reference page of ``kubectl aiocsi``: its commands, and the ids of its checks, from the code."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from kubectl_aiocsi.options import VERBS, arguments
from kubectl_aiocsi.rules.doctor import CHECKS

Table = Callable[[Sequence[str], Iterable[Sequence[str]]], Iterator[str]]

HEAD = """\
# kubectl aiocsi

A plugin of kubectl that says what is wrong with a volume or with the driver. It uses your kubeconfig and your
rights, sends GET requests alone, never reads a Secret, and changes nothing. What you may not read is named, and
the rest is answered.

`pip install .[kubernetes]` puts `kubectl-aiocsi` on the path, where kubectl finds it; the image has it, too.
With kubectl's own completion set up (`kubectl aiocsi completion bash`), words and names are completed."""

RIGHTS = """\
## Rights

`view` of the namespace is enough for `why` of a pod or a claim; with `get` and `list` of persistentvolumes,
nodes, csinodes, csidrivers, storageclasses and volumeattachments it sees the other links. `doctor` reads these
in all namespaces, and events, deployments, daemonsets, statefulsets, leases, clusterroles, clusterrolebindings
and snapshots. `get` of `pods/proxy` in the driver's namespace lets it ask the controller's pods for `/readyz`
and `/metrics`: without it, what the cloud says is known by events alone. A check that lacks a right is
`SKIPPED`, with the API server's reason.

`drift` and `adopt` need no token of the cloud: the controller serves the volumes that it knows at `/volumes/UID` of
its port for probes, and they ask for that through the same proxy. It costs no request. UID is that of the
controller's pod: who reaches the port and may not read the pod is told nothing of the volumes. What shows pods to
others, such as kube-state-metrics, shows their UIDs, too; `networkPolicy` of the chart closes the port to all but those
that you name. Only the replica that leads the attacher has read all volumes, five minutes after its start at the
latest.

## What a bundle holds

Objects that are about the driver, logs of its pods (`--since`, also of containers that ended), `/readyz` and
`/metrics`. Secrets are not read. Values of environments, tokens, private keys, and users and passwords in URLs are
blanked, also in base64; so are headers of probes, annotations of other tools, and the last words of containers of
others. `LEFT-OUT.txt` says what is not there. Look through a bundle before you send it all the same: a program may
have logged what could not be foreseen."""

CHECK_IDS = """\
## Checks

An id is stable: a script may look for it. `why` tells the same ids. What follows from something that was found
is not told beside it: with a refused token, waiting claims are no finding of their own. What gets well by itself
has a minute for that (a pod of the driver that starts, a node that boots, an attach, a refusal that may pass), and
five where nothing tells a cause; `why` says of it that it waits. Exit status of `doctor`: 0 all is well,
1 a warning, 2 something is critical. 3: the cluster cannot be read; 64: a wrong command."""


def lines(table: Table) -> Iterator[str]:
    """Yield the lines of the page; ``table`` yields those of a table."""
    yield HEAD
    yield from ("", "## Commands", "")
    yield from table(("command", "what it does"), ((f"`kubectl aiocsi {verb}`", text) for verb, text in VERBS.items()))
    for verb in (*VERBS, ""):
        yield from ("", f"### {verb or 'Each of them'}", "")
        yield from table(("argument", "what it is"), arguments(verb))
    yield from ("", RIGHTS, "", CHECK_IDS, "")
    yield from table(
        ("id", "status", "what holds when all is well"),
        ((f"`{check.id}`", check.level.name.lower(), check.title) for check in CHECKS),
    )
