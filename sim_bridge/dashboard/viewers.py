"""Sends viewers what is new, each at its own pace: a viewer says "ready", gets one update, and says so again.

So at most one update is ever on its way to a viewer; one that is slow or has vanished is not waited for, and what it
missed is left out (frames) or comes in one go (rows, events). Runs on a thread of its own, which sleeps while nobody
watches.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sim_bridge.dashboard import encoding
from sim_bridge.dashboard.feed import Feed, Seen, Watched

NAMESPACE = "/dashboard"
MOST_VIEWERS = 32
IDLE_SECONDS = 1.0  # an update comes at least this often: durations and counts move on without frames, too

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What a viewer has and wants. Numbers are those of the newest it has, -1 for none."""

    simulator: int | None = None  # the one it looks at; None: any
    frame: int = -1
    row: int = -1
    event: int = -1
    depth: bool = False

    @classmethod
    def parse(cls, data: object) -> "Request":
        """What a viewer sent; whatever cannot be read counts as not said."""
        fields = data if isinstance(data, dict) else {}
        numbers = {name: fields.get(name) for name in ("simulator", "frame", "row", "event")}
        numbers = {name: value for name, value in numbers.items() if type(value) is int}
        return cls(**numbers, depth=fields.get("depth") is True)


@dataclass(eq=False)
class Viewer:
    """One page in one browser."""

    request: Request | None = None  # None: it has not said that it is ready
    sent: float = 0.0  # monotonic seconds, the last update
    version: int = -1  # of the list of simulators that it has


class Viewers:
    """The viewers that are connected. `emit` sends an event to one of them, from any thread, without waiting.

    Args:
        feed: where news comes from.
        about: plain data for viewers that have nothing yet.
        rate: updates a second that a viewer gets at most.
        recording: the state of the recorder as plain data; None where there is none.
    """

    def __init__(
        self,
        feed: Feed,
        emit: Callable[[str, dict], None],
        about: dict,
        rate: float,
        recording: Callable[[], dict | None],
    ):
        self._feed = feed
        self._emit = emit
        self._about = about
        self._recording = recording
        self._period = 1 / rate
        self._viewers: dict[str, Viewer] = {}
        self._classes: dict[Watched, tuple[Seen, bytes]] = {}  # packed once, for all who watch the same frame
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="dashboard", daemon=True)
        feed.on_news = self._wake

    @property
    def count(self) -> int:
        """How many watch."""
        return len(self._viewers)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(2.0)

    # From the network.

    def connect(self, sid: str, environ: dict, auth: object = None) -> bool:
        """Let a viewer in, unless there are too many."""
        with self._changed:
            if len(self._viewers) >= MOST_VIEWERS:
                return False
            self._viewers[sid] = Viewer()
        return True

    def ready(self, sid: str, data: object = None) -> None:
        """A viewer wants its next update."""
        with self._changed:
            viewer = self._viewers.get(sid)
            if viewer is not None:
                viewer.request = Request.parse(data)
                self._changed.notify()

    def disconnect(self, sid: str, reason: str = "") -> None:
        """Forget a viewer."""
        with self._changed:
            self._viewers.pop(sid, None)

    # On the thread of the dashboard.

    def _wake(self) -> None:
        if self._viewers:
            with self._changed:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closing:
                    return
                ready = {sid: (viewer, viewer.request) for sid, viewer in self._viewers.items() if viewer.request}
                now = time.monotonic()
                due = [sid for sid, (viewer, request) in ready.items() if self._due(viewer, request) <= now]
                if not due:
                    moments = [self._due(*each) for each in ready.values()]
                    self._changed.wait(min(moments) - now if moments else None)
                    continue
                for sid in due:
                    ready[sid][0].request = None
            for sid in due:
                try:
                    self._emit(sid, self._update(*ready[sid]))
                except Exception:
                    logger.exception("a viewer got no update; the flight goes on")

    def _due(self, viewer: Viewer, request: Request) -> float:
        """When to send a viewer its next update, monotonic seconds."""
        return viewer.sent + (self._period if self._has_news(viewer, request) else IDLE_SECONDS)

    def _has_news(self, viewer: Viewer, request: Request) -> bool:
        watched = self._feed.find(request.simulator)
        if self._feed.version != viewer.version:
            return True
        return watched is not None and watched.seen is not None and watched.seen.number != request.frame

    def _update(self, viewer: Viewer, request: Request) -> dict:
        version, watched = self._feed.version, self._feed.find(request.simulator)
        viewer.version, viewer.sent = version, time.monotonic()
        update = {
            "time": time.time(),
            "simulators": [encoding.encode_simulator(each) for each in self._feed.watched],
            "selected": None,
            "events": encoding.encode_events(self._feed.events_after(request.event)),
            "rows": [],
            "frame": None,
            "recording": self._recording(),
        }
        if request.event < 0:
            update["about"] = self._about
        if watched is None:
            return update
        number = update["selected"] = watched.session.number
        same = number == request.simulator
        update["rows"] = encoding.encode_rows(self._feed.rows_after(watched, request.row if same else -1))
        seen = watched.seen
        if seen is not None and not (same and seen.number == request.frame):
            update["frame"] = encoding.encode_frame(seen, self._pack(watched, seen), request.depth)
        return update

    def _pack(self, watched: Watched, seen: Seen) -> bytes | None:
        if seen.decision.probabilities is None:
            return None
        packed = self._classes.get(watched)
        if packed is None or packed[0] is not seen:
            self._classes = {each: kept for each, kept in self._classes.items() if each.session.connected}
            packed = self._classes[watched] = seen, encoding.encode_classes(seen.decision.probabilities)
        return packed[1]
