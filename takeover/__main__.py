"""The command aiocsi-takeover. Exit status: 0 done, 1 something is not as it must be, 2 wrong usage."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import NoReturn

from takeover import predecessor, proof, steps
from takeover.cluster import Cluster, NotDoneError
from takeover.steps import Plan, Step

BEFORE = "persistentvolumes,volumeattachments,storageclasses,csidrivers,csinodes"


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    options, words = _parse(sys.argv[1:] if argv is None else list(argv))
    cluster, folder = Cluster(options.namespace), options.folder
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        if options.verb == "plan":
            return _plan(
                cluster,
                folder,
                Plan(options.release, options.chart, words, options.keep_classes, passed=False),
                options.seconds,
            )
        plan, saved = Plan.read(folder), folder / "old-driver.json"
        if options.verb == "back":
            return _walk(steps.back(cluster, plan, saved), "correct what it says, and run this command again")
        return _apply(cluster, folder, plan, options.until)
    except NotDoneError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """End, and take away what the checks have put on the nodes: a session that is lost is told by SIGHUP."""
    raise SystemExit(128 + number)


def _parse(argv: list[str]) -> tuple[argparse.Namespace, tuple[str, ...]]:
    """Return the options, and the words for helm behind ``--``."""
    split = argv.index("--") if "--" in argv else len(argv)
    parser = argparse.ArgumentParser(
        prog="aiocsi-takeover",
        description="Exchange csi-digitalocean for aiocsi, and back. What follows -- is passed on to helm.",
    )
    parser.add_argument(
        "verb", choices=("plan", "apply", "back"), help="plan changes nothing; apply needs a plan that passed"
    )
    parser.add_argument("--folder", type=Path, default=Path("takeover"), help="where manifests and plan are kept")
    parser.add_argument("--namespace", default="kube-system", help="namespace of both drivers")
    parser.add_argument("--release", default="aiocsi", help="name of the Helm release")
    parser.add_argument("--chart", default="charts/aiocsi", help="the chart: a directory or an OCI reference")
    parser.add_argument("--keep-classes", action="store_true", help="keep the old StorageClasses, and make no new ones")
    parser.add_argument(
        "--until", type=int, choices=range(1, 7), metavar="STEP", help="apply: stop after this step, to look around"
    )
    parser.add_argument("--seconds", type=float, default=180.0, help="longest time of the check on all nodes, seconds")
    return parser.parse_args(argv[:split]), tuple(argv[split + 1 :])


def _plan(cluster: Cluster, folder: Path, plan: Plan, seconds: float) -> int:
    """Save, look, prove. Change nothing that lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    items = predecessor.saved(cluster)
    if any(each["kind"] == "DaemonSet" for each in items):  # a plan in the middle of the change must not lose them
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1)
        (folder / "old-driver.json").write_text(text + "\n", encoding="utf-8")
        (folder / "before.yaml").write_text(cluster.kubectl("get", BEFORE, "--output=yaml"), encoding="utf-8")
    print(f"✓ saved {len(items)} objects of the old driver in {folder / 'old-driver.json'}")
    wrong = list(predecessor.problems(cluster))
    rendered = cluster.rendered(plan.release, plan.chart, plan.words)
    cluster.install(plan.release, plan.chart, "--dry-run=server", *plan.words)
    print(f"  checking image, host, token and scopes on every node, for up to {seconds:.0f} s", flush=True)
    wrong += proof.prove(cluster, rendered, seconds)
    for each in wrong:
        print(f"✗ {each}")
    Plan(plan.release, plan.chart, plan.words, plan.keep_classes, passed=not wrong).write(folder)
    if wrong:
        print("Nothing was changed. Correct what is named, and plan again.")
        return 1
    print("✓ image, host, token and scopes are right on every node")
    print("The steps of apply, each with a check; back undoes them after any of them:")
    for number, step in enumerate(steps.change(cluster, plan), 1):
        print(f"  {number} {step.title}")
    return 0


def _apply(cluster: Cluster, folder: Path, plan: Plan, until: int | None) -> int:
    """Walk the steps of the change, all or as far as ``until``. Raises NotDoneError if the plan has not passed."""
    plan.check(folder)
    again, back = "run this command again", f"go back: aiocsi-takeover back --folder {folder}"
    status = _walk(islice(steps.change(cluster, plan), until), f"correct it and {again}, or {back}")
    if until and status == 0:
        print(f"Stopped, as --until says. To go on, {again} without it; or {back}")
    return status


def _walk(todo: Iterable[Step], otherwise: str) -> int:
    for number, step in enumerate(todo, 1):
        print(f"  {number} {step.title}", flush=True)
        try:
            step.act()
        except NotDoneError as error:
            print(f"✗ {number} {error}\nStopped here. What now: {otherwise}", flush=True)
            return 1
        print(f"✓ {number} done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
