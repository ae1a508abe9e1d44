"""The golden files: what each version wrote."""

import json
from pathlib import Path

HERE = Path(__file__).parent
VERSIONS = sorted(
    (path.name for path in HERE.iterdir() if (path / "contexts.json").exists()),
    key=lambda name: [int(part) for part in name.split(".")],
)
NEWEST = VERSIONS[-1]

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def load(version: str, name: str) -> dict[str, Json]:
    """Return one file of a version."""
    found: dict[str, Json] = json.loads((HERE / version / f"{name}.json").read_text(encoding="utf-8"))
    return found


def texts(value: Json) -> dict[str, str]:
    """Return an object whose values are texts."""
    assert isinstance(value, dict)
    return {key: str(text) for key, text in value.items()}
