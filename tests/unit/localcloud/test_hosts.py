"""What needs no token is refused to pages of other sites, and odd requests are refused in plain words."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools.services import localcloud
from tools.services.localcloud import Api


async def raw(api: Api, *head: str | bytes, path: str = "/_localcloud/faults") -> bytes:
    """Send these header lines; return the reply's status line."""
    split = urlsplit(api.address)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    lines = [line if isinstance(line, bytes) else line.encode() for line in head]
    writer.write(b"\r\n".join([f"GET {path} HTTP/1.1".encode(), *lines, b"Connection: close", b"", b""]))
    async with asyncio.timeout(60):
        status = await reader.readline()
    writer.close()
    return status.split(b" ")[1]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(["Host: evil.example", "Origin: http://evil.example"], b"403", id="rebound name"),
        pytest.param(["Host: evil.example:8080"], b"403", id="rebound name without Origin"),
        pytest.param(["Host: 127.0.0.1:1", "Origin: http://evil.example"], b"403", id="page of another site"),
        pytest.param(["Host: 127.0.0.1:1", "Origin: null"], b"403", id="page without a site"),
        pytest.param(["Host: localhost.evil.example"], b"403", id="begins like localhost"),
        pytest.param(["Host: 127.0.0.1.evil.example"], b"403", id="begins like an address"),
        pytest.param(["Host: "], b"400", id="empty"),
        pytest.param(["Host: :80"], b"400", id="port alone"),
        pytest.param(["Host: [::1"], b"400", id="half an address"),
        pytest.param(["Host: localhost:1", "Origin: http://localhost:1"], b"200", id="localhost"),
        pytest.param(["Host: 192.0.2.7:8080"], b"200", id="address"),
        pytest.param(["Host: [2001:db8::1]:8080"], b"200", id="IPv6 address"),
        pytest.param(["Host: cloud.test"], b"200", id="allowed name"),
    ],
)
async def test_a_name_in_host_is_one_that_was_allowed(tmp_path: Path, head: list[str], status: bytes) -> None:
    async with localcloud.here(tmp_path, "--allowed-hosts=cloud.test,other.test") as api:
        assert await raw(api, *head) == status


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        pytest.param(b"Bearer \xff\xfe", b"401", id="no UTF-8"),
        pytest.param(b"Bearer %s\x00", b"400", id="malformed, with the token"),
    ],
)
async def test_an_authorization_of_odd_bytes_is_refused_and_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, authorization: bytes, status: bytes
) -> None:
    async with localcloud.here(tmp_path) as api:
        header = b"Authorization: " + authorization.replace(b"%s", api.token.encode())
        assert await raw(api, "Host: localhost", header, path="/v2/volumes") == status
        assert api.token not in caplog.text


@pytest.mark.asyncio
async def test_a_number_that_sqlite_cannot_count_is_no_number(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        assert (await api.ask("GET", f"/_localcloud/ledger/effects?after={'9' * 40}")).status == 200


@pytest.mark.asyncio
async def test_the_state_is_private(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path / "state"):
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir() if path.is_file()}
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
        assert set(modes.values()) == {0o600}
