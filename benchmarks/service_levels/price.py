"""What an action costs at each price of a request, simulated: looks, and seconds from its end to the look.

Run: ``python -m benchmarks.service_levels.price``. It prints the table of docs/explanation/how-requests-are-saved.md,
and draws its charts.
"""

import random
from pathlib import Path
from statistics import fmean

from benchmarks.service_levels.metered import REQUEST_SECONDS, SHAPES, Draw
from benchmarks.service_levels.plot import Chart
from controller.cloud.records import Kind
from controller.pacing.action_durations import Durations
from controller.pacing.look_price import SHORTEST_SECONDS, Awaited, Left, next_look, price, weight

IMAGES = Path(__file__).parents[2] / "docs" / "images"
HOUR = 5000
LEFT_PARTS = (1.0, 0.6, 0.5, 0.4, 0.3, 0.2)
ACTIONS, LEARNING = 300, 60


def watch(draw: Draw, left: Left, seed: int = 1) -> tuple[float, float]:
    """Watch actions one after the other; return the mean of the looks, and of the seconds that they came late."""
    dice, durations = random.Random(seed), Durations()  # noqa: S311 (decides nothing secret)
    looks, late = [0] * ACTIONS, [0.0] * ACTIONS
    for number in range(ACTIONS):
        seconds, now, looked = draw(dice), 0.0, 0.0
        while True:
            one = Awaited(durations.of(Kind.ATTACH), now, looked, weight(now, 1, 0, left))
            age = now + max(SHORTEST_SECONDS, next_look([one], price(left)))
            looks[number] += 1
            if age >= seconds:
                break
            now, looked = age + REQUEST_SECONDS, age
        durations.ended(Kind.ATTACH, age, looked, float(int(seconds + dice.random())))
        late[number] = age - seconds
    return fmean(looks[LEARNING:]), fmean(late[LEARNING:])


def main() -> None:
    """Print the table, and draw the charts."""
    print("| left of the hour | price, seconds |", " | ".join(f"{shape}: looks, seconds late" for shape in SHAPES), "|")
    print("|---|---|" + "---|" * len(SHAPES))
    found: dict[str, list[tuple[float, float]]] = {shape: [] for shape in SHAPES}
    for part in LEFT_PARTS:
        left = Left(HOUR, int(HOUR * part), 3600, 250, 250)
        for shape, draw in SHAPES.items():
            found[shape].append(watch(draw, left))
        cells = " | ".join("{:.1f}, {:.2f}".format(*found[shape][-1]) for shape in SHAPES)
        print(f"| {part:.0%} | {price(left):.2f} | {cells} |")
    labels = [f"{part:.0%}" for part in LEFT_PARTS]
    for number, (name, title) in enumerate(
        (("looks", "Looks at an action"), ("late", "Seconds from its end to the look"))
    ):
        series = {shape: [each[number] for each in pairs] for shape, pairs in found.items()}
        Chart(title, "left of the hour", labels, series).draw(IMAGES / f"price-{name}.svg")


if __name__ == "__main__":
    main()
