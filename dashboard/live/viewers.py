"""Send updates to viewers at the pace of each: a viewer emits "ready", gets one update, and emits "ready" again.

Slow or vanished viewers delay nothing: they miss frames, and get rows and events later in one piece. The thread sleeps
while there are no viewers, works between frames so that it delays no command, and makes one update for all viewers with
the same request.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from dashboard.live.feed import Feed
from dashboard.live.updates import Request
from sim_bridge.rate_limit import RateLimitedLogger

NAMESPACE = "/dashboard"
MAX_VIEWERS = 32
IDLE_SECONDS = 1.0  # longest time between updates: durations and counts change even without frames
DEFECT_SECONDS = 60.0  # between messages about updates that fail
SETTLE_SECONDS = 0.005  # pause after a frame, until its commands are on their way to the simulator
MAX_WAIT_SECONDS = 0.05  # longest time that an update waits for a gap between frames

logger = logging.getLogger(__name__)


class Viewers:
    """The connected viewers; each gets at most `rate` updates per second.

    `emit` sends an update to viewers, from any thread, without waiting. `is_busy` says whether a frame is being
    processed.
    """

    def __init__(
        self,
        feed: Feed,
        make_update: Callable[[Request], dict[str, Any]],
        emit: Callable[[list[str], dict[str, Any]], None],
        is_busy: Callable[[], bool],
        rate: float,
    ):
        self._feed = feed
        self._make_update = make_update
        self._emit = emit
        self._is_busy = is_busy
        self._period = 1 / rate
        self._sent: dict[str, tuple[float, int]] = {}  # the latest update: monotonic seconds, version of the feed
        self._requests: dict[str, Request] = {}  # of the viewers that are ready for an update
        self._changed = threading.Condition()
        self._last_change = 0.0  # monotonic seconds, of the feed
        self._closing = False
        self._limited_log = RateLimitedLogger(logger, DEFECT_SECONDS)
        self._thread = threading.Thread(target=self._run, name="dashboard", daemon=True)
        feed.on_change = self._wake

    @property
    def count(self) -> int:
        """Number of viewers."""
        return len(self._sent)

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

    def connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> bool:
        """Accept a viewer, unless there are too many."""
        with self._changed:
            if len(self._sent) >= MAX_VIEWERS:
                return False
            self._sent[sid] = 0.0, -1
        return True

    def ready(self, sid: str, data: object = None) -> None:
        """Note that a viewer is ready for its next update."""
        with self._changed:
            if sid in self._sent:
                self._requests[sid] = Request.parse(data)
                self._changed.notify()

    def disconnect(self, sid: str, reason: str = "") -> None:
        """Forget a viewer."""
        with self._changed:
            self._sent.pop(sid, None)
            self._requests.pop(sid, None)

    # On the thread of the dashboard.

    def _wake(self) -> None:
        if self._sent:
            with self._changed:
                self._last_change = time.monotonic()
                self._changed.notify()

    def _run(self) -> None:
        while (requests := self._wait_for_requests()) is not None:
            for request, sids in requests.items():
                try:
                    self._emit(sids, self._make_update(request))
                except Exception as error:
                    message = "%d viewers got no update and will get the next one; the flight continues"
                    self._limited_log.warning("update", message, len(sids), defect=error)
                    self._retry(request, sids)

    def _retry(self, request: Request, sids: list[str]) -> None:
        """Keep the request of viewers that got no answer: their pages wait for one before they ask again."""
        with self._changed:
            for sid in sids:
                if sid in self._sent:
                    self._requests.setdefault(sid, request)

    def _wait_for_requests(self) -> dict[Request, list[str]] | None:
        """Wait until updates are due and no frame is disturbed; return viewers by request, None when closing."""
        waiting_since = None  # monotonic seconds, when updates began to wait for a gap between frames
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                due_times = {sid: self._due_time(sid, request) for sid, request in self._requests.items()}
                due = [sid for sid, moment in due_times.items() if moment <= now]
                if not due:
                    waiting_since = None
                    self._changed.wait(min(due_times.values()) - now if due_times else None)
                    continue
                waiting_since = waiting_since or now
                gap = self._next_gap(waiting_since, now)
                if gap <= now:
                    return self._take_requests(due, now)
                self._changed.wait(gap - now)
        return None

    def _take_requests(self, sids: list[str], now: float) -> dict[Request, list[str]]:
        requests: dict[Request, list[str]] = defaultdict(list)
        for sid in sids:
            requests[self._requests.pop(sid)].append(sid)
            self._sent[sid] = now, self._feed.version
        return requests

    def _next_gap(self, since: float, now: float) -> float:
        """Return when updates that wait `since` then can be sent without disturbing a frame, monotonic seconds.

        The end of a frame in progress cannot be foreseen; it is a change of the feed, which wakes the thread.
        """
        settled, latest = self._last_change + SETTLE_SECONDS, since + MAX_WAIT_SECONDS
        return latest if settled <= now and self._is_busy() else min(settled, latest)

    def _due_time(self, sid: str, request: Request) -> float:
        """Return when to send a viewer the update that it is ready for, monotonic seconds."""
        sent, version = self._sent[sid]
        has_news = self._feed.version != version or self._feed.has_frame(request.simulator, request.frame)
        return sent + (self._period if has_news else IDLE_SECONDS)
