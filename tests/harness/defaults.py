"""What the records of a module say of which they are told nothing."""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from types import ModuleType


def not_empty(*modules: ModuleType) -> dict[str, object]:
    """Return the default values that are not empty: each of them is a claim about something nobody has looked at."""
    return {name: value for module in modules for name, value in _defaults(module) if value}


def _defaults(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, kind in vars(module).items():
        if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__:
            yield from ((f"{name}.{each.name}", each.default) for each in fields(kind) if each.default is not MISSING)
