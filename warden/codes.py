"""The warden's codes of what goes wrong; docs/reference/codes.md has a section for each.

A code is never given a second meaning, nor a new number.
"""

from common.codes import ErrorCode


class Code(ErrorCode):
    """W: the warden."""

    NO_API_SERVER = "AIOCSI-W010", "run it in a pod with a service account, or set KUBECONFIG"
