"""Plays plans again that once failed: kept whole, because a seed means another plan when the drawing changes.

``python -m tests.faults.kept``; ``--keep NAME SEED NUMBERS`` writes one, from what a failing run says of its replay.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.faults import order
from tests.faults.bench import chosen
from tests.faults.plan import Fault, Plan, Step
from tests.faults.run import run

FOLDER = Path(__file__).parent / "regressions"


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 all hold, 1 one fails again."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["--keep"]:
        name, seed, numbers = words[1:]
        (FOLDER / f"{name}.json").write_text(json.dumps(asdict(chosen(int(seed), numbers)), indent=1) + "\n")
        return 0
    order.fix("tests.faults.kept", words)
    failed = 0
    for path in sorted(FOLDER.glob("*.json")):
        result = run(read(path))
        failed += bool(result.broken)
        sys.stdout.write(f"{'FAILS' if result.broken else 'holds':<6} {path.stem} {result.broken}\n")
    return 1 if failed else 0


def read(path: Path) -> Plan:
    """Return a plan that was kept."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    return Plan(
        seed=fields["seed"],
        hosts=fields["hosts"],
        requests_per_minute=fields["requests_per_minute"],
        steps=tuple(Step(**each) for each in fields["steps"]),
        faults=tuple(Fault(**each) for each in fields["faults"]),
    )


if __name__ == "__main__":
    sys.exit(main())
