"""The command line of QEMU, and what the metadata service's requests become."""

import json
import shlex
from pathlib import Path

import pytest

from localcloud.guests.machine import Image, Machine, Metadata
from localcloud.guests.pipe import addressed

IMAGE = Image(Path("/images/one"))


def value(argv: list[str], option: str, beginning: str = "") -> str:
    (found,) = (argv[n + 1] for n, word in enumerate(argv) if word == option and argv[n + 1].startswith(beginning))
    return found


def test_a_machine_is_always_emulated() -> None:
    assert value(Machine().argv(IMAGE), "-accel").startswith("tcg,")


@pytest.mark.parametrize(("announces", "told"), [(True, "param_change=on"), (False, "param_change=off")])
def test_a_controller_can_be_silent_about_sizes(announces: bool, told: str) -> None:
    argv = Machine(announces_sizes=announces).argv(IMAGE)
    assert told in value(argv, "-device", "virtio-scsi-pci").split(",")


def test_a_droplet_is_told_by_smbios_who_it_is() -> None:
    words = value(Machine(droplet_id=410000001).argv(IMAGE), "-smbios").split(",")
    assert {"manufacturer=DigitalOcean", "serial=410000001"} <= set(words)
    assert "-smbios" not in Machine().argv(IMAGE)


def test_a_machine_has_the_same_devices_with_and_without_the_driver() -> None:
    def devices(machine: Machine) -> list[str]:
        argv = machine.argv(IMAGE)
        return [argv[n + 1] for n, word in enumerate(argv) if word == "-device"]

    assert devices(Machine(driver=Path("/driver.img"))) == devices(Machine())


def test_the_root_keeps_what_was_synced_only_where_it_has_to() -> None:
    def flushes(machine: Machine) -> bool:
        root = json.loads(value(machine.argv(IMAGE), "-blockdev", '{"node-name": "root"'))
        return not root["cache"]["no-flush"]

    assert (flushes(Machine(durable=True)), flushes(Machine())) == (True, False)


def test_a_path_with_odd_characters_reaches_the_metadata_pipe_whole() -> None:
    odd = Path("/state of mine, too/metadata.sock")
    net = value(Machine(metadata=Metadata(odd, "/prefix")).argv(IMAGE), "-netdev")
    command = net.replace(",,", "\0").split(",guestfwd=")[1].replace("\0", ",").partition("-cmd:")[2]
    assert shlex.split(command)[-2:] == [str(odd), "/prefix"]


def test_a_request_gets_its_droplets_path_and_one_answer() -> None:
    asked = b"GET /metadata/v1/id HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"
    assert addressed(asked, b"/droplets/7") == (
        b"GET /droplets/7/metadata/v1/id HTTP/1.1\r\nConnection: close\r\nHost: 169.254.169.254\r\n\r\n"
    )
