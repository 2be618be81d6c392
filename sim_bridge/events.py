"""Publish what happens on the bridge to status display, recorder and dashboard, without ever delaying it."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec
from weakref import WeakSet

from sim_bridge.processed_frame import ProcessedFrame
from sim_bridge.session import Session
from sim_bridge.wire.messages import BadFrame

logger = logging.getLogger(__name__)

Parameters = ParamSpec("Parameters")


class Subscriber:
    """Base class of what observes the bridge: override the events of interest.

    All calls come in order, on one thread per subscriber, after the commands have been sent.
    """

    def connected(self, session: Session) -> None:
        """A simulator has connected."""

    def frame_processed(self, session: Session, processed: ProcessedFrame) -> None:
        """The agent has decided on a frame."""

    def refused(self, session: Session, reason: BadFrame) -> None:
        """A frame or an event was refused."""

    def disconnected(self, session: Session) -> None:
        """A simulator has disconnected."""

    def model_changed(self, origin: Mapping[str, Any]) -> None:
        """Later frames are processed by another model; `origin` is from `recorder.provenance.describe_origin`."""


DROPPABLE: tuple[Callable[..., None], ...] = (Subscriber.frame_processed, Subscriber.refused)


class Publisher:
    """Calls each subscriber on a thread of its own, so that a slow one delays only itself.

    At most `capacity` events wait for a subscriber; beyond that, frames and refusals are dropped and counted in
    `dropped`. After the `disconnected` of a session no further event of it is delivered, although the worker may
    still finish its last frame.
    """

    def __init__(self, subscribers: Sequence[Subscriber], capacity: int = 256) -> None:
        self._deliveries = [_Delivery(subscriber, capacity) for subscriber in subscribers]

    @property
    def dropped(self) -> int:
        """Number of events that a subscriber has missed."""
        return sum(delivery.dropped for delivery in self._deliveries)

    def publish(
        self,
        event: Callable[Concatenate[Subscriber, Parameters], None],
        *arguments: Parameters.args,
        **keywords: Parameters.kwargs,
    ) -> None:
        """Call a method of every subscriber, such as `Subscriber.connected`. Never blocks."""
        for delivery in self._deliveries:
            delivery.add(event, *arguments)

    def close(self, timeout: float = 2.0) -> None:
        """Deliver the waiting events, for at most `timeout` seconds, and end."""
        end = time.monotonic() + timeout
        for delivery in self._deliveries:
            delivery.events.put(None)
        for delivery in self._deliveries:
            delivery.join(end - time.monotonic())


class _Delivery:
    """Queue and thread of one subscriber."""

    def __init__(self, subscriber: Subscriber, capacity: int) -> None:
        self.events: queue.SimpleQueue[tuple[str, tuple[Any, ...]] | None] = queue.SimpleQueue()
        self.dropped = 0
        self._subscriber = subscriber
        self._name = type(subscriber).__name__
        self._capacity = capacity
        self._thread = threading.Thread(target=self._run, name=f"events for {self._name}", daemon=True)
        self._thread.start()

    def add(self, event: Callable[..., None], *arguments: object) -> None:
        if event in DROPPABLE and self.events.qsize() >= self._capacity:
            self.dropped += 1
        else:
            self.events.put((event.__name__, arguments))

    def join(self, timeout: float) -> None:
        self._thread.join(max(timeout, 0.0))
        if self._thread.is_alive():
            logger.warning("%s did not keep up; %d events are lost", self._name, self.events.qsize())

    def _run(self) -> None:
        ended: WeakSet[Session] = WeakSet()
        while (item := self.events.get()) is not None:
            event, arguments = item
            if arguments[0] in ended:
                continue
            if event == Subscriber.disconnected.__name__:
                ended.add(arguments[0])
            try:
                getattr(self._subscriber, event)(*arguments)
            except Exception:
                logger.exception("%s.%s failed; the flight continues", self._name, event)
