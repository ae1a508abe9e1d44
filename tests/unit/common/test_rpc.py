"""What surrounds every call: how it ends, what is told of it, and what it may not hold up."""

import asyncio
from pathlib import Path

import pytest
import structlog
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from common import call_log, deadlines, errors
from common.rpc import LONGEST_HEADER
from common.tasks import Tasks
from csi_proto.csi import v1 as csi
from tests.fakes.services import Act, Deleting, Gate
from tests.harness.raw_http2 import RawClient, framed
from tests.unit.common.captured import Captured
from tests.unit.common.conftest import DELETE, REPLY, VOLUME, raises
from tests.unit.common.serving import Served, serving
from tools.csi.client import Client

OWN = [kind for kind in errors.tree() if kind.__module__ == errors.__name__]  # whatever else is imported by now

MISTAKES = [
    pytest.param(KeyError("x"), id="exception"),
    pytest.param(TimeoutError(), id="time-out of its own"),
    pytest.param(AssertionError(), id="assertion"),
    pytest.param(GRPCError(Status.INTERNAL, "x"), id="status INTERNAL"),
    pytest.param(GRPCError(Status.UNKNOWN, "x"), id="status UNKNOWN"),
    pytest.param(ExceptionGroup("x", [KeyError("y")]), id="group"),
]


async def _tell(outcome: str) -> None:
    call_log.tell(outcome=outcome)


def obstructed(gate: Gate) -> Act:
    """A servicer that waits at the gate, and says for what."""

    async def act(message: csi.DeleteVolumeRequest) -> None:
        with deadlines.waiting("the cloud answered 503"):
            await gate(message)

    return act


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
async def test_an_error_arrives_with_its_status_code_message_and_remedy(
    served: Served, client: Client, kind: type[errors.DriverError]
) -> None:
    served.controller.act = raises(kind("volume v-1 is odd", remedy="look at it")).act
    assert await client.refusal(VOLUME) == (kind.status, f"{kind.default_code}: volume v-1 is odd (remedy: look at it)")


@pytest.mark.asyncio
@pytest.mark.parametrize("mistake", MISTAKES)
async def test_an_unforeseen_error_is_not_final_and_told_in_the_log_alone(
    log: Captured, served: Served, client: Client, mistake: Exception
) -> None:
    served.controller.act = raises(mistake).act
    status, message = await client.refusal(VOLUME)
    assert status is Status.UNAVAILABLE
    assert "Traceback" not in message
    (line,) = log.lines("unforeseen")
    assert "Traceback" in str(line["exception"])
    assert str(line["request_id"]) in message


@pytest.mark.asyncio
async def test_a_reply_of_a_wrong_type_is_not_final(tmp_path: Path) -> None:
    class Mistaken(Deleting):
        async def delete_volume(self, message: csi.DeleteVolumeRequest) -> csi.DeleteVolumeResponse:
            await super().delete_volume(message)
            return csi.ProbeResponse()  # type: ignore[return-value]  # the mistake

    async with serving(tmp_path, Mistaken()) as served, Client(served.socket) as client:
        assert (await client.refusal(VOLUME))[0] is Status.UNAVAILABLE


@pytest.mark.asyncio
async def test_an_answer_is_no_longer_than_strict_clients_take(served: Served) -> None:
    served.controller.act = raises(errors.NotFound("\N{CJK UNIFIED IDEOGRAPH-4E00}" * 9999)).act
    async with RawClient(served.socket) as client:
        answer = await client.call(f"/{DELETE}", framed(bytes(VOLUME)))
    assert answer.status == Status.NOT_FOUND.value
    assert 4000 < len(answer.headers["grpc-message"]) <= LONGEST_HEADER


@pytest.mark.asyncio
async def test_message_and_remedy_are_fields_of_their_own_in_the_log(
    log: Captured, served: Served, client: Client
) -> None:
    served.controller.act = raises(errors.Busy("volume v-1 is odd", remedy="look at it")).act
    await client.refusal(VOLUME)
    (line,) = log.lines("call")
    about = ["error_class", "error_code", "volume_id", "message", "remedy"]
    first = ["timestamp", "level", "event", "method", "code", *about]
    assert list(line)[: len(first)] == first
    assert line["error_code"] == "AIOCSI-G020"
    assert (line["message"], line["remedy"]) == ("volume v-1 is odd", "look at it")


@pytest.mark.asyncio
async def test_one_line_tells_of_a_call(log: Captured, client: Client) -> None:
    await client.call(VOLUME, REPLY, metadata={"x-request-id": "req-1"})
    (line,) = log.lines("call")
    assert isinstance(line.pop("seconds"), float)
    line.pop("timestamp")
    assert line == {
        "event": "call",
        "level": "info",
        "method": DELETE,
        "code": "OK",
        "volume_id": "v-1",
        "request_id": "req-1",
    }


@pytest.mark.asyncio
@pytest.mark.parametrize(("error", "outcome"), [(None, "deleted"), (errors.Busy("busy"), None)])
async def test_the_line_of_a_call_that_ended_well_has_what_was_told_of_it(
    log: Captured, served: Served, client: Client, error: Exception | None, outcome: str | None
) -> None:
    async def act(_message: csi.DeleteVolumeRequest) -> None:
        call_log.tell(outcome="was_gone")
        await Tasks().finish(_tell("deleted"))
        if error is not None:
            raise error

    served.controller.act = act
    await (client.call(VOLUME, REPLY) if error is None else client.refusal(VOLUME))
    (line,) = log.lines("call")
    assert line.get("outcome") == outcome


