"""StorageClass parameters on encryption: what is asked for, and what is refused before a volume is made."""

import pytest

from common import context_keys, encryption, errors
from common.encryption import Encryption

USUAL = Encryption("aes-xts-plain64", 512, "argon2id", 65536, 4, 4096, discards=False)


def test_without_the_parameter_nothing_is_encrypted() -> None:
    assert encryption.parse({"blockSize": "1024", "label": "data"}) is None


def test_only_the_format_has_to_be_named() -> None:
    assert encryption.parse({"encryption": "luks2"}) == USUAL


def test_every_parameter_is_read() -> None:
    given = {
        "encryption": "luks2",
        "encryptionCipher": "serpent-xts-plain64",
        "encryptionKeySize": "256",
        "encryptionPbkdf": "argon2i",
        "encryptionPbkdfMemory": "8192",
        "encryptionPbkdfIterations": "5",
        "encryptionSectorSize": "512",
        "encryptionDiscards": "true",
    }
    assert set(given) == context_keys.ENCRYPTION_PARAMETERS
    assert encryption.parse(given) == Encryption("serpent-xts-plain64", 256, "argon2i", 8192, 5, 512, discards=True)


@pytest.mark.parametrize(
    ("cipher", "bits"),
    [
        ("aes-xts-plain64", 512),
        ("serpent-xts-plain64", 512),
        ("twofish-xts-plain64", 512),
        ("xchacha12,aes-adiantum-plain64", 256),
        ("xchacha20,aes-adiantum-plain64", 256),
    ],
)
def test_each_cipher_has_the_longest_of_its_keys_unless_another_is_asked_for(cipher: str, bits: int) -> None:
    found = encryption.parse({"encryption": "luks2", "encryptionCipher": cipher})
    assert found is not None
    assert (found.cipher, found.key_bits) == (cipher, bits)


def test_pbkdf2_has_iterations_of_its_own_and_no_memory() -> None:
    found = encryption.parse({"encryption": "luks2", "encryptionPbkdf": "pbkdf2"})
    assert found is not None
    assert (found.memory_kib, found.iterations) == (0, 600_000)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"encryption": "luks1"}, id="format"),
        pytest.param({"encryption": ""}, id="an empty value is no wish for a plain volume"),
        pytest.param({"encryption": "true"}, id="yes is no format"),
        pytest.param({"encryptionCipher": "aes-xts-plain64"}, id="not encrypted, and yet a cipher"),
        pytest.param({"encryptionDiscards": "true"}, id="not encrypted, and yet discards"),
        pytest.param({"encryption": "luks2", "encryptionCipher": "aes-ecb"}, id="cipher"),
        pytest.param({"encryption": "luks2", "encryptionCipher": "--help"}, id="an option in place of a cipher"),
        pytest.param({"encryption": "luks2", "encryptionKeySize": "128"}, id="key size"),
        pytest.param(
            {
                "encryption": "luks2",
                "encryptionCipher": "xchacha12,aes-adiantum-plain64",
                "encryptionKeySize": "512",
            },
            id="a key size that the cipher has not",
        ),
        pytest.param({"encryption": "luks2", "encryptionPbkdf": "scrypt"}, id="derivation"),
        pytest.param({"encryption": "luks2", "encryptionPbkdfMemory": "1"}, id="too little memory"),
        pytest.param({"encryption": "luks2", "encryptionPbkdfMemory": "1048577"}, id="more memory than a node has"),
        pytest.param({"encryption": "luks2", "encryptionPbkdfMemory": "64Mi"}, id="memory is a number of KiB"),
        pytest.param(
            {"encryption": "luks2", "encryptionPbkdf": "pbkdf2", "encryptionPbkdfMemory": "65536"},
            id="memory of a derivation that takes none",
        ),
        pytest.param({"encryption": "luks2", "encryptionPbkdfIterations": "3"}, id="too few passes"),
        pytest.param({"encryption": "luks2", "encryptionPbkdfIterations": "1000"}, id="passes of the other kind"),
        pytest.param({"encryption": "luks2", "encryptionSectorSize": "8192"}, id="sector size"),
        pytest.param({"encryption": "luks2", "encryptionDiscards": "yes"}, id="discards"),
        pytest.param({"encryption": "luks2", "blockSize": "1024"}, id="blocks smaller than a sector"),
    ],
)
def test_a_wrong_class_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        encryption.parse(given)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        *(({"encryptionKeySize": "1", "encryptionCipher": f"{cipher}-xts-plain64"}, "one of: 512, 256")
          for cipher in ("aes", "serpent", "twofish")),
        *(({"encryptionKeySize": "1", "encryptionCipher": f"{cipher},aes-adiantum-plain64"}, "one of: 256")
          for cipher in ("xchacha12", "xchacha20")),
        ({"encryptionSectorSize": "1"}, "one of: 4096, 512, 1024, 2048"),
        ({"encryptionPbkdf": "none"}, "one of: argon2id, argon2i, pbkdf2"),
        ({"encryptionPbkdfMemory": "1"}, "a number from 8192 to 1048576"),
        ({"encryptionPbkdfIterations": "1"}, "a number from 4 to 64"),
        ({"encryptionPbkdf": "pbkdf2", "encryptionPbkdfIterations": "1"}, "a number from 1000 to 100000000"),
    ],
)  # fmt: skip
def test_a_refusal_tells_what_is_taken(given: dict[str, str], taken: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=rf"is not {taken} \("):
        encryption.parse({"encryption": "luks2", **given})


def test_blocks_as_small_as_a_sector_are_fine() -> None:
    assert encryption.parse({"encryption": "luks2", "blockSize": "1024", "encryptionSectorSize": "1024"}) is not None


def test_discards_may_be_refused_by_name() -> None:
    found = encryption.parse({"encryption": "luks2", "encryptionDiscards": "false"})
    assert found is not None
    assert not found.discards
