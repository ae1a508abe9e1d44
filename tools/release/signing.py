"""Signatures by cosign with a key of ours, without a transparency log. COSIGN_PASSWORD is the key's password."""

import os
import subprocess
from pathlib import Path

from tools import go_programs
from tools.release import NotReleased, signature

OFFLINE = "--tlog-upload=false"
NO_LOG = "--insecure-ignore-tlog=true"
SECONDS = 120


def sign_file(file: Path, key: str) -> Path:
    """Sign a file; return where the signature is. Raises NotReleased."""
    target = signature(file)
    cosign("sign-blob", f"--key={key}", OFFLINE, "--yes", f"--output-signature={target}", str(file))
    return target


def verify_file(file: Path, key: str) -> None:
    """Raise NotReleased unless a file is signed with the key whose public half ``key`` is."""
    cosign("verify-blob", f"--key={key}", NO_LOG, f"--signature={signature(file)}", str(file))


def sign(reference: str, key: str) -> None:
    """Sign what a registry has; ``reference`` names it by digest. Raises NotReleased."""
    cosign("sign", f"--key={key}", OFFLINE, "--yes", "--recursive", reference)


def attest(reference: str, key: str, kind: str, predicate: Path) -> None:
    """Attach a signed statement (slsaprovenance1, cyclonedx) to what a registry has. Raises NotReleased."""
    cosign("attest", f"--key={key}", OFFLINE, "--yes", f"--type={kind}", f"--predicate={predicate}", reference)


def verify(reference: str, key: str) -> None:
    """Raise NotReleased unless what a registry has is signed with the key whose public half ``key`` is."""
    cosign("verify", f"--key={key}", NO_LOG, reference)


def public(key: str, target: Path) -> Path:
    """Write the public half of a key; return where. Raises NotReleased."""
    cosign("public-key", f"--key={key}", f"--outfile={target}")
    return target


def cosign(*words: str) -> str:
    """Return what cosign printed. Raises NotReleased."""
    environment = {"COSIGN_PASSWORD": "", **os.environ}
    argv = [str(go_programs.path("cosign")), *words]
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=SECONDS
    )
    if done.returncode != 0:
        raise NotReleased(f"cosign {words[0]}: {done.stderr.strip()}")
    return done.stdout
