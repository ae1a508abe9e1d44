"""How much memory the warden takes for a large cluster: 1,000 nodes, 10,000 volumes with their attachments, pods.

``python -m benchmarks.warden_memory``. Everything is on. It asks an API server and a controller in another process,
compares both sides twice, and reads the health of all volumes twice; one of a hundred is not well. A pod of the node
service is on each node; 5,000 other pods are read, since a node is cordoned.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import ClientError, ClientSession

from benchmarks.warden_memory.told import NODES, PODS, PORT, VOLUMES, Json, serve
from tools.processes import memory
from tools.processes.program import Program
from tools.venv import ROOT

HTTP_PORT = 18432
READY_SECONDS, LIMIT_MIB = 300.0, 64
DONE = ('aiocsi_drift_rounds_total{result="judged"}', 'aiocsi_health_rounds_total{result="judged"}')


async def measure() -> int:
    """Return the exit status: 0 the warden stays within its memory."""
    with TemporaryDirectory() as name:
        python, config, socket = (sys.executable, "-m"), Path(name) / "kubeconfig", str(Path(name, "csi.sock"))
        config.write_text(json.dumps(kubeconfig()))
        settings = {
            "KUBECONFIG": str(config),
            "AIOCSI_ENDPOINT": f"unix://{socket}",
            "AIOCSI_NAMESPACE": "kube-system",
            "AIOCSI_HTTP_ADDR": f"127.0.0.1:{HTTP_PORT}",
            "AIOCSI_LOG_LEVEL": "error",
            "AIOCSI_FAILOVER_MODE": "taint",
            "AIOCSI_START_TAINT": "true",
            "AIOCSI_DRAIN_WAIT": "true",
            "AIOCSI_MAX_VOLUMES": "true",
            "AIOCSI_DRIFT_SECONDS": "10",
            "AIOCSI_HEALTH_SECONDS": "10",
            "AIOCSI_TAG": "cluster-1",
        }
        told = [*python, "benchmarks.warden_memory", "serve", socket]
        server = Program("server", told, os.environ, Path(name, "log"), ROOT)
        warden = Program("warden", [*python, "warden"], {**os.environ, **settings}, Path(name, "log"), ROOT)
        try:
            server.start()
            warden.start()
            await until_done()
            now, most = memory.resident_mib(warden.pid), memory.peak_mib(warden.pid)
        finally:
            warden.end()
            server.kill()  # it has watches open
    what = f"{NODES} nodes, {VOLUMES} volumes and attachments, {PODS} pods"
    print(f"{what}: {now:.1f} MiB, at most {most:.1f} of {LIMIT_MIB}")
    return int(most > LIMIT_MIB)


def kubeconfig() -> Json:
    """Return how the server is reached."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{PORT}"}}],
        "users": [{"name": "me", "user": {"token": "none"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "current-context": "here",
    }


async def until_done() -> None:
    """Wait until the warden has compared everything twice, and read all health twice. Raises TimeoutError."""
    async with asyncio.timeout(READY_SECONDS), ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{HTTP_PORT}/metrics") as told:
                    page_of_metrics = await told.text()
                    if all(int(counted(page_of_metrics, each)) >= 2 for each in DONE):
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.5)  # noqa: TID251  # a process of its own


def counted(page_of_metrics: str, metric: str) -> float:
    """Return a metric's value, 0 if it has none."""
    found = [line.rpartition(" ")[2] for line in page_of_metrics.splitlines() if line.startswith(metric)]
    return float(found[0]) if found else 0.0


def main() -> int:
    """Serve, or measure."""
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2])
        return 0
    return asyncio.run(measure())


if __name__ == "__main__":
    sys.exit(main())
