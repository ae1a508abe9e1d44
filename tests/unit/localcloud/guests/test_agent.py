"""The agent's two ends together: the guest's end runs here, on a pair of sockets instead of a port."""

import asyncio
import os
import select
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from localcloud.guests import guest_agent
from localcloud.guests.agent import Agent
from localcloud.guests.errors import GuestError, OrderFailed, ProgramFailed
from localcloud.guests.paths import listening

pytestmark = pytest.mark.asyncio


class GuestsEnd(guest_agent.Agent):
    def wait_for_host(self) -> None:
        raise EOFError

    def send(self, message: dict[str, object]) -> None:
        with suppress(BrokenPipeError):  # the host's end is closed first
            super().send(message)  # type: ignore[no-untyped-call]


@pytest_asyncio.fixture
async def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Agent]:
    monkeypatch.setitem(guest_agent.ORDERS, "settle", lambda **_: {})  # this machine's clock stays as it is
    with listening(tmp_path / "agent") as port:
        made = Agent()
        connecting = asyncio.gather(made.connect(tmp_path / "agent", 30))
        connection, _ = await asyncio.to_thread(port.accept)

        def guest() -> None:
            with suppress(EOFError):
                GuestsEnd(connection.fileno()).serve()  # type: ignore[no-untyped-call]

        others = set(threading.enumerate())
        thread = threading.Thread(target=guest, daemon=True)  # noqa: TID251  # the guest, which has one thread
        thread.start()
        try:
            await connecting
            yield made
        finally:
            await made.close()
            for each in set(threading.enumerate()) - others:
                if each.daemon:  # the guest's, and of its orders and connections; asyncio's own are not
                    await asyncio.to_thread(each.join, 30)
            connection.close()


async def test_a_program_gets_its_input_and_tells_its_output_and_status(agent: Agent) -> None:
    done = await agent.run("sh", "-c", "cat; echo $WORD >&2; exit 3", stdin=b"in", environment={"WORD": "err"})
    assert (done.status, done.stdout, done.stderr) == (3, "in", "err\n")
    with pytest.raises(ProgramFailed, match="status 1"):
        await agent.output("false")


async def test_a_program_that_takes_too_long_is_killed_with_its_children_and_holds_up_no_other(
    agent: Agent, tmp_path: Path
) -> None:
    script = f"sleep 300 & echo $! > {tmp_path / 'pid'}; wait"
    slow = asyncio.gather(agent.run("sh", "-c", script, seconds=1), return_exceptions=True)
    assert await agent.output("echo", "meanwhile") == "meanwhile\n"
    (error,) = await slow
    assert isinstance(error, OrderFailed)
    child = int((tmp_path / "pid").read_text())
    await asyncio.to_thread(_await_end, child)


async def test_a_program_that_takes_too_long_is_told_as_that_however_soon_it_dies(agent: Agent) -> None:
    slow = (agent.run("sleep", "300", seconds=0.1) for _ in range(20))
    errors = await asyncio.gather(*slow, return_exceptions=True)
    assert not [error for error in errors if "still runs" not in str(error)]


async def test_an_order_that_cannot_be_carried_out_says_why(agent: Agent) -> None:
    with pytest.raises(OrderFailed, match="No such file"):
        await agent.run("/no/such/program")
    with pytest.raises(OrderFailed, match="No such file"):
        await agent.read("/no/such/file")


async def test_files_go_both_ways_byte_by_byte(agent: Agent, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    await agent.write(str(path), bytes(range(256)), mode=0o600)
    assert await agent.read(str(path)) == bytes(range(256))
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_server_in_the_guest_is_reached_and_one_that_is_not_there_is_an_end(
    agent: Agent, tmp_path: Path
) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_unix_server(shout, tmp_path / "inside")
    async with server:
        await agent.forward(str(tmp_path / "inside"), tmp_path / "outside")
        await agent.forward(str(tmp_path / "nothing"), tmp_path / "refused")
        for name, expected in (("outside", b"HELLO\n"), ("refused", b"")):
            reader, writer = await asyncio.open_unix_connection(tmp_path / name)
            writer.write(b"hello\n")
            assert await asyncio.wait_for(reader.read(), 30) == expected
            writer.close()


async def test_orders_end_with_the_guest(tmp_path: Path) -> None:
    with listening(tmp_path / "agent") as port:
        made = Agent()
        connecting = asyncio.gather(made.connect(tmp_path / "agent", 30), return_exceptions=True)
        connection = await asyncio.to_thread(port.accept)
        connection[0].close()
        (error,) = await connecting
    assert isinstance(error, GuestError)
    await made.close()


def _await_end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(descriptor):
        assert select.select([descriptor], [], [], 30)[0]
