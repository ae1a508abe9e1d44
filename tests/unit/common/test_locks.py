"""One call at a time for a volume."""

import pytest

from common import deadlines, errors
from common.locks import Locks


def test_all_keys_are_held_or_none() -> None:
    locks = Locks()
    with locks.hold("b"):
        with pytest.raises(errors.Busy, match="b"), locks.hold("a", "b"):
            pytest.fail("held twice")
        with locks.hold("a"):
            assert len(locks) == 2
    assert len(locks) == 0


def test_a_second_call_is_told_what_the_first_one_waits_for_now() -> None:
    locks = Locks()
    with deadlines.until(1.0), locks.hold("a"), locks.extend("a"):
        for obstacle, told in (("no connection", ": no connection"), ("", "")):
            deadlines.note(obstacle)
            with deadlines.until(2.0), pytest.raises(errors.Busy, match=rf"another call works on a{told} \("):
                locks.hold("a").__enter__()


def test_a_key_is_free_after_an_error() -> None:
    locks = Locks()
    with pytest.raises(KeyError), locks.hold("a", "a"):
        raise KeyError
    with locks.hold("a"):
        assert len(locks) == 1
