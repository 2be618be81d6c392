"""Data for the live page: the history of every simulator, and a log of events.

Keeps references only and encodes nothing, so that it costs the same with and without viewers.
"""

import functools
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2

from follower.types import Decision, TargetState
from sim_bridge.events import ProcessedFrame, Subscriber
from sim_bridge.session import Session
from sim_bridge.wire.bad_frame import BadFrame

ROW_SECONDS = 0.095  # frames that arrive closer together share a row; a little less than 10 Hz, for jitter
MAX_ROWS = 1200  # two minutes at 10 Hz
MAX_EVENTS = 300
REFUSAL_SECONDS = 5.0  # refusals of one kind within this time share an event


@dataclass(frozen=True)
class NewestFrame:
    """The latest frame of a simulator; `number` counts its frames from 0."""

    number: int
    received: float  # unix seconds
    processed: ProcessedFrame

    @functools.cached_property
    def classes(self) -> bytes:
        """zlib of two planes (people, hero) of rows x columns bytes, 255 = certain; made once for all viewers."""
        levels = cv2.convertScaleAbs(self.processed.probabilities, alpha=255)  # rounds, and saturates at 255
        return zlib.compress(b"".join(cv2.extractChannel(levels, plane).tobytes() for plane in (1, 2)), 1)


@dataclass(frozen=True)
class Row:
    """A point of the timelines: one frame, or the last of several within `ROW_SECONDS`."""

    number: int  # counts the rows of a simulator from 0
    time: float  # unix seconds
    frames: int  # number that it stands for
    latency: float  # milliseconds, the longest of these frames
    skipped: int  # frames skipped since the previous row
    state: str
    area: float | None  # pixels of the target; None: not seen
    range: float | None  # metres
    camera: tuple[float, float]  # x, y, metres
    track: tuple[float, float] | None
    ground_truth: tuple[float, float] | None


class SimulatorHistory:
    """History of one simulator that the live page shows."""

    def __init__(self, session: Session):
        self.session = session
        self.newest: NewestFrame | None = None
        self.state = TargetState.SEARCHING
        self._since = time.monotonic()  # when `state` began
        self.rows: deque[Row] = deque(maxlen=MAX_ROWS)
        self._latencies: list[float] = []  # milliseconds, of the frames since the last row
        self._skipped = 0  # frames, when the last row was made

    def add(self, processed: ProcessedFrame, now: float) -> bool:
        """Keep a frame; return whether the state has changed."""
        frame, decision, skipped = processed.frame, processed.decision, self.session.counts.skipped
        number = 0 if self.newest is None else self.newest.number + 1
        self.newest = NewestFrame(number, now, processed)
        self._latencies.append(processed.timings["total"])
        if not self.rows or not 0 <= now - self.rows[-1].time < ROW_SECONDS:  # also after the clock was set back
            row = Row(
                number=self.rows[-1].number + 1 if self.rows else 0,
                time=now,
                frames=len(self._latencies),
                latency=max(self._latencies),
                skipped=skipped - self._skipped,
                state=decision.state.value,
                area=decision.detection.area if decision.detection else None,
                range=decision.range.metres if decision.range else None,
                camera=(frame.gimbal_pose.x, frame.gimbal_pose.y),
                track=decision.track_point and decision.track_point[:2],
                ground_truth=frame.ground_truth_target and frame.ground_truth_target[:2],
            )
            self.rows.append(row)
            self._latencies, self._skipped = [], skipped
        changed = self.state is not decision.state
        if changed:
            self.state, self._since = decision.state, time.monotonic()
        return changed

    @property
    def state_seconds(self) -> float:
        """Seconds since `state` began, also if the system's clock is set meanwhile."""
        return time.monotonic() - self._since


@dataclass(frozen=True)
class Event:
    """A line of the log."""

    number: int
    time: float  # unix seconds
    simulator: str | None
    kind: str  # connected, disconnected, found, lost, searching, refused, control, mark, model
    text: str


