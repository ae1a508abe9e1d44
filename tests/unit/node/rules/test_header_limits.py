"""What a header may say: what its class could have asked for, and nothing that costs or opens more."""

import base64
from dataclasses import replace

import pytest

from common import encryption
from common.encryption import Encryption
from node.formats import luks_header
from node.records.luks import Header
from node.rules import header_limits
from tests.harness import luks

GIB = 1 << 30


def asked(**parameters: str) -> Encryption:
    found = encryption.parse({"encryption": "luks2", **parameters})
    assert found is not None
    return found


CLASS = asked()
COSTLY = {"encryptionPbkdf": "pbkdf2", "encryptionPbkdfIterations": "1000000"}


def header(place: str = "", value: object = None) -> Header:
    found = luks_header.parse(luks.area(luks.metadata(place, value), label="id"))
    assert found is not None
    return found


def problem(found: Header, of_class: Encryption | None = CLASS, *, copied: bool = False) -> str:
    return header_limits.problem(found, of_class, GIB, copied=copied)


def slot(number: int, **kdf: object) -> dict[str, object]:
    made = luks.metadata()["keyslots"]
    assert isinstance(made, dict)
    area = {**made["0"]["area"], "offset": str(32768 + number * 258048)}
    return {**made["0"], "area": area, "kdf": {**made["0"]["kdf"], **kdf}}


SEGMENT, DIGEST = (dict(luks.metadata()[key]["0"]) for key in ("segments", "digests"))  # type: ignore[index]  # JSON
SALTS = {size: base64.b64encode(bytes(size)).decode() for size in (15, 16, 64, 65)}
PBKDF2 = {"type": "pbkdf2", "hash": "sha256", "iterations": 600_000, "salt": "UCPWbWc6dG9T4ClvvMv64A=="}


@pytest.mark.parametrize("of_class", [CLASS, None, asked(encryptionPbkdf="pbkdf2")])
def test_what_the_driver_writes_is_accepted(of_class: Encryption | None) -> None:
    assert not problem(header(), of_class)


