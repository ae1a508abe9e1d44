"""A bundle has what a bug report needs, and no secret: not as it is, not in base64."""

import base64
import json
import tarfile
from pathlib import Path

import pytest

from kubectl_aiocsi.options import UsageError
from kubectl_aiocsi.records import Json, Object
from kubectl_aiocsi.rules.sensitive import forms
from tests.unit.kubectl_aiocsi.api_server import ApiServer
from tests.unit.kubectl_aiocsi.asking import Answer, ask
from tests.unit.kubectl_aiocsi.ways import merge, mounting, provisioning
from tests.unit.kubectl_aiocsi.world import ago, event, healthy, made, unbound

TOKEN = "dop_v1_" + "0123456789abcdef" * 4
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzaG9wIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----"
PROXY_PASSWORD = "hunter2-of-the-proxy"  # noqa: S105  # of the test
OWN = "a-token-of-another-form"
PASSPHRASE = "correct-horse-battery"  # noqa: S105  # of the test
APP_PASSWORD = "the-app's-own-password"  # noqa: S105  # of the test
SPLIT_PASSWORD = "with-an@in-it"  # noqa: S105  # of the test
USER_TOKEN = "a-token-as-the-user"  # noqa: S105  # of the test
SECRETS = [TOKEN, JWT, PEM, PROXY_PASSWORD, OWN, PASSPHRASE, APP_PASSWORD, SPLIT_PASSWORD, "in-it", USER_TOKEN]
LOG = "/api/v1/namespaces/kube-system/pods/aiocsi-controller-0/log"


def with_secrets() -> ApiServer:
    """A cluster that has each secret wherever somebody may have put it."""
    server = healthy()
    encoded = base64.b64encode(TOKEN.encode()).decode()
    again = base64.b64encode(b"x" + OWN.encode()).decode()
    server.add("secrets", made("Secret", "digitalocean", "kube-system", data={"access-token": encoded}))
    server.add("secrets", made("Secret", "key", "shop", data={"encryption-passphrase": PASSPHRASE}))
    deployment = server.get("deployments", "aiocsi-controller")
    merge(deployment, metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": OWN}})
    merge(deployment, metadata={"managedFields": [{"of": OWN}]})
    merge(deployment, metadata={"annotations": {"objectset.rio.cattle.io/applied": f"gzip of {APP_PASSWORD}"}})
    [container, *_] = Object(deployment).each("spec", "template", "spec", "containers")
    container.json["env"] = [
        {"name": "AIOCSI_TOKEN", "value": OWN},
        {"name": "HTTPS_PROXY", "value": f"http://me:{PROXY_PASSWORD}@proxy.example.com:3128"},
        {"name": "AIOCSI_API_URL", "value": f"https://me:{SPLIT_PASSWORD.replace('@', '%40')}@api.example.com"},
        {"name": "HTTP_PROXY", "value": f"http://{USER_TOKEN}@proxy.example.com"},
        {"name": "AIOCSI_REGION", "value": "nyc1"},
        {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}},
    ]
    mounting(f"is in use; the token is {TOKEN}, in base64 {encoded}")(server)
    application = server.get("pods", "web")
    variables = [{"name": "PLAIN", "value": APP_PASSWORD}]
    headers = [{"name": "X-Any", "value": APP_PASSWORD}]
    containers: list[Json] = [{"name": "web", "env": variables, "args": [f"--password={APP_PASSWORD}"]}]
    containers[0]["livenessProbe"] = {"httpGet": {"httpHeaders": headers}}
    merge(application, spec={"containers": containers}, metadata={"deletionTimestamp": ago(9)})
    merge(application, metadata={"annotations": {"example.com/last-handled": APP_PASSWORD}})
    merge(application, status={"containerStatuses": [{"state": {"terminated": {"message": APP_PASSWORD}}}]})
    shifted = base64.b64encode(b"xy" + TOKEN.encode()).decode()
    lines = [f"Bearer {JWT}", f"url https://me:{PROXY_PASSWORD}@h/", PEM, OWN, again, TOKEN, encoded, shifted]
    lines += [f"url https://me:{SPLIT_PASSWORD}@h/", f"proxy {USER_TOKEN} of me, {SPLIT_PASSWORD}"]
    server.texts[LOG] = (200, "\n".join(lines))
    return server


async def bundle(server: ApiServer, folder: Path) -> tuple[Answer, dict[str, str]]:
    target = folder / "bundle.tar.gz"
    answer = await ask(server, "bundle", "--file", str(target))
    with tarfile.open(target) as archive:
        files = {each.name: archive.extractfile(each) for each in archive}
        return answer, {name: content.read().decode() for name, content in files.items() if content}


@pytest.mark.asyncio
async def test_no_known_secret_is_in_a_bundle_also_not_in_base64(tmp_path: Path) -> None:
    server = with_secrets()
    _, files = await bundle(server, tmp_path)
    found = [
        (name, secret)
        for name, text in files.items()
        for secret in SECRETS
        for form in forms(secret)
        if form in text or json.dumps(secret)[1:-1] in text
    ]
    assert found == []
    assert [url for _, url in server.asked if "secrets" in url] == []