class Feed(Subscriber):
    """Collects what viewers are shown; `model` describes the active model in a line.

    `on_change` is called after each change, from any thread.
    """

    def __init__(self, model: str = "", clock: Callable[[], float] = time.time):
        self.on_change: Callable[[], None] = lambda: None
        self.model = model
        self.version = 0  # number of events so far
        self._clock = clock
        self._lock = threading.Lock()
        self._simulators: dict[Session, SimulatorHistory] = {}
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._refusals: dict[tuple[Session, str], tuple[float, int]] = {}  # time of the last event, refusals since

    @property
    def simulators(self) -> list[SimulatorHistory]:
        """The connected simulators, oldest first."""
        with self._lock:
            return list(self._simulators.values())

    def find(self, number: int | None) -> SimulatorHistory | None:
        """Return the simulator of that number, or else the one with the newest frame."""
        simulators = self.simulators
        newest = max(simulators, key=lambda each: each.newest.received if each.newest else 0.0, default=None)
        return next((each for each in simulators if each.session.number == number), newest)

    def has_frame(self, number: int | None, known: int) -> bool:
        """Return whether the simulator of that number has a frame besides the `known` one."""
        simulator = self.find(number)
        return simulator is not None and simulator.newest is not None and simulator.newest.number != known

    def rows_after(self, simulator: SimulatorHistory, number: int) -> list[Row]:
        """Return the rows newer than `number`."""
        with self._lock:
            return [row for row in simulator.rows if row.number > number]

    def events_after(self, number: int) -> list[Event]:
        """Return the events newer than `number`."""
        with self._lock:
            return [event for event in self._events if event.number > number]

    def add_event(self, kind: str, text: str, session: Session | None = None) -> None:
        """Add a line to the log."""
        with self._lock:
            name = None if session is None else session.name
            self._events.append(Event(self.version, self._clock(), name, kind, text))
            self.version += 1
        self.on_change()

    # From the bridge.

    def connected(self, session: Session) -> None:
        """Begin the history of a simulator."""
        with self._lock:
            self._simulators[session] = SimulatorHistory(session)
        self.add_event("connected", f"connected from {session.address}", session)

    def frame_processed(self, session: Session, processed: ProcessedFrame) -> None:
        """Keep the newest frame, and log a change of state."""
        with self._lock:
            changed = self._simulators[session].add(processed, self._clock())
        if changed:
            self.add_event(processed.decision.state.value, _describe_state(processed.decision), session)
        else:
            self.on_change()

    def refused(self, session: Session, reason: BadFrame) -> None:
        """Log refusals, one line for all of a kind within some seconds."""
        now = self._clock()
        last, count = self._refusals.get((session, reason.kind), (-REFUSAL_SECONDS, 0))
        if 0 <= now - last < REFUSAL_SECONDS:
            self._refusals[session, reason.kind] = last, count + 1
            return
        self._refusals[session, reason.kind] = now, 0
        more = f" ({count} more since the last message)" if count else ""
        self.add_event("refused", f"refused ({reason.kind}): {reason}{more}", session)

    def model_changed(self, origin: Mapping[str, Any]) -> None:
        """Log that another model is active."""
        self.model = origin["model"]["description"]
        self.add_event("model", f"active model: {self.model}")

    def disconnected(self, session: Session) -> None:
        """Forget a simulator."""
        with self._lock:
            self._simulators.pop(session, None)
        self._refusals = {key: value for key, value in self._refusals.items() if key[0] is not session}
        reason = session.end_reason and f": {session.end_reason}"
        self.add_event("disconnected", f"disconnected after {session.counts.answered} frames answered{reason}", session)


def _describe_state(decision: Decision) -> str:
    away = f", {decision.range.metres:.1f} m away" if decision.range else ""
    found, lost = f"target found{away}", "target lost"
    return {TargetState.FOUND: found, TargetState.LOST: lost}.get(decision.state, "looking for the target")
