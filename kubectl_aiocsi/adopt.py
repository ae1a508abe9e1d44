"""``kubectl aiocsi adopt``: prints a PersistentVolume, for ``kubectl create -f -``."""

import json

import yaml

from common.printable import printable
from kubectl_aiocsi import reading
from kubectl_aiocsi.api import Api
from kubectl_aiocsi.options import PROGRAM, Options
from kubectl_aiocsi.rules import cloud_volumes
from kubectl_aiocsi.rules.adopt import NotAdoptableError, adopted
from kubectl_aiocsi.terminal import Terminal


async def run(api: Api, options: Options, driver: str, terminal: Terminal) -> int:
    """Return the exit status: 0 it is printed, 1 it must not be used."""
    snapshot = await reading.for_drift(api, driver, terminal.step)
    terminal.done()
    try:
        made = adopted(snapshot, cloud_volumes.known(snapshot), options.volume)
    except NotAdoptableError as error:
        terminal.err.write(f"{PROGRAM}: volume {printable(options.volume)}: {printable(str(error))}\n")
        return 1
    as_json = options.output == "json"
    terminal.line(json.dumps(made, indent=2) if as_json else yaml.safe_dump(made, sort_keys=False).rstrip())
    return 0
