"""``kubectl aiocsi drift``: where cluster and cloud disagree, as text or JSON."""

import json
from dataclasses import asdict

from common.printable import printable
from kubectl_aiocsi import reading
from kubectl_aiocsi.api import Api
from kubectl_aiocsi.options import Options
from kubectl_aiocsi.rules import cloud_volumes, drift
from kubectl_aiocsi.terminal import Terminal


async def run(api: Api, options: Options, driver: str, terminal: Terminal) -> int:
    """Return the exit status: 0 they agree, 1 they do not, 3 not all of it could be compared."""
    snapshot = await reading.for_drift(api, driver, terminal.step)
    terminal.done()
    cloud = cloud_volumes.known(snapshot)
    found = drift.drift(snapshot, cloud)
    unread = sorted({f"{kind.plural}: {why}" for kind, why in snapshot.unread.items()})
    if options.output == "json":
        entries = [asdict(each) for each in found]
        told = {"problem": cloud.problem, "age_seconds": cloud.age_seconds, "unread": unread, "drift": entries}
        terminal.line(json.dumps(told, indent=2))
    else:
        for each in found:
            terminal.line(f"{terminal.paint(f'{each.kind:18}', 'yellow')} {printable(f'{each.what}: {each.said}')}")
            terminal.line(f"{'':18} would end it: {printable(each.remove)}")
        for problem in filter(None, [cloud.problem, *unread]):
            terminal.line(f"not compared: {printable(problem)}")
        terminal.line(
            f"{len(found)} differences; {len(cloud.volumes)} volumes in the cloud, {cloud.age_seconds:.0f} s ago"
        )
    return 1 if found else 3 if cloud.problem or unread else 0
