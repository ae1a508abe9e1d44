"""Keep heavy libraries that no one asked for out of a process: each entry point imports this module first.

betterproto2 imports pydantic when it finds it (8.9 MiB), asyncio imports ssl (4.2 MiB), hashlib loads OpenSSL for what
Python can do itself (3.5 MiB), grpclib looks for google.rpc (2.6 MiB), structlog for rich (4 MiB), and the package
prometheus_client imports an HTTP server in its ``__init__`` though its metrics need none (2.8 MiB, and ssl). Readers
of archives and e-mails come with the question which version betterproto2 has (2.4 MiB) and which plugins pydantic has,
a reader of INI files with environ-config (0.8 MiB), time zones with the JSON form of messages, which no call uses
(1.3 MiB). Each gets on without. It works on the module table alone and touches no library.
"""

import importlib.util
import sys
from datetime import datetime
from types import ModuleType

UNWANTED = ("google.rpc", "rich", "colorama")
COMPRESSORS = ("bz2", "lzma")  # shutil asks for them, for archives that nobody writes: 0.3 MiB of libraries
UNWANTED_ON_A_NODE = ("pydantic", "pydantic_core", "ssl")  # the controller asks a cloud over TLS, and checks its JSON
OPENSSL_HASHES = "_hashlib"
OWN_HASHES = ("_sha2", "_sha256")  # since Python 3.12, before
BETTERPROTO2 = "0.10.0"  # pinned exactly, with the compiler of csi_proto


def shed() -> None:
    """Make a process light that serves no cloud. Raises RuntimeError if what is unwanted was imported before."""
    openssl = [OPENSSL_HASHES] if any(map(importlib.util.find_spec, OWN_HASHES)) else []
    shed_for_all(*UNWANTED_ON_A_NODE, *openssl)


def shed_for_all(*more: str) -> None:
    """Make the import of each unwanted module fail from here on. Raises RuntimeError if one was imported before."""
    unwanted = [*UNWANTED, *more]
    if late := [name for name in unwanted if sys.modules.get(name) is not None]:
        raise RuntimeError(f"imported before the process could be made light: {', '.join(late)}")
    for name in unwanted:
        sys.modules[name] = None  # type: ignore[assignment]  # documented: the import then fails as if absent
    for name in COMPRESSORS:  # what was imported before stays: a program around this one may need it
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # as above
    skip_init("prometheus_client")
    stand_in("environ.secrets")
    stand_in("dateutil", parser=stand_in("dateutil.parser", isoparse=datetime.fromisoformat))
    stand_in("pydantic.plugin._loader", get_plugins=tuple)
    stand_in("betterproto2._version", __version__=BETTERPROTO2, check_compiler_version=lambda _version: None)


def stand_in(name: str, **content: object) -> ModuleType:
    """Let an import of the module ``name`` find ``content``; or what was imported before."""
    module = ModuleType(name)
    vars(module).update(content)
    return sys.modules.setdefault(name, module)


def skip_init(package: str) -> None:
    """Let the modules of ``package`` be imported without its ``__init__``. Does nothing if it was imported before."""
    spec = importlib.util.find_spec(package)
    if package in sys.modules or spec is None:
        return
    module = ModuleType(package)
    module.__spec__ = spec
    module.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[package] = module
