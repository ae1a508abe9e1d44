"""The command aiocsi-localcloud."""

import sys
from collections.abc import Sequence
from importlib import import_module

EXTRA = "aiocsi-localcloud needs the package {}: pip install 'aiocsi[localcloud]'"


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status, see ``serving.run``; 1 as well where a package of the extra is missing."""
    try:
        serving = import_module("localcloud.serving")
    except ModuleNotFoundError as error:
        print(EXTRA.format(error.name), file=sys.stderr)
        return 1
    return int(serving.run(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    sys.exit(main())
