"""Acknowledge received TCP segments at once.

QuadSim's client leaves Nagle's algorithm on and writes a frame in small pieces: after the first one it waits for its
acknowledgement, which systems delay by 40 ms (Linux) to 200 ms (Windows) in the hope of data to send along with it.
"""

import ctypes
import logging
import socket
import sys
from typing import Any

logger = logging.getLogger(__name__)

_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux; Windows from Python 3.14 on
_SIO_TCP_SET_ACK_FREQUENCY = 0x98000017  # Windows: segments until an acknowledgement is sent, 2 by default


class QuickAckSocket:
    """A connected socket that acknowledges at once, where the system can; otherwise the same as the given one."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        if sys.platform == "win32" and _QUICK_ACK is None:
            set_ack_frequency(connection.fileno())

    def recv(self, size: int) -> bytes:
        """Receive at most `size` bytes. Linux forgets the option whenever it sends data, so it is set each time."""
        data: bytes = self._connection.recv(size)
        if _QUICK_ACK is not None:
            try:
                self._connection.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            except OSError as error:  # closed meanwhile, or not supported: only slower
                logger.debug("acknowledgements may be delayed: %s", error)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def set_ack_frequency(handle: int) -> None:
    """Acknowledge each segment of a connection, for good; Windows only, whose sockets have no option for it."""
    winsock: Any = getattr(ctypes, "WinDLL")("ws2_32")  # noqa: B009 - has no types elsewhere than on Windows
    segments, returned = ctypes.c_uint32(1), ctypes.c_uint32()
    failed = winsock.WSAIoctl(
        ctypes.c_size_t(handle),
        ctypes.c_uint32(_SIO_TCP_SET_ACK_FREQUENCY),
        ctypes.byref(segments),
        ctypes.c_uint32(ctypes.sizeof(segments)),
        None,
        ctypes.c_uint32(0),
        ctypes.byref(returned),
        None,
        None,
    )
    if failed:  # Windows before 8
        logger.debug("acknowledgements may be delayed: this system does not take SIO_TCP_SET_ACK_FREQUENCY")
