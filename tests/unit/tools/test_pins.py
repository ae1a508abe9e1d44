"""The lock of Debian's packages: what it says, how it is read from an archive's index, and what a new one changes."""

from tools.image import debian, debian_packages, pins
from tools.image.pins import Lock, Pin

LIBSSL = Pin("libssl3", "amd64", "3.0.22-1", "5e" * 32, "pool/updates/main/o/openssl/libssl3_3.0.22-1_amd64.deb")
DATA = Pin("mount-data", "all", "2:1.0", "6f" * 32, "pool/main/m/mount/mount-data_1.0_all.deb")
INDEX = f"""\
Package: libssl3
Source: openssl
Version: 3.0.22-1
Architecture: amd64
Description: Secure Sockets Layer toolkit
 Version: of something else
Filename: {LIBSSL.path}
SHA256: {LIBSSL.sha256}

Package: mount-data
Version: 2:1.0
Architecture: all
Filename: {DATA.path}
SHA256: {DATA.sha256}
"""


def test_a_lock_that_is_written_is_read_as_it_was() -> None:
    lock = Lock("abc", "20260102T030405Z", (LIBSSL, DATA))
    assert pins.read(pins.written(lock)) == lock


def test_the_packages_of_an_index_are_found_by_their_hash() -> None:
    assert pins.indexed(INDEX) == {LIBSSL.sha256: LIBSSL, DATA.sha256: DATA}


def test_an_architecture_has_its_own_packages_and_those_for_all() -> None:
    other = Pin("libssl3", "arm64", "3.0.22-1", "70" * 32, "pool/x")
    assert Lock("abc", "x", (LIBSSL, other, DATA)).of("amd64") == [LIBSSL, DATA]


def test_a_security_update_is_in_the_archive_of_security() -> None:
    assert (LIBSSL.archive, DATA.archive) == ("debian-security", "debian")


def test_a_change_of_the_lock_is_told_package_by_package() -> None:
    newer = Pin("libssl3", "amd64", "3.0.23-1", "71" * 32, "pool/x")
    added = Pin("more", "all", "1", "72" * 32, "pool/y")
    assert pins.changes([LIBSSL, DATA], [newer, added]) == [
        "libssl3 (amd64): 3.0.22-1 -> 3.0.23-1",
        "more (all): new -> 1",
        "mount-data (all): 2:1.0 -> gone",
    ]


def test_the_lock_in_the_tree_is_made_of_the_image_s_packages_for_both_machines() -> None:
    lock = pins.read(debian.LOCK.read_text())
    assert lock.made_from == pins.digest(debian_packages()), "run `make lock-debian`"
    for architecture in debian.ARCHITECTURES:
        assert set(debian_packages()) <= {pin.name for pin in lock.of(architecture)}
    assert all(len(pin.sha256) == 64 for pin in lock.pins)
