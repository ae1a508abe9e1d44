"""Keep heavy libraries that nobody asked for out of a process: the node's entry point imports this module first.

betterproto2 imports pydantic when it finds it (8.9 MiB), asyncio imports ssl (4.2 MiB), hashlib loads OpenSSL for what
Python can do itself (3.5 MiB), grpclib looks for google.rpc (2.6 MiB), structlog for rich, and the package
prometheus_client imports an HTTP server in its ``__init__`` though its metrics need none (2.8 MiB, and ssl). Each
gets on without. It works on the module table alone and touches no library.
"""

import importlib.util
import sys
from types import ModuleType

UNWANTED = ("pydantic", "pydantic_core", "ssl", "google.rpc", "rich", "colorama")
OPENSSL_HASHES = "_hashlib"
OWN_HASHES = ("_sha2", "_sha256")  # since Python 3.12, before


def shed() -> None:
    """Make the import of each unwanted module fail from here on. Raises RuntimeError if one was imported before."""
    unwanted = [*UNWANTED, OPENSSL_HASHES] if any(map(importlib.util.find_spec, OWN_HASHES)) else [*UNWANTED]
    if late := [name for name in unwanted if sys.modules.get(name) is not None]:
        raise RuntimeError(f"imported before the process could be made light: {', '.join(late)}")
    for name in unwanted:
        sys.modules[name] = None  # type: ignore[assignment]  # documented: the import then fails as if absent
    skip_init("prometheus_client")


def skip_init(package: str) -> None:
    """Let the modules of ``package`` be imported without its ``__init__``. Does nothing if it was imported before."""
    spec = importlib.util.find_spec(package)
    if package in sys.modules or spec is None:
        return
    module = ModuleType(package)
    module.__spec__ = spec
    module.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[package] = module