def test_a_full_header_of_the_class_is_accepted() -> None:
    assert not problem(header("keyslots", {str(number): slot(number) for number in range(32)}))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param("segments/0/encryption", "cipher_null-ecb", id="a segment that is not encrypted"),
        pytest.param("segments/0/encryption", "aes-ecb", id="a weak cipher"),
        pytest.param("segments/0/encryption", "serpent-xts-plain64", id="another cipher of a class"),
        pytest.param("segments/0/sector_size", 512, id="other sectors"),
        pytest.param("segments/0/type", "linear", id="a segment in clear"),
        pytest.param("segments/0/size", "1048576", id="a segment that ends"),
        pytest.param("segments/0/iv_tweak", "1", id="another offset of the IV"),
        pytest.param("segments/0/offset", "16384", id="a segment over the header"),
        pytest.param("segments/0/offset", str(1 << 40), id="a segment behind the disk"),
        pytest.param("segments/0/offset", "16777217", id="a segment between sectors"),
        pytest.param("segments", {}, id="no segment"),
        pytest.param("keyslots/0/area/encryption", "cipher_null-ecb", id="a key slot that anything opens"),
        pytest.param("keyslots/0/area/encryption", "null", id="a key slot without a cipher"),
        pytest.param("keyslots/0/area/key_size", 1, id="a short key of a key slot"),
        pytest.param("keyslots/0/key_size", 32, id="a shorter key"),
        pytest.param("keyslots/0/key_size", 0, id="no key"),
        pytest.param("keyslots/0/af/stripes", 1, id="a key that is not split"),
        pytest.param("keyslots/0/af/hash", "crc32", id="split by no hash"),
        pytest.param("keyslots/0/area/offset", "0", id="a key slot over the header"),
        pytest.param("keyslots/0/area/offset", "16777216", id="a key slot over the content"),
        pytest.param("keyslots/0/area/size", str(1 << 30), id="a huge key slot"),
        pytest.param("keyslots/1", slot(0), id="two key slots at one place"),
        pytest.param("keyslots/0/kdf/memory", 4 << 20, id="4 GiB"),
        pytest.param("keyslots/0/kdf/memory", 65537, id="more memory than the class"),
        pytest.param("keyslots/0/kdf/memory", 8, id="hardly any memory"),
        pytest.param("keyslots/0/kdf/time", 4_000_000_000, id="for years"),
        pytest.param("keyslots/0/kdf/time", 65, id="more passes than any class"),
        pytest.param("keyslots/0/kdf/cpus", 64, id="more threads"),
        pytest.param("keyslots/0/kdf/salt", "", id="no salt"),
        pytest.param("keyslots/0/kdf/type", "argon2d", id="another derivation"),
        pytest.param("keyslots/0/kdf", {**PBKDF2, "iterations": 1}, id="one pass"),
        pytest.param("keyslots/0/kdf", {**PBKDF2, "iterations": 1 << 32}, id="billions of passes"),
        pytest.param("keyslots/0/kdf", {**PBKDF2, "hash": "md5"}, id="a weak hash"),
        pytest.param("keyslots", {str(n): slot(n, time=64) for n in range(9)}, id="slots that cost too much together"),
        pytest.param("keyslots", {str(n): slot(n) for n in range(33)}, id="more key slots than there can be"),
        pytest.param(
            "keyslots",
            {str(n): {**slot(n), "kdf": {**PBKDF2, "iterations": 10_000_000}} for n in range(2)},
            id="slots of another derivation that cost too much together",
        ),
        pytest.param("segments/1", dict(SEGMENT), id="two segments"),
        pytest.param("digests/1", dict(DIGEST), id="two digests"),
        pytest.param("digests/0/iterations", 1 << 32, id="a digest that takes years"),
        pytest.param("digests/0/hash", "crc32", id="a digest without a hash"),
        pytest.param("digests/0/segments", [], id="a digest of nothing"),
        pytest.param("digests", {}, id="no digest"),
        pytest.param("config/flags", ["allow-discards"], id="discards"),
        pytest.param("config/flags", ["no-journal"], id="a flag that nobody knows"),
        pytest.param("tokens/0", {"type": "luks2-keyring", "keyslots": ["0"], "key_description": "x"}, id="a token"),
        pytest.param("config", None, id="malformed"),
    ],
)
def test_what_the_class_does_not_ask_for_is_refused(place: str, value: object) -> None:
    assert problem(header(place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(("keyslots/0/kdf/salt", SALTS[size]) for size in (16, 64)),
        *(("keyslots/0/kdf/cpus", threads) for threads in (1, 4)),
        *(("keyslots/0/area/size", size) for size in ("256000", "260095")),  # 4000 stripes of 64 bytes, in whole blocks
        *(("digests/0/iterations", passes) for passes in (1000, 10_000_000)),
        *(("keyslots/0/kdf", {**PBKDF2, "hash": "sha512", "iterations": passes}) for passes in (1000, 19_200_000)),
        ("keyslots/0/kdf/memory", 8192),
        ("keyslots/0/af/hash", "sha512"),
        ("digests/0/hash", "sha512"),
        ("config/flags", ["same-cpu-crypt", "submit-from-crypt-cpus", "no-read-workqueue", "no-write-workqueue"]),
    ],
)
def test_what_is_just_within_its_limit_is_accepted(place: str, value: object) -> None:
    assert not problem(header(place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(("keyslots/0/kdf/salt", SALTS[size]) for size in (15, 65)),
        *(("keyslots/0/kdf/cpus", threads) for threads in (0, 5)),
        *(("keyslots/0/area/size", size) for size in ("255999", "260096")),
        *(("digests/0/iterations", passes) for passes in (999, 10_000_001)),
        *(("digests/0/salt", SALTS[size]) for size in (15, 65)),
        *(("keyslots/0/kdf", {**PBKDF2, "iterations": passes}) for passes in (999, 19_200_001)),
        *(("keyslots/0/kdf/memory", kib) for kib in (8191, 65537)),
        ("keyslots/0/kdf/time", 3),
        ("keyslots/0/af/stripes", 3999),
        ("segments/0/offset", str(1 << 30)),
    ],
)
def test_what_is_just_beyond_its_limit_is_refused(place: str, value: object) -> None:
    assert problem(header(place, value))


