"""What people can ask of the stand-in: its speed, another episode. QuadSim has no such controls and is never asked."""

from collections.abc import Callable, Mapping

import flask

from dashboard.auth import Gate
from dashboard.live.feed import Feed
from sim_bridge.server import BridgeServer
from sim_bridge.wire import simulator_control as stand_in_wire
from sim_bridge.wire.simulator_control import StandInState


class StandInControls:
    """The calls; docs/dashboard.md describes them for users."""

    def __init__(self, feed: Feed, server: BridgeServer, gate: Gate):
        self._feed = feed
        self._server = server
        self._gate = gate

    def pages(self) -> flask.Blueprint:
        """The calls as pages of an application."""
        pages = flask.Blueprint("stand_in", __name__, url_prefix="/api/simulators/<int:number>")
        for path, control in (("/speed", self._speed), ("/new-episode", self._new_episode)):
            pages.add_url_rule(path, control.__name__, self._gate.guarded(control), methods=["POST"])
        return pages

    def _speed(self, body: Mapping, number: int) -> dict:
        asked = self._ask(number, stand_in_wire.set_speed, body)
        self._feed.add_event("control", f"speed {asked['speed']:g}", self._feed.session(number))
        return asked

    def _new_episode(self, body: Mapping, number: int) -> dict:
        asked = self._ask(number, stand_in_wire.new_episode, body)
        said = f"a new episode: seed {asked['seed']}, {asked['people']} people"
        self._feed.add_event("control", said, self._feed.session(number))
        return asked

    def _ask(self, number: int, form: Callable[[StandInState, Mapping], tuple[str, dict]], body: Mapping) -> dict:
        session = self._feed.session(number)
        if session.stand_in is None:
            raise LookupError(f"{session.name} has no such control: it has not said that it is a stand-in")
        event, payload = form(session.stand_in, body)
        self._server.ask(session, event, payload)
        return payload
