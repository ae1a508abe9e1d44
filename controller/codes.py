"""The controller's codes of what goes wrong; docs/reference/codes.md has a section for each.

A code is never given a second meaning, nor a new number.
"""

from common.codes import ErrorCode


class Code(ErrorCode):
    """By what is at fault: access to the cloud, what was asked for, the cloud's state, limits, settings."""

    TOKEN_MISSING = "AIOCSI-C010", "put the API token into the Secret that cloud.token.existingSecret names"
    TOKEN_REFUSED = "AIOCSI-C011", "put a valid API token into the Secret; no restart is needed"
    TOKEN_SCOPES = "AIOCSI-C012", "give the API token the scopes of docs/guides/install.md"
    TOKEN_UNPROVEN = "AIOCSI-C013", "wait some seconds; then read /readyz of the controller"
    RATE_LIMIT = "AIOCSI-C014", "wait: the call is repeated; find out who else uses the account's API"
    CLOUD_SILENT = (
        "AIOCSI-C015",
        "check that the controller reaches the API: DNS, proxy, network policy, the cloud's status page",
    )
    ANSWER_UNPROVEN = "AIOCSI-C016", "check cloud.apiUrl and the proxy: something may answer in the API's place"
    ANSWER_ODD = "AIOCSI-C017", "check cloud.apiUrl and the proxy: something may answer in the API's place"
    CLOUD_REFUSED = "AIOCSI-C018", "do what the cloud's words ask for"
    CALLER_GONE = "AIOCSI-C019", "nothing to do: the call is repeated"

    VOLUME_GONE = (
        "AIOCSI-C020",
        "see that volumeHandle is the id of the volume, not its name; of one that is deleted, restore a snapshot",
    )
    SNAPSHOT_GONE = "AIOCSI-C021", "delete the VolumeSnapshotContent if the snapshot was deleted in the cloud"
    NODE_GONE = (
        "AIOCSI-C022",
        "delete the Node object if the server was deleted; else compare the id in its CSINode with the cloud's",
    )
    SOURCE_GONE = "AIOCSI-C023", "make the claim again with a dataSource that exists, or without one"

    NAME_TAKEN = (
        "AIOCSI-C030",
        "see whose it is in the cloud; then rename it, or make the object again under another name",
    )
    SIZE = "AIOCSI-C031", "make the claim again with another size; one that is bound can be edited"
    OTHER_ZONE = "AIOCSI-C032", "use a class, a snapshot or a volume of the cluster's region"
    READ_ONLY = "AIOCSI-C033", "take ro out of mountOptions; set readOnly in the pod"
    TAGS = "AIOCSI-C034", "correct the tags of the class: delete it and make it again"
    PARAMETERS = "AIOCSI-C035", "correct the parameters of the class: delete it and make it again"
    TOPOLOGY = "AIOCSI-C036", "correct allowedTopologies of the StorageClass"

    ATTACHED_ELSEWHERE = (
        "AIOCSI-C040",
        "delete the pod on the other node; the volume is detached there, then attached here",
    )
    EVENT_PENDING = (
        "AIOCSI-C041",
        "nothing to do for some minutes: the call is repeated; then see in the cloud's panel what is under way",
    )
    ACTION_FAILED = (
        "AIOCSI-C042",
        "nothing to do at first: the call is repeated; then give the action's number to the cloud's support",
    )
    ACTION_SLOW = (
        "AIOCSI-C043",
        "nothing to do for ten minutes: the call is repeated; then give the action's number to the cloud's support",
    )
    SERVER_BUSY = "AIOCSI-C044", "nothing to do: the call is repeated, and keeps its turn"
    STILL_ATTACHED = (
        "AIOCSI-C045",
        "delete the pods that use the volume; without a VolumeAttachment, detach it in the cloud",
    )
    NOT_ATTACHED = "AIOCSI-C046", "nothing to do: a detach has reached its goal"
    NOT_SHOWN_YET = "AIOCSI-C047", "nothing to do: the call is repeated, and looks again"

    SERVER_FULL = "AIOCSI-C050", "schedule the pod on another node"
    ACCOUNT_FULL = "AIOCSI-C051", "delete volumes, or ask the cloud to raise the account's limit"
    SNAPSHOT_LIMIT = "AIOCSI-C052", "delete old snapshots of the volume, or wait; make its schedule wider"

    SETTINGS = "AIOCSI-C060", "correct the value that is named"