def test_a_slot_of_another_derivation_is_accepted_at_its_usual_costs() -> None:
    assert not problem(header("keyslots/0/kdf", PBKDF2))
    assert not problem(header(), asked(encryptionPbkdf="pbkdf2", encryptionPbkdfIterations="1000"))


def test_a_class_may_ask_for_more_memory_and_passes() -> None:
    costly = header("keyslots", {"0": slot(0, memory=1 << 20, time=64)})
    assert problem(costly)
    assert not problem(costly, asked(encryptionPbkdfMemory=str(1 << 20), encryptionPbkdfIterations="64"))


@pytest.mark.parametrize(("of_class", "most"), [(asked(**COSTLY), 32_000_000), (None, 100_000_000)])
def test_the_passes_of_all_slots_together_are_those_of_a_full_header(of_class: Encryption | None, most: int) -> None:
    slots = {str(number): {**slot(number), "kdf": {**PBKDF2, "iterations": most // 2}} for number in range(2)}
    assert not problem(header("keyslots", slots), of_class)
    slots["2"] = {**slot(2), "kdf": {**PBKDF2, "iterations": 1000}}
    assert f"more than {most}" in problem(header("keyslots", slots), of_class)


def test_a_copy_keeps_the_cipher_of_its_origin_but_not_one_of_no_class() -> None:
    found = header("segments/0/encryption", "serpent-xts-plain64")
    assert not problem(found, copied=True)
    assert problem(header("segments/0/encryption", "aes-ecb"), copied=True)


def test_discards_are_accepted_where_the_class_allows_them() -> None:
    assert not problem(
        header("config/flags", ["allow-discards", "no-read-workqueue"]), asked(encryptionDiscards="true")
    )


def test_without_a_class_the_limits_are_those_of_all_classes() -> None:
    assert not problem(header("keyslots/0/kdf/memory", 1 << 20), None)
    assert problem(header("keyslots/0/kdf/memory", (1 << 20) + 1), None)
    assert problem(header("keyslots/0/area/encryption", "cipher_null-ecb"), None)


def test_a_header_larger_than_the_disk_is_refused() -> None:
    assert "lies at" in header_limits.problem(header(), CLASS, 16 << 20, copied=False)


def test_a_header_without_a_key_slot_is_judged_by_the_rest() -> None:
    assert not problem(replace(header(), slots=()))


@pytest.mark.parametrize(
    "older",
    [
        pytest.param(header("segments/0/encryption", "cipher_null-ecb"), id="in clear"),
        pytest.param(header("keyslots/0/kdf/memory", 4 << 20), id="of a derivation that takes all memory"),
        pytest.param(replace(header(), slots=(), malformed="it is not JSON"), id="malformed"),
        pytest.param(replace(header(), requires=("online-reencrypt-v2",)), id="of a re-encryption"),
    ],
)
def test_a_header_whose_older_copy_asks_for_more_is_refused(older: Header) -> None:
    assert problem(replace(header(), older=older)).startswith("its older copy is not as it may be: ")


def test_an_older_copy_that_a_power_failure_has_left_is_accepted() -> None:
    header_without_key = replace(header("keyslots", {}), digests=())
    for older in (replace(header(), subsystem="aiocsi-new"), header_without_key):
        assert not problem(replace(header(), older=older))
