"""One call of a servicer as the server makes it, but without a socket: request and reply are encoded all the same."""

from betterproto2 import Message
from grpclib.const import Handler

from common import message_check
from common.grpc_framing import Exchange
from common.server import Service


class Kept:
    """A stream that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send_message(self, message: Message) -> None:
        """Encode it, as the real one does."""
        self.sent.append(bytes(message))


def handlers(service: Service) -> dict[type[Message], Handler]:
    """Return the methods of a service by the type of their request."""
    return {handler.request_type: handler for handler in service.__mapping__().values()}


async def serve_once(service: Service, request: Message) -> bytes:
    """Return the encoded reply. Raises what the servicer raises."""
    kind = type(request)
    kept = Kept()
    await handlers(service)[kind].func(Exchange(kept, message_check.decode(bytes(request), kind)))  # type: ignore[arg-type]
    (reply,) = kept.sent
    return reply