@pytest.mark.asyncio
async def test_the_lines_of_a_call_have_id_and_name_of_its_volume_and_no_line_has_those_of_another(
    log: Captured, tmp_path: Path
) -> None:
    names = {"v-1": "pvc-1", "v-2": "pvc-2"}
    tasks = Tasks()

    async def act(_message: csi.DeleteVolumeRequest) -> None:
        names.pop("v-1")  # as the volume that is deleted is forgotten
        structlog.get_logger().info("step")
        structlog.get_logger().info("other", volume_id="v-2")
        structlog.get_logger().info("unknown", volume_id="v-3")
        await tasks.background(_write("background"), "of the process")

    call_log.know_names(lambda volume_id: names.get(volume_id, ""))
    async with serving(tmp_path) as served, Client(served.socket) as client:
        served.controller.act = act
        await client.call(VOLUME, REPLY)
    told = {str(each["event"]): (each.get("volume_id"), each.get("volume_name")) for each in log.all()}
    told.pop("serving")
    assert told == {
        "step": ("v-1", "pvc-1"),
        "other": ("v-2", "pvc-2"),
        "unknown": ("v-3", None),
        "background": (None, None),
        "call": ("v-1", "pvc-1"),
    }
    assert "request_id" not in log.lines("background")[0]


async def _write(event: str) -> None:
    structlog.get_logger().info(event)


@pytest.mark.asyncio
@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b'])
async def test_a_request_id_that_is_none_is_replaced(log: Captured, served: Served, given: str) -> None:
    async with RawClient(served.socket) as client:
        await client.call(f"/{DELETE}", framed(bytes(VOLUME)), ("x-request-id", given))
    (line,) = log.lines("call")
    assert len(str(line["request_id"])) == 16


@pytest.mark.asyncio
async def test_questions_that_are_asked_all_the_time_are_told_at_debug(log: Captured, client: Client) -> None:
    await client.call(csi.ProbeRequest(), csi.ProbeResponse)
    (line,) = log.lines("call")
    assert line["level"] == "debug"


@pytest.mark.asyncio
async def test_a_call_whose_caller_is_gone_is_no_error(log: Captured, served: Served) -> None:
    gate = Gate()
    served.controller.act = gate
    async with Client(served.socket):
        async with RawClient(served.socket) as client:
            client.send(client.begin(f"/{DELETE}"), framed(bytes(VOLUME)))
            await gate.until(1)
        async with asyncio.timeout(20):
            await gate.left.wait()
    (line,) = log.lines("call")
    assert (line["code"], line["level"], gate.cancelled) == ("CANCELLED", "info", 1)
    assert "Traceback" not in log.text


@pytest.mark.asyncio
async def test_a_call_whose_time_runs_out_names_what_stood_in_its_way(served: Served) -> None:
    served.controller.act = obstructed(Gate())
    async with RawClient(served.socket) as client:
        answer = await client.call(f"/{DELETE}", framed(bytes(VOLUME)), ("grpc-timeout", "200m"))
    assert "the cloud answered 503; the caller's time ran out" in answer.headers["grpc-message"]


@pytest.mark.asyncio
async def test_a_caller_that_leaves_a_call_with_an_obstacle_is_a_warning_that_names_it(
    log: Captured, served: Served
) -> None:
    gate = Gate()
    served.controller.act = obstructed(gate)
    async with Client(served.socket):
        async with RawClient(served.socket) as client:
            client.send(client.begin(f"/{DELETE}"), framed(bytes(VOLUME)))
            await gate.until(1)
        async with asyncio.timeout(20):
            await gate.left.wait()
    (line,) = log.lines("call")
    assert (line["code"], line["level"]) == ("CANCELLED", "warning")
    assert line["message"] == "the cloud answered 503; the caller left"


@pytest.mark.asyncio
async def test_calls_are_counted_by_method_and_code(served: Served, client: Client) -> None:
    await client.call(VOLUME, REPLY)
    served.controller.act = raises(errors.Busy("x")).act
    await client.refusal(VOLUME)
    text = served.metrics.render().decode()
    assert f'aiocsi_calls_total{{code="OK",method="{DELETE}"}} 1.0' in text
    assert f'aiocsi_calls_total{{code="ABORTED",method="{DELETE}"}} 1.0' in text
    assert f'aiocsi_call_seconds_count{{method="{DELETE}"}} 2.0' in text
    assert f'aiocsi_calls_in_flight{{method="{DELETE}"}} 0.0' in text


@pytest.mark.asyncio
async def test_secrets_of_a_request_are_told_to_nobody(log: Captured, served: Served, client: Client) -> None:
    secret = "s3cr3t-of-the-user"  # noqa: S105  # a made-up one
    wordy = csi.DeleteVolumeRequest(volume_id="v-1", secrets={"token": secret})
    for error in (errors.NotFound(f"the cloud refused {secret}"), KeyError(secret)):
        served.controller.act = raises(error).act
        _, message = await client.refusal(wordy)
        assert secret not in message
    assert log.lines("unforeseen")
    assert secret not in log.text
    assert secret.encode() not in served.metrics.render()
