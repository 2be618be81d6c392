"""Those who want to know what happens: the status display, the recorder, the page. They can never hurt the flight."""

import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from weakref import WeakSet

from sim_bridge.processed_frame import ProcessedFrame
from sim_bridge.session import Session
from sim_bridge.wire.messages import BadFrame

logger = logging.getLogger(__name__)


class Listener:
    """Override what you want to hear of. All calls come in order, from one thread for each listener, after the
    commands are out."""

    def connected(self, session: Session) -> None:
        """A simulator has connected."""

    def frame_processed(self, session: Session, processed: ProcessedFrame) -> None:
        """Handle a frame on which the agent has decided."""

    def refused(self, session: Session, reason: BadFrame) -> None:
        """A frame or an event was refused."""

    def disconnected(self, session: Session) -> None:
        """A simulator has gone."""

    def model_changed(self, origin: Mapping) -> None:
        """What is decided from here on is by another network; `origin` as of `recording.provenance.describe_origin`."""


class Notifier:
    """Calls each listener on a thread of its own, so that a slow one delays nothing but itself.

    At most `capacity` calls wait for a listener; beyond that news is dropped and counted in `dropped`. Of a simulator
    that has gone nobody hears again: the worker may still have been at its last frame.
    """

    def __init__(self, listeners: Sequence[Listener], capacity: int = 256):
        self._ears = [_Ear(listener, capacity) for listener in listeners]

    @property
    def dropped(self) -> int:
        """Pieces of news that a listener has missed."""
        return sum(ear.dropped for ear in self._ears)

    def tell(self, event: str, *arguments: object, keep: bool = False) -> None:
        """Have the method `event` of every listener called. Never blocks; `keep` is for what must not be dropped."""
        for ear in self._ears:
            ear.tell(event, arguments, keep)

    def close(self, timeout: float = 2.0) -> None:
        """Let the listeners hear what is waiting, for at most `timeout` seconds, and end."""
        end = time.monotonic() + timeout
        for ear in self._ears:
            ear.news.put(None)
        for ear in self._ears:
            ear.join(end - time.monotonic())


class _Ear:
    """What one listener is still to hear, and the thread on which it does."""

    def __init__(self, listener: Listener, capacity: int):
        self.news: queue.SimpleQueue = queue.SimpleQueue()
        self.dropped = 0
        self._listener = listener
        self._capacity = capacity
        self._thread = threading.Thread(target=self._run, name=f"tells {type(listener).__name__}", daemon=True)
        self._thread.start()

    def tell(self, event: str, arguments: tuple, keep: bool) -> None:
        if keep or self.news.qsize() < self._capacity:
            self.news.put((event, arguments))
        else:
            self.dropped += 1

    def join(self, timeout: float) -> None:
        self._thread.join(max(timeout, 0.0))
        if self._thread.is_alive():
            name, missed = type(self._listener).__name__, self.news.qsize()
            logger.warning("%s did not keep up; %d pieces of news are lost", name, missed)

    def _run(self) -> None:
        gone: WeakSet[Session] = WeakSet()
        while (news := self.news.get()) is not None:
            event, arguments = news
            if arguments[0] in gone:
                continue
            if event == "disconnected":
                gone.add(arguments[0])
            try:
                getattr(self._listener, event)(*arguments)
            except Exception:
                logger.exception("%s.%s failed; the flight goes on", type(self._listener).__name__, event)
