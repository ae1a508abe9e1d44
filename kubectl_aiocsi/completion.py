"""Completion: ``kubectl`` runs ``kubectl_complete-aiocsi`` with the words so far, for every shell that it supports.

Source: kubectl "Extend kubectl with plugins" (``__complete``: a line for each word, then a colon and a directive).
"""

import asyncio
import sys
from collections.abc import Sequence
from itertools import pairwise

from kubectl_aiocsi.api import NotReadError, Where, connect
from kubectl_aiocsi.options import TYPES, VERBS, long_options

NO_FILES = ":4"  # the directive: do not offer file names
SHORT_TYPES = ("pod", "pvc", "pv", "node")
OF_KUBECTL = {"-n": "namespace", "--namespace": "namespace", "--context": "context", "--kubeconfig": "kubeconfig"}
SHELLS = {
    "bash": "kubectl completion bash > /etc/bash_completion.d/kubectl  # or: source <(kubectl completion bash)",
    "zsh": "source <(kubectl completion zsh)",
    "fish": "kubectl completion fish | source",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Print what may follow; whatever goes wrong, nothing follows. Return 0."""
    words = list(sys.argv[1:] if argv is None else argv)
    sys.stdout.writelines(f"{word}\n" for word in [*candidates(words or [""]), NO_FILES])
    return 0


def candidates(words: Sequence[str]) -> list[str]:
    """Return the words that may stand in place of the last one; names are asked of the cluster."""
    *before, last = words
    verb = next((word for word in before if word in VERBS), "")
    if last.startswith("-") and verb:
        return [option for option in long_options(verb) if option.startswith(last)]
    if not verb:
        return [
            f"{name}\t{text.partition(';')[0].partition(':')[0]}"
            for name, text in VERBS.items()
            if name.startswith(last)
        ]
    if before[-1] in {"-o", "--output"}:
        return [each for each in ("text", "json") if each.startswith(last)]
    if verb == "completion":
        return [each for each in SHELLS if each.startswith(last)]
    return [each for each in _of_why(before, last) if each.startswith(last)] if verb == "why" else []


def _of_why(before: Sequence[str], last: str) -> list[str]:
    given = before[-1]
    if given in TYPES:
        return _names(given, before)
    kind, slash, _ = last.partition("/")
    if slash and kind in TYPES:
        return [f"{kind}/{name}" for name in _names(kind, before)]
    return [*SHORT_TYPES, *_names("pod", before)] if given == "why" else []


def _names(kind: str, words: Sequence[str]) -> list[str]:
    """Return the names of the objects of a type in the cluster; none if it cannot be read."""
    given = {OF_KUBECTL[word]: value for word, value in pairwise(words) if word in OF_KUBECTL}

    async def ask() -> list[str]:
        async with connect(Where(**given)) as api:
            found = await api.every(TYPES[kind], api.namespace if TYPES[kind].namespaced else "")
            return [each.name for each in found]

    try:
        return asyncio.run(ask())
    except NotReadError:
        return []


if __name__ == "__main__":
    sys.exit(main())
