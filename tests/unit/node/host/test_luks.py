"""What cryptsetup's end means to who asked whether a passphrase opens a device."""

from collections.abc import Sequence

import pytest

from common import errors
from node.host.command import Commands, Ended
from node.host.devices import Device
from node.host.luks import Luks
from node.records.kernel import Facts

DEVICE = Device("/dev/sda", 0, Facts("sda", "8:0", 1 << 30))


class Ends(Commands):
    """Every program ends with a status and words."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__()
        self._end = status, said

    async def run(
        self, *argv: str, seconds: float, files: Sequence[int] = (), stdin: bytes = b"", writes: bool = False
    ) -> Ended:
        assert (seconds > 0, stdin, writes) == (True, b"secret", True), files
        return Ended(argv, self._end[0], "", self._end[1])


@pytest.mark.asyncio
async def test_a_passphrase_is_wrong_only_if_it_was_tried() -> None:
    assert await Luks(Ends(0, ""), 1, 1.0).opens("id", DEVICE, b"secret")
    assert not await Luks(Ends(2, "No key available with this passphrase."), 1, 1.0).opens("id", DEVICE, b"secret")
    with pytest.raises(errors.OutcomeUnknown, match="cryptsetup ended with 2: Cannot open device"):
        await Luks(Ends(2, "Cannot open device /dev/sda."), 1, 1.0).opens("id", DEVICE, b"secret")
