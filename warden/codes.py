"""The warden's codes of what goes wrong; docs/reference/codes.md has a section for each.

A code is never given a second meaning, nor a new number.
"""

from enum import StrEnum


class Code(StrEnum):
    """W: the warden."""

    NO_API_SERVER = "AIOCSI-W010"
