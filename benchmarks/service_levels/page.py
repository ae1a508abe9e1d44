"""The page of figures, docs/reference/performance.md: made by the benchmark, with seed and commit."""

import subprocess  # noqa: TID251 (asks git for the commit)
from pathlib import Path
from statistics import median, quantiles

from benchmarks.service_levels import checks, levels
from benchmarks.service_levels.metered import SHAPES
from benchmarks.service_levels.stand import in_virtual_time

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "performance.md"
AT_ONCE = {1: 40, 30: 60, 200: 200}  # how many lives in all
HEAD = """# Performance

How fast volumes come and go, beside what the cloud itself takes. Made by `python -m benchmarks.service_levels --write`
from commit {commit}, seed {seed}: the driver's own controller, budget and rate limit (250 requests a minute, 5,000 an
hour) in virtual time, 80 ms a request. So the figures are the same on every machine; what a machine and the sidecars
add is not in them.

"""


def write(seed: int) -> None:
    """Measure, and write the page."""
    ends = "\n".join([*_times(seed), "", *_objectives(seed)])
    PAGE.write_text(HEAD.format(commit=_commit(), seed=seed) + ends + "\n", encoding="utf-8")


def _times(seed: int) -> list[str]:
    """Return the table of how long calls take: create, attach, detach and delete, so many lives at once."""
    lines = [
        "## How long calls take",
        "",
        "Seconds of a call as a sidecar sees it, with its repeats: p50, p90, p99. 200 lives at once need 900 requests,",
        "so the rate limit decides how long they take.",
        "",
        "| an action takes | at once | create | attach | detach | requests a life |",
        "|---|---|---|---|---|---|",
    ]
    for shape in SHAPES:
        for at_once, lives in AT_ONCE.items():
            cost = in_virtual_time(levels.together(shape, seed, lives=lives, at_once=at_once))
            calls = " | ".join(_three(cost.calls[kind]) for kind in ("create", "attach", "detach"))
            lines.append(f"| {shape} | {at_once} | {calls} | {cost.requests / lives:.1f} |")
    return lines


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
