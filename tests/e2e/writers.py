"""Pods that write all the time: each line is on the disk before it counts."""

import asyncio
from dataclasses import dataclass

from lightkube.resources.core_v1 import Pod

from tests.e2e import manifests
from tests.e2e.place import READY_SECONDS, Place

WRITE = "i=0; while :; do i=$((i+1)); echo $i >>/data/lines; sync; echo $i >/tmp/counted; sleep 0.2; done"
READ = "counted=$(cat /tmp/counted); echo $counted; cat /data/lines"


@dataclass(frozen=True)
class Writer:
    """A pod with a volume, which writes numbers in turn."""

    place: Place
    name: str

    async def start(self, storage_class: str, node: str) -> None:
        """Make the volume and the pod."""
        document = manifests.pod(self.name, self.name, node=node)
        spec = document["spec"]
        assert isinstance(spec, dict)
        spec["containers"][0]["command"] = ["sh", "-c", f"trap exit TERM; {WRITE}"]
        await self.place.make(manifests.claim(self.name, storage_class=storage_class), document)
        await self.place.ready(self.name)

    async def lines(self) -> int:
        """Return how many lines counted; none of them is lost, and no other was written."""
        counted, *lines = (await self.place.sh(self.name, READ)).split()
        assert lines == [str(number) for number in range(1, len(lines) + 1)]
        assert len(lines) >= int(counted)
        return len(lines)

    async def writes_on(self, since: int) -> int:
        """Wait until there are more lines than that; return how many. Raises TimeoutError."""
        async with asyncio.timeout(READY_SECONDS):
            while (count := await self.lines()) <= since:  # noqa: ASYNC110
                await asyncio.sleep(0.5)  # noqa: TID251  # a file that grows tells nobody
        return count

    async def identity(self) -> tuple[str, int]:
        """Return who the pod is, and how often its container was started again."""
        pod = await self.place.client.get(Pod, self.name, namespace=self.place.namespace)
        assert pod.metadata is not None
        assert pod.status is not None
        return str(pod.metadata.uid), sum(one.restartCount for one in pod.status.containerStatuses or [])
