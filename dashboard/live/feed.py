"""Data for the live page: the history of every simulator, and a log of events.

Keeps references only and encodes nothing, so that it costs the same with and without viewers.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.live.history import Row, SimulatorHistory
from follower.types import Decision, TargetState
from sim_bridge.events import ProcessedFrame, Subscriber
from sim_bridge.session import Session
from sim_bridge.wire.messages import BadFrame

MAX_EVENTS = 300
REFUSAL_SECONDS = 5.0  # refusals of one kind within this time share an event


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
        """Return the simulator of that number, or else the oldest."""
        simulators = self.simulators
        return next((each for each in simulators if each.session.number == number), next(iter(simulators), None))

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
            self._simulators[session] = SimulatorHistory(session, self._clock())
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
        if now - last < REFUSAL_SECONDS:
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
        self.add_event("disconnected", f"disconnected after {session.counts.answered} frames answered", session)


def _describe_state(decision: Decision) -> str:
    if decision.state is TargetState.LOST:
        return "target lost, back to patrol"
    if decision.state is TargetState.SEARCHING:
        return "looking for the target"
    return "target found" if decision.range is None else f"target found, {decision.range.metres:.1f} m away"
