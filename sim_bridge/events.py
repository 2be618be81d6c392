"""Publish what happens on the bridge to status display, recorder and dashboard, without ever delaying it."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import numpy as np

from follower.types import Decision
from sim_bridge.session import Session
from sim_bridge.wire.bad_frame import BadFrame
from sim_bridge.wire.messages import SensorFrame

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProcessedFrame:
    """A camera frame with the network's output, the agent's decision and how long each stage took."""

    frame: SensorFrame
    probabilities: np.ndarray  # (rows, columns, 3) float32: background, people, hero
    decision: Decision
    timings: Mapping[str, float]  # milliseconds by stage: wait, decode (and restore), network, agent, total
    operator_override: bool = False  # an operator influenced the decision or its commands


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
        """Later frames are processed by another model; `origin` is from `app.model_loading.describe_origin`."""


Events = queue.SimpleQueue[tuple[str, tuple[Any, ...]] | None]
"""Names and arguments of events that wait for a subscriber; None ends it."""

DROPPABLE: tuple[Callable[..., None], ...] = (Subscriber.frame_processed, Subscriber.refused)


class Publisher:
    """Calls each subscriber on a thread of its own, so that a slow one delays only itself.

    At most `capacity` events wait for a subscriber; beyond that, frames and refusals are dropped and counted. After
    the `disconnected` of a session no further event of it is delivered, although the worker may finish a last frame.
    """

    def __init__(self, subscribers: Sequence[Subscriber], capacity: int = 256) -> None:
        self.dropped = 0  # events that a subscriber has missed
        self._capacity = capacity
        self._deliveries: list[tuple[threading.Thread, Events]] = []
        for subscriber in subscribers:
            events, name = Events(), type(subscriber).__name__
            thread = threading.Thread(target=_deliver, args=(events, subscriber), name=name, daemon=True)
            self._deliveries.append((thread, events))
            thread.start()

    def publish(self, event: Callable[..., None], *arguments: object) -> None:
        """Call a method of every subscriber, such as `Subscriber.connected`. Never blocks."""
        for _, events in self._deliveries:
            if event in DROPPABLE and events.qsize() >= self._capacity:
                self.dropped += 1
            else:
                events.put((event.__name__, arguments))

    def close(self, timeout: float = 2.0) -> None:
        """Deliver the waiting events, for at most `timeout` seconds, and end."""
        end = time.monotonic() + timeout
        for _, events in self._deliveries:
            events.put(None)
        for thread, events in self._deliveries:
            thread.join(max(end - time.monotonic(), 0.0))
            if thread.is_alive():
                logger.warning("%s did not keep up; %d events are lost", thread.name, events.qsize())


def _deliver(events: Events, subscriber: Subscriber) -> None:
    ended: WeakSet[Session] = WeakSet()
    while (item := events.get()) is not None:
        event, arguments = item
        if arguments[0] in ended:
            continue
        if event == Subscriber.disconnected.__name__:
            ended.add(arguments[0])
        try:
            getattr(subscriber, event)(*arguments)
        except Exception:
            logger.exception("%s.%s failed; the flight continues", type(subscriber).__name__, event)
