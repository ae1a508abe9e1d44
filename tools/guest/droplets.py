"""``make droplets``: the embedded cloud with two droplets, each a virtual machine that a person can enter.

Makes the images the first time, starts the cloud, tells what can be done, and stays until Ctrl-C. Further words are
options of the cloud. The droplets' roots and volumes stay in .droplets for the next time.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.guest import driver, root
from tools.venv import ROOT

STATE = ".droplets"
GUIDE = """
The cloud answers at {address} and shows itself there in a browser. Its droplets boot in ten seconds.

In a second terminal, here:

  export CLOUD={address} TOKEN={token}
  api() {{ curl -sS -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" "$@"; echo; }}

enter a droplet (Ctrl-] leaves):
{enter}
make a volume, and attach it:
  api $CLOUD/v2/volumes -d '{{"name": "orders", "size_gigabytes": 10, "region": "nyc1"}}'
  api $CLOUD/v2/volumes/actions -d \\
    '{{"type": "attach", "volume_name": "orders", "region": "nyc1", "droplet_id": {first}}}'

and in that droplet:
  ls -l /dev/disk/by-id; mkfs.ext4 /dev/disk/by-id/scsi-0DO_Volume_orders

Ctrl-C here ends the cloud and its droplets; rm -r {state} forgets them.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: that of the cloud, or 1 if there can be no image."""
    words = sys.argv[1:] if argv is None else list(argv)
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        print("droplets need root and mmdebstrap (Debian package): their image is made by it", file=sys.stderr)
        return 1
    image = root.make()
    command = [sys.executable, "-m", "localcloud", "--state", STATE, "--disks", "qemu"]
    command += ["--guest-image", str(image), "--guest-driver", str(driver.make(image)), *words]
    cloud = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C reaches the cloud by itself; it ends, and so do we
        signal.signal(number, lambda *_: cloud.terminate())
    assert cloud.stdout is not None  # noqa: S101 (it is a pipe)
    if line := cloud.stdout.readline():
        print(guide(line), flush=True)
    return cloud.wait()


def guide(ready_line: str) -> str:
    """Return what a person can do with the cloud that has printed this line."""
    ready = json.loads(ready_line)
    droplets = [droplet["id"] for droplet in ready["droplets"]]
    folders = [Path(os.path.relpath(ready["state"], ROOT)) / "droplets" / str(each) for each in droplets]
    enter = "".join(f"  .venv/bin/python -m localcloud.guests.console {folder}\n" for folder in folders)
    address = ready["address"].rstrip("/")
    first = droplets[0] if droplets else "ID"
    return GUIDE.format(
        address=address, token=ready["token"], enter=enter, first=first, state=os.path.relpath(ready["state"], ROOT)
    )


if __name__ == "__main__":
    sys.exit(main())
