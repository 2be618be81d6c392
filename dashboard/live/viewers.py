"""Sends viewers what is new, each at its own pace: a viewer says "ready", gets one update, and says so again.

So at most one update is ever on its way to a viewer; one that is slow or has vanished is not waited for, and what it
missed is left out (frames) or comes in one go (rows, events). Runs on a thread of its own, which sleeps while nobody
watches and keeps out of the flight's way: it works between frames, and once for all who ask for the same.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from dashboard.live import encoding
from dashboard.live.feed import Feed, NewestFrame, SimulatorHistory

NAMESPACE = "/dashboard"
MOST_VIEWERS = 32
IDLE_SECONDS = 1.0  # an update comes at least this often: durations and counts move on without frames, too
SETTLE_SECONDS = 0.005  # after a frame: its commands are on their way to the simulator by then
PATIENCE_SECONDS = 0.05  # an update waits for a gap between frames so long at most

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
    model: str = ""  # that it was told of, if it is not the one of the beginning


class Viewers:
    """The viewers that are connected.

    Args:
        feed: where news comes from.
        emit: sends an update to viewers, from any thread, without waiting.
        busy: whether a frame is being worked on.
        about: plain data for viewers that have nothing yet.
        rate: updates a second that a viewer gets at most.
        recording: the state of the recorder as plain data; None where there is none.
    """

    def __init__(
        self,
        feed: Feed,
        emit: Callable[[list[str], dict], None],
        busy: Callable[[], bool],
        about: dict,
        rate: float,
        recording: Callable[[], dict | None],
    ):
        self._feed = feed
        self._emit = emit
        self._busy = busy
        self._about = about
        self._recording = recording
        self._period = 1 / rate
        self._viewers: dict[str, Viewer] = {}
        self._classes: dict[
            SimulatorHistory, tuple[NewestFrame, bytes]
        ] = {}  # packed once, for all who watch the same frame
        self._changed = threading.Condition()
        self._newest = 0.0  # monotonic seconds, when there was news last
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="dashboard", daemon=True)
        feed.on_change = self._wake

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
                self._newest = time.monotonic()
                self._changed.notify()

    def _run(self) -> None:
        since = None  # monotonic seconds, when the updates began to wait for a gap between frames
        while True:
            with self._changed:
                if self._closing:
                    return
                ready = {sid: (viewer, viewer.request) for sid, viewer in self._viewers.items() if viewer.request}
                now = time.monotonic()
                moments = {sid: self._due(*each) for sid, each in ready.items()}
                due = [sid for sid, moment in moments.items() if moment <= now]
                if not due:
                    since = None
                    self._changed.wait(min(moments.values()) - now if moments else None)
                    continue
                since = since or now
                gap = self._next_gap(since, now)
                if gap > now:
                    self._changed.wait(gap - now)
                    continue
                since, groups = None, {}
                for sid in due:
                    ready[sid][0].request = None
                    groups.setdefault(ready[sid][1], []).append(sid)  # those who ask for the same
            for request, sids in groups.items():
                try:
                    self._emit(sids, self._update([ready[sid][0] for sid in sids], request))
                except Exception:
                    logger.exception("%d viewers got no update; the flight goes on", len(sids))

    def _next_gap(self, since: float, now: float) -> float:
        """When updates that wait `since` then can go without disturbing a frame, monotonic seconds.

        While one is being worked on nobody knows; its end is news, which wakes the thread.
        """
        settled, latest = self._newest + SETTLE_SECONDS, since + PATIENCE_SECONDS
        return latest if settled <= now and self._busy() else min(settled, latest)

    def _due(self, viewer: Viewer, request: Request) -> float:
        """When to send a viewer its next update, monotonic seconds."""
        return viewer.sent + (self._period if self._has_news(viewer, request) else IDLE_SECONDS)

    def _has_news(self, viewer: Viewer, request: Request) -> bool:
        watched = self._feed.find(request.simulator)
        if self._feed.version != viewer.version:
            return True
        return watched is not None and watched.seen is not None and watched.seen.number != request.frame

    def _update(self, viewers: list[Viewer], request: Request) -> dict:
        version, model, watched = self._feed.version, self._feed.model, self._feed.find(request.simulator)
        told = request.event >= 0 and all(viewer.model == model for viewer in viewers)
        for viewer in viewers:
            viewer.version, viewer.model, viewer.sent = version, model, time.monotonic()
        update = {
            "time": time.time(),
            "simulators": [encoding.encode_simulator(each) for each in self._feed.watched],
            "selected": None,
            "events": encoding.encode_events(self._feed.events_after(request.event)),
            "rows": [],
            "frame": None,
            "recording": self._recording(),
        }
        if not told:
            update["about"] = self._about | ({"model": model} if model else {})
        if watched is None:
            return update
        number = update["selected"] = watched.session.number
        same = number == request.simulator
        update["rows"] = encoding.encode_rows(self._feed.rows_after(watched, request.row if same else -1))
        seen = watched.seen
        if seen is not None and not (same and seen.number == request.frame):
            update["frame"] = encoding.encode_frame(seen, self._pack(watched, seen), request.depth)
        return update

    def _pack(self, watched: SimulatorHistory, seen: NewestFrame) -> bytes:
        packed = self._classes.get(watched)
        if packed is None or packed[0] is not seen:
            self._classes = {each: kept for each, kept in self._classes.items() if each.session.connected}
            packed = self._classes[watched] = seen, encoding.encode_classes(seen.processed.probabilities)
        return packed[1]
