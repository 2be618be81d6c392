"""Two ways to accept connections: threads, and the green threads of eventlet."""

from sim_bridge.transports.green_threads import EventletTransport
from sim_bridge.transports.threads import ThreadingTransport
from sim_bridge.transports.transport import Transport


def make_transport(async_mode: str) -> Transport:
    """Return the transport for "threading" or "eventlet"."""
    return EventletTransport() if async_mode == "eventlet" else ThreadingTransport()
