"""The address that the bridge listens on: reserved first, and listened on once everything is ready."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator

from config.hosts import host_in_url
from sim_bridge.settings import BridgeSettings


class AddressError(RuntimeError):
    """The address cannot be listened on; the message says why."""


def bind(host: str, port: int) -> socket.socket:
    """Reserve an address without listening, so that a port in use is reported at once. Raises AddressError."""
    with _explained(host, port):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere this option lets two programs share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    return listener


def listen(listener: socket.socket) -> None:
    """Let clients connect. Raises AddressError: another program may have taken the address since `bind`."""
    with _explained(*listener.getsockname()[:2]):
        listener.listen()


@contextlib.contextmanager
def _explained(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except UnicodeError as error:
        raise AddressError(f"expected the name or the address of this machine, got {host!r}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = (
                "another program uses this port, perhaps another follower; end that one "
                f"(another --port is not for QuadSim, which connects to {BridgeSettings.port} only)"
            )
        else:
            reason = str(error.strerror or error)
        raise AddressError(f"cannot listen on {host_in_url(host)}:{port}: {reason}") from error
