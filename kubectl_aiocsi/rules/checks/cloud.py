"""Checks of the controller's way to the cloud, by what its pods answer at /readyz and /metrics."""

import re
from collections.abc import Iterator

from kubectl_aiocsi.records import Object, Snapshot
from kubectl_aiocsi.rules.causes import BY_ID, cause_of
from kubectl_aiocsi.rules.finding import Finding
from kubectl_aiocsi.rules.pods import has_started, is_settling

SAMPLE = re.compile(r"(?m)^(\w+)(?:\{([^}]*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
NO_SECRET = re.compile(r"secret \S+ not found|non-existent secret key|couldn't find key \S+ in Secret")  # kubelet 1.37
NOT_TRIED = "the cloud has not let the API token in yet"  # at /readyz, before the first answer
FEW = 250  # requests left of 5,000 in the hour


def samples(text: str, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Yield labels and value of each sample of a metric, in the text that Prometheus reads."""
    for metric, labels, value in SAMPLE.findall(text):
        if metric == name:
            yield dict(LABEL.findall(labels)), float(value)


def token_secret(snapshot: Snapshot) -> Iterator[Finding]:
    """The Secret with the token is there; the Secret is not read, kubelet tells.

    A kubelet whose cache of Secrets is not filled yet has told nothing. Once a container runs, the Secret was there.
    """
    for pod in snapshot.pods("controller"):
        if has_started(pod) or pod.deleted is not None:
            continue
        for event in snapshot.events_of(pod, "Pod"):
            said = event.text("message")
            if NO_SECRET.search(said):
                then = f"kubectl create secret generic -n {pod.namespace} NAME --from-literal=access-token=…"
                yield Finding("token-secret", f"pod {pod.full_name}", said, then)
                break


def let_in(snapshot: Snapshot, wanted: str) -> Iterator[Finding]:
    """The cloud lets the controller in, and answers it."""
    for pod, told in _told(snapshot):
        if cause_of(told, "") == wanted:
            yield Finding(wanted, f"pod {pod.full_name}", told, BY_ID[wanted].remedy)


def scopes(snapshot: Snapshot) -> Iterator[Finding]:
    """The token may read what the driver reads: a list that was answered 403 has been answered 200, too.

    A change may be answered 403 for another reason: the account's limit.
    """
    for name, page in snapshot.pages.items():
        read = [at for at, times in samples(page.metrics, "aiocsi_cloud_requests_total") if times]
        read = [at for at in read if at.get("method") == "GET"]
        good = {at.get("route") for at in read if at.get("status") == "200"}
        refused = {str(at.get("route")) for at in read if at.get("status") == "403"} - good
        if refused:
            said = f"the cloud has answered 403 to GET {', '.join(sorted(refused))}"
            yield Finding("token-scopes", f"pod {name}", said, BY_ID["token-scopes"].remedy)


def rate_limit(snapshot: Snapshot) -> Iterator[Finding]:
    """The account has requests left in this hour; a replica that was never answered tells nothing."""
    for name, page in snapshot.pages.items():
        asked = sum(value for _, value in samples(page.metrics, "aiocsi_cloud_requests_total"))
        for _, left in samples(page.metrics, "aiocsi_cloud_rate_limit_remaining"):
            if asked and left < FEW:
                said = f"{left:.0f} requests are left in this hour"
                yield Finding("rate-limit", f"pod {name}", said, BY_ID["rate-limit"].remedy)


def _told(snapshot: Snapshot) -> Iterator[tuple[Object, str]]:
    """Yield the controller's pods with what they say at /readyz; one that has only begun has nothing to say yet."""
    for pod in snapshot.pods("controller"):
        page = snapshot.pages.get(pod.full_name)
        told = page.ready.strip() if page is not None else ""
        if not (told.startswith(NOT_TRIED) and is_settling(snapshot, pod)):
            yield pod, told
