"""The service levels hold: counts and ratios in virtual time, the same on every machine."""

from collections.abc import Callable, Iterator

import pytest
import structlog

from benchmarks.service_levels import checks
from benchmarks.service_levels.levels import FIXED, SHORT, SLOW

SEED = 1
EVERY_SHAPE = (checks.alone, checks.together, checks.one_server)
HELD = [(part, shape) for part in EVERY_SHAPE for shape in (FIXED, SHORT, SLOW)]
LONG = [(checks.many_servers, SHORT), (checks.running_out, SHORT)]  # a few seconds each


@pytest.mark.parametrize(("part", "shape"), HELD + LONG, ids=lambda each: getattr(each, "__name__", each))
def test_a_service_level_is_met(part: Callable[[str, int], Iterator[checks.Level]], shape: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    found = list(part(shape, SEED))
    structlog.reset_defaults()
    assert not [f"{each.what}: {each.value:.2f}, limit {each.limit:.2f}" for each in found if not each.met]
