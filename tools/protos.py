"""Generate the messages and server bases of csi_proto from its .proto files with the betterproto2 compiler."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from tools.venv import ROOT

PROTO_FOLDER = ROOT / "csi_proto"
PROTOS = ("csi.proto", "pluginregistration.proto")
OPTIONS = "server_generation=async,client_generation=none"  # without them: clients only, and synchronous ones


def generate(folder: Path) -> None:
    """Write the generated part of the package to ``folder``/csi_proto. Raises CalledProcessError.

    The compiler formats with ruff, which reads the settings of the folder it runs in: here there are none.
    """
    target = folder / "csi_proto"
    target.mkdir(exist_ok=True)
    plugins = str(Path(sys.executable).parent)  # where protoc finds the compiler, and the compiler ruff
    argv = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO_FOLDER}", f"-I{well_known_protos()}"]
    argv += [f"--python_betterproto2_out={target}", f"--python_betterproto2_opt={OPTIONS}", *PROTOS]
    environment = {**os.environ, "PATH": f"{plugins}:{os.environ['PATH']}"}
    done = subprocess.run(argv, check=False, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
    done.check_returncode()


def descriptor_set(folder: Path, proto: str) -> bytes:
    """Return the FileDescriptorSet of ``folder``/``proto`` and all it imports, as bytes. Raises CalledProcessError."""
    argv = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{well_known_protos()}"]
    argv += ["--include_imports", "--descriptor_set_out=/dev/stdout", proto]
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout


def well_known_protos() -> Path:
    """Return the folder of google/protobuf/*.proto that ships with grpcio-tools."""
    return Path(str(files("grpc_tools"))) / "_proto"
