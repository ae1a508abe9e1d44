"""A volume that moves between two droplets, and a program on it that checks all it ever wrote."""

import os

import pytest

from tests.vm.node.conftest import MakeDroplet, MakeVolume

MOVES = int(os.environ.get("AIOCSI_TEST_MOVES", "6"))
RECORDS = 4  # a move


@pytest.mark.asyncio
@pytest.mark.timeout(120 + 60 * MOVES)
async def test_a_volume_that_moves_between_two_droplets_loses_nothing(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    droplets, volume = [await make_droplet("a"), await make_droplet("b")], make_volume()
    for move in range(MOVES):
        droplet = droplets[move % 2]
        await droplet.up(volume)
        assert await droplet.write_some(volume.target, RECORDS) == move * RECORDS
        await droplet.down(volume)
