"""Make the images of a guest: ``python -m tools.guest`` prints the folder of the one and the file of the other."""

import os
import shutil
import subprocess
import sys

from tools.guest import driver, root


def main() -> int:
    """Return the exit status: 0 both are there, 1 they cannot be made."""
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        print("a guest image is made by mmdebstrap (Debian package), as root", file=sys.stderr)
        return 1
    try:
        image = root.make()
        print(image, driver.make(image), sep="\n")
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"no guest image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
