"""Those who want to know what happens: the status display, the recorder, the page. They can never hurt the flight."""

import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from weakref import WeakSet

from follower.types import Decision
from sim_bridge.messages import BadFrame, SensorFrame
from sim_bridge.session import Session

logger = logging.getLogger(__name__)


class Listener:
    """Override what you want to hear of. All calls come in order, from one thread, after the commands are out."""

    def connected(self, session: Session) -> None:
        """A simulator has connected."""

    def decided(self, session: Session, frame: SensorFrame, decision: Decision) -> None:
        """A frame was worked on; `decision.timings` holds milliseconds by stage."""

    def refused(self, session: Session, reason: BadFrame) -> None:
        """A frame or an event was refused."""

    def disconnected(self, session: Session) -> None:
        """A simulator has gone."""

    def model_changed(self, origin: Mapping) -> None:
        """What is decided from here on is by another network; `origin` as of `recording.provenance.describe_origin`."""


class Notifier:
    """Calls the listeners on a thread of its own, so that a slow one delays nothing but itself and its fellows.

    At most `capacity` calls wait; beyond that news is dropped and counted in `dropped`. Of a simulator that has gone
    nobody hears again: the worker may still have been at its last frame.
    """

    def __init__(self, listeners: Sequence[Listener], capacity: int = 256):
        self.listeners = tuple(listeners)
        self.dropped = 0
        self._capacity = capacity
        self._news: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="listeners", daemon=True)
        self._thread.start()

    def tell(self, event: str, *arguments: object, keep: bool = False) -> None:
        """Have the method `event` of every listener called. Never blocks; `keep` is for what must not be dropped."""
        if not self.listeners:
            return
        if keep or self._news.qsize() < self._capacity:
            self._news.put((event, arguments))
        else:
            self.dropped += 1

    def close(self, timeout: float = 2.0) -> None:
        """Let the listeners hear what is waiting, for at most `timeout` seconds, and end."""
        self._news.put(None)
        self._thread.join(timeout)
        if self._thread.is_alive():
            logger.warning("the listeners did not keep up; %d pieces of news are lost", self._news.qsize())

    def _run(self) -> None:
        gone: WeakSet[Session] = WeakSet()
        while (news := self._news.get()) is not None:
            event, arguments = news
            if arguments[0] in gone:
                continue
            if event == "disconnected":
                gone.add(arguments[0])
            for listener in self.listeners:
                try:
                    getattr(listener, event)(*arguments)
                except Exception:
                    logger.exception("%s.%s failed; the flight goes on", type(listener).__name__, event)
