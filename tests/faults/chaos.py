"""Makes the faults happen that hit processes, hosts and clocks; the others wait for a request or a program."""

from tests.faults.cluster import others
from tests.faults.plan import Fault
from tests.faults.sim.injector import STORMS
from tests.faults.sim.loop import Process, sleep
from tests.faults.world import World

TIMED = frozenset(
    {
        *(
            "controller killed",
            "node killed",
            "kubelet killed",
            "leader change",
            "host off",
            "host gone",
            "network lost",
        ),
        *("foreign event", "clock jump"),
        *others.KINDS,
    }
)


class Chaos:
    """Acts out the faults of a plan."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def act(self) -> None:
        """Let every fault happen at its time."""
        for fault in self._world.plan.faults:
            if fault.kind in TIMED or fault.kind in STORMS:
                await sleep(max(0.0, fault.at - self._world.now()))
                self._world.injector.hit(fault, "now")
                self._strike(fault)

    def _strike(self, fault: Fault) -> None:
        world = self._world
        if fault.kind == "controller killed":
            world.kill_controller(fault.who, int(fault.amount))
        elif fault.kind == "leader change":
            world.begin(world.change_leader(fault.what, stopped=bool(fault.amount)))
        elif fault.kind == "clock jump":
            world.skew += fault.amount
        elif fault.kind == "foreign event":
            world.cloud.foreign_event(100 + fault.who, fault.amount)
        elif fault.kind in others.KINDS:
            world.begin(world.others.act(fault))
        elif fault.who in world.hosts and not world.hosts[fault.who].gone:
            self._strike_host(fault)
        world.changed()

    def _strike_host(self, fault: Fault) -> None:
        world, host = self._world, self._world.hosts[fault.who]
        if fault.kind == "node killed" and host.serving is not None:
            if fault.amount:
                host.kill_node_in(int(fault.amount))
            else:
                world.trace.count("kills")
                host.kill_node()
        elif fault.kind == "kubelet killed" and host.kubelet is not None:
            world.trace.count("kills")
            host.kubelet.die()
            world.begin(self._start_kubelet(fault, host.kubelet))
        elif fault.kind == "network lost":
            host.online = False
            moving = any(pod.host == host.number and pod.deleting and not pod.gone for pod in world.store.pods)
            world.trace.count("network lost while a pod moves away", int(moving))
            world.begin(self._reconnect(fault))
        elif fault.kind == "host off" and host.on:
            host.power_off()
            world.cloud.droplets[host.droplet_id].active = False
            world.begin(self._power_on(fault))
        elif fault.kind == "host gone" and sum(not each.gone for each in world.hosts.values()) > 1:
            host.power_off()
            host.gone = True
            world.cloud.destroy(host.droplet_id)

    async def _reconnect(self, fault: Fault) -> None:
        await sleep(fault.amount)
        self._world.hosts[fault.who].online = True
        self._world.changed()

    async def _start_kubelet(self, fault: Fault, dead: Process) -> None:
        """Start kubelet again, unless the host was switched off meanwhile: then it starts with the host."""
        await sleep(fault.amount)
        if self._world.hosts[fault.who].kubelet is dead:
            self._world.start_kubelet(fault.who)
            self._world.changed()

    async def _power_on(self, fault: Fault) -> None:
        await sleep(fault.amount)
        world, host = self._world, self._world.hosts[fault.who]
        if host.gone:
            return
        world.cloud.droplets[host.droplet_id].active = True
        host.boot()
        for volume in world.cloud.volumes.values():
            if volume.droplet_id == host.droplet_id:
                world.plug(host.droplet_id, volume)
        world.start_kubelet(host.number)
        world.changed()
