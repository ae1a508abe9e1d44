"""The page of figures, docs/reference/performance.md, with its charts: made by the benchmark, with seed and commit.

What was measured on a cluster is kept: it stands after KEPT, and is put there by hand.
"""

import subprocess  # noqa: TID251 (asks git for the commit)
from pathlib import Path
from statistics import median, quantiles

from benchmarks.service_levels import checks, levels
from benchmarks.service_levels.metered import SHAPES
from benchmarks.service_levels.plot import Chart
from benchmarks.service_levels.stand import in_virtual_time

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "performance.md"
KEPT = "## From a claim to a ready pod"
AT_ONCE = {1: 40, 30: 60, 200: 200}  # how many lives in all
KINDS = ("create", "attach", "detach", "grow", "snapshot")
HEAD = """# Performance

How fast volumes come and go, beside what the cloud itself takes. Made by `python -m benchmarks.service_levels --write`
from commit {commit}, seed {seed}: the driver's own controller, budget and rate limit (250 requests a minute, 5,000 an
hour) in virtual time, 80 ms a request. So the figures are the same on every machine; what a machine and the sidecars
add is not in them.

"""


def write(seed: int) -> None:
    """Measure, and write the page."""
    kept = PAGE.read_text(encoding="utf-8").partition(KEPT)[2]
    ends = "\n".join([*_times(seed), "", *_objectives(seed), "", KEPT])
    PAGE.write_text(HEAD.format(commit=_commit(), seed=seed) + ends + (kept or "\n"), encoding="utf-8")


def _times(seed: int) -> list[str]:
    """Return the table of how long calls take, so many lives at once, with its charts."""
    lines = [
        "## How long calls take",
        "",
        "Seconds of a call as a sidecar sees it, with its repeats: p50, p90, p99. 200 lives at once need 900 requests,",
        "so the rate limit decides how long they take. Growths and snapshots are measured apart, of volumes that are",
        "attached.",
        "",
        f"| an action takes | at once | {' | '.join(KINDS)} | requests a life |",
        "|---|---|" + "---|" * (len(KINDS) + 1),
    ]
    halves: dict[str, dict[str, list[float]]] = {kind: {shape: [] for shape in SHAPES} for kind in KINDS}
    for shape in SHAPES:
        for at_once, lives in AT_ONCE.items():
            cost = in_virtual_time(levels.together(shape, seed, lives=lives, at_once=at_once))
            calls = cost.calls | in_virtual_time(levels.grown(shape, seed, volumes=lives, at_once=at_once)).calls
            cells = " | ".join(_three(calls[kind]) for kind in KINDS)
            lines.append(f"| {shape} | {at_once} | {cells} | {cost.requests / lives:.1f} |")
            for kind in KINDS:
                halves[kind][shape].append(median(calls[kind]))
    return lines + [line for kind in ("attach", "detach") for line in _chart(kind, halves[kind])]


def _chart(kind: str, halves: dict[str, list[float]]) -> list[str]:
    """Draw the median of a call; return the lines that show it."""
    labels = [str(each) for each in AT_ONCE]
    chart = Chart(f"Seconds of a call to {kind}, p50", "lives at once", labels, halves, log=True)
    chart.draw(DOCS / "images" / f"performance-{kind}.svg")
    return ["", f"![Seconds of a call to {kind} at 1, 30 and 200 at once](../images/performance-{kind}.svg)"]


def _objectives(seed: int) -> list[str]:
    """Return the table of service level objectives."""
    lines = [
        "## Service level objectives",
        "",
        "Each is held by a test of every change (`tests/unit/benchmarks/test_service_levels.py`), the longest on one",
        "shape only. A limit in seconds is made of what the cloud's actions took in the same run.",
        "",
        "| an action takes | what | measured | limit | of the limit |",
        "|---|---|---|---|---|",
    ]
    for shape, level in checks.every(seed):
        part = f"{level.ratio:.0%}" if level.limit else "-"
        missed = "" if level.met else ", missed"
        lines.append(f"| {shape} | {level.what} | {level.value:.2f} | {level.limit:.2f} | {part}{missed} |")
    return lines


def _three(seconds: list[float]) -> str:
    parts = quantiles(seconds, n=100, method="inclusive")
    return f"{median(seconds):.2f}, {parts[89]:.2f}, {parts[98]:.2f}"


def _commit() -> str:
    told = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=True)  # noqa: S607
    return told.stdout.strip()
