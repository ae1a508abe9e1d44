"""``python -m tests.faults``: run many seeds, or one again."""

import argparse
import os
import sys
from collections.abc import Sequence

from tests.faults import bench, order


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 all held, 1 something did not, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run this seed alone, and show its trace")
    parser.add_argument("--keep", default="", help="with --seed: the numbers of the steps and faults to keep")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument("--stop", action="store_true", help="stop at the first seed that fails")
    parser.add_argument("--cloud", choices=("", "other"), default="", help="other: on the contract tests' second cloud")
    options = parser.parse_args(argv)
    order.fix("tests.faults", sys.argv[1:] if argv is None else argv)
    if options.seed is not None:
        return bench.replay(options.seed, options.keep, options.cloud)
    seeds = range(options.first, options.first + options.seeds)
    return bench.many(seeds, options.jobs, cloud=options.cloud, stop=options.stop)


if __name__ == "__main__":
    sys.exit(main())
