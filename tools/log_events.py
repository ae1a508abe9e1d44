"""The events of the services' logs: found in the code, each with what it means, for the reference page.

An event without a meaning here, or a meaning without an event, fails the page's making.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.venv import ROOT

PACKAGES = ("common", "controller", "node", "warden")
LEVELS = ("debug", "info", "warning", "error", "exception")
WRITERS = ("log", "_log")


@dataclass
class LogEvent:
    """One event: who writes it, at which levels, with which fields."""

    name: str
    services: set[str] = field(default_factory=set)
    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def found(root: Path = ROOT) -> dict[str, LogEvent]:
    """Return every event of the code, by name."""
    events: dict[str, LogEvent] = {}
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            for call in _calls(ast.parse(file.read_text(encoding="utf-8"))):
                for name in _names(call.args[0]):
                    event = events.setdefault(name, LogEvent(name))
                    event.services.add(package)
                    event.levels.add(call.func.attr if isinstance(call.func, ast.Attribute) else "")
                    event.fields |= {keyword.arg for keyword in call.keywords if keyword.arg}
    return events


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            writer = ast.unparse(node.func.value).rpartition(".")[2]
            if node.func.attr in LEVELS and writer in WRITERS:
                yield node


def _names(argument: ast.expr) -> Iterator[str]:
    """Yield the texts that an argument may be: a constant, or one of two."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.IfExp):
        yield from _names(argument.body)
        yield from _names(argument.orelse)
    else:
        raise TypeError(f"the event at line {argument.lineno} is not a constant: {ast.unparse(argument)}")


