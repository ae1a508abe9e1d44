"""Settings from the environment: read once, checked, frozen; and told by --help with unit and default.

A program declares a class with environ-config, its converters from ``common.converters``. What is wrong is one line on
stderr and exit status 2. A variable that is set but empty counts as unset, as charts tend to write it.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar, cast

import attrs
import environ

from common import __version__, clouds, converters

PREFIX = "AIOCSI"
CHECK = "--check"
RESEMBLES = 0.85  # of 1: a name this close to a known one is a slip of the keyboard

Settings = TypeVar("Settings")


@environ.config(prefix=PREFIX, frozen=True)
class Shared:
    """What the controller and the node both read; their own classes inherit it."""

    endpoint: str = environ.var(
        "unix:///csi/csi.sock", converter=converters.endpoint, help="socket on which CSI is served, unix:///path"
    )
    driver_name: str = environ.var(
        "dobs.csi.digitalocean.com", converter=converters.driver_name, help="name of the driver, as in StorageClasses"
    )
    cloud: str = environ.var(clouds.DEFAULT, converter=converters.choice(*clouds.CLOUDS), help="the cloud's name")
    log_format: str = environ.var("json", converter=converters.choice("json", "console"), help="json or console")
    log_level: str = environ.var(
        "info", converter=converters.choice("debug", "info", "warning", "error"), help="debug, info, warning or error"
    )
    http_addr: converters.HostPort | None = environ.var(
        None, converter=converters.host_port, help="host:port of /healthz, /readyz and /metrics; unset: not served"
    )
    drain_seconds: float = environ.var(
        25.0,
        converter=converters.seconds(0, 600),
        help="how long calls may take to end after SIGTERM, seconds; less than the pod's termination grace period",
    )


@dataclass(frozen=True)
class Variable:
    """One environment variable, for --help and the reference page."""

    name: str
    help: str
    required: bool
    default: str


def describe(kind: type) -> list[Variable]:
    """Return the variables of a settings class in their order."""
    return [variable for variable, _ in _variables(kind)]


def read(
    kind: type[Settings],
    argv: Sequence[str],
    program: str,
    description: str,
    variables: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings in the environment. Exits: 0 after --help or --version, 2 if something is wrong.

    ``--check`` is left to the program.
    """
    if unknown := [argument for argument in argv if argument not in {"--help", "-h", "--version", CHECK}]:
        _fail(program, f"unknown argument {unknown[0]!r}; settings are environment variables, see --help")
    if "--version" in argv:
        _end(f"{program} {__version__}")
    if set(argv) - {CHECK}:
        _end(usage(kind, program, description))
    given = {name: value for name, value in (os.environ if variables is None else variables).items() if value}
    _judge_names(given, [variable.name for variable in describe(kind)], program)
    _judge_values(kind, given, program)
    return environ.to_config(kind, given)


def usage(kind: type, program: str, description: str) -> str:
    """Return the text of --help."""
    lines = [f"usage: {program} [--help] [--version] [{CHECK}]", "", description, ""]
    lines += [f"{CHECK} tries what it needs, prints a line for each, and ends with 0 if all is there, else with 1.", ""]
    lines += ["Settings, from environment variables:"]
    for variable in describe(kind):
        default = "required" if variable.required else f"default: {variable.default or 'unset'}"
        lines += [f"  {variable.name} ({default})", f"      {variable.help}"]
    return "\n".join(lines)


def _variables(kind: type) -> Iterator[tuple[Variable, "attrs.Attribute[object]"]]:
    entries: list[dict[str, object]] = []

    def keep(found: list[dict[str, object]]) -> str:
        entries.extend(found)
        return ""

    environ.generate_help(kind, formatter=keep)
    for entry, field in zip(entries, attrs.fields(kind), strict=True):
        default = entry.get("default")
        text = "" if default is None else str(default)
        yield Variable(str(entry["var_name"]), str(entry.get("help_str", "")), bool(entry["required"]), text), field


def _judge_names(given: Iterable[str], known: Sequence[str], program: str) -> None:
    """End the process on a misspelt name; tell of other unknown ones, which may be another program's or version's."""
    for name in sorted(given):
        if not name.startswith(f"{PREFIX}_") or name in known or _is_from_kubernetes(name, set(given)):
            continue
        if close := _closest(name, known):
            _fail(program, f"unknown setting {name}; did you mean {close}?")
        if not name.startswith(f"{PREFIX}_LOCALCLOUD_"):
            sys.stderr.write(f"{program}: {name} is set, but this program does not read it\n")


def _closest(name: str, known: Sequence[str]) -> str:
    import difflib  # noqa: PLC0415  # half a MiB that stays, for a message that ends the process

    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=RESEMBLES)), "")


def _is_from_kubernetes(name: str, given: set[str]) -> bool:
    """Tell whether kubelet made the variable for a Service: each has NAME_SERVICE_HOST beside its others."""
    services = [other.removesuffix("_SERVICE_HOST") for other in given if other.endswith("_SERVICE_HOST")]
    return any(name.startswith((f"{service}_SERVICE_", f"{service}_PORT")) for service in services)


def _judge_values(kind: type, given: Mapping[str, str], program: str) -> None:
    for variable, field in _variables(kind):
        if variable.name not in given:
            if variable.required:
                _fail(program, f"{variable.name} is not set: {variable.help}")
            continue
        convert = cast("Callable[[str], object] | None", field.converter) or str
        try:
            convert(given[variable.name])
        except ValueError as error:
            _fail(program, f"{variable.name}: {error}")


def _end(text: str) -> NoReturn:
    sys.stdout.write(f"{text}\n")
    raise SystemExit(0)


def _fail(program: str, text: str) -> NoReturn:
    sys.stderr.write(f"{program}: {text}\n")
    raise SystemExit(2)
