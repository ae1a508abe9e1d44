"""A call that does not come back."""

import threading


class Hung:
    """A call into the kernel that does not come back until it is let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.left = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        self.gate.wait(30)
        self.left.set()
        return "back"
