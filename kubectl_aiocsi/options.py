"""The command line: what can be asked, in kubectl's own words."""

import argparse
import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

from common import __version__
from kubectl_aiocsi.api import Where
from kubectl_aiocsi.records import CLAIMS, DEFAULT_DRIVER, NODES, PODS, VOLUMES, Kind

PROGRAM = "kubectl aiocsi"
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
USAGE = 64  # exit status of a wrong command line (EX_USAGE): 1 and 2 are answers
DESCRIPTION = """\
Says what is wrong with a volume, or with the aiocsi driver. It uses your kubeconfig and your rights, reads only, and
changes nothing. What you may not read is named, and the rest is answered all the same."""
EPILOG = (
    "Documentation: docs/reference/kubectl.md. Exit status: 64 for a wrong command, 3 if the cluster cannot be read."
)
VERBS = {
    "why": "say why a pod, claim, volume or node is stuck: the first broken link, and what to type next",
    "doctor": "check the driver and every volume of it; exit status 0: all is well, 1: a warning, 2: critical",
    "drift": "say where the cluster and the cloud disagree; exit status 1 if they do",
    "adopt": "print a PersistentVolume for a volume that the cloud has and the cluster does not",
    "bundle": "write objects, logs and metrics into a tar.gz for a bug report, without Secrets",
    "completion": "print what makes your shell complete the words of this command",
}
TYPES: dict[str, Kind] = {
    **dict.fromkeys(("pod", "pods", "po"), PODS),
    **dict.fromkeys(("pvc", "pvcs", "claim", "persistentvolumeclaim", "persistentvolumeclaims"), CLAIMS),
    **dict.fromkeys(("pv", "pvs", "volume", "persistentvolume", "persistentvolumes"), VOLUMES),
    **dict.fromkeys(("node", "nodes", "no"), NODES),
}


class Options(argparse.Namespace):
    """What was asked for."""

    verb: str
    kubeconfig: str
    context: str
    namespace: str
    driver: str
    output: str
    color: str
    what: list[str]
    volume: str
    file: str
    since: str
    shell: str
    ids: bool

    @property
    def where(self) -> Where:
        """Which cluster, and which namespace."""
        return Where(self.kubeconfig, self.context, self.namespace)


class UsageError(Exception):
    """The command line is wrong."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage()
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parse(argv: Sequence[str]) -> Options:
    """Return what was asked for; a wrong command line ends the process with status 64."""
    return parser().parse_args(argv, namespace=Options())


def parser() -> argparse.ArgumentParser:
    """Return the parser; the reference page and the completion are made from it."""
    common = _shared()
    made = _Parser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    verbs = made.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    each = {
        name: verbs.add_parser(
            name, help=text, description=text.capitalize() + ".", parents=[common], allow_abbrev=False
        )
        for name, text in VERBS.items()
    }
    each["why"].add_argument(
        "what", nargs="+", metavar="[TYPE] NAME", help="pod, pvc, pv or node, and its name; TYPE/NAME"
    )
    each["doctor"].add_argument("--ids", action="store_true", help="list the checks, and check nothing")
    each["adopt"].add_argument("volume", metavar="VOLUME", help="id or name of the volume in the cloud")
    each["bundle"].add_argument("--file", default="", help="where to write it (default: aiocsi-bundle-TIME.tar.gz)")
    each["bundle"].add_argument("--since", default="1h", help="how far back logs go: 30m, 1h, 2d (default: 1h)")
    each["completion"].add_argument("shell", choices=("bash", "zsh", "fish"), help="your shell")
    return made


def _shared() -> "_Parser":
    common = _Parser(add_help=False)
    common.add_argument("-n", "--namespace", default="", help="namespace of the pod or claim (default: the context's)")
    common.add_argument("--context", default="", help="context of the kubeconfig (default: its current one)")
    common.add_argument("--kubeconfig", default="", help="kubeconfig (default: KUBECONFIG, or ~/.kube/config)")
    common.add_argument(
        "--driver", default="", help=f"name of the driver (default: the installed one, {DEFAULT_DRIVER})"
    )
    common.add_argument("-o", "--output", choices=("text", "json"), default="text", help="how to print it (text)")
    common.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours (auto: on a terminal)"
    )
    return common


def named(words: Sequence[str]) -> tuple[Kind, str]:
    """Return kind and name of ``pvc orders``, ``pvc/orders`` or ``orders`` (a pod). Raises UsageError."""
    parts = words[0].split("/", 1) if len(words) == 1 else list(words)
    if NAME.fullmatch(parts[-1]) is None:
        raise UsageError(f"{parts[-1]!r} is the name of no object: small letters, digits, - and . are")
    if len(parts) == 1:
        return PODS, parts[0]
    if len(parts) > 2 or not parts[1]:
        raise UsageError("name one object: TYPE NAME, TYPE/NAME, or the NAME of a pod")
    if parts[0].lower() not in TYPES:
        raise UsageError(f"unknown type {parts[0]!r}: use pod, pvc, pv or node")
    return TYPES[parts[0].lower()], parts[1]


def arguments(verb: str) -> Iterator[tuple[str, str]]:
    """Yield each argument of a verb as it is written, and what it is; without a verb those that all have."""
    shared = {action.dest for action in _shared()._actions}  # noqa: SLF001  # argparse shows them nowhere else
    for action in _actions(verb) if verb else _shared()._actions:  # noqa: SLF001  # the same
        if action.dest == "help" or (verb and action.dest in shared):
            continue
        written = ", ".join(f"`{word}`" for word in action.option_strings) or f"`{action.metavar or action.dest}`"
        choices = f": {', '.join(map(str, action.choices))}" if action.choices else ""
        yield written, f"{action.help}{choices}"


def long_options(verb: str) -> list[str]:
    """Return the long options of a verb."""
    words = (word for action in _actions(verb) for word in action.option_strings)
    return sorted({word for word in words if word.startswith("--")})


def _actions(verb: str) -> Sequence[argparse.Action]:
    verbs = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001  # the same
    found: argparse.ArgumentParser = next(verbs).choices[verb]
    return found._actions  # noqa: SLF001  # the same
