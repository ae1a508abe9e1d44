"""The state of one HTTP/2 connection: h2's, with a bound for what it keeps of a peer's frames, headers and settings.

Sources: RFC 9113 5.1.2 (too many streams), 6.5.2 (unknown settings), 10.5 (denial of service); RFC 7541 4.2.
"""

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import FrameTooLargeError, ProtocolError
from h2.frame_buffer import FrameBuffer
from h2.settings import SettingCodes, Settings
from h2.utilities import SizeLimitDict

CLOSED_STREAMS = 256  # that a connection remembers; h2's own 65,536 grow to 10 MiB on one that lives for days
STREAMS = 1024  # of one connection at once: so many that none of them keeps a Probe from being sent
TABLE_BYTES = 4096  # of headers that we have sent, for the next ones to refer to; a peer may want less, not more
HEADER_BYTES = 64 << 10  # of one call, in all its frames


def settings() -> H2Configuration:
    """Return how headers are read and written."""
    return H2Configuration(
        client_side=False,
        header_encoding="latin-1",  # any byte has a meaning, so none can break the connection and all its calls
        validate_inbound_headers=False,  # Go clients send an :authority that strict servers refuse
        validate_outbound_headers=False,
        normalize_inbound_headers=False,
        normalize_outbound_headers=False,
    )


class Http2State(H2Connection):
    """The state of one connection, with what h2 lacks."""

    def __init__(self, config: H2Configuration) -> None:
        super().__init__(config)
        limits = {SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS, SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_BYTES}
        self.local_settings = Settings(client=False, initial_values=limits)
        self.incoming_buffer = self._frames = _Frames(server=True)
        self._closed_streams = SizeLimitDict(size_limit=CLOSED_STREAMS)

    def frames_taken(self) -> int:
        """Return how many frames were taken since this was asked last."""
        taken, self._frames.taken = self._frames.taken, 0
        return taken

    @property
    def open_inbound_streams(self) -> int:
        """Forget the closed streams, and say that there is room: h2 would cut the connection for one too many."""
        return super().open_inbound_streams * 0

    def _receive_settings_frame(self, frame):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # h2 has no types here
        """Ignore settings that do not exist (RFC 9113 6.5.2): h2 keeps each of 65,536.

        Of the sizes that the peer gives the table of our headers, h2 keeps each until an answer tells of them; the
        smallest and the last are to be told (RFC 7541 4.2).
        """
        frame.settings = {code: value for code, value in frame.settings.items() if code in _KNOWN_SETTINGS}
        if (size := frame.settings.get(SettingCodes.HEADER_TABLE_SIZE)) is not None:
            frame.settings[SettingCodes.HEADER_TABLE_SIZE] = min(size, TABLE_BYTES)
        answer = super()._receive_settings_frame(frame)
        if changes := self.encoder.table_size_changes:
            self.encoder.table_size_changes = list(dict.fromkeys((min(changes), changes[-1])))
        return answer


_KNOWN_SETTINGS = frozenset(SettingCodes)


class _Frames(FrameBuffer):
    """Refuses a frame that is too long at its header, and headers without an end; h2 keeps 16 MiB of either first."""

    taken = 0

    def __next__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204  # h2 has no types here
        if len(self._data) >= 3 and int.from_bytes(self._data[:3]) > self.max_frame_size:
            raise FrameTooLargeError("a frame is too long")
        frame = super().__next__()
        self.taken += 1
        return frame

    def _update_header_buffer(self, f):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # same
        frame = super()._update_header_buffer(f)
        if sum(len(each.data) for each in self._headers_buffer) > HEADER_BYTES:
            raise ProtocolError("headers without an end")
        return frame
