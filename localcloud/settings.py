"""Settings of the embedded cloud: from the command line, or else from AIOCSI_LOCALCLOUD_* variables.

Every limit of the original is a setting, and its default is the original's. Source: DigitalOcean documentation.
"""

import argparse
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from localcloud import __version__
from localcloud.latency import Latency, parse_latency

PREFIX = "AIOCSI_LOCALCLOUD_"
REGIONS = ("ams3", "blr1", "fra1", "lon1", "nyc1", "nyc2", "nyc3", "sfo2", "sfo3", "sgp1", "syd1", "tor1")


@dataclass(frozen=True)
class Address:
    """Where to listen. Port 0 takes a free one."""

    host: str
    port: int


@dataclass(frozen=True)
class Settings:
    """What one run of the cloud is told. ``OPTIONS`` explains each."""

    listen: Address
    state: Path
    disks: str
    guest_image: Path | None
    guest_driver: Path | None
    guest_memory: int
    token: str
    allowed_hosts: tuple[str, ...]
    droplets: int
    region: str
    storageless_regions: tuple[str, ...]
    ephemeral: bool
    action_latency: Latency
    request_latency: Latency
    seed: int
    faults: Path | None
    time_scale: float
    account_actions: bool
    early_attachments: bool
    account_volumes: int
    droplet_volumes: int
    volume_snapshots: int
    snapshot_interval: float
    largest_volume_gib: int
    longest_name: int
    rate_hour: int
    rate_minute: int


@dataclass(frozen=True)
class Option:
    """One setting: its default as text, how it is read, and what it means, with the unit."""

    default: str
    read: Callable[[str], object]
    help: str


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 1 << 16):
        raise ValueError("must be HOST:PORT")
    return Address(host.strip("[]"), int(port))


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = _integer(text)
        if number < least:
            raise ValueError(f"must be {least} or more")
        return number

    return read


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None


def _positive(text: str) -> float:
    number = _number(text)
    if not (math.isfinite(number) and number > 0):
        raise ValueError("must be more than 0")
    return number


def _seconds(text: str) -> float:
    number = _number(text)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError("must be 0 or more")
    return number


def _disks(text: str) -> str:
    if text not in {"", "loop", "qemu", "none"}:
        raise ValueError("must be loop, qemu or none")
    return text or ("loop" if os.geteuid() == 0 else "none")


def _region(text: str) -> str:
    if text not in REGIONS:
        raise ValueError(f"must be one of {', '.join(REGIONS)}")
    return text


def _regions(text: str) -> tuple[str, ...]:
    return tuple(_region(slug) for slug in text.split(",") if slug)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("must be true or false")
    return text == "true"


def _file(text: str) -> Path | None:
    return Path(text) if text else None


def _token(text: str) -> str:
    if not re.fullmatch(r"[!-~]*", text):
        raise ValueError("must be printable ASCII without spaces")
    return text


OPTIONS: Mapping[str, Option] = {
    "listen": Option("127.0.0.1:8080", _address, "HOST:PORT to listen on; port 0 takes a free one"),
    "state": Option(".localcloud", Path, "folder of all state: database, disks, token"),
    "disks": Option(
        "",
        _disks,
        "loop: sparse files on loop devices, needs root; qemu: each droplet a virtual machine; none: the API alone; "
        "empty: loop for root, none for others",
    ),
    "guest_image": Option("", _file, "with qemu: folder of the droplets' image, as make droplets makes it"),
    "guest_driver": Option("", _file, "with qemu: image of the driver that each droplet sees; empty: none"),
    "guest_memory": Option("384", _whole(256), "with qemu: memory of a droplet, MiB"),
    "token": Option("", _token, "the API token; empty: the one kept in the state folder, made when it is not there"),
    "allowed_hosts": Option(
        "", _names, "names in Host, besides localhost and IP addresses, under which it is used; separated by commas"
    ),
    "droplets": Option("2", _whole(0), "how many droplets exist after the very first start"),
    "region": Option("nyc1", _region, "region of these droplets"),
    "storageless_regions": Option("sfo2", _regions, "regions without volumes, separated by commas"),
    "ephemeral": Option("false", _flag, "true: delete the state folder on SIGTERM or SIGINT"),
    "action_latency": Option("1", parse_latency, "how long an action takes, seconds: N, LOW-HIGH, or cloudlike"),
    "request_latency": Option("0", parse_latency, "how long a request takes, seconds: N, LOW-HIGH, or cloudlike"),
    "seed": Option("1", _integer, "seed of everything that is random: latencies and faults"),
    "faults": Option("", _file, "JSON file with a list of fault rules to start with"),
    "time_scale": Option("1", _positive, "how many times faster the cloud's windows and durations pass"),
    "account_actions": Option("true", _flag, "true: the account's list of actions has the volumes' too"),
    "early_attachments": Option("false", _flag, "true: droplet_ids of a volume change when an action starts"),
    "account_volumes": Option("0", _whole(0), "most volumes of the account; 0: no limit"),
    "droplet_volumes": Option("15", _whole(0), "most volumes attached to one droplet"),
    "volume_snapshots": Option("25", _whole(0), "most snapshots of one volume"),
    "snapshot_interval": Option("600", _seconds, "least time between two snapshots of a volume, seconds; 0: none"),
    "largest_volume_gib": Option("16384", _whole(1), "largest volume, GiB"),
    "longest_name": Option("64", _whole(1), "longest name of a volume, characters"),
    "rate_hour": Option("5000", _whole(0), "requests an hour; 0: no limit"),
    "rate_minute": Option("250", _whole(0), "requests a minute; 0: no limit"),
}


def read(argv: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Return the settings. Exits with status 2 and one line on stderr if one of them is wrong."""
    parser = _parser()
    given = vars(parser.parse_args(argv))
    values: dict[str, object] = {}
    for name, option in OPTIONS.items():
        text = given[name] if given[name] is not None else environment.get(PREFIX + name.upper(), option.default)
        try:
            values[name] = option.read(text)
        except ValueError as error:
            parser.exit(2, f"aiocsi-localcloud: {_flag_of(name)} {text!r}: {error}\n")
    return Settings(**values)  # type: ignore[arg-type]  # each option's reader makes its field's type


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aiocsi-localcloud",
        allow_abbrev=False,
        description="A cloud on this machine: the block-storage part of the DigitalOcean API.",
        epilog=f"Each option can be set by a variable too: {PREFIX}LISTEN and so on; the option wins.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    for field in fields(Settings):
        option = OPTIONS[field.name]
        told = f"{option.help} (default: {option.default or 'empty'})"
        if option.read is _flag:
            parser.add_argument(_flag_of(field.name), nargs="?", const="true", metavar="BOOL", help=told)
        else:
            parser.add_argument(_flag_of(field.name), metavar=field.name.upper(), help=told)
    return parser


def _flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")
