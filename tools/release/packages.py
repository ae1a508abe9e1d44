"""The packages of the image with versions and licences, a line each: to be compared with an advisory. Pure."""

import json
from collections.abc import Iterator


def listed(bill: str) -> str:
    """Return the list of a bill of materials: package URL, a tab, the licences."""
    return "".join(f"{line}\n" for line in _lines(bill))


def _lines(bill: str) -> Iterator[str]:
    for component in json.loads(bill)["components"]:
        licences = [one.get("expression") or one["license"]["name"] for one in component.get("licenses", ())]
        yield f"{component['purl']}\t{', '.join(licences) or 'not named'}"
