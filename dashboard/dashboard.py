"""Adds the dashboard to a bridge: its pages and calls, its Socket.IO namespace, its thread."""

import contextlib
import threading
import webbrowser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import flask
import socketio

from dashboard.auth import TOKEN, make_token
from dashboard.calls import OFFLOAD
from dashboard.live.feed import Feed
from dashboard.live.history import Row
from dashboard.live.routes import LiveControls
from dashboard.live.updates import Updates
from dashboard.live.viewers import NAMESPACE, Viewers
from dashboard.pages import shared_pages
from dashboard.settings import DashboardSettings
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.server import BridgeServer

MAX_WAITING_PACKETS = 16  # of a viewer; an update is four, and a page has asked for one or two


@dataclass(frozen=True)
class About:
    """What the live page shows of the follower's settings."""

    threshold: float = 0.5  # hero probability above which a pixel is the target's
    vertical_fov: float = 60.0  # degrees


class Dashboard:
    """The dashboard of a bridge while it is served."""

    def __init__(self, server: BridgeServer, viewers: Viewers, token: str | None):
        self.token = token  # for controls; None where only this machine can connect
        self._server = server
        self._viewers = viewers

    @property
    def address(self) -> str:
        """Address for a browser on this machine, with the token; the server must listen."""
        host = self._server.settings.host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        secret = f"#token={self.token}" if self.token else ""  # browsers do not send what follows #
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.port}/{secret}"

    @property
    def viewers(self) -> int:
        """Number of viewers."""
        return self._viewers.count

    def open_in_browser(self) -> None:
        """Show it in the browser of this machine; return at once."""
        threading.Thread(target=webbrowser.open, args=(self.address,), daemon=True).start()


@contextlib.contextmanager
def serve_dashboard(
    server: BridgeServer,
    feed: Feed,
    about: About,
    settings: DashboardSettings | None = None,
    recorder: Recorder | None = None,
    pages: Sequence[flask.Blueprint] = (),
) -> Iterator[Dashboard]:
    """Add the live page and further `pages` to a bridge that does not serve yet; `feed` is one of its subscribers.

    Where other machines can connect, they may watch; controls then need a token, a new one each time.
    """

    def emit(sids: list[str], update: dict[str, Any]) -> None:
        server.call(lambda: _send(server.sio, sids, update))

    token = make_token(server.settings.host)
    server.app.config |= {TOKEN: token, OFFLOAD: server.offload}
    facts = {**vars(about), "row_fields": [field.name for field in fields(Row)]}
    updates = Updates(feed, facts, recorder.status if recorder else lambda: None)
    viewers = Viewers(feed, updates, emit, lambda: server.busy, (settings or DashboardSettings()).rate)
    for event in ("connect", "ready", "disconnect"):
        server.sio.on(event, getattr(viewers, event), namespace=NAMESPACE)
    for blueprint in (shared_pages(), LiveControls(feed, server, recorder).pages(), *pages):
        server.app.register_blueprint(blueprint)
    viewers.start()
    try:
        yield Dashboard(server, viewers, token)
    finally:
        viewers.close()


def _send(sio: socketio.Server, sids: list[str], update: dict[str, Any]) -> None:
    """Send an update, encoded once; leave out viewers that ask but do not read, whose packets would pile up."""
    connections = {sid: sio.eio.sockets.get(sio.manager.eio_sid_from_sid(sid, NAMESPACE)) for sid in sids}
    reading = [sid for sid, each in connections.items() if each and each.queue.qsize() <= MAX_WAITING_PACKETS]
    if reading:
        sio.emit("update", update, to=reading, namespace=NAMESPACE)
