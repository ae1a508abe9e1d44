"""What of objects and texts must not leave the cluster, though no Secret is read: environments, URLs, tokens.

Source: DigitalOcean API (prefixes of tokens); RFC 3986 (userinfo); RFC 7519 (a JWT begins with ``eyJ``).
"""

import base64
import re
from collections.abc import Iterator

from common.redaction import BLANK
from kubectl_aiocsi import records
from kubectl_aiocsi.records import DRIVER_LABEL, Json, Kind, Object, Snapshot
from kubectl_aiocsi.rules.pods import used_claims

SECRETIVE = re.compile(r"TOKEN$|PASS|SECRET|CREDENTIAL|AUTH|_KEY$", re.IGNORECASE)
USERINFO = re.compile(r"(?<=://)(?<!-pullable://)[^/\s\"'<>]+(?=@)")  # to the last @: a password may have one
IN_BASE64 = (
    "Rvb192MV",
    "RvcF92MV",
    "Rvcl92MV",
    "ZG9vX3YxX",
    "ZG9wX3YxX",
    "ZG9yX3YxX",
    "kb29fdjFf",
    "kb3BfdjFf",
    "kb3JfdjFf",
)  # how a token begins there, at each of three places
TOKENS = re.compile(
    r"\bdo[opr]_v1_[0-9a-f]{16,}"
    r"|(?<=Bearer )\S+"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]+)?"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----"
    rf"|(?:{'|'.join(IN_BASE64)})[\w+/=]{{16,}}"
)
REPEATS = "kubectl.kubernetes.io/last-applied-configuration"
TELLS = re.compile(r"^([\w.-]+\.)?(kubernetes\.io|k8s\.io|helm\.sh)/")  # annotations of which none repeats an object
MARKED = {
    records.CLUSTER_ROLES,
    records.CLUSTER_ROLE_BINDINGS,
    records.DAEMON_SETS,
    records.DEPLOYMENTS,
    records.STATEFUL_SETS,
}
PLAIN = re.compile(r"^AIOCSI_")  # our own settings, without which a bundle says little


def without_secrets(one: Object) -> Json:
    """Return an object without what repeats it, and with the values of environments and arguments of others blanked."""
    ours = bool(one.label(DRIVER_LABEL))
    found = _cleaned(one.json, ours=ours)
    return found if isinstance(found, dict) else {}


def _cleaned(value: object, *, ours: bool) -> object:
    if isinstance(value, list):
        return [_cleaned(each, ours=ours) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _field(key, each, ours=ours) for key, each in value.items() if key not in {"managedFields", REPEATS}}


def _field(key: str, value: object, *, ours: bool) -> object:
    if key == "env" and isinstance(value, list):
        return [_variable(each) for each in value if isinstance(each, dict)]
    if key == "annotations" and isinstance(value, dict):
        return {name: each if TELLS.search(name) else BLANK for name, each in value.items() if name != REPEATS}
    if (key in {"args", "command"} and not ours) or key == "httpHeaders":
        return BLANK
    if key == "terminated" and isinstance(value, dict) and not ours:
        return {**value, "message": BLANK}  # the end of its log
    return _cleaned(value, ours=ours)


def _variable(variable: Json) -> Json:
    name = str(variable.get("name"))
    shown = PLAIN.search(name) and not SECRETIVE.search(name)
    return variable if shown or "value" not in variable else {**variable, "value": BLANK}


def values(snapshot: Snapshot) -> set[str]:
    """Return the values that stand in environments and URLs of the driver's own objects and may be secrets."""
    found: set[str] = set()
    for kind in (records.DRIVER_PODS, records.DEPLOYMENTS, records.DAEMON_SETS):
        for one in snapshot.every(kind):
            if one.label(DRIVER_LABEL):
                found |= set(_secrets_in(one.json))
    return found


def _secrets_in(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _secrets_in(each)
    elif isinstance(value, dict):
        if SECRETIVE.search(str(value.get("name", ""))) and isinstance(value.get("value"), str):
            yield str(value["value"])
        for each in value.values():
            yield from _secrets_in(each)
    elif isinstance(value, str):
        for userinfo in USERINFO.findall(value):
            yield userinfo.partition(":")[2] or userinfo


def forms(secret: str) -> set[str]:
    """Return a secret as it is, and as it looks within base64, wherever it begins there."""
    shifted = (base64.b64encode(b"\0" * at + secret.encode()).decode().rstrip("=") for at in range(3))
    return {secret, *(text[cut:-1] for text, cut in zip(shifted, (0, 2, 3), strict=True))}


def blanked(text: str) -> str:
    """Return a text without what has the form of a token, a private key or a password in a URL."""
    return USERINFO.sub(BLANK, TOKENS.sub(BLANK, text))


def is_wanted(snapshot: Snapshot, kind: Kind, one: Object) -> bool:
    """Whether an object is about the driver: what belongs to others stays out of a bundle."""
    if kind == records.VOLUMES:
        return snapshot.is_ours(one)
    if kind == records.CLAIMS:
        return _is_our_claim(snapshot, one)
    if kind in {records.PENDING_PODS, records.TERMINATING_PODS}:
        claims = (snapshot.find(records.CLAIMS, name, one.namespace) for name in used_claims(one))
        return any(_is_our_claim(snapshot, claim) for claim in claims)
    if kind in MARKED:
        return bool(one.label(DRIVER_LABEL))
    return kind != records.WARNINGS or _is_our_event(snapshot, one)


def _is_our_claim(snapshot: Snapshot, claim: Object) -> bool:
    volume = snapshot.find(records.VOLUMES, claim.text("spec", "volumeName"))
    storage_class = snapshot.find(records.CLASSES, claim.text("spec", "storageClassName"))
    return snapshot.is_ours(volume) or storage_class.text("provisioner") == snapshot.driver


def _is_our_event(snapshot: Snapshot, event: Object) -> bool:
    name, namespace = event.text("involvedObject", "name"), event.text("involvedObject", "namespace")
    claim = snapshot.find(records.CLAIMS, name, namespace)
    pod = snapshot.find(records.PENDING_PODS, name, namespace)
    wanted = (
        bool(snapshot.find(records.DRIVER_PODS, name, namespace)),
        snapshot.is_ours(snapshot.find(records.VOLUMES, name)),
        bool(claim) and _is_our_claim(snapshot, claim),
        bool(pod) and is_wanted(snapshot, records.PENDING_PODS, pod),
    )
    return any(wanted)
