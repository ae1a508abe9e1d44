"""The page for probes and scrapes, over a real TCP socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
import pytest_asyncio

from common.converters import HostPort
from common.exposition import Form
from common.health import CONNECTIONS, HEAD_BYTES, HealthServer
from common.metrics import Metrics
from common.sockets import EndpointError
from tests.unit.common.captured import captured
from tools.processes.program import until


class Page:
    """The served page, and what it says of readiness."""

    def __init__(self, head_seconds: float = 0.2, read_seconds: float = 5, metrics: Metrics | None = None) -> None:
        self.why_not = ""
        self.health = HealthServer(
            HostPort("127.0.0.1", 0),
            metrics or Metrics(),
            self.not_ready,
            patience=(head_seconds, read_seconds),
        )

    def not_ready(self) -> str:
        """Say why the process is not ready."""
        if self.why_not == "broken":
            raise ValueError(self.why_not)
        return self.why_not

    async def send(self, request: bytes) -> str:
        """Send bytes; return all that is answered until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.health.port())
        writer.write(request)
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
        return answer.decode()

    async def get(self, path: str, method: str = "GET") -> tuple[str, str]:
        """Return status line and body."""
        answer = await self.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = answer.partition("\r\n\r\n")
        return head.split("\r\n")[0], body


@pytest_asyncio.fixture
async def page() -> AsyncIterator[Page]:
    page = Page()
    await page.health.start()
    yield page
    await page.health.drain(0)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/healthz", "200 OK", "ok\n"),
        ("/readyz?verbose", "200 OK", "ready\n"),
        ("/", "404 Not Found", "try /healthz, /readyz or /metrics\n"),
    ],
)
async def test_each_path_has_its_answer(page: Page, path: str, status: str, body: str) -> None:
    assert await page.get(path) == (f"HTTP/1.1 {status}", body)


@pytest.mark.asyncio
async def test_metrics_are_served(page: Page) -> None:
    status, body = await page.get("/metrics")
    assert status == "HTTP/1.1 200 OK"
    assert "\naiocsi_ready 1.0\n" in body


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("header", "kind", "is_open"),
    [
        pytest.param("", "text/plain; version=0.0.4", False, id="none"),
        pytest.param("ACCEPT:application/openmetrics-text\r\n", "application/openmetrics-text", True, id="OpenMetrics"),
    ],
)
async def test_metrics_have_the_form_that_is_asked_for(page: Page, header: str, kind: str, *, is_open: bool) -> None:
    answer = await page.send(f"GET /metrics HTTP/1.1\r\n{header}\r\n".encode())
    assert f"Content-Type: {kind}" in answer
    assert answer.endswith("# EOF\n") is is_open


@pytest.mark.asyncio
async def test_a_process_that_is_not_ready_says_why(page: Page) -> None:
    page.why_not = "the cloud refuses the token"
    assert await page.get("/readyz") == ("HTTP/1.1 503 Service Unavailable", "the cloud refuses the token\n")
    assert (await page.get("/healthz"))[0] == "HTTP/1.1 200 OK"


@pytest.mark.asyncio
async def test_a_broken_answer_is_an_answer(page: Page) -> None:
    page.why_not = "broken"
    with captured() as log:
        assert (await page.get("/readyz"))[0] == "HTTP/1.1 500 Internal Server Error"
    assert log.lines("health_failed")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"POST /healthz HTTP/1.1\r\n\r\n", "405", id="POST"),
        pytest.param(b"\r\n\r\n", "400", id="empty"),
        pytest.param(b"GET /healthz\r\n\r\n", "400", id="no version"),
        pytest.param(b"\xff\xfe\x00\r\n\r\n", "400", id="bytes"),
        pytest.param(b"GET /" + b"x" * 3 * HEAD_BYTES + b" HTTP/1.1\r\n\r\n", "431", id="long"),
    ],
)
async def test_what_is_no_request_is_told_so(page: Page, request_bytes: bytes, status: str) -> None:
    assert (await page.send(request_bytes)).startswith(f"HTTP/1.1 {status} ")
    assert (await page.get("/healthz"))[0] == "HTTP/1.1 200 OK"


