"""Waiting for a late device."""

import asyncio
from pathlib import Path

import pytest

from node.host.inotify import DirectoryWatch


@pytest.mark.asyncio
async def test_a_file_that_appears_ends_the_wait(tmp_path: Path) -> None:
    with DirectoryWatch(tmp_path) as watch:
        asyncio.get_running_loop().call_soon((tmp_path / "link").touch)
        async with asyncio.timeout(10):
            await watch.change(60)
        assert (tmp_path / "link").exists()


@pytest.mark.asyncio
async def test_a_file_that_appeared_before_the_wait_is_not_missed(tmp_path: Path) -> None:
    with DirectoryWatch(tmp_path) as watch:
        (tmp_path / "link").touch()
        async with asyncio.timeout(10):
            await watch.change(60)


@pytest.mark.asyncio
async def test_a_folder_that_does_not_exist_yet_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "disk" / "by-id"
    with DirectoryWatch(folder) as watch:
        folder.mkdir(parents=True)
        async with asyncio.timeout(10):
            await watch.change(60)
            (folder / "link").touch()
            await watch.change(60)


@pytest.mark.asyncio
async def test_the_wait_ends_by_itself_when_nothing_changes(tmp_path: Path) -> None:
    with DirectoryWatch(tmp_path) as watch:
        await watch.change(0.01)
