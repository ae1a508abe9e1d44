"""Settings are read once, checked, and told; what is wrong is one line and exit status 2."""

from collections.abc import Sequence

import environ
import pytest

from common import __version__, converters, redaction, settings
from common.settings import Shared, Variable

TOKEN = "dop_v1_settings"  # noqa: S105  # a made-up one


@environ.config(prefix="AIOCSI", frozen=True)
class Some(Shared):
    """The settings of a made-up program."""

    node_id: str = environ.var(converter=converters.text, help="id of the node")
    limit: int = environ.var(15, converter=converters.integer(1, 16), help="volumes of a node")
    token: converters.Secret | None = environ.var(None, converter=converters.secret, help="token of the API")
    plain: str = environ.var("", help="a text")


def read(variables: dict[str, str], argv: Sequence[str] = ()) -> Some:
    return settings.read(Some, argv, "aiocsi-some", "Does something.", variables)


def read_wrong(capsys: pytest.CaptureFixture[str], variables: dict[str, str], argv: Sequence[str] = ()) -> str:
    with pytest.raises(SystemExit) as ended:
        read(variables, argv)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_what_is_set_is_converted_and_the_rest_has_its_default() -> None:
    some = read({"AIOCSI_NODE_ID": "5", "AIOCSI_LIMIT": "3", "AIOCSI_DRAIN_SECONDS": "1m", "OTHER": "x"})
    assert (some.node_id, some.limit, some.drain_seconds) == ("5", 3, 60.0)
    assert (some.endpoint, some.http_addr, some.log_format) == ("unix:///csi/csi.sock", None, "json")


def test_an_empty_variable_counts_as_unset() -> None:
    assert read({"AIOCSI_NODE_ID": "5", "AIOCSI_LIMIT": "", "AIOCSI_TOKEN": ""}).limit == 15


def test_settings_are_frozen_and_show_no_secret() -> None:
    some = read({"AIOCSI_NODE_ID": "5", "AIOCSI_TOKEN": TOKEN})
    with pytest.raises(AttributeError):
        some.limit = 1
    assert TOKEN not in repr(some)
    assert redaction.scrub(TOKEN) == "***"
    redaction.forget(TOKEN)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({}, "AIOCSI_NODE_ID is not set: id of the node"),
        ({"AIOCSI_NODE_ID": ""}, "AIOCSI_NODE_ID is not set: id of the node"),
        (
            {"AIOCSI_NODE_ID": "5", "AIOCSI_LIMIT": "x"},
            "AIOCSI_LIMIT: must be a whole number from 1 to 16, not 'x'",
        ),
        (
            {"AIOCSI_NODE_ID": "5", "AIOCSI_LIMITT": "3"},
            "unknown setting AIOCSI_LIMITT; did you mean AIOCSI_LIMIT?",
        ),
        (
            {"AIOCSI_NODE_ID": "5", "AIOCSI_LOG_LEVL": "debug"},
            "unknown setting AIOCSI_LOG_LEVL; did you mean AIOCSI_LOG_LEVEL?",
        ),
        (
            {"AIOCSI_NODE_ID": "5", "AIOCSI_TOKEN": "hush\nhush"},
            "AIOCSI_TOKEN: must be one line of printable text",
        ),
    ],
)
def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str], variables: dict[str, str], line: str) -> None:
    assert read_wrong(capsys, variables) == f"aiocsi-some: {line}\n"


@pytest.mark.parametrize("argv", [["--verbose"], ["serve"], ["--help", "x"], ["--version=1"]])
def test_an_unknown_argument_is_refused(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert "unknown argument" in read_wrong(capsys, {"AIOCSI_NODE_ID": "5"}, argv)


def test_a_setting_of_another_program_is_told_and_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert read({"AIOCSI_NODE_ID": "5", "AIOCSI_REGISTRATION_DIR": "/x"}).node_id == "5"
    assert "AIOCSI_REGISTRATION_DIR is set, but this program does not read it" in capsys.readouterr().err


KUBERNETES = {
    "AIOCSI_LIMITS_SERVICE_HOST": "10.0.0.1",
    "AIOCSI_LIMITS_SERVICE_PORT": "80",
    "AIOCSI_LIMITS_SERVICE_PORT_METRICS": "80",
    "AIOCSI_LIMITS_PORT": "tcp://10.0.0.1:80",
    "AIOCSI_LIMITS_PORT_80_TCP_ADDR": "10.0.0.1",
}


def test_variables_that_kubernetes_makes_for_a_service_are_nobodys_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert read({"AIOCSI_NODE_ID": "5", **KUBERNETES, "AIOCSI_LOCALCLOUD_LISTEN": ":1"}).node_id == "5"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("argv", [["--help"], ["-h"]])
def test_help_tells_every_variable_with_its_default(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read({}, argv)
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for expected in ("AIOCSI_NODE_ID (required)", "AIOCSI_LIMIT (default: 15)", "AIOCSI_TOKEN (default: unset)"):
        assert expected in text
    assert all(f"  {variable.name} " in text and variable.help in text for variable in settings.describe(Some))


def test_version_is_told_though_nothing_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read({}, ["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"aiocsi-some {__version__}\n")


def test_variables_are_described_in_their_order() -> None:
    assert settings.describe(Some)[7:9] == [
        Variable("AIOCSI_NODE_ID", "id of the node", required=True, default=""),
        Variable("AIOCSI_LIMIT", "volumes of a node", required=False, default="15"),
    ]


def test_every_shared_default_is_what_its_converter_makes_of_it() -> None:
    some = read({"AIOCSI_NODE_ID": "5"})
    for variable in settings.describe(Shared):
        name = variable.name.removeprefix("AIOCSI_").lower()
        assert str(getattr(some, name)) == (variable.default or "None")
