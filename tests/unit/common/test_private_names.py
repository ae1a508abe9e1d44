"""The private names of pinned libraries that are used: each fails here, with its name, when an update takes it away.

What they do is tested over a real socket in ``test_grpc_connection``, ``test_traps`` and ``test_floods``.
"""

import inspect

import pytest
from betterproto2 import Message
from grpclib import events, protocol, server
from grpclib.config import Configuration
from h2.connection import H2Connection
from h2.frame_buffer import FrameBuffer

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
        pytest.param(protocol.EventsProcessor.__init__, ["self", "handler", "connection"], id="EventsProcessor"),
        pytest.param(protocol.Connection.ack, ["self", "stream_id", "size"], id="ack"),
        pytest.param(protocol.Buffer.add, ["self", "data", "ack_size"], id="Buffer.add"),
        pytest.param(H2Connection._receive_settings_frame, ["self", "frame"], id="_receive_settings_frame"),
        pytest.param(FrameBuffer._update_header_buffer, ["self", "f"], id="_update_header_buffer"),
    ],
)
def test_a_function_that_is_called_or_replaced_has_the_parameters_that_are_given(
    function: object, parameters: list[str]
) -> None:
    assert callable(function)
    assert list(inspect.signature(function).parameters) == parameters


def test_the_configuration_of_a_server_can_be_made_alone() -> None:
    made = Configuration(
        _keepalive_time=1.0,
        _keepalive_timeout=1.0,
        _http2_max_pings_without_data=0,
        _http2_min_sent_ping_interval_without_data=0.5,
    )
    assert made.__for_server__()._keepalive_time == 1.0
    assert callable(events._DispatchServerEvents)
