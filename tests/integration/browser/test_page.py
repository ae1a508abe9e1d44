"""The embedded cloud's page in headless Chromium: live, by keyboard alone, at four widths, without barriers."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness import browser
from tests.harness.browser import Tab
from tools import axe
from tools.services import localcloud
from tools.services.localcloud import ROOT, Api

pytestmark = [
    pytest.mark.skipif(browser.CHROMIUM is None, reason="needs chromium (Debian package chromium)"),
    pytest.mark.timeout(300),
]

A, B = 410000001, 410000002
WIDTHS = (360, 768, 1280, 1920)
PICTURES = ROOT / "artifacts" / "page"
MOST_NODES = 60  # that one change may touch, of some thousand


@asynccontextmanager
async def page(folder: Path, *options: str, width: int = 1200) -> AsyncIterator[tuple[Api, Tab]]:
    async with localcloud.here(folder / "state", *options) as api, browser.tab(folder / "profile") as tab:
        await tab.open(api.address, width=width)
        await tab.until("document.getElementById('state')?.textContent === 'live'")
        yield api, tab


def text(element_id: str) -> str:
    return f"document.getElementById('{element_id}').innerText"


def chip(volume_id: str) -> str:
    return f"document.querySelector('[data-volume=\"{volume_id}\"]')"


async def reach(tab: Tab, label: str) -> None:
    """Press Tab until the element that has the focus is called that."""
    name = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
    for _ in range(120):
        if await tab.value(f"{name}.startsWith({json.dumps(label)})"):
            return
        await tab.press("Tab", 9)
    pytest.fail(f"Tab does not lead to {label!r}")


async def type_text(tab: Tab, words: str) -> None:
    await tab.command("Input.insertText", text=words)


async def show(tab: Tab, width: int, scheme: str) -> None:
    await tab.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    await tab.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


async def check_layout(tab: Tab) -> None:
    """Nothing is cut off at the side, and each name of a volume is one line."""
    assert await tab.value("document.documentElement.scrollWidth <= innerWidth")
    assert await tab.value("[...document.querySelectorAll('.chip .name')].every((name) => name.clientHeight < 30)")


async def check_barriers(tab: Tab) -> None:
    found = await tab.value("axe.run().then((r) => r.violations.map((v) => `${v.id}: ${v.nodes[0].html}`))")
    assert found == []


async def fill(api: Api, volumes: int) -> None:
    """Make volumes with Kubernetes' names, fifteen at each droplet, and one of each state."""
    ids = [await api.create(f"pvc-{uuid.uuid4()}", 10) for _ in range(volumes)]
    for number, volume_id in enumerate(ids[:30]):
        await api.act(volume_id, "attach", droplet_id=A if number < 15 else B)
    if ids:
        await api.ask("POST", f"/_localcloud/volumes/{ids[0]}/disk", {"writes": "fail"})
        await api.ask("POST", f"/v2/volumes/{ids[1]}/snapshots", {"name": "monday"})


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("volumes", "faults"), [(0, 0), (15, 0), (15, 2), (200, 0)], ids=["empty", "15", "faults", "200"]
)
async def test_nothing_is_cut_off_and_axe_finds_no_barrier(tmp_path: Path, volumes: int, faults: int) -> None:
    async with page(tmp_path, "--rate-hour=5000", "--rate-minute=1000") as (api, tab):
        await fill(api, volumes)
        for kind in ("error", "action_stuck")[:faults]:
            await api.ask("POST", "/_localcloud/faults", {"kind": kind, "times": 1})
        await api.ask("GET", "/v2/account")
        await tab.until(f"document.querySelectorAll('.chip').length === {volumes}")
        await tab.until("document.querySelectorAll('#timeline li').length > 0")
        if volumes:
            await tab.value("document.querySelector('.chip').click()")
        await tab.value(axe.script())
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                await show(tab, width, scheme)
                await check_layout(tab)
                await check_barriers(tab)
                PICTURES.mkdir(parents=True, exist_ok=True)
                name = f"{volumes}-volumes{'-faults' if faults else ''}-{width}-{scheme}.png"
                (PICTURES / name).write_bytes(await tab.picture())
        assert tab.complaints == []


@pytest.mark.asyncio
async def test_a_change_is_seen_without_a_reload(tmp_path: Path) -> None:
    async with page(tmp_path, "--action-latency=60") as (api, tab):
        assert "curl -X POST" in str(await tab.value(text("first-curl")))
        volume_id = await api.create("orders-db", 7, tags=["k8s"])
        await tab.until(f"{chip(volume_id)}?.innerText.includes('7 GiB')")
        await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "attach", "droplet_id": A})
        await tab.until(f"/attaching · [0-9]+ s/.test({chip(volume_id)}.innerText)")
        await api.ask("POST", f"/v2/volumes/{volume_id}/snapshots", {"name": "monday"})
        await tab.until(f"{text('snapshots')}.includes('monday')")
        await tab.until(f"{text('timeline')}.includes('snapshot monday of orders-db')")
        assert await tab.value(text("budget")) == "no limit min · no limit h"
        assert await tab.value("document.title") == "localcloud · 1 volume"
        assert tab.complaints == []


