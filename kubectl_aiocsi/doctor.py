"""``kubectl aiocsi doctor``: the checks as text or JSON."""

import json
from collections.abc import Sequence

from common.printable import printable
from kubectl_aiocsi import reading
from kubectl_aiocsi.api import Api
from kubectl_aiocsi.options import Options
from kubectl_aiocsi.rules import doctor
from kubectl_aiocsi.rules.doctor import CHECKS, Result
from kubectl_aiocsi.rules.finding import Level
from kubectl_aiocsi.terminal import Terminal

MARKS = {Level.OK: "green", Level.WARNING: "yellow", Level.CRITICAL: "red"}
SHOWN = 5  # findings of one check: the rest is counted


async def run(api: Api, options: Options, driver: str, terminal: Terminal) -> int:
    """Return the exit status: 0 all is well, 1 a warning, 2 something is critical."""
    snapshot = await reading.for_doctor(api, driver, terminal.step)
    terminal.done()
    results = doctor.examine(snapshot)
    terminal.line(to_json(results)) if options.output == "json" else show(terminal, driver, results)
    return doctor.worst(results).value


def ids(terminal: Terminal) -> None:
    """Print every check."""
    for check in CHECKS:
        terminal.line(f"{check.id:22} {check.level.name.lower():9} {check.title}")


def to_json(results: Sequence[Result]) -> str:
    """Return the results as JSON."""
    return json.dumps(
        {
            "status": doctor.worst(results).name,
            "checks": [
                {
                    "id": result.check.id,
                    "status": "SKIPPED" if result.skipped else result.level.name,
                    "title": result.check.title,
                    **({"skipped": result.skipped} if result.skipped else {}),
                    "findings": [{"object": f.what, "said": f.said, "next": f.next} for f in result.findings],
                }
                for result in results
            ],
        },
        indent=2,
    )


def show(terminal: Terminal, driver: str, results: Sequence[Result]) -> None:
    """Print what was found, the worst first; then what was skipped, and how many checks are well."""
    for result in sorted((each for each in results if each.findings), key=lambda each: -each.level):
        _show(terminal, result)
    for result in results:
        if result.skipped:
            terminal.line(f"{terminal.paint('SKIPPED ', 'grey')}  {result.check.id:22} {printable(result.skipped)}")
    well = sum(1 for each in results if not each.findings and not each.skipped)
    level = doctor.worst(results)
    terminal.line(
        f"{terminal.paint(level.name, MARKS[level])}: driver {driver}, {well} of {len(results)} checks are well"
    )


def _show(terminal: Terminal, result: Result) -> None:
    mark = terminal.paint(f"{result.level.name:8}", MARKS[result.level])
    terminal.line(f"{mark}  {terminal.paint(result.check.id, 'bold')}: not so: {result.check.title}")
    for each in result.findings[:SHOWN]:
        terminal.line(f"          {printable(each.what)}: {printable(each.said)}")
    if len(result.findings) > SHOWN:
        terminal.line(f"          and {len(result.findings) - SHOWN} more (-o json shows all)")
    terminal.line(f"          next: {printable(result.findings[0].next)}")
