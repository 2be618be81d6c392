"""Puts the dashboard onto a bridge: its pages and calls, its Socket.IO namespace, its thread."""

import contextlib
import secrets
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import flask
import socketio

from dashboard.auth import Authoriser
from dashboard.live.controls import Controls, Recorder
from dashboard.live.feed import Feed, Row
from dashboard.live.simulator_controls import SimulatorControls
from dashboard.live.viewers import NAMESPACE, Viewers
from dashboard.pages import static_pages
from dashboard.settings import DashboardSettings
from sim_bridge.access import is_loopback
from sim_bridge.server import BridgeServer

MOST_WAITING = 16  # packets; an update is four, a page has asked for one or two


@dataclass(frozen=True)
class About:
    """What the page says of this follower."""

    model: str = ""  # a line
    threshold: float = 0.5  # hero probability above which the agent follows
    vertical_fov: float = 60.0  # degrees


class Dashboard:
    """The page of a bridge, as long as it is served."""

    def __init__(self, server: BridgeServer, viewers: Viewers, token: str | None):
        self.token = token  # what controls need; None where only this machine can connect
        self._server = server
        self._viewers = viewers

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it, with the token; the server must listen."""
        host = self._server.settings.host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        secret = f"#token={self.token}" if self.token else ""  # browsers keep what follows # to themselves
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.port}/{secret}"

    @property
    def viewers(self) -> int:
        """How many watch."""
        return self._viewers.count

    def open_in_browser(self) -> None:
        """Show it to whoever sits here; returns at once."""
        threading.Thread(target=webbrowser.open, args=(self.address,), daemon=True).start()


@contextlib.contextmanager
def serve_dashboard(
    server: BridgeServer,
    feed: Feed,
    about: About,
    settings: DashboardSettings | None = None,
    recorder: Recorder | None = None,
    pages: Sequence[Callable[[Authoriser], flask.Blueprint]] = (),
) -> Iterator[Dashboard]:
    """Add page and controls to a bridge that does not serve yet; `feed` is one of its listeners.

    `pages` makes further pages and calls: each function gets the authoriser for its calls that change something (see
    `recordings.py`), and `pages.page` shows a template.

    Where other machines can connect, they may watch; controls then need a token, a new one each time.
    """

    def emit(sids: list[str], update: dict) -> None:
        server.call(lambda: _send(server.sio, sids, update))

    token = None if is_loopback(server.settings.host) else secrets.token_urlsafe(16)
    told = {**vars(about), "row_fields": [field.name for field in fields(Row)], "token_needed": token is not None}
    settings = settings or DashboardSettings()
    recording = recorder.status if recorder else lambda: None
    viewers = Viewers(feed, emit, lambda: server.busy, told, settings.rate, recording)
    for event in ("connect", "ready", "disconnect"):
        server.sio.on(event, getattr(viewers, event), namespace=NAMESPACE)
    authoriser = Authoriser(token)
    for calls in (Controls(feed, recorder, authoriser), SimulatorControls(feed, server, authoriser)):
        server.app.register_blueprint(calls.pages())
    for blueprint in (static_pages(), *(make(authoriser) for make in pages)):
        server.app.register_blueprint(blueprint)
    viewers.start()
    try:
        yield Dashboard(server, viewers, token)
    finally:
        viewers.close()


def _send(sio: socketio.Server, sids: list[str], update: dict) -> None:
    """Send an update, encoded once, to all but those who ask and ask but do not read: what waits must not pile up."""
    connections = {sid: sio.eio.sockets.get(sio.manager.eio_sid_from_sid(sid, NAMESPACE)) for sid in sids}
    reading = [sid for sid, each in connections.items() if each is not None and each.queue.qsize() <= MOST_WAITING]
    if reading:
        sio.emit("update", update, to=reading, namespace=NAMESPACE)
