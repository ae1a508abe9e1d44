"""One volume's life, as the sidecars and kubelet ask for it: each request, and what it takes from the one before."""

from dataclasses import dataclass, field
from pathlib import Path

from csi_proto.csi import v1 as csi
from tools.csi.client import Client
from tools.csi.kubelet import NodeRequests
from tools.services.stack import DRIVER_NAME, REGION, Node

GIB = 1 << 30


@dataclass
class Life:
    """A volume and where it is in its life. Each step may be repeated; each returns the driver's whole answer."""

    name: str
    capability: csi.VolumeCapability
    size_bytes: int = GIB
    source: csi.VolumeContentSource | None = None
    volume: csi.Volume = field(default_factory=csi.Volume)
    publish_context: dict[str, str] = field(default_factory=dict)

    async def create(self, controller: Client) -> csi.CreateVolumeResponse:
        reply = await controller.call(self.create_request(), csi.CreateVolumeResponse)
        assert reply.volume is not None, reply
        self.volume = reply.volume
        return reply

    async def attach(self, controller: Client, node: Node) -> csi.ControllerPublishVolumeResponse:
        reply = await controller.call(self.attach_request(node), csi.ControllerPublishVolumeResponse, seconds=60)
        self.publish_context = reply.publish_context
        return reply

    async def stage(self, client: Client, node: Node) -> csi.NodeStageVolumeResponse:
        self.staging_path(node).mkdir(parents=True, exist_ok=True)
        return await client.call(self.on(node).stage(), csi.NodeStageVolumeResponse, seconds=60)

    async def publish(self, client: Client, node: Node, *, readonly: bool = False) -> csi.NodePublishVolumeResponse:
        self.target_path(node).parent.mkdir(parents=True, exist_ok=True)
        return await client.call(self.on(node).publish(readonly=readonly), csi.NodePublishVolumeResponse)

    async def grow(self, controller: Client, size_bytes: int) -> csi.ControllerExpandVolumeResponse:
        reply = await controller.call(self.grow_request(size_bytes), csi.ControllerExpandVolumeResponse, seconds=60)
        self.size_bytes = reply.capacity_bytes
        return reply

    async def grow_on_node(self, client: Client, node: Node) -> csi.NodeExpandVolumeResponse:
        return await client.call(self.on(node).expand(self.size_bytes), csi.NodeExpandVolumeResponse)

    async def unpublish(self, client: Client, node: Node) -> csi.NodeUnpublishVolumeResponse:
        return await client.call(self.on(node).unpublish(), csi.NodeUnpublishVolumeResponse)

    async def unstage(self, client: Client, node: Node) -> csi.NodeUnstageVolumeResponse:
        return await client.call(self.on(node).unstage(), csi.NodeUnstageVolumeResponse)

    async def detach(self, controller: Client, node: Node) -> csi.ControllerUnpublishVolumeResponse:
        return await controller.call(self.detach_request(node), csi.ControllerUnpublishVolumeResponse, seconds=60)

    async def delete(self, controller: Client) -> csi.DeleteVolumeResponse:
        return await controller.call(self.delete_request(), csi.DeleteVolumeResponse)

    async def up(self, controller: Client, client: Client, node: Node) -> None:
        """From created to published on that node."""
        await self.attach(controller, node)
        await self.stage(client, node)
        await self.publish(client, node)

    async def down(self, controller: Client, client: Client, node: Node) -> None:
        """From published back to created."""
        await self.unpublish(client, node)
        await self.unstage(client, node)
        await self.detach(controller, node)

    def staging_path(self, node: Node) -> Path:
        """Where kubelet has it staged on that node."""
        return node.folder / "staging" / self.name

    def target_path(self, node: Node) -> Path:
        """Where kubelet has it published on that node."""
        return node.folder / "pods" / self.name / "mount"

    def device(self, node: Node) -> Path:
        """The link or device node under which it appears on that node while it is attached."""
        return node.device_dir / f"scsi-0DO_Volume_{self.publish_context[f'{DRIVER_NAME}/volume-name']}"

    def on(self, node: Node) -> NodeRequests:
        """Return what kubelet asks of that node."""
        return NodeRequests(
            self.volume.volume_id,
            self.publish_context,
            str(self.staging_path(node)),
            str(self.target_path(node)),
            self.capability,
            self.volume.volume_context,
        )

    def create_request(self) -> csi.CreateVolumeRequest:
        return csi.CreateVolumeRequest(
            name=self.name,
            capacity_range=csi.CapacityRange(required_bytes=self.size_bytes),
            volume_capabilities=[self.capability],
            accessibility_requirements=csi.TopologyRequirement(preferred=[csi.Topology(segments={"region": REGION})]),
            volume_content_source=self.source,
        )

    def grow_request(self, size_bytes: int) -> csi.ControllerExpandVolumeRequest:
        return csi.ControllerExpandVolumeRequest(
            volume_id=self.volume.volume_id,
            capacity_range=csi.CapacityRange(required_bytes=size_bytes),
            volume_capability=self.capability,
        )

    def attach_request(self, node: Node) -> csi.ControllerPublishVolumeRequest:
        return csi.ControllerPublishVolumeRequest(
            volume_id=self.volume.volume_id,
            node_id=str(node.droplet_id),
            volume_capability=self.capability,
            volume_context=self.volume.volume_context,
        )

    def detach_request(self, node: Node) -> csi.ControllerUnpublishVolumeRequest:
        return csi.ControllerUnpublishVolumeRequest(volume_id=self.volume.volume_id, node_id=str(node.droplet_id))

    def delete_request(self) -> csi.DeleteVolumeRequest:
        return csi.DeleteVolumeRequest(volume_id=self.volume.volume_id)
