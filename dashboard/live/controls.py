"""What people can ask for during a flight, as HTTP calls with JSON; docs/dashboard.md describes them for users."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

import flask
from annotated_types import MaxLen

from config.reader import build
from dashboard.auth import Authoriser
from dashboard.live.feed import Feed
from sim_bridge.recorder.settings import Reason


@dataclass(frozen=True)
class Pause:
    """Body of a call that pauses or resumes commands to a simulator."""

    paused: bool


@dataclass(frozen=True)
class StartRecording:
    """Body of a call that starts a recording; without `filter` the settings say which frames are kept."""

    name: str = ""
    filter: tuple[Reason, ...] | None = None


@dataclass(frozen=True)
class Mark:
    """Body of a call that marks the next frame."""

    note: Annotated[str, MaxLen(200), "text of at most 200 characters"] = ""


class Recorder(Protocol):
    """What is needed of `recording.recorder.Recorder`."""

    def status(self) -> dict:
        """Plain data."""

    def start(self, name: str = "", filter: tuple[Reason, ...] | None = None) -> str:
        """Begin; the run's name. Raises ValueError."""

    def stop(self, *, then: Callable[[list[str]], object]) -> None:
        """End, and call `then` with the names of the runs once they are written; nothing while not recording."""

    def mark(self, note: str) -> None:
        """Have the next frame of every simulator kept, with a note."""


class Controls:
    """The calls. `recorder` None: nothing can be recorded here."""

    def __init__(self, feed: Feed, recorder: Recorder | None, authoriser: Authoriser):
        self._feed = feed
        self._recorder = recorder
        self._authoriser = authoriser

    def pages(self) -> flask.Blueprint:
        """The calls as pages of an application."""
        pages = flask.Blueprint("controls", __name__, url_prefix="/api")
        for path, control in (
            ("/simulators/<int:number>/pause", self._pause),
            ("/simulators/<int:number>/drop-target", self._drop_target),
            ("/recording/start", self._start_recording),
            ("/recording/stop", self._stop_recording),
            ("/mark", self._mark),
        ):
            pages.add_url_rule(path, control.__name__, self._authoriser.require_token(control), methods=["POST"])
        pages.add_url_rule("/controls", view_func=self.describe)
        return pages

    def describe(self) -> dict:
        """Whether this caller may use the controls, and the state of what they act on."""
        return {"allowed": self._authoriser.is_authorised(), "recorder": self._recorder_status()}

    # Each takes the JSON object that came, and says what is so now.

    def _pause(self, body: Mapping, number: int) -> dict:
        session = self._feed.session(number)
        paused = build(Pause, body).paused
        if paused is not session.controls.paused:
            session.controls.paused = paused
            said = "commands paused: the drone is left alone" if paused else "commands go out again"
            self._feed.add_event("control", said, session)
        return {"paused": paused}

    def _drop_target(self, body: Mapping, number: int) -> dict:
        session = self._feed.session(number)
        session.controls.drop_target()
        self._feed.add_event("control", "the operator dropped the target", session)
        return {}

    def _start_recording(self, body: Mapping) -> dict:
        request = build(StartRecording, body)
        recorder = self._need_recorder()
        recording = recorder.status()["recording"]
        name = recorder.start(request.name, request.filter)
        if not recording:
            self._feed.add_event("control", f"recording {name}")
        return self._recorder_status()

    def _stop_recording(self, body: Mapping) -> dict:
        self._need_recorder().stop(then=self._say_recorded)
        return self._recorder_status()

    def _say_recorded(self, runs: list[str]) -> None:
        said = f"recorded {', '.join(runs)}" if runs else "recorded nothing: no frame was kept"
        self._feed.add_event("control", said)

    def _mark(self, body: Mapping) -> dict:
        note = build(Mark, body).note.strip() or "marked"
        if self._recorder is not None:
            self._recorder.mark(note)
        self._feed.add_event("mark", note)
        return {"note": note}

    def _need_recorder(self) -> Recorder:
        if self._recorder is None:
            raise LookupError("this bridge has no recorder")
        return self._recorder

    def _recorder_status(self) -> dict | None:
        return None if self._recorder is None else self._recorder.status()
