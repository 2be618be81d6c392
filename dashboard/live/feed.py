"""What there is to watch: of every simulator the newest frame, its recent past in rows, and a log of events.

Keeps references only; nothing is drawn or encoded here, so that it costs the same whether anybody watches or not.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from follower.types import Decision, TargetState
from sim_bridge.events import Subscriber
from sim_bridge.processed_frame import ProcessedFrame
from sim_bridge.session import Session
from sim_bridge.wire.messages import BadFrame

ROW_SECONDS = 0.095  # frames that come closer together share a row; a little less than 10 Hz, for jitter
HISTORY_ROWS = 1200  # two minutes at 10 Hz
HISTORY_EVENTS = 300
REFUSAL_SECONDS = 5.0  # refusals of one kind share an event for so long


@dataclass(frozen=True)
class NewestFrame:
    """One frame that was worked on. `number` counts the frames of its simulator from 0."""

    number: int
    received: float  # unix seconds
    processed: ProcessedFrame


@dataclass(frozen=True)
class Row:
    """A moment of the recent past: one frame, or the last of several that came closer than `ROW_SECONDS`."""

    number: int  # counts the rows of a simulator from 0
    time: float  # unix seconds
    frames: int  # that it stands for
    latency: float  # milliseconds, the longest of these frames
    skipped: int  # frames skipped since the last row
    state: str
    area: float | None  # pixels of the hero; None: not seen
    range: float | None  # metres
    camera: tuple[float, float]  # x, y, metres
    track: tuple[float, float] | None
    truth: tuple[float, float] | None


@dataclass(frozen=True)
class Event:
    """A line of the log."""

    number: int
    time: float  # unix seconds
    simulator: str | None
    kind: str  # connected, disconnected, found, lost, searching, refused, control, mark, model
    text: str


@dataclass(eq=False)
class SimulatorHistory:
    """One simulator as viewers know it."""

    session: Session
    since: float  # unix seconds, when `state` began
    seen: NewestFrame | None = None
    state: TargetState = TargetState.SEARCHING
    rows: deque[Row] = field(default_factory=lambda: deque(maxlen=HISTORY_ROWS))
    pending: list[float] = field(default_factory=list)  # latencies of the frames since the last row, milliseconds
    skipped: int = 0  # frames, when the last row was made


class Feed(Subscriber):
    """Hears of everything and keeps what is new. `on_change` is called after each change, from any thread."""

    def __init__(self, clock: Callable[[], float] = time.time):
        self.on_change: Callable[[], None] = lambda: None
        self._clock = clock
        self.model = ""  # description of the active model; empty for the initial one
        self.version = 0  # rises with the events: whoever has seen this many has seen all but frames
        self._lock = threading.Lock()
        self._watched: dict[Session, SimulatorHistory] = {}
        self._events: deque[Event] = deque(maxlen=HISTORY_EVENTS)
        self._refusals: dict[tuple[Session, str], tuple[float, int]] = {}  # time of the last event, refusals since

    @property
    def watched(self) -> list[SimulatorHistory]:
        """The simulators that are connected, oldest first."""
        with self._lock:
            return list(self._watched.values())

    def find(self, number: int | None) -> SimulatorHistory | None:
        """The simulator of that number, else the oldest."""
        watched = self.watched
        return next((each for each in watched if each.session.number == number), watched[0] if watched else None)

    def session(self, number: int) -> Session:
        """The session of a simulator that is connected. Raises LookupError."""
        for watched in self.watched:
            if watched.session.number == number:
                return watched.session
        raise LookupError(f"simulator {number} is not connected")

    def rows_after(self, watched: SimulatorHistory, number: int) -> list[Row]:
        """The rows newer than `number`."""
        with self._lock:
            return _newer(watched.rows, number)

    def events_after(self, number: int) -> list[Event]:
        """The events newer than `number`."""
        with self._lock:
            return _newer(self._events, number)

    def add_event(self, kind: str, text: str, session: Session | None = None) -> None:
        """Put a line into the log."""
        with self._lock:
            name = None if session is None else session.name
            self._events.append(Event(self.version, self._clock(), name, kind, text))
            self.version += 1
        self.on_change()

    # From the bridge.

    def connected(self, session: Session) -> None:
        """A simulator has connected."""
        with self._lock:
            self._watched[session] = SimulatorHistory(session, self._clock())
        self.add_event("connected", f"connected from {session.address}", session)

    def frame_processed(self, session: Session, processed: ProcessedFrame) -> None:
        """Keep the newest frame."""
        moment, decision = self._clock(), processed.decision
        with self._lock:
            watched = self._watched.get(session)
            if watched is None:  # it has gone while the network had its last frame
                return
            number = 0 if watched.seen is None else watched.seen.number + 1
            watched.seen = NewestFrame(number, moment, processed)
            watched.pending.append(processed.timings["total"])
            if not watched.rows or moment - watched.rows[-1].time >= ROW_SECONDS:
                _close_row(watched)
            changed, watched.state = watched.state is not decision.state, decision.state
            if changed:
                watched.since = moment
        if changed:
            self.add_event(*_describe_change(decision), session)
        else:
            self.on_change()

    def refused(self, session: Session, reason: BadFrame) -> None:
        """Log refusals, one line for all of a kind within some seconds."""
        moment = self._clock()
        last, count = self._refusals.get((session, reason.kind), (-REFUSAL_SECONDS, 0))
        if moment - last < REFUSAL_SECONDS:
            self._refusals[session, reason.kind] = last, count + 1
            return
        self._refusals[session, reason.kind] = moment, 0
        more = f" ({count} more since the last message)" if count else ""
        self.add_event("refused", f"refused ({reason.kind}): {reason}{more}", session)

    def model_changed(self, origin: Mapping) -> None:
        """Another model is active."""
        self.model = origin["model"]["description"]
        self.add_event("model", f"active model: {self.model}")

    def disconnected(self, session: Session) -> None:
        """A simulator has gone."""
        with self._lock:
            self._watched.pop(session, None)
            self._refusals = {key: value for key, value in self._refusals.items() if key[0] is not session}
        counts = session.counts
        self.add_event("disconnected", f"disconnected after {counts.answered} frames answered", session)


def _close_row(watched: SimulatorHistory) -> None:
    seen, skipped = watched.seen, watched.session.counts.skipped
    frame, decision = seen.processed.frame, seen.processed.decision
    row = Row(
        number=watched.rows[-1].number + 1 if watched.rows else 0,
        time=seen.received,
        frames=len(watched.pending),
        latency=max(watched.pending),
        skipped=skipped - watched.skipped,
        state=decision.state.value,
        area=None if decision.detection is None else decision.detection.area,
        range=None if decision.range is None else decision.range.metres,
        camera=(frame.gimbal_pose.x, frame.gimbal_pose.y),
        track=None if decision.track_point is None else decision.track_point[:2],
        truth=None if frame.ground_truth_target is None else frame.ground_truth_target[:2],
    )
    watched.rows.append(row)
    watched.pending, watched.skipped = [], skipped


def _describe_change(decision: Decision) -> tuple[str, str]:
    if decision.state is TargetState.FOUND:
        away = "" if decision.range is None else f", {decision.range.metres:.1f} m away"
        return "found", f"target found{away}"
    if decision.state is TargetState.LOST:
        return "lost", "target lost, back to patrol"
    return "searching", "looking for the target"


def _newer(items: deque, number: int) -> list:
    return [item for item in items if item.number > number]
