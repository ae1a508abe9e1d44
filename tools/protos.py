"""Generate the messages and server bases of csi_proto from its .proto files with the betterproto2 compiler.

The compiler makes classes of all that a file imports, and drops options. So it gets a copy of csi.proto without its
options of its own, which need descriptor.proto, and a wrappers.proto with the two messages that CSI uses: 2,700 lines
and half a MiB of every process less. The tests of descriptors and of secrets read csi.proto as it is.
"""

import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from tools.venv import ROOT

PROTO_FOLDER = ROOT / "csi_proto"
PROTOS = ("csi.proto", "pluginregistration.proto")
WRAPPERS = """syntax = "proto3";
package google.protobuf;
// Wrapper message for `bool`.
message BoolValue { bool value = 1; }
// Wrapper message for `int64`.
message Int64Value { int64 value = 1; }
"""
OPTIONS = "server_generation=async,client_generation=none"  # without them: clients only, and synchronous ones


def generate(folder: Path) -> None:
    """Write the generated part of the package to ``folder``/csi_proto. Raises CalledProcessError.

    The compiler formats with ruff, which reads the settings of the folder it runs in: here there are none.
    """
    target = folder / "csi_proto"
    target.mkdir(exist_ok=True)
    sources = folder / "protos"
    _write_sources(sources)
    plugins = str(Path(sys.executable).parent)  # where protoc finds the compiler, and the compiler ruff
    argv = [sys.executable, "-m", "grpc_tools.protoc", f"-I{sources}", f"-I{well_known_protos()}"]
    argv += [f"--python_betterproto2_out={target}", f"--python_betterproto2_opt={OPTIONS}", *PROTOS]
    environment = {**os.environ, "PATH": f"{plugins}:{os.environ['PATH']}"}
    done = subprocess.run(argv, check=False, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
    done.check_returncode()


def pruned(proto: str) -> str:
    """Return the text of a .proto file without options of its own. Raises ValueError if one is left."""
    text = re.sub(r'^import "google/protobuf/descriptor\.proto";\n', "", proto, flags=re.MULTILINE)
    text = re.sub(r"^extend google\.protobuf\.\w+ \{.*?^\}\n", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^ *option \(\w+\) = true;\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\s*\[\s*\(\w+\) = true(?:,\s*\(\w+\) = true)*\s*\]", "", text)
    if left := re.search(r".*\(\w+\) = .*", text):
        raise ValueError(f"an option that cannot be taken out: {left.group().strip()}")
    return text


def _write_sources(folder: Path) -> None:
    wrappers = folder / "google" / "protobuf" / "wrappers.proto"
    wrappers.parent.mkdir(parents=True)
    wrappers.write_text(WRAPPERS)
    for proto in PROTOS:
        (folder / proto).write_text(pruned((PROTO_FOLDER / proto).read_text()))


def descriptor_set(folder: Path, proto: str) -> bytes:
    """Return the FileDescriptorSet of ``folder``/``proto`` and all it imports, as bytes. Raises CalledProcessError."""
    argv = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{well_known_protos()}"]
    argv += ["--include_imports", "--descriptor_set_out=/dev/stdout", proto]
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout


def well_known_protos() -> Path:
    """Return the folder of google/protobuf/*.proto that ships with grpcio-tools."""
    return Path(str(files("grpc_tools"))) / "_proto"
