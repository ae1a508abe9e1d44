"""Headless Chromium, told what to do through its DevTools socket.

Source: Chrome DevTools Protocol (Page, Runtime, Emulation, Input).
"""

import asyncio
import base64
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from pydantic import JsonValue, TypeAdapter

from tools.processes.program import Program

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
START_SECONDS = 60
ANSWER_SECONDS = 90
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # the tests run as root, and load nothing but the page
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-port=0",
)

Answer = TypeAdapter(dict[str, JsonValue])


class Tab:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self.complaints: list[str] = []  # what the page wrote to its console, and uncaught errors

    async def command(self, method: str, **parameters: JsonValue) -> dict[str, JsonValue]:
        """Send one command; return its result."""
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "method": method, "params": parameters})
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                message = Answer.validate_python(await self._socket.receive_json())
                if message.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
                    self.complaints.append(str(message["params"]))
                if message.get("id") == self._last_id:
                    assert "error" not in message, message
                    return Answer.validate_python(message["result"])

    async def open(self, url: str, *, width: int = 1200, height: int = 900) -> None:
        """Load a page in a window of that size."""
        for domain in ("Page", "Runtime", "Log"):
            await self.command(f"{domain}.enable")
        await self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        await self.command("Page.navigate", url=url)

    async def value(self, expression: str) -> JsonValue:
        """Return the value of a JavaScript expression."""
        result = await self.command("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        found = result["result"]
        assert isinstance(found, dict), result
        assert "exceptionDetails" not in result, result
        return found.get("value")

    async def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true; the page itself looks again and again."""
        await self.value(
            "new Promise((done) => {"
            f" const timer = setInterval(() => {{ if ({expression}) {{ clearInterval(timer); done(); }} }}, 20); }})"
        )

    async def press(self, key: str, code: int) -> None:
        """Press a key, named as in KeyboardEvent.key."""
        text: dict[str, JsonValue] = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self.command(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    async def picture(self) -> bytes:
        """Return a PNG of the page."""
        shot = await self.command("Page.captureScreenshot", format="png")
        return base64.b64decode(str(shot["data"]))


@contextmanager
def chromium(profile: Path) -> Iterator[str]:
    """Run Chromium with a profile folder of its own; give the address that it listens on."""
    with TemporaryDirectory(prefix="aiocsi-chromium-") as sockets:  # a socket's path is short, and Chromium leaves it
        yield from _chromium(profile, {**os.environ, "BREAKPAD_DUMP_LOCATION": str(profile), "TMPDIR": sockets})


def _chromium(profile: Path, environment: dict[str, str]) -> Iterator[str]:
    assert CHROMIUM is not None
    argv = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}"]
    process = Program("chromium", argv, environment, profile.with_name(f"{profile.name}.log"), profile.parent)
    told = profile / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    try:
        process.start()
        process.wait_for(lambda: (told.exists() and "\n" in told.read_text()) or None, "port", START_SECONDS)
        yield f"127.0.0.1:{told.read_text().splitlines()[0]}"
    finally:
        process.end(START_SECONDS)
        while _has_processes(profile):  # those that would report a crash outlive it for a moment
            assert time.monotonic() < deadline + START_SECONDS, "a process of chromium does not end"
            time.sleep(0.02)


def _has_processes(profile: Path) -> bool:
    """Tell whether a process names the profile on its command line."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(profile).encode() in (process / "cmdline").read_bytes():
                return True
    return False


@asynccontextmanager
async def tab(profile: Path) -> AsyncIterator[Tab]:
    """Start Chromium and open one tab in it."""
    with chromium(profile) as address:
        async with aiohttp.ClientSession() as session:
            async with session.put(f"http://{address}/json/new?about:blank") as reply:
                target = Answer.validate_python(await reply.json())
            url = str(target["webSocketDebuggerUrl"])
            async with session.ws_connect(url, max_msg_size=0) as socket:
                yield Tab(socket)