@pytest.mark.asyncio
async def test_a_bundle_has_what_a_bug_report_needs_and_says_what_it_lacks(tmp_path: Path) -> None:
    server = with_secrets()
    server.forbidden.add("leases")
    answer, files = await bundle(server, tmp_path)
    log = files["aiocsi-bundle/pods/kube-system/aiocsi-controller-0/controller.log"]
    assert "Bearer ***" in log
    assert "url https://***@h/" in log
    assert "ready" in files["aiocsi-bundle/pods/kube-system/aiocsi-controller-0/readyz.txt"]
    assert "aiocsi_cloud_requests_total" in files["aiocsi-bundle/pods/kube-system/aiocsi-controller-0/metrics.txt"]
    assert '"nyc1"' in files["aiocsi-bundle/objects/deployments.json"]
    assert "pv-orders" in files["aiocsi-bundle/objects/persistentvolumes.json"]
    assert '"web"' in files["aiocsi-bundle/objects/pods-terminating.json"]
    assert "FailedMount" in files["aiocsi-bundle/objects/events.json"]
    told = files["aiocsi-bundle/LEFT-OUT.txt"]
    assert "Secrets: never read" in told
    assert "leases: forbidden" in told
    assert "log of kube-system/aiocsi-node-0 node" in told
    assert all(line in answer.text for line in told.splitlines())
    assert (tmp_path / "bundle.tar.gz").stat().st_mode & 0o777 == 0o600


@pytest.mark.asyncio
async def test_what_is_not_about_the_driver_stays_out_of_a_bundle(tmp_path: Path) -> None:
    server = healthy()
    other: Json = {"csi": {"driver": "nfs.example.com"}, "claimRef": {"name": "theirs", "namespace": "bank"}}
    server.add("persistentvolumes", made("PersistentVolume", "pv-of-others", spec=other))
    claim = made("PersistentVolumeClaim", "theirs", "bank", spec={"volumeName": "pv-of-others"})
    server.add("persistentvolumeclaims", claim)
    server.add("events", event(claim, "ProvisioningFailed", "theirs alone"))
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "theirs"}}]
    teller = made("Pod", "teller", "bank", spec={"volumes": volumes}, status={"phase": "Pending"})
    merge(teller, metadata={"deletionTimestamp": ago(9)})
    server.add("pods", teller)
    server.add("deployments", made("Deployment", "bank-app", "bank"))
    _, files = await bundle(server, tmp_path)
    whole = "".join(files.values())
    assert [word for word in ("pv-of-others", "theirs", "teller", "bank-app") if word in whole] == []


@pytest.mark.asyncio
async def test_a_claim_that_waits_is_in_a_bundle_with_what_is_told_of_it(tmp_path: Path) -> None:
    server = healthy()
    provisioning("there is no quota")(server)
    server.add("events", event(unbound(server), "Other", "of the claim"))
    server.add("events", event(server.get("pods", "aiocsi-node-0"), "Unhealthy", "of our pod"))
    _, files = await bundle(server, tmp_path)
    events = files["aiocsi-bundle/objects/events.json"]
    assert [word for word in ("there is no quota", "of the claim", "of our pod") if word not in events] == []
    assert '"orders"' in files["aiocsi-bundle/objects/persistentvolumeclaims.json"]


@pytest.mark.asyncio
async def test_pages_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    server = healthy()
    server.texts.clear()
    _, files = await bundle(server, tmp_path)
    assert "pages of pod kube-system/aiocsi-controller-0" in files["aiocsi-bundle/LEFT-OUT.txt"]


@pytest.mark.asyncio
async def test_the_logs_of_the_warden_and_of_what_runs_before_a_service_are_in_a_bundle(tmp_path: Path) -> None:
    server = healthy()
    warden = made("Pod", "aiocsi-warden-0", "kube-system", spec={"containers": [{"name": "warden"}]})
    labels = {"aiocsi.dev/driver": "dobs.csi.digitalocean.com", "app.kubernetes.io/component": "warden"}
    merge(warden, metadata={"labels": labels})
    server.add("pods", warden)
    merge(server.get("pods", "aiocsi-node-0"), spec={"initContainers": [{"name": "remove-automount-rule"}]})
    _, files = await bundle(server, tmp_path)
    told = files["aiocsi-bundle/LEFT-OUT.txt"]
    assert "log of kube-system/aiocsi-warden-0 warden" in told
    assert "log of kube-system/aiocsi-node-0 remove-automount-rule" in told


@pytest.mark.asyncio
async def test_a_bundle_that_cannot_be_written_is_said_and_one_in_its_place_is_replaced(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere/b cannot be written: No such file"):
        await ask(healthy(), "bundle", "--file", str(tmp_path / "nowhere" / "b"))
    others, link = tmp_path / "others", tmp_path / "bundle.tar.gz"
    others.write_text("theirs")
    link.symlink_to(others)
    await bundle(healthy(), tmp_path)
    assert others.read_text() == "theirs"
    assert link.stat().st_mode & 0o777 == 0o600
