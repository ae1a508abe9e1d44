"""LUKS headers, as cryptsetup writes them."""

import shutil
from pathlib import Path

import pytest

from node.formats import luks_header
from node.records.probes import Header
from tests.harness.tools import run

SIZE = 32 << 20
ID = "9f1c2d3e-0a1b-4c5d-8e7f-001122334455"

pytestmark = pytest.mark.skipif(shutil.which("cryptsetup") is None, reason="needs cryptsetup-bin")


def cryptsetup(*argv: str) -> None:
    run("cryptsetup", "--batch-mode", "--disable-locks", *argv, stdin=b"a-passphrase")


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The head of a file with a header."""
    file = tmp_path_factory.mktemp("luks") / "disk"
    return made(file, "luks2", "--label", ID, "--subsystem", "aiocsi-new")


def made(file: Path, kind: str, *more: str) -> bytes:
    with file.open("wb") as disk:
        disk.truncate(SIZE)
    quick = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    cryptsetup("luksFormat", "--type", kind, *quick, *more, "--key-file", "-", str(file))
    return file.read_bytes()[: luks_header.HEAD_BYTES]


def test_a_header_says_whose_it_is_and_how_far_it_has_come(head: bytes) -> None:
    found = luks_header.parse(head)
    assert found is not None
    assert len(found.uuid) == 36
    assert found == Header(2, ID, "aiocsi-new", found.uuid, slots=1, payload_at=16 << 20)


def test_a_torn_copy_is_left_out_and_the_other_one_read(head: bytes) -> None:
    first, second = bytearray(head), bytearray(head)
    first[5000] ^= 1
    second[0x4000 + 5000] ^= 1
    both = bytearray(first)
    both[0x4000 + 5000] ^= 1
    assert luks_header.parse(bytes(first)) == luks_header.parse(bytes(second)) == luks_header.parse(head)
    assert luks_header.parse(bytes(both)) is None


def test_the_newer_copy_counts(tmp_path: Path) -> None:
    file = tmp_path / "disk"
    before = made(file, "luks2", "--label", ID, "--subsystem", "aiocsi-new")
    cryptsetup("config", "--label", ID, "--subsystem", "aiocsi", str(file))
    after = file.read_bytes()[: luks_header.HEAD_BYTES]
    torn = before[:0x4000] + after[0x4000:]  # the power failed between the two
    found = luks_header.parse(torn)
    assert found is not None
    assert found.subsystem == "aiocsi"


def test_a_header_of_the_first_version_is_told_apart(tmp_path: Path) -> None:
    assert luks_header.parse(made(tmp_path / "disk", "luks1")) == Header(version=1)


@pytest.mark.parametrize("content", [b"", bytes(luks_header.HEAD_BYTES), b"LUKS\xba\xbe\0\2" + bytes(9000)])
def test_what_is_no_header_is_none(content: bytes) -> None:
    assert luks_header.parse(content) is None
