"""How fast the driver is. Run: ``python -m benchmarks.service_levels [--write]``.

In virtual time, 80 ms a request, on three shapes of cloud. ``--write`` also writes docs/reference/performance.md.
"""

import sys

import structlog

from benchmarks.service_levels import checks, page

SEED = 1


def main(words: list[str]) -> int:
    """Print each figure beside its limit; return 0 if all are met."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    met = True
    for shape, level in checks.every(SEED):
        met = met and level.met
        verdict = "ok" if level.met else "MISSED"
        print(f"{shape:24} {level.what:56} {level.value:8.2f} of {level.limit:8.2f}   {verdict}", flush=True)
    if "--write" in words:
        page.write(SEED)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
