"""The locked packages: kept once they are fetched; and what happens when one of them can be had nowhere."""

import hashlib
from pathlib import Path

import pytest

from tools.image import debian, pins, root

RIGHT = "what was locked"
PIN = pins.Pin("libssl3", "amd64", "3.0.22-1", hashlib.sha256(RIGHT.encode()).hexdigest(), "pool/main/libssl3.deb")
LOCK = pins.Lock("abc", "20260102T030405Z", (PIN,))
WRITES = "#!/bin/sh\nfor word; do target=$last; last=$word; done\nprintf %s '{0}' >\"$target\"\n"


def store(folder: Path, brings: str) -> debian.Store:
    """Return an empty store, and as its helper a program that brings this for the last file."""
    helper = folder / "helper"
    helper.write_text(WRITES.format(brings))
    helper.chmod(0o755)
    return debian.Store(folder / "debs", str(helper), lambda: ["{archive}/{moment}/{path}"])


def test_a_package_that_was_fetched_is_not_fetched_again(tmp_path: Path) -> None:
    store(tmp_path, RIGHT).fetch([PIN], LOCK.moment)
    debian.Store(tmp_path / "debs", "/no/helper").fetch([PIN], LOCK.moment)


def test_a_release_without_a_locked_package_is_refused_with_what_to_do(tmp_path: Path) -> None:
    empty = store(tmp_path, "what was there instead")
    with pytest.raises(debian.NotLocked, match=r"libssl3 3.0.22-1 \(amd64\): .*make lock-debian"):
        debian.sources(["amd64"], tmp_path / "made", exact=True, lock=LOCK, store=empty)


def test_an_image_to_test_takes_the_newest_packages_then_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = store(tmp_path, "what was there instead")
    found = debian.sources(["amd64"], tmp_path / "made", exact=False, lock=LOCK, store=empty)
    assert found["amd64"].lines == root.ARCHIVE.lines
    assert found["amd64"].of != root.ARCHIVE.of
    assert "NOT THE LOCKED PACKAGES" in capsys.readouterr().err
