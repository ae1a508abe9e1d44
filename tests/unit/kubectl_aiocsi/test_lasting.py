"""How long something may take before it is called stuck."""

from datetime import timedelta

import pytest

from kubectl_aiocsi.records import Snapshot
from kubectl_aiocsi.rules.lasting import SLOW, has_lasted
from tests.unit.kubectl_aiocsi.api_server import NOW


@pytest.mark.parametrize(("seconds", "has", "has_long"), [(60, 0, 0), (61, 1, 0), (300, 1, 0), (301, 1, 1)])
def test_what_takes_a_minute_or_five_has_not_lasted_yet(seconds: int, has: int, has_long: int) -> None:
    since, snapshot = NOW - timedelta(seconds=seconds), Snapshot(NOW)
    assert (has_lasted(snapshot, since), has_lasted(snapshot, since, SLOW)) == (has, has_long)
