"""One call at a time for a volume."""

import pytest

from common import errors
from common.locks import Locks


def test_all_keys_are_held_or_none() -> None:
    locks = Locks()
    with locks.hold("b"):
        with pytest.raises(errors.Busy, match="b"), locks.hold("a", "b"):
            pytest.fail("held twice")
        with locks.hold("a"):
            assert len(locks) == 2
    assert len(locks) == 0


def test_a_key_is_free_after_an_error() -> None:
    locks = Locks()
    with pytest.raises(KeyError), locks.hold("a", "a"):
        raise KeyError
    with locks.hold("a"):
        assert len(locks) == 1
