"""A short run of the stress program; longer ones are for hands: ``python -m tests.integration.main_job.stress``."""

from pathlib import Path

import pytest

from tests.integration.main_job.stress import stress


@pytest.mark.asyncio
@pytest.mark.timeout(300)
async def test_lives_that_are_disturbed_in_every_way_come_to_their_end_and_get_no_final_refusal(
    short_folder: Path,
) -> None:
    found = await stress(short_folder, seconds=8, seed=1, workers=4)
    assert found.lives >= 4
    assert dict(found.finals) == {}
