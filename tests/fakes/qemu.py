"""QEMU's monitor as the guests' code sees it: commands, events, and what QEMU refuses. It has no machine.

``fake_monitor`` serves one on a Unix socket. A file is locked as QEMU locks it: the second guest is refused.
"""

import asyncio
import fcntl
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

Arguments = dict[str, object]
Message = dict[str, Arguments]

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}, "capabilities": []}}


class Refused(Exception):
    """QEMU says no. The text is what it says."""


class FakeQemu:
    """The state behind one monitor."""

    def __init__(self) -> None:
        self.nodes: dict[str, Arguments] = {}
        self.devices: dict[str, Arguments] = {}
        self.groups: dict[str, Arguments] = {}
        self.events: list[Arguments] = []
        self.ended = asyncio.Event()
        self.break_after: int | None = None  # commands that change something; then the connection is cut
        self._locks: dict[str, IO[bytes]] = {}
        self._commands: dict[str, Callable[[Arguments], object]] = {
            "qmp_capabilities": lambda _: {},
            "stop": lambda _: {},
            "cont": lambda _: {},
            "quit": self._quit,
            "query-named-block-nodes": lambda _: [{"node-name": name} for name in self.nodes],
            "qom-list": self._list,
            "qom-get": lambda given: self.devices[str(given["path"]).rpartition("/")[2]][str(given["property"])],
            "qom-set": self._set,
            "object-add": self._add_group,
            "object-del": lambda given: self.groups.pop(str(given["id"])),
            "blockdev-add": self._add_node,
            "blockdev-reopen": self._reopen,
            "blockdev-del": self._delete_node,
            "device_add": self._add_device,
            "device_del": self._delete_device,
            "block_resize": self._resize,
            "human-monitor-command": lambda _: "",
        }

    def execute(self, command: str, given: Arguments) -> object:
        """Carry a command out. Raises Refused."""
        if command not in self._commands:
            raise Refused(f"The command {command} has not been found")
        return self._commands[command](given)

    def close(self) -> None:
        """Let the files go, as the end of QEMU does."""
        for opened in self._locks.values():
            opened.close()

    def _quit(self, given: Arguments) -> object:
        self.ended.set()
        return given

    def _list(self, given: Arguments) -> object:
        there = {"/machine/peripheral": self.devices, "/objects": self.groups}[str(given["path"])]
        return [{"name": name, "type": "child"} for name in there]

    def _set(self, given: Arguments) -> object:
        limits = given["value"]
        assert isinstance(limits, dict)
        self.groups[str(given["path"]).rpartition("/")[2]] = limits
        return {}

    def _add_group(self, given: Arguments) -> object:
        _refuse(str(given["id"]) in self.groups, f"attempt to add duplicate property '{given['id']}' to object")
        self.groups[str(given["id"])] = {}
        return {}

    def _add_node(self, given: Arguments) -> object:
        name = str(given["node-name"])
        _refuse(name in self.nodes, f"Duplicate nodes with node-name='{name}'")
        _refuse(len(name) > 31, "Node name too long")
        below = given.get("file") or given.get("image")
        if below is not None:
            _refuse(below not in self.nodes, f"Cannot find device='' nor node-name='{below}'")
        if given["driver"] == "file":
            self._lock(name, Path(str(given["filename"])))
        self.nodes[name] = given
        return {}

    def _lock(self, name: str, file: Path) -> None:
        opened = file.open("r+b")
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.close()
            raise Refused('Failed to get "write" lock') from None
        self._locks[name] = opened

    def _reopen(self, given: Arguments) -> object:
        options = given["options"]
        assert isinstance(options, list)
        for node in options:
            _refuse(node["node-name"] not in self.nodes, "Failed to find node")
            self.nodes[str(node["node-name"])] = node
        return {}

    def _delete_node(self, given: Arguments) -> object:
        name = str(given["node-name"])
        _refuse(name not in self.nodes, f"Failed to find node with node-name='{name}'")
        users = [node for node in self.nodes.values() if name in {node.get("file"), node.get("image")}]
        users += [device for device in self.devices.values() if device["drive"] == name]
        _refuse(bool(users), f"Node '{name}' is busy: node is used as 'file'")
        del self.nodes[name]
        if name in self._locks:
            self._locks.pop(name).close()
        return {}

    def _add_device(self, given: Arguments) -> object:
        _refuse(str(given["id"]) in self.devices, f"Duplicate device ID '{given['id']}'")
        _refuse(given["drive"] not in self.nodes, f"Property 'drive' can't find value '{given['drive']}'")
        self.devices[str(given["id"])] = given
        return {}

    def _delete_device(self, given: Arguments) -> object:
        name = str(given["id"])
        _refuse(name not in self.devices, f"Device '{name}' not found")
        del self.devices[name]
        self.events.append({"event": "DEVICE_DELETED", "data": {"device": name, "path": f"/machine/peripheral/{name}"}})
        return {}

    def _resize(self, given: Arguments) -> object:
        node = self.nodes.get(str(given["node-name"]))
        _refuse(node is None, "Cannot find node")
        return {}


async def converse(qemu: FakeQemu, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection to the monitor until it ends."""
    _write(writer, GREETING)
    async for message in _messages(reader):
        if qemu.break_after is not None and not str(message["execute"]).startswith(("q", "stop", "cont")):
            if qemu.break_after == 0:
                break
            qemu.break_after -= 1
        try:
            answer = {"return": qemu.execute(str(message["execute"]), message.get("arguments", {}))}
        except Refused as refused:
            answer = {"error": {"class": "GenericError", "desc": str(refused)}}
        _write(writer, {**answer, **{key: message[key] for key in ("id",) if key in message}})
        while qemu.events:
            _write(writer, {**qemu.events.pop(0), "timestamp": {"seconds": 0, "microseconds": 0}})
        if qemu.ended.is_set():
            break
    writer.close()


@asynccontextmanager
async def fake_monitor(socket: Path) -> AsyncIterator[FakeQemu]:
    """Serve a monitor at ``socket``."""
    qemu = FakeQemu()
    server = await asyncio.start_unix_server(lambda *streams: converse(qemu, *streams), socket)
    try:
        yield qemu
    finally:
        server.close()
        qemu.close()


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[Message]:
    """Yield one JSON object after the other; nothing need be between them."""
    text = ""
    while part := await reader.read(65536):
        text += part.decode()
        with suppress(json.JSONDecodeError):  # the end of it has not come yet
            while text := text.lstrip():
                message, end = json.JSONDecoder().raw_decode(text)
                text = text[end:]
                yield message


def _write(writer: asyncio.StreamWriter, message: object) -> None:
    writer.write(json.dumps(message).encode() + b"\r\n")


def _refuse(reason: bool, text: str) -> None:
    if reason:
        raise Refused(text)