@pytest.mark.asyncio
async def test_head_has_no_body(page: Page) -> None:
    assert await page.get("/healthz", "HEAD") == ("HTTP/1.1 200 OK", "")


@pytest.mark.asyncio
@pytest.mark.parametrize("start", [b"", b"GET /healthz HTTP/1.1\r\n"])
async def test_who_sends_no_whole_request_is_hung_up_on(page: Page, start: bytes) -> None:
    assert await page.send(start) == ""


@asynccontextmanager
async def connected(page: Page, count: int, request: bytes = b"") -> AsyncIterator[list[asyncio.StreamReader]]:
    """Open connections one after the other, each of which has been accepted, and sends ``request``."""
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", page.health.port())
            stack.callback(writer.close)
            writer.write(request)
            readers.append(reader)
        yield readers


async def hung_up(reader: asyncio.StreamReader) -> bool:
    with suppress(ConnectionResetError):
        async with asyncio.timeout(30):
            return await reader.read() == b""
    return True


@pytest.mark.asyncio
async def test_at_the_limit_the_oldest_connection_without_a_whole_request_gives_way() -> None:
    page = Page(head_seconds=600)
    await page.health.start()
    async with connected(page, CONNECTIONS, b"GET /healthz HT") as silent:
        assert await page.get("/healthz") == ("HTTP/1.1 200 OK", "ok\n")
        assert await hung_up(silent[0])
        async with connected(page, CONNECTIONS // 2):
            assert await page.get("/healthz") == ("HTTP/1.1 200 OK", "ok\n")
            assert await hung_up(silent[CONNECTIONS // 2])
            assert not silent[-1].at_eof()
        await page.health.drain(0)


class Rendered(Metrics):
    """Metrics of so many bytes, and how often they were made."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.times = 0

    def render(self, form: Form = Form.TEXT) -> bytes:  # noqa: ARG002  # the same in both
        self.times += 1
        return b"#" * self.size


@pytest.mark.asyncio
async def test_a_connection_that_does_not_read_its_answer_is_hung_up_on() -> None:
    page = Page(metrics=Rendered(16 << 20), read_seconds=0.1)
    await page.health.start()
    with captured() as log:
        reader, writer = await asyncio.open_connection("127.0.0.1", page.health.port(), limit=1)
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
        await until(lambda: log.lines("health_request_dropped") or None, 30)
        assert len(await reader.read()) < 16 << 20
    writer.close()
    await page.health.drain(0)


@pytest.mark.asyncio
async def test_those_who_scrape_at_once_share_one_text() -> None:
    metrics = Rendered(6)
    page = Page(metrics=metrics, head_seconds=600)
    await page.health.start()
    connections = [await asyncio.open_connection("127.0.0.1", page.health.port()) for _ in range(20)]
    for _, writer in connections:
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    assert {(await reader.read())[-6:] for reader, _ in connections} == {b"######"}
    assert metrics.times < len(connections)
    for _, writer in connections:
        writer.close()
    await page.health.drain(0)


@pytest.mark.asyncio
async def test_a_reason_with_any_bytes_is_an_answer(page: Page) -> None:
    page.why_not = "no \udcff\x1b"
    assert await page.get("/readyz") == ("HTTP/1.1 503 Service Unavailable", "no \\xff\\x1b\n")


@pytest.mark.asyncio
async def test_an_address_that_is_taken_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        health = HealthServer(HostPort("127.0.0.1", taken.getsockname()[1]), Metrics(), lambda: "")
        with pytest.raises(EndpointError, match=r"cannot listen on 127.0.0.1:"):
            await health.start()


@pytest.mark.asyncio
async def test_a_page_of_the_process_s_own_is_served_as_json(page: Page) -> None:
    page.health.add("/more", lambda: b"[1]")
    answer = await page.send(b"GET /more HTTP/1.1\r\n\r\n")
    assert "Content-Type: application/json" in answer
    assert answer.endswith("[1]")
