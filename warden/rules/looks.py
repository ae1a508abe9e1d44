"""What a look at one volume says of the server that should hold it. Source: CSI 1.13 "VolumeHealth"."""

from collections.abc import Collection, Sequence

from warden.records import ServerState

OFF, GONE = "ServerNotActive", "AttachedToUnknownServer"


def judge(server_id: str, holders: Sequence[str], inaccessible: Collection[str]) -> ServerState:
    """Return how the server is, by the volume's holders and the reasons for which it is inaccessible.

    A volume that another server holds, too, says nothing of this one.
    """
    if list(holders) != [server_id]:
        return ServerState.UNTOLD
    told = set(inaccessible)
    if not told:
        return ServerState.ACTIVE
    return {frozenset({OFF}): ServerState.OFF, frozenset({GONE}): ServerState.GONE}.get(
        frozenset(told), ServerState.UNTOLD
    )
