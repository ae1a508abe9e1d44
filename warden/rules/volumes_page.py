"""The controller's page /volumes/UID, read line by line: a list without its end, or without its beginning, is none."""

import json
from dataclasses import dataclass, field
from typing import TypeVar, cast

from common.drift_records import CloudVolume, cloud_volume

Kept = TypeVar("Kept")

END = "]}"


class UnreadablePageError(Exception):
    """The page is not what a controller serves."""


@dataclass(frozen=True, slots=True)
class KnownVolumes:
    """All volumes of the cloud's zone, as they were that many seconds ago."""

    volumes: tuple[CloudVolume, ...]
    age_seconds: float


@dataclass(slots=True)
class PageReader:
    """Takes the lines of one page. ``tags`` and ``node_ids`` are few: each is kept once."""

    _age: float | None = None
    _volumes: list[CloudVolume] = field(default_factory=list)
    _begun: bool = False
    _ended: bool = False
    _same: dict[object, object] = field(default_factory=dict)

    def take(self, line: str) -> None:
        """Take one line. Raises UnreadablePageError."""
        try:
            if not self._begun:
                self._begin(line)
            elif line == END:
                self._ended = True
            elif line:
                self._volumes.append(self._shared(cloud_volume(json.loads(line.removesuffix(",")))))
        except (ValueError, AttributeError) as error:
            raise UnreadablePageError(f"line {len(self._volumes) + 2} is not a volume") from error

    def known(self) -> KnownVolumes | None:
        """Return the volumes; None if the controller does not know them all. Raises UnreadablePageError."""
        if self._age is None and self._begun:
            return None
        if self._age is None or not self._ended:
            raise UnreadablePageError("the list has no end")
        return KnownVolumes(tuple(self._volumes), self._age)

    def _begin(self, line: str) -> None:
        self._begun = True
        whole = line if line.endswith("}") else f"{line}{END}"
        age = json.loads(whole).get("age_seconds")
        self._age = None if age is None else float(age)

    def _shared(self, volume: CloudVolume) -> CloudVolume:
        return CloudVolume(
            volume.id,
            volume.name,
            self._once(volume.zone),
            volume.size_bytes,
            self._once(volume.node_ids),
            self._once(volume.tags),
            volume.created_at,
        )

    def _once(self, value: Kept) -> Kept:
        return cast("Kept", self._same.setdefault(value, value))
