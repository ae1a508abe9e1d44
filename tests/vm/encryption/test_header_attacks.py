"""Headers that somebody else has written, with real device-mapper: refused before any cryptsetup runs."""

from pathlib import Path

import pytest

from tests.harness.luks_null import null_slot
from tests.integration.node.crafted import hostile_headers
from tests.vm.conftest import MakeGuest
from tests.vm.encryption.calls import Kubelet, serving
from tests.vm.encryption.test_refusals import volume

RAN = "/run/cryptsetup-ran"
WATCH = f"""set -e
program=$(command -v cryptsetup); mv $program $program.real
printf '#!/bin/sh\\necho "$@" >> {RAN}\\nexec '$program'.real "$@"\\n' > $program; chmod 755 $program"""


async def put(kubelet: Kubelet, link: str, header: bytes) -> None:
    """Write the first bytes of a disk."""
    await kubelet.guest.agent.write("/run/header", header)
    await kubelet.shell(f"dd if=/run/header of={link} bs=1M conv=fsync status=none")


@pytest.mark.asyncio
async def test_a_header_that_asks_for_what_no_class_asks_for_is_refused_before_cryptsetup_runs(
    make_node: MakeGuest, tmp_path: Path
) -> None:
    async with serving(await make_node("a"), tmp_path / "a") as kubelet:
        wanted, written = volume(tmp_path), tmp_path / "header"
        await kubelet.attach(wanted)
        await kubelet.shell(WATCH)
        null = null_slot(label=wanted.id, subsystem="aiocsi-new")
        headers = {"a key slot in clear": null}
        for attack in (
            each for each in hostile_headers() if each.name.endswith(" aiocsi")
        ):  # of a volume that was in use
            image = written / f"{wanted.id}.img"  # its name is the label
            image.parent.mkdir(exist_ok=True)
            image.unlink(missing_ok=True)
            image.touch()
            attack.write(image)
            headers[attack.name] = image.read_bytes()
        taken = []
        for name, header in headers.items():
            await put(kubelet, wanted.link, header)
            said = await kubelet.refusal(wanted)
            if not said.startswith("FAILED_PRECONDITION"):
                taken.append((name, said))
        assert taken == []
        assert await kubelet.shell(f"cat {RAN} 2>/dev/null || true; dmsetup ls") == "No devices found\n"
        await put(kubelet, wanted.link, null)
        opened = f"printf anything | cryptsetup open --test-passphrase --key-file - {wanted.link} && echo opened"
        assert await kubelet.shell(opened) == "opened\n", "what is refused is a danger with this cryptsetup"
        assert await kubelet.shell(f"cat {RAN}"), "the watch sees what runs"
