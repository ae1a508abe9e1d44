"""When a node that is being drained has nothing left to wait for."""

from node.records.state import Staged
from node.rules import draining

PLAIN = Staged("plain", "pvc-plain", "/staging/plain", "8:16", "ext4")
ENCRYPTED = Staged("sealed", "pvc-sealed", "/staging/sealed", "253:0", "ext4", disk="8:32")


def test_of_an_encrypted_volume_the_disk_below_is_looked_at() -> None:
    assert [draining.disk_number(record) for record in (PLAIN, ENCRYPTED)] == ["8:16", "8:32"]


def test_a_volume_has_left_when_it_is_not_staged_and_its_disk_is_gone() -> None:
    seen = {"plain": "8:16 1 ", "sealed": "8:32 2 "}
    assert draining.left(seen, [PLAIN, ENCRYPTED], set(seen.values())) == ("plain", "sealed")
    assert draining.left(seen, [], {"8:16 1 "}) == ("plain",)
    assert draining.left(seen, [ENCRYPTED], set()) == ("sealed",)
    assert draining.left(seen, [], {"8:16 3 "}) == ()