MEANINGS: Mapping[str, str] = {
    "account_changed": "The new API token is of another account: it is not used.",
    "action_begins": "An action was started in the cloud: an attach, a detach, a growth.",
    "action_ends": "It has ended: how (`state`), and how many seconds after its start that was seen.",
    "action_found": "An action of another process, or of this one's predecessor, is under way; it is waited for.",
    "action_is_another": "The API shows another action under the number of one that is waited for; it is read again.",
    "action_not_read": "The newest action of a volume could not be read; the next call looks again.",
    "action_not_shown": "An action is done, and a minute later its volume does not show that: the volume is believed.",
    "action_overdue": "An action is older than its kind takes, and the volume shows its effect: it is done.",
    "api_away": "The API server does not answer; what is in memory is used meanwhile.",
    "background_failed": "A background loop ended with an error. A fault of the driver.",
    "call": "A gRPC call has ended: warning if it failed, debug if it only asks for capabilities.",
    "claims_not_read": "The claims could not be read from the API server; nothing is told of them until they are.",
    "cloud": "Which cloud the controller works for.",
    "cloud_answers_again": "The outage that began with cloud_fails is over.",
    "cloud_fails": "The cloud does not answer, or answers with errors: the beginning of an outage.",
    "connection_broken": "A gRPC connection broke; its caller connects again.",
    "dead_mount_removed": "A mount of a disk that is gone was taken away.",
    "drain_waited": "The volumes have left the node that is being drained; the driver ends.",
    "drain_waited_in_vain": "They have not left in time; the driver ends all the same.",
    "drain_waits": "The node is being drained: before it ends, the driver waits until the volumes have left it.",
    "drained": "All calls have ended before the process does.",
    "drift": "Cluster and cloud differ, in two comparisons in a row (the metric aiocsi_drift counts it).",
    "drift_not_read": "Objects that a comparison needs could not be read; what needs them is not judged.",
    "encrypted": "A LUKS header was written to a blank volume.",
    "event_not_written": "A Kubernetes event could not be written.",
    "foreign_event": "Another client's action on the server or volume is waited for.",
    "formatted": "A file system was made on a blank volume.",
    "grace_over": "Calls were still under way at the end of the grace period; they are answered UNAVAILABLE.",
    "growth_interrupted": "A growth was interrupted, and is undone or done again.",
    "health": "Where probes and metrics are served.",
    "health_not_shown": "The API server drops the health of claims; Events tell of it alone.",
    "health_not_written": "The health of a claim could not be written to its status; it is tried again.",
    "health_failed": "A probe or a scrape met an internal error.",
    "health_request_dropped": "A client of the HTTP server was too slow.",
    "identity": "The node knows its id and region, and from where.",
    "identity_unknown": "The node does not know its id or region yet; it asks again.",
    "leading": "This warden holds the lease.",
    "lease_not_given_back": "The lease could not be given back; it expires.",
    "lease_not_had": "The lease could not be taken.",
    "lease_not_renewed": "The lease could not be renewed in time.",
    "leftover_snapshot_deleted": "The temporary snapshot of a clone was left by an earlier process, and is deleted.",
    "leftover_snapshot_stays": "It could not be deleted; it is tried again.",
    "leftovers_not_looked_for": "The temporary snapshots of earlier clones could not be looked for; it is tried again.",
    "list_failed": "The controller did not answer a list in full; nothing is concluded from it.",
    "list_of_actions_failed": "The account's list of actions could not be read; each action is asked for instead.",
    "list_of_actions_lacks_ours": "The list does not show the driver's actions; each is asked for instead.",
    "list_of_actions_refused": "The token may not read the list of actions; each is asked for instead.",
    "listed": "The objects of a kind were read from the API server.",
    "look_failed": "A look at actions, or at a server, failed; the next one follows.",
    "looked": "What the cloud says of a lost node's server.",
    "mounted_elsewhere": "The volume is mounted at a path that no record names.",
    "node_lost": "A node with volumes is lost.",
    "node_not_patched": "A lost node could not be tainted, or a taint not be taken away.",
    "node_not_told": "What a node service should know of its Node could not be written on its pod; it is tried again.",
    "node_patched": "A lost node was tainted, or its taint was taken away (outcome).",
    "node_told": "An annotation of the node service's pod tells it of its Node.",
    "nodes_not_read": "Nodes could not be read from the API server.",
    "not_checked": "The file system could not be checked by this e2fsck, and is mounted without.",
    "not_grown": "The file system was not grown; the next staging tries again.",
    "not_leading": "This warden does not hold the lease any more.",
    "odd_item": "An object in a list of the cloud does not fit the API's description; it is left out.",
    "passphrase_replaced": "The volume opens with the new passphrase, and no longer with the old one.",
    "pods_not_read": "The pods of a node could not be read from the API server.",
    "program": "A program has ended: its arguments, status and time.",
    "published": "A volume was made visible to a pod (namespace/name).",
    "record_not_removed": "A file of the state directory could not be removed.",
    "record_set_aside": "A file of the state directory cannot be read, and is kept under another name.",
    "region_not_checked": "Whether the cloud knows the region is not known: it did not answer, or not to this token.",
    "region_without_volumes": "The cloud does not know the region, or it has no volumes, or takes no new ones.",
    "registered": "kubelet has taken the driver.",
    "registration_refused": "kubelet has refused the driver; the process ends and is started again.",
    "request": "A request to the cloud was answered.",
    "server_not_read": "A server that the list lacks, and that held volumes, could not be read; what it held stays.",
    "servers_read": "How many servers of the account have volumes.",
    "serving": "The CSI socket answers.",
    "signal_ignored": "A signal that means nothing here was ignored.",
    "socket_directory_made": "The directory of the CSI socket was not there, and was made; in a pod it is mounted.",
    "socket_gone": "The socket was removed; it is made again.",
    "socket_not_made": "The socket cannot be made.",
    "socket_taken": "Another process serves the socket; it is waited for.",
    "staged_elsewhere": "The volume is staged at a second path, too.",
    "stale_mapper_closed": "A mapper of an earlier header or disk was closed.",
    "start_taint_removed": "The driver is registered on the node: the startup taint is taken away.",
    "start_taint_stays": "The startup taint could not be taken away; it is tried again.",
    "state_directory_gone": "The state directory was removed; it is made again.",
    "state_directory_not_written": "The state directory cannot be written.",
    "state_directory_taken": "Another process uses the state directory; it is waited for.",
    "stopping": "The process was told to stop.",
    "task_failed": "Work whose caller had gone failed; the next call does it again.",
    "temporary_snapshot_stays": "The temporary snapshot of a clone could not be deleted; it is tried again.",
    "token_accepted": "The cloud has let the API token in.",
    "token_not_proven": "There is no API token, or the cloud has not let it in; it is tried again.",
    "unforeseen": "An exception that was not foreseen, with its traceback. The answer is UNAVAILABLE (AIOCSI-G003).",
    "volume_recovered": "A finding of volume_unhealthy has gone: two full lists in a row are without it.",
    "volume_unhealthy": "The controller says that a claim's volume is not well.",
    "volumes_not_known": "No controller told all volumes of the cloud; what needs them is not compared in this round.",
    "watch_expired": "A watch of the API server has expired; the objects are read again.",
    "work_left": "Work was still under way when the process ended; the next process finds what it did.",
}


def problems(events: Mapping[str, LogEvent], meanings: Mapping[str, str]) -> list[str]:
    """Say which events have no meaning, and which meanings no event."""
    new, gone = sorted(events.keys() - meanings), sorted(meanings.keys() - events)
    return [
        *(f"the log event {name} has no meaning in tools/log_events.py" for name in new),
        *(f"no code writes the log event {name} of tools/log_events.py" for name in gone),
    ]
