"""The live page and its HTTP calls; docs/reference/http.md describes them for users."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import MaxLen

from dashboard.live.feed import Feed
from dashboard.pages import EmptyBody, Json, Pages, is_authorised, offload
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.server import BridgeServer
from sim_bridge.session import Session
from sim_bridge.settings import Reason
from sim_bridge.wire.simulator_control import EpisodeRequest, SimulatorInfo, SpeedRequest, new_episode, set_speed


@dataclass(frozen=True)
class PauseRequest:
    """Pause or resume the commands to a simulator."""

    paused: bool


@dataclass(frozen=True)
class RecordingRequest:
    """Start a recording; without a name it is date and time, without `filter` the settings decide which frames."""

    name: str = ""
    filter: tuple[Reason, ...] | None = None


@dataclass(frozen=True)
class MarkRequest:
    """Mark the next frame."""

    note: Annotated[str, MaxLen(200), "text of at most 200 characters"] = ""


class LiveControls:
    """Controls of the flight and of the recorder."""

    def __init__(self, feed: Feed, server: BridgeServer, recorder: Recorder):
        self._feed = feed
        self._server = server
        self._recorder = recorder

    def pages(self) -> Pages:
        """Return the live page with its calls."""
        pages = Pages("live")
        pages.add_page("/", "live.html")
        pages.get("/api/controls")(self._describe)
        pages.add_command("/api/recording/start", RecordingRequest, self._start_recording)
        pages.add_command("/api/recording/stop", EmptyBody, self._stop_recording)
        pages.add_command("/api/mark", MarkRequest, self._mark)
        simulator = "/api/simulators/<int:number>"
        pages.add_command(f"{simulator}/pause", PauseRequest, self._pause)
        pages.add_command(f"{simulator}/drop-target", EmptyBody, self._drop_target)
        pages.add_command(f"{simulator}/speed", SpeedRequest, self._set_speed)
        pages.add_command(f"{simulator}/new-episode", EpisodeRequest, self._start_episode)
        return pages

    def _describe(self) -> Json:
        """Return whether this caller may use the controls, and the state of the recorder."""
        return {"authorised": is_authorised(), "recorder": self._recorder.status()}

    def _start_recording(self, request: RecordingRequest) -> Json:
        already = self._recorder.recording
        name = offload(lambda: self._recorder.start(request.name, request.filter))  # tries the disk
        if not already:
            self._feed.add_event("control", f"recording {name}")
        return self._recorder.status()

    def _stop_recording(self, request: EmptyBody) -> Json:
        self._recorder.stop(then=self._log_recorded)
        return self._recorder.status()

    def _log_recorded(self, names: Sequence[str]) -> None:
        text = f"recorded {', '.join(names)}" if names else "recorded nothing: no frame was kept"
        self._feed.add_event("control", text)

    def _mark(self, request: MarkRequest) -> Json:
        note = request.note.strip() or "marked"
        self._recorder.mark(note)
        self._feed.add_event("mark", note)
        return {"note": note}

    def _pause(self, request: PauseRequest, number: int) -> Json:
        session = self._session(number)
        if request.paused is not session.controls.paused:
            session.controls.paused = request.paused
            text = "commands paused: the drone gets none" if request.paused else "commands resumed"
            self._feed.add_event("control", text, session)
        return {"paused": request.paused}

    def _drop_target(self, request: EmptyBody, number: int) -> Json:
        session = self._session(number)
        session.controls.drop_target()
        self._feed.add_event("control", "the operator dropped the target", session)
        return {}

    def _set_speed(self, request: SpeedRequest, number: int) -> Json:
        return self._control(number, lambda info: set_speed(info, request), "speed {speed:g}")

    def _start_episode(self, request: EpisodeRequest, number: int) -> Json:
        people = "" if request.people is None else "{people} people, "
        described = f"new episode: seed {{seed}}, {people}{{difficulty}}"
        return self._control(number, lambda info: new_episode(info, request), described)

    def _control(self, number: int, make: Callable[[SimulatorInfo], tuple[str, Json]], described: str) -> Json:
        """Send a request to the built-in simulator and log it; return its payload."""
        session = self._session(number)
        if session.simulator_info is None:
            raise LookupError(f"{session.name} has no such control: it is not the built-in simulator")
        event, payload = make(session.simulator_info)
        self._server.send_control(session, event, payload)
        self._feed.add_event("control", described.format(**payload), session)
        return payload

    def _session(self, number: int) -> Session:
        for session in self._server.sessions:
            if session.number == number:
                return session
        raise LookupError(f"simulator {number} is not connected")
