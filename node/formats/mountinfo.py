"""Read /proc/self/mountinfo: only the lines that are asked for, since a node may have thousands of mounts.

Source: man 5 proc_pid_mountinfo. Space, tab, newline and backslash are written as three octal digits.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from node.records.kernel import Mount

_ESCAPE = re.compile(r"\\([0-7]{3})")
_ESCAPED = {ord(letter): f"\\{ord(letter):03o}" for letter in " \t\n\\"}
_BTRFS = b" - btrfs "


class MountTable:
    """The mounts of one look, oldest first."""

    def __init__(self, text: bytes, device_of: Callable[[str], str] = lambda source: "") -> None:  # noqa: ARG005
        """``device_of`` returns the number of the device at a path: a btrfs has a number that is not a device's."""
        self._text = text
        found = (parse_line(line) for line in _lines(text, _BTRFS))
        self._devices: Mapping[int, str] = {
            mount.id: number for mount in found if mount.kind == "btrfs" and (number := device_of(mount.source))
        }

    def at(self, path: str) -> tuple[Mount, ...]:
        """Return what is mounted at ``path``, the mount that is seen there last."""
        return tuple(mount for mount in self._mounts(f" {escape(path)} ") if mount.point == path)

    def of(self, number: str) -> tuple[Mount, ...]:
        """Return the mounts of the device ``number`` (major:minor), in no order."""
        found = {mount.id: mount for mount in self._mounts(f" {number} ")}
        found |= {mount.id: mount for mount in self._mounts(_BTRFS.decode())} if self._devices else {}
        return tuple(mount for mount in found.values() if mount.number == number)

    def covering(self, path: str) -> Mount | None:
        """Return the mount in which ``path`` lies."""
        places = (path, *(str(parent) for parent in PurePosixPath(path).parents))
        return next((found[-1] for place in places if (found := self.at(place))), None)

    def __iter__(self) -> Iterator[Mount]:
        """Yield every mount."""
        return self._mounts("")

    def _mounts(self, part: str) -> Iterator[Mount]:
        for line in _lines(self._text, part.encode("utf-8", "surrogateescape")):
            yield self._mount(line)

    def _mount(self, line: bytes) -> Mount:
        mount = parse_line(line)
        return replace(mount, number=self._devices[mount.id]) if mount.id in self._devices else mount


def parse_line(data: bytes) -> Mount:
    """Return the mount that a line tells of. Raises ValueError if its form is not known."""
    line = data.decode("utf-8", "surrogateescape")
    left, separator, right = line.partition(" - ")
    fields, more = left.split(" "), right.split(" ")
    if not separator or len(fields) < 6 or len(more) < 3:
        raise ValueError(f"not a line of mountinfo: {line!r}")
    return Mount(
        id=int(fields[0]),
        parent=int(fields[1]),
        number=fields[2],
        root=_unescape(fields[3]),
        point=_unescape(fields[4]),
        options=frozenset(fields[5].split(",")),
        shared=any(tag.startswith("shared:") for tag in fields[6:]),
        kind=more[0],
        source=_unescape(more[1]),
        super_options=frozenset(more[2].split(",")),
    )


def escape(text: str) -> str:
    """Return ``text`` as it is written in a line."""
    return text.translate(_ESCAPED)


def _lines(text: bytes, part: bytes) -> Iterator[bytes]:
    """Yield the lines that hold ``part``."""
    end = 0
    while (found := text.find(part, end)) >= 0 and end < len(text):
        start = text.rfind(b"\n", 0, found) + 1
        end = text.find(b"\n", found) + 1 or len(text) + 1
        yield text[start : end - 1]


def _unescape(field: str) -> str:
    if "\\" not in field:
        return field
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), field)
