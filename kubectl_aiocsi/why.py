"""``kubectl aiocsi why``: the chain as text or JSON."""

import json
from collections.abc import Sequence

from common.printable import printable
from kubectl_aiocsi import reading
from kubectl_aiocsi.api import Api
from kubectl_aiocsi.options import Options, named
from kubectl_aiocsi.records import CLAIMS, NODES, NOTHING, PODS, VOLUMES, Kind, Snapshot
from kubectl_aiocsi.rules import chain
from kubectl_aiocsi.rules.chain import Chain
from kubectl_aiocsi.rules.link import Link, State
from kubectl_aiocsi.terminal import Terminal, ago

MARKS = {State.OK: ("ok", "green"), State.BROKEN: ("BROKEN", "red"), State.WAITING: ("waits", "grey")}
MARKS[State.UNKNOWN] = ("unknown", "yellow")
WORDS = {PODS: "pod", CLAIMS: "claim", VOLUMES: "volume", NODES: "node"}


async def run(api: Api, options: Options, driver: str, terminal: Terminal) -> int:
    """Return the exit status: 0 no link is broken, 1 one is, or what was asked for does not exist."""
    kind, name = named(options.what)
    namespace = api.namespace if kind.namespaced else ""
    reader = reading.Reader(api, driver, terminal.step)
    await reading.for_why(reader, kind, name, namespace)
    terminal.done()
    snapshot = reader.snapshot()
    if not snapshot.find(kind, name, namespace):
        where = f" in namespace {namespace}" if namespace else ""
        why = snapshot.unread.get(kind, f"there is no {WORDS[kind]} {name}{where}")
        terminal.err.write(f"kubectl aiocsi: {printable(why)}\n")
        return 1
    chains = chains_of(snapshot, kind, name, namespace)
    terminal.line(to_json(chains)) if options.output == "json" else show(terminal, snapshot, chains)
    return 1 if chain.broken(chains) else 0


def chains_of(snapshot: Snapshot, kind: Kind, name: str, namespace: str) -> list[Chain]:
    """Return the chains of one object."""
    if kind is PODS:
        return chain.of_pod(snapshot, snapshot.find(PODS, name, namespace) or NOTHING)
    if kind is CLAIMS:
        return chain.of_claim(snapshot, namespace, name)
    return chain.of_volume(snapshot, name) if kind is VOLUMES else chain.of_node(snapshot, name)


def to_json(chains: Sequence[Chain]) -> str:
    """Return the chains as JSON; the first broken link of each is named."""
    return json.dumps(
        {
            "chains": [
                {
                    "title": each.title,
                    "broken": each.broken.name if each.broken else None,
                    "links": [_plain(link) for link in each.links],
                }
                for each in chains
            ]
        },
        indent=2,
    )


def _plain(link: Link) -> dict[str, str]:
    since = link.since.isoformat() if link.since else ""
    told = {"link": link.name, "object": link.what, "state": link.state.value, "cause": link.cause, "said": link.said}
    return {key: value for key, value in {**told, "by": link.by, "since": since, "next": link.next}.items() if value}


def show(terminal: Terminal, snapshot: Snapshot, chains: Sequence[Chain]) -> None:
    """Print the chains, each with its first broken link in full."""
    if not chains:
        terminal.line("the pod uses no claim")
    for each in chains:
        terminal.line(terminal.paint(printable(each.title), "bold"))
        for link in each.links:
            _row(terminal, link)
        _verdict(terminal, snapshot, each)


def _row(terminal: Terminal, link: Link) -> None:
    word, colour = MARKS[link.state]
    said = "" if link.state is State.BROKEN else f": {link.said}" if link.said else ""
    terminal.line(f"  {terminal.paint(f'{word:8}', colour)}{link.name:11} {printable(link.what + said)}")


def _verdict(terminal: Terminal, snapshot: Snapshot, each: Chain) -> None:
    link = each.broken
    if link is None:
        unread = [one.name for one in each.links if one.state is State.UNKNOWN]
        good = f"no link is known to be broken; not readable: {', '.join(unread)}" if unread else "no link is broken"
        terminal.line(f"  {good}")
        return
    since = ago(link.since, snapshot.now)
    terminal.line(f"  {terminal.paint('why', 'red')}    {printable(link.said)}")
    terminal.line(f"  by     {printable(link.by)}{f', since {since}' if since else ''} [{link.cause}]")
    terminal.line(f"  next   {printable(link.next)}")
