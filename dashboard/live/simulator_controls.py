"""Controls of the built-in simulator as HTTP calls: its speed, another episode. QuadSim has none and is never asked."""

from collections.abc import Callable, Mapping

import flask

from dashboard.auth import Authoriser
from dashboard.live.feed import Feed
from sim_bridge.server import BridgeServer
from sim_bridge.wire import simulator_control
from sim_bridge.wire.simulator_control import SimulatorInfo


class SimulatorControls:
    """The calls; docs/dashboard.md describes them for users."""

    def __init__(self, feed: Feed, server: BridgeServer, authoriser: Authoriser):
        self._feed = feed
        self._server = server
        self._authoriser = authoriser

    def pages(self) -> flask.Blueprint:
        """The calls as pages of an application."""
        pages = flask.Blueprint("simulator_controls", __name__, url_prefix="/api/simulators/<int:number>")
        for path, control in (("/speed", self._speed), ("/new-episode", self._new_episode)):
            pages.add_url_rule(path, control.__name__, self._authoriser.require_token(control), methods=["POST"])
        return pages

    def _speed(self, body: Mapping, number: int) -> dict:
        asked = self._ask(number, simulator_control.set_speed, body)
        self._feed.add_event("control", f"speed {asked['speed']:g}", self._feed.session(number))
        return asked

    def _new_episode(self, body: Mapping, number: int) -> dict:
        asked = self._ask(number, simulator_control.new_episode, body)
        said = f"a new episode: seed {asked['seed']}, {asked['people']} people"
        self._feed.add_event("control", said, self._feed.session(number))
        return asked

    def _ask(self, number: int, form: Callable[[SimulatorInfo, Mapping], tuple[str, dict]], body: Mapping) -> dict:
        session = self._feed.session(number)
        if session.simulator_info is None:
            raise LookupError(f"{session.name} has no such control: it is not the built-in simulator")
        event, payload = form(session.simulator_info, body)
        self._server.ask(session, event, payload)
        return payload
