"""A Unix socket belongs to one process, and what is in the way is never guessed."""

import socket
from pathlib import Path

import pytest

from common.sockets import EndpointError, UnixListener, parse


@pytest.mark.parametrize("endpoint", ["unix:///csi/csi.sock", "unix:/csi/csi.sock", "/csi/csi.sock"])
def test_each_way_to_write_an_endpoint_names_the_path(endpoint: str) -> None:
    assert parse(endpoint) == Path("/csi/csi.sock")


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param("", id="empty"),
        pytest.param("csi.sock", id="relative"),
        pytest.param("unix://csi.sock", id="relative with scheme"),
        pytest.param("tcp://127.0.0.1:1", id="TCP"),
        pytest.param("unix:///csi/", id="a folder"),
        pytest.param("unix:///a\0b", id="a zero byte"),
        pytest.param("/" + "x" * 107, id="108 bytes"),
        pytest.param("/" + "ä" * 54, id="109 bytes in 55 characters"),
    ],
)
def test_what_is_no_socket_path_is_refused(endpoint: str) -> None:
    with pytest.raises(EndpointError):
        parse(endpoint)


def test_a_path_of_107_bytes_is_served(tmp_path: Path) -> None:
    path = tmp_path / ("s" * (106 - len(str(tmp_path))))
    UnixListener(parse(str(path))).close()


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "csi.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    UnixListener(path).close()
    assert list(tmp_path.iterdir()) == []


def test_a_socket_that_another_driver_serves_is_not_stolen(tmp_path: Path) -> None:
    path = tmp_path / "csi.sock"
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(str(path))
        live.listen()
        with pytest.raises(EndpointError, match="served by another process"):
            UnixListener(path)
        assert [each.name for each in tmp_path.iterdir()] == ["csi.sock"]


def test_a_lock_that_is_held_is_respected_though_nobody_listens_yet(tmp_path: Path) -> None:
    path = tmp_path / "csi.sock"
    first = UnixListener(path)
    path.unlink()
    with pytest.raises(EndpointError, match="held by another process"):
        UnixListener(path)
    first.close()
    UnixListener(path).close()


def test_a_lock_file_that_a_dead_process_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "csi.sock.lock").touch()
    UnixListener(tmp_path / "csi.sock").close()


@pytest.mark.parametrize("kind", ["file", "folder", "link to a file"])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "csi.sock"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        (tmp_path / "file").write_text("precious")
        path.symlink_to(tmp_path / "file")
    before = path.lstat()
    with pytest.raises(EndpointError, match="is not a socket"):
        UnixListener(path)
    assert path.lstat() == before


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EndpointError, match=r"File exists.*file'"):
        UnixListener(tmp_path / "file" / "csi.sock")


def test_the_socket_of_a_successor_survives_the_end_of_its_predecessor(tmp_path: Path) -> None:
    path = tmp_path / "csi.sock"
    old = UnixListener(path)
    path.unlink()
    (tmp_path / "csi.sock.lock").unlink()
    new = UnixListener(path)
    old.close()
    assert new.is_in_place()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["csi.sock", "csi.sock.lock"]
    new.close()
