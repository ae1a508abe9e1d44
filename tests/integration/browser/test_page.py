"""The embedded cloud's page in headless Chromium: live, by keyboard, and at phone width."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness import browser, localcloud
from tests.harness.browser import Tab
from tests.harness.localcloud import Api

pytestmark = [
    pytest.mark.skipif(browser.CHROMIUM is None, reason="needs chromium (Debian package chromium)"),
    pytest.mark.timeout(180),
]

A = 410000001


@asynccontextmanager
async def page(folder: Path, *options: str, width: int = 1200) -> AsyncIterator[tuple[Api, Tab]]:
    async with localcloud.here(folder / "state", *options) as api, browser.tab(folder / "profile") as tab:
        await tab.open(api.address, width=width)
        await tab.until("document.getElementById('state')?.textContent === 'live'")
        yield api, tab


def text(element_id: str) -> str:
    return f"document.getElementById('{element_id}').innerText"


@pytest.mark.asyncio
async def test_a_change_is_seen_without_a_reload(tmp_path: Path) -> None:
    async with page(tmp_path, "--action-latency=60") as (api, tab):
        await tab.until(f"{text('volumes')}.includes('none')")
        volume_id = await api.create("orders-db", 7, tags=["k8s"])
        await tab.until(f"{text('volumes')}.includes('orders-db')")
        assert "7 GiB" in str(await tab.value(text("volumes")))
        await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "attach", "droplet_id": A})
        await tab.until(f"{text('actions')}.includes('attach')")
        await api.ask("POST", f"/v2/volumes/{volume_id}/snapshots", {"name": "monday"})
        await tab.until(f"{text('snapshots')}.includes('monday')")
        await tab.until(f"{text('budget')}.includes('no limit')")
        assert tab.complaints == []


@pytest.mark.asyncio
async def test_an_attached_volume_stands_with_its_droplet(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        await api.act(await api.create("orders-db"), "attach", droplet_id=A)
        await tab.until(f"{text('droplets')}.includes('orders-db')")
        assert "droplet-1" in str(await tab.value(text("volumes")))


@pytest.mark.asyncio
async def test_a_fault_is_turned_on_and_off_by_keyboard_alone(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        for _ in range(30):
            await tab.press("Tab", 9)
            if await tab.value("document.activeElement.textContent") == "actions never end":
                break
        await tab.press("Enter", 13)
        await tab.until(f"{text('faults')}.includes('action_stuck')")
        (fault,) = (await api.ask("GET", "/_localcloud/faults")).parts("faults")
        assert fault["strikes"] == 0
        await tab.press("Tab", 9)
        assert await tab.value("document.activeElement.getAttribute('aria-label')") == "Turn off action_stuck"
        await tab.press("Enter", 13)
        await tab.until(f"{text('faults')}.includes('none')")
        assert (await api.ask("GET", "/_localcloud/faults")).parts("faults") == []


@pytest.mark.asyncio
async def test_nothing_is_cut_off_at_phone_width(tmp_path: Path) -> None:
    async with page(tmp_path, width=360) as (api, tab):
        await api.create("a" * 64, tags=["a-tag-that-is-rather-long-too"])
        await tab.until(f"{text('volumes')}.includes('aaaa')")
        assert await tab.value("document.documentElement.scrollWidth <= 360") is True
        label = "getComputedStyle(document.querySelector('#volumes td'), '::before').content"
        assert await tab.value(label) == '"Name"'


@pytest.mark.asyncio
async def test_names_are_text_and_never_markup(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        volume_id = await api.create("data")
        await api.ask("POST", f"/v2/volumes/{volume_id}/snapshots", {"name": "<img src=x onerror=alert(1)>"})
        await tab.until(f"{text('snapshots')}.includes('<img')")
        assert await tab.value("document.querySelectorAll('img').length") == 0


@pytest.mark.asyncio
async def test_a_cloud_that_went_away_is_said_and_found_again(tmp_path: Path) -> None:
    async with browser.tab(tmp_path / "profile") as tab:
        async with localcloud.here(tmp_path / "state") as api:
            port = api.address.rstrip("/").rpartition(":")[2]
            await tab.open(api.address)
            await tab.until("document.getElementById('state')?.textContent === 'live'")
        await tab.until("document.getElementById('state').classList.contains('lost')")
        async with localcloud.here(tmp_path / "state", f"--listen=127.0.0.1:{port}"):
            await tab.until("document.getElementById('state').textContent === 'live'")
