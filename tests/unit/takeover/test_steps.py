"""The plan that is kept between the commands."""

from pathlib import Path

import pytest

from takeover.cluster import Cluster, NotDoneError
from takeover.steps import Plan, change

PLAN = Plan("aiocsi", "charts/aiocsi", ("--set", "a=b"), keep_classes=False, passed=True)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    PLAN.write(tmp_path)
    assert Plan.read(tmp_path) == PLAN


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_what_is_no_plan_is_told_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(NotDoneError, match="run aiocsi-takeover plan"):
        Plan.read(tmp_path)


def test_classes_that_are_kept_are_not_removed() -> None:
    titles = [
        [step.title for step in change(Cluster("x"), Plan("", "", (), keep, passed=True))] for keep in (False, True)
    ]
    assert [len([title for title in each if "StorageClasses" in title]) for each in titles] == [1, 0]
