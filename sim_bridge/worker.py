"""The inference worker: one thread, the newest frames of the sessions whose turn it is, one call of the network."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from sim_bridge.events import ProcessedFrame
from sim_bridge.session import Session
from sim_bridge.wire.messages import SensorFrame

logger = logging.getLogger(__name__)

MAX_BATCH = 4  # frames, as `model.inference` expects: on CPUs more gain nothing, and all wait for the last one


class Segmenter(Protocol):
    """Classifies the pixels of images."""

    typical_fraction: float  # of a target in plain view that it classifies as target, see `FollowAgent.step`

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(n, height, width, 3) uint8 RGB -> (n, rows, columns, 3) float32 probabilities."""
        ...


@dataclass(frozen=True)
class Job:
    """A frame to process."""

    session: Session
    frame: SensorFrame
    received: float  # `time.perf_counter()` on arrival
    reply: Callable[[dict[str, Any]], None] | None  # sends the acknowledgement, if one was requested


class InferenceWorker:
    """Processes the newest frame of each session, the sessions in turn, `MAX_BATCH` at once, and skips older frames.

    At most one frame per session waits: memory and latency are bounded however fast frames arrive. `on_result` is
    called once for every job, unless its session has been closed, with the outcome: the processed frame (its
    timings lack only the total), a BadFrame if an image cannot be decoded, another exception of the network or the
    agent, or None if a newer frame of the session replaced it.
    """

    def __init__(self, segmenter: Segmenter, on_result: Callable[[Job, ProcessedFrame | Exception | None], None]):
        self._segmenter = segmenter
        self._on_result = on_result
        self._mailboxes: dict[Session, Job] = {}  # the newest frame wins
        self._changed = threading.Condition()
        self._swap: tuple[Segmenter, Callable[[], None]] | None = None
        self._working = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    @property
    def busy(self) -> bool:
        """Whether there is a frame without a result."""
        return self._working or bool(self._mailboxes)

    def start(self) -> None:
        """Start processing. OpenCV gets one thread in this process: between small pictures, more would only spin."""
        cv2.setNumThreads(1)
        self._thread.start()

    def stop(self) -> None:
        """End after the current batch; wait at most two seconds for it."""
        with self._changed:
            self._stopping = True
            self._mailboxes.clear()
            self._changed.notify()
        self._thread.join(2.0)

    def submit(self, job: Job) -> None:
        """Put the newest frame of a session into its mailbox."""
        with self._changed:
            stale = self._mailboxes.get(job.session)
            self._mailboxes[job.session] = job
            self._changed.notify()
        if stale is not None:
            self._on_result(stale, None)

    def swap_model(self, segmenter: Segmenter, on_swapped: Callable[[], None]) -> None:
        """Use another network from the next batch on; `on_swapped` is called between the last batch and the next."""
        with self._changed:
            self._swap = segmenter, on_swapped
            self._changed.notify()

    def forget(self, session: Session) -> None:
        """Discard the waiting frame of a session that has been closed."""
        with self._changed:
            self._mailboxes.pop(session, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._mailboxes or self._stopping or self._swap)
                if self._stopping:
                    return
                turn = sorted(self._mailboxes, key=lambda session: session.last_turn)[:MAX_BATCH]
                jobs, self._working = [self._mailboxes.pop(session) for session in turn], True
                swap, self._swap = self._swap, None
            if swap is not None:
                self._segmenter, on_swapped = swap
                on_swapped()
            try:
                self._process(jobs)
            except Exception:  # a bug in this program; the next frame must be processed all the same
                logger.exception("%d frames were lost to a defect", len(jobs))
            self._working = False

    def _process(self, jobs: list[Job]) -> None:
        began = time.perf_counter()
        readable, pictures = [], []
        for job in jobs:
            job.session.last_turn = time.perf_counter()
            try:
                pictures.append(job.session.controls.network_picture(job.frame))
                readable.append(job)
            except Exception as reason:
                self._report(job, reason)
        if not readable:
            return
        decoded = time.perf_counter()
        try:
            outputs = list(zip(readable, self._segmenter.predict(np.stack(pictures)), strict=True))
        except Exception as error:
            for job in readable:
                self._report(job, error)
            return
        predicted = time.perf_counter()
        for job, probabilities in outputs:
            timings = {
                "wait": 1e3 * (began - job.received),
                "decode": 1e3 * (decoded - began),
                "network": 1e3 * (predicted - decoded),
            }
            self._report(job, _decide(job, probabilities, self._segmenter.typical_fraction, timings))

    def _report(self, job: Job, result: ProcessedFrame | Exception) -> None:
        try:
            self._on_result(job, result)
        except Exception:  # the other frames of its batch, and the next ones, must be processed all the same
            logger.exception("a frame was lost to a defect")


def _decide(
    job: Job, probabilities: np.ndarray, typical_fraction: float, timings: dict[str, float]
) -> ProcessedFrame | Exception:
    began = time.perf_counter()
    try:
        decision, override = job.session.controls.step(job.frame, probabilities, typical_fraction)
    except Exception as error:  # a BadFrame of the depth image, too, which is decoded only now
        return error
    timings["agent"] = 1e3 * (time.perf_counter() - began)
    return ProcessedFrame(job.frame, probabilities, decision, timings, override)
