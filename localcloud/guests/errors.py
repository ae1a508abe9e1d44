"""What can go wrong with a guest."""


class GuestError(Exception):
    """A guest does not start, does not answer, or refuses."""


class OrderFailed(GuestError):
    """The agent could not do what it was told: the program does not exist, or still runs when its time is over."""


class ProgramFailed(GuestError):
    """A program in the guest ended with another status than 0. The text is what it wrote."""
