"""LUKS headers, as cryptsetup writes them."""

import json
import shutil
from pathlib import Path

import pytest

from common import encryption
from node.formats import cryptsetup_argv, luks_header
from node.records.luks import Digest, Header, KeySlot, Segment
from node.rules import header_limits
from tests.harness import luks
from tools.processes.run import run

SIZE = 32 << 20
ID = "9f1c2d3e-0a1b-4c5d-8e7f-001122334455"

SLOT = KeySlot(
    key_bits=512,
    cipher="aes-xts-plain64",
    cipher_key_bits=512,
    at=32768,
    size=258048,
    stripes=4000,
    split_hash="sha256",
    pbkdf="pbkdf2",
    pbkdf_hash="sha256",
    memory_kib=0,
    iterations=1000,
    threads=1,
    salt_bytes=32,
)
SEGMENT = Segment("crypt", 16 << 20, 0, 0, "aes-xts-plain64", 4096)
DIGEST = Digest("pbkdf2", "sha256", 1000, 32, ("0",))

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
    assert found == Header(2, ID, "aiocsi-new", found.uuid, (SLOT,), (SEGMENT,), (DIGEST,))
    assert found.payload_at == 16 << 20


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


def test_the_older_copy_is_told_since_cryptsetup_takes_it_if_it_finds_the_newer_one_wrong(tmp_path: Path) -> None:
    wrong = luks.metadata("config/keyslots_size", "1")
    hostile = luks.metadata("segments/0/encryption", "cipher_null-ecb")
    newer = luks.header_copy(json.dumps(wrong).encode(), label=ID, subsystem="aiocsi", sequence=9, at=0x4000)
    older = luks.header_copy(json.dumps(hostile).encode(), label=ID, subsystem="aiocsi", sequence=8)
    file = tmp_path / "disk"
    file.write_bytes((older + newer).ljust(SIZE, b"\0"))
    assert "cipher: cipher_null-ecb" in run("cryptsetup", "--disable-locks", "luksDump", str(file))
    found = luks_header.parse(older + newer)
    assert found is not None
    assert found.segments[0].cipher == "aes-xts-plain64"
    assert found.older is not None
    assert found.older.segments[0].cipher == "cipher_null-ecb"


@pytest.mark.parametrize("sequence", [1 << 56, 1 << 48, 2])
def test_a_copy_is_newer_by_each_byte_of_its_sequence(sequence: int) -> None:
    written = json.dumps(luks.metadata()).encode()
    newer = luks.header_copy(written, label=ID, subsystem="newer", sequence=sequence)
    older = luks.header_copy(written, label=ID, subsystem="older", sequence=1, at=0x4000)
    found = luks_header.parse(newer + older)
    assert found is not None
    assert found.subsystem == "newer"


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"encryptionPbkdfMemory": "8192"}, id="argon2id"),
        pytest.param({"encryptionPbkdf": "argon2i", "encryptionPbkdfMemory": "8192"}, id="argon2i"),
        pytest.param({"encryptionPbkdf": "pbkdf2", "encryptionPbkdfIterations": "1000"}, id="pbkdf2"),
        pytest.param({"encryptionKeySize": "256", "encryptionPbkdfMemory": "8192"}, id="a shorter key"),
        pytest.param({"encryptionSectorSize": "512", "encryptionPbkdfMemory": "8192"}, id="small sectors"),
    ],
)
def test_what_cryptsetup_writes_for_a_class_is_what_the_class_makes(tmp_path: Path, parameters: dict[str, str]) -> None:
    asked = encryption.parse({"encryption": "luks2", **parameters})
    assert asked is not None
    file, new_key = tmp_path / "disk", tmp_path / "key"
    new_key.write_bytes(b"another-passphrase")
    with file.open("wb") as disk:
        disk.truncate(SIZE)
    for argv in (
        cryptsetup_argv.make(asked, ID, "aiocsi-new", str(file)),
        cryptsetup_argv.add_key(asked, str(file), str(new_key)),
        cryptsetup_argv.name(ID, "aiocsi", str(file)),
    ):
        run(*argv, stdin=b"a-passphrase")
        found = luks_header.parse(file.read_bytes()[: luks_header.HEAD_BYTES])
        assert found is not None
        assert not header_limits.problem(found, asked, SIZE, copied=False)
    run(*cryptsetup_argv.remove_key(str(file)), stdin=b"a-passphrase")
    run(*cryptsetup_argv.test(str(file)), stdin=b"another-passphrase")


def test_a_header_of_the_first_version_is_told_apart(tmp_path: Path) -> None:
    assert luks_header.parse(made(tmp_path / "disk", "luks1")) == Header(version=1)


@pytest.mark.parametrize("content", [b"", bytes(luks_header.HEAD_BYTES), b"LUKS\xba\xbe\0\2" + bytes(9000)])
def test_what_is_no_header_is_none(content: bytes) -> None:
    assert luks_header.parse(content) is None


def test_a_copy_that_cryptsetup_would_find_elsewhere_is_not_judged_by_another_one() -> None:
    """A primary of 32 KiB has its second copy at 32 KiB; a decoy at 16 KiB must not stand for it."""
    written = b"{}".ljust(12288, b"\0")
    decoy = luks.header_copy(written, label=ID, subsystem="aiocsi", sequence=9, at=0x4000)
    for primary in (
        luks.header_copy(written, label=ID, subsystem="aiocsi", sequence=1, size=0x8000),
        luks.header_copy(written, label=ID, subsystem="aiocsi", sequence=1, by="sha512"),
    ):
        found = luks_header.parse(primary[:0x4000] + decoy)
        assert found is not None
        assert found == Header(version=2, malformed=found.malformed)
        assert found.malformed
