"""With what cryptsetup is run, and what its exit status means to a caller."""

import pytest

from common import errors
from common.encryption import parse
from node.formats import cryptsetup_argv

NO_KEY = "No key available with this passphrase."


def test_a_class_becomes_arguments() -> None:
    asked = parse({"encryption": "luks2", "encryptionDiscards": "true"})
    assert asked is not None
    assert " ".join(cryptsetup_argv.make(asked, "id", "state", "/dev/x")) == (
        "cryptsetup --batch-mode --disable-locks luksFormat --type luks2 --cipher aes-xts-plain64 --key-size 512 "
        "--sector-size 4096 --pbkdf argon2id --pbkdf-memory 65536 --pbkdf-force-iterations 4 "
        "--label id --subsystem state --key-file - /dev/x"
    )
    opened = cryptsetup_argv.open_("/dev/x", "name", discards=asked.discards, read_only=False)
    assert "--allow-discards" in opened
    assert "--readonly" not in opened


def test_discards_are_off_unless_they_are_asked_for() -> None:
    assert "--allow-discards" not in cryptsetup_argv.open_("/dev/x", "name", discards=False, read_only=True)
    assert "--readonly" in cryptsetup_argv.open_("/dev/x", "name", discards=False, read_only=True)


@pytest.mark.parametrize(
    ("status", "said", "kind", "remedy"),
    [
        pytest.param(2, NO_KEY, errors.FailedPrecondition, "encryption-passphrase-old", id="wrong passphrase"),
        pytest.param(2, "Cannot wipe device /dev/x.", errors.OutcomeUnknown, "refuses to be written", id="no right"),
        pytest.param(3, "", errors.Unavailable, "memory limit", id="no memory"),
        pytest.param(5, "", errors.Unavailable, "still uses", id="busy"),
        pytest.param(1, "", errors.OutcomeUnknown, "kernel log", id="anything else"),
    ],
)
def test_an_exit_status_becomes_an_error_with_a_remedy(
    status: int, said: str, kind: type[errors.DriverError], remedy: str
) -> None:
    error = cryptsetup_argv.failure("id", cryptsetup_argv.test("/dev/x"), status, said)
    assert type(error) is kind
    assert remedy in error.remedy
    assert "id" in error.message


def test_each_action_names_its_device_or_mapper_and_no_passphrase() -> None:
    asked = parse({"encryption": "luks2", "encryptionPbkdf": "pbkdf2"})
    assert asked is not None
    program = "cryptsetup --batch-mode --disable-locks"
    key = "--disable-external-tokens --key-file -"
    assert [
        " ".join(argv)
        for argv in (
            cryptsetup_argv.test("/dev/x"),
            cryptsetup_argv.add_key(asked, "/dev/x", "/proc/self/7"),
            cryptsetup_argv.remove_key("/dev/x"),
            cryptsetup_argv.name("id", "state", "/dev/x"),
            cryptsetup_argv.resize("aiocsi-id"),
            cryptsetup_argv.close("aiocsi-id"),
            cryptsetup_argv.remove("aiocsi-id"),
        )
    ] == [
        f"{program} open --test-passphrase --type luks2 {key} /dev/x",
        f"{program} luksAddKey --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 600000 {key} /dev/x /proc/self/7",
        f"{program} luksRemoveKey --type luks2 --key-file - /dev/x",
        f"{program} config --label id --subsystem state /dev/x",
        f"{program} resize {key} aiocsi-id",
        f"{program} close aiocsi-id",
        "dmsetup remove aiocsi-id",
    ]


def test_a_passphrase_that_opens_nothing_has_a_reason_of_its_own() -> None:
    assert cryptsetup_argv.wrong_key("id").reason == "PassphraseRefused"


def test_a_full_header_says_how_to_make_room() -> None:
    argv = cryptsetup_argv.remove_key("/dev/x")
    assert "luksKillSlot" in cryptsetup_argv.failure("id", argv, 1, "All key slots full.").remedy
