"""The command: what it says to a person, and where a package is missing."""

import sys
from pathlib import Path

import pytest

from localcloud import serving, settings
from localcloud.lifecycle import running
from tools.processes import run as tools

WITHOUT = "import sys; sys.modules[{!r}] = None; from localcloud.__main__ import main; sys.exit(main([]))"


@pytest.mark.asyncio
async def test_a_person_is_told_the_page_the_droplets_and_what_a_client_needs(tmp_path: Path) -> None:
    words = ["--listen=127.0.0.1:0", f"--state={tmp_path}", "--disks=none", "--token=a-token"]
    async with running(settings.read(words, {})) as cloud:
        said = serving.greeting(cloud)
    url = cloud.address.rstrip("/")
    for fact in (f"page      {url}/", "droplet-1 (410000001)", str(tmp_path), f"DIGITALOCEAN_API_URL={url}", "a-token"):
        assert fact in said


@pytest.mark.parametrize("package", ["aiohttp", "pydantic"])
def test_a_package_that_is_missing_is_named_with_what_to_type(package: str) -> None:
    said = tools.complaint(sys.executable, "-c", WITHOUT.format(package), status=1)
    assert said == f"aiocsi-localcloud needs the package {package}: pip install 'aiocsi[localcloud]'\n"


def test_without_an_option_only_root_gets_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    for user, disks in ((0, "loop"), (1000, "none")):
        monkeypatch.setattr("os.geteuid", lambda user=user: user)
        assert settings.read([], {}).disks == disks
