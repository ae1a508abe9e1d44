"""The Helm chart: its generated pages, its rendered samples, and the schemas that it is checked against."""

from tools.venv import ROOT

CHART = ROOT / "charts" / "aiocsi"
SNAPSHOTS = ROOT / "charts" / "snapshots"
PLACES = ROOT / "charts" / "places"

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def branch(value: Json, key: str) -> dict[str, Json]:
    """Return the object under ``key``; an empty one if there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
