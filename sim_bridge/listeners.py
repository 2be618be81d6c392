"""Those who want to know what happens: the status display, the recorder, the page. They can never hurt the flight."""

import logging
import queue
import threading
from collections.abc import Sequence
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


class Notifier:
    """Calls the listeners on a thread of its own, so that a slow one delays nothing but itself and its fellows.

    At most `capacity` calls wait; beyond that news is dropped and counted in `dropped`. Of a simulator that has gone
    nobody hears again: the worker may still have been at its last frame.
    """

    def __init__(self, listeners: Sequence[Listener], capacity: int = 256):
        self.listeners = tuple(listeners)
        self.dropped = 0
        self._news: queue.Queue = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._run, name="listeners", daemon=True)
        self._thread.start()

    def tell(self, event: str, session: Session, *arguments: object) -> None:
        """Have the method `event` of every listener called. Never blocks."""
        if not self.listeners:
            return
        try:
            self._news.put_nowait((event, (session, *arguments)))
        except queue.Full:
            self.dropped += 1

    def close(self, timeout: float = 2.0) -> None:
        """Let the listeners hear what is waiting, for at most `timeout` seconds, and end."""
        try:
            self._news.put(None, timeout=timeout)
        except queue.Full:
            logger.warning("the listeners did not keep up; %d pieces of news are lost", self._news.qsize())
        self._thread.join(timeout)

    def _run(self) -> None:
        gone: WeakSet[Session] = WeakSet()
        while (news := self._news.get()) is not None:
            event, arguments = news
            session = arguments[0]
            if session in gone:
                continue
            if event == "disconnected":
                gone.add(session)
            for listener in self.listeners:
                try:
                    getattr(listener, event)(*arguments)
                except Exception:
                    logger.exception("%s.%s failed; the flight goes on", type(listener).__name__, event)