@pytest.mark.asyncio
async def test_by_keyboard_alone_a_volume_is_created_attached_broken_repaired_and_deleted(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        await reach(tab, "New volume")
        await tab.press("Enter", 13)
        await type_text(tab, "orders")
        await tab.press("Enter", 13)
        await tab.until("document.querySelector('.chip')")
        await reach(tab, "orders")
        await tab.press("Enter", 13)
        await tab.press("a", 65)
        await tab.until("document.querySelector('.chip.attached')")
        await reach(tab, "writes fail")
        await tab.press("Enter", 13)
        await tab.until("document.querySelector('.chip.trouble')?.innerText.includes('writes fail')")
        await tab.press("Enter", 13)
        await tab.until("document.querySelector('.chip.attached')")
        await tab.press("d", 68)
        await tab.until("document.querySelector('.free .chip')")
        await tab.press("Tab", 9)
        await reach(tab, "Delete")
        await tab.press("Enter", 13)
        await tab.until("!document.querySelector('.chip')")
        effects = [effect["kind"] for effect in (await api.ask("GET", "/_localcloud/ledger/effects")).parts("effects")]
        assert [kind for kind in effects if kind != "action_started"] == [
            "volume_created",
            "attached",
            "detached",
            "volume_deleted",
        ]


@pytest.mark.asyncio
async def test_a_volume_that_is_dragged_to_a_droplet_is_attached(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        volume_id = await api.create("orders")
        await tab.until(chip(volume_id))
        await tab.value(
            "{ const data = new DataTransfer();"
            f" {chip(volume_id)}.dispatchEvent(new DragEvent('dragstart', {{ dataTransfer: data, bubbles: true }}));"
            f" document.querySelector('[data-key=\"{B}\"]')"
            ".dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); }"
        )
        await tab.until("document.querySelector('.chip.attached')")
        assert (await api.volume(volume_id))["droplet_ids"] == [B]


@pytest.mark.asyncio
async def test_a_preset_is_turned_on_and_off_and_keeps_the_focus_while_it_strikes(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        await reach(tab, "stale lists")
        await tab.press("Enter", 13)
        await tab.until("document.activeElement.getAttribute('aria-pressed') === 'true'")
        await api.ask("GET", "/v2/volumes")
        await tab.until(f"{text('faults')}.includes('struck 1')")
        assert await tab.value("document.activeElement.textContent") == "stale lists"
        assert await tab.value(text("faults-on")) == "1 fault on"
        await tab.press("Enter", 13)
        await tab.until(f"{text('faults')} === ''")
        assert (await api.ask("GET", "/_localcloud/faults")).parts("faults") == []


@pytest.mark.asyncio
async def test_what_a_fault_did_to_a_request_is_in_the_timeline_and_what_is_refused_can_be_filtered(
    tmp_path: Path,
) -> None:
    async with page(tmp_path) as (api, tab):
        await api.ask("POST", "/_localcloud/faults", {"kind": "error", "where": {"method": "DELETE"}})
        volume_id = await api.create("orders")
        await api.ask("DELETE", f"/v2/volumes/{volume_id}")
        await tab.until("document.querySelectorAll('#timeline li').length === 3")
        await tab.value("document.querySelector('[data-filter=refused]').click()")
        (line,) = str(await tab.value("document.querySelector('#timeline').innerText")).split("\n\n")
        assert [word in line for word in ("503", "DELETE volumes/orders", "fault #1: error")] == [True] * 3


@pytest.mark.asyncio
async def test_one_change_among_200_volumes_touches_few_elements(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        await fill(api, 200)
        await tab.until("document.querySelectorAll('.free .chip').length === 170")
        await tab.until(f"{text('snapshots')}.includes('monday')")
        await tab.value(
            "window.touched = 0; new MutationObserver((all) => { window.touched += all.length; })"
            ".observe(document.getElementById('droplets'), { subtree: true, childList: true, attributes: true,"
            " characterData: true })"
        )
        await api.create("one-more")
        await tab.until(f"{text('droplets')}.includes('one-more')")
        touched = await tab.value("window.touched")
        assert isinstance(touched, int)
        assert 0 < touched < MOST_NODES


@pytest.mark.asyncio
async def test_names_are_text_and_never_markup(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        volume_id = await api.create("data")
        await api.ask("POST", f"/v2/volumes/{volume_id}/snapshots", {"name": "<img src=x onerror=alert(1)>"})
        await tab.until(f"{text('snapshots')}.includes('<img')")
        await tab.until(f"{text('timeline')}.includes('<img')")
        assert await tab.value("document.querySelectorAll('img').length") == 0


@pytest.mark.asyncio
async def test_a_refusal_of_the_api_is_said_on_the_page(tmp_path: Path) -> None:
    async with page(tmp_path) as (api, tab):
        await api.act(await api.create("orders"), "attach", droplet_id=A)
        await tab.until("document.querySelector('.chip.attached')")
        await tab.value("document.querySelector('.chip').click(); document.getElementById('delete').click()")
        await tab.until(f"{text('toast')}.includes('409')")


@pytest.mark.asyncio
async def test_the_page_is_live_with_the_cloud_on_it_and_a_cloud_that_went_away_is_said_and_found_again(
    tmp_path: Path,
) -> None:
    keep_first = (
        "new MutationObserver(() => { if (document.getElementById('state')?.textContent === 'live')"
        " window.first ??= document.getElementById('first-curl').textContent; })"
        ".observe(document, { subtree: true, childList: true })"
    )
    async with browser.tab(tmp_path / "profile") as tab:
        async with localcloud.here(tmp_path / "state") as api:
            port = api.address.rstrip("/").rpartition(":")[2]
            await tab.command("Page.addScriptToEvaluateOnNewDocument", source=keep_first)
            await tab.open(api.address)
            await tab.until("window.first !== undefined")
            assert "curl -X POST" in str(await tab.value("window.first"))
        await tab.until("document.getElementById('state').classList.contains('lost')")
        async with localcloud.here(tmp_path / "state", f"--listen=127.0.0.1:{port}"):
            await tab.until("document.getElementById('state').textContent === 'live'")
