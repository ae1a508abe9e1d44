"""Settings: the option wins over the variable, and a wrong value is one line."""

from pathlib import Path

import pytest

from localcloud.latency import Latency
from localcloud.settings import OPTIONS, Address, read


def test_an_option_wins_over_its_variable() -> None:
    environment = {"AIOCSI_LOCALCLOUD_DROPLETS": "5", "AIOCSI_LOCALCLOUD_STATE": "/elsewhere"}
    settings = read(["--droplets=7"], environment)
    assert (settings.droplets, settings.state) == (7, Path("/elsewhere"))


def test_the_limits_are_the_originals_unless_it_is_said_otherwise() -> None:
    settings = read([], {})
    assert (settings.droplet_volumes, settings.volume_snapshots, settings.snapshot_interval) == (15, 25, 600.0)
    assert (settings.rate_hour, settings.rate_minute, settings.largest_volume_gib) == (5000, 250, 16384)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("127.0.0.1:80", Address("127.0.0.1", 80), id="IPv4"),
        pytest.param("[::1]:8080", Address("::1", 8080), id="IPv6"),
        pytest.param("localhost:0", Address("localhost", 0), id="name, free port"),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: Address) -> None:
    assert read([f"--listen={text}"], {}).listen == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1.5", Latency(1.5, 1.5), id="fixed"),
        pytest.param("1-4", Latency(1, 4), id="evenly spread"),
        pytest.param("cloudlike", Latency(0, 0, cloudlike=True), id="cloudlike"),
    ],
)
def test_a_latency_is_fixed_spread_or_cloudlike(text: str, expected: Latency) -> None:
    assert read([f"--action-latency={text}"], {}).action_latency == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("listen", "8080"),
        ("listen", "localhost:99999"),
        ("disks", "tape"),
        ("droplets", "-1"),
        ("droplets", "many"),
        ("region", "mars1"),
        ("storageless_regions", "nyc1,mars1"),
        ("ephemeral", "maybe"),
        ("action_latency", "4-1"),
        ("action_latency", "-1"),
        ("action_latency", "nan"),
        ("time_scale", "0"),
        ("time_scale", "inf"),
        ("token", "two words"),
        ("snapshot_interval", "-1"),
    ],
)
def test_a_wrong_value_is_one_line_and_exit_status_2(name: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read([], {f"AIOCSI_LOCALCLOUD_{name.upper()}": text})
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1)
    assert f"--{name.replace('_', '-')}" in said


@pytest.mark.parametrize(
    ("option", "said"),
    [
        pytest.param("--droplets=many", "must be a whole number", id="no whole number"),
        pytest.param("--seed=x", "must be a whole number", id="no seed"),
        pytest.param("--time-scale=fast", "must be a number", id="no number"),
        pytest.param("--action-latency=fast", "must be N, LOW-HIGH or cloudlike, in seconds", id="no duration"),
        pytest.param("--stat=x", "unrecognized arguments: --stat=x", id="abbreviated"),
    ],
)
def test_a_wrong_option_is_named_in_plain_words(option: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read([option], {})
    assert (ended.value.code, said in capsys.readouterr().err) == (2, True)


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read(["--help"], {})
    said = capsys.readouterr().out
    assert [name for name in OPTIONS if f"--{name.replace('_', '-')}" not in said] == []
