"""Which request gives way when all of them hold too much."""

from common import request_memory
from common.request_memory import MemoryBudget


class Half:
    """A request that is not whole."""

    def __init__(self, budget: MemoryBudget, size: int) -> None:
        self.budget = budget
        self.size = size
        budget.begin(self)
        assert budget.take(size)

    def give_way(self) -> None:
        """Give back what is held."""
        self.budget.finish(self)
        self.budget.give_back(self.size)
        self.size = 0


def test_the_oldest_gives_way_first_and_no_more_than_must() -> None:
    budget = MemoryBudget(10)
    held = [Half(budget, 3) for _ in range(3)]
    assert budget.take(3)
    assert ([each.size for each in held], budget.left) == ([0, 3, 3], 1)


def test_a_whole_request_gives_way_to_nobody() -> None:
    budget = MemoryBudget(10)
    held = Half(budget, 8)
    budget.finish(held)
    assert not budget.take(3)
    assert (held.size, budget.left) == (8, 2)


def test_the_calls_of_a_process_hold_no_more_than_its_memory_is_planned_for() -> None:
    assert (request_memory.WORK_BYTES, request_memory.HEALTH_BYTES) == (32 * 1024 * 1024, 2 * 1024 * 1024)


def test_all_that_is_left_can_be_taken() -> None:
    budget = MemoryBudget(10)
    assert (budget.take(10), budget.left, budget.take(1)) == (True, 0, False)
