"""Settings' values: what is right is converted, what is wrong is told in one line."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from common import converters, redaction
from common.converters import HostPort, Secret

SECONDS = converters.seconds(0.1, 3600)
INTEGER = converters.integer(1, 16)
CHOICE = converters.choice("json", "console")
UNKNOWABLE = ("", ".", "-", "api..example.com", f"{'a' * 64}.com", f"{'a.' * 127}com", "a b", "[::g]", "a:0", "a:65536")


@pytest.mark.parametrize(
    ("convert", "given", "expected"),
    [
        (SECONDS, "30", 30.0),
        (SECONDS, " 30s ", 30.0),
        (SECONDS, "500ms", 0.5),
        (SECONDS, "1.5 m", 90.0),
        (SECONDS, "1h", 3600.0),
        (SECONDS, 25.0, 25.0),
        (INTEGER, " 16 ", 16),
        (INTEGER, 1, 1),
        (CHOICE, "JSON", "json"),
        (converters.boolean, "Yes", True),
        (converters.boolean, "0", False),
        (converters.boolean, False, False),
        (converters.absolute_path, "/dev", Path("/dev")),
        (converters.absolute_path, None, None),
        (converters.absolute_path, Path("/x"), Path("/x")),
        (converters.host_port, "127.0.0.1:9808", HostPort("127.0.0.1", 9808)),
        (converters.host_port, ":0", HostPort("", 0)),
        (converters.host_port, "[::1]:65535", HostPort("::1", 65535)),
        (converters.host_port, None, None),
        (converters.text, " nyc1 ", "nyc1"),
        (converters.endpoint, " unix:///csi/csi.sock ", "unix:///csi/csi.sock"),
        (converters.endpoint, "/csi/csi.sock", "/csi/csi.sock"),
        (converters.driver_name, "dobs.csi.digitalocean.com", "dobs.csi.digitalocean.com"),
        (converters.driver_name, "x" * 63, "x" * 63),
        (converters.secret, None, None),
        (converters.zone, "nyc1", "nyc1"),
        (converters.zone, "", ""),
        (converters.uid, "6f1f2a0e-58b7-4d0f-9d5c-0a4d3c1f2b3a", "6f1f2a0e-58b7-4d0f-9d5c-0a4d3c1f2b3a"),
        (converters.uid, "6f1f2a0e58b74d0f9d5c0a4d3c1f2b3a", "6f1f2a0e58b74d0f9d5c0a4d3c1f2b3a"),
        (converters.api_root, "https://api.digitalocean.com", "https://api.digitalocean.com/"),
        (converters.api_root, "https://gate.example.com:8443/do/", "https://gate.example.com:8443/do/"),
        (converters.api_root, "http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        (converters.api_root, "http://localhost:8080", "http://localhost:8080/"),
        (converters.api_root, "http://[::1]:8080", "http://[::1]:8080/"),
        (converters.api_root, "http://172.18.0.1:8080/", "http://172.18.0.1:8080/"),
        (converters.api_root, "https://do_gate.example.com.:1", "https://do_gate.example.com.:1/"),
        (converters.metadata_root, "http://169.254.169.254", "http://169.254.169.254/"),
    ],
)
def test_a_right_value_is_converted(convert: Callable[[object], object], given: object, expected: object) -> None:
    assert convert(given) == expected


@pytest.mark.parametrize(
    ("convert", "given"),
    [
        *((SECONDS, text) for text in ("", "x", "-1", "1d", "0", "1h1m", "3601", "1e3", "nan", "inf", "9" * 400)),
        *((INTEGER, text) for text in ("", "0", "17", "1.0", "0x1", "1_0", "\u0661", "9" * 5000)),
        *((CHOICE, text) for text in ("", "xml")),
        *((converters.boolean, text) for text in ("", "maybe", "2")),
        *((converters.absolute_path, text) for text in ("dev", "./dev", "/", "//.", "/a\0b", "/a\x1b[31m", "/a\udcff")),
        *((converters.host_port, text) for text in ("", "9808", "x:", "x:y", "x:65536", "::1:80", "x:-1", "x:\u0661")),
        *((converters.text, text) for text in ("", "  ", "a\nb", "a\x1bb")),
        *(
            (converters.endpoint, text)
            for text in ("", "tcp://1:2", "csi.sock", "unix:///csi/", "/" + "x" * 107, "/a\nb")
        ),
        *((converters.driver_name, text) for text in ("", "-a", "a-", "a_b", "x" * 64, "a/b", "a\n")),
        *((converters.secret, text) for text in ("  ", "two\nlines")),
        *((converters.zone, text) for text in ("NYC1", "nyc 1", "1nyc", "nyc1\n", "<html>", "n" * 40)),
        *((converters.uid, text) for text in ("", "1", "../healthz", "6F1F2A0E-58b7-4d0f-9d5c-0a4d3c1f2b3a", "0" * 33)),
        *((converters.api_root, f"https://{host}/") for host in UNKNOWABLE),
        *((converters.api_root, f"https://api.example.com/{path}") for path in ("v2", "V2/", "v2/volumes")),
        *((converters.metadata_root, text) for text in ("https://169.254.169.254/", "169.254.169.254", "http://")),
    ],
)
def test_a_wrong_value_is_a_value_error_that_says_what_is_right(convert: Callable[[str], object], given: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        convert(given)


def test_a_secret_is_shown_by_nothing_but_reveal() -> None:
    secret = converters.secret(" dop_v1_fedcba ")
    assert secret is not None
    assert secret.reveal() == "dop_v1_fedcba"
    assert "dop" not in f"{secret!r} {secret} {[secret]}"
    assert redaction.scrub("sent dop_v1_fedcba") == "sent ***"
    redaction.forget("dop_v1_fedcba")


def test_a_refused_secret_is_not_told() -> None:
    with pytest.raises(ValueError, match="must be") as refused:
        converters.secret("hush\nhush")
    assert "hush" not in str(refused.value)


def test_host_and_port_are_told_as_they_are_written() -> None:
    assert [str(HostPort("::1", 80)), str(HostPort("", 80)), str(HostPort("a", 1))] == ["[::1]:80", ":80", "a:1"]


def test_no_duration_is_infinite() -> None:
    with pytest.raises(ValueError, match="must be"):
        converters.seconds(0, math.inf)("9" * 400)


def test_a_converted_secret_stays_as_it_is() -> None:
    secret = Secret("dop_v1_aaaa")
    assert converters.secret(secret) is secret
    redaction.forget("dop_v1_aaaa")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param("https://api.digitalocean.com/v2", "without /v2", id="v2"),
        pytest.param("https://api.digitalocean.com/v2/", "without /v2", id="v2 and a slash"),
        pytest.param("http://api.digitalocean.com/", "https://", id="no TLS"),
        pytest.param("http://8.8.8.8/", "https://", id="no TLS, an address"),
        pytest.param("http://127.0.0.1.example.com/", "https://", id="a name that resembles an address"),
        pytest.param("https://user:hush@api.example.com/", "user or password", id="a password"),
        pytest.param("https://hush@api.example.com/", "user or password", id="a user"),
        pytest.param("https://api.example.com/?key=hush", "query or fragment", id="a query"),
        pytest.param("https://api.example.com/?", "query or fragment", id="an empty query"),
        pytest.param("https://api.example.com/#hush", "query or fragment", id="a fragment"),
        pytest.param("https://api.example.com:99999/", "web address", id="a port that is none"),
        pytest.param("https://api.example.com/../x", "path", id="a path that goes up"),
        pytest.param("https://[::1/", "web address", id="half an address"),
        pytest.param("ftp://user:hush@api.example.com/", "must begin with", id="another scheme"),
        pytest.param("https:///", "a host", id="no host"),
        pytest.param("https://api example.com/", "a host", id="a blank"),
        pytest.param("api.digitalocean.com", "must begin with", id="no scheme"),
    ],
)
def test_a_root_of_the_api_that_cannot_work_is_refused_and_not_shown(given: str, words: str) -> None:
    with pytest.raises(ValueError, match="must") as refused:
        converters.api_root(given)
    assert words in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "given", ["dop_v1_0123456789", "https://user:hush@example.com", "h" * 60, "user:hush@host:1", "<html>"]
)
def test_a_wrong_value_that_may_be_a_secret_is_not_shown(given: str) -> None:
    with pytest.raises(ValueError, match="must be") as refused:
        converters.integer(1, 16)(given)
    assert given not in str(refused.value)
    assert redaction.BLANK in str(refused.value)
