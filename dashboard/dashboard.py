"""Add the dashboard to a bridge: its pages and calls, its Socket.IO namespace, its thread."""

import contextlib
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import flask
import socketio

from config.hosts import host_in_url
from dashboard.live.feed import Feed, Row
from dashboard.live.routes import LiveControls
from dashboard.live.updates import Request, make_update
from dashboard.live.viewers import NAMESPACE, Viewers
from dashboard.pages import OFFLOAD, TOKEN, Pages, harden
from dashboard.settings import DashboardSettings
from follower.settings import AgentSettings
from sim_bridge.access import is_loopback
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.server import BridgeServer

MAX_WAITING_PACKETS = 16  # per viewer; an update is four packets, and a page requests one or two at a time


@dataclass(frozen=True)
class Dashboard:
    """The dashboard of a bridge while it is served."""

    server: BridgeServer
    viewers: Viewers
    token: str | None  # for controls, a new one each time; None where only this machine can connect

    @property
    def address(self) -> str:
        """Address for a browser on this machine, with the token; the server must listen."""
        host = self.server.local_host
        secret = f"#token={self.token}" if self.token else ""  # browsers do not send what follows #
        return f"http://{host_in_url(host)}:{self.server.port}/{secret}"

    def open_in_browser(self) -> None:
        """Show it in the browser of this machine, if it has a display; return at once."""
        displays = "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"
        if sys.platform == "linux" and not any(map(os.environ.get, displays)):
            return  # a browser for text would take the follower's terminal
        threading.Thread(target=webbrowser.open, args=(self.address,), daemon=True).start()


@contextlib.contextmanager
def serve_dashboard(
    server: BridgeServer,
    feed: Feed,
    recorder: Recorder,
    agent: AgentSettings,
    settings: DashboardSettings,
    pages: Sequence[flask.Blueprint] = (),
) -> Iterator[Dashboard]:
    """Add the live page and further `pages` to a bridge that does not serve yet; `feed` and `recorder` are
    subscribers of it.

    Where other machines can connect, they may watch; controls then need a token.
    """
    shown = {"threshold": agent.threshold, "vertical_fov": agent.vertical_fov}
    about = {**shown, "row_fields": [field.name for field in fields(Row)]}

    def update(request: Request) -> dict[str, Any]:
        return make_update(feed, request, about, recorder.status())

    def emit(sids: list[str], update: dict[str, Any]) -> None:
        server.call(partial(_send, server.sio, sids, update))

    token = None if is_loopback(server.settings.host) else secrets.token_urlsafe(16)
    server.app.config |= {TOKEN: token, OFFLOAD: server.offload}
    server.app.after_request(harden)
    for blueprint in (Pages(""), LiveControls(feed, server, recorder).pages(), *pages):
        server.app.register_blueprint(blueprint)
    viewers = Viewers(feed, update, emit, lambda: server.busy, settings.rate)
    for event in ("connect", "ready", "disconnect"):
        server.sio.on(event, getattr(viewers, event), namespace=NAMESPACE)
    viewers.start()
    try:
        yield Dashboard(server, viewers, token)
    finally:
        viewers.close()


def _send(sio: socketio.Server, sids: list[str], update: dict[str, Any]) -> None:
    """Send an update, encoded once; leave out viewers that request but do not read, whose packets would pile up."""
    connections = {sid: sio.eio.sockets.get(sio.manager.eio_sid_from_sid(sid, NAMESPACE)) for sid in sids}
    reading = [sid for sid, each in connections.items() if each and each.queue.qsize() <= MAX_WAITING_PACKETS]
    if reading:
        sio.emit("update", update, to=reading, namespace=NAMESPACE)
