"""Says once how QuadSim connects, if no simulator has done so for a while."""

import threading
from collections.abc import Callable
from typing import Self

from sim_bridge.events import Subscriber
from sim_bridge.session import Session
from sim_bridge.settings import BridgeSettings

SECONDS = 60.0
QUADSIM_PORT = BridgeSettings.port
REACHED_AS_LOCALHOST = {"127.0.0.1", "localhost", "0.0.0.0", "::"}


class ConnectionHint(Subscriber):
    """Reports a hint after `seconds` without a connection. Use as a context manager from the moment of listening."""

    def __init__(self, report: Callable[[str], object], host: str, port: int, seconds: float = SECONDS) -> None:
        self._timer = threading.Timer(seconds, report, [hint(host, port)])
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()

    def connected(self, session: Session) -> None:
        """Report nothing any more."""
        self._timer.cancel()


def hint(host: str, port: int) -> str:
    """Return what to check when QuadSim does not connect to a follower that listens on a host and port."""
    place = f"port {QUADSIM_PORT} of its own machine"
    if port != QUADSIM_PORT:
        return f"no simulator has connected yet: QuadSim connects to {place} only; start without another --port for it"
    if host not in REACHED_AS_LOCALHOST:
        return f"no simulator has connected yet: QuadSim connects to {place} only; start without --host {host} for it"
    return (
        f"no simulator has connected yet: QuadSim connects in the mode Follow Me only, and only to {place}; if it runs "
        f"on another machine, run there: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE"
    )
