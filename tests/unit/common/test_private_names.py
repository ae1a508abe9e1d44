"""The private names of pinned libraries that are used: each fails here, with its name, when an update takes it away."""

import inspect

import pytest
from betterproto2 import Message
from grpclib import events, protocol, server
from grpclib.config import Configuration
from h2.connection import H2Connection
from h2.utilities import SizeLimitDict

from csi_proto.csi import v1 as csi


def test_a_message_class_tells_its_layout() -> None:
    layout = csi.CreateVolumeRequest._betterproto  # type: ignore[arg-type]  # its descriptor has no useful type
    assert layout.field_name_by_number[1] == "name"
    assert layout.meta_by_field_name["name"].proto_type == "string"
    assert layout.cls_by_field["capacity_range"] is csi.CapacityRange
    assert issubclass(layout.cls_by_field["parameters"], Message)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        pytest.param(
            server.request_handler,
            ["mapping", "_stream", "headers", "codec", "status_details_codec", "dispatch", "release_stream"],
            id="request_handler",
        ),
        pytest.param(
            server.Handler.__init__, ["self", "mapping", "codec", "status_details_codec", "dispatch"], id="Handler"
        ),
        pytest.param(server.Handler.accept, ["self", "stream", "headers", "release_stream"], id="accept"),
        pytest.param(protocol.H2Protocol.__init__, ["self", "handler", "config", "h2_config"], id="H2Protocol"),
        pytest.param(protocol.H2Protocol.connection_made, ["self", "transport"], id="connection_made"),
        pytest.param(protocol.EventsProcessor.close, ["self", "reason"], id="EventsProcessor.close"),
        pytest.param(protocol.Stream.recv_data, ["self", "size"], id="recv_data"),
    ],
)
def test_a_function_that_is_called_or_replaced_has_the_parameters_that_are_given(
    function: object, parameters: list[str]
) -> None:
    assert callable(function)
    assert list(inspect.signature(function).parameters) == parameters


def test_a_handler_keeps_its_tasks_by_stream_and_collects_them() -> None:
    source = inspect.getsource(server.Handler)
    assert "self._tasks: Dict['protocol.Stream', 'asyncio.Task[None]']" in source
    assert callable(server.Handler.__gc_step__)


def test_a_stream_that_ends_early_is_an_assertion_error() -> None:
    assert "raise AssertionError" in inspect.getsource(protocol.Buffer.read)


def test_a_server_stream_keeps_its_protocol_stream() -> None:
    assert "self._stream = stream" in inspect.getsource(server.Stream.__init__)


def test_a_connection_keeps_its_h2_connection_and_its_event_handlers() -> None:
    assert "self._connection = connection" in inspect.getsource(protocol.Connection.__init__)
    assert "self.processors = {" in inspect.getsource(protocol.EventsProcessor.__init__)
    assert "self.processors[event.__class__]" in inspect.getsource(protocol.EventsProcessor.process)
    assert callable(H2Connection.close_connection)
    assert isinstance(H2Connection()._closed_streams, SizeLimitDict)


def test_the_configuration_of_a_server_can_be_made_alone() -> None:
    assert Configuration().__for_server__().http2_stream_window_size == 4 << 20
    assert callable(events._DispatchServerEvents)
